"""What the tests share: small pictures, and networks with random weights."""

from pathlib import Path

import numpy as np
import pytest

import nst_keras

ROOT = Path(__file__).parent.parent


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def photograph():
    return nst_keras.load_image(ROOT / "images" / "cat.jpg")


@pytest.fixture(scope="session")
def painting():
    return nst_keras.load_image(ROOT / "images" / "impasto_night.jpg")


def directional_derivative(function, x, direction, step):
    """Central difference of a scalar function at x along `direction`."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)
