"""L-BFGS in float32, on the device where the image is.

L-BFGS approximates the inverse of the Hessian H by the last m steps s = Δx and the gradients' changes y = Δg: Nocedal &
Wright, Numerical Optimization, second edition, section 7.2. scipy keeps these vectors in float64 on the host; here they
are float32 tensors. All inner products that the recursion needs come from two products with the matrix of all s and y,
as in Chen, Wang, Zhou, "Large-scale L-BFGS using MapReduce", NIPS 2014; the recursion itself then works on 2m + 1
numbers, in float64.
"""

from typing import Any

import numpy as np
import tensorflow as tf

CORRECTIONS = 5  # half as many as scipy's, since the vectors are kept on the device
ARMIJO = 1e-4  # the smallest gain that is accepted, as a share of what the gradient promises
MAX_HALVINGS = 20
MIN_CURVATURE = 1e-8  # of sᵀy / (‖s‖ ‖y‖); a pair with less, or a negative one, tells nothing about a minimum


def minimized(recorder: Any, iterations: int, state: dict) -> dict:
    """Minimise by L-BFGS within [0, 1] in float32: projected as in Bertsekas 1982, SIAM J. Control Optim. 20(2).

    scipy's L-BFGS-B works in float64 on the host, and its bounds cost more time than the evaluation of lite. Here a
    pixel at a bound stays if its step would leave [0, 1]. The others take the step −H⁻¹g, clipped to [0, 1]; the step
    is halved until the objective falls by at least a ten-thousandth of what g promises (Armijo). It needs 4 · (2m + 10)
    bytes for each variable, where scipy needs about 440, and so suits prints and GPUs.
    """
    x = tf.constant(state.pop("x"), tf.float32)
    total, g = recorder(x)
    first_step = recorder.FIRST_STEP / (float(tf.reduce_mean(tf.abs(g))) or 1.0)
    hessian = InverseHessian(x.shape[0], CORRECTIONS, first_step)
    for _ in range(iterations):
        free = ~(((x <= 0) & (g > 0)) | ((x >= 1) & (g < 0)))
        g_free = tf.where(free, g, 0.0)
        direction = tf.where(free, -hessian.times(g_free), 0.0)
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


class InverseHessian:
    """H⁻¹ as L-BFGS approximates it for `size` variables from the last `corrections` pairs; at first `initial` · I."""

    def __init__(self, size: int, corrections: int, initial: float) -> None:
        self._m, self._initial = corrections, initial
        self._pairs = tf.Variable(tf.zeros((2 * corrections, size)))  # rows: each s, then each y
        self._products = np.zeros((2 * corrections, 2 * corrections))  # of each row with each
        self._order = []  # rows of s, from the oldest to the newest

    def update(self, s: tf.Tensor, y: tf.Tensor) -> None:
        """Learn from one step; the newest pair replaces the oldest. A pair without positive curvature is left out."""
        curvature, lengths = float(tf.tensordot(s, y, 1)), float(tf.norm(s) * tf.norm(y))
        if not curvature > MIN_CURVATURE * lengths:
            return
        row = len(self._order) if len(self._order) < self._m else self._order.pop(0)
        self._order.append(row)
        pair, rows = tf.stack([s, y]), [row, self._m + row]
        self._pairs.scatter_update(tf.IndexedSlices(pair, rows))
        products = tf.linalg.matmul(self._pairs, pair, transpose_b=True).numpy()
        self._products[:, rows] = products
        self._products[rows] = products.T

    def times(self, g: tf.Tensor) -> tf.Tensor:
        """Compute H⁻¹ g by the two-loop recursion (algorithm 7.4), on the coefficients c of Σ c_i · row_i + c_g · g."""
        if not self._order:
            return self._initial * g
        with_g = tf.linalg.matvec(self._pairs, g).numpy().astype("float64")
        c, c_g, alphas = np.zeros(2 * self._m), 1.0, {}

        def dot(row):
            return self._products[row] @ c + with_g[row] * c_g

        for s in reversed(self._order):
            y = s + self._m
            alphas[s] = dot(s) / self._products[s, y]
            c[y] -= alphas[s]
        gamma = self._products[s := self._order[-1], s + self._m] / self._products[s + self._m, s + self._m]
        c, c_g = gamma * c, gamma * c_g
        for s in self._order:
            y = s + self._m
            c[s] += alphas[s] - dot(y) / self._products[s, y]
        return tf.linalg.matvec(self._pairs, tf.constant(c, tf.float32), transpose_a=True) + c_g * g
