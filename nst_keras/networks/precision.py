"""The precision of the network's calculations.

Most of a run's time goes into convolutions. Processors that calculate with bfloat16 (the range of float32 with 8 bits
of precision) take about half the time. L-BFGS needs more exact gradients to end in the same minimum, so a run in
bfloat16 makes its last iterations in float32: see `stages` in `nst_keras.optimize`.
"""

from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from ..support.checks import checked_name

PRECISIONS = ("auto", "float32", "bfloat16")
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
GPU_CAPABILITY = (8, 0)  # NVIDIA's first generation with bfloat16


def chosen_precision(precision: str, network: str | keras.Model) -> Literal["float32", "bfloat16"]:
    """Return the precision that a run uses; "auto" is bfloat16 for VGG on machines that calculate with it.

    It saves no time with narrow networks such as lite. A model given as `network` keeps its own precision.
    """
    checked_name("precision", precision, PRECISIONS)
    if isinstance(network, keras.Model):
        if precision == "bfloat16":
            raise ValueError("precision belongs to the names of networks; a model given as network has its own.")
        return "float32"
    if precision == "auto":
        return "bfloat16" if network in ("vgg19", "vgg16") and _calculates_with_bfloat16() else "float32"
    return precision


def _calculates_with_bfloat16():
    """Ask the device: a GPU for its generation; on Linux the processor for its flags."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0)) >= GPU_CAPABILITY
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and not CPU_FLAGS.isdisjoint(cpuinfo.read_text(errors="replace").split())
