"""Recipes for pictures in paint: impasto, oil and crayon, cubist planes, divided colour, palette knife."""

import numpy as np
from scipy import ndimage

from .brush import Canvas, scattered, trace
from .engine import (
    LANDSCAPE,
    PORTRAIT,
    SQUARE,
    blend,
    colours,
    contour_flow,
    drag,
    foliage,
    grid,
    noise,
    paper,
    polygon_mask,
    ramp,
    ribbon,
    ridge,
    sample,
    smoothstep,
    spline,
    turned_flow,
    turned_hue,
    unit_flow,
    voronoi,
    weave,
)


def impasto_night(rng: np.random.Generator) -> np.ndarray:
    """Paint a night in thick oil: short loaded strokes follow whirls in the sky, and their relief catches the light."""
    shape = LANDSCAPE
    rows, columns = shape
    x, y = grid(shape)

    # Whirls: (x, y, radius, spin). The stars below turn the flow, too.
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
        (1700, 28, 120, 1.4, 0.03),
        (4500, 12, 66, 1.2, 0.06),
        (4600, 6.5, 40, 1.2, 0.085),
    ):
        canvas.cover(
            sky, flow, count=count, width=width, length=length, load=load, jitter=jitter, dryness=0.25, mask=y < 760
        )
    for cx, cy, radius, _ in stars[1:]:
        for dx, dy in rng.normal(0, 0.16 * radius, (5, 2)):
            dab = np.array([[cx + dx - 5, cy + dy + 2], [cx + dx, cy + dy], [cx + dx + 5, cy + dy - 2]])
            canvas.stroke(dab, 0.3 * radius, colours("fff6cf")[0], load=2.0)

    # Hills, from the far blue ones to the near dark one, each painted along its slope.
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
            canvas.cover(target, hill_flow, count=count, width=width, length=length, mask=mask, jitter=0.04, load=1.2)
        for begin in range(0, columns, 18):
            part = across[begin : begin + rng.integers(30, 70)]
            if part.size > 20:
                rim = np.stack([part, line[part] + rng.normal(2, 2)], 1)[::5]
                canvas.stroke(rim, rng.uniform(2.5, 7), stops[0] * 0.6, load=1.4, dryness=0.35, taper=0.8)

    village(canvas, rng)
    cypress(canvas, rng)
    return canvas.lit(1.0, 0.12)


def village(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint small houses with lit windows, a few slabs of paint each, from the far row to the near one."""
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
    """Paint a dark, flame-shaped tree in the left foreground with rising curved strokes."""
    stops = colours("06120f", "10261c", "1f3d25", "3d4f24", "5b3d1f", "16304a")
    for centre, foot, tip, spread in ((262, 960, 560, 60), (118, 960, 640, 48), (196, 970, 300, 74)):
        for number in range(520):
            core = number < 160
            rise = rng.beta(1.1, 1.5)
            height = foot - (foot - tip) * rise
            reach = spread * (1 - rise) ** 0.62 * (1 + 0.12 * np.sin(rise * 17 + centre))
            side = np.clip(rng.normal(0, 0.3 if core else 0.55), -1, 1)
            x = centre + 10 * np.sin(rise * 6 + centre) + side * reach
            length = rng.uniform(60, 120) * (1 - 0.5 * rise)
            t = np.linspace(0, 1, 8)
            bend = (rng.normal(0, 5) + 9 * side) * np.sin(np.pi * t) * (1 - 0.6 * rise) - side * reach * 0.5 * t**1.5
            path = np.stack([x + bend, height - length * (t - 0.3)], 1)
            width = (rng.uniform(16, 26) if core else rng.uniform(5, 13)) * (1 - 0.6 * rise)
            tint = stops[rng.choice(len(stops), p=(0.3, 0.28, 0.2, 0.1, 0.06, 0.06))]
            other = tint * rng.uniform(0.6, 1.5)
            canvas.stroke(path, width, tint, other, taper=0.9, load=1.5, dryness=0.0 if core else 0.2)


def red_sky(rng: np.random.Generator) -> np.ndarray:
    """Paint in thinned oil and crayon on cardboard: long wavy bands, with the bare board between them."""
    shape = PORTRAIT
    columns = shape[1]
    x, y = grid(shape)
    shore = 540 + 26 * np.sin(x / 130 + 0.4) + 14 * np.sin(x / 57 + 2) + 8 * noise(rng, shape, 90)

    # The closer a band is to the shore, the stronger its waves.
    wave = 46 * np.sin(x / 160 + y / 210 + 0.5) + 24 * np.sin(x / 73 - y / 130 + 1.2) + 16 * noise(rng, shape, 170)
    bands = y + wave * (0.35 + 0.65 * y / 540)
    sky_flow = contour_flow(bands, 3)
    phase = bands / 540 + 0.03 * drag(noise(rng, shape, 60), sky_flow, 200)
    sky_stops = colours(
        "b53a1e",
        "e0562a",
        "f08a3c",
        "f6c46a",
        "e8471f",
        "c9301c",
        "f3a24a",
        "7d93a0",
        "f7d58a",
        "e2491f",
        "f2873a",
        "a92a20",
        "f5b558",
        "efe0ae",
        "ea6a2c",
        "d23a1c",
        "f7c860",
    )
    streak = drag(noise(rng, shape, 9, 0.3), sky_flow, 240)
    sky = ramp(phase + 0.035 * streak / streak.std(), sky_stops, np.linspace(-0.08, 1.08, len(sky_stops)))

    # The fjord: bands follow the shore and wind into one slow whirl.
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
    canvas = Canvas(blend(board, stain, 0.65 + 0.1 * noise(rng, shape, 50, 0.4)), rng, tooth=paper(rng, shape))
    for count, width, length, dryness, jitter, grip in (
        (700, 30, 36, 0.5, 0.03, 0.0),
        (320, 32, 330, 0.6, 0.03, 0.0),
        (800, 15, 240, 0.65, 0.05, 0.1),
        (700, 6, 190, 0.7, 0.08, 0.28),
    ):
        for target, flow, mask in ((sky, sky_flow, depth < -width / 2), (water, water_flow, depth > width / 2)):
            canvas.cover(
                target,
                flow,
                count=count,
                width=width,
                length=length,
                mask=mask,
                jitter=jitter,
                dryness=dryness,
                grip=grip,
                load=0.6,
                taper=0.7,
                streaks=0.1,
                opacity=0.93,
            )

    # Crayon lines over sky and water.
    for flow, mask, shades in (
        (sky_flow, depth < -10, colours("7a1a1c", "f9dd8c", "53272f", "c2240f")),
        (water_flow, depth > 10, colours("060d18", "0c1c30", "8fb3a0", "d9843f")),
    ):
        starts = scattered(rng, shape, 55, mask)
        for line in trace(flow, starts, rng.uniform(180, 620, len(starts)), 61):
            canvas.stroke(line, rng.uniform(3, 7), rng.choice(shades), dryness=0.4, grip=0.6, load=0.5, taper=0.8)

    # Land across the water: dark rounded hills.
    across = np.arange(columns)
    crest = 15 + 6 * noise(rng, (8, columns), 70)[4]
    for centre, tall, wide in ((60, 62, 130), (215, 34, 90), (800, 78, 150), (610, 26, 110), (930, 50, 80)):
        crest = np.maximum(crest, tall * np.exp(-(((across - centre) / wide) ** 2)))
    ridge_line = shore[540] + 6 - crest
    land = (y > ridge_line) & (y < shore[540] + 12 + 5 * np.sin(across / 37))
    slope = np.arctan(ndimage.gaussian_filter1d(np.gradient(ridge_line), 6)) * smoothstep(60, 0, y - ridge_line)
    dark = ramp(
        0.38 + 0.2 * streak + 0.25 * smoothstep(14, 0, y - ridge_line), colours("0a1420", "142a3c", "24506a", "5f8a86")
    )
    for count, width, grip in ((240, 14, 0.0), (300, 7, 0.15)):
        mask = land & (y > ridge_line + 0.4 * width)
        canvas.cover(
            dark,
            turned_flow(slope),
            count=count,
            width=width,
            length=80,
            mask=mask,
            jitter=0.03,
            load=0.7,
            dryness=0.35,
            grip=grip,
            taper=0.7,
        )
    return canvas.lit(0.9, 0.03) * (1 + 0.035 * canvas.tooth[..., None])


def cubist_facets(rng: np.random.Generator) -> np.ndarray:
    """Paint a still life broken into planes; each is shaded from one edge and has short dabs along its direction."""
    shape = SQUARE
    columns = shape[1]
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
        """Paint one plane, opaque along its first edge and transparent at the far side."""
        first = rng.integers(len(axes))
        along, across = axes[first] + rng.normal(0, 0.06), axes[(first + rng.integers(2, 5)) % len(axes)]
        u, v = (np.array([np.cos(a), np.sin(a)]) for a in (along, across))
        wide, tall = size * rng.uniform(0.3, 1.0, 2)
        shrink = rng.uniform(0.2, 1.15)
        corners = (
            middle
            + np.array(
                [-u * wide - v * tall, u * wide - v * tall, u * wide * shrink + v * tall, -u * wide * shrink + v * tall]
            )
            / 2
        )
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
            picture,
            flow,
            count=count,
            width=width,
            length=length,
            jitter=0.028,
            dryness=0.45,
            grip=grip,
            load=0.8,
            taper=0.15,
            streaks=0.08,
            opacity=0.9,
        )
    for corners, dark in edges:
        path = np.linspace(corners[0], corners[1], 24) + rng.normal(0, 0.6, (24, 2))
        part = path[: rng.integers(14, 25)]
        canvas.stroke(
            part,
            rng.uniform(2.5, 6),
            colours("1a1512" if dark else "2e2620")[0],
            dryness=0.45,
            taper=0.9,
            load=0.5,
            grip=0.3,
            opacity=0.85,
        )
        if not dark and rng.random() < 0.6:
            canvas.stroke(part + np.array([3, 4]), 4, colours("f6ecd0")[0], dryness=0.6, grip=0.4, load=0.9, taper=0.6)
    for line in lines:
        for begin in np.arange(0, len(line) - 8, 14):
            if rng.random() < 0.8:
                part = line[begin : begin + 24] + rng.normal(0, 3.0, 2)
                canvas.stroke(part, rng.uniform(3, 6), colours("15110f")[0], dryness=0.4, taper=0.8, load=0.5)
    canvas.height += 0.25 * weave(rng, shape)
    return canvas.lit(0.8, 0.05)


def still_life(picture: np.ndarray, ochre: np.ndarray, slate: np.ndarray) -> list[np.ndarray]:
    """Paint a guitar, a bottle and a glass, and return the curves to be drawn over the planes."""
    shape = picture.shape[:2]
    axis, side = np.array([0.41, -0.91]), np.array([0.91, 0.41])
    t = np.linspace(-np.pi, np.pi, 240)
    waist = 150 * (1 + 0.28 * np.cos(2 * t) - 0.12 * np.cos(t)) * np.abs(np.sin(t)) ** 0.8 * np.sign(np.sin(t))
    body = np.array([560, 740]) + np.outer(225 * np.cos(t), axis) + np.outer(waist, side)
    hole = np.array([592, 668]) + np.outer(50 * np.cos(t), axis) + np.outer(50 * np.sin(t), side)
    neck_line = np.array([[640, 560], [800, 205]])
    neck = ribbon(np.linspace(*neck_line, 30), np.linspace(44, 34, 30))
    bottle = spline(
        [
            (250, 850),
            (245, 600),
            (262, 480),
            (300, 420),
            (303, 300),
            (345, 300),
            (348, 420),
            (386, 480),
            (402, 600),
            (398, 850),
        ],
        200,
    )
    glass = spline([(800, 900), (835, 780), (775, 660), (930, 650), (880, 780), (915, 900)], 120)
    for edge, stops, light in (
        (bottle, slate, 0.25),
        (body, ochre, 0.62),
        (neck, ochre, 0.2),
        (hole, ochre, 0.0),
        (glass, slate, 0.85),
    ):
        x = grid(shape)[0] - edge[:, 0].mean()
        tint = ramp(np.clip(light + 0.0012 * x, 0, 1), stops)
        picture[:] = blend(picture, tint, 0.85 * polygon_mask(shape, edge))
    strings = [np.linspace((525 + 9 * k, 830 + 4 * k), (783 + 9 * k, 215 + 4 * k), 120) for k in range(5)]
    echo = body[30:130] + np.array([34, -22])
    return [body[:110], body[125:220], echo, hole, bottle[:90], bottle[105:], glass, neck[:30], neck[30:], *strings]


def spaced(rng: np.random.Generator, shape, pitch: int) -> np.ndarray:
    """Return points (x, y) about `pitch` apart, also a little outside the edges, by five steps of Lloyd's algorithm."""
    margin = 3 * pitch
    wide = [side + 2 * margin for side in shape]
    points = scattered(rng, wide, int(wide[0] * wide[1] / pitch**2))
    for _ in range(5):
        cells = voronoi(wide, points)[0]
        points = np.array(ndimage.center_of_mass(np.ones(wide), cells, np.arange(len(points))))[:, ::-1]
    return points - margin


def pointillism(rng: np.random.Generator) -> np.ndarray:
    """Paint in divided colour: dots side by side on a dark ground, blue and violet against gold."""
    shape = LANDSCAPE
    columns = shape[1]
    x, y = grid(shape)
    horizon = 395
    sun_x, sun_y = 430, 262
    glare = np.hypot(x - sun_x, y - sun_y)

    scene = ramp(y / horizon + 0.03 * noise(rng, shape, 120), colours("3a5fae", "6f8fcb", "b9a6cf", "f2bd92", "ffd07a"))
    scene = blend(scene, colours("ffe58a")[0], 0.85 * np.exp(-glare / 150))
    cloud = smoothstep(0.3, 1.6, noise(rng, shape, 70, 0.35, ratio=2.6)) * smoothstep(0, 60, horizon - y)
    scene = blend(scene, ramp(y / horizon, colours("f3c6c8", "ffc48c")), 0.8 * cloud)
    scene = blend(scene, colours("fffbdc")[0], smoothstep(58, 52, glare))

    water = ramp((y - horizon) / 500, colours("f7c389", "b9a0cf", "5f86c6", "2d5aa8", "243a86"))
    ripple = np.sin(np.maximum(y - horizon, 0) ** 0.72 * 1.5 + 1.2 * noise(rng, shape, 30, 0.2, ratio=3))
    water = water * (1 + 0.09 * ripple)[..., None]
    path = np.exp(-(((x - sun_x) / (26 + 0.16 * (y - horizon))) ** 2)) * (0.55 + 0.45 * ripple)
    water = blend(water, colours("fff0a0")[0], 0.9 * np.clip(path, 0, 1) * smoothstep(560, 120, y - horizon))
    scene = np.where((y > horizon)[..., None], water, scene)

    line = ridge(rng, columns, 352, 15, 60, 0.4)
    far = (y > line) & (y < horizon + 4)
    scene = blend(scene, ramp((y - line) / 50, colours("9a94dc", "7078c4", "5560a8")), far)
    mirrored = (y >= horizon + 4) & (y < 2 * horizon - line + 12 * ripple)
    scene = blend(scene, colours("7072c6")[0], 0.65 * mirrored)
    for cx, base, size in ((560, 432, 120), (700, 414, 72), (230, 412, 84)):
        hull = ribbon(np.array([[cx - 0.5 * size, base], [cx + 0.5 * size, base]]), np.array([9.0, 7.0]) * size / 60)
        sails = [
            [(cx, base - 4), (cx + 3, base - size * 1.5), (cx + size * 0.45, base - 5)],
            [(cx - 4, base - 4), (cx, base - size * 1.25), (cx - size * 0.35, base - 5)],
        ]
        scene = blend(scene, colours("fff6e0")[0], polygon_mask(shape, *sails))
        scene = blend(scene, colours("4a3560")[0], polygon_mask(shape, hull))
        glint = np.abs(x - cx) < size * 0.3 * (1 + 0.4 * ripple)
        scene = blend(scene, colours("f3ead8")[0], 0.5 * glint * (y > base + 5) * smoothstep(size * 1.5, 0, y - base))

    # The near bank, its trees and their shadow.
    bank_line = 905 - 400 * smoothstep(330, 1260, x) - 0.06 * x + 9 * noise(rng, shape, 60, 0.4)
    bank = smoothstep(-2, 2, y - bank_line)
    grass = ramp(
        0.55 + 0.18 * noise(rng, shape, 40, 0.4, ratio=2.5) + 0.25 * smoothstep(120, 0, y - bank_line),
        colours("7a4a2a", "a8682f", "d0953f", "eab95a", "f8dd94"),
    )
    shade = smoothstep(
        0.1,
        0.6,
        np.exp(-(((x - 900 - 0.9 * (y - 760)) / 210) ** 2) - ((y - 790) / 80) ** 2) + 0.12 * noise(rng, shape, 40, 0.4),
    )
    grass = blend(grass, colours("33317f")[0], 0.82 * shade)
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
        (1010, 240, 190),
        (880, 190, 125),
        (1110, 110, 150),
        (1020, 40, 120),
        (840, 300, 90),
        (1130, 330, 110),
        (815, 480, 84),
        (770, 525, 50),
        (868, 520, 56),
    ]
    leaves = foliage(rng, shape, crowns)
    form = 0.8 * noise(rng, shape, 30, 0.3) + 0.8 * noise(rng, shape, 75) - (x - 980) / 300 - (y - 280) / 400
    green = ramp(0.45 + 0.2 * form, colours("1c2a62", "1f4c70", "2b6f78", "4f9384", "d9a64c", "f8cf7c"))
    scene = blend(scene, green, leaves)
    reeds = foliage(rng, shape, [(60, 880, 120), (170, 905, 90), (-20, 780, 90)], 0.7)
    scene = blend(
        scene, ramp(0.5 + 0.25 * noise(rng, shape, 30, 0.3), colours("25406a", "2f6a74", "b98a45", "eab95a")), reeds
    )

    # Dots follow the forms: horizontal on water, turning in the leaves, leaning on the bank.
    lean = 0.25 * noise(rng, shape, 50) - 0.35 * bank + 1.6 * noise(rng, shape, 40) * np.maximum(leaves, reeds)
    # First a dark ground of broad dabs, then dots side by side whose hues differ a little.
    canvas = Canvas(scene.astype(np.float32), rng)
    ground = blend(colours("181340")[0], scene, 0.35)
    for target, pitch, radius, spread in ((ground, 24, 17, 6), (1.04 * scene, 19, 8.8, 7)):
        points = spaced(rng, shape, pitch)
        tints = turned_hue(sample(target, points[:, 0], points[:, 1]), rng.normal(0, spread, len(points)))
        tints = np.clip(tints * (1 + 0.06 * rng.standard_normal((len(points), 1))), 0, 1)
        radii = radius * np.exp(0.06 * rng.standard_normal(len(points)))
        canvas.dabs(points, radii, tints, sample(lean, points[:, 0], points[:, 1]), stretch=1.15)
    canvas.height += 0.12 * weave(rng, shape)
    return canvas.lit(0.8, 0.08)


def palette_knife_garden(rng: np.random.Generator) -> np.ndarray:
    """Paint with a palette knife: thick slabs with high edges, streaks of half-mixed colour, flowers on top."""
    shape = LANDSCAPE
    x, y = grid(shape)

    sky = ramp(y / 330 + 0.07 * noise(rng, shape, 90, 0.3, ratio=1.6), colours("6fb3cf", "a9d3d6", "e9e6c8", "fbdcae"))
    scene, angle = sky, 0.5 * noise(rng, shape, 120) - 0.3
    hills = y > 296 + 16 * np.sin(x / 140) - 0.05 * x
    scene = blend(scene, ramp((y - 230) / 120, colours("8f9cc9", "7ab0a6")), hills)

    woods = foliage(
        rng,
        shape,
        [
            (60, 250, 150),
            (190, 330, 120),
            (330, 350, 90),
            (440, 330, 70),
            (900, 250, 130),
            (1030, 200, 160),
            (1150, 300, 150),
            (800, 340, 80),
            (540, 372, 60),
        ],
    )
    shade = 0.5 + 0.2 * noise(rng, shape, 40, 0.3) - 0.0009 * (y - 250) - 0.15 * (x > 760) * smoothstep(900, 1150, x)
    scene = blend(scene, ramp(shade, colours("16324f", "1f5a4e", "4d8f3f", "a9c04a", "f0de7a")), woods)
    angle = np.where(woods > 0.5, 1.4 * noise(rng, shape, 50) + 0.8, angle)

    lawn_line = 400 + 10 * np.sin(x / 90)
    lawn = y > lawn_line
    meadow = 0.45 + 0.2 * noise(rng, shape, 60, 0.3, ratio=2) + 0.25 * smoothstep(560, 400, y)
    scene = blend(scene, ramp(meadow, colours("1d4a3f", "3f7d3a", "86ad3f", "d6d05a")), lawn)
    angle = np.where(lawn, 0.2 * noise(rng, shape, 60), angle)

    walls = [(630, 398), (630, 322), (745, 316), (745, 398)]
    gable = [(745, 398), (745, 316), (775, 286), (806, 322), (806, 396)]
    roof = [(614, 328), (648, 268), (772, 262), (752, 324)]
    scene = blend(scene, colours("fbf1dc")[0], polygon_mask(shape, walls))
    scene = blend(scene, colours("c3b6d8")[0], polygon_mask(shape, gable))
    scene = blend(
        scene, colours("d9622f")[0], polygon_mask(shape, roof, [(745, 322), (772, 262), (814, 326), (775, 292)])
    )
    openings = [
        [(cx - 8, cy - 13), (cx + 8, cy - 13), (cx + 8, cy + 13), (cx - 8, cy + 13)]
        for cx, cy in ((655, 352), (720, 350), (778, 350))
    ]
    scene = blend(
        scene, colours("31527f")[0], polygon_mask(shape, *openings, [(680, 398), (680, 356), (698, 356), (698, 398)])
    )

    # The path winds from the foreground to the door, with patches of violet shade.
    trail = spline([(640, 1000), (600, 830), (500, 700), (560, 590), (700, 510), (705, 440), (688, 396)], 120)
    path = polygon_mask(shape, ribbon(trail, 330 * np.linspace(1, 0.05, 120) ** 1.35))
    sunlit = smoothstep(-0.5, 0.4, noise(rng, shape, 42, 0.3, ratio=2.2))
    scene = blend(scene, ramp(0.15 + 0.85 * sunlit, colours("8a79b8", "c79fb0", "f3cf9c", "fdeecb")), path)
    angle = np.where(path > 0.5, 0.12 * noise(rng, shape, 60) - 0.1, angle)

    pond = smoothstep(1.02, 0.98, np.hypot((x - 190) / 300, (y - 640) / 118) + 0.03 * noise(rng, shape, 60))
    mirror = 0.45 + 0.25 * noise(rng, shape, 40, 0.3, ratio=0.5) + 0.0022 * (y - 640)
    scene = blend(scene, ramp(mirror, colours("123a55", "1f6a73", "4f9fb3", "a9d6dc", "f7e3b4")), pond)
    bankside = smoothstep(0.06, 0.0, np.abs(np.hypot((x - 190) / 300, (y - 640) / 118) - 1.02))
    scene = blend(scene, ramp(0.5 + 0.3 * noise(rng, shape, 25), colours("3a4a35", "a58a5a", "e3cf9a")), bankside)
    angle = np.where(pond > 0.5, 0.08 * noise(rng, shape, 60), angle)

    beds = foliage(
        rng,
        shape,
        [
            (1010, 560, 150),
            (900, 680, 130),
            (1080, 760, 190),
            (900, 880, 120),
            (830, 500, 60),
            (60, 850, 150),
            (250, 870, 120),
            (390, 860, 80),
            (470, 480, 52),
            (330, 470, 50),
            (920, 455, 60),
        ],
        0.5,
    )
    scene = blend(
        scene, ramp(0.4 + 0.24 * noise(rng, shape, 30, 0.3), colours("12352f", "23603f", "4f8f46", "a3bf55")), beds
    )
    angle = np.where(beds > 0.5, np.pi / 2 + 0.5 * noise(rng, shape, 40), angle)

    canvas = Canvas(blend(scene, colours("b5744a")[0], 0.55), rng)
    flow = turned_flow(angle)
    house = (np.abs(x - 712) < 105) & (np.abs(y - 328) < 76)
    restless = noise(rng, shape, 60, 0.3)
    for count, width, length, jitter, mask in (
        (800, 56, 96, 0.035, None),
        (1900, 30, 54, 0.05, ~house),
        (2300, 17, 32, 0.06, ((restless > -0.2) | (path > 0.5)) & (y > 200) & ~house),
        (1900, 9, 20, 0.08, (restless > 0.5) & (y > 240) & ~house),
        (420, 12, 22, 0.035, house),
        (520, 7, 13, 0.03, house),
    ):
        canvas.cover(
            scene,
            flow,
            count=count,
            width=width,
            length=length,
            jitter=jitter,
            load=1.6 + 0.012 * width,
            taper=0.06,
            streaks=0.05,
            dryness=0.22,
            knife=True,
            mask=mask,
        )

    # Lily pads first, then flowers: fans of small slabs, small in the distance and broad in front.
    for spot in scattered(rng, shape, 46, pond * smoothstep(0.95, 0.85, np.hypot((x - 190) / 300, (y - 640) / 118))):
        size = 8 + 0.09 * (spot[1] - 520)
        pad = spot + np.array([[-size, 0], [0, -0.1 * size], [size, 0]])
        green = rng.choice(colours("3f7d4a", "6fa357", "2a5f52", "a3bf6a"))
        canvas.stroke(pad, 0.75 * size, green, green * 1.35, load=1.8, taper=0.6, knife=True)
        if rng.random() < 0.4:
            blossom(canvas, rng, spot - (0, 0.3 * size), 0.55 * size, rng.choice(colours("f7b9c9", "fdf0e6", "ee86a8")))
    kinds = colours("e2374a", "f06a8a", "fbd3da", "fff6ea", "8d5fc0", "5a6fd0", "f7b731", "ff7f3f", "c42a6b")
    drift = rng.permutation(len(kinds))[np.floor(np.clip(2.2 * noise(rng, shape, 70) + 4.5, 0, 8.99)).astype(int)]
    spots = scattered(rng, shape, 900, beds * (pond < 0.5) * smoothstep(-0.3, 0.2, noise(rng, shape, 45)))
    for spot in spots[np.argsort(spots[:, 1])]:
        size = (3.5 + 15 * max(0.0, (spot[1] - 420) / 490)) * rng.uniform(0.7, 1.25)
        kind = kinds[drift[int(spot[1]), int(spot[0])] if rng.random() < 0.8 else rng.integers(len(kinds))]
        blossom(canvas, rng, spot, size, kind)
    return canvas.lit(0.75, 0.16, 0.9)


def blossom(canvas: Canvas, rng: np.random.Generator, spot: np.ndarray, size: float, tint: np.ndarray) -> None:
    """Paint one flower: a few loaded touches of the knife around its centre."""
    begin = rng.uniform(0, 2 * np.pi)
    petals = rng.integers(3, 6)
    for turn in begin + np.arange(petals) * 2 * np.pi / petals + rng.normal(0, 0.25, petals):
        toward = np.array([np.cos(turn), 0.8 * np.sin(turn)])
        shade = np.clip(tint * (0.95 - 0.2 * toward[1]) + rng.normal(0, 0.04, 3), 0, 1)
        touch = spot + np.outer([0.15, 0.6, 1.05], toward) * size
        canvas.stroke(touch, 0.85 * size, shade, np.clip(shade * 1.25, 0, 1), load=2.2, taper=0.45, knife=True)
    if size > 7:
        heart = spot + np.array([[-0.2, 0], [0.2, 0.05]]) * size
        canvas.stroke(heart, 0.4 * size, colours("f6c945")[0], load=3.0, taper=0.3)
