"""Continue runs that were killed."""

from collections.abc import Callable
from pathlib import Path

from ..results.result import Result
from ..results.runs import Checkpoint, is_finished, read_run
from ..support.types import PathLike
from ..transfer import DEFAULTS, style_transfer


def resume(folder: PathLike, *, callback: Callable | None = None) -> Result:
    """Continue a run that was killed from its last checkpoint; return the result of a finished run.

    The result is that of a run without a break, byte for byte, on one machine with the same versions and number of
    threads; so is the history, apart from the seconds. An interrupted run is continued, too. `folder` is the one that
    `style_transfer(…, checkpoint=folder)` was given; it also holds copies of the inputs. Raises a `ValueError` if it
    holds no run with checkpoints, or if a file in it is damaged or was changed.
    """
    folder = Path(folder)
    if is_finished(folder) and not (result := Result.load(folder)).interrupted:
        return result
    return style_transfer(**read_run(folder, vars(DEFAULTS)), callback=callback, checkpoint=Checkpoint(folder))
