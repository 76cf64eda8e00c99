"""Paint the bundled style pictures: `python -m tools.paintings [NAME ...] [-o FOLDER]`.

Every picture is computed from a fixed seed, so that a second run gives the same files.
"""

import argparse
import time
import zlib
from pathlib import Path

import numpy as np

from .crafts import ink_wash, marbled_paper, mosaic, stained_glass, woodblock_sea
from .engine import finished
from .landscape import landscape
from .oils import cubist_facets, impasto_night, palette_knife_garden, pointillism, red_sky

RECIPES = (
    impasto_night,
    red_sky,
    woodblock_sea,
    stained_glass,
    cubist_facets,
    pointillism,
    marbled_paper,
    ink_wash,
    mosaic,
    palette_knife_garden,
    landscape,
)
PAINTINGS = {recipe.__name__: recipe for recipe in RECIPES}
# The seed is a checksum of the name, except for the landscape, which was chosen among several.
SEEDS = {"landscape": 1}
IMAGES = Path(__file__).resolve().parents[2] / "images"


def main() -> None:
    """Paint the named pictures, or all of them."""
    parser = argparse.ArgumentParser("python -m tools.paintings", description="Paint the bundled style pictures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(PAINTINGS)}")
    parser.add_argument("-o", "--output", type=Path, default=IMAGES, help="folder for the pictures")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in PAINTINGS]
    if unknown:
        parser.error(f"no painting called {', '.join(unknown)}; there are {', '.join(PAINTINGS)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PAINTINGS:
        began = time.perf_counter()
        seed = SEEDS.get(name, zlib.crc32(name.encode()))
        picture = finished(PAINTINGS[name](np.random.default_rng(seed)))
        path = arguments.output / f"{name}.jpg"
        unfinished = path.with_suffix(".part")
        picture.save(unfinished, "JPEG", quality=90, optimize=True)
        unfinished.replace(path)
        seconds = time.perf_counter() - began
        size = f"{picture.width} × {picture.height}"
        print(f"{path}: {size}, {path.stat().st_size / 1000:.0f} kB, {seconds:.1f} s", flush=True)
