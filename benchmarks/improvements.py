"""Measure one evaluation of the style loss: correlations of sixteen layers against their plain Gram matrices.

    python benchmarks/improvements.py [--size 512] [--turns 10]

An evaluation computes the style loss and its gradient with respect to the pixels, through the network. L-BFGS
makes about one evaluation per iteration.

- Time: the variants take turns, and the fastest turn counts, because other programs can only add time.
- Memory: each variant runs in its own process. The figure is the peak memory with the targets and two evaluations,
  minus the peak after the network was loaded. Not on Windows.

The goal: a chain takes at most 1.5 times as long as the plain Gram matrices.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from speed import in_a_child, in_turns, peak_memory

from nst_keras import (
    Objective,
    Term,
    blurred,
    build_network,
    chain,
    layer_names,
    load_image,
    resize,
    shifted,
    style_targets,
    style_terms,
)
from nst_keras.image import fitting_shape

IMAGES = Path(__file__).parent.parent / "images"
LAYERS = [name for name in layer_names("lite") if "conv" in name]
PLAIN, ALONE = "16 Gram matrices", "network alone"
VARIANTS = {
    PLAIN: LAYERS,
    "chain of 15": chain(LAYERS),
    "shifted chain": shifted(chain(LAYERS)),
    "blurred chain": blurred(chain(LAYERS), LAYERS),
}


def pictures(size):
    """Return content and style with `size` pixels on the longer side."""
    loaded = (load_image(IMAGES / name) for name in ("landscape.jpg", "impasto_night.jpg"))
    return [resize(picture, fitting_shape(picture.shape, size)) for picture in loaded]


def style_objective(network, content, style, layers):
    """Return an objective with style terms only; if `layers` is None, with one term whose cost is negligible."""
    if layers is None:
        terms = [Term("deepest", 1.0, lambda image, features: features[LAYERS[-1]][0, 0, 0, 0])]
    else:
        terms = style_terms(style_targets(network, style, layers), 1.0)
    return Objective(network, terms, content.shape)


def seconds_per_evaluation(objectives, image, turns):
    """Return {name: seconds of the fastest evaluation} of objectives that take turns."""
    seconds = in_turns({name: partial(objective.evaluate, image) for name, objective in objectives.items()}, turns)
    return {name: min(values) for name, values in seconds.items()}


def memory_of(layers, size):
    """Return by how many bytes the targets and two evaluations raise the peak memory of this process."""
    network, (content, style) = build_network("lite", LAYERS), pictures(size)
    network(np.zeros((1, 32, 32, 3), "float32"))
    before = peak_memory()
    objective = style_objective(network, content, style, layers)
    for _ in range(2):
        objective.evaluate(content)
    return peak_memory() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    variants = {ALONE: None} | VARIANTS
    # memory first, because a child process starts with its parent's peak
    memory = {name: in_a_child(memory_of, layers, options.size) for name, layers in variants.items()}
    network, (content, style) = build_network("lite", LAYERS), pictures(options.size)
    objectives = {name: style_objective(network, content, style, layers) for name, layers in variants.items()}
    seconds = seconds_per_evaluation(objectives, content, options.turns)
    print(f"lite, {content.shape[1]}×{content.shape[0]} px\n")
    print("| | ms | × plain | peak MB | × plain |\n|---|---|---|---|---|")
    for name, fastest in seconds.items():
        slower, larger = fastest / seconds[PLAIN], memory[name] / memory[PLAIN]
        print(f"| {name} | {1000 * fastest:.0f} | {slower:.2f} | {memory[name] / 1e6:.0f} | {larger:.2f} |")


if __name__ == "__main__":
    main()
