"""Trying, comparing, keeping, sharing: what makers and teachers do every day.

    from nst_keras.studio import compare, resume, save_page, sweep

Loaded on demand. `Result.keep` and `Result.load` are the other half of it.
"""

from ..support.runs import resume
from .share import Comparison, Frames, compare, save_gif, save_page
from .sweeps import Sweep, sweep

__all__ = ["Comparison", "Frames", "Sweep", "compare", "resume", "save_gif", "save_page", "sweep"]
