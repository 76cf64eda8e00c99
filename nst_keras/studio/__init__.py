"""Estimate and resume runs, show a run as a web page, compare runs, run a grid of settings."""

from .runs import Estimate, estimate, resume, save_page
from .sweeps import Comparison, Sweep, compare, sweep

__all__ = ["Comparison", "Estimate", "Sweep", "compare", "estimate", "resume", "save_page", "sweep"]
