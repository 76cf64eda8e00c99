"""Checks of arguments that several modules share."""

import difflib

import numpy as np


def suggestion(name, known):
    """The end of an error message: which of `known` was perhaps meant by `name`; empty if none is close."""
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def reason(error):
    """What an exception says, for an error message; its name where it says nothing."""
    return str(error) or type(error).__name__


def checked_name(name, value, known):
    """One of the strings in `known`; otherwise a `ValueError` that calls it `name`, and suggests the nearest."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.{suggestion(value, known)}")
    return value


def checked_number(name, value, *, least=None, above=None):
    """A finite number, at least `least` or above `above`, as a float; otherwise a `ValueError` that calls it `name`."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    is_small = is_number and ((least is not None and value < least) or (above is not None and value <= above))
    if not is_number or is_small or not np.isfinite(value):
        bound = f" of at least {least:g}" if least is not None else f" above {above:g}" if above is not None else ""
        raise ValueError(f"{name} must be a finite number{bound}; got {value!r}.")
    return float(value)


def checked_whole(name, value, least):
    """A whole number of at least `least`, as an int; otherwise a `ValueError` that calls it `name`."""
    if not is_whole(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    return int(value)


def is_whole(value):
    """Whether it is a Python or NumPy integer; a bool is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
