"""The recipes: each paints one picture from nothing and returns it as an array (height, width, 3) in [0, 1]."""

from collections.abc import Callable

import numpy as np
from paint_engine import (
    LANDSCAPE,
    PORTRAIT,
    Canvas,
    blend,
    colours,
    contour_flow,
    drag,
    grid,
    noise,
    paper,
    polygon_mask,
    ramp,
    scattered,
    smoothstep,
    trace,
    turned_flow,
    unit_flow,
    weave,
)
from scipy import ndimage

PAINTINGS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {}


def painting(recipe):
    """Enter a recipe under its name."""
    PAINTINGS[recipe.__name__] = recipe
    return recipe


def ridge(rng: np.random.Generator, columns: int, level: float, swing: float, scale: float, rough=0.3):
    """The y of a hill line for every column."""
    return level + swing * noise(rng, (8, columns), scale, rough)[4]


@painting
def impasto_night(rng: np.random.Generator) -> np.ndarray:
    """Thick oil at night: short loaded strokes follow whirls in the sky, and their relief catches the light."""
    shape = LANDSCAPE
    rows, columns = shape
    x, y = grid(shape)

    # Whirls: (x, y, radius, spin); the stars below turn the flow around themselves too.
    whirls = [
        (480, 300, 150, 1.0),
        (742, 386, 95, -1.0),
        (215, 420, 80, -0.8),
        (985, 240, 110, 0.9),
        (60, 150, 100, 0.7),
        (700, 90, 90, -0.7),
        (1110, 480, 90, -0.8),
    ]
    stars = [
        (160, 120, 46, 1.0),
        (365, 80, 22, 0.8),
        (640, 215, 26, 0.9),
        (870, 110, 34, 1.0),
        (90, 310, 20, 0.7),
        (905, 420, 24, 0.8),
        (330, 470, 22, 0.7),
        (1085, 70, 18, 0.7),
        (560, 500, 18, 0.7),
    ]
    flow_x = 0.55 + 0.2 * noise(rng, shape, 300)
    flow_y = 0.18 * np.sin(x / 150) + 0.25 * noise(rng, shape, 240)
    for cx, cy, radius, spin in whirls + [(*s[:2], s[2] * 1.5, 3.0 * s[3]) for s in stars]:
        dx, dy = x - cx, y - cy
        distance = np.hypot(dx, dy) + 1e-3
        pull = 2.6 * abs(spin) * np.exp(-((distance / (1.25 * radius)) ** 2) / 1.5)
        inward = 0.22 if radius > 75 else 0.0
        flow_x += pull * (-dy * np.sign(spin) - inward * dx) / distance
        flow_y += pull * (dx * np.sign(spin) - inward * dy) / distance
    flow = unit_flow((flow_x, flow_y))

    tone = drag(noise(rng, shape, 34), flow, 150)
    tone = 0.36 + 0.2 * tone / tone.std() - 0.12 * (1 - y / rows) + 0.05 * noise(rng, shape, 200)
    band = np.exp(-(((y - 520 - 60 * np.sin(x / 210 + 0.6)) / 60) ** 2))
    tone += 0.28 * band
    for cx, cy, radius, spin in whirls:
        tone += 0.16 * np.exp(-((np.hypot(x - cx, y - cy) / (0.8 * radius)) ** 2)) * abs(spin)
    sky = ramp(tone, colours("0d1440", "15256b", "1d479a", "2f74b8", "63a6cb", "b5d2c9", "efe6b4"))
    glow = ramp(np.linspace(0, 1, 256), colours("fffbe0", "fdeb8a", "f7c948", "e5a93a", "8fae8a", "3f78a8"))
    for cx, cy, radius, strength in stars:
        distance = np.hypot(x - cx, y - cy) / (2.6 * radius) + 0.05 * noise(rng, shape, 14)
        alpha = strength * smoothstep(1.0, 0.35, distance)
        sky = blend(sky, glow[np.clip(distance * 255, 0, 255).astype(int)], alpha)

    disc = np.hypot(x - stars[0][0], y - stars[0][1])
    sky = blend(sky, colours("7fb3a6")[0], smoothstep(56, 50, disc))
    crescent = smoothstep(54, 50, disc) * smoothstep(40, 44, np.hypot(x - 184, y - 108))
    sky = blend(sky, colours("ffd65c")[0], crescent)

    canvas = Canvas(blend(sky * 0.5, colours("12163f")[0], 0.5), rng)
    for count, width, length, load, jitter in (
        (2000, 28, 120, 1.4, 0.03),
        (5200, 12, 66, 1.2, 0.06),
        (5200, 6.5, 40, 1.2, 0.085),
    ):
        canvas.cover(
            sky, flow, count=count, width=width, length=length, load=load, jitter=jitter, dryness=0.25, mask=y < 760
        )
    for cx, cy, radius, _ in stars[1:]:
        for dx, dy in rng.normal(0, 0.16 * radius, (5, 2)):
            dab = np.array([[cx + dx - 5, cy + dy + 2], [cx + dx, cy + dy], [cx + dx + 5, cy + dy - 2]])
            canvas.stroke(dab, 0.3 * radius, colours("fff6cf")[0], load=2.0)

    # Hills, from the far blue ones to the near dark one, each brushed along its own slope.
    hills = [
        (690, 26, 240, colours("1b2f6e", "3a60a0", "7fa6bd")),
        (745, 24, 170, colours("0f1d4a", "23457a", "4a7d92")),
        (800, 18, 210, colours("0a1430", "16364c", "37604f")),
    ]
    across = np.arange(columns)
    for level, swing, scale, stops in hills:
        line = ridge(rng, columns, level, swing, scale) - 40 * np.exp(-(((across - 1050) / 260) ** 2))
        depth = y - line
        slope = np.arctan(ndimage.gaussian_filter1d(np.gradient(line), 12))
        hill_flow = turned_flow(slope + smoothstep(4, 60, depth) * (0.7 * np.sin(depth / 30 + x / 80) + 0.2))
        light = drag(noise(rng, shape, 20), hill_flow, 70)
        target = ramp(0.4 + 0.24 * light / light.std() + 0.35 * np.exp(-np.abs(depth) / 12), stops)
        for count, width, length in ((350, 20, 70), (900, 9, 44), (700, 5, 30)):
            mask = (depth > width / 2) & (depth < 170)
            canvas.cover(
                target, hill_flow, count=count, width=width, length=length, mask=mask, jitter=0.04, load=1.2
            )
        for begin in range(0, columns, 18):
            part = across[begin : begin + rng.integers(30, 70)]
            if part.size > 20:
                rim = np.stack([part, line[part] + rng.normal(2, 2)], 1)[::5]
                canvas.stroke(rim, rng.uniform(2.5, 7), stops[0] * 0.6, load=1.4, dryness=0.35, taper=0.8)

    village(canvas, rng)
    cypress(canvas, rng)
    return canvas.lit(1.0, 0.12)


def village(canvas: Canvas, rng: np.random.Generator) -> None:
    """Small houses with lit windows, from the far row to the near one: a few slabs of paint each."""
    walls = colours("20365f", "2b4a6d", "38506a", "1a2a4c", "4a5a6c")
    roofs = colours("1a1f3d", "35305a", "5a3a44", "27406b")
    lights = colours("ffd75e", "ffb836", "fff0a8")
    shrubs = colours("0e2a33", "17403c", "2b5a45", "0b1a30")
    for base, size, first, last in ((800, 20, 380, 980), (838, 27, 420, 1060), (880, 34, 470, 1120)):
        place = first + rng.uniform(0, 40)
        while place < last:
            wide, tall = size * rng.uniform(0.9, 1.7), size * rng.uniform(0.6, 1.0)
            ground = base + rng.uniform(-8, 8)
            wall, roof = rng.choice(walls), rng.choice(roofs)
            middle = np.linspace([place, ground - tall / 2], [place + wide, ground - tall / 2], 4)
            canvas.stroke(middle, tall, wall, wall * 1.3, taper=0.05, load=1.3)
            top = ground - tall
            lean, rise = size * rng.uniform(0.1, 0.4), size * rng.uniform(0.4, 0.65)
            for part in np.linspace(0, 1, 5):
                eave = np.array([place - 3 + (wide + 6) * part, top + 3])
                crest = np.array([place + lean + (wide - 1.6 * lean) * part, top - rise])
                slab = np.linspace(eave, crest, 4)
                canvas.stroke(slab, wide * 0.3, roof * rng.uniform(0.8, 1.5), taper=0.1, load=1.4)
            for _ in range(rng.integers(1, 4)):
                spot = np.array([place + wide * rng.uniform(0.15, 0.8), ground - tall * rng.uniform(0.3, 0.7)])
                dab = spot + np.array([[0, -0.13], [0, 0.13]]) * size
                canvas.stroke(dab, size * 0.2, rng.choice(lights), taper=0.1, load=2.2)
            for _ in range(5):
                spot = np.array([place + rng.uniform(-10, wide + 20), ground + rng.uniform(0, 14)])
                bend = np.array([[-9, 3], [0, -4], [9, 2]]) * rng.uniform(0.7, 1.6)
                canvas.stroke(spot + bend, 8, rng.choice(shrubs), load=1.4, dryness=0.2)
            place += wide + size * rng.uniform(0.2, 2.2)
    # A chapel, lit by the moon from the left.
    for offset in range(-46, 10, 8):
        wall = np.linspace([745 + offset, 872], [745 + offset, 838], 4)
        canvas.stroke(wall, 11, colours("3a5c86")[0] * rng.uniform(0.7, 1.2), taper=0.1, load=1.4)
        tiles = np.linspace([743 + offset, 842], [747 + offset * 0.8, 822], 4)
        canvas.stroke(tiles, 11, colours("2a2850")[0] * rng.uniform(0.8, 1.5), taper=0.1, load=1.5)
    for offset, shade in ((-6, "86aabb"), (0, "4a6c94"), (6, "1c2f5c")):
        tower = np.linspace([752 + offset, 872], [752 + offset, 784], 5)
        canvas.stroke(tower, 8, colours(shade)[0], taper=0.1, load=1.4)
        spire = np.linspace([752 + offset * 1.2, 792], [752 + offset * 0.2, 706], 6)
        canvas.stroke(spire, 8, colours(shade)[0] * 0.9, taper=0.9, load=1.4)
    for spot_x, spot_y in ((752, 806), (722, 856), (706, 858)):
        glow = np.array([[spot_x, spot_y - 5], [spot_x, spot_y + 5]])
        canvas.stroke(glow, 6, lights[0], taper=0.3, load=2.0)


def cypress(canvas: Canvas, rng: np.random.Generator) -> None:
    """A dark flame of a tree in the left foreground, all in rising curved strokes."""
    stops = colours("06120f", "10261c", "1f3d25", "3d4f24", "5b3d1f", "16304a")
    for centre, foot, tip, spread in ((262, 960, 560, 60), (118, 960, 640, 48), (196, 970, 300, 74)):
        for _ in range(420):
            rise = rng.beta(1.1, 1.5)
            height = foot - (foot - tip) * rise
            reach = spread * (1 - rise) ** 0.62 * (1 + 0.12 * np.sin(rise * 17 + centre))
            side = np.clip(rng.normal(0, 0.5), -1, 1)
            x = centre + 10 * np.sin(rise * 6 + centre) + side * reach
            length = rng.uniform(60, 120) * (1 - 0.5 * rise)
            t = np.linspace(0, 1, 8)
            bend = rng.normal(0, 7) * np.sin(np.pi * t) - side * reach * 0.5 * t**1.5
            path = np.stack([x + bend, height - length * (t - 0.3)], 1)
            tint = stops[rng.choice(len(stops), p=(0.3, 0.28, 0.2, 0.1, 0.06, 0.06))]
            canvas.stroke(
                path, rng.uniform(5, 15) * (1 - 0.5 * rise), tint, tint * rng.uniform(0.6, 1.5), taper=0.9, load=1.5, dryness=0.2
            )


@painting
def red_sky(rng: np.random.Generator) -> np.ndarray:
    """Thinned oil and crayon on cardboard: long wavering bands, with the raw board showing between them."""
    shape = PORTRAIT
    rows, columns = shape
    x, y = grid(shape)
    shore = 540 + 26 * np.sin(x / 130 + 0.4) + 14 * np.sin(x / 57 + 2) + 8 * noise(rng, shape, 90)

    # The sky waves more strongly the closer a band lies to the shore.
    wave = 46 * np.sin(x / 160 + y / 210 + 0.5) + 24 * np.sin(x / 73 - y / 130 + 1.2) + 16 * noise(rng, shape, 170)
    bands = y + wave * (0.35 + 0.65 * y / 540)
    sky_flow = contour_flow(bands, 3)
    phase = bands / 540 + 0.03 * drag(noise(rng, shape, 60), sky_flow, 200)
    sky_stops = colours(
        "b53a1e", "e0562a", "f08a3c", "f6c46a", "e8471f", "c9301c", "f3a24a", "7d93a0", "f7d58a", "e2491f",
        "f2873a", "a92a20", "f5b558", "efe0ae", "ea6a2c", "d23a1c", "f7c860",
    )
    streak = drag(noise(rng, shape, 9, 0.3), sky_flow, 240)
    sky = ramp(phase + 0.035 * streak / streak.std(), sky_stops, np.linspace(-0.08, 1.08, len(sky_stops)))

    # The fjord: slow eddies in blue-green, which come to rest along the shore.
    depth = y - shore
    level = depth + 10 * noise(rng, shape, 110) * smoothstep(0, 120, depth)
    for cx, cy, radius, strength in ((250, 830, 170, 330), (700, 760, 130, -260), (640, 1060, 170, 340)):
        eddy = np.exp(-(((x - cx) / (1.3 * radius)) ** 2) - ((y - cy) / radius) ** 2)
        level = level + strength * eddy * smoothstep(0, 170, depth)
    water_flow = contour_flow(level, 5)
    streak = drag(noise(rng, shape, 12, 0.3), water_flow, 220)
    tone = 0.42 + 0.3 * np.sin(level / 27 + 0.9 * noise(rng, shape, 120)) + 0.13 * streak / streak.std()
    bay = np.exp(-(((x - 170) / 330) ** 2) - ((depth - 66) / 34) ** 2)
    water_stops = colours("0b1522", "112a3c", "1b4656", "2d686c", "5b8f84", "bfae6c", "e79a4e", "f7c878")
    water = ramp(0.9 * tone + 0.55 * bay - 0.25 * smoothstep(40, 0, depth), water_stops)

    board = colours("b98f5e")[0] * (1 + 0.05 * noise(rng, shape, 60, 0.6))[..., None]
    canvas = Canvas(board, rng, tooth=paper(rng, shape))
    for count, width, length, dryness, jitter, grip in (
        (420, 32, 330, 0.5, 0.03, 0.2),
        (800, 15, 240, 0.6, 0.05, 0.3),
        (700, 6, 190, 0.7, 0.08, 0.45),
    ):
        for target, flow, mask in ((sky, sky_flow, depth < -width / 2), (water, water_flow, depth > width / 2)):
            canvas.cover(
                target, flow, count=count, width=width, length=length, mask=mask, jitter=jitter, dryness=dryness,
                grip=grip, load=0.6, taper=0.7, streaks=0.1, opacity=0.93,
            )

    # Headlands: two dark tongues of land, then crayon lines that go over everything.
    across = np.arange(columns)
    for height, reach, drift in ((64, 520, -1), (40, 700, 1)):
        crest = height * smoothstep(reach, 0, across if drift < 0 else columns - across) ** 0.8
        crest = crest + 5 * noise(rng, (8, columns), 50)[4]
        rise = (shore[540] - y) / np.maximum(crest, 1)
        land = (rise > -0.2) & (rise < 1) & (crest > 6)
        dark = ramp(0.4 + 0.2 * streak, colours("0a1420", "15283a", "24465a", "4a6a66"))
        for count, width in ((150, 15), (200, 7)):
            canvas.cover(
                dark, turned_flow(0.06 * drift + 0 * x), count=count, width=width, length=90, mask=land,
                jitter=0.03, load=0.7, dryness=0.4, grip=0.2,
            )
    for flow, mask, shades in (
        (sky_flow, depth < -10, colours("7a1a1c", "f9dd8c", "53272f", "c2240f")),
        (water_flow, depth > 10, colours("060d18", "0c1c30", "8fb3a0", "d9843f")),
    ):
        starts = scattered(rng, shape, 55, mask)
        for line in trace(flow, starts, rng.uniform(180, 620, len(starts)), 61):
            canvas.stroke(
                line, rng.uniform(3, 7), rng.choice(shades), dryness=0.4, grip=0.6, load=0.5, taper=0.8
            )
    return canvas.lit(0.9, 0.03) * (1 + 0.035 * canvas.tooth[..., None])
