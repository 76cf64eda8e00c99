from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from nst_keras.large.limited_memory import inverse_hessian_times, lbfgs_float32, learn
from nst_keras.results.recorder import Recorder

SIZE = 12


def bfgs(pairs):
    """The inverse Hessian as a matrix, by the BFGS formula: Nocedal & Wright, equations 6.17 and 7.20."""
    s, y = pairs[-1]
    inverse = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = np.eye(len(s)) - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return inverse


def quadratic_pairs(rng, count):
    curvature = np.geomspace(1, 10, SIZE)
    steps = rng.normal(size=(count, SIZE))
    return [(s, curvature * s) for s in steps]


def as_float32(vector):
    return tf.constant(vector, tf.float32)


def test_before_the_first_pair_it_is_the_identity(rng):
    g = as_float32(rng.normal(size=SIZE))
    np.testing.assert_array_equal(inverse_hessian_times(g, deque(), 0.5), g / 2)


def test_it_is_the_matrix_of_the_last_pairs(rng):
    """Also when older pairs made room, more than once around."""
    pairs, kept = quadratic_pairs(rng, 8), deque(maxlen=3)
    for count, (s, y) in enumerate(pairs, start=1):
        learn(kept, as_float32(s), as_float32(y))
        g = rng.normal(size=SIZE)
        expected = bfgs(pairs[max(0, count - 3) : count]) @ g
        np.testing.assert_allclose(inverse_hessian_times(as_float32(g), kept, 1.0), expected, rtol=1e-4, atol=1e-5)


def test_a_pair_without_positive_curvature_is_left_out(rng):
    pairs, kept = quadratic_pairs(rng, 2), deque(maxlen=3)
    for s, y in (pairs[0], (pairs[1][0], -pairs[1][1]), (pairs[1][0], np.zeros(SIZE))):
        learn(kept, as_float32(s), as_float32(y))
    g = rng.normal(size=SIZE)
    product = inverse_hessian_times(as_float32(g), kept, 1.0)
    np.testing.assert_allclose(product, bfgs(pairs[:1]) @ g, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("gain", "evaluations"), [(-0.5, 3), (5e-5, 3), (2e-4, 2)])
def test_a_step_that_gains_too_little_is_halved(gain, evaluations):
    """On ½ (x − m)² the gradient promises d · h of a step h from m + d, which gains the share 1 − h / 2d of it. Shares
    above a ten-thousandth are accepted.
    """
    start = np.full((4, 3, 3), 2 * Recorder.FIRST_STEP, "float32")
    distance = Recorder.FIRST_STEP / (2 * (1 - gain))
    minimum = start[0, 0, 0].astype("float64") - distance

    def evaluate(x):
        difference = x.numpy().astype("float64") - minimum
        return {"bowl": 0.5 * float(difference @ difference)}, tf.constant(difference, tf.float32)

    recorder = Recorder(SimpleNamespace(shape=start.shape, evaluate=evaluate), start, 1)
    lbfgs_float32(recorder, 1, {"x": start.ravel()})
    assert recorder.evaluations == evaluations
    assert recorder.history[0].total < 0.5 * start.size * distance**2
