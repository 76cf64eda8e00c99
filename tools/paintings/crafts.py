"""Recipes for pictures in other materials: woodblock, stained glass, marbled paper, ink wash, mosaic."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .brush import Canvas, scattered
from .engine import (
    LANDSCAPE,
    PORTRAIT,
    SQUARE,
    blend,
    colours,
    drag,
    grid,
    noise,
    outline,
    paper,
    polygon_mask,
    ramp,
    relief_light,
    ribbon,
    sample,
    smoothstep,
    spline,
    turned_flow,
    voronoi,
)


def claw(rng, start, angle, length, width, bend, depth=2) -> list[np.ndarray]:
    """Return outlines of one hooked finger of foam and of the smaller fingers that grow from it."""
    turn = angle + bend * np.linspace(0, 1, 16) ** 1.6
    path = start + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * length / 15, axis=0)
    shapes = [ribbon(path, width * np.linspace(1, 0.12, 16) ** 0.8)]
    if depth:
        for place in (3, 6, 9):
            side = rng.choice((-1, 1))
            shapes += claw(
                rng,
                path[place],
                turn[place] + side * rng.uniform(0.5, 1.0),
                length * rng.uniform(0.35, 0.55),
                width * 0.55,
                bend * rng.uniform(0.7, 1.2),
                depth - 1,
            )
    return shapes


def breaker(picture, rng, face, back, tones, claws: int, reach: float, over: float = 0.6):
    """Print one wave between two curves, its hollow `face` and its `back`, both given from the foot to the tip."""
    shape = picture.shape[:2]
    face, back = spline(face), spline(back)
    y = grid(shape)[1]

    def inner(s, t0=0.0, t1=1.0):
        t = np.linspace(t0, t1, 90) * 159
        near = np.stack([np.interp(t, np.arange(160), face[:, c]) for c in range(2)], 1)
        far = np.stack([np.interp(t, np.arange(160), back[:, c]) for c in range(2)], 1)
        return near + (far - near) * np.asarray(s).reshape(-1, 1)

    dark, middle, light, white = tones
    foot = [(back[0, 0], shape[0] + 60), (face[0, 0], shape[0] + 60)]
    body = polygon_mask(shape, np.concatenate([face, back[::-1], foot]))
    graded = blend(dark, middle, smoothstep(0.35, 1, y / shape[0] + 0.05 * noise(rng, shape, 120)))
    picture = blend(picture, graded, body)
    for tone, count, spread, thick in (
        (middle, 12, (0.02, 0.9), 0.06),
        (light, 13, (0.1, 1.0), 0.045),
        (white, 12, (0.2, 1.0), 0.05),
        (dark, 14, (0.0, 0.97), 0.02),
        (dark, 34, (0.03, 0.98), 0.0045),
        (white, 22, (0.03, 0.8), 0.004),
    ):
        shapes = []
        for s in np.linspace(*spread, count) + rng.normal(0, 0.02, count):
            begin, end = rng.uniform(0, 0.3), rng.uniform(0.6, 1.0)
            tau = np.linspace(0, 1, 90)
            middle_s = s + 0.02 * np.sin(5 * tau + rng.uniform(0, 6))
            swell = thick * rng.uniform(0.4, 1.3) * (0.4 + s) * np.sin(np.pi * tau ** rng.uniform(0.6, 1.6)) ** 0.8
            shapes.append(
                np.concatenate([inner(middle_s - swell, begin, end), inner(middle_s + swell, begin, end)[::-1]])
            )
        picture = blend(picture, tone, polygon_mask(shape, *shapes) * body)
    line = outline(body, 2.0 + 0.7 * noise(rng, shape, 50))
    picture = blend(picture, dark * 0.7, line)

    # Foam: claws along the crest and under the lip. They share one mask, so that one outline surrounds them all.
    shapes = []
    for number in range(claws):
        t = 0.45 + 0.55 * (number + rng.uniform(0, 0.8)) / claws
        outside = rng.random() < over
        edge = inner(1.0 if outside else 0.0, t - 0.02, t)
        slope = edge[-1] - edge[0]
        angle = np.arctan2(slope[1], slope[0]) + (-0.3 if outside else 0.6) + rng.normal(0, 0.35)
        size = reach * rng.uniform(0.55, 1.15) * (0.5 + 0.6 * t)
        shapes += claw(rng, edge[-1] - slope * 0.4, angle, size, size * 0.3, rng.uniform(1.2, 2.6))
        for _ in range(3):
            ring = np.linspace(0, 2 * np.pi, 24)
            inset = abs(rng.normal(0, 0.08))
            spot = inner(1 - inset if outside else inset, t - 0.08, t - rng.uniform(0, 0.04))
            radius = size * rng.uniform(0.12, 0.24)
            shapes.append(spot[-1] + radius * np.stack([np.cos(ring), np.sin(ring)], 1))
    foam = polygon_mask(shape, *shapes)
    picture = blend(picture, white, foam)
    shadow = foam * (1 - ndimage.shift(foam, (-7, -6), order=1)) + foam * (noise(rng, shape, 16) > 1.25)
    picture = blend(picture, light, np.clip(ndimage.gaussian_filter(shadow, 0.8), 0, 1))
    return blend(picture, dark * 0.8, outline(foam, 1.3 + 0.4 * noise(rng, shape, 40)))


def woodblock_sea(rng: np.random.Generator) -> np.ndarray:
    """Paint a woodblock print: flat inks with gradations, a dark-blue key block, the grain of plank and paper."""
    shape = LANDSCAPE
    rows = shape[0]
    x, y = grid(shape)
    tones = colours("15285a", "2b5d8e", "8fb9bd", "f0e6cd")
    cream = colours("ead9ae")[0]

    sky = ramp(
        y / 760 + 0.02 * noise(rng, shape, 180, 0.3),
        colours("f0bd7c", "f2d093", "f2e0b0", "f1dfb0", "edc293", "df9870"),
        np.array([0, 0.13, 0.3, 0.6, 0.82, 1.0]),
    )
    sun = smoothstep(72, 70, np.hypot(x - 900, y - 330))
    picture = blend(sky, ramp(y / 760, colours("d9573a", "e8a06a"), np.array([0.34, 0.55])), 0.85 * sun)
    for level, start, end, thick in ((300, 760, 1150, 16), (352, 830, 1060, 12), (214, 930, 1160, 12)):
        cloud = ribbon(
            np.stack([np.linspace(start, end, 40), level + 5 * np.sin(np.linspace(0, 5, 40))], 1),
            thick * np.sin(np.linspace(0, np.pi, 40)) ** 0.5,
        )
        picture = blend(picture, cream, 0.8 * polygon_mask(shape, cloud))
    island = np.stack([np.arange(640, 1180), 700 - 150 * np.exp(-np.abs(np.arange(640, 1180) - 905) / 75.0)], 1)
    island[:, 1] += 4 * noise(rng, (8, len(island)), 30)[4]
    land = polygon_mask(shape, [*island, (1180, 760), (640, 760)])
    picture = blend(picture, ramp(y / rows, colours("3d5878", "8fa6a6"), np.array([0.6, 0.78])), land)
    picture = blend(picture, tones[0], outline(land, 1.3))

    sea = smoothstep(-1, 1, y - 716 - 5 * np.sin(x / 60) - 3 * np.sin(x / 23))
    picture = blend(picture, ramp((y - 700) / 160, tones[[2, 1, 0]]), sea)
    picture = breaker(
        picture,
        rng,
        [(700, 960), (850, 930), (1000, 890), (1220, 830)],
        [(600, 850), (760, 775), (930, 675), (1060, 590), (1220, 500)],
        tones,
        15,
        46,
        over=1.0,
    )
    picture = breaker(
        picture,
        rng,
        [
            (1120, 1000),
            (930, 850),
            (770, 765),
            (645, 680),
            (560, 590),
            (515, 480),
            (525, 375),
            (580, 300),
            (660, 268),
            (730, 290),
            (768, 350),
        ],
        [(-90, 800), (-70, 600), (30, 450), (170, 305), (320, 195), (480, 130), (630, 140), (730, 210), (768, 350)],
        tones,
        54,
        84,
    )
    picture = breaker(
        picture,
        rng,
        [(940, 1000), (800, 900), (700, 830), (655, 760), (668, 700), (720, 672), (775, 700)],
        [(-90, 1000), (60, 850), (230, 770), (420, 690), (590, 630), (710, 630), (775, 700)],
        tones,
        40,
        56,
    )
    spray = scattered(rng, shape, 300)
    near = np.exp(-(((spray[:, 0] - 740) / 200) ** 2) - ((spray[:, 1] - 430) / 190) ** 2)
    ring = np.linspace(0, 2 * np.pi, 14)
    drops = [
        spot + (3 + rng.gamma(2.5, 1.2)) * np.stack([np.cos(ring), np.sin(ring)], 1)
        for spot in spray[rng.random(len(spray)) < 0.5 * near]
    ]
    drops = polygon_mask(shape, *drops)
    picture = blend(blend(picture, tones[3], drops), tones[1], 0.6 * outline(drops, 0.8))

    # The ink is uneven because of the grain of the plank, the rubbing pad and the tooth of the paper.
    grain = noise(rng, shape, 2.5, 0.2, ratio=30) + 0.5 * noise(rng, shape, 60, 0.5)
    tooth = paper(rng, shape, 1400)
    ink = 1 - picture.mean(-1)
    worn = np.clip(0.05 + 0.05 * grain + 0.02 * tooth, 0, 0.4) * (0.1 + ink)
    picture = blend(picture, cream, worn)
    wander = [y + 0.5 * noise(rng, shape, 12), x + 0.5 * noise(rng, shape, 12)]
    picture = np.stack(
        [ndimage.map_coordinates(picture[..., c], wander, order=1, mode="nearest") for c in range(3)], -1
    )
    return picture * (1 + 0.008 * tooth[..., None])


def stained_glass(rng: np.random.Generator) -> np.ndarray:
    """Paint leaded glass against the light: hand-blown panes with seeds and streaks, painted edges, round lead."""
    shape = PORTRAIT
    rows, columns = shape
    x, y = grid(shape)
    sun_x, sun_y = 585, 330
    distance = np.hypot(x - sun_x, y - sun_y)
    angle = np.arctan2(y - sun_y, x - sun_x)

    # Draw the regions first, then cut panes inside them, longer along the region than across it.
    hill_lines = [
        (650, 62, 190, 0.4),
        (745, 50, 150, 2.1),
        (850, 56, 230, 4.0),
        (985, 40, 170, 5.2),
    ]
    region = np.zeros(shape, int)
    border = np.full(shape, 1e3, np.float32)
    ring_edges = (92, 165, 262)
    for number, edge in enumerate(ring_edges):
        region[distance > edge] = number + 1
        border = np.minimum(border, np.abs(distance - edge))
    for number, (level, swing, scale, phase) in enumerate(hill_lines):
        line = level + swing * np.sin(x / scale + phase) + 0.3 * swing * np.sin(x / scale * 2.3 + 2 * phase)
        below = y > line
        border = np.where(below, y - line, np.minimum(border, np.abs(y - line)))
        region[below] = 4 + number
    river = np.abs(x - 470 - 130 * np.sin((y - 700) / 130) - 0.25 * (y - 700)) - 16 - 0.11 * (y - 700)
    wet = (region >= 5) & (river < 0)
    border = np.where(region >= 5, np.minimum(border, np.abs(river)), border)
    region[wet] = 8

    # Rays cut the rings around the sun; elsewhere stretched cells follow the sky and the hills.
    rays = np.where(distance < 92, 5, np.where(distance < 165, 11, 17))
    turn = (angle / (2 * np.pi) + 0.5 + 0.06 * region) * rays
    to_ray = np.abs(turn - np.rint(turn)) / rays * 2 * np.pi * distance
    wander = (7 * noise(rng, shape, 70), 7 * noise(rng, shape, 70))
    pane = (np.floor(turn) % rays + 40 * region).astype(int)
    seam = to_ray
    for number, stretch, count in ((4, 0.6, 260), (5, 0.6, 230), (6, 0.6, 210), (7, 0.7, 190), (8, 0.55, 240)):
        inside = region == number
        points = scattered(rng, (int(rows / stretch), columns), count)
        cell, _, gap = voronoi(shape, points, (wander[0], wander[1] + y * (1 / stretch - 1)))
        pane[inside] = (cell + 1000 * number)[inside]
        seam = np.where(inside, gap, seam)
    # The sky is cut into shards that point away from the sun: Voronoi cells in the plane of angle and distance.
    around = 1634
    fan = ((angle + np.pi) / (2 * np.pi) * around - x, distance * 0.34 - y)
    points = scattered(rng, (420, around), 280)
    points = np.concatenate([points + np.array([shift, 0]) for shift in (-around, 0, around)])
    cell, _, gap = voronoi(shape, points, (fan[0] + 0.6 * wander[0], fan[1] + 0.4 * wander[1]))
    cell %= len(points) // 3
    pane[region == 3] = (cell + 3000)[region == 3]
    seam = np.where(region == 3, gap * np.clip(distance / 260, 0.8, 1.8), seam)
    lead = np.minimum(border, seam)
    panes, pane = np.unique(pane, return_inverse=True)
    pane = pane.reshape(shape)

    palettes = [
        colours("fff3b0", "ffe27a", "ffd34d"),
        colours("ffb52e", "ff9a1f", "ffc94f"),
        colours("f26a1b", "e8451f", "ff8a2b", "d92d27"),
        colours("2f6fc4", "5aa3de", "8fc7e8", "1f4fa8", "b9a0d6", "3f8fc9"),
        colours("4a3b8f", "6b57b0", "354a9e", "8a6cbf"),
        colours("1f7a5c", "2f9e63", "14605f", "58b368"),
        colours("7fae2f", "a8c53a", "4c8f2f", "d3cf4a"),
        colours("a8361f", "c9581f", "7a2430", "d98a2b"),
        colours("bfe6ef", "5fb9d9", "2d86c0", "e8f6e8"),
    ]
    kind = np.zeros(len(panes), int)
    kind[pane.ravel()] = region.ravel()
    tint = np.stack([palettes[k][rng.integers(len(palettes[k]))] for k in kind])
    tint = np.clip(tint * rng.normal(1, 0.1, (len(panes), 1)) + rng.normal(0, 0.03, tint.shape), 0, 1)
    afar = ndimage.mean(distance, pane, np.arange(len(panes)))[:, None]
    warmth = np.clip(1.25 - afar / 420, 0, 0.6) * (kind == 3)[:, None]
    warm = colours("ffd27a", "f79a7a", "ffe9b0", "f0a3b8", "c98ad0")[rng.integers(5, size=len(panes))]
    tint = np.where(rng.random((len(panes), 1)) < warmth, warm, tint)
    glass = tint[pane].astype(np.float32)

    # Each pane has its own streaks, thickness and bubbles.
    lean = rng.uniform(0, np.pi, len(panes))[pane]
    streak = drag(noise(rng, shape, 9, 0.15), turned_flow(lean + 0.25 * noise(rng, shape, 60)), 70)
    clouds = noise(rng, shape, 60, 0.5)
    depth = 1 + 0.16 * streak / streak.std() + 0.12 * clouds
    glass = glass ** (1.15 * np.clip(depth, 0.4, 1.8))[..., None]
    hammered = rng.choice((0.1, 0.3, 1.0), len(panes), p=(0.4, 0.4, 0.2))[pane]
    ripple = hammered * (noise(rng, shape, 9) + 0.7 * noise(rng, shape, 5)) + 2.2 * noise(rng, shape, 26)
    glass = relief_light(glass, ripple + 0.8 * streak / streak.std(), 0.5, 0.25)
    seeds = noise(rng, shape, 4.5)
    glass = blend(glass, np.ones(3), 0.35 * smoothstep(2.7, 3.2, seeds))
    glow = np.exp(-distance / 330)
    glass = glass * (0.72 + 0.75 * glow[..., None]) + 0.12 * glow[..., None] * colours("ffd27a")[0]
    patina = smoothstep(26, 3, lead + 5 * noise(rng, shape, 16, 0.2))
    glass = glass * (1 - 0.62 * patina)[..., None]
    glass = blend(glass, colours("160f10")[0], 0.35 * smoothstep(1.0, 2.4, noise(rng, shape, 50, 0.6)))

    width = 5.2 + 0.9 * noise(rng, shape, 40) + 2.2 * (border < seam)
    came = smoothstep(width + 0.8, width - 0.8, lead)
    bead = np.sqrt(np.clip(1 - (lead / width) ** 2, 0, 1)) * 5 + 0.25 * noise(rng, shape, 7)
    metal = relief_light(np.broadcast_to(colours("2b2a2d")[0], glass.shape), bead, 0.9, 0.5)
    halo = ndimage.gaussian_filter(glass * (1 - came)[..., None], (9, 9, 0))
    return np.clip(blend(glass, metal, came) + 0.28 * halo, 0, 1)


def marbled_paper(rng: np.random.Generator) -> np.ndarray:
    """Paint marbled paper: drops of colour spread on a bath, push each other into veins, and are combed.

    Every pixel is followed backwards through the combing and the drops until it lies inside one of the drops.
    """
    shape = LANDSCAPE
    # Veins are thinner than a pixel, so the bath is computed at twice the size and averaged.
    tremble = [2.2 * noise(rng, shape, 90) + 0.5 * noise(rng, shape, 10) for _ in range(2)]
    px, py = (
        place / 2 + ndimage.zoom(shake, 2, order=1)
        for place, shake in zip(grid((2 * shape[0], 2 * shape[1])), tremble, strict=True)
    )

    def swirl(cx, cy, turn, reach):
        dx, dy = px - cx, py - cy
        angle = turn * np.exp(-np.hypot(dx, dy) / reach)
        return cx + dx * np.cos(angle) - dy * np.sin(angle), cy + dx * np.sin(angle) + dy * np.cos(angle)

    def comb(q, spacing, pull, soft):
        """Return how far a comb with teeth at every `spacing` along q drags the bath; teeth differ a little."""
        tooth = np.floor(q / spacing + 0.5)
        strength = rng.normal(1, 0.16, 400)[tooth.astype(int) % 400]
        return pull * strength * np.exp(-np.abs(q - tooth * spacing) / soft)

    for cx, cy, turn, reach in (
        (300, 300, 3.6, 115),
        (760, 560, -3.8, 130),
        (930, 180, 3.0, 90),
        (180, 720, -3.0, 95),
        (520, 850, 2.6, 80),
        (1090, 790, 2.8, 85),
        (560, 120, -2.4, 75),
    ):
        px, py = swirl(cx, cy, turn, reach)
    bow = 26 * np.sin(px / 240)
    px = px - comb(py + bow, 23, 46, 8)
    py = py + comb(px + 10 * np.sin(py / 170), 104, 210, 30) - comb(px + 52, 104, 210, 30)

    inks = colours("12213f", "7d1f2b", "c8932f", "1f5a63", "efe3c8", "b8452f", "2f4f86", "0d0f18", "e6c27a")
    drops = []
    for count, low, high, weights in (
        (60, 60, 120, (2, 2, 1, 2, 1, 1, 2, 1, 1)),
        (110, 30, 70, (1, 2, 2, 2, 2, 2, 1, 1, 1)),
        (150, 14, 44, (2, 1, 2, 1, 3, 2, 1, 2, 2)),
        (170, 6, 22, (1, 2, 1, 2, 4, 1, 1, 3, 2)),
        (90, 30, 60, (3, 2, 2, 3, 2, 2, 2, 1, 1)),
        (160, 4, 16, (2, 1, 1, 1, 4, 1, 1, 2, 1)),
    ):
        spots = rng.uniform((-300, -340), (1450, 1250), (count, 2))
        radii = rng.uniform(low, high, count)
        ink = rng.choice(len(inks), count, p=np.array(weights) / sum(weights))
        drops += [(*spot, radius, which) for spot, radius, which in zip(spots, radii, ink, strict=True)]

    found = np.zeros(px.size, np.int32)
    rim = np.full(px.size, 30.0, np.float32)
    waiting = np.arange(px.size)
    px, py = px.ravel().astype(np.float32), py.ravel().astype(np.float32)
    for cx, cy, radius, which in reversed(drops):
        dx, dy = px - np.float32(cx), py - np.float32(cy)
        squared = dx * dx + dy * dy
        inside = squared < radius**2
        if inside.any():
            caught = waiting[inside]
            found[caught] = which
            rim[caught] = radius - np.sqrt(squared[inside])
            outside = ~inside
            waiting, dx, dy, squared = waiting[outside], dx[outside], dy[outside], squared[outside]
        shrink = np.sqrt(1 - np.float32(radius**2) / squared)
        px, py = np.float32(cx) + dx * shrink, np.float32(cy) + dy * shrink

    picture = inks[found].reshape(shape[0], 2, shape[1], 2, 3).mean((1, 3))
    rim = rim.reshape(shape[0], 2, shape[1], 2).mean((1, 3))
    # The colour is thin in the middle of a drop and dense at its rim; the grain of the paper shows through.
    sheet = paper(rng, shape, 900)
    bloom = 0.07 * np.exp(-rim / 3) - 0.05 + 0.05 * noise(rng, shape, 45, 0.5) + 0.035 * noise(rng, shape, 4, 0.5)
    picture = blend(picture, colours("f3e8cf")[0], np.clip(0.1 - bloom + 0.03 * sheet, 0, 0.5))
    ring = np.linspace(0, 2 * np.pi, 16)
    specks = [
        spot + rng.gamma(1.6, 0.8) * np.stack([np.cos(ring), np.sin(ring)], 1) for spot in scattered(rng, shape, 420)
    ]
    picture = blend(picture, colours("f6edd8")[0], 0.85 * polygon_mask(shape, *specks))
    return relief_light(picture, 0.5 * sheet, 0.14) * (1 + 0.02 * noise(rng, shape, 200))[..., None]


def wash(rng, mask: np.ndarray, strength: np.ndarray | float, wet: float = 0.5) -> np.ndarray:
    """Return the density of a dried puddle of ink: grainy, darker at its rim, blurred where the paper was wet."""
    shape = mask.shape
    bled = ndimage.gaussian_filter(mask, 16)
    damp = wet * smoothstep(0.0, 1.2, noise(rng, shape, 90, 0.3))
    edge = np.clip(ndimage.gaussian_filter(mask, 1.2) - ndimage.gaussian_filter(mask, 7), 0, 1)
    grains = 1 + 0.16 * noise(rng, shape, 50, 0.6) + 0.10 * noise(rng, shape, 4, 0.5)
    return strength * (mask * (1 - damp) + bled * damp + 0.9 * edge * (1 - damp)) * grains


def ink_wash(rng: np.random.Generator) -> np.ndarray:
    """Paint ink on rice paper: pale to dark washes form mountains in mist, and a nearly dry brush adds the rock."""
    shape = PORTRAIT
    columns = shape[1]
    x, y = grid(shape)
    sheet = paper(rng, shape, 1500)
    ground = ramp(0.5 + 0.16 * noise(rng, shape, 260, 0.3), colours("d9cba6", "eadfc3", "f3ead2"))
    ground = ground * (1 + 0.02 * sheet[..., None])
    canvas = Canvas(ground, rng, tooth=sheet)
    bleed = 3.5 * noise(rng, shape, 26, 0.5)

    def pour(density: np.ndarray, tint: str = "2a2b33") -> None:
        """Darken the sheet by a density, as transparent ink does."""
        absorbed = -np.log(colours(tint)[0] + 0.02)
        canvas.colour *= np.exp(-density[..., None] * absorbed / absorbed.mean() * 1.9).astype(np.float32)

    moon = smoothstep(84, 80, np.hypot(x - 640, y - 205) + 0.15 * bleed)
    sky = np.clip(0.17 + 0.09 * noise(rng, shape, 150, 0.4, ratio=2) - 0.22 * (y / 700) ** 2, 0, 1)
    pour(wash(rng, 1 - moon, sky * smoothstep(760, 300, y), 0.2), "3b4350")

    # Each range: (peaks as (x, height, half width), level of its foot, darkness, reach of the ink downwards).
    ranges = [
        ([(170, 250, 90), (330, 150, 110), (700, 190, 100), (860, 130, 120)], 590, 0.16, 150),
        ([(60, 240, 100), (250, 400, 95), (410, 230, 80), (820, 330, 110)], 700, 0.27, 190),
        ([(130, 210, 120), (520, 170, 90), (660, 460, 105), (790, 300, 85), (930, 250, 90)], 820, 0.42, 230),
        ([(40, 330, 120), (190, 200, 110), (880, 190, 130)], 935, 0.62, 200),
        ([(-20, 190, 210), (210, 90, 130)], 1050, 0.95, 150),
    ]
    across = np.arange(columns)
    for number, (peaks, foot, dark, reach) in enumerate(ranges):
        rise = np.zeros(columns)
        for centre, tall, wide in peaks:
            offset = np.abs(across - centre - 12 * noise(rng, (8, columns), 60)[4]) / wide
            rise = np.maximum(rise, tall * np.exp(-(offset**2.3)) * (1 + 0.05 * noise(rng, (8, columns), 26, 0.5)[4]))
        line = foot - rise - 6 * noise(rng, (8, columns), 30, 0.5)[4]
        depth = y - line + (1 + 0.5 * number) * 0.4 * bleed
        mask = smoothstep(-1.2, 1.2, depth) * smoothstep(10, 45, rise)
        # Drifts of mist hide the foot of every range.
        drift = 1 + 0.4 * noise(rng, shape, 90, 0.2, ratio=2.5)
        fade = np.exp(-((np.clip(depth, 0, None) / (reach * np.clip(drift, 0.3, 2))) ** 1.5))
        mist = smoothstep(foot + 30, foot - 130, y + 40 * noise(rng, shape, 80, 0.2, ratio=3))
        mottle = np.clip(1 + 0.35 * noise(rng, shape, 70, 0.5), 0.2, 2)
        pour(wash(rng, mask, dark * fade * mist * mottle, 0.35), "2b2f3a" if number < 3 else "1d1d22")
        pooled = smoothstep(0.5, 1.6, noise(rng, shape, 60, 0.3)) * fade * mist
        pour(wash(rng, mask * pooled, 0.5 * dark, 0.1))

        # Rock: broken strokes that run down from the ridges.
        if number:
            for _ in range(130 + 150 * number):
                column = int(rng.uniform(0, columns - 1))
                if rise[column] < 45:
                    continue
                drop = rng.beta(1, 2.2) * min(rise[column], reach * 1.1)
                side = np.sign(np.gradient(rise)[column]) * -1
                t = np.linspace(0, 1, 9)
                span = rng.uniform(20, 80)
                slope = rng.uniform(0.15, 0.7) * side
                path = np.stack(
                    [column + span * slope * t + 5 * np.sin(4 * t + rng.uniform(0, 6)), line[column] + drop + span * t],
                    1,
                )
                canvas.stroke(
                    path,
                    rng.uniform(3, 16),
                    colours("17171c")[0],
                    load=0,
                    taper=0.8,
                    streaks=0.0,
                    grip=0.35,
                    dryness=rng.uniform(0.35, 0.7),
                    opacity=min(0.95, dark * rng.uniform(0.6, 1.8)) * mist_at(mist, path),
                )
        if number >= 2:
            for _ in range(26 if number < 4 else 16):
                column = int(rng.uniform(0, columns - 1))
                if rise[column] > 40:
                    pine(canvas, rng, column, line[column] + rng.uniform(2, 14), 9 + 9 * (number - 2) ** 1.5, dark)

    # A few horizontal strokes for the water; then a boat, birds, reeds and the seal.
    for _ in range(46):
        level = rng.uniform(985, 1130)
        start = rng.uniform(200, 800)
        span = rng.uniform(60, 300)
        t = np.linspace(0, 1, 16)
        path = np.stack([start + span * t, level + 3 * np.sin(5 * t + rng.uniform(0, 6))], 1)
        canvas.stroke(
            path,
            rng.uniform(2, 9),
            colours("30343c")[0],
            load=0,
            taper=0.9,
            grip=0.6,
            dryness=0.75,
            opacity=rng.uniform(0.12, 0.4),
        )
    ink = colours("141418")[0]
    boat = spline([(520, 1008), (560, 1022), (620, 1024), (672, 1004)], 30)
    canvas.stroke(boat, 9, ink, load=0, taper=0.8, dryness=0.2, opacity=0.9)
    for height, opacity in ((1012, 0.5), (1007, 0.7), (1000, 0.85)):
        hood = spline([(562, height + 2), (578, height - 7), (606, height - 8), (624, height + 2)], 24)
        canvas.stroke(hood, 9, ink, load=0, taper=0.5, opacity=opacity, dryness=0.4)
    canvas.stroke(np.linspace([648, 1008], [652, 978], 6), 9, ink, load=0, taper=0.6, opacity=0.9)
    canvas.stroke(spline([(641, 977), (652, 966), (664, 977)], 8), 5, ink, load=0, taper=0.8, opacity=0.9)
    canvas.stroke(np.linspace([668, 968], [690, 1046], 8), 2.4, ink, load=0, opacity=0.8)
    for bird_x, bird_y in ((420, 270), (455, 252), (492, 262), (520, 236), (470, 292)):
        for side in (-1, 1):
            wing = np.array([[0, 0], [side * 6, -6], [side * 15, -5]]) + np.array([bird_x, bird_y])
            canvas.stroke(wing, 3, ink, load=0, taper=0.8, opacity=0.75)
    for _ in range(75):
        root = np.array([rng.normal(840, 45), rng.uniform(1110, 1165)])
        lean, tall = rng.normal(-0.12, 0.22), rng.uniform(60, 190)
        t = np.linspace(0, 1, 10)[:, None]
        path = root + t * (0, -tall) + t**2 * (lean * tall, 0)
        canvas.stroke(
            path, rng.uniform(2, 5.5), ink, load=0, taper=1.0, dryness=0.45, grip=0.3, opacity=rng.uniform(0.3, 0.95)
        )
    press = smoothstep(-1.3, 0.6, sheet + 0.8 * noise(rng, shape, 9))
    u, v = x - 96, y - 1072
    square = smoothstep(1.5, -1.5, ((np.abs(u) / 31) ** 7 + (np.abs(v) / 37) ** 7) ** (1 / 7) * 31 - 31 + 0.3 * bleed)
    rings = np.hypot(u - 3, v + 4) + 2 * np.arctan2(v + 4, u - 3)
    cuts = [np.abs((rings + 5) % 10 - 5) - 1.7, np.abs(v - 24 + 3 * np.sin(u / 8)) - 2.2]
    cut = np.max([smoothstep(1, -1, c) for c in cuts], axis=0) * (np.maximum(np.abs(u), np.abs(v)) < 27)
    canvas.colour = blend(canvas.colour, colours("b5271d")[0], 0.9 * square * (1 - cut) * press)
    return relief_light(canvas.colour, 0.4 * sheet, 0.16)


def mist_at(mist: np.ndarray, path: np.ndarray) -> float:
    """Return the visibility in the mist at the middle of a path."""
    return float(sample(mist, *path[len(path) // 2][:, None])[0])


def pine(canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, dark: float) -> None:
    """Draw a small pine with the tip of the brush: a bent trunk and flat tufts of needles."""
    ink = colours("141418")[0]
    lean = rng.normal(0, 0.25)
    t = np.linspace(0, 1, 8)
    trunk = np.stack([x + lean * size * 2 * t**1.5, y - 2.4 * size * t], 1)
    canvas.stroke(trunk, max(2, size * 0.16), ink, load=0, taper=0.9, dryness=0.3, opacity=min(0.95, dark + 0.2))
    for place in (3, 4, 5, 6, 7):
        for side in (-1, 1):
            reach = size * (1.15 - 0.1 * place) * rng.uniform(0.5, 1.2)
            tuft = trunk[place] + np.array([[0, 0], [side * reach * 0.5, -0.12 * size], [side * reach, 0.05 * size]])
            canvas.stroke(
                tuft,
                size * 0.3,
                ink,
                load=0,
                taper=0.6,
                dryness=0.5,
                grip=0.3,
                opacity=min(0.9, dark * rng.uniform(0.7, 1.3)),
            )


def lay_rows(rng, taken: np.ndarray, mask: np.ndarray, level: np.ndarray, row: float, stone: float) -> list:
    """Set stones in rows along the contours of `level`, and return (x, y, direction, length, width) for each.

    `taken` marks the ground that is already covered; new stones are added to it.
    """
    rows, columns = taken.shape
    gy, gx = np.gradient(ndimage.gaussian_filter(level, 2.0))
    steepness = np.hypot(gx, gy) + 1e-4
    normal_x, normal_y = gx / steepness, gy / steepness
    seeds = scattered(rng, taken.shape, int(mask.sum() / (0.12 * row * stone)), mask)
    seeds = seeds[np.argsort(np.floor(sample(level, *seeds.T) / row), kind="stable")]
    stones = []
    for seed in seeds:
        if taken[int(seed[1]), int(seed[0])]:
            continue
        band = np.floor(level[int(seed[1]), int(seed[0])] / row) + 0.5
        for sign in (1, -1):
            x, y = float(seed[0]), float(seed[1])
            gap = 0.0 if sign == 1 else stone
            for _ in range(400):
                i, j = int(np.clip(y, 0, rows - 1)), int(np.clip(x, 0, columns - 1))
                x, y = x - sign * normal_y[i, j] * gap, y + sign * normal_x[i, j] * gap
                i, j = int(y), int(x)
                if not (0 <= i < rows and 0 <= j < columns) or not mask[i, j]:
                    break
                # Return to the middle of the row, because steps along a curve lead away from it.
                miss = np.clip((level[i, j] - band * row) / max(steepness[i, j], 0.2), -row, row)
                nx, ny = normal_x[i, j], normal_y[i, j]
                x, y = x - nx * miss, y - ny * miss
                long = stone * rng.uniform(0.75, 1.3)
                reach = int(long / 2 + row / 2) + 2
                top, left = max(0, int(y) - reach), max(0, int(x) - reach)
                part = taken[top : int(y) + reach, left : int(x) + reach]
                if not part.size:
                    break
                dy = np.arange(top, top + part.shape[0])[:, None] - y
                dx = np.arange(left, left + part.shape[1])[None, :] - x
                inside = (np.abs(dx * nx + dy * ny) < row / 2) & (np.abs(dy * nx - dx * ny) < long / 2)
                if not inside.any() or part[inside].mean() > 0.3:
                    break
                part[inside] = True
                stones.append((x, y, np.arctan2(nx, -ny), long, row))
                gap = long
    return stones


def mosaic(rng: np.random.Generator) -> np.ndarray:
    """Paint a mosaic: stones in rows that follow every outline, each tilted differently so that the gold flickers."""
    shape = SQUARE
    rows, columns = shape
    x, y = grid(shape)
    sun_x, sun_y = 576, 400
    ray = np.hypot(x - sun_x, y - sun_y)
    turn = np.arctan2(y - sun_y, x - sun_x)

    # Two fish in a sea under a gold sky. There is no painted frame, because it would appear in every transfer.
    fish = []
    for cx, cy, size, way in ((370, 830, 1.45, 1), (800, 1010, 1.2, -1)):
        back = [
            (-150, 6),
            (-90, -46),
            (0, -66),
            (90, -40),
            (140, -8),
            (205, -66),
            (192, 0),
            (205, 62),
            (140, 14),
            (80, 46),
            (0, 62),
            (-90, 44),
            (-150, 6),
        ]
        fish.append(polygon_mask(shape, spline([(cx + way * size * px, cy + size * py) for px, py in back], 200)) > 0.5)
    waves = y - 630 - 20 * np.sin(x / 74) - 9 * np.sin(x / 31 + 1)
    near_fish = ndimage.distance_transform_edt(~(fish[0] | fish[1]))
    disc = ray < 150
    sea = waves > 0
    sky = ~sea & ~disc
    billow = ray + 10 * noise(rng, shape, 150)

    # Start at the figures and work outwards; the last and smallest stones fill the gaps.
    taken = np.zeros(shape, bool)
    stones = []
    for mask, level, row, long in (
        (fish[0] | fish[1], ndimage.distance_transform_edt(fish[0] | fish[1]), 17.0, 18.0),
        (sea & (near_fish > 0) & (near_fish < 42), near_fish, 21.0, 22.0),
        (disc, ray, 21.0, 21.0),
        (sky & (ray < 225), ray, 24.0, 24.0),
        (sea & (waves < 72), waves, 24.0, 23.0),
        (sea, waves + 8 * np.sin(x / 74) * waves / 300, 25.0, 28.0),
        (sky, billow, 26.0, 27.0),
        (np.ones(shape, bool), y, 11.0, 11.0),
    ):
        stones += lay_rows(rng, taken, mask & ~taken, level.astype(np.float32), row, long)
    stones = np.array(stones)
    where = stones[:, :2].T

    def of(values):
        return sample(values, *where)

    # The colour of each stone depends on its place.
    count = len(stones)
    pick = rng.random(count)
    golds = colours("8a5a16", "b9801f", "dca733", "f0cb5c", "fae59a")
    spokes = 0.5 + 0.5 * np.sin(of(turn) * 14 + 0.004 * of(ray))
    tint = ramp(0.12 + 0.75 * spokes + 0.35 * (pick - 0.3) - 0.0003 * of(ray), golds)
    ember = (of(ray) < 270 + 80 * spokes) & (spokes > 0.5) & (pick < 0.4)
    tint = np.where(ember[:, None], colours("c9652f")[0], tint)
    blues = colours("0c1f4f", "15408a", "1f6fb0", "2fa3b5", "8fd3c8", "f1efe0")
    depth = of(waves)
    swell = 0.36 + 0.3 * np.sin(depth / 24) - depth / 1300 + 0.24 * (pick - 0.5)
    tint = np.where(of(sea)[:, None], ramp(np.clip(swell, 0, 1), blues), tint)
    foam = of(sea) & (depth < 48)
    tint = np.where(foam[:, None], np.where((depth < 24)[:, None], colours("f4efdc")[0], colours("9fd8cc")[0]), tint)
    halo = of(sea) & (of(near_fish) < 42)
    tint = np.where(halo[:, None], np.where((of(near_fish) < 21)[:, None], blues[0], blues[2]), tint)
    reds = colours("6e1f16", "a63b20", "cf6a33", "eaa35c", "f7dfb4")
    flame = 0.95 - of(ray) / 185 + 0.25 * (pick - 0.5)
    tint = np.where(of(disc)[:, None], ramp(np.clip(flame, 0, 1), reds), tint)
    for body, (eye_x, eye_y) in zip(fish, ((243, 810), (905, 994)), strict=True):
        inner = ndimage.distance_transform_edt(body)
        top = ndimage.center_of_mass(body)[0]
        scale = 0.25 + 0.5 * (np.floor(of(inner) / 17) % 2) + (of(y) - top) / 220 + 0.25 * (pick - 0.5)
        tint = np.where(of(body)[:, None], ramp(np.clip(scale, 0, 1), reds), tint)
        tint = np.where((of(body) & (of(inner) < 17))[:, None], colours("3c1512")[0], tint)
        eye = np.hypot(where[0] - eye_x, where[1] - eye_y)
        tint = np.where((eye < 30)[:, None], np.where((eye < 13)[:, None], colours("16100f")[0], reds[4]), tint)
    tint = np.clip(tint * rng.normal(1, 0.11, (count, 1)) + rng.normal(0, 0.022, (count, 3)), 0, 1)

    # Cut the stones unevenly and set them in mortar, at twice the size so that edges are clean.
    image = Image.new("I", (2 * columns, 2 * rows), -1)
    draw = ImageDraw.Draw(image)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    for number, (cx, cy, angle, long, row) in enumerate(stones):
        offset = corners * (long / 2 - 1.6, row / 2 - 1.6) + rng.uniform(-1.6, 1.6, (4, 2))
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = offset @ np.array([[cosine, sine], [-sine, cosine]]) + (cx, cy)
        draw.polygon([tuple(p) for p in 2 * turned], fill=number)
    owner = np.asarray(image)
    solid = (owner >= 0) & (ndimage.maximum_filter(owner, 3) == ndimage.minimum_filter(owner, 3))
    rim = ndimage.distance_transform_edt(solid) / 2
    owner = np.where(solid, owner, 0)
    fy, fx = np.mgrid[: 2 * rows, : 2 * columns].astype(np.float32) / 2
    tilt = rng.normal(0, 0.10, (2, count))
    lean = tilt[0][owner] * (fx - stones[owner, 0]) + tilt[1][owner] * (fy - stones[owner, 1])
    face = tint[owner] * (1 + 0.05 * ndimage.zoom(noise(rng, shape, 5, 0.6), 2, order=1))[..., None]
    pit = ndimage.zoom(noise(rng, shape, 3.5, 0.4), 2, order=1)
    mortar = ramp(0.5 + 0.12 * pit, colours("3a3229", "6f6252", "9a8b74"))
    height = np.where(solid, 1.6 * np.minimum(rim, 1.6) ** 0.6 + lean + 0.10 * pit, 0.25 * pit) * 2
    picture = relief_light(np.where(solid[..., None], face, mortar), ndimage.gaussian_filter(height, 0.7), 0.75, 0.35)
    return picture.reshape(rows, 2, columns, 2, 3).mean((1, 3))
