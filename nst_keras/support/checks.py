"""Checks of arguments. Every error names the argument, what was expected, and what was given."""

import difflib
import math
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

MAX_WHOLE = 2**31


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return the end of an error message that suggests the known name nearest to `name`, or an empty string."""
    layer = re.fullmatch(r"(?:conv|relu)_?(\d)_(\d)", str(name))  # block4_conv2 is called relu4_2 or conv4_2, too
    name = f"block{layer[1]}_conv{layer[2]}" if layer else name
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def reason(error: BaseException) -> str:
    """Return the message of an exception, or its type if it has no message."""
    return str(error) or type(error).__name__


def checked_name(name: str, value: Any, known: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `known`; raise a `ValueError` with a suggestion if it is not."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.{suggestion(value, known)}")
    return value


def checked_number(name: str, value: Any, *, minimum: float | None = None, above: float | None = None) -> float:
    """Return `value` as a float; raise a `ValueError` unless it is finite, ≥ `minimum` and > `above`."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan
    except OverflowError:  # an integer that is too large
        number = math.inf
    is_small = (minimum is not None and number < minimum) or (above is not None and number <= above)
    if is_small or not math.isfinite(number):
        bound = f" of at least {minimum:g}" if minimum is not None else f" above {above:g}" if above is not None else ""
        raise ValueError(f"{name} must be a finite number{bound}; got {value!r}.")
    return number


def checked_whole(name: str, value: Any, minimum: int, alternative: str = "") -> int:
    """Return `value` as an int; raise a `ValueError` unless it is a whole number of at least `minimum`, up to 2³¹."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"{name} must be {alternative}a whole number of at least {minimum}; got {value!r}.")
    if value > MAX_WHOLE:
        raise ValueError(f"{name} must be at most {MAX_WHOLE}; got {value!r}.")
    return int(value)


def sides(shape: Sequence[int]) -> str:
    """Return (height, width) as people write it, the width first: "640×480"."""
    return f"{shape[1]}×{shape[0]}"


def check_callback(callback: Any) -> None:
    """Raise a `ValueError` unless `callback` is None or can be called."""
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function of a Step, such as ProgressBar(); got {callback!r}.")


def input_files(*sources: Any) -> list[str]:
    """Return the absolute paths of those sources, also in lists, that are files; a result is not saved over them."""
    paths = []
    for source in sources:
        if isinstance(source, (list, tuple)):
            paths += input_files(*source)
        elif isinstance(source, (str, os.PathLike)) and os.path.exists(source):
            paths.append(os.path.abspath(source))
    return paths
