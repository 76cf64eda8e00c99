"""Masks made from the colours of an image, and from shapes and gradients.

A point is (x, y) in pixels from the upper left corner of the picture, x to the right and y down; the centre of the
first pixel is (½, ½). Lengths are in pixels. A `shape` is (height, width) or the whole shape of an image. An `image` is
anything that `load_image` takes.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from scipy import ndimage

from ..image import load_image, luminance
from ..support.checks import checked_number, sides
from ..support.types import ImageSource, MaskArray, Shape
from .basics import checked_shape


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
