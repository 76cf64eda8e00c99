"""How much memory a run takes, and a clear word before it starts if there is not so much.

Three things grow with the picture: the network's features, each with its gradient; the optimiser's vectors; a few
copies of the pictures themselves. Measured against the peak of whole processes by `benchmarks/speed.py`.
"""

import math

import keras
import psutil

BYTES_A_VARIABLE = {"lbfgs": 441, "lbfgs-float32": 80, "adam": 40, "gradient-descent": 50}  # of optimisers; 3 a pixel
PICTURES = 10  # float32 copies of a picture that a run holds: content, style, result, the best, their tensors
GIGABYTE = 1e9


def network_memory(network, shape):
    """Bytes that a value and a gradient take at (height, width): every feature map in float32, with its gradient."""
    outputs = [layer.output for layer in network.layers if layer is not network.layers[0]]
    shapes = keras.Model(network.input, outputs).compute_output_shape((1, *shape[:2], 3))
    return 2 * 4 * sum(math.prod(output) for output in shapes)


def peak_memory(network, shape, optimizer, seen_at_once=None):
    """Bytes that a run takes at its largest, beyond the program itself; within about 30 %.

    `shape` is (height, width) of the result, `seen_at_once` of what the network sees, if the image is seen in tiles.
    """
    pixels = shape[0] * shape[1]
    return network_memory(network, seen_at_once or shape) + 3 * pixels * (BYTES_A_VARIABLE[optimizer] + 4 * PICTURES)


def check_memory(network, shape, optimizer, seen_at_once=None):
    """Raise a `ValueError` with the numbers if a run would need more memory than is free on this machine.

    Arguments are those of `peak_memory`; without `seen_at_once`, tiles are not what the message advises.
    """
    needed, free = peak_memory(network, shape, optimizer, seen_at_once), psutil.virtual_memory().available
    if needed <= free:
        return
    of_optimizer = 3 * shape[0] * shape[1] * BYTES_A_VARIABLE[optimizer]
    fitting = int(max(shape) * math.sqrt(free / needed))
    advice = [f"size={fitting}"]
    advice += ['optimizer="lbfgs-float32"'] if optimizer == "lbfgs" else []
    advice += ["tile=512"] if seen_at_once == shape else []
    raise ValueError(
        f"A result of {shape[1]}×{shape[0]} pixels would need about {needed / GIGABYTE:.1f} GB of memory, of which "
        f"the optimiser {optimizer!r} takes {of_optimizer / GIGABYTE:.1f}; {free / GIGABYTE:.1f} GB are free. "
        f"What helps: {', '.join(advice)}."
    )
