"""Threads of the linear algebra library."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from threadpoolctl import threadpool_limits

_lock, _limits = threading.Lock(), []


def _briefly(function: Callable, *arguments: Any, **keywords: Any) -> Any:
    """Call a function in a thread that ends: from threadpoolctl 3.8 on, a thread that set a limit keeps all others from
    setting one for as long as it lives, and a desk's thread lives as long as the desk."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function, *arguments, **keywords).result()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread: L-BFGS-B does many short operations on vectors, whose threads wait for each other.

    BLAS has one limit for the whole process. Where runs overlap, the first one sets it, and the last one to end takes
    it back: another number of threads during a run would change its rounding errors.
    """
    with _lock:
        _limits.append(_limits[0] if _limits else _briefly(threadpool_limits, 1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limit = _limits.pop()
            if not _limits:
                _briefly(limit.restore_original_limits)
