"""What the tests share: small pictures, a seeded generator, and the checkout's root."""

from pathlib import Path

import numpy as np
import pytest
from browsing import browser, jupyter  # noqa: F401, fixtures
from hypothesis import settings

import nst_keras

ROOT = Path(__file__).parent.parent

# The same examples in every run, and no verdict from a clock.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")


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
