"""The recipes: each paints one picture from nothing and returns it as an array (height, width, 3) in [0, 1]."""

from collections.abc import Callable

import numpy as np
from paint_engine import (
    LANDSCAPE,
    PORTRAIT,
    SQUARE,
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
    relief_light,
    sample,
    scattered,
    smoothstep,
    trace,
    turned_hue,
    turned_flow,
    unit_flow,
    weave,
)
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

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

    # The fjord: bands run along the shore and wind into one slow whirl.
    depth = y - shore
    whirl_x, whirl_y = (x - 630) / 1.35, y - 890 + 0.12 * (x - 630)
    reach = np.hypot(whirl_x, whirl_y)
    rest = 70.0
    level = -rest * np.logaddexp(-(depth - 60) / rest, -1.1 * reach / rest)
    level = level + 9 * noise(rng, shape, 120) * smoothstep(0, 120, depth) + 22 * np.sin(x / 150 - y / 190)
    water_flow = contour_flow(level, 5)
    streak = drag(noise(rng, shape, 12, 0.3), water_flow, 220)
    spiral = np.arctan2(whirl_y, whirl_x)
    tone = 0.42 + 0.3 * np.sin(level / 26 + spiral + 0.5 * noise(rng, shape, 160)) + 0.13 * streak / streak.std()
    bay = np.exp(-(((x - 170) / 330) ** 2) - ((depth - 66) / 34) ** 2)
    water_stops = colours("0b1522", "112a3c", "1b4656", "2d686c", "5b8f84", "bfae6c", "e79a4e", "f7c878")
    water = ramp(0.9 * tone + 0.55 * bay - 0.25 * smoothstep(40, 0, depth), water_stops)

    board = colours("b98f5e")[0] * (1 + 0.05 * noise(rng, shape, 60, 0.6))[..., None]
    stain = np.where((depth < 0)[..., None], sky, water)
    canvas = Canvas(blend(board, stain, 0.5 + 0.1 * noise(rng, shape, 50, 0.4)), rng, tooth=paper(rng, shape))
    for count, width, length, dryness, jitter, grip in (
        (420, 32, 330, 0.6, 0.03, 0.0),
        (800, 15, 240, 0.65, 0.05, 0.1),
        (700, 6, 190, 0.7, 0.08, 0.28),
    ):
        for target, flow, mask in ((sky, sky_flow, depth < -width / 2), (water, water_flow, depth > width / 2)):
            canvas.cover(
                target, flow, count=count, width=width, length=length, mask=mask, jitter=jitter, dryness=dryness,
                grip=grip, load=0.6, taper=0.7, streaks=0.1, opacity=0.93,
            )

    # Headlands: two dark tongues of land, then crayon lines that go over everything.
    across = np.arange(columns)
    for height, reach, drift in ((78, 560, -1), (60, 440, 1)):
        crest = height * smoothstep(reach, 0, across if drift < 0 else columns - across) ** 0.8
        crest = crest * (1 + 0.28 * noise(rng, (8, columns), 60)[4])
        rise = (shore[540] - y) / np.maximum(crest, 1)
        land = (rise > -0.2) & (rise < 1) & (crest > 6)
        dark = ramp(0.4 + 0.2 * streak, colours("0a1420", "15283a", "24465a", "4a6a66"))
        for count, width in ((150, 15), (200, 7)):
            canvas.cover(
                dark, turned_flow(0.06 * drift + 0 * x), count=count, width=width, length=90, mask=land,
                jitter=0.03, load=0.7, dryness=0.4, grip=0.08,
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


def claw(rng, start, angle, length, width, bend, depth=2) -> list[np.ndarray]:
    """Outlines of one finger of foam that hooks over, with smaller fingers growing from it."""
    turn = angle + bend * np.linspace(0, 1, 16) ** 1.6
    path = start + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1) * length / 15, axis=0)
    shapes = [ribbon(path, width * np.linspace(1, 0.12, 16) ** 0.8)]
    if depth:
        for place in (3, 6, 9):
            side = rng.choice((-1, 1))
            shapes += claw(
                rng, path[place], turn[place] + side * rng.uniform(0.5, 1.0),
                length * rng.uniform(0.35, 0.55), width * 0.55, bend * rng.uniform(0.7, 1.2), depth - 1,
            )
    return shapes


def breaker(picture, rng, face, back, tones, claws: int, reach: float, over: float = 0.6):
    """Print one wave between the curve of its hollow and that of its back, both from the foot to the tip."""
    shape = picture.shape[:2]
    face, back = spline(face), spline(back)
    x, y = grid(shape)

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
            swell = thick * rng.uniform(0.4, 1.3) * (0.4 + s) * np.sin(np.pi * tau**rng.uniform(0.6, 1.6)) ** 0.8
            shapes.append(
                np.concatenate([inner(middle_s - swell, begin, end), inner(middle_s + swell, begin, end)[::-1]])
            )
        picture = blend(picture, tone, polygon_mask(shape, *shapes) * body)
    line = outline(body, 2.0 + 0.7 * noise(rng, shape, 50))
    picture = blend(picture, dark * 0.7, line)

    # Foam: claws all along the crest and under the lip; one mask, so that one line runs round them all.
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


@painting
def woodblock_sea(rng: np.random.Generator) -> np.ndarray:
    """Woodblock print: flat inks wiped into gradations, a dark-blue key block, the grain of plank and paper."""
    shape = LANDSCAPE
    rows, columns = shape
    x, y = grid(shape)
    tones = colours("15285a", "2b5d8e", "8fb9bd", "f0e6cd")
    cream = colours("ead9ae")[0]

    sky = ramp(
        y / 760 + 0.02 * noise(rng, shape, 180, 0.3),
        colours("6f8d96", "c9c7a5", "ecdcae", "f0dfae", "e9c79a", "c99b7a"),
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
        picture, rng,
        [(700, 960), (850, 930), (1000, 890), (1220, 830)],
        [(600, 850), (760, 775), (930, 675), (1060, 590), (1220, 500)],
        tones, 15, 46, over=1.0,
    )
    picture = breaker(
        picture, rng,
        [(1120, 1000), (930, 850), (770, 765), (645, 680), (560, 590), (515, 480), (525, 375), (580, 300), (660, 268), (730, 290), (768, 350)],
        [(-90, 800), (-70, 600), (30, 450), (170, 305), (320, 195), (480, 130), (630, 140), (730, 210), (768, 350)],
        tones, 54, 84,
    )
    picture = breaker(
        picture, rng,
        [(940, 1000), (800, 900), (700, 830), (655, 760), (668, 700), (720, 672), (775, 700)],
        [(-90, 1000), (60, 850), (230, 770), (420, 690), (590, 630), (710, 630), (775, 700)],
        tones, 40, 56,
    )
    spray = scattered(rng, shape, 1500)
    near = np.exp(-(((spray[:, 0] - 740) / 200) ** 2) - ((spray[:, 1] - 430) / 190) ** 2)
    ring = np.linspace(0, 2 * np.pi, 14)
    drops = [
        spot + rng.gamma(2.5, 1.0) * np.stack([np.cos(ring), np.sin(ring)], 1)
        for spot in spray[rng.random(len(spray)) < 0.5 * near]
    ]
    drops = polygon_mask(shape, *drops)
    picture = blend(blend(picture, tones[3], drops), tones[1], 0.6 * outline(drops, 0.8))

    # Ink sits unevenly: the grain of the plank, the rubbing pad, and the tooth of the paper.
    grain = noise(rng, shape, 2.5, 0.2, ratio=30) + 0.5 * noise(rng, shape, 60, 0.5)
    tooth = paper(rng, shape, 1400)
    ink = 1 - picture.mean(-1)
    worn = np.clip(0.05 + 0.05 * grain + 0.05 * tooth, 0, 0.4) * (0.35 + ink)
    picture = blend(picture, cream, worn)
    wander = [y + 0.5 * noise(rng, shape, 12), x + 0.5 * noise(rng, shape, 12)]
    picture = np.stack([ndimage.map_coordinates(picture[..., c], wander, order=1, mode="nearest") for c in range(3)], -1)
    return picture * (1 + 0.018 * tooth[..., None])


def voronoi(shape, points: np.ndarray, wander: tuple | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest point of every pixel, its distance, and the distance to the border with the next one."""
    x, y = grid(shape)
    if wander is not None:
        x, y = x + wander[0], y + wander[1]
    distance, index = cKDTree(points).query(np.stack([x, y], -1).reshape(-1, 2), k=2)
    first, second = points[index[:, 0]], points[index[:, 1]]
    between = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * np.hypot(*(first - second).T) + 1e-6)
    return index[:, 0].reshape(shape), distance[:, 0].reshape(shape), between.reshape(shape)


@painting
def stained_glass(rng: np.random.Generator) -> np.ndarray:
    """Leaded glass against the light: hand-blown panes with seeds and streaks, painted edges, round lead."""
    shape = PORTRAIT
    rows, columns = shape
    x, y = grid(shape)
    sun_x, sun_y = 585, 330
    distance = np.hypot(x - sun_x, y - sun_y)
    angle = np.arctan2(y - sun_y, x - sun_x)

    # Regions are drawn first; panes are then cut inside them, longer along the region than across it.
    hill_lines = [
        (650, 62, 190, 0.4), (745, 50, 150, 2.1), (850, 56, 230, 4.0), (985, 40, 170, 5.2),
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

    # Rays cut the rings round the sun; elsewhere stretched cells follow sky and hills.
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
    # The sky is cut into shards that fly out from the sun: cells of a plane of angle and distance.
    around = 1634
    fan = ((angle + np.pi) / (2 * np.pi) * around - x, distance * 0.34 - y)
    points = scattered(rng, (420, around), 280)
    points = np.concatenate([points + (shift, 0) for shift in (-around, 0, around)])
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
    warmth = np.clip(1.5 - afar / 420, 0, 0.8) * (kind == 3)[:, None]
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


@painting
def cubist_facets(rng: np.random.Generator) -> np.ndarray:
    """A still life broken into planes: each is shaded from one edge, and short dabs run along its direction."""
    shape = SQUARE
    rows, columns = shape
    x, y = grid(shape)
    ochre = colours("2a2019", "5a432b", "94703f", "c49a5a", "e3c78f", "f3e6c4")
    slate = colours("1c2126", "3a454c", "66747a", "98a3a0", "c6cbc0", "ece7d6")
    umber = colours("241a17", "4a3028", "7d5238", "a97b55", "cfae85", "efdfc2")
    sets = (ochre, slate, umber)
    axes = np.radians([8, 38, 62, 92, 124, 152])

    tone = 0.5 + 0.08 * noise(rng, shape, 260) - 0.25 * np.hypot((x - 576) / 900, (y - 576) / 900)
    picture = blend(ramp(tone, ochre), ramp(tone, slate), smoothstep(-0.6, 0.9, noise(rng, shape, 200)))
    angle = np.full(shape, axes[0], np.float32)
    sheen = 0.03 * noise(rng, shape, 40, 0.4)
    edges = []

    def plane(middle, size, share: float) -> None:
        """Lay one plane, solid along its first edge and gone at the far side."""
        first = rng.integers(len(axes))
        along, across = axes[first] + rng.normal(0, 0.06), axes[(first + rng.integers(2, 5)) % len(axes)]
        u, v = (np.array([np.cos(a), np.sin(a)]) for a in (along, across))
        wide, tall = size * rng.uniform(0.3, 1.0, 2)
        shrink = rng.uniform(0.2, 1.15)
        corners = middle + np.array(
            [-u * wide - v * tall, u * wide - v * tall, u * wide * shrink + v * tall, -u * wide * shrink + v * tall]
        ) / 2
        left, top = np.clip(corners.min(0).astype(int) - 2, 0, None)
        part = np.s_[top : int(corners[:, 1].max()) + 3, left : int(corners[:, 0].max()) + 3]
        if not angle[part].size:
            return
        mask = polygon_mask(angle[part].shape, corners - (left, top))
        normal = np.array([-u[1], u[0]])
        depth = ((x[part] - corners[0, 0]) * normal[0] + (y[part] - corners[0, 1]) * normal[1]) / (tall * (v @ normal))
        depth = np.clip(depth, 0, 1)
        dark = rng.random() < 0.42
        start = rng.uniform(0.0, 0.2) if dark else rng.uniform(0.7, 1.0)
        shade = start + (0.5 - start) * depth**0.8 + sheen[part]
        cover = share * mask * (1.0 - 0.8 * depth ** rng.uniform(0.6, 1.5))
        picture[part] = blend(picture[part], ramp(shade, sets[rng.choice(3, p=(0.42, 0.36, 0.22))]), cover)
        angle[part] = np.where(mask * (depth < 0.7) > 0.5, along, angle[part])
        edges.append((corners[[0, 1]], dark))
        if rng.random() < 0.5:
            edges.append((corners[[1, 2]], dark))

    def centre() -> np.ndarray:
        return np.array([576, 600]) + rng.standard_normal(2) * (190, 235)

    for number in range(120):
        plane(centre() if number % 3 == 2 else rng.uniform(-60, columns + 60, 2), 560 * 0.989**number, 1.0)
    lines = still_life(picture, ochre, slate)
    for number in range(120):
        plane(centre(), 270 * 0.992**number, 0.7)

    canvas = Canvas(picture * (1 + 0.03 * weave(rng, shape)[..., None]), rng, tooth=weave(rng, shape) * 1.2)
    flow = turned_flow(angle)
    for count, width, length, grip in ((1500, 24, 44, 0.15), (6000, 12, 24, 0.3), (6500, 7, 15, 0.3)):
        canvas.cover(
            picture, flow, count=count, width=width, length=length, jitter=0.028, dryness=0.45, grip=grip,
            load=0.8, taper=0.15, streaks=0.08, opacity=0.9,
        )
    for corners, dark in edges:
        path = np.linspace(corners[0], corners[1], 24) + rng.normal(0, 0.6, (24, 2))
        part = path[: rng.integers(14, 25)]
        canvas.stroke(
            part, rng.uniform(2.5, 6), colours("1a1512" if dark else "2e2620")[0], dryness=0.45, taper=0.9,
            load=0.5, grip=0.3, opacity=0.85,
        )
        if not dark and rng.random() < 0.6:
            canvas.stroke(part + (3, 4), 4, colours("f6ecd0")[0], dryness=0.6, grip=0.4, load=0.9, taper=0.6)
    for line in lines:
        for begin in np.arange(0, len(line) - 8, 14):
            if rng.random() < 0.8:
                part = line[begin : begin + 24] + rng.normal(0, 3.0, 2)
                canvas.stroke(part, rng.uniform(3, 6), colours("15110f")[0], dryness=0.4, taper=0.8, load=0.5)
    canvas.height += 0.25 * weave(rng, shape)
    return canvas.lit(0.8, 0.05)


def still_life(picture: np.ndarray, ochre: np.ndarray, slate: np.ndarray) -> list[np.ndarray]:
    """Block in a guitar, a bottle and a glass, and return the curves that will be drawn over the planes."""
    shape = picture.shape[:2]
    axis, side = np.array([0.41, -0.91]), np.array([0.91, 0.41])
    t = np.linspace(-np.pi, np.pi, 240)
    waist = 150 * (1 + 0.28 * np.cos(2 * t) - 0.12 * np.cos(t)) * np.abs(np.sin(t)) ** 0.8 * np.sign(np.sin(t))
    body = np.array([560, 740]) + np.outer(225 * np.cos(t), axis) + np.outer(waist, side)
    hole = np.array([592, 668]) + np.outer(50 * np.cos(t), axis) + np.outer(50 * np.sin(t), side)
    neck_line = np.array([[640, 560], [800, 205]])
    neck = ribbon(np.linspace(*neck_line, 30), np.linspace(44, 34, 30))
    bottle = spline(
        [(250, 850), (245, 600), (262, 480), (300, 420), (303, 300), (345, 300), (348, 420), (386, 480),
         (402, 600), (398, 850)], 200,
    )
    glass = spline([(800, 900), (835, 780), (775, 660), (930, 650), (880, 780), (915, 900)], 120)
    for edge, stops, light in (
        (bottle, slate, 0.25), (body, ochre, 0.62), (neck, ochre, 0.2), (hole, ochre, 0.0), (glass, slate, 0.85),
    ):
        x = grid(shape)[0] - edge[:, 0].mean()
        tint = ramp(np.clip(light + 0.0012 * x, 0, 1), stops)
        picture[:] = blend(picture, tint, 0.85 * polygon_mask(shape, edge))
    strings = [np.linspace((525 + 9 * k, 830 + 4 * k), (783 + 9 * k, 215 + 4 * k), 120) for k in range(5)]
    echo = body[30:130] + (34, -22)
    return [body[:110], body[125:220], echo, hole, bottle[:90], bottle[105:], glass, neck[:30], neck[30:], *strings]


def foliage(rng: np.random.Generator, shape, blobs, ragged: float = 0.3) -> np.ndarray:
    """Coverage of leafy masses given as (x, y, radius): soft balls with a torn edge."""
    x, y = grid(shape)
    fullness = np.full(shape, -9.0, np.float32)
    for cx, cy, radius in blobs:
        fullness = np.maximum(fullness, 1 - np.hypot(x - cx, (y - cy) * 1.12) / radius)
    return smoothstep(-0.03, 0.05, fullness + ragged * 0.3 * noise(rng, shape, 22, 0.5))


@painting
def pointillism(rng: np.random.Generator) -> np.ndarray:
    """Divided colour: pure dots in four sizes, complements set side by side, so that the eye does the mixing."""
    shape = LANDSCAPE
    rows, columns = shape
    x, y = grid(shape)
    horizon = 395
    sun_x, sun_y = 430, 262
    glare = np.hypot(x - sun_x, y - sun_y)

    scene = ramp(y / horizon + 0.03 * noise(rng, shape, 120), colours("5d8fd0", "8fb6dd", "d6c6de", "f6d9a6", "ffce85"))
    scene = blend(scene, colours("ffe58a")[0], 0.85 * np.exp(-glare / 150))
    cloud = smoothstep(0.3, 1.6, noise(rng, shape, 70, 0.35, ratio=2.6)) * smoothstep(0, 60, horizon - y)
    scene = blend(scene, ramp(y / horizon, colours("f4e9ec", "ffd3b0")), 0.8 * cloud)
    scene = blend(scene, colours("fffbdc")[0], smoothstep(44, 38, glare))

    water = ramp((y - horizon) / 500, colours("f9cf94", "d4b6d4", "6a9cd6", "2f66b8", "2a3f95"))
    ripple = np.sin(np.maximum(y - horizon, 0) ** 0.72 * 1.5 + 1.2 * noise(rng, shape, 30, 0.2, ratio=3))
    water = water * (1 + 0.09 * ripple)[..., None]
    path = np.exp(-(((x - sun_x) / (26 + 0.16 * (y - horizon))) ** 2)) * (0.55 + 0.45 * ripple)
    water = blend(water, colours("fff0a0")[0], 0.9 * np.clip(path, 0, 1) * smoothstep(560, 120, y - horizon))
    scene = np.where((y > horizon)[..., None], water, scene)

    line = ridge(rng, columns, 352, 15, 60, 0.4)
    far = (y > line) & (y < horizon + 4)
    scene = blend(scene, ramp((y - line) / 50, colours("9fa3d6", "6f86b8", "5a7c8f")), far)
    mirrored = (y >= horizon + 4) & (y < 2 * horizon - line + 12 * ripple)
    scene = blend(scene, colours("6b84b6")[0], 0.65 * mirrored)
    for cx, base, size in ((640, 418, 62), (730, 404, 36), (250, 406, 40)):
        hull = ribbon(np.array([[cx - 0.5 * size, base], [cx + 0.5 * size, base]]), np.array([9.0, 7.0]) * size / 60)
        sails = [[(cx, base - 4), (cx + 3, base - size * 1.5), (cx + size * 0.45, base - 5)],
                 [(cx - 4, base - 4), (cx, base - size * 1.25), (cx - size * 0.35, base - 5)]]
        scene = blend(scene, colours("fff6e0")[0], polygon_mask(shape, *sails))
        scene = blend(scene, colours("4a3560")[0], polygon_mask(shape, hull))
        glint = np.abs(x - cx) < size * 0.3 * (1 + 0.4 * ripple)
        scene = blend(scene, colours("f3ead8")[0], 0.5 * glint * (y > base + 5) * smoothstep(size * 1.5, 0, y - base))

    # The near bank, its trees and the shadow they throw.
    bank_line = 905 - 400 * smoothstep(330, 1260, x) - 0.06 * x + 9 * noise(rng, shape, 60, 0.4)
    bank = smoothstep(-2, 2, y - bank_line)
    grass = ramp(
        0.55 + 0.18 * noise(rng, shape, 40, 0.4, ratio=2.5) + 0.25 * smoothstep(120, 0, y - bank_line),
        colours("2f5a3a", "4f8a3d", "8fb545", "d6d262", "f3e58a"),
    )
    shade = smoothstep(0.1, 0.6, np.exp(-(((x - 900 - 0.9 * (y - 760)) / 210) ** 2) - ((y - 790) / 80) ** 2)
                       + 0.12 * noise(rng, shape, 40, 0.4))
    grass = blend(grass, colours("35348f")[0], 0.82 * shade)
    scene = blend(scene, grass, bank)
    trunks = [
        ribbon(spline([(985, 770), (972, 640), (990, 500), (955, 330)], 40), np.linspace(52, 20, 40)),
        ribbon(spline([(980, 560), (1030, 450), (1090, 340)], 40), np.linspace(26, 10, 40)),
        ribbon(spline([(820, 745), (812, 640), (828, 520)], 40), np.linspace(22, 10, 40)),
    ]
    trunk = polygon_mask(shape, *trunks)
    lit_side = smoothstep(-0.2, 0.6, ndimage.sobel(ndimage.gaussian_filter(trunk, 8), 1) * 3)
    scene = blend(scene, blend(colours("4a2f5c")[0], colours("d98a4a")[0], lit_side), trunk)
    crowns = [
        (1000, 250, 170), (880, 200, 110), (1090, 140, 150), (960, 90, 130), (1130, 330, 110), (860, 330, 80),
        (820, 480, 82), (775, 520, 46), (868, 520, 54),
    ]
    leaves = foliage(rng, shape, crowns)
    form = 0.8 * noise(rng, shape, 30, 0.3) + 0.8 * noise(rng, shape, 75) - (x - 980) / 300 - (y - 280) / 400
    green = ramp(0.45 + 0.2 * form, colours("1f2f6b", "24586a", "2f7d4a", "79a93c", "dcc94a", "ffe27a"))
    scene = blend(scene, green, leaves)
    reeds = foliage(rng, shape, [(60, 880, 120), (170, 905, 90), (-20, 780, 90)], 0.7)
    scene = blend(scene, ramp(0.5 + 0.25 * noise(rng, shape, 30, 0.3), colours("274a5f", "3f7a45", "a9b84a", "e8b54a")), reeds)

    # Dots lie along the forms: level on water, round in the leaves, leaning on the bank.
    lean = 0.25 * noise(rng, shape, 50) - 0.35 * bank + 1.6 * noise(rng, shape, 40) * np.maximum(leaves, reeds)
    canvas = Canvas(blend(np.broadcast_to(colours("efe3c4")[0], scene.shape), scene, 0.35), rng)
    for count, radius, spice in ((9000, 8.5, 0.5), (24000, 5.4, 0.9), (22000, 3.9, 1.2), (12000, 2.6, 1.5)):
        points = scattered(rng, shape, count)
        tints = sample(scene, points[:, 0], points[:, 1])
        dice = rng.random(len(points))
        turn = np.where(dice < 0.075 * spice, 180, np.where(dice < 0.5 * spice, rng.normal(0, 30, len(dice)), 0))
        vivid = tints.mean(-1, keepdims=True)
        tints = vivid + (turned_hue(tints, turn) - vivid) * np.where(turn == 180, 1.1, 1.45)[:, None]
        tints = np.clip(tints + 0.045 * spice * rng.standard_normal((len(tints), 1)), 0, 1)
        radii = radius * np.exp(0.16 * rng.standard_normal(len(points)))
        angles = sample(lean, points[:, 0], points[:, 1]) + 0.3 * rng.standard_normal(len(points))
        canvas.dabs(points, radii, tints, angles)
    canvas.height += 0.12 * weave(rng, shape)
    return canvas.lit(0.8, 0.08)


@painting
def marbled_paper(rng: np.random.Generator) -> np.ndarray:
    """Marbling: drops of colour spread on a bath and push each other into veins; combs then draw them out.

    Every pixel is followed backwards through the combing and the drops until it falls inside one of them.
    """
    shape = LANDSCAPE
    # Veins are thinner than a pixel, so the bath is followed at twice the size and averaged.
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
        """How far a comb with teeth at every `spacing` along q drags the bath, each tooth a little unlike."""
        tooth = np.floor(q / spacing + 0.5)
        strength = rng.normal(1, 0.16, 400)[tooth.astype(int) % 400]
        return pull * strength * np.exp(-np.abs(q - tooth * spacing) / soft)

    for cx, cy, turn, reach in (
        (300, 300, 3.6, 115), (760, 560, -3.8, 130), (930, 180, 3.0, 90), (180, 720, -3.0, 95), (520, 850, 2.6, 80),
        (1090, 790, 2.8, 85), (560, 120, -2.4, 75),
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
    # Colour floats thin in the middle of a drop and gathers at its rim; the paper shows through in grains.
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
    """How dark a puddle of ink dries: grainy, darker along its rim, and bled out where the paper was wet."""
    shape = mask.shape
    bled = ndimage.gaussian_filter(mask, 16)
    damp = wet * smoothstep(0.0, 1.2, noise(rng, shape, 90, 0.3))
    edge = np.clip(ndimage.gaussian_filter(mask, 1.2) - ndimage.gaussian_filter(mask, 7), 0, 1)
    grains = 1 + 0.16 * noise(rng, shape, 50, 0.6) + 0.10 * noise(rng, shape, 4, 0.5)
    return strength * (mask * (1 - damp) + bled * damp + 0.9 * edge * (1 - damp)) * grains


@painting
def ink_wash(rng: np.random.Generator) -> np.ndarray:
    """Ink on rice paper: washes from pale to dark pile mountains up out of mist; a nearly dry brush adds the rock."""
    shape = PORTRAIT
    rows, columns = shape
    x, y = grid(shape)
    sheet = paper(rng, shape, 1500)
    ground = ramp(0.5 + 0.16 * noise(rng, shape, 260, 0.3), colours("d9cba6", "eadfc3", "f3ead2"))
    ground = ground * (1 + 0.02 * sheet[..., None])
    canvas = Canvas(ground, rng, tooth=sheet)
    bleed = 3.5 * noise(rng, shape, 26, 0.5)

    def pour(density: np.ndarray, tint: str = "2a2b33") -> None:
        """Darken the sheet by a density, as a transparent ink does."""
        absorbed = -np.log(colours(tint)[0] + 0.02)
        canvas.colour *= np.exp(-density[..., None] * absorbed / absorbed.mean() * 1.9).astype(np.float32)

    moon = smoothstep(84, 80, np.hypot(x - 640, y - 205) + 0.5 * bleed)
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
        mask = smoothstep(-1.2, 1.2, depth)
        # Mist eats the foot of every range, in drifts.
        drift = 1 + 0.4 * noise(rng, shape, 90, 0.2, ratio=2.5)
        fade = np.exp(-((np.clip(depth, 0, None) / (reach * np.clip(drift, 0.3, 2))) ** 1.5))
        mist = smoothstep(foot + 30, foot - 130, y + 40 * noise(rng, shape, 80, 0.2, ratio=3))
        mottle = np.clip(1 + 0.35 * noise(rng, shape, 70, 0.5), 0.2, 2)
        pour(wash(rng, mask, dark * fade * mist * mottle, 0.35), "2b2f3a" if number < 3 else "1d1d22")
        pooled = smoothstep(0.5, 1.6, noise(rng, shape, 60, 0.3)) * fade * mist
        pour(wash(rng, mask * pooled, 0.5 * dark, 0.1))

        # Rock: split strokes that fall away from the ridges.
        if number:
            for _ in range(70 + 95 * number):
                column = int(rng.uniform(0, columns - 1))
                if rise[column] < 45:
                    continue
                drop = rng.beta(1, 2.2) * min(rise[column], reach * 1.1)
                side = np.sign(np.gradient(rise)[column]) * -1
                t = np.linspace(0, 1, 9)
                span = rng.uniform(20, 80)
                slope = rng.uniform(0.15, 0.7) * side
                path = np.stack(
                    [column + span * slope * t + 5 * np.sin(4 * t + rng.uniform(0, 6)), line[column] + drop + span * t], 1
                )
                canvas.stroke(
                    path, rng.uniform(3, 15), colours("1b1b20")[0], load=0, taper=0.8, streaks=0.0, grip=0.55,
                    dryness=rng.uniform(0.5, 0.85), opacity=min(0.9, dark * rng.uniform(0.3, 1.0)) * mist_at(mist, path),
                )
        if number >= 2:
            for _ in range(26 if number < 4 else 16):
                column = int(rng.uniform(0, columns - 1))
                if rise[column] > 40:
                    pine(canvas, rng, column, line[column] + rng.uniform(2, 14), 9 + 9 * (number - 2) ** 1.5, dark)

    # Water: a few level strokes; a boat, some birds, reeds, and the seal.
    for _ in range(46):
        level = rng.uniform(985, 1130)
        start = rng.uniform(200, 800)
        span = rng.uniform(60, 300)
        t = np.linspace(0, 1, 16)
        path = np.stack([start + span * t, level + 3 * np.sin(5 * t + rng.uniform(0, 6))], 1)
        canvas.stroke(
            path, rng.uniform(2, 9), colours("30343c")[0], load=0, taper=0.9, grip=0.6, dryness=0.75,
            opacity=rng.uniform(0.12, 0.4),
        )
    ink = colours("141418")[0]
    boat = spline([(520, 1008), (560, 1022), (620, 1024), (672, 1004)], 30)
    canvas.stroke(boat, 9, ink, load=0, taper=0.8, dryness=0.2, opacity=0.9)
    canvas.stroke(spline([(566, 1012), (580, 992), (612, 990), (626, 1012)], 24), 7, ink, load=0, taper=0.4, opacity=0.8)
    canvas.stroke(np.linspace([645, 1008], [655, 968], 6), 6, ink, load=0, taper=0.7, opacity=0.9)
    canvas.stroke(np.linspace([662, 962], [630, 1040], 8), 2.2, ink, load=0, opacity=0.8)
    for bird_x, bird_y in ((420, 270), (455, 252), (492, 262), (520, 236), (470, 292)):
        for side in (-1, 1):
            wing = np.array([[0, 0], [side * 6, -6], [side * 15, -5]]) + (bird_x, bird_y)
            canvas.stroke(wing, 3, ink, load=0, taper=0.8, opacity=0.75)
    for _ in range(75):
        root = np.array([rng.normal(840, 45), rng.uniform(1110, 1165)])
        lean, tall = rng.normal(-0.12, 0.22), rng.uniform(60, 190)
        t = np.linspace(0, 1, 10)[:, None]
        path = root + t * (0, -tall) + t**2 * (lean * tall, 0)
        canvas.stroke(path, rng.uniform(2, 5.5), ink, load=0, taper=1.0, dryness=0.45, grip=0.3, opacity=rng.uniform(0.3, 0.95))
    press = smoothstep(-1.3, 0.6, sheet + 0.8 * noise(rng, shape, 9))
    u, v = x - 118, y - 905
    square = smoothstep(1.5, -1.5, ((np.abs(u) / 31) ** 7 + (np.abs(v) / 37) ** 7) ** (1 / 7) * 31 - 31 + 0.3 * bleed)
    cuts = [np.abs(u + 10 * np.sin(v / 13)) - 2.4, np.abs(v + 12) - 2.2 + 0.05 * u, np.abs(np.hypot(u - 8, v - 14) - 11) - 2.2]
    cut = np.max([smoothstep(1, -1, c) for c in cuts], axis=0) * (np.maximum(np.abs(u), np.abs(v)) < 27)
    canvas.colour = blend(canvas.colour, colours("b5271d")[0], 0.9 * square * (1 - cut) * press)
    return relief_light(canvas.colour, 0.4 * sheet, 0.16)


def mist_at(mist: np.ndarray, path: np.ndarray) -> float:
    """How clear the air is at the middle of a path."""
    return float(sample(mist, *path[len(path) // 2][:, None])[0])


def pine(canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float, dark: float) -> None:
    """A small pine: a bent trunk and flat tufts of needles, drawn with the tip of the brush."""
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
                tuft, size * 0.3, ink, load=0, taper=0.6, dryness=0.5, grip=0.3, opacity=min(0.9, dark * rng.uniform(0.7, 1.3))
            )
