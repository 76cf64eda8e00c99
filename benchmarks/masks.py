"""Measure the cost of masks: one value and gradient of the same two styles, with and without masks.

    python benchmarks/masks.py [--size 512]

The objectives take turns in every round, so that other programs slow all of them equally. The ratio is the median over
the rounds. A second objective without masks is the control: its ratio shows the noise of the measurement. CPU seconds
are the sum over all threads.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from nst_keras import (
    FORMULAS,
    Objective,
    build_network,
    content_terms,
    load_image,
    load_mask,
    resize,
    resize_mask,
    style_targets,
    style_terms,
    total_variation_term,
)
from nst_keras.image import fitting_shape
from nst_keras.network import LAYERS

ROOT = Path(__file__).parent.parent
STYLES = "impasto_night", "red_sky"
MASKS = "coffee_subject", "coffee_background"
ROUNDS = 30


def objective(network, content, styles, masks):
    """Return an objective for one or several styles, with the default layers and weights of the package."""
    weights, (content_layers, style_layers) = FORMULAS["relative"], LAYERS["lite"]
    terms = content_terms(network, content, content_layers, weights.content_weight)
    for number, (style, mask) in enumerate(zip(styles, masks, strict=True), start=1):
        targets = style_targets(network, style, style_layers)
        terms += style_terms(targets, weights.style_weight / len(styles), name=f"style {number}", mask=mask)
    terms.append(total_variation_term(weights.tv_weight))
    return Objective(network, terms, content.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=512, help="longer side, in pixels")
    options = parser.parse_args()
    pictures = [load_image(ROOT / "images" / f"{name}.jpg") for name in ("coffee", *STYLES)]
    content, *styles = [resize(image, fitting_shape(image.shape, options.size)) for image in pictures]
    masks = [resize_mask(load_mask(ROOT / "masks" / f"{name}.png"), content.shape) for name in MASKS]
    network = build_network("lite", {layer for layers in LAYERS["lite"] for layer in layers})
    candidates = {
        "without masks": objective(network, content, styles, [None, None]),
        "the same again": objective(network, content, styles, [None, None]),
        "with masks": objective(network, content, styles, masks),
        "one style": objective(network, content, styles[:1], [None]),
    }
    for candidate in candidates.values():
        candidate.evaluate(content)  # compiles the function
    times = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, candidate in candidates.items():
            started = time.perf_counter(), time.process_time()
            candidate.evaluate(content)
            times[name].append((time.perf_counter() - started[0], time.process_time() - started[1]))
    print(f"{content.shape[1]}×{content.shape[0]} pixels, median of {ROUNDS} rounds\n")
    print(f"{'':<16}{'seconds':>10}{'ratio':>8}{'CPU':>10}{'ratio':>8}")
    base = np.array(times["without masks"])
    for name, rounds in times.items():
        seconds, ratios = np.median(rounds, axis=0), np.median(rounds / base, axis=0)
        print(f"{name:<16}" + "".join(f"{s:>8.3f} s{r:>8.2f}" for s, r in zip(seconds, ratios, strict=True)))


if __name__ == "__main__":
    main()
