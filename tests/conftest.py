"""What the tests share: small pictures, a seeded generator, the checkout's root, and the table of faults."""

import platform
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
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


TALLY = pytest.StashKey[list]()
TABLE = re.compile(r"(?<=<!-- written by make faults -->\n).*?(?=<!-- end -->)", re.DOTALL)


def pytest_addoption(parser):
    parser.addoption("--faults", action="store_true", help="all of tests/faults, not a sample; then its table")


def pytest_configure(config):
    config.stash[TALLY] = []


@pytest.fixture
def tries(request):
    """(full, sample) → how many to try: all with `--faults`, a sample of them without."""
    return lambda full, sample: full if request.config.getoption("--faults") else sample


@pytest.fixture
def tally(request):
    """A test's last line: `tally(what was tried, how many, what held)` is its row of the table."""
    return lambda *row: request.config.stash[TALLY].append(row)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Prints the table of faults; writes it into tests/README.md if all of them were tried in full, and held."""
    if not config.getoption("--faults") or not config.stash[TALLY]:
        return
    rows = ["| what was tried | how many | what held |", "|---|---|---|"]
    rows += [f"| {what} | {count:,} | {held} |" for what, count, held in config.stash[TALLY]]
    packages = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy", "pillow", "h5py"))
    rows += ["", f"{platform.system()}, Python {platform.python_version()}, {packages}.", ""]
    terminalreporter.write_line("\n".join(rows))
    if exitstatus == 0 and [Path(argument).name for argument in config.args] == ["faults"]:
        readme = ROOT / "tests" / "README.md"
        readme.write_text(TABLE.sub(lambda _: "\n".join(rows), readme.read_text()))


def directional_derivative(function, x, direction, step):
    """Central difference of a scalar function at x along `direction`."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)
