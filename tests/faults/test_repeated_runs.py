"""Many runs in one process, the same run again, and the same run elsewhere."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import tensorflow as tf
from conftest import ROOT

from nst_keras import build_network, load_image, objective, style_transfer
from nst_keras.correlations import chain

sys.path.insert(0, str(Path(__file__).parent))
import golden

TOLERANCE = 2 / 255  # mean difference: rounding differs with threads and libraries, and optimisers amplify it
LAYERS = ["block1_conv1", "block2_conv1", "block3_conv1"]
OPTIONS = {"content_layers": LAYERS[-1:], "size": 64, "iterations": 2}


def graphs():
    """How many of TensorFlow's graphs are alive."""
    gc.collect()
    return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())


def test_runs_leave_no_graph_behind(photograph, painting):
    """TensorFlow keeps some for ever, such as those with `tf.custom_gradient` in them: 5 MB for each run."""
    network, alive = build_network("lite", ["color", *LAYERS]), []
    for layers in (["color", *LAYERS], chain(LAYERS)):
        for _ in range(3):
            style_transfer(photograph, painting, network=network, style_layers=layers, **OPTIONS)
            alive.append(graphs())
        assert alive[-1] == alive[-2]


def memory():
    gc.collect()
    return psutil.Process().memory_info().rss


def test_two_hundred_runs_and_twenty_networks(photograph, painting, request, tally):
    if not request.config.getoption("--faults"):
        pytest.skip("takes minutes; make faults")
    network = build_network("lite")

    def run():
        style_transfer(photograph, painting, network=network, size=64, iterations=2)

    for what, make, count in (("runs", run, 200), ("networks", lambda: build_network("lite"), 20)):
        for number in range(1, count + 1):
            make()
            if number == 10:
                after_ten = memory()
        growth = memory() / after_ten - 1
        assert growth < 0.05, what
        tally(f"{what} in one process", count, f"memory grew by {100 * growth:.1f} % after the tenth")


def test_one_trace_for_each_shape(photograph, painting, monkeypatch, tally):
    """A term's Python is only run when TensorFlow traces it."""
    traced, loss = [], objective.total_variation_loss

    def watched(image, **options):
        traced.append(tuple(image.shape))
        return loss(image, **options)

    monkeypatch.setattr(objective, "total_variation_loss", watched)
    result = style_transfer(photograph, painting, size=192, iterations=5)
    assert len(result.history) == 10
    assert traced == [(1, 96, 128, 3), (1, 160, 224, 3)]  # with a margin of 16 pixels
    tally("iterations at two scales", len(result.history), "one trace for each shape")


@pytest.fixture(scope="module")
def painted():
    """The golden runs, each once."""
    return {name: golden.paint(name) for name in golden.RUNS}


def test_the_same_seed_gives_the_same_bytes(painted, tries, tally):
    names = list(golden.RUNS)[:: tries(1, 3)]
    for name in names:
        again = golden.paint(name)
        assert again.image.tobytes() == painted[name].image.tobytes(), name
        assert [step.total for step in again.history] == [step.total for step in painted[name].history]
    tally("configurations run twice with one seed", len(names), "the same bytes and losses")


def difference(name, image):
    """Mean over pixels, from the golden picture."""
    return np.abs(load_image(ROOT / "tests" / "faults" / "golden" / f"{name}.png") - image).mean()


def test_golden_pictures(painted, tries, tmp_path, tally):
    largest = max(difference(name, result.image) for name, result in painted.items())
    assert largest <= TOLERANCE
    machines = [(threads, onednn) for threads in (1, 2) for onednn in "01"][: tries(4, 0)]
    for threads, onednn in machines:
        command = [sys.executable, golden.__file__, str(tmp_path), "--threads", str(threads)]
        subprocess.run(command, check=True, env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn})
        for name in golden.RUNS:
            largest = max(largest, difference(name, load_image(tmp_path / f"{name}.png")))
            assert largest <= TOLERANCE, (name, threads, onednn)
    tally(
        "golden pictures: here, and with 1 and 2 threads, with and without oneDNN",
        len(golden.RUNS) * (1 + len(machines)),
        f"mean difference at most {255 * largest:.2f} of 255",
    )
