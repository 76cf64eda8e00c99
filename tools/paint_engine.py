"""The brush, the noise and the light shared by all recipes: numpy, scipy and Pillow only.

Recipes work on a canvas 1.5 times as large as the saved picture; the reduction at the end smooths every edge.
Fields are indexed [row, column]; points and directions are (x, y) in canvas pixels.
"""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw
from scipy import fft, ndimage

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
    return values[
        np.clip(np.rint(y).astype(int), 0, height - 1), np.clip(np.rint(x).astype(int), 0, width - 1)
    ]


def drag(values: np.ndarray, flow: Flow, length: float, steps: int = 24) -> np.ndarray:
    """Smear a field along a flow, as a dry brush drags wet paint: the mean along each streamline."""
    x, y = grid(values.shape[:2])
    total = values.astype(np.float32).copy()
    for sign in (-1, 1):
        px, py = x.copy(), y.copy()
        for _ in range(steps):
            dx, dy = sample(flow[0], px, py), sample(flow[1], px, py)
            px += sign * dx * length / steps
            py += sign * dy * length / steps
            total += ndimage.map_coordinates(values, [py, px], order=1, mode="nearest")
    return total / (2 * steps + 1)


def polygon_mask(shape, *polygons) -> np.ndarray:
    """Coverage in [0, 1] of filled polygons given as arrays of (x, y), with smooth edges."""
    factor = 2
    image = Image.new("L", (shape[1] * factor, shape[0] * factor))
    draw = ImageDraw.Draw(image)
    for points in polygons:
        draw.polygon([tuple(p) for p in np.asarray(points, float) * factor], fill=255)
    image = image.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(image, np.float32) / 255


def trace(flow: Flow, starts: np.ndarray, lengths: np.ndarray, points: int) -> np.ndarray:
    """Follow a flow from each start half a length both ways: an array (strokes, points, 2)."""
    half = points // 2
    arms = []
    for sign in (-1, 1):
        place = starts.astype(np.float32).copy()
        arm = [place]
        step = sign * (lengths / (2 * half))[:, None]
        for _ in range(half):
            slope = np.stack([sample(f, place[:, 0], place[:, 1]) for f in flow], 1)
            middle = place + slope * step / 2
            place = place + np.stack([sample(f, middle[:, 0], middle[:, 1]) for f in flow], 1) * step
            arm.append(place)
        arms.append(arm)
    return np.stack(arms[0][:0:-1] + arms[1], axis=1)


def bristle_bank(rng: np.random.Generator, count: int = 12) -> np.ndarray:
    """Tables (along, across) of what each bristle leaves: long streaks with some breaks, deviation 1."""
    across = rng.standard_normal((count, 1, 48))
    along = ndimage.gaussian_filter(rng.standard_normal((count, 512, 48)), (0, 14, 0.6), mode="wrap")
    broken = ndimage.gaussian_filter(rng.standard_normal((count, 512, 48)), (0, 3, 0.8), mode="wrap")
    table = 0.8 * across + along / along.std() + 0.5 * broken / broken.std()
    return (table / table.std()).astype(np.float32)


@dataclass
class Canvas:
    """Wet paint: a colour and a thickness at every pixel, and the brushes that lay it on."""

    colour: np.ndarray
    rng: np.random.Generator
    tooth: np.ndarray | None = None
    height: np.ndarray = field(init=False)
    bristles: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.colour = np.ascontiguousarray(self.colour, np.float32)
        self.height = np.zeros(self.colour.shape[:2], np.float32)
        self.bristles = bristle_bank(self.rng)

    def stroke(
        self,
        path: np.ndarray,
        width: float,
        colour: np.ndarray,
        second: np.ndarray | None = None,
        *,
        opacity: float = 0.95,
        load: float = 1.0,
        dryness: float = 0.0,
        taper: float = 0.5,
        streaks: float = 0.06,
        grip: float = 0.0,
    ) -> None:
        """Draw one brush stroke along a path of (x, y) points.

        `second` is the colour at one side of the brush, `load` the thickness of the paint, `dryness` how far
        the bristles break up towards the end, `taper` how much the ends narrow, `streaks` the contrast
        between bristles, and `grip` how much of it only the high grains of the ground take, as with crayon.
        """
        rows, columns = self.height.shape
        steps = np.diff(path, axis=0)
        distance = np.concatenate([[0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))]).astype(np.float32)
        length = distance[-1]
        if length < 1:
            return
        half = width / 2
        # The ribbon is covered with points closer than a pixel; each pixel then keeps one of them and moves
        # its two coordinates by what is missing, so edges come out exact without any search.
        along = np.linspace(0, length, int(length / 0.65) + 2, dtype=np.float32)
        across = np.linspace(-half - 1, half + 1, int((width + 2) / 0.65) + 2, dtype=np.float32)
        x = np.interp(along, distance, path[:, 0]).astype(np.float32)
        y = np.interp(along, distance, path[:, 1]).astype(np.float32)
        # Slopes are interpolated between the points of the path: at sharp corners the ribbon would gape.
        slope_x = np.interp(along, distance, np.gradient(path[:, 0])).astype(np.float32)
        slope_y = np.interp(along, distance, np.gradient(path[:, 1])).astype(np.float32)
        size = np.hypot(slope_x, slope_y) + 1e-6
        slope_x, slope_y = slope_x / size, slope_y / size
        ribbon_x = x[:, None] - slope_y[:, None] * across
        ribbon_y = y[:, None] + slope_x[:, None] * across
        left, top = int(ribbon_x.min()), int(ribbon_y.min())
        column, row = np.rint(ribbon_x).astype(np.int32), np.rint(ribbon_y).astype(np.int32)
        crop_width = int(ribbon_x.max()) - left + 3
        owner = np.full((int(ribbon_y.max()) - top + 3) * crop_width, -1, np.int32)
        owner[((row - top + 1) * crop_width + column - left + 1).ravel()] = np.arange(row.size)
        owner = owner[owner >= 0]
        column, row = column.ravel()[owner], row.ravel()[owner]
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        owner, column, row = owner[inside], column[inside], row[inside]
        if not owner.size:
            return
        i, j = np.divmod(owner, across.size)
        miss_x, miss_y = column - ribbon_x.ravel()[owner], row - ribbon_y.ravel()[owner]
        u = along[i] + miss_x * slope_x[i] + miss_y * slope_y[i]
        v = across[j] - miss_x * slope_y[i] + miss_y * slope_x[i]

        table = self.bristles[self.rng.integers(len(self.bristles))]
        # A narrow brush takes a few lanes only, so that no bristle is finer than the pixels can show.
        lanes = min(table.shape[1] - 1.001, 0.6 * width)
        first_lane = self.rng.integers(table.shape[1] - int(lanes) - 1)
        lane = first_lane + np.clip((v / half + 1) / 2, 0, 1) * lanes
        lane_index = lane.astype(np.int32)
        part = lane - lane_index
        u_index = (u * 0.7 + self.rng.integers(512)).astype(np.int32) % 512
        bristle = table[u_index, lane_index] * (1 - part) + table[u_index, lane_index + 1] * part

        to_end = np.minimum(u, length - u) - bristle * width * 0.07 + 1
        profile = np.clip(to_end / (half * (0.3 + 2.5 * taper) + 0.5), 0, 1)
        narrow = half * (1 - taper * (1 - np.sqrt(profile)))
        alpha = np.clip(narrow - np.abs(v) + 0.5, 0, 1) * np.clip(to_end, 0, 1)
        if dryness:
            alpha *= np.clip(1.6 + bristle * 0.9 - dryness * (1.2 + 2.4 * u / length), 0, 1)
        flat = row * columns + column
        if grip and self.tooth is not None:
            alpha *= np.clip(1.5 - 2 * grip + 0.9 * self.tooth.ravel()[flat], 0, 1)
        alpha *= opacity
        rim = max(0.2 * half, 1.2)
        thickness = load * (0.75 + 0.22 * bristle + 0.5 * np.exp(-(((half - np.abs(v)) / rim - 1) ** 2)))

        old_height = self.height.ravel()[flat]
        self.height.ravel()[flat] = old_height * (1 - 0.8 * alpha) + alpha * thickness
        paint = np.broadcast_to(colour, (flat.size, 3))
        if second is not None:
            share = np.clip(0.5 + 0.55 * v / half + 0.28 * bristle, 0, 1)[:, None]
            paint = paint + (second - paint) * share
        paint = paint * (1 + streaks * bristle[:, None])
        pixels = self.colour.reshape(-1, 3)
        old = pixels[flat]
        pixels[flat] = old + (paint - old) * alpha[:, None]

    def cover(
        self,
        target: np.ndarray,
        flow: Flow,
        *,
        count: int,
        width: float,
        length: float,
        mask: np.ndarray | None = None,
        jitter: float = 0.05,
        vary: float = 0.35,
        **brush,
    ) -> None:
        """Lay many strokes along a flow, each in the colour that `target` has at its middle.

        `jitter` scatters the colour, more in lightness than in hue; `vary` scatters width and length.
        """
        rows, columns = self.height.shape
        rng = self.rng
        starts = scattered(rng, (rows, columns), count, mask)
        count = len(starts)
        widths = width * np.exp(vary * rng.standard_normal(count))
        lengths = length * np.exp(vary * rng.standard_normal(count))
        paths = trace(flow, starts, lengths, int(np.clip(length / 8, 6, 60)) | 1)
        tint = sample(target, starts[:, 0], starts[:, 1])
        tint = tint + jitter * (rng.standard_normal((count, 1)) + 0.5 * rng.standard_normal((count, 3)))
        second = tint + jitter * (rng.standard_normal((count, 1)) + 0.7 * rng.standard_normal((count, 3)))
        for path, wide, first, other in zip(paths, widths, tint, second, strict=True):
            self.stroke(path, max(wide, 1.6), first.clip(0, 1), other.clip(0, 1), **brush)

    def dabs(
        self, points: np.ndarray, radii, tints, angles, *, stretch: float = 1.25, load: float = 1.0
    ) -> None:
        """Set one oval touch of paint at each point, with its own radius, colour and direction."""
        rows, columns = self.height.shape
        pixels = self.colour.reshape(-1, 3)
        thickness = self.height.ravel()
        # Touches of one batch do not see each other, which hardly shows as long as a batch is sparse.
        for batch in np.array_split(np.arange(len(points)), max(1, len(points) // 200)):
            centre, radius = points[batch, None, None], radii[batch, None, None]
            reach = int(np.ceil(radius.max() * stretch * 1.2)) + 1
            offset_y, offset_x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
            column = np.rint(centre[..., 0]).astype(int) + offset_x
            row = np.rint(centre[..., 1]).astype(int) + offset_y
            dx, dy = column - centre[..., 0], row - centre[..., 1]
            cosine, sine = np.cos(angles[batch, None, None]), np.sin(angles[batch, None, None])
            u, v = (dx * cosine + dy * sine) / stretch, dy * cosine - dx * sine
            lobe = 1 + 0.1 * np.sin(3 * np.arctan2(v, u) + 9 * self.rng.random(radius.shape))
            distance = np.hypot(u, v) / lobe
            alpha = np.clip(radius - distance + 0.5, 0, 1)
            keep = (alpha > 0) & (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            flat, alpha = (row * columns + column)[keep], alpha[keep]
            rise = load * (0.6 + 0.5 * np.exp(-(((distance / radius - 0.7) / 0.25) ** 2)) - 0.15 * v / radius)[keep]
            thickness[flat] = thickness[flat] * (1 - 0.9 * alpha) + alpha * rise
            owner = np.broadcast_to(np.arange(len(batch))[:, None, None], keep.shape)[keep]
            paint = tints[batch][owner] * (1 + 0.04 * self.rng.standard_normal(len(owner)))[:, None]
            pixels[flat] += (paint - pixels[flat]) * alpha[:, None]

    def lit(self, relief: float = 1.0, gloss: float = 0.1, fine: float = 0.7) -> np.ndarray:
        """The colour with its thickness lit from the upper left."""
        return relief_light(self.colour, ndimage.gaussian_filter(self.height, fine), relief, gloss)


def scattered(rng, shape, count: int, mask: np.ndarray | None = None) -> np.ndarray:
    """Random points (x, y), spread more evenly than by chance, in random order, where the mask allows."""
    rows, columns = shape
    fraction = 1.0 if mask is None else max(float(np.mean(mask > 0.5)), 1e-4)
    side = np.sqrt(rows * columns * fraction / count)
    x, y = np.meshgrid(np.arange(0, columns, side), np.arange(0, rows, side))
    points = np.stack([x.ravel(), y.ravel()], 1) + rng.uniform(-0.3, 1.3, (x.size, 2)) * side
    points = points[(points[:, 0] < columns) & (points[:, 1] < rows) & (points.min(1) >= 0)]
    if mask is not None:
        points = points[sample(mask, points[:, 0], points[:, 1]) > 0.5]
    return rng.permutation(points).astype(np.float32)


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
