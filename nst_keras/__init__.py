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

from .explore import maximize_activation, receptive_field, top_patches  # noqa: E402
from .image import load_image, resize, save_image  # noqa: E402
from .losses import (  # noqa: E402
    content_loss,
    gram_matrix,
    mean_gram_matrix,
    style_energy,
    style_loss,
    total_variation_loss,
)
from .network import build_network, layer_names  # noqa: E402
from .objective import Objective, Term, content_terms, style_terms, total_variation_term  # noqa: E402
from .optimize import NonFiniteLossError, ProgressBar, Step  # noqa: E402
from .plot import plot_comparison, plot_images, plot_losses  # noqa: E402
from .transfer import Result, style_transfer  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    "NonFiniteLossError",
    "Objective",
    "ProgressBar",
    "Result",
    "Step",
    "Term",
    "__version__",
    "build_network",
    "content_loss",
    "content_terms",
    "gram_matrix",
    "layer_names",
    "load_image",
    "maximize_activation",
    "mean_gram_matrix",
    "plot_comparison",
    "plot_images",
    "plot_losses",
    "receptive_field",
    "resize",
    "save_image",
    "style_energy",
    "style_loss",
    "style_terms",
    "style_transfer",
    "top_patches",
    "total_variation_loss",
    "total_variation_term",
]
