"""Measure `select_scribble`: the overlap of its masks with those in masks/, from at most six strokes, and the seconds.

    python benchmarks/scribbles.py [--look FOLDER]

The overlap is the area of the intersection over that of the union, of pixels above 0.5. Photographs of scikit-image
have no mask to compare with; `--look` writes strokes and mask over each photograph.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage import data

from nst_keras import load_image, load_mask, save_image
from nst_keras.masks.selections import select_scribble

ROOT = Path(__file__).parent.parent
ROUNDS = 3
# A stroke is a list of points (x, y), as shares of width and height. {photograph: (width of the brush as a share of the
# longer side, strokes inside, strokes outside)}
STROKES = {
    "cat": (
        0.015,
        [
            [(0.1, 0.08), (0.2, 0.3), (0.1, 0.6), (0.2, 0.9), (0.6, 0.93), (0.8, 0.88), (0.83, 0.97)],
            [(0.2, 0.06), (0.5, 0.1), (0.8, 0.04)],
            [(0.3, 0.5), (0.6, 0.5), (0.74, 0.3), (0.72, 0.6)],
        ],
        [[(0.02, 0.02), (0.04, 0.3)], [(0.9, 0.1), (0.87, 0.5), (0.97, 0.8)]],
    ),
    "coffee": (
        0.015,
        [
            [(0.28, 0.24), (0.17, 0.45), (0.2, 0.7), (0.38, 0.89), (0.55, 0.89), (0.68, 0.75), (0.76, 0.5)],
            [(0.31, 0.3), (0.33, 0.1), (0.5, 0.07), (0.63, 0.13), (0.6, 0.35), (0.45, 0.47), (0.31, 0.3)],
            [(0.36, 0.7), (0.42, 0.6), (0.53, 0.65), (0.6, 0.75), (0.63, 0.55), (0.69, 0.2)],
        ],
        [
            [(0.3, 0.08), (0.15, 0.25), (0.09, 0.45), (0.1, 0.7), (0.2, 0.9), (0.32, 0.98)],
            [(0.6, 0.97), (0.72, 0.85), (0.82, 0.65), (0.82, 0.45), (0.75, 0.22), (0.66, 0.08)],
            [(0.05, 0.1), (0.2, 0.1)],
        ],
    ),
    "astronaut": (
        0.015,
        [
            [(0.32, 0.12), (0.38, 0.055), (0.5, 0.08), (0.55, 0.2), (0.44, 0.3), (0.4, 0.4)],
            [(0.25, 0.36), (0.3, 0.5), (0.5, 0.54), (0.56, 0.45), (0.65, 0.6), (0.3, 0.9), (0.08, 0.85), (0.15, 0.55)],
            [(0.6, 0.95), (0.6, 0.8), (0.75, 0.7), (0.9, 0.76), (0.97, 0.93), (0.8, 0.9)],
        ],
        [
            [
                (0.02, 0.95),
                (0.05, 0.55),
                (0.2, 0.3),
                (0.27, 0.08),
                (0.36, 0.012),
                (0.52, 0.012),
                (0.6, 0.1),
                (0.7, 0.48),
                (0.72, 0.62),
            ],
            [(0.8, 0.1), (0.8, 0.4), (0.85, 0.6), (0.97, 0.7)],
        ],
    ),
    "rocket": (
        0.006,
        [[(0.502, 0.31), (0.503, 0.93)], [(0.517, 0.45), (0.517, 0.9)], [(0.487, 0.4), (0.485, 0.9)]],
        [[(0.47, 0.25), (0.47, 0.93), (0.4, 0.97)], [(0.535, 0.25), (0.535, 0.93)], [(0.42, 0.965), (0.6, 0.965)]],
    ),
    "camera": (
        0.015,
        [
            [(0.36, 0.17), (0.48, 0.2), (0.42, 0.28), (0.35, 0.27), (0.25, 0.3), (0.08, 0.5), (0.12, 0.9)],
            [(0.2, 0.7), (0.4, 0.5), (0.5, 0.54), (0.53, 0.58), (0.5, 0.54), (0.38, 0.45), (0.42, 0.36)],
            [(0.46, 0.37), (0.53, 0.31), (0.61, 0.31), (0.62, 0.38)],
        ],
        [
            [(0.03, 0.3), (0.25, 0.15), (0.38, 0.08), (0.55, 0.15), (0.6, 0.22), (0.7, 0.38), (0.66, 0.5)],
            [(0.57, 0.48), (0.56, 0.65), (0.4, 0.64), (0.35, 0.75), (0.33, 0.95), (0.7, 0.8)],
            [(0.22, 0.92), (0.22, 0.98)],
        ],
    ),
    "coins": (
        0.015,
        [[(0.09, 0.84), (0.13, 0.92), (0.16, 0.84)], [(0.87, 0.6), (0.93, 0.66), (0.93, 0.56)]],
        [
            [(0.03, 0.78), (0.12, 0.73), (0.21, 0.78), (0.21, 0.93), (0.12, 0.985), (0.03, 0.95)],
            [(0.81, 0.5), (0.79, 0.65), (0.84, 0.74), (0.97, 0.74)],
            [(0.84, 0.49), (0.97, 0.49)],
        ],
    ),
    "retina": (
        0.015,
        [[(0.13, 0.46), (0.19, 0.5), (0.2, 0.45)]],
        [
            [(0.1, 0.3), (0.2, 0.36), (0.27, 0.45), (0.26, 0.55), (0.15, 0.6), (0.07, 0.58)],
            [(0.06, 0.35), (0.05, 0.55)],
        ],
    ),
    "stereo_motorcycle": (
        0.015,
        [
            [
                (0.15, 0.42),
                (0.21, 0.45),
                (0.24, 0.35),
                (0.45, 0.43),
                (0.62, 0.35),
                (0.7, 0.3),
                (0.75, 0.6),
                (0.84, 0.85),
            ],
            [(0.2, 0.52), (0.25, 0.75), (0.33, 0.77), (0.36, 0.65), (0.22, 0.55), (0.5, 0.7), (0.6, 0.65)],
            [(0.7, 0.6), (0.77, 0.55), (0.85, 0.62), (0.9, 0.75), (0.87, 0.87), (0.77, 0.8), (0.72, 0.65)],
        ],
        [
            [(0.1, 0.3), (0.1, 0.55), (0.2, 0.9), (0.42, 0.85), (0.6, 0.82), (0.68, 0.75), (0.72, 0.95), (0.95, 0.95)],
            [(0.2, 0.25), (0.45, 0.3), (0.55, 0.15), (0.9, 0.15), (0.85, 0.5), (0.95, 0.65)],
        ],
    ),
}


def drawn(strokes, width, shape):
    """Return a boolean mask of strokes with round ends."""
    picture = Image.new("L", shape[1::-1])
    pen, radius = ImageDraw.Draw(picture), max(0.5, width * max(shape) / 2)
    for stroke in strokes:
        points = [(x * shape[1], y * shape[0]) for x, y in stroke]
        pen.line(points, 255, round(2 * radius))
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(picture) > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--look", type=Path, help="folder for pictures of strokes and masks")
    options = parser.parse_args()
    print(f"{'':<16}{'pixels':>12}{'strokes':>9}{'overlap':>9}{'seconds':>9}")
    for name, (width, *strokes) in STROKES.items():
        path = ROOT / "images" / f"{name}.jpg"
        picture = path if path.exists() else getattr(data, name)()
        image = load_image(picture[0] if isinstance(picture, tuple) else picture)
        inside, outside = (drawn(lines, width, image.shape[:2]) for lines in strokes)
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            mask = select_scribble(image, inside, outside)
            seconds.append(time.perf_counter() - started)
        overlap = "–"
        if path.exists():
            truth = load_mask(ROOT / "masks" / f"{name}_subject.png") > 0.5
            overlap = f"{np.sum(truth & (mask > 0.5)) / np.sum(truth | (mask > 0.5)):.3f}"
        count, size = sum(map(len, strokes)), f"{image.shape[1]}×{image.shape[0]}"
        print(f"{name:<16}{size:>12}{count:>9}{overlap:>9}{min(seconds):>9.2f}")
        if options.look:
            marked = np.where(inside[..., None], [0, 1, 0], np.where(outside[..., None], [1, 0, 1], image))
            over = image * (0.25 + 0.75 * mask[..., None])
            row = np.concatenate([marked, over, np.repeat(mask[..., None], 3, -1)], axis=1)
            options.look.mkdir(parents=True, exist_ok=True)
            save_image(row.astype("float32"), options.look / f"{name}.png")


if __name__ == "__main__":
    main()
