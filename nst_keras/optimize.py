"""Minimising an objective over the pixels of an image, kept within [0, 1].

Whatever the optimiser, every iteration gives one `Step`; the history keeps its numbers, callbacks also get the
image. The result is the best image seen, also after an interrupt.
"""

import contextlib
import math
import time
from dataclasses import dataclass, field, replace

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize
from threadpoolctl import threadpool_limits

from .large.limited_memory import InverseHessian

CORRECTIONS = 10  # pairs of vectors from which L-BFGS builds its picture of the curvature
FLOAT32_CORRECTIONS = 5
FIRST_STEP = 0.01  # of L-BFGS, mean over the pixels
ARMIJO = 1e-4  # a step's least gain, as a share of what the gradient promises
MAX_HALVINGS = 20
ADAM_LEARNING_RATE = 0.02
DESCENT_DECAY = 0.995  # of gradient descent's step, for each iteration
CHECKPOINT_EVERY = 50  # iterations; of 100 at 256 px, this costs L-BFGS 0.2 to 1.2 % of the final loss, 25 up to 3 %


@dataclass(frozen=True)
class Step:
    """One iteration of an optimiser.

    Attributes
    ----------
    iteration, evaluations : int
        Counted from 1 over the whole run; an iteration of L-BFGS needs one evaluation of the objective or more.
    seconds : float
        Since the start of the run.
    size : int
        Longer side of the image at this scale, in pixels.
    total : float
        The objective's value.
    terms : dict
        {term: weighted value}; they add up to `total`.
    progress : float
        Share of the run's work that is done, 0 to 1.
    image : numpy.ndarray or None
        A copy of the image, (H, W, 3) float32, for callbacks; None in a history.
    """

    iteration: int
    evaluations: int
    seconds: float
    size: int
    total: float
    terms: dict
    progress: float
    image: np.ndarray | None = field(default=None, repr=False)


class NonFiniteLossError(ValueError):
    """A term or the gradient became NaN or infinite. `image` is the best image before that."""

    def __init__(self, message, image):
        super().__init__(message)
        self.image = image


class Recorder:
    """Calls an objective for an optimiser: checks every value, keeps the best image, records the steps.

    One recorder serves one scale.

    Parameters
    ----------
    objective : Objective
    start : image array
        Where the optimiser starts; also the best image until a better one is seen.
    iterations : int
        How many the optimiser is to make.
    callback : callable, optional
        Called with every `Step`.
    previous : Recorder, optional
        That of the scale before, whose counts go on here.
    work : (float, float)
        The share of the whole run's work that is done before and after this scale.
    """

    def __init__(self, objective, start, iterations, *, callback=None, previous=None, work=(0.0, 1.0)):
        self.objective, self.iterations, self.callback = objective, iterations, callback
        self.history = previous.history if previous else []
        self.evaluations = previous.evaluations if previous else 0
        self.started = previous.started if previous else time.perf_counter()
        self._work, self.first = work, len(self.history)  # steps of the scales before
        self._pending = {}  # {total: terms} of the evaluations since the last step
        self.best_total, self.best = np.inf, start
        self.saved = None  # a state from which `minimize` is to go on
        self.stopped = False

    @property
    def made(self):
        """Iterations made at this scale."""
        return len(self.history) - self.first

    def __call__(self, x):
        """Value and gradient at the flat image `x`."""
        terms, gradient = self.objective.evaluate(x)
        self.evaluations += 1
        total = sum(terms.values())
        self._check(terms, total, gradient)
        self._pending[total] = terms
        if total < self.best_total:
            self.best_total, self.best = total, x if tf.is_tensor(x) else np.array(x, "float32")
        return total, gradient

    @property
    def best_image(self):
        """The image with the smallest total seen; that of the start before the first evaluation."""
        return self._as_image(self.best)

    def step(self, x, total):
        """Record that an iteration ended at `x`, where the objective was `total`."""
        done = min(1.0, (self.made + 1) / self.iterations)
        step = Step(
            iteration=len(self.history) + 1,
            evaluations=self.evaluations,
            seconds=time.perf_counter() - self.started,
            size=max(self.objective.shape),
            total=total,
            terms=self._pending[total],
            progress=self._work[0] + done * (self._work[1] - self._work[0]),
        )
        self._pending = {total: step.terms}
        self.history.append(step)
        if self.callback:
            try:
                self.callback(replace(step, image=self._as_image(x)))
            except StopIteration:
                self.stopped = True
                raise

    def _as_image(self, x):
        return np.array(x, "float32").reshape(self.objective.shape)

    def _check(self, terms, total, gradient):
        finite = tf.math.is_finite(gradient) if tf.is_tensor(gradient) else np.isfinite(gradient)
        if np.isfinite(total) and np.all(finite):
            return
        wrong = [name for name, value in terms.items() if not np.isfinite(value)]
        what = f"term {', '.join(wrong)}" if wrong else "the gradient"
        raise NonFiniteLossError(
            f"{what} is NaN or infinite at evaluation {self.evaluations}. A weight may be too large, or the "
            "network's weights damaged.",
            self.best_image,
        )


def minimize(recorder, optimizer="lbfgs", *, checkpoint=None):
    """Minimise `recorder.objective`; the best image is then `recorder.best_image`.

    A callback ends the run by raising `StopIteration`; `recorder.stopped` is then true. `KeyboardInterrupt`
    passes through; `recorder` still holds the best image.

    With `checkpoint`, the iterations are made in segments of CHECKPOINT_EVERY, and it is called after each, with the
    recorder and the optimiser's state. With that as `recorder.saved` a run goes on, exactly.
    """
    state = recorder.saved or {"x": recorder.best_image.ravel()}
    with contextlib.suppress(StopIteration):
        while (left := recorder.iterations - recorder.made) > 0:
            before, asked = recorder.made, min(left, CHECKPOINT_EVERY) if checkpoint else left
            state = OPTIMIZERS[optimizer](recorder, asked, state)
            if recorder.stopped or recorder.made - before < asked:  # asked to stop, or nothing improves any more
                break
            if checkpoint:
                checkpoint(recorder, state)


# An optimiser makes so many iterations, from a state to a state, dictionaries of arrays: "x" is the flat image. It is
# taken out of the state, so that a large one is not held twice.


def lbfgs(recorder, iterations, state):
    """scipy's L-BFGS-B with bounds [0, 1]: Byrd, Lu, Nocedal, Zhu 1995; the optimiser of Gatys et al.

    - Its stopping rules are set to 0: `ftol` compares with max(|loss|, 1) and `gtol` is absolute, so that small
      losses would stop at once. It still stops where nothing improves any more.
    - Its first step is the gradient itself. The objective is scaled so that this step changes pixels by FIRST_STEP
      on average: then only the ratios of the weights matter, at any size. The scale is a power of two, so that
      dividing by it gives the loss back exactly.
    - Its memory of the curvature cannot be read from scipy: a new segment begins without.
    """
    x = state.pop("x").astype("float64")
    at_start = recorder(x)
    size_of_gradient = np.abs(at_start[1]).mean()
    scale = 2.0 ** round(math.log2(FIRST_STEP / size_of_gradient)) if size_of_gradient else 1.0
    known = [at_start]  # scipy asks for the start first

    def scaled(x):
        total, gradient = known.pop() if known else recorder(x)
        return scale * total, scale * gradient

    def callback(intermediate_result):
        recorder.step(intermediate_result.x, float(intermediate_result.fun) / scale)

    # L-BFGS-B works on vectors, one short operation after the other: with more threads they wait for each other.
    with threadpool_limits(1, user_api="blas"):
        end = scipy_minimize(
            scaled,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(np.zeros_like(x), np.ones_like(x)),
            callback=callback,
            options={"maxiter": iterations, "maxfun": 20 * iterations, "maxcor": CORRECTIONS, "ftol": 0, "gtol": 0},
        )
    return {"x": end.x}


def lbfgs_float32(recorder, iterations, state):
    """L-BFGS within [0, 1] in float32, on the device: projected as in Bertsekas 1982, SIAM J. Control Optim. 20(2).

    scipy's L-BFGS-B works in float64 on the host, and its handling of bounds costs more than evaluating lite. Here a
    pixel at a bound whose gradient pushes outwards is left where it is; the others take the step −H⁻¹g, clipped into
    [0, 1], and half of it as long as the objective falls by less than a ten-thousandth of what g promises (Armijo). It
    needs 4 · (2m + 10) bytes a variable, where scipy needs about 440: the way to prints, and to a GPU.
    """
    x = tf.constant(state.pop("x"), tf.float32)
    total, g = recorder(x)
    hessian = InverseHessian(x.shape[0], FLOAT32_CORRECTIONS)
    first_step = FIRST_STEP / (float(tf.reduce_mean(tf.abs(g))) or 1.0)
    for iteration in range(iterations):
        free = ~(((x <= 0) & (g > 0)) | ((x >= 1) & (g < 0)))
        g_free = tf.where(free, g, 0.0)
        direction = -hessian.times(g_free) if iteration else -first_step * g_free
        direction = tf.where(free, direction, 0.0)
        for halvings in range(MAX_HALVINGS):
            new_x = tf.clip_by_value(x + 0.5**halvings * direction, 0.0, 1.0)
            new_total, new_g = recorder(new_x)
            if new_total <= total + ARMIJO * float(tf.tensordot(g, new_x - x, 1)):
                break
        else:
            break  # nothing improves any more
        hessian.update(new_x - x, new_g - g)
        x, total, g = new_x, new_total, new_g
        recorder.step(x, total)
    return {"x": x.numpy()}


def adam(recorder, iterations, state):
    """Adam (Kingma & Ba, arXiv:1412.6980) with learning rate 0.02, projected onto [0, 1] after every step."""
    variable = keras.Variable(state.pop("x").astype("float32"))
    optimizer = keras.optimizers.Adam(ADAM_LEARNING_RATE)
    optimizer.build([variable])
    if state:
        optimizer.load_own_variables(state)
    for _ in range(iterations):
        at = tf.convert_to_tensor(variable)
        total, gradient = recorder(at)
        recorder.step(at, total)
        optimizer.apply([gradient], [variable])
        variable.assign(keras.ops.clip(variable, 0.0, 1.0))
    optimizer.save_own_variables(state)
    return state | {"x": keras.ops.convert_to_numpy(variable)}


def gradient_descent(recorder, iterations, state):
    """Gradient descent, x ← x − η g, projected onto [0, 1]: the simplest thing that works, and the slowest.

    η is chosen so that the first step changes pixels by FIRST_STEP on average, and shrinks by 0.5 % an iteration.
    """
    x, rate = state["x"].astype("float64"), state.get("rate")
    for _ in range(iterations):
        total, gradient = recorder(x)
        recorder.step(x, total)
        rate = rate or FIRST_STEP / (np.abs(gradient).mean() or 1.0)
        x = np.clip(x - rate * gradient, 0.0, 1.0)
        rate *= DESCENT_DECAY
    return {"x": x, "rate": np.float64(rate)}


OPTIMIZERS = {"lbfgs": lbfgs, "lbfgs-float32": lbfgs_float32, "adam": adam, "gradient-descent": gradient_descent}
