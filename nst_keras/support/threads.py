"""Threads of the linear algebra library."""

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_lock, _running, _limits = threading.Lock(), [], []


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread: L-BFGS-B does many short operations on vectors, whose threads wait for each other.

    BLAS has one limit for the whole process. Where runs overlap, the last one to end restores all limits, newest first:
    the oldest remembers the number of threads before. Another number during a run would change the rounding errors.
    """
    with _lock:
        _limits.append(threadpool_limits(1, user_api="blas"))
        _running.append(True)
    try:
        yield
    finally:
        with _lock:
            _running.pop()
            while not _running and _limits:
                _limits.pop().restore_original_limits()
