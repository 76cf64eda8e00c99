"""What a run will take, before it starts: evaluations, time, memory, and the size that fits into a given time."""

import bisect
import math
from dataclasses import dataclass

import numpy as np
import psutil

from .. import image as images
from ..network import build_network
from ..run import pyramid, stages
from ..settings import checked_settings, layers_read
from ..support.checks import checked_number
from ..transfer import style_transfer
from .memory import GIGABYTE, peak_memory
from .tiles import Tiling

PROBES = (96, 192)  # pixels of the short runs that are timed
PROBE_ITERATIONS = 12
UNTIMED = 2  # of a probe's iterations: the first ones are slower
EVALUATIONS_AN_ITERATION = 1.05  # of L-BFGS, with its line search
START = 4.0  # seconds of a run outside its iterations: a function is compiled for each size
SIZES = range(64, 8193, 16)


@dataclass(frozen=True)
class Estimate:
    """What a run will take; `print` shows it.

    Attributes
    ----------
    size : int
        Longer side of the result, in pixels.
    iterations, evaluations : int
        Of the objective, over all sizes.
    seconds : float
        On this machine, if it is as busy as now; within a third or so.
    peak_memory : float
        Bytes beyond the program itself; within about 30 %.
    """

    size: int
    iterations: int
    evaluations: int
    seconds: float
    peak_memory: float

    def __str__(self):
        time = f"{self.seconds:.0f} s" if self.seconds < 120 else f"{self.seconds / 60:.1f} minutes"
        return (
            f"{self.size} px: {self.iterations} iterations, about {self.evaluations} evaluations, {time}, "
            f"{self.peak_memory / GIGABYTE:.1f} GB of memory"
        )


def estimate(content, style, *, finish_in=None, **settings):
    """Estimate what `style_transfer(content, style, **settings)` will take; paints two tiny pictures for it.

    The time of an iteration is a constant and a share for each pixel; both come from the timed iterations of runs at 96
    and 192 pixels, with the very same settings.

    Parameters
    ----------
    content, style, **settings
        As for `style_transfer`.
    finish_in : float, optional
        Seconds. Then the estimate is for the largest size, in steps of 16 pixels, that takes no longer, and that fits
        into memory; `size` is not to be given. `style_transfer(content, style, size=estimate.size, …)` paints it.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        As `style_transfer`; or there is no size that takes so little time.

    Examples
    --------
    >>> print(estimate("photograph.jpg", "painting.jpg", finish_in=90))  # doctest: +SKIP
    624 px: 400 iterations, about 420 evaluations, 88 s, 0.9 GB of memory
    """
    given = style_transfer.__kwdefaults__ | settings
    styles = style if isinstance(style, (list, tuple)) else [style]
    del given["callback"], given["checkpoint"]
    checked = checked_settings(styles=len(styles), **given)
    content = images.load_image(content, name="content")
    seconds_at = _seconds_an_iteration(content, style, settings)
    layers = layers_read(checked)
    network = build_network(given["network"], layers, pooling=given["pooling"], weights=given["weights"])

    def at(size):
        plan = stages(pyramid(content.shape, size, checked["scales"]), given["iterations"], checked["precision"])
        shape, tile = plan[-1].shape, given["tile"]
        iterations = sum(stage.iterations for stage in plan)
        each = EVALUATIONS_AN_ITERATION if given["optimizer"].startswith("lbfgs") else 1.0
        seen_at_once = shape if tile is None else Tiling(network, shape, tile, layers).crop
        return Estimate(
            size=size,
            iterations=iterations,
            evaluations=math.ceil(each * iterations),
            seconds=START + sum(stage.iterations * seconds_at(math.prod(stage.shape)) for stage in plan),
            peak_memory=peak_memory(network, shape, given["optimizer"], seen_at_once),
        )

    if finish_in is None:
        return at(given["size"])
    finish_in = checked_number("finish_in", finish_in, above=0)
    sizes = [size for size in SIZES if _can_be(content.shape, size)]
    free = psutil.virtual_memory().available
    found = bisect.bisect_right(
        sizes, finish_in, key=lambda size: at(size).seconds if at(size).peak_memory <= free else math.inf
    )
    if not found:
        least = at(sizes[0])
        raise ValueError(f"finish_in must be at least {math.ceil(least.seconds)} on this machine: {least}.")
    return at(sizes[found - 1])


def _can_be(shape, size):
    """Whether a picture of these proportions may have that size."""
    height, width = images.fitting_shape(shape, size)
    return min(height, width) >= images.MIN_SIDE and height * width <= images.MAX_PIXELS


def _seconds_an_iteration(content, style, settings):
    """A function of the number of pixels. In float32: where a run has bfloat16, too, it takes less."""
    points = []
    for size in PROBES:
        steps = []
        probe = {"size": size, "scales": 1, "iterations": PROBE_ITERATIONS, "precision": "float32", "tile": None}
        style_transfer(content, style, **{**settings, **probe, "callback": steps.append, "checkpoint": None})
        seconds = np.median(np.diff([step.seconds for step in steps])[UNTIMED:])
        points.append((math.prod(images.fitting_shape(content.shape, size)), float(seconds)))
    (few, quick), (many, slow) = points
    for_each = max(0.0, (slow - quick) / (many - few))
    return lambda pixels: max(0.0, quick - for_each * few) + for_each * pixels
