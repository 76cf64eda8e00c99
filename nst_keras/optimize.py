"""Minimise an objective over the pixels of an image of one size, within [0, 1].

Every optimiser gives one `Step` for each iteration; the history keeps its numbers, and callbacks also get the image.
The result is the best image that was seen, also after an interrupt.
"""

import contextlib
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize as scipy_minimize

from .large.limited_memory import lbfgs_float32
from .results.recorder import Recorder
from .support.threads import one_thread
from .support.waves import unbounded, wave

CORRECTIONS = 10  # pairs of vectors from which L-BFGS estimates the curvature; ten are better than five
ADAM_LEARNING_RATE = 0.02
DESCENT_DECAY = 0.995  # factor of gradient descent's step from one iteration to the next
CHECKPOINT_EVERY = 50  # iterations; L-BFGS then ends with a loss larger by 0.2 to 1.2 % (256 px), with 25 by up to 3 %


def minimize(recorder: Recorder, optimizer: str = "lbfgs", *, state: dict | None = None, save: Any = None) -> None:
    """Minimise `recorder.objective`; the best image is then `recorder.best_image`.

    A callback ends the run by raising `StopIteration`; `recorder.stopped` is then true. `KeyboardInterrupt` passes
    through; `recorder` still holds the best image.

    Parameters
    ----------
    state
        The state of the optimiser to continue from, {name: array}.
    save
        Called with the recorder and the optimiser's state after every CHECKPOINT_EVERY iterations. From these the
        run can be continued exactly.
    """
    state = state or {"x": recorder.best_image.ravel()}
    with contextlib.suppress(StopIteration):
        while (left := recorder.iterations - recorder.made) > 0:
            before, asked = recorder.made, min(left, CHECKPOINT_EVERY) if save else left
            state = OPTIMIZERS[optimizer](recorder, asked, state)
            if recorder.stopped or recorder.made - before < asked:  # asked to stop, or nothing improves any more
                break
            if save:
                save(recorder, state)


# An optimiser takes "x", the flat image, out of a state {name: array}, so that it is held once, and returns a state.


def lbfgs(recorder: Recorder, iterations: int, state: dict) -> dict:
    """Minimise by scipy's L-BFGS-B: Byrd, Lu, Nocedal, Zhu 1995; the optimiser of Gatys et al.

    - With bounds for all pixels, scipy takes three times as long. So it gets none. It varies y, and the pixels are
      x = `wave`(y), which is always between 0 and 1. The gradient is dL/dy = dL/dx · dx/dy.
    - The stopping rules are set to 0: `ftol` compares with max(|loss|, 1) and `gtol` is absolute, so with the usual
      values scipy would stop at once where the loss is small. It still stops where nothing improves any more.
    - Its first step is the gradient itself. The objective is scaled so that this step changes pixels by FIRST_STEP on
      average: then only the ratios of the weights matter, at any size. The scale is a power of two, so that dividing
      by it gives the loss back exactly.
    - Its memory of the curvature cannot be read from scipy: a new segment begins without it.
    """
    start, scale, known = unbounded(state.pop("x")), 1.0, []

    def evaluate(y):
        if known:  # scipy asks for the start first
            return known.pop()
        x, slope = wave(y)
        total, gradient = recorder(x)
        return scale * total, np.multiply(scale * slope, gradient, dtype="float64")

    total, gradient = evaluate(start)
    change = np.abs(gradient * wave(start)[1]).mean()
    scale = 2.0 ** round(math.log2(recorder.FIRST_STEP / change)) if change else 1.0
    known.append((scale * total, scale * gradient))
    with one_thread():
        end = scipy_minimize(
            evaluate,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: recorder.step(float(intermediate_result.fun) / scale),
            options={"maxiter": iterations, "maxfun": 20 * iterations, "maxcor": CORRECTIONS, "ftol": 0, "gtol": 0},
        )
    return {"x": wave(end.x)[0]}


def adam(recorder: Recorder, iterations: int, state: dict) -> dict:
    """Minimise by Adam (Kingma & Ba, arXiv:1412.6980), learning rate 0.02, projected onto [0, 1] after every step."""
    variable = keras.Variable(state.pop("x").astype("float32"))
    optimizer = keras.optimizers.Adam(ADAM_LEARNING_RATE)
    optimizer.build([variable])
    if state:
        optimizer.load_own_variables(state)
    for _ in range(iterations):
        at = tf.convert_to_tensor(variable)
        total, gradient = recorder(at)
        recorder.step(total)
        optimizer.apply([gradient], [variable])
        variable.assign(keras.ops.clip(variable, 0.0, 1.0))
    optimizer.save_own_variables(state)
    return state | {"x": keras.ops.convert_to_numpy(variable)}


def gradient_descent(recorder: Recorder, iterations: int, state: dict) -> dict:
    """Minimise by gradient descent, x ← x − η g, projected onto [0, 1]: the simplest optimiser, and the slowest.

    η is chosen so that the first step changes pixels by FIRST_STEP on average, and shrinks by 0.5 % an iteration.
    """
    x, rate = state.pop("x").astype("float64"), state.get("rate")
    for _ in range(iterations):
        total, gradient = recorder(x)
        recorder.step(total)
        rate = rate or recorder.FIRST_STEP / (np.abs(gradient).mean() or 1.0)
        x = np.clip(x - rate * gradient, 0.0, 1.0)
        rate *= DESCENT_DECAY
    return {"x": x, "rate": np.float64(rate)}


OPTIMIZERS = {"lbfgs": lbfgs, "lbfgs-float32": lbfgs_float32, "adam": adam, "gradient-descent": gradient_descent}
