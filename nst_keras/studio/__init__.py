"""Estimate, resume, compare and share runs; sweeps. `import nst_keras` does not load this package."""

from .runs import Estimate, estimate, resume, save_page
from .sweeps import Comparison, Sweep, compare, sweep

__all__ = ["Comparison", "Estimate", "Sweep", "compare", "estimate", "resume", "save_page", "sweep"]
