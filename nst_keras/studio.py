"""Trying, comparing, keeping, sharing: what makers and teachers do every day. Loaded on demand.

from nst_keras.studio import resume, sweep
"""

from .kept_runs import resume

__all__ = ["resume"]
