"""The limited-memory BFGS matrix in float32, on the device where the vectors are.

L-BFGS approximates the inverse of the Hessian H by the last m steps s = Δx and the gradients' changes y = Δg: Nocedal &
Wright, Numerical Optimization, second edition, section 7.2. scipy keeps these vectors in float64 on the host; here they
are float32 tensors. All inner products that the recursion needs come from two products with the matrix of all s and y,
as in Chen, Wang, Zhou, "Large-scale L-BFGS using MapReduce", NIPS 2014; the recursion itself then works on 2m + 1
numbers, in float64.
"""

import numpy as np
import tensorflow as tf

MIN_CURVATURE = 1e-8  # of sᵀy / (‖s‖ ‖y‖); with less, or a negative one, a pair tells nothing about a minimum


class InverseHessian:
    """H⁻¹ as L-BFGS approximates it, for `size` variables, from the last `corrections` pairs.

    Takes 2 · `corrections` vectors of float32. Before the first pair it is the identity.
    """

    def __init__(self, size, corrections):
        self._m = corrections
        self._pairs = tf.Variable(tf.zeros((2 * corrections, size)))  # rows: each s, then each y
        self._products = np.zeros((2 * corrections, 2 * corrections))  # of each row with each
        self._order = []  # rows of s, from the oldest to the newest

    def update(self, s, y):
        """Learn from one step: the oldest pair makes room. A pair without positive curvature is left out."""
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

    def times(self, g):
        """H⁻¹ g, by the two-loop recursion (algorithm 7.4). Every vector in it is Σ c_i · row_i + c_g · g."""
        if not self._order:
            return g
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
