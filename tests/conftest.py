"""What the tests share: small pictures, a seeded generator, the checkout's root, and the table of faults."""

import contextlib
import multiprocessing
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from browsing import browser, jupyter  # noqa: F401, fixtures
from hypothesis import settings

import nst_keras

ROOT = Path(__file__).parent.parent

collect_ignore = ["faults"] if os.name == "nt" else []  # they need signals, pipes and links
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, and links need a right")

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


@pytest.fixture(scope="session")
def children():
    """Makes processes in which the package is loaded already: `children.Process(target=…)`."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("no forks here")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nst_keras"])
    return context


@contextlib.contextmanager
def memory_grows_by_less_than(megabytes):
    """The highest memory of this process while the block runs, above what it had before. Checked on Linux only."""
    forget = Path("/proc/self/clear_refs")
    if not forget.exists():
        yield
        return
    forget.write_text("5")  # the highest so far
    before = highest_memory()
    yield
    assert highest_memory() - before < megabytes


def highest_memory():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def directional_derivative(function, x, direction, step):
    """Central difference of a scalar function at x along `direction`."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)
