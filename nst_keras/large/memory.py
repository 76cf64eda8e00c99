"""The memory that a run takes: features, each with its gradient; the optimiser's vectors; some pictures."""

import contextlib
import math
from pathlib import Path

import keras
import psutil

from ..support.checks import sides
from ..support.types import Shape

# bytes that an optimiser keeps for each variable; a pixel has three
BYTES_A_VARIABLE = {"lbfgs": 300, "lbfgs-float32": 80, "adam": 40, "gradient-descent": 50}
PICTURES = 10  # float32 copies of a picture that a run holds: content, style, result, the best, their tensors
MARGIN = 1.15  # how many times the estimate must be free, since the estimate may be too low
GIGABYTE = 1e9
CONTAINER_LIMITS = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"  # cgroup versions 2 and 1


def free_memory() -> int:
    """Return the bytes that are free on this machine, or in the container that this program runs in."""
    free = psutil.virtual_memory().available
    for path in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # there is no such file, or it says "max"
            free = min(free, int(Path(path).read_text()) - psutil.Process().memory_info().rss)
    return max(free, 0)


def peak_memory(network: keras.Model, shape: Shape, optimizer: str, tile: int | None = None) -> int:
    """Return the bytes that a run which paints `shape` takes at most, without the program; within about 30 %."""
    seen = shape
    if tile is not None:
        from .tiles import Tiling

        seen = Tiling(network, shape, tile, dict.fromkeys(network.output, 0)).crop
    outputs = keras.Model(network.input, [layer.output for layer in network.layers])
    maps = sum(math.prod(output) for output in outputs.compute_output_shape((1, *seen[:2], 3)))
    return 2 * 4 * maps + 3 * shape[0] * shape[1] * (BYTES_A_VARIABLE[optimizer] + 4 * PICTURES)


def check_memory(
    network: keras.Model, shape: Shape, optimizer: str, tile: int | None, *, result: Shape, may_tile: bool = False
) -> None:
    """Raise a `ValueError` with the numbers if a run, see `peak_memory`, would need more memory than is free.

    It names the shape of the `result`, around which `shape` has a margin, and advises tiles if the run `may_tile`.
    """
    needed, free = peak_memory(network, shape, optimizer, tile), free_memory()
    if MARGIN * needed <= free:
        return
    of_optimizer = 3 * shape[0] * shape[1] * BYTES_A_VARIABLE[optimizer]
    advice = f"size={int(max(result) * math.sqrt(free / (MARGIN * needed)))}"
    advice += ', optimizer="lbfgs-float32"' * (optimizer == "lbfgs") + ", tile=512" * (may_tile and tile is None)
    raise ValueError(
        f"A result of {sides(result)} pixels would need about {needed / GIGABYTE:.1f} GB of memory, of which "
        f"the optimiser {optimizer!r} takes {of_optimizer / GIGABYTE:.1f}; {free / GIGABYTE:.1f} GB are free. "
        f"What helps: {advice}."
    )
