"""Neural style transfer you can read, teach with and use.

In short:

    from nst_keras import ProgressBar, style_transfer
    result = style_transfer("photograph.jpg", "painting.jpg", callback=ProgressBar())
    result.save("stylised.png")
"""

import inspect
import os
import sys
import tempfile


def _import_tensorflow():
    """Import TensorFlow, as Keras' backend, without the notices its libraries print before any setting counts."""
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "keras" in sys.modules:
        backend = sys.modules["keras"].backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"nst_keras needs Keras on TensorFlow, but KERAS_BACKEND is {backend!r}: unset it, or set it to "
            "tensorflow, before Python starts."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        standard_error = os.dup(2)
    except OSError:  # there is none to keep quiet
        return
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            import tensorflow
        except BaseException:
            notices.seek(0)
            os.write(standard_error, notices.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


_import_tensorflow()

from .color import COLOR_METHODS, color_statistics, color_transform, match_colors
from .correlations import Correlation, blurred, chain, geometric_content_weights, geometric_style_weights, shifted
from .explore.units import maximize_activation, top_patches
from .formulas import FORMULAS
from .image import load_image, resize, save_image
from .large.estimates import Estimate, estimate
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
from .masks.findings import MaskReport, check_masks, mask_findings
from .masks.selections import (
    linear_gradient,
    radial_gradient,
    select_brightness,
    select_color,
    select_ellipse,
    select_flood,
    select_polygon,
)
from .network import build_network, layer_names, rescale_network
from .networks.receptive_fields import receptive_field
from .objective import Objective, Term, content_terms, style_targets, style_terms, total_variation_term
from .optimize import NonFiniteLossError, Step
from .plot import plot_comparison, plot_images, plot_losses
from .progress import ProgressBar
from .reconstruct import reconstruct_content, synthesize_texture
from .run import Result
from .support.versions import __version__
from .transfer import style_transfer

__all__ = ["__version__"]  # and all that is imported above, but modules
__all__ += [name for name, what in globals().items() if not name.startswith("_") and not inspect.ismodule(what)]
