"""Measure the accuracy of SqueezeNet, to check its weights, preprocessing and padding.

    python tools/classify.py --weights squeezenet1_0.npz --photographs FOLDER [--network squeezenet1_1]

FOLDER holds one photograph of each of the 1000 classes of ImageNet. Their file names, sorted, are in the order of the
classes, as WordNet ids are. Each photograph is scaled to 224 pixels on its shorter side, and its central square is
classified. The score of a class is the mean of its channel of layer conv10 over positions.
"""

import argparse
from pathlib import Path

import numpy as np

from nst_keras import build_network, load_image, resize
from nst_keras.networks.topologies import CLASSES, SQUEEZENETS

SIDE = 224
BATCH = 20


def centre_square(image):
    """Scale an image to SIDE pixels on its shorter side, and return its central square."""
    height, width = image.shape[:2]
    scale = SIDE / min(height, width)
    image = resize(image, (round(height * scale), round(width * scale)))
    top, left = (image.shape[0] - SIDE) // 2, (image.shape[1] - SIDE) // 2
    return image[top : top + SIDE, left : left + SIDE]


def ranks(network, paths):
    """Return for each photograph i, which shows class i, how many classes have a higher score than class i."""
    better = []
    for start in range(0, len(paths), BATCH):
        squares = np.stack([centre_square(load_image(path)) for path in paths[start : start + BATCH]])
        scores = np.mean(network(squares)["conv10"], axis=(1, 2))
        own = scores[np.arange(len(squares)), start + np.arange(len(squares))]
        better += np.sum(scores > own[:, None], axis=1).tolist()
    return np.array(better)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--photographs", required=True, type=Path)
    parser.add_argument("--network", default="squeezenet1_0", choices=list(SQUEEZENETS))
    options = parser.parse_args()
    paths = sorted(options.photographs.iterdir())
    if len(paths) != CLASSES:
        parser.error(f"--photographs must be a folder of {CLASSES}, one of each class; it holds {len(paths)}.")
    found = ranks(build_network(options.network, ["conv10"], weights=options.weights), paths)
    print(f"{options.network}: top-1 {np.mean(found < 1):.1%}, top-5 {np.mean(found < 5):.1%}")


if __name__ == "__main__":
    main()
