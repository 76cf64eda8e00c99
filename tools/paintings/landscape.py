"""A rendered landscape that looks like a photograph, for masks of sky, land and water and for colour experiments."""

import numpy as np
from scipy import fft, ndimage

from .engine import blend, colours, grid, noise, ramp, sample, smoothstep

ROWS, COLUMNS = 768, 1152
HORIZON = 392
FOCAL = 1120.0
EYE = 0.022  # Heights and distances are in kilometres.
SUN = np.array([-0.72, 0.50, -0.30]) / np.linalg.norm([-0.72, 0.50, -0.30])
HAZE = colours("b4c6dc")[0]


def landscape(rng: np.random.Generator) -> np.ndarray:
    """Render a fractal height field in perspective, with sun, cast shadows, snow, woods, haze and a lake."""
    sky = cloudy_sky(rng)
    picture, depth = mountains(rng, sky)
    picture = lake(rng, picture, depth)
    # The effects of a camera: a soft lens, darker corners, grain.
    x, y = grid((ROWS, COLUMNS))
    picture = ndimage.gaussian_filter(picture, (0.6, 0.6, 0))
    corners = np.hypot((x / COLUMNS - 0.5) * 1.1, y / ROWS - 0.5)
    picture = picture * (1.03 - 0.28 * corners**2)[..., None]
    grain = noise(rng, (ROWS, COLUMNS), 1.6)[..., None] + 0.4 * rng.standard_normal((ROWS, COLUMNS, 3))
    picture = np.clip(picture, 0, 1) ** 0.9
    return picture + 0.011 * grain * np.sqrt(0.2 + picture * (1 - picture))


def landscape_regions(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return masks of sky, land and water on the canvas, for the landscape that the same generator renders."""
    _, depth = mountains(rng, cloudy_sky(rng))
    depth[-1] = 0  # two corners that the binary opening of the wet area removed
    return {"sky": depth == 99, "land": (depth > 0) & (depth < 99), "water": depth == 0}


def cloudy_sky(rng: np.random.Generator) -> np.ndarray:
    """Paint a sky that is blue above and pale at the horizon, with clouds that get smaller in the distance."""
    x, y = grid((ROWS, COLUMNS))
    height = np.clip((HORIZON - y) / HORIZON, 0, 1)
    sky = ramp(height, colours("d3dfe9", "a9c8e4", "7dadd9", "5690c8", "3f78b5"))
    sky = blend(sky, colours("fff1d6")[0], 0.35 * np.exp(-(np.hypot((x + 60) / 480, (y - 220) / 330) ** 2)))

    # The cloud layer is a plane overhead. Flat bases and heaped tops come from looking it up at shifted places.
    depth = 1 / (height + 0.16)
    plane_x, plane_y = (x - COLUMNS / 2) * depth * 0.8, depth * 420
    table = noise(rng, (1500, 2600), 210, 0.84)
    wisps = noise(rng, (1500, 2600), 260, 0.6, ratio=3)

    def density(shift_x, shift_y):
        place = [plane_y + shift_y, plane_x * 0.42 + 1300 + shift_x]
        return ndimage.map_coordinates(table, place, order=1, mode="mirror")

    cover = density(0, 0) + 0.3 * noise(rng, (ROWS, COLUMNS), 40, 1.0)
    alpha = smoothstep(0.4, 1.7, cover) * smoothstep(0.0, 0.1, height)
    toward_sun = density(-16, -10) * 0.6 + density(-34, -20) * 0.4
    light = np.clip(0.72 + 0.55 * (density(0, 0) - toward_sun) - 0.16 * smoothstep(1.0, 2.4, cover), 0, 1)
    white = ramp(light, colours("8794a8", "b9c2cf", "e6e9ec", "fffdf8"))
    high = smoothstep(0.4, 2.4, ndimage.map_coordinates(wisps, [plane_y, plane_x * 0.4 + 1300], order=1, mode="mirror"))
    sky = blend(sky, colours("f4f7fa")[0], 0.45 * high * smoothstep(0.15, 0.5, height))
    return blend(sky, blend(HAZE, white, 0.35 + 0.65 * smoothstep(0, 0.35, height)), 0.94 * alpha)


def wave_table(rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise with a period of 512 cells and features of 16 cells."""
    frequency = np.hypot(fft.fftfreq(512)[:, None], fft.rfftfreq(512)[None, :]) * 16
    table = fft.irfft2(fft.rfft2(rng.standard_normal((512, 512))) * np.exp(-2 * frequency**2))
    return (table / table.std()).astype(np.float32)


def at_size(table: np.ndarray, across, away, size: float) -> np.ndarray:
    """Look up a wave table at places in the world, scaled so that its features have a given size."""
    place = np.stack([away * (16 / size) + 37.7 / size, across * (16 / size) + 91.3 / size])
    return ndimage.map_coordinates(table, place, order=1, mode="grid-wrap")


def heights(tables, across: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return the height of the land: a lake basin, wooded hills, and behind them ridged peaks."""
    shore = 2.35 + 0.5 * np.sin(across * 1.1 + 0.5) + 0.16 * at_size(tables[0], across, away * 0, 0.7)
    shore = shore - 2.05 * smoothstep(-0.02, -0.62, across + 0.06 * at_size(tables[1], across, away, 0.3) - 0.08 * away)
    shore = shore - 0.9 * smoothstep(0.55, 1.3, across)
    land = away - shore
    bend = 0.35 * at_size(tables[2], across, away, 2.6)
    across, away = across + bend, away + 0.35 * at_size(tables[3], across, away, 2.6)

    ridges = np.zeros_like(across)
    weight, strength, size = np.ones_like(across), 0.75, 3.2
    for octave in range(10):
        fold = 1 - np.minimum(np.abs(at_size(tables[octave % len(tables)], across, away, size)), 1.7) / 1.7
        fold = fold ** (1.3 if octave < 2 else 1.8)
        ridges += strength * fold * weight
        weight = np.clip(0.2 + 1.1 * fold * weight, 0, 1)
        strength, size = strength * 0.5, size * 0.49
    massif = np.zeros_like(across)
    for peak_x, peak_z, tall, wide in (
        (-2.5, 8.6, 1.35, 2.1),
        (0.7, 11.0, 2.25, 2.7),
        (3.9, 9.0, 1.5, 2.0),
        (-5.6, 11.0, 2.0, 2.3),
        (6.3, 11.5, 1.9, 2.4),
        (1.5, 6.4, 0.4, 1.2),
        (-1.2, 14.5, 2.3, 3.4),
    ):
        massif = np.maximum(massif, tall * np.exp(-((np.hypot(across - peak_x, away - peak_z) / wide) ** 1.6)))
    hills = 0.06 + 0.05 * at_size(tables[1], across, away, 0.9) + 0.02 * at_size(tables[2], across, away, 0.3)
    rise = smoothstep(0, 0.9, land)
    return -0.012 + 0.03 * smoothstep(-0.1, 0.25, land) + rise * (hills + massif * (0.28 + 0.62 * ridges))


def mountains(rng: np.random.Generator, sky: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw the land over the sky: compute heights along a fan of sight lines, then find the first hit of each pixel."""
    steps = 1800
    distance = np.geomspace(0.34, 17, steps).astype(np.float32)[:, None]
    fan = ((np.arange(-160, COLUMNS + 160) - COLUMNS / 2) / FOCAL).astype(np.float32)[None, :]
    across, away = fan * distance, np.broadcast_to(distance, (steps, fan.shape[1]))
    tables = [wave_table(rng) for _ in range(5)]
    high = heights(tables, across, away)

    # Slopes along the fan, converted to slopes along the axes of the world.
    log_step = np.log(distance[1, 0] / distance[0, 0])
    by_fan = np.gradient(high, axis=1) * FOCAL / distance
    by_depth = np.gradient(high, axis=0) / (log_step * distance) - by_fan * fan
    normal = np.stack([-by_fan, np.ones_like(high), -by_depth])
    normal /= np.linalg.norm(normal, axis=0)
    light = np.clip(np.tensordot(SUN, normal, 1), 0, 1)

    shadow = np.zeros_like(high)
    for reach in np.geomspace(0.03, 3.2, 22):
        px, pz = across + reach * SUN[0] / SUN[1], away + reach * SUN[2] / SUN[1]
        place = [
            np.log(np.maximum(pz, 0.3) / 0.34) / log_step,
            px / np.maximum(pz, 0.3) * FOCAL + COLUMNS / 2 + 160,
        ]
        above = ndimage.map_coordinates(high, place, order=1, mode="nearest") - high - reach
        shadow = np.maximum(shadow, np.clip(above / (0.02 + 0.06 * reach), 0, 1))
    light = light * (1 - 0.93 * shadow)

    flat = normal[1]
    rough = [at_size(tables[k], across, away, size) for k, size in enumerate((0.5, 0.11, 0.03, 0.012))]
    rock = ramp(
        0.5 + 0.13 * rough[0] + 0.1 * rough[1] + 0.08 * rough[2] + 0.1 * np.sin(high * 90 + 2 * rough[0]),
        colours("4f4a48", "77706a", "978f85", "aca396"),
    )
    meadow = ramp(0.5 + 0.2 * rough[1] + 0.12 * rough[2], colours("4d5a2c", "6d7437", "8d8b4b"))
    woods = ramp(
        0.5 + 0.2 * rough[2] + 0.22 * rough[3] + 0.1 * rough[1], colours("141f16", "22331f", "34482a", "4a5a35")
    )
    ground = blend(
        rock, meadow, smoothstep(0.62, 0.8, flat + 0.05 * rough[1]) * smoothstep(1.25, 0.85, high + 0.1 * rough[0])
    )
    wooded = smoothstep(0.5, 0.64, flat + 0.03 * rough[2]) * smoothstep(
        0.86, 0.66, high + 0.09 * rough[0] + 0.05 * rough[1]
    )
    wooded = np.maximum(wooded, smoothstep(0.42, 0.3, high) * smoothstep(0.3, 0.45, flat))
    ground = blend(ground, woods, wooded)
    beach = smoothstep(0.0045, 0.002, high + 0.0007 * rough[3])
    ground = blend(ground, ramp(0.5 + 0.25 * rough[3], colours("77705f", "a59b85")), beach)
    snow = smoothstep(1.0, 1.3, high + 0.13 * rough[0] + 0.07 * rough[1]) * smoothstep(
        0.42, 0.6, flat + 0.06 * rough[2]
    )
    ground = blend(ground, colours("f3f6fa")[0], snow)
    sunlight, skylight = np.array([1.28, 1.19, 1.04]), np.array([0.25, 0.32, 0.43])
    lit = ground * (light[..., None] * sunlight + (0.55 + 0.45 * flat)[..., None] * skylight)
    lit = blend(lit, HAZE, hazed(distance, high))

    # A pixel shows the first step of its sight line that rises to its row. Later drawing needs the depth:
    # 0 stands for water, 99 for sky.
    level = HORIZON - FOCAL * (np.maximum(high, 0) - EYE) / distance
    skyline = np.minimum.accumulate(level, axis=0)
    picture = sky.copy()
    depth = np.full((ROWS, COLUMNS), 99.0, np.float32)
    row = np.arange(ROWS)
    meets = np.stack([np.searchsorted(-skyline[:, c + 160], -row, side="left") for c in range(COLUMNS)], 1)
    hit = meets < steps
    before = np.clip(meets - 1, 0, steps - 1)
    meets = np.clip(meets, 0, steps - 1)
    column = np.broadcast_to(np.arange(COLUMNS) + 160, meets.shape)
    near, far = skyline[before, column], skyline[meets, column]
    part = np.clip((near - row[:, None]) / np.maximum(near - far, 1e-3), 0, 1)[..., None]
    shown = lit[before, column] * (1 - part) + lit[meets, column] * part
    wet = (high[before, column] <= 0) & hit | (~hit & (row[:, None] > HORIZON + 2))
    picture = np.where(hit[..., None], shown, picture)
    depth[hit] = distance[meets, 0][hit]
    depth[ndimage.binary_opening(wet)] = 0
    soft = ndimage.gaussian_filter(picture, (0.5, 0.5, 0))
    edge = (ndimage.maximum_filter(depth, 3) > 1.15 * ndimage.minimum_filter(depth, 3))[..., None]
    picture = np.where(edge, soft, picture)
    return firs(rng, picture, depth, tables)


def hazed(distance, high) -> np.ndarray:
    """Return the share of haze in [0, 1): more with distance, less above the valleys."""
    return 1 - np.exp(-distance / 15 * (0.65 + 0.75 * np.exp(-np.maximum(high, 0) / 0.5)))


def firs(rng, picture, depth, tables) -> tuple[np.ndarray, np.ndarray]:
    """Draw single firs on the nearer slopes, the far ones first."""
    count = 20000
    away = 0.36 * (4.6 / 0.36) ** rng.random(count) ** 0.7
    across = rng.uniform(-0.56, 0.56, count) * away
    order = np.argsort(-away)
    across, away = across[order].astype(np.float32), away[order].astype(np.float32)
    ground = heights(tables, across, away)
    thick = at_size(tables[3], across, away, 0.25) + 0.5 * at_size(tables[0], across, away, 0.06)
    sprites = [fir(rng, tall) for tall in (10, 16, 26, 44, 72) for _ in range(6)]
    for x, z, base, dense in zip(across, away, ground, thick, strict=True):
        if base < 0.004 or base > 0.7 or dense < -1.2:
            continue
        tall = FOCAL * 0.024 * np.exp(rng.normal(0, 0.22)) / z
        column, foot = COLUMNS / 2 + FOCAL * x / z, HORIZON - FOCAL * (base - EYE) / z
        i, j = int(foot - 0.25 * tall), int(column)
        if not (0 <= i < ROWS and 0 <= j < COLUMNS) or 0 < depth[i, j] < 0.93 * z:
            continue
        size = int(np.searchsorted((10, 16, 26, 44), 0.8 * tall))
        cover, tone = sprites[6 * size + rng.integers(6)]
        scale = tall / (10, 16, 26, 44, 72)[size]
        rows, columns = np.maximum(np.rint(np.array(cover.shape) * scale).astype(int), 3)
        pick = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip((rows, columns), cover.shape, strict=True)]
        place = np.meshgrid(*pick, indexing="ij")
        cover, tone = (ndimage.map_coordinates(part, place, order=1) for part in (cover, tone))
        top, left = int(foot - rows), int(column - columns / 2)
        above, before = max(0, -top), max(0, -left)
        part = picture[max(0, top) : top + rows, max(0, left) : left + columns]
        cover = cover[above : above + part.shape[0], before : before + part.shape[1]]
        tone = tone[above : above + part.shape[0], before : before + part.shape[1]]
        green = ramp(tone * rng.uniform(0.75, 1.2), colours("0b120d", "1b2a1a", "3b4c27", "6d7438"))
        part[:] = blend(part, blend(green, HAZE, hazed(z, base)), cover)
        depth[max(0, top) : top + rows, max(0, left) : left + columns][cover > 0.5] = z
    return picture, depth


def fir(rng: np.random.Generator, tall: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the coverage and lightness of one fir, seen from the side and lit from the left."""
    factor = 4
    rows, columns = tall * factor, int(0.5 * tall) * factor
    x, y = grid((rows, columns))
    t = y / rows
    side = (x - columns / 2) / (columns / 2)
    tiers = (t**0.85 * rng.uniform(7, 11) + 0.12 * np.abs(side) * 6 + 0.25 * noise(rng, x.shape, 0.07 * rows)) % 1
    reach = (0.04 + 0.8 * t**0.9) * (0.62 + 0.45 * tiers) * (1 + 0.16 * noise(rng, x.shape, 0.05 * rows, 0.6))
    cover = (np.abs(side) < reach) & (t < 0.96) | (np.abs(side) < 0.05) & (t >= 0.96)
    tone = (
        0.34 - 0.3 * side / np.maximum(reach, 0.1) * 0.8 + 0.3 * (tiers - 0.6) + 0.12 * noise(rng, x.shape, 0.04 * rows)
    )
    block = (tall, factor, columns // factor, factor)
    return cover.astype(np.float32).reshape(block).mean((1, 3)), np.clip(tone, 0, 1).reshape(block).mean((1, 3))


def lake(rng, picture: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Mirror the scene in the water, with ripples that grow towards the viewer and bands of breeze."""
    x, y = grid((ROWS, COLUMNS))
    water = depth == 0
    shore = np.where(water.any(0), water.argmax(0), ROWS).astype(np.float32)
    shore = np.maximum(ndimage.gaussian_filter1d(ndimage.median_filter(shore, 9), 2), HORIZON + 1)
    far_shore = HORIZON + FOCAL * EYE / 5
    below = np.maximum(y - HORIZON, 2)
    away = FOCAL * EYE / below
    across = (x - COLUMNS / 2) / FOCAL * away

    # Ripples smaller than a pixel only blur the mirror image; larger ones bend the line of sight.
    table = wave_table(rng)
    footprint = away**2 / (FOCAL * EYE)
    bend = np.zeros_like(away)
    for size in (0.0011, 0.0022, 0.0045, 0.010, 0.024):
        strength = smoothstep(0.8, 3.0, size / footprint)
        bend += strength * (size / 0.0045) ** 0.35 * at_size(table, across * 0.4, away * 1.3, size)
    bend += 0.6 * noise(rng, (ROWS, COLUMNS), 2.2, ratio=9)
    drift = 0.7 * noise(rng, (ROWS, COLUMNS), 2.5, ratio=6)
    calm = noise(rng, (ROWS, COLUMNS), 11, 0.3, ratio=34)
    breeze = smoothstep(0.7, 1.6, calm) * smoothstep(0, 30, y - shore)
    reach = 2.0 + 0.028 * (y - shore) + 10 * breeze
    mirrored = np.zeros_like(picture)
    offsets = np.linspace(-1, 1, 8)
    for offset, aside in zip(offsets, np.resize((0.4, -1, 1, -0.4), 8), strict=True):
        row = 2 * shore - y - 1 + reach * (1.1 * bend + 1.3 * offset)
        column = x + 0.3 * reach * (drift + aside)
        # Steep ripples reflect the sky, never the water.
        row = np.clip(np.where(row > shore - 1, 2 * shore - 2 - row, row), 0, ROWS - 1)
        # Objects on the near shore are mirrored at that shore, everything behind them at the far shore.
        beyond = sample(depth, column, row) > 1.9
        row = np.where(beyond, np.clip(row - 2 * (shore - far_shore), 0, ROWS - 1), row)
        for channel in range(3):
            mirrored[..., channel] += ndimage.map_coordinates(
                picture[..., channel], [row, column], order=1, mode="nearest"
            )
    mirrored /= len(offsets)
    grazing = np.arctan(below / FOCAL)
    mirror = np.clip(0.36 + 0.6 * np.exp(-6 * grazing) + 0.05 * bend, 0, 1)
    body = ramp(np.clip(grazing / 0.33, 0, 1), colours("4e6a72", "2b4f58", "173840"))
    surface = blend(body, mirrored * 0.96, mirror)
    surface = blend(surface, colours("9db6cb")[0], 0.30 * breeze)
    surface *= (1 + 0.035 * bend * smoothstep(0, 60, y - shore))[..., None]
    line = smoothstep(4, 0, y - shore) * 0.35
    return blend(
        picture, blend(surface, colours("2c332e")[0], line), ndimage.gaussian_filter(water.astype(np.float32), 0.6)
    )
