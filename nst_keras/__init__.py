"""Neural style transfer you can read, teach with and use.

In short:

    from nst_keras import ProgressBar, style_transfer
    result = style_transfer("photograph.jpg", "painting.jpg", callback=ProgressBar())
    result.save("stylised.png")
"""

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
            import tensorflow  # noqa: F401
        except BaseException:
            notices.seek(0)
            os.write(standard_error, notices.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


_import_tensorflow()

from .color import COLOR_METHODS, color_statistics, color_transform, match_colors  # noqa: E402
from .estimates import Estimate, estimate  # noqa: E402
from .explore import maximize_activation, top_patches  # noqa: E402
from .fields import receptive_field  # noqa: E402
from .formulas import FORMULAS  # noqa: E402
from .image import load_image, resize, save_image  # noqa: E402
from .improvements import (  # noqa: E402
    Correlation,
    blurred,
    chain,
    geometric_content_weights,
    geometric_style_weights,
    shifted,
)
from .losses import (  # noqa: E402
    content_loss,
    gram_matrix,
    mean_gram_matrix,
    style_energy,
    style_loss,
    total_variation_loss,
)
from .mask_checks import MaskReport, check_masks, mask_findings  # noqa: E402
from .masks import (  # noqa: E402
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
from .network import build_network, layer_names, rescale_network  # noqa: E402
from .objective import (  # noqa: E402
    Objective,
    Term,
    content_terms,
    style_targets,
    style_terms,
    total_variation_term,
)
from .optimize import NonFiniteLossError, Step  # noqa: E402
from .plot import plot_comparison, plot_images, plot_losses  # noqa: E402
from .progress import ProgressBar  # noqa: E402
from .reconstruct import reconstruct_content, synthesize_texture  # noqa: E402
from .run import Result  # noqa: E402
from .selections import (  # noqa: E402
    linear_gradient,
    radial_gradient,
    select_brightness,
    select_color,
    select_ellipse,
    select_flood,
    select_polygon,
)
from .transfer import style_transfer  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    "COLOR_METHODS",
    "FORMULAS",
    "Correlation",
    "Estimate",
    "MaskReport",
    "MaskWarning",
    "NonFiniteLossError",
    "Objective",
    "ProgressBar",
    "Result",
    "Step",
    "Term",
    "__version__",
    "blurred",
    "build_network",
    "chain",
    "check_masks",
    "color_statistics",
    "color_transform",
    "combine_masks",
    "content_loss",
    "content_terms",
    "estimate",
    "feather_mask",
    "geometric_content_weights",
    "geometric_style_weights",
    "gram_matrix",
    "grow_mask",
    "invert_mask",
    "layer_names",
    "linear_gradient",
    "load_image",
    "load_mask",
    "mask_findings",
    "match_colors",
    "maximize_activation",
    "mean_gram_matrix",
    "partition_masks",
    "plot_comparison",
    "plot_images",
    "plot_losses",
    "radial_gradient",
    "receptive_field",
    "reconstruct_content",
    "rescale_network",
    "resize",
    "resize_mask",
    "save_image",
    "save_mask",
    "select_brightness",
    "select_color",
    "select_ellipse",
    "select_flood",
    "select_polygon",
    "shifted",
    "shrink_mask",
    "style_energy",
    "style_loss",
    "style_targets",
    "style_terms",
    "style_transfer",
    "synthesize_texture",
    "top_patches",
    "total_variation_loss",
    "total_variation_term",
]
