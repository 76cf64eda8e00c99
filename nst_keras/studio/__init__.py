"""Estimate, resume, compare and share runs: sweeps, GIFs and web pages. `import nst_keras` does not load this package.

`Result.keep` and `Result.load` write and read a single run.
"""

from .runs import Estimate, estimate, resume
from .share import Comparison, Frames, compare, save_gif, save_page
from .sweeps import Sweep, sweep

__all__ = ["Comparison", "Estimate", "Frames", "Sweep", "compare", "estimate"]
__all__ += ["resume", "save_gif", "save_page", "sweep"]
