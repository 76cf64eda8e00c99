"""What an optimiser does, recorded: one `Step` for each iteration, and the best image that was seen."""

import time
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ..image import cut_margin
from ..support.files import check_kinds
from ..support.types import ImageArray

NUMBER = (int, float)
STEP = dict.fromkeys(("iteration", "evaluations", "size"), int)
STEP |= dict.fromkeys(("seconds", "total", "progress"), NUMBER) | {"terms": dict}
RECORD = {"made": int, "evaluations": int, "seconds": NUMBER, "best": NUMBER, "history": list}


@dataclass(frozen=True)
class Step:
    """One iteration of an optimiser; iterations and evaluations are counted from 1 over the whole run."""

    iteration: int
    evaluations: int  #: of the objective; an iteration of L-BFGS needs one or more
    seconds: float  #: since the start of the run
    size: int  #: longer side of the image at this scale, in pixels
    total: float  #: the objective's value
    terms: dict  #: {term: weighted value}; they add up to `total`
    progress: float  #: the share of the run's work that is done, 0 to 1
    image: ImageArray | None = field(default=None, repr=False)  #: a copy for callbacks; None in a history

    def record(self) -> dict:
        """Return the numbers of this step as a dictionary that JSON can hold."""
        return {name: getattr(self, name) for name in STEP}

    @classmethod
    def from_record(cls, record: Any, path: Path) -> "Step":
        """Make a step from what `record` returned; raise a `ValueError` about the file `path` if it is damaged."""
        check_kinds(record, STEP, path)
        check_kinds(record["terms"], dict.fromkeys(record["terms"], NUMBER), path)
        return cls(**{name: record[name] for name in STEP})


class NonFiniteLossError(ValueError):
    """A term or the gradient became NaN or infinite. `image` is the best image before that."""

    def __init__(self, message: str, image: ImageArray) -> None:
        super().__init__(message)
        self.image = image


@dataclass(eq=False)
class Recorder:
    """Calls an objective for an optimiser at one scale: checks every value, keeps the best image, records the steps."""

    objective: Any
    start: InitVar[ImageArray]  #: where the optimiser starts; also the best image until a better one is seen
    iterations: int  #: number of iterations to make at this scale
    margin: int = 0  #: pixels on each side that are optimised and later cut off
    callback: Callable[[Step], Any] | None = None
    previous: InitVar["Recorder | None"] = None  #: the recorder of the scale before, whose counts are continued
    work: tuple[float, float] = (0.0, 1.0)  #: shares of the whole work that are done when this scale begins and ends
    finish: Callable[[ImageArray], ImageArray] = lambda image: image  #: applied to pictures for callbacks and errors

    FIRST_STEP = 0.01  # mean change of the pixels in the first step of all optimisers but Adam

    def __post_init__(self, start, previous):
        self.history = previous.history if previous else []
        self.evaluations = previous.evaluations if previous else 0
        self._started = previous._started if previous else time.perf_counter()
        self._first = len(self.history)  # steps of the scales before
        self._pending = {}  # {total: (x, terms)} since the last step; optimisers give totals back exactly
        self.best_total, self._best = np.inf, start
        self.stopped = False

    @property
    def made(self) -> int:
        """The number of iterations made at this scale."""
        return len(self.history) - self._first

    @property
    def best_image(self) -> ImageArray:
        """The image with the smallest total so far; the start before the first evaluation."""
        return self._as_image(self._best)

    def __call__(self, x: Any) -> tuple[float, Any]:
        """Evaluate the objective and its gradient at the flat image `x`, which must not be changed afterwards."""
        terms, gradient = self.objective.evaluate(x)
        self.evaluations += 1
        total = sum(terms.values())
        finite = tf.math.is_finite(gradient) if tf.is_tensor(gradient) else np.isfinite(gradient)
        if not np.isfinite(total) or not np.all(finite):
            wrong = [name for name, value in terms.items() if not np.isfinite(value)]
            what = f"term {', '.join(wrong)}" if wrong else "the gradient"
            raise NonFiniteLossError(
                f"{what} is NaN or infinite at evaluation {self.evaluations}. A weight may be too large, or the "
                "network's weights damaged.",
                self._finished(self.best_image),
            )
        self._pending[total] = x, terms
        if total < self.best_total:
            self.best_total, self._best = total, x
        return total, gradient

    def step(self, total: float) -> None:
        """Record that an iteration ended at the evaluated image where the objective was `total`."""
        begin, end = self.work
        x, terms = self._pending[total]
        step = Step(
            iteration=len(self.history) + 1,
            evaluations=self.evaluations,
            seconds=time.perf_counter() - self._started,
            size=max(self.objective.shape) - 2 * self.margin,
            total=total,
            terms=terms,
            progress=begin + (self.made + 1) / self.iterations * (end - begin),
        )
        self._pending = {total: (x, terms)}
        self.history.append(step)
        if self.callback:
            try:
                self.callback(replace(step, image=self._finished(self._as_image(x))))
            except StopIteration:
                self.stopped = True
                raise

    def state(self) -> tuple[dict, ImageArray]:
        """Return what `restore` needs: a record that JSON can hold, and the best image."""
        record = {"made": self.made, "evaluations": self.evaluations, "best": self.best_total}
        record |= {"seconds": time.perf_counter() - self._started, "history": [step.record() for step in self.history]}
        return record, self.best_image

    def restore(self, record: dict, image: ImageArray, path: Path) -> None:
        """Continue from what `state` returned and was read from the file `path`."""
        self.history[:] = [Step.from_record(item, path) for item in record["history"]]
        self._first = len(self.history) - record["made"]
        self.evaluations, self._started = record["evaluations"], time.perf_counter() - record["seconds"]
        self.best_total, self._best = record["best"], image

    def _finished(self, image):
        return self.finish(cut_margin(image, self.margin))

    def _as_image(self, x):
        return np.array(x, "float32").reshape(self.objective.shape)
