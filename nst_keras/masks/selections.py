"""Masks made from the colours of an image, from strokes on it, and from shapes and gradients.

A point is (x, y) in pixels from the upper left corner of the picture, x to the right and y down; the centre of the
first pixel is (½, ½). Lengths are in pixels. A `shape` is (height, width) or the whole shape of an image. An `image` is
anything that `load_image` takes.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image
from scipy import ndimage
from scipy.cluster import vq
from scipy.spatial import KDTree

from ..image import load_image, luminance, reduced
from ..support.checks import checked_number, sides
from ..support.types import ImageSource, MaskArray, MaskSource, Shape
from .basics import checked_shape, load_mask

SCRIBBLE_SIDE = 320  # pixels of the longer side of the small copy
SCRIBBLE_POINTS, SCRIBBLE_NEIGHBOURS = 150, 5  # points of the strokes of each kind; those that a pixel is compared with
MAX_SEGMENTS = 64
GUIDE_SIDE, GUIDE_EPSILON = 9, 1e-3  # of the guided filter: pixels of its window's side; ε


def select_color(image: ImageSource, color: Sequence[float], tolerance: float, *, softness: float = 0.0) -> MaskArray:
    """Select the pixels whose colour is near `color`, (red, green, blue) in [0, 1].

    A pixel is white if its distance, √(mean over R, G, B of squared differences), is at most `tolerance`. With a
    `softness` s > 0, the mask falls linearly from 1 at the distance tolerance − s/2 to 0 at tolerance + s/2.
    """
    distance = _distance(load_image(image), _numbers("color", color, 3))
    return _threshold(-distance, -checked_number("tolerance", tolerance, minimum=0), softness)


def select_brightness(image: ImageSource, threshold: float, *, softness: float = 0.0) -> MaskArray:
    """Select the pixels whose luminance in [0, 1] is at least `threshold`; `softness` as in `select_color`."""
    return _threshold(luminance(load_image(image)), checked_number("threshold", threshold, minimum=0), softness)


def _distance(image, color):
    return np.sqrt(np.mean(np.square(image - color), axis=-1))


def _threshold(values, at, softness):
    if checked_number("softness", softness, minimum=0) == 0:
        return (values >= at).astype("float32")
    return np.clip((values - at) / softness + 0.5, 0, 1).astype("float32")


def linear_gradient(shape: Shape, start: Sequence[float], end: Sequence[float]) -> MaskArray:
    """Return a mask that is black up to the point `start`, rises linearly, and is white from the point `end` on."""
    x, y = _pixel_centers(shape)
    start, end = _numbers("start", start, 2), _numbers("end", end, 2)
    along = end - start
    if not along.any():
        raise ValueError(f"start and end must be different points; both are {tuple(start.tolist())}.")
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
    return np.clip(share, 0, 1).astype("float32")


def radial_gradient(shape: Shape, center: Sequence[float], radius: float) -> MaskArray:
    """Return 1 − distance / radius: a mask that is white at `center` and black from `radius` on."""
    x, y = _pixel_centers(shape)
    center = _numbers("center", center, 2)
    distance = np.hypot(x - center[0], y - center[1])
    return np.clip(1 - distance / checked_number("radius", radius, above=0), 0, 1).astype("float32")


def select_polygon(shape: Shape, points: Sequence[Sequence[float]]) -> MaskArray:
    """Select the inside of a polygon; a pixel on its edge gets the share of its area that lies inside, to 1/255.

    `points` are at least three corners in order, also outside the picture; the last is joined to the first.
    """
    height, width = checked_shape(shape)
    points = [_numbers(f"points[{i}]", point, 2) for i, point in enumerate(points)]
    if len(points) < 3:
        raise ValueError(f"points must be at least three (x, y); got {len(points)}.")
    canvas = RendererAgg(width, height, dpi=72)
    fill = canvas.new_gc()
    fill.set_linewidth(0)
    fill.set_snap(False)
    upside_down = Affine2D().scale(1, -1).translate(0, height)  # Matplotlib's y points up
    canvas.draw_path(fill, Path(points), upside_down, (1.0, 1.0, 1.0))
    return np.asarray(canvas.buffer_rgba())[..., 3].astype("float32") / 255


def select_ellipse(shape: Shape, center: Sequence[float], radii: Sequence[float]) -> MaskArray:
    """Select the inside of an ellipse with `radii` along x and y: a `select_polygon` with 360 corners."""
    radii = [checked_number("radii", radius, above=0) for radius in _numbers("radii", radii, 2).tolist()]
    angle = np.radians(np.arange(360))
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return select_polygon(shape, _numbers("center", center, 2) + circle * radii)


def select_flood(image: ImageSource, point: Sequence[float], tolerance: float) -> MaskArray:
    """Select the connected area around `point` whose colours are within `tolerance` of the colour at the point.

    The distance of colours is that of `select_color`; pixels that share a side are connected.
    """
    image = load_image(image)
    x, y = np.floor(_numbers("point", point, 2)).astype(int)
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"point must lie in the image, {sides(image.shape)} pixels; got {point!r}.")
    alike = _distance(image, image[y, x]) <= checked_number("tolerance", tolerance, minimum=0)
    labels, _ = ndimage.label(alike)
    return (labels == labels[y, x]).astype("float32")


def select_scribble(image: ImageSource, inside: MaskSource, outside: MaskSource) -> MaskArray:
    """Select what a few strokes `inside` mark, and not what strokes `outside` mark; the edge is the photograph's.

    Each pixel of a small copy goes to the strokes whose colour and place are nearest. Then parts without a stroke
    inside are left out, and holes without a stroke outside are filled. A guided filter (He, Sun, Tang, "Guided Image
    Filtering", ECCV 2010) fits the edge to the photograph; its coefficients come from the small copy (He, Sun,
    arXiv:1505.00996). If something is wrong, draw one more stroke there.

    Parameters
    ----------
    image
        A photograph, see `load_image`.
    inside, outside
        Masks of the strokes, see `load_mask`, or arrays of booleans; a stroke is where they are above 0.5. No pixel may
        be in both.

    Returns
    -------
    MaskArray
        (H, W), float32 in [0, 1]: 1 on the strokes inside, 0 on those outside, soft at the edge.
    """
    image = load_image(image)
    strokes = [_strokes(mask, image, name) for name, mask in {"inside": inside, "outside": outside}.items()]
    if both := np.count_nonzero(strokes[0] & strokes[1]):
        raise ValueError(
            f"inside and outside must not share pixels; they share {both}. Erase one of the strokes there."
        )
    small = reduced(image, SCRIBBLE_SIDE)
    if np.ptp(small, axis=(0, 1)).max() < 1 / 255:
        raise ValueError("image has one colour, so there is no edge to follow. select_polygon takes an outline.")
    features = _features(small)
    points, distances = [_points(marked, small.shape[:2]) for marked in strokes], []
    for place in points:
        nearest = range(1, min(SCRIBBLE_NEIGHBOURS, len(place[0])) + 1)
        distances.append(KDTree(features[place]).query(features, k=nearest)[0].mean(axis=-1))
    likely = distances[1] / (distances[0] + distances[1] + 1e-9)
    likely[points[0]], likely[points[1]] = 1, 0
    likely = _guided(likely, small, small) > 0.5
    likely[points[0]], likely[points[1]] = True, False
    parts, _ = ndimage.label(likely)
    framed, _ = ndimage.label(np.pad(~np.isin(parts, parts[points[0]]), 1, constant_values=True))
    holes = framed[1:-1, 1:-1]
    chosen = ~np.isin(holes, [framed[0, 0], *holes[points[1]]])  # what is connected with the border is no hole
    mask = np.clip(2 * _guided(chosen.astype("float32"), small, image) - 0.5, 0, 1)  # an edge twice as steep
    mask[strokes[0]], mask[strokes[1]] = 1, 0
    return mask.astype("float32")


def select_segments(image: ImageSource, count: int) -> list[MaskArray]:
    """Split an image into `count` parts of like colour and place: soft masks that add up to 1, the largest first.

    They are the clusters of k-means on a small copy; the edges are fitted as in `select_scribble`.
    """
    image = load_image(image)
    small = reduced(image, SCRIBBLE_SIDE)
    pixels = _features(small).reshape(-1, 5)
    most = min(MAX_SEGMENTS, len(pixels))
    if not isinstance(count, (int, np.integer)) or not 2 <= count <= most:
        raise ValueError(f"count must be a whole number from 2 to {most}; got {count!r}.")
    _, labels = vq.kmeans2(pixels, count, minit="++", seed=0)
    clusters = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    labels = labels.reshape(small.shape[:2])
    masks = [np.clip(_guided((labels == cluster).astype("float32"), small, image), 0, 1) for cluster in clusters]
    total = np.sum(masks, axis=0)
    return [(mask / total).astype("float32") for mask in masks]


def _features(image):
    """Return red, green, blue, x and y of each pixel; the longer side of the image has the length 1."""
    y, x = np.indices(image.shape[:2]) / max(image.shape)
    return np.dstack([image, x, y])


def _strokes(mask, image, name):
    booleans = isinstance(mask, np.ndarray) and mask.dtype.kind == "b"
    if not booleans or mask.shape != image.shape[:2]:
        mask = load_mask(mask.astype("float32") if booleans else mask, image.shape, name=name) > 0.5
    if not mask.any():
        raise ValueError(f"{name} has no stroke: it must be white, above 0.5, on some pixels. Draw at least one.")
    return mask


def _points(marked, shape):
    """Return rows and columns, in a smaller picture of `shape`, of some pixels of the strokes."""
    places = np.argwhere(marked)
    places = places[np.linspace(0, len(places) - 1, min(len(places), SCRIBBLE_POINTS)).astype(int)]
    return tuple((places * shape // marked.shape).T)


def _guided(values, small, image):
    """Fit a·colour + b to the values around each pixel of a small picture; return a·colour + b for the large one."""

    def mean(of):
        return ndimage.uniform_filter(of, (GUIDE_SIDE, GUIDE_SIDE) + (1,) * (of.ndim - 2), mode="nearest")

    color, value = mean(small), mean(values)
    variance = mean(small[..., None] * small[..., None, :]) - color[..., None] * color[..., None, :]
    shared = mean(small * values[..., None]) - color * value[..., None]
    slope = np.linalg.solve(variance + GUIDE_EPSILON * np.eye(3), shared[..., None])[..., 0]
    planes = mean(np.dstack([slope, value - np.sum(slope * color, axis=-1)])).astype("float32")
    planes = [Image.fromarray(plane.copy()).resize(image.shape[1::-1]) for plane in np.moveaxis(planes, -1, 0)]
    return sum(np.asarray(plane) * image[..., i] for i, plane in enumerate(planes[:3])) + np.asarray(planes[3])


def _pixel_centers(shape):
    height, width = checked_shape(shape)
    return np.arange(width)[None, :] + 0.5, np.arange(height)[:, None] + 0.5


def _numbers(name, values, count):
    try:
        numbers = np.asarray(values, "float64")
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be {count} finite numbers; got {values!r}.")
    return numbers
