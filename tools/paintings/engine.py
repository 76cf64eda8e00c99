"""Colours, noise, flows, shapes and light for all recipes, with NumPy, SciPy and Pillow only.

Recipes paint on a canvas 1.5 times as large as the saved picture; the final reduction smooths every edge.
Fields are indexed [row, column]; points and directions are (x, y) in canvas pixels.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy import fft, ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

LANDSCAPE = (912, 1152)
PORTRAIT = (1152, 912)
SQUARE = (1152, 1152)

Flow = tuple[np.ndarray, np.ndarray]


def colours(*codes: str) -> np.ndarray:
    """Turn codes such as 'f2e6c9' into rows of red, green, blue in [0, 1]."""
    return np.array([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes], np.float32)


def ramp(tone: np.ndarray, stops: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
    """Map tones in [0, 1] to colours, with linear interpolation between neighbouring stops."""
    positions = np.linspace(0, 1, len(stops)) if positions is None else positions
    return np.stack([np.interp(tone, positions, stops[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def turned_hue(colour: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """Rotate colours about the grey axis; 180 degrees gives the complementary colour of equal lightness."""
    angle = np.radians(np.broadcast_to(degrees, colour.shape[:-1]))[..., None]
    axis = np.full(3, 3**-0.5)
    grey = colour.mean(-1, keepdims=True)
    return colour * np.cos(angle) + np.cross(axis, colour) * np.sin(angle) + grey * (1 - np.cos(angle))


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`, with slope 0 at both ends."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blend a colour or picture over another one with coverage `alpha` in [0, 1]."""
    alpha = alpha[..., None] if np.ndim(alpha) == 2 else alpha
    return below + (above - below) * alpha


def grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and y coordinates of all pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return x, y


def noise(rng: np.random.Generator, shape, scale, roughness: float = 0.0, ratio: float = 1.0) -> np.ndarray:
    """Return noise with mean 0 and standard deviation 1; `scale` is the size of its features in pixels.

    Roughness 0 gives smooth blobs, roughness 1 a fractal with detail in every pixel. A `ratio` above 1 stretches
    the features along x.
    """
    scale = min(scale, max(shape))
    # A Fourier sum is periodic; the margin keeps opposite edges from matching.
    padded = [fft.next_fast_len(int(n + 2 * scale), real=True) for n in shape]
    rows = fft.fftfreq(padded[0])[:, None].astype(np.float32)
    columns = fft.rfftfreq(padded[1])[None, :].astype(np.float32) * ratio
    frequency = np.sqrt(rows**2 + columns**2) * scale
    smooth = np.exp(-2 * frequency**2)
    fractal = (1 + frequency**2) ** -0.9
    spectrum = fft.rfft2(rng.standard_normal(padded, dtype=np.float32))
    result = fft.irfft2(spectrum * (smooth ** (1 - roughness) * fractal**roughness), s=padded)
    result = result[: shape[0], : shape[1]]
    return ((result - result.mean()) / result.std()).astype(np.float32)


def unit_flow(flow: Flow) -> Flow:
    """Scale every direction to length 1."""
    size = np.hypot(*flow) + 1e-6
    return flow[0] / size, flow[1] / size


def turned_flow(angle: np.ndarray) -> Flow:
    """Return the directions for angles in radians, clockwise from the x axis because y points down."""
    return np.cos(angle), np.sin(angle)


def contour_flow(level: np.ndarray, blur: float = 4.0) -> Flow:
    """Return the directions along the contour lines of a field."""
    gy, gx = np.gradient(ndimage.gaussian_filter(level, blur))
    return unit_flow((gy, -gx))


def sample(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the nearest value of a field at each point; outside the field, the nearest border value."""
    height, width = values.shape[:2]
    return values[np.clip(np.rint(y).astype(int), 0, height - 1), np.clip(np.rint(x).astype(int), 0, width - 1)]


def drag(values: np.ndarray, flow: Flow, length: float, steps: int = 24) -> np.ndarray:
    """Average a field along the streamlines of a flow, as a dry brush drags wet paint."""
    # The result is smooth, so half the size is enough and takes a quarter of the time.
    small, slopes = values[::2, ::2].astype(np.float32), [part[::2, ::2] for part in flow]
    x, y = grid(small.shape)
    step = length / (2 * steps)
    total = small.copy()
    for sign in (-1, 1):
        px, py = x, y
        for _ in range(steps):
            dx, dy = (sample(slope, px, py) for slope in slopes)
            px, py = px + sign * dx * step, py + sign * dy * step
            total += ndimage.map_coordinates(small, [py, px], order=1, mode="nearest")
    sizes = [whole / half for whole, half in zip(values.shape, small.shape, strict=True)]
    return ndimage.zoom(total / (2 * steps + 1), sizes, order=1)


def polygon_mask(shape, *polygons) -> np.ndarray:
    """Return the coverage in [0, 1] of filled polygons, given as arrays of (x, y), with smooth edges."""
    factor = 2
    image = Image.new("L", (shape[1] * factor, shape[0] * factor))
    draw = ImageDraw.Draw(image)
    for points in polygons:
        draw.polygon([tuple(p) for p in np.asarray(points, float) * factor], fill=255)
    image = image.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(image, np.float32) / 255


def relief_light(colour: np.ndarray, height: np.ndarray, relief: float, gloss: float = 0.0) -> np.ndarray:
    """Shade a colour by a height field lit from the upper left, with a soft gloss on slopes that face the light."""
    gy, gx = np.gradient(height)
    nx, ny = -gx * relief, -gy * relief
    size = np.sqrt(nx**2 + ny**2 + 1)
    light = (-0.5 * nx - 0.6 * ny + 0.62) / size
    shade = np.clip(light / 0.62, 0.35, 1.5)
    shine = np.clip((-0.3 * nx - 0.36 * ny + 0.88) / size, 0, 1) ** 24 - 0.88**24
    return np.clip(colour * (0.25 + 0.75 * shade)[..., None] + gloss * np.clip(shine, 0, 1)[..., None], 0, 1)


def weave(rng: np.random.Generator, shape, pitch: float = 5.0) -> np.ndarray:
    """Return woven cloth as a height field around 0: two sets of uneven threads that cross."""
    x, y = grid(shape)
    x = x + 1.6 * noise(rng, shape, 40)
    y = y + 1.6 * noise(rng, shape, 40)
    over = np.sin(np.pi * x / pitch) * np.sin(np.pi * y / pitch)
    threads = np.where(over > 0, np.cos(2 * np.pi * x / pitch), np.cos(2 * np.pi * y / pitch))
    return ndimage.gaussian_filter(threads, 0.8) * (0.8 + 0.3 * noise(rng, shape, 12))


def paper(rng: np.random.Generator, shape, fibres: int = 600) -> np.ndarray:
    """Return paper as a height field with standard deviation about 1: cloudy pulp, tooth and scattered long fibres."""
    pulp = 0.4 * noise(rng, shape, 30, 0.5) + 0.6 * noise(rng, shape, 5, 0.4) + 0.4 * noise(rng, shape, 2.2)
    image = Image.new("F", (shape[1], shape[0]))
    draw = ImageDraw.Draw(image)
    for _ in range(fibres):
        start = rng.uniform((0, 0), (shape[1], shape[0]))
        bend = np.cumsum(rng.normal(0, 0.25, 10)) + rng.uniform(0, 2 * np.pi)
        points = start + np.cumsum(np.stack([np.cos(bend), np.sin(bend)], 1) * rng.uniform(2, 7), axis=0)
        draw.line([tuple(p) for p in points], fill=float(rng.normal(0, 2.0)), width=1)
    return pulp + ndimage.gaussian_filter(np.asarray(image), 0.7)


def finished(picture: np.ndarray, longer_side: int = 768) -> Image.Image:
    """Reduce a painted array to the size of the saved picture."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    factor = longer_side / max(image.size)
    size = tuple(round(n * factor) for n in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def spline(points, count: int = 160) -> np.ndarray:
    """Return `count` samples of a smooth curve through points (x, y), evenly spaced in its parameter."""
    points = np.asarray(points, float)
    knots = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T) ** 0.7)])
    return CubicSpline(knots / knots[-1], points)(np.linspace(0, 1, count))


def ribbon(path: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the outline of a path that has a width at every point."""
    slope = np.gradient(path, axis=0)
    normal = np.stack([-slope[:, 1], slope[:, 0]], 1) / (np.hypot(*slope.T)[:, None] + 1e-6)
    offset = normal * widths[:, None] / 2
    return np.concatenate([path + offset, (path - offset)[::-1]])


def outline(mask: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Return the coverage of a line of the given width along the edge of a mask."""
    inside = mask > 0.5
    distance = np.where(
        inside, ndimage.distance_transform_edt(inside) - 0.5, ndimage.distance_transform_edt(~inside) - 0.5
    )
    return np.clip((width - ndimage.gaussian_filter(distance, 0.7)) / 1.2 + 0.3, 0, 1)


def voronoi(shape, points: np.ndarray, wander: tuple | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the index of each pixel's nearest point, its distance, and the distance to the border of the cell."""
    x, y = grid(shape)
    if wander is not None:
        x, y = x + wander[0], y + wander[1]
    distance, index = cKDTree(points).query(np.stack([x, y], -1).reshape(-1, 2), k=2)
    first, second = points[index[:, 0]], points[index[:, 1]]
    between = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * np.hypot(*(first - second).T) + 1e-6)
    return index[:, 0].reshape(shape), distance[:, 0].reshape(shape), between.reshape(shape)


def foliage(rng: np.random.Generator, shape, blobs, ragged: float = 0.3) -> np.ndarray:
    """Return the coverage of leafy masses, given as (x, y, radius): soft balls with a ragged edge."""
    x, y = grid(shape)
    fullness = np.full(shape, -9.0, np.float32)
    for cx, cy, radius in blobs:
        fullness = np.maximum(fullness, 1 - np.hypot(x - cx, (y - cy) * 1.12) / radius)
    return smoothstep(-0.03, 0.05, fullness + ragged * 0.3 * noise(rng, shape, 22, 0.5))


def ridge(rng: np.random.Generator, columns: int, level: float, swing: float, scale: float, rough=0.3):
    """Return the y of a hill line for every column."""
    return level + swing * noise(rng, (8, columns), scale, rough)[4]
