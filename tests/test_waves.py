import numpy as np

from nst_keras.support.waves import EDGE, unbounded, wave


def test_pixels_of_any_number_are_in_range():
    x, slope = wave(np.concatenate([np.linspace(-50, 50, 200_001), np.pi * (np.arange(-20, 21) + 0.5)]))
    assert x.dtype == slope.dtype == np.float32
    assert x.min() == 0
    assert x.max() == 1


def test_the_slope_is_the_derivative():
    y = np.linspace(-4, 4, 4001)
    x, slope = wave(y)
    np.testing.assert_allclose(np.gradient(x.astype("float64"), y)[1:-1], slope[1:-1], atol=2e-3)


def test_the_wave_is_straight_but_at_its_corners():
    """From grey level 8 to 247 a step of y changes all pixels by about as much; at the corners by nothing."""
    slope = wave(unbounded(np.linspace(8, 247, 240) / 255))[1]
    np.testing.assert_allclose(slope, slope.max(), rtol=0.15)
    assert abs(wave(np.array(np.pi / 2))[1]) < 1e-6


def test_unbounded_is_the_inverse():
    x = np.linspace(EDGE, 1 - EDGE, 1000)
    np.testing.assert_allclose(wave(unbounded(x))[0], x, atol=2e-6)
    np.testing.assert_allclose(wave(unbounded(np.array([0.0, 1.0])))[0], [EDGE, 1 - EDGE], atol=2e-6)
    assert wave(unbounded(np.array([0.0])))[1] > 0.1  # so that a black pixel can move
