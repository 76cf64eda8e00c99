"""Estimate, resume, compare and share runs; sweeps. `import nst_keras` does not load this package.

`Result.keep` and `Result.load` write and read a single run.
"""

from .runs import Estimate, estimate, resume
from .share import Comparison, compare, save_page
from .sweeps import Sweep, sweep

__all__ = ["Comparison", "Estimate", "Sweep", "compare", "estimate", "resume", "save_page", "sweep"]
