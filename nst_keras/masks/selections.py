"""Selections: masks made from an image's colours, and from shapes and gradients.

Points are (x, y) in pixels from the picture's upper left corner, x to the right and y down, as picture viewers count
them; a pixel's centre is half a pixel in. Lengths are pixels too. Shapes are (height, width), or an image's whole
shape. Where an image is wanted, it is anything that `load_image` takes.
"""

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from scipy import ndimage

from ..image import load_image, luminance
from ..support.checks import checked_number
from .basics import checked_shape


def select_color(image, color, tolerance, *, softness=0.0):
    """White where an image's colour is near `color`: √(mean over R, G, B of squared differences) ≤ tolerance.

    `color` is (red, green, blue) in [0, 1]. With `softness` s > 0 the mask falls from 1 to 0 linearly, between the
    distances tolerance − s/2 and tolerance + s/2.
    """
    return _threshold(
        -_distance(load_image(image), _numbers("color", color, 3)),
        -checked_number("tolerance", tolerance, minimum=0),
        softness,
    )


def select_brightness(image, threshold, *, softness=0.0):
    """White where an image's luminance in [0, 1] is at least `threshold`; `softness` as in `select_color`."""
    return _threshold(luminance(load_image(image)), checked_number("threshold", threshold, minimum=0), softness)


def _distance(image, color):
    return np.sqrt(np.mean(np.square(image - color), axis=-1))


def _threshold(values, at, softness):
    if checked_number("softness", softness, minimum=0) == 0:
        return (values >= at).astype("float32")
    return np.clip((values - at) / softness + 0.5, 0, 1).astype("float32")


def linear_gradient(shape, start, end):
    """Black up to `start`, white from `end` on, linear between them along the line from one to the other."""
    x, y = _pixel_centers(shape)
    start, end = _numbers("start", start, 2), _numbers("end", end, 2)
    along = end - start
    if not along.any():
        raise ValueError(f"start and end must be different points; both are {tuple(start.tolist())}.")
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
    return np.clip(share, 0, 1).astype("float32")


def radial_gradient(shape, center, radius):
    """White at `center`, black from `radius` on, linear between them: 1 − distance / radius."""
    x, y = _pixel_centers(shape)
    center = _numbers("center", center, 2)
    distance = np.hypot(x - center[0], y - center[1])
    return np.clip(1 - distance / checked_number("radius", radius, above=0), 0, 1).astype("float32")


def select_polygon(shape, points):
    """White inside a polygon; a pixel on its edge has the share of it that lies inside, to 1/255.

    `points` are at least three (x, y), in order; the last is joined to the first. They may lie outside the picture.
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


def select_ellipse(shape, center, radii):
    """White inside an ellipse with `radii` = (along x, along y), as a `select_polygon` of 360 sides."""
    radii = [checked_number("radii", radius, above=0) for radius in _numbers("radii", radii, 2).tolist()]
    angle = np.radians(np.arange(360))
    return select_polygon(
        shape, _numbers("center", center, 2) + np.stack([np.cos(angle), np.sin(angle)], axis=1) * radii
    )


def select_flood(image, point, tolerance):
    """White on the connected area round `point` whose colours are within `tolerance` of the colour there.

    Distances as in `select_color`; connected are pixels that share a side.
    """
    image = load_image(image)
    x, y = np.floor(_numbers("point", point, 2)).astype(int)
    height, width = image.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"point must lie in the image, {width}×{height} pixels; got {point!r}.")
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
