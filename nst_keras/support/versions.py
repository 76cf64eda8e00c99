"""The version of this package, and of the libraries on which a result depends."""

import platform
from importlib.metadata import version

import keras
import tensorflow as tf

__version__ = "0.1.0"


def versions() -> dict[str, str]:
    """Return {name: version} of Python, this package, and the libraries on which a result depends."""
    installed = {"tensorflow": tf.__version__, "keras": keras.__version__}  # tensorflow-cpu has another name
    installed |= {name: version(name) for name in ("numpy", "scipy", "pillow")}
    return {"python": platform.python_version(), "nst_keras": __version__} | installed
