"""Neural style transfer you can read, teach with and use.

    from nst_keras import ProgressBar, style_transfer
    result = style_transfer("photograph.jpg", "painting.jpg", callback=ProgressBar())
    result.save("stylised.png")

The files of this package are the method, in this order: image, network, formulas, losses, correlations, objective,
optimize, color, transfer, reconstruct. The folders are built on it, and have public names of their own: `explore`,
`feedforward`, `studio`, `widgets`, `masks.selections`, `masks.findings` and `networks.rescaling`.
"""

import os
import sys

_backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
_backend = sys.modules["keras"].backend.backend() if "keras" in sys.modules else _backend
if _backend != "tensorflow":
    raise ImportError(
        f"nst_keras needs Keras on TensorFlow, but KERAS_BACKEND is {_backend!r}: unset it, or set it to tensorflow, "
        "before Python starts."
    )
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off by itself without AVX-512, but faster with AVX2, too

from .color import COLOR_METHODS, color_statistics, color_transform, match_colors
from .correlations import Correlation, blurred, chain, geometric_content_weights, geometric_style_weights, shifted
from .formulas import FORMULAS
from .image import load_image, resize, save_image
from .losses import content_loss, gram_matrix, mean_gram_matrix, style_energy, style_loss, total_variation_loss
from .masks.basics import (
    MaskWarning,
    combine_masks,
    feather_mask,
    grow_mask,
    invert_mask,
    load_mask,
    partition_masks,
    resize_mask,
    save_mask,
    shrink_mask,
)
from .network import build_network, layer_names
from .objective import Objective, Term, content_terms, style_targets, style_terms, total_variation_term
from .reconstruct import reconstruct_content, synthesize_texture
from .results.plot import ProgressBar, plot_comparison, plot_images, plot_losses
from .results.recorder import NonFiniteLossError, Step
from .results.result import Result
from .support import __version__
from .transfer import style_transfer

# fmt: off
__all__ = [
    "COLOR_METHODS", "FORMULAS", "Correlation", "MaskWarning", "NonFiniteLossError", "Objective", "ProgressBar",
    "Result", "Step", "Term", "__version__", "blurred", "build_network", "chain", "color_statistics",
    "color_transform", "combine_masks", "content_loss", "content_terms", "feather_mask", "geometric_content_weights",
    "geometric_style_weights", "gram_matrix", "grow_mask", "invert_mask", "layer_names", "load_image", "load_mask",
    "match_colors", "mean_gram_matrix", "partition_masks", "plot_comparison", "plot_images", "plot_losses",
    "reconstruct_content", "resize", "resize_mask", "save_image", "save_mask",
    "shifted", "shrink_mask", "style_energy", "style_loss", "style_targets", "style_terms", "style_transfer",
    "synthesize_texture", "total_variation_loss", "total_variation_term",
]
