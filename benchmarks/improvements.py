"""Measure one evaluation of the style loss: correlations of sixteen layers against their plain Gram matrices.

    python benchmarks/improvements.py [--size 512] [--rounds 10]

An evaluation computes the style loss and its gradient with respect to the pixels, through the network. L-BFGS
makes about one evaluation per iteration.

- Time: the variants take turns, and the fastest round counts, because other programs can only add time.
- Memory: each variant runs in its own process. The figure is the peak memory with the targets and two evaluations,
  minus the peak after the network was loaded. Linux only.

The goal: a chain takes at most 1.5 times as long as the plain Gram matrices.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

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


def seconds_per_evaluation(objectives, image, rounds):
    """Return {name: seconds of the fastest evaluation}; objectives take turns in `rounds` rounds, after a warm-up."""
    seconds = {name: [] for name in objectives}
    for _ in range(rounds + 1):
        for name, objective in objectives.items():
            started = time.perf_counter()
            objective.evaluate(image)
            seconds[name].append(time.perf_counter() - started)
    return {name: min(values[1:]) for name, values in seconds.items()}


def peak_memory(layers, size):
    """Return by how many MB the targets and two evaluations raise the peak memory of this process."""
    network, (content, style) = build_network("lite", LAYERS), pictures(size)
    network(np.zeros((1, 32, 32, 3), "float32"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    objective = style_objective(network, content, style, layers)
    for _ in range(2):
        objective.evaluate(content)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    variants = {ALONE: None} | VARIANTS
    memory = {}
    for name, layers in variants.items():  # first, because a child process starts with its parent's peak
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            memory[name] = pool.submit(peak_memory, layers, options.size).result()
    network, (content, style) = build_network("lite", LAYERS), pictures(options.size)
    objectives = {name: style_objective(network, content, style, layers) for name, layers in variants.items()}
    seconds = seconds_per_evaluation(objectives, content, options.rounds)
    print(f"lite, {content.shape[1]}×{content.shape[0]} px\n")
    print("| | ms | × plain | peak MB | × plain |\n|---|---|---|---|---|")
    for name, fastest in seconds.items():
        slower, larger = fastest / seconds[PLAIN], memory[name] / memory[PLAIN]
        print(f"| {name} | {1000 * fastest:.0f} | {slower:.2f} | {memory[name]:.0f} | {larger:.2f} |")


if __name__ == "__main__":
    main()
