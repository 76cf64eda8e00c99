"""Threads of the linear algebra library."""

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_lock, _limits = threading.Lock(), []


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread: L-BFGS-B does many short operations on vectors, whose threads wait for each other.

    BLAS has one limit for the whole process. Where runs overlap, the first one sets it, and the last one to end takes
    it back: another number of threads during a run would change its rounding errors.
    """
    with _lock:
        _limits.append(_limits[0] if _limits else threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _limits.pop()
            if not _limits:
                limit.restore_original_limits()
