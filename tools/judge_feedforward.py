"""Judge the feed-forward networks that come with the package beside 100 iterations of optimisation, at 512 px.

    python tools/judge_feedforward.py --reference FOLDER [--networks NAME …] [--output out/feedforward]

The photographs are bundled ones, none of which the networks were trained on. FOLDER and the figures are those of
`tools/judge.py`; each is given for the network's picture, for the optimised one, and as their ratio; last comes the
ratio of the times.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from judge import CONTENT_LAYER, STYLE_LAYERS, Judge

from nst_keras import build_network, load_image, resize, save_image, style_transfer
from nst_keras.feedforward import apply, load_network, network_settings, trained_networks
from nst_keras.image import fitting_shape

ROOT = Path(__file__).parent.parent
SIZE = 512
PHOTOGRAPHS = ("cat", "coffee", "astronaut")


def at_size(path):
    image = load_image(path)
    return resize(image, fitting_shape(image.shape, SIZE))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True, type=Path)
    styles = [name for name in trained_networks() if network_settings(name)["upscale"] == 1]
    parser.add_argument("--networks", nargs="+", default=styles)
    parser.add_argument("--output", default=Path("out/feedforward"), type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    weights = options.reference / "squeezenet1_0.npz"
    judging = build_network("squeezenet1_0", [*STYLE_LAYERS, CONTENT_LAYER], weights=weights)
    print("| network, photograph | style share | content error | patch share | time |\n|---|---|---|---|---|")
    for name in options.networks:
        network, style = load_network(name), at_size(ROOT / network_settings(name)["style"])
        for photograph in PHOTOGRAPHS:
            content = at_size(ROOT / "images" / f"{photograph}.jpg")
            apply(network, content)  # the first pass also compiles
            started = time.perf_counter()
            passes = [apply(network, content) for _ in range(5)]
            per_pass = (time.perf_counter() - started) / len(passes)
            started = time.perf_counter()
            optimised = style_transfer(content, style, size=SIZE).image
            ratio = (time.perf_counter() - started) / per_pass
            judge = Judge(judging, content, style)
            ours, theirs = judge(passes[0]), judge(optimised)
            cells = [f"{ours[key]:.3f} / {theirs[key]:.3f} = {ours[key] / theirs[key]:.2f}" for key in ours]
            print(f"| {name}, {photograph} | {' | '.join(cells)} | 1/{ratio:.0f} |", flush=True)
            save_image(np.concatenate([passes[0], optimised], axis=1), options.output / f"{name}_{photograph}.png")


if __name__ == "__main__":
    main()
