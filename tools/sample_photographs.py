"""Write the bundled photographs from the sample data of scikit-image; they are public domain or CC0.

python tools/sample_photographs.py [-o images]
"""

import argparse
from pathlib import Path

from PIL import Image
from skimage import data

PHOTOGRAPHS = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee, "rocket": data.rocket}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent.parent / "images")
    folder = parser.parse_args().output
    for name, load in PHOTOGRAPHS.items():
        Image.fromarray(load()).save(folder / f"{name}.jpg", quality=93)
        print(folder / f"{name}.jpg")


if __name__ == "__main__":
    main()
