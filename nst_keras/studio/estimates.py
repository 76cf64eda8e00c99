"""What a run will take, before it starts: evaluations, time, memory, and the size that fits into a given time."""

import bisect
import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..image import fitting_shape, load_image
from ..large.memory import GIGABYTE, MARGIN, free_memory, peak_memory
from ..network import build_network
from ..optimize import stages
from ..support.checks import checked_number
from ..support.pictures import MAX_PIXELS, MIN_SIDE
from ..support.settings import layers_read
from ..support.types import ImageSource
from ..transfer import DEFAULTS, pyramid, style_transfer

PROBES, PROBE_ITERATIONS = (96, 192), 12  # sizes in pixels, and iterations at each, of the short runs that are timed
UNTIMED = 2  # of a probe's iterations: the first ones are slower
EVALUATIONS_AN_ITERATION = 1.05  # of L-BFGS, with its line search
START = 4.0  # seconds of a run outside its iterations: a function is compiled for each size
SIZES = range(64, 8193, 16)


class Estimate(NamedTuple):
    """What a run will take; `print` shows it.

    `size` is the longer side of the result in pixels; `iterations`, and `evaluations` of the objective, are those of
    all sizes together. `seconds` is the time on this machine if it stays as busy as now, within about a third, and
    `peak_memory` the bytes without the program itself, within about 30 %.
    """

    size: int
    iterations: int
    evaluations: int
    seconds: float
    peak_memory: float

    def __str__(self):
        time = f"{self.seconds:.0f} s" if self.seconds < 120 else f"{self.seconds / 60:.1f} minutes"
        work = f"{self.iterations} iterations, about {self.evaluations} evaluations"
        return f"{self.size} px: {work}, {time}, {self.peak_memory / GIGABYTE:.1f} GB of memory"


def estimate(content: ImageSource, style: Any, *, finish_in: float | None = None, **settings: Any) -> Estimate:
    """Estimate the time and memory of `style_transfer(content, style, **settings)`, from two tiny pictures.

    An iteration takes a constant time and a time for each pixel; both come from the timed iterations of runs at 96 and
    192 pixels, with the same settings.

    With `finish_in`, in seconds, and without `size`, the estimate is for the largest size, in steps of 16 pixels, that
    takes no longer and fits into memory: `style_transfer(content, style, size=estimate.size, …)`. Raises a `ValueError`
    if there is none.

    Examples
    --------
    >>> print(estimate("photograph.jpg", "painting.jpg", finish_in=90))  # doctest: +SKIP
    624 px: 400 iterations, about 420 evaluations, 88 s, 0.9 GB of memory
    """
    settings = {name: value for name, value in settings.items() if name not in ("callback", "checkpoint")}
    checked = replace(DEFAULTS, **settings).checked(len(style) if isinstance(style, (list, tuple)) else 1)
    content = load_image(content, name="content")
    seconds_at = _seconds_an_iteration(content, style, settings)
    layers = layers_read(checked.content_layers, checked.style_layers)
    network = build_network(checked.network, layers, pooling=checked.pooling, weights=checked.weights)

    def at(size):
        plan = stages(pyramid(content.shape, size, checked.scales), checked.iterations, checked.precision)
        iterations = sum(stage.iterations for stage in plan)
        each = EVALUATIONS_AN_ITERATION if checked.optimizer.startswith("lbfgs") else 1.0
        seconds = START + sum(stage.iterations * seconds_at(math.prod(stage.shape)) for stage in plan)
        memory = peak_memory(network, plan[-1].shape, checked.optimizer, checked.tile)
        return Estimate(size, iterations, math.ceil(each * iterations), seconds, memory)

    if finish_in is None:
        return at(checked.size)
    finish_in = checked_number("finish_in", finish_in, above=0)
    shapes = {size: fitting_shape(content.shape, size) for size in SIZES}
    sizes = [size for size, shape in shapes.items() if min(shape) >= MIN_SIDE and math.prod(shape) <= MAX_PIXELS]
    free = free_memory() / MARGIN
    found = bisect.bisect_right(
        sizes, finish_in, key=lambda size: at(size).seconds if at(size).peak_memory <= free else math.inf
    )
    if not found:
        shortest = at(sizes[0])
        raise ValueError(f"finish_in must be at least {math.ceil(shortest.seconds)} on this machine: {shortest}.")
    return at(sizes[found - 1])


def _seconds_an_iteration(content, style, settings):
    """Return a function: number of pixels → seconds, in float32; a run partly in bfloat16 takes less."""
    points = []
    for size in PROBES:
        steps = []
        probe = {"size": size, "scales": 1, "iterations": PROBE_ITERATIONS, "precision": "float32", "tile": None}
        style_transfer(content, style, **settings | probe, callback=steps.append)
        seconds = np.median(np.diff([step.seconds for step in steps])[UNTIMED:])
        points.append((math.prod(fitting_shape(content.shape, size)), float(seconds)))
    (few, quick), (many, slow) = points
    for_each = max(0.0, (slow - quick) / (many - few))
    return lambda pixels: max(0.0, quick - for_each * few) + for_each * pixels
