"""Time the colour methods on a style of 12 megapixels, against one plain pass over it, `image @ matrix + offset`.

    python benchmarks/color.py

The content is as large as the style, so that the part after the transfer is timed on 12 megapixels, too.
"""

import time
from pathlib import Path

import numpy as np

from nst_keras import load_image, resize
from nst_keras.color import COLOR_METHODS, after_transfer, before_transfer

IMAGES = Path(__file__).parent.parent / "images"
SHAPE = (3000, 4000)
ROUNDS = 3


def seconds(function):
    """Return the seconds of the fastest of ROUNDS calls, the one that other programs disturb least."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def main():
    content = resize(load_image(IMAGES / "landscape.jpg"), SHAPE)
    style = resize(load_image(IMAGES / "red_sky.jpg"), SHAPE)
    matrix, offset = np.eye(3, dtype="float32"), np.zeros(3, "float32")
    plain = seconds(lambda: style @ matrix + offset)
    print(f"one plain pass: {plain:.2f} s\n")
    print(f"{'method':<20}{'before':>9}{'ratio':>8}{'after':>9}{'ratio':>8}")
    for method in COLOR_METHODS:
        before = seconds(lambda method=method: before_transfer(content, [style], method))
        after = seconds(lambda method=method: after_transfer(style, content, method))
        print(f"{method:<20}{before:>7.2f} s{before / plain:>8.1f}{after:>7.2f} s{after / plain:>8.1f}")


if __name__ == "__main__":
    main()
