"""Keep, compare and share runs: resume, sweeps, GIFs and web pages.

    from nst_keras.studio import compare, resume, save_page, sweep

`import nst_keras` does not load this package. `Result.keep` and `Result.load` write and read a single run.
"""

from .resuming import resume
from .share import Comparison, Frames, compare, save_gif, save_page
from .sweeps import Sweep, sweep

__all__ = ["Comparison", "Frames", "Sweep", "compare", "resume", "save_gif", "save_page", "sweep"]
