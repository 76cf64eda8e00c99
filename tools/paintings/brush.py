"""A brush whose strokes leave colour and thickness on a canvas, one at a time or many along a flow."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from .engine import Flow, relief_light, sample


def scattered(rng, shape, count: int, mask: np.ndarray | None = None) -> np.ndarray:
    """Return random points (x, y) in random order, on a jittered grid, where the mask is above 0.5."""
    rows, columns = shape
    fraction = 1.0 if mask is None else max(float(np.mean(mask > 0.5)), 1e-4)
    side = np.sqrt(rows * columns * fraction / count)
    x, y = np.meshgrid(np.arange(0, columns, side), np.arange(0, rows, side))
    points = np.stack([x.ravel(), y.ravel()], 1) + rng.uniform(-0.3, 1.3, (x.size, 2)) * side
    points = points[(points[:, 0] < columns) & (points[:, 1] < rows) & (points.min(1) >= 0)]
    if mask is not None:
        points = points[sample(mask, points[:, 0], points[:, 1]) > 0.5]
    return rng.permutation(points).astype(np.float32)


def trace(flow: Flow, starts: np.ndarray, lengths: np.ndarray, points: int) -> np.ndarray:
    """Follow a flow half a length in both directions from each start, and return paths (strokes, points, 2)."""
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
    """Return `count` tables (along, across) of bristle marks: long streaks with some breaks, standard deviation 1."""
    across = rng.standard_normal((count, 1, 48))
    along = ndimage.gaussian_filter(rng.standard_normal((count, 512, 48)), (0, 14, 0.6), mode="wrap")
    broken = ndimage.gaussian_filter(rng.standard_normal((count, 512, 48)), (0, 3, 0.8), mode="wrap")
    table = 0.8 * across + along / along.std() + 0.5 * broken / broken.std()
    return (table / table.std()).astype(np.float32)


@dataclass
class Canvas:
    """Hold a colour and a paint thickness for every pixel, and draw strokes on them."""

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
        knife: bool = False,
    ) -> None:
        """Draw one brush stroke along a path of (x, y) points.

        `second` is the colour at one side of the brush, `load` the thickness of the paint, `dryness` how much
        the stroke breaks up towards its end, `taper` how much its ends narrow, and `streaks` the contrast between
        bristles. With a high `grip` only the high grains of the ground take colour, as with crayon.
        A `knife` leaves a flat slab with high edges instead of the furrows of bristles.
        """
        rows, columns = self.height.shape
        steps = np.diff(path, axis=0)
        distance = np.concatenate([[0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))]).astype(np.float32)
        length = distance[-1]
        if length < 1:
            return
        half = width / 2
        # Points less than a pixel apart cover the ribbon. Each pixel keeps one point and corrects its two
        # coordinates by the remaining offset: edges are exact, and no search is needed.
        along = np.linspace(0, length, int(length / 0.65) + 2, dtype=np.float32)
        across = np.linspace(-half - 1, half + 1, int((width + 2) / 0.65) + 2, dtype=np.float32)
        x = np.interp(along, distance, path[:, 0]).astype(np.float32)
        y = np.interp(along, distance, path[:, 1]).astype(np.float32)
        # Interpolate the slopes between the points of the path; otherwise the ribbon has gaps at sharp corners.
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
        # A narrow brush has few lanes, so that no bristle is narrower than a pixel.
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
        furrows, edge = (0.07, 0.9) if knife else (0.22, 0.5)
        thickness = load * (0.75 + furrows * bristle + edge * np.exp(-(((half - np.abs(v)) / rim - 1) ** 2)))
        if knife:
            thickness += 0.8 * load * np.exp(-(((length - u) / rim - 1) ** 2))

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
        """Draw many strokes along a flow, each in the colour of `target` at the middle of the stroke.

        `jitter` varies the colour, lightness more than hue; `vary` varies width and length.
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

    def dabs(self, points: np.ndarray, radii, tints, angles, *, stretch: float = 1.25, load: float = 1.0) -> None:
        """Draw one oval dab of paint at each point, with its own radius, colour and direction."""
        rows, columns = self.height.shape
        pixels = self.colour.reshape(-1, 3)
        thickness = self.height.ravel()
        # Dabs of one batch do not cover each other. This hardly shows, because a batch is sparse.
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
        """Return the colour, with the thickness of the paint lit from the upper left."""
        return relief_light(self.colour, ndimage.gaussian_filter(self.height, fine), relief, gloss)
