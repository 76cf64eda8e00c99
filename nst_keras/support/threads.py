"""Threads of the linear algebra library."""

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_lock, _running, _limits = threading.Lock(), [], []


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread: L-BFGS-B does many short operations on vectors, whose threads wait for each other.

    In some BLAS libraries the limit applies to the whole process. When runs overlap, the last one to end restores all
    limits, newest first: only the oldest remembers the number of threads before.
    """
    with _lock:
        limit = threadpool_limits(1, user_api="blas")
        _running.append(limit)
        _limits.append(limit)
    try:
        yield
    finally:
        with _lock:
            limit.restore_original_limits()
            _running.remove(limit)
            while not _running and _limits:
                _limits.pop().restore_original_limits()
