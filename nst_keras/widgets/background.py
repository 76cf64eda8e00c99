"""Work done behind a widget: one job at a time, in a thread of its own; a newer job takes an older one's place."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Job:
    """`run(stop)` is called when it is `due`; `stop` is set when it is to end. A newer job ends one that `yields`."""

    run: Callable
    due: float
    yields: bool
    stop: threading.Event = field(default_factory=threading.Event)


class Background:
    """Runs jobs in a thread that exists only while there are any.

    A job must not raise: there is nobody to catch it.
    """

    def __init__(self):
        self._changed = threading.Condition()
        self._running, self._waiting, self._thread = None, [], None

    def submit(self, run, *, delay=0.0, yields=True):
        """Call `run(stop)` in the background, `delay` seconds from now or later; those that yield give way to it.

        A running one is asked to stop, a waiting one is forgotten. The others come first.
        """
        with self._changed:
            firm = [job for job in self._waiting if not job.yields]
            self._waiting = [*firm, Job(run, time.monotonic() + delay, yields)]
            if self._running and self._running.yields:
                self._running.stop.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="nst_keras desk", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self):
        """Ask those jobs to end that do not yield."""
        with self._changed:
            for job in (self._running, *self._waiting):
                if job and not job.yields:
                    job.stop.set()

    def wait(self, timeout=None):
        """Wait until nothing is left to do, at most `timeout` seconds; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _work(self):
        while self._take():
            self._running.run(self._running.stop)

    def _take(self):
        """The next job becomes the running one as soon as it is due; False, and the thread is given up, if none is."""
        with self._changed:
            self._running = None
            while self._waiting and (early := self._waiting[0].due - time.monotonic()) > 0:
                self._changed.wait(early)
            if self._waiting:
                self._running = self._waiting.pop(0)
            else:
                self._thread = None
                self._changed.notify_all()
            return self._running is not None
