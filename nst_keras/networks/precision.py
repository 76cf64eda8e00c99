"""In which precision the network calculates.

Most of a run's time goes into convolutions. Processors that calculate with bfloat16 (float32's range with 8 bits of
precision) do them in about half the time. The gradients are then too rough for L-BFGS to end in the same minimum, so a
run in bfloat16 makes the last of its iterations in float32: see `stages` in `nst_keras.run`.
"""

from pathlib import Path

import keras
import tensorflow as tf

from ..support.checks import checked_name

PRECISIONS = ("auto", "float32", "bfloat16")
WIDE = ("vgg19", "vgg16")
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
GPU_CAPABILITY = (8, 0)  # the first generation of NVIDIA's with bfloat16


def chosen_precision(precision, network):
    """`precision`, with "auto" settled: bfloat16 for VGG on machines that calculate with it.

    The other networks are so narrow that their convolutions do not take most of the time: with lite a whole run is no
    shorter in bfloat16. A model given as `network` has its own precision, float32 for "auto". A `ValueError` for an
    unknown precision, and for bfloat16 with a model.
    """
    checked_name("precision", precision, PRECISIONS)
    if isinstance(network, keras.Model):
        if precision == "bfloat16":
            raise ValueError("precision belongs to the names of networks; a model given as network has its own.")
        return "float32"
    if precision == "auto":
        return "bfloat16" if network in WIDE and _calculates_with_bfloat16() else "float32"
    return precision


def _calculates_with_bfloat16():
    """By what the device says of itself: a GPU's generation, or on Linux the processor's flags."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= GPU_CAPABILITY
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and not CPU_FLAGS.isdisjoint(cpuinfo.read_text(errors="replace").split())
