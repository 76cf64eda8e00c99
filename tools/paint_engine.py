"""Colour, noise, flows, shapes and light, shared by all recipes: numpy, scipy and Pillow only.

Recipes work on a canvas 1.5 times as large as the saved picture; the reduction at the end smooths every edge.
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
    """Look up a tone in [0, 1] in a row of colours, linearly between neighbours."""
    positions = np.linspace(0, 1, len(stops)) if positions is None else positions
    return np.stack([np.interp(tone, positions, stops[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def turned_hue(colour: np.ndarray, degrees: np.ndarray | float) -> np.ndarray:
    """Turn the hue of colours round the grey axis; 180 degrees gives the complement of equal lightness."""
    angle = np.radians(np.broadcast_to(degrees, colour.shape[:-1]))[..., None]
    axis = np.full(3, 3**-0.5)
    grey = colour.mean(-1, keepdims=True)
    return colour * np.cos(angle) + np.cross(axis, colour) * np.sin(angle) + grey * (1 - np.cos(angle))


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Rise from 0 at `low` to 1 at `high` with level ends."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay a colour or picture over another with a coverage in [0, 1]."""
    alpha = alpha[..., None] if np.ndim(alpha) == 2 else alpha
    return below + (above - below) * alpha


def grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The x and y coordinate of every pixel."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return x, y


def noise(rng: np.random.Generator, shape, scale, roughness: float = 0.0, ratio: float = 1.0) -> np.ndarray:
    """Isotropic noise with mean 0 and deviation 1; `scale` is the size of its features in pixels.

    Roughness 0 gives smooth blobs, 1 a fractal with detail down to the pixel; a `ratio` above 1 stretches it along x.
    """
    scale = min(scale, max(shape))
    # The margin keeps opposite edges from matching, which a Fourier sum would make them do.
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
    """Scale every direction to length one."""
    size = np.hypot(*flow) + 1e-6
    return flow[0] / size, flow[1] / size


def turned_flow(angle: np.ndarray) -> Flow:
    """Directions from an angle in radians, clockwise from the x axis as y points down."""
    return np.cos(angle), np.sin(angle)


def contour_flow(level: np.ndarray, blur: float = 4.0) -> Flow:
    """Directions along the contour lines of a field."""
    gy, gx = np.gradient(ndimage.gaussian_filter(level, blur))
    return unit_flow((gy, -gx))


def sample(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Nearest value of a field at points, with the border repeated outside."""
    height, width = values.shape[:2]
    return values[np.clip(np.rint(y).astype(int), 0, height - 1), np.clip(np.rint(x).astype(int), 0, width - 1)]


def drag(values: np.ndarray, flow: Flow, length: float, steps: int = 24) -> np.ndarray:
    """Smear a field along a flow, as a dry brush drags wet paint: the mean along each streamline."""
    # Smears are soft, so half the size shows as much in a quarter of the time.
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
    """Coverage in [0, 1] of filled polygons given as arrays of (x, y), with smooth edges."""
    factor = 2
    image = Image.new("L", (shape[1] * factor, shape[0] * factor))
    draw = ImageDraw.Draw(image)
    for points in polygons:
        draw.polygon([tuple(p) for p in np.asarray(points, float) * factor], fill=255)
    image = image.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(image, np.float32) / 255


def relief_light(colour: np.ndarray, height: np.ndarray, relief: float, gloss: float = 0.0) -> np.ndarray:
    """Shade a colour by a thickness lit from the upper left, with a soft gloss on slopes facing the light."""
    gy, gx = np.gradient(height)
    nx, ny = -gx * relief, -gy * relief
    size = np.sqrt(nx**2 + ny**2 + 1)
    light = (-0.5 * nx - 0.6 * ny + 0.62) / size
    shade = np.clip(light / 0.62, 0.35, 1.5)
    shine = np.clip((-0.3 * nx - 0.36 * ny + 0.88) / size, 0, 1) ** 24 - 0.88**24
    return np.clip(colour * (0.25 + 0.75 * shade)[..., None] + gloss * np.clip(shine, 0, 1)[..., None], 0, 1)


def weave(rng: np.random.Generator, shape, pitch: float = 5.0) -> np.ndarray:
    """A woven cloth as a height field around 0: two sets of uneven threads passing over each other."""
    x, y = grid(shape)
    x = x + 1.6 * noise(rng, shape, 40)
    y = y + 1.6 * noise(rng, shape, 40)
    over = np.sin(np.pi * x / pitch) * np.sin(np.pi * y / pitch)
    threads = np.where(over > 0, np.cos(2 * np.pi * x / pitch), np.cos(2 * np.pi * y / pitch))
    return ndimage.gaussian_filter(threads, 0.8) * (0.8 + 0.3 * noise(rng, shape, 12))


def paper(rng: np.random.Generator, shape, fibres: int = 600) -> np.ndarray:
    """Paper as a height field of deviation about 1: cloudy pulp, tooth and scattered long fibres."""
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
    """Reduce a painted array to the size at which it is saved."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    factor = longer_side / max(image.size)
    size = tuple(round(n * factor) for n in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def spline(points, count: int = 160) -> np.ndarray:
    """A smooth curve through points (x, y), with `count` samples evenly spread in its parameter."""
    points = np.asarray(points, float)
    knots = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T) ** 0.7)])
    return CubicSpline(knots / knots[-1], points)(np.linspace(0, 1, count))


def ribbon(path: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """The outline of a path with a width at every point."""
    slope = np.gradient(path, axis=0)
    normal = np.stack([-slope[:, 1], slope[:, 0]], 1) / (np.hypot(*slope.T)[:, None] + 1e-6)
    offset = normal * widths[:, None] / 2
    return np.concatenate([path + offset, (path - offset)[::-1]])


def outline(mask: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Coverage of a line of the given width that follows the edge of a mask."""
    inside = mask > 0.5
    distance = np.where(
        inside, ndimage.distance_transform_edt(inside) - 0.5, ndimage.distance_transform_edt(~inside) - 0.5
    )
    return np.clip((width - ndimage.gaussian_filter(distance, 0.7)) / 1.2 + 0.3, 0, 1)


def voronoi(shape, points: np.ndarray, wander: tuple | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest point of every pixel, its distance, and the distance to the border with the next one."""
    x, y = grid(shape)
    if wander is not None:
        x, y = x + wander[0], y + wander[1]
    distance, index = cKDTree(points).query(np.stack([x, y], -1).reshape(-1, 2), k=2)
    first, second = points[index[:, 0]], points[index[:, 1]]
    between = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * np.hypot(*(first - second).T) + 1e-6)
    return index[:, 0].reshape(shape), distance[:, 0].reshape(shape), between.reshape(shape)


def foliage(rng: np.random.Generator, shape, blobs, ragged: float = 0.3) -> np.ndarray:
    """Coverage of leafy masses given as (x, y, radius): soft balls with a torn edge."""
    x, y = grid(shape)
    fullness = np.full(shape, -9.0, np.float32)
    for cx, cy, radius in blobs:
        fullness = np.maximum(fullness, 1 - np.hypot(x - cx, (y - cy) * 1.12) / radius)
    return smoothstep(-0.03, 0.05, fullness + ragged * 0.3 * noise(rng, shape, 22, 0.5))


def ridge(rng: np.random.Generator, columns: int, level: float, swing: float, scale: float, rough=0.3):
    """The y of a hill line for every column."""
    return level + swing * noise(rng, (8, columns), scale, rough)[4]
