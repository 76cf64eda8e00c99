"""L-BFGS in float32, on the device where the image is.

L-BFGS approximates the inverse of the Hessian H by the last m steps s = Δx and the gradients' changes y = Δg: Nocedal &
Wright, Numerical Optimization, second edition, section 7.2. scipy keeps these vectors in float64 on the host; here they
are float32 tensors.
"""

from collections import deque
from typing import Any

import tensorflow as tf

CORRECTIONS = 5  # half as many as scipy's, since the vectors are kept on the device
ARMIJO = 1e-4  # the smallest gain that is accepted, as a share of what the gradient promises
MAX_HALVINGS = 20
MIN_CURVATURE = 1e-8  # smallest sᵀy / (‖s‖ ‖y‖) of a pair that is kept; others do not describe a minimum


def lbfgs_float32(recorder: Any, iterations: int, state: dict) -> dict:
    """Minimise by L-BFGS within [0, 1] in float32: projected as in Bertsekas 1982, SIAM J. Control Optim. 20(2).

    A pixel at a bound stays if its step would leave [0, 1]. The others take the step −H⁻¹g, clipped to [0, 1]; the step
    is halved until the objective falls by at least a ten-thousandth of what g promises (Armijo). It needs 4 · (2m + 10)
    bytes for each variable, where scipy's L-BFGS-B needs about 300, and so suits prints and GPUs.
    """
    x = tf.constant(state.pop("x"), tf.float32)
    total, g = recorder(x)
    first_step = recorder.FIRST_STEP / (float(tf.reduce_mean(tf.abs(g))) or 1.0)
    pairs = deque(maxlen=CORRECTIONS)
    for _ in range(iterations):
        free = ~(((x <= 0) & (g > 0)) | ((x >= 1) & (g < 0)))
        direction = tf.where(free, -inverse_hessian_times(tf.where(free, g, 0.0), pairs, first_step), 0.0)
        for halvings in range(MAX_HALVINGS):
            new_x = tf.clip_by_value(x + 0.5**halvings * direction, 0.0, 1.0)
            new_total, new_g = recorder(new_x)
            if new_total <= total + ARMIJO * float(_dot(g, new_x - x)):
                break
        else:
            break  # nothing improves any more
        learn(pairs, new_x - x, new_g - g)
        x, total, g = new_x, new_total, new_g
        recorder.step(total)
    return {"x": x.numpy()}


def learn(pairs: deque, s: tf.Tensor, y: tf.Tensor) -> None:
    """Add (s, y, sᵀy) of one step to the `pairs`, from the oldest; one without positive curvature is left out."""
    curvature = _dot(s, y)
    if curvature > MIN_CURVATURE * tf.norm(s) * tf.norm(y):
        pairs.append((s, y, curvature))


def inverse_hessian_times(g: tf.Tensor, pairs: deque, initial: float) -> tf.Tensor:
    """Compute H⁻¹ g by the two-loop recursion (algorithm 7.4); before the first of the pairs, H⁻¹ is `initial` · I."""
    if not pairs:
        return initial * g
    alphas = []
    for s, y, curvature in reversed(pairs):
        alphas.append(_dot(s, g) / curvature)
        g -= alphas[-1] * y
    _, y, curvature = pairs[-1]
    g *= curvature / _dot(y, y)
    for s, y, curvature in pairs:
        g += (alphas.pop() - _dot(y, g) / curvature) * s
    return g


def _dot(a, b):
    return tf.tensordot(a, b, 1)
