"""Threads of the linear algebra library."""

import contextlib
import threading
from collections.abc import Iterator

from threadpoolctl import threadpool_limits

_lock, _runs = threading.Lock(), []


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread: L-BFGS-B does many short operations on vectors, whose threads wait for each other.

    The limit is the process's. Runs that overlap share the first one's, and the last of them takes it back.
    """
    with _lock:
        _runs.append(_runs[0] if _runs else threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _runs.pop()
            if not _runs:
                limit.restore_original_limits()
