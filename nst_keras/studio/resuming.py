"""Runs that were killed, and are continued."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..results.result import Result
from ..results.runs import Checkpoint, is_finished, read_run
from ..support.types import PathLike
from ..transfer import DEFAULTS, style_transfer


def resume(folder: PathLike, *, callback: Callable | None = None) -> Result:
    """Continue a run that was killed from its last checkpoint; return the result of a finished run.

    The result is that of a run without a break, byte for byte, on one machine with the same versions and number of
    threads; so is the history, apart from the seconds. An interrupted run is continued, too. Inputs are read from the
    folder.

    Parameters
    ----------
    folder
        As given to `style_transfer(…, checkpoint=folder)`.
    callback
        See `style_transfer`.

    Raises
    ------
    ValueError
        The folder holds no run with checkpoints, or a file in it is damaged or was changed.
    """
    folder = Path(folder)
    if is_finished(folder):
        result = Result.load(folder)
        if not result.interrupted:
            return result
    arguments: dict[str, Any] = read_run(folder, vars(DEFAULTS))
    return style_transfer(**arguments, callback=callback, checkpoint=Checkpoint(folder))
