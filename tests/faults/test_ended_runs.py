"""Runs that end before their time: interrupted at any line, broken by NaN or overflow. The best image is kept."""

import os
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT

import nst_keras
from nst_keras import FORMULAS, NonFiniteLossError, build_network, load_image, optimize, style_transfer, transfer
from nst_keras.image import cut_margin, resize
from nst_keras.objective import Objective
from nst_keras.optimize import OPTIMIZERS

PACKAGE = os.path.dirname(nst_keras.__file__) + os.sep
SMALL = {"content_layers": ["block1_conv2"], "style_layers": ["color", "block1_conv1"], "size": 192, "iterations": 4}


@pytest.fixture(scope="module")
def paint():
    """A small run at two scales, with a network of two layers."""
    network = build_network("lite", ["color", "block1_conv1", "block1_conv2"])
    cat, night = (resize(load_image(ROOT / "images" / name), (64, 96)) for name in ("cat.jpg", "impasto_night.jpg"))
    return lambda **options: style_transfer(**{"content": cat, "style": night, "network": network} | SMALL | options)


@pytest.fixture
def seen(monkeypatch):
    """[(recorder, [totals that its objective gave])] of every scale of the next runs."""
    recorders = []

    class Watched(optimize.Recorder):
        def __init__(self, objective, *arguments, **options):
            super().__init__(objective, *arguments, **options)
            totals, evaluate = [], objective.evaluate

            def watched(x):
                terms, gradient = evaluate(x)
                totals.append(sum(terms.values()))
                return terms, gradient

            objective.evaluate = watched
            recorders.append((self, totals))

    monkeypatch.setattr(transfer, "Recorder", Watched)
    return recorders


class Lines:
    """Counts the lines of the package that a run executes between its scales' begin and end; interrupts at one."""

    def __init__(self, last=None):
        self.count, self.last = 0, last

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE) or frame.f_code.co_name == "paint":
            return None
        if event == "line":
            self.count += 1
            if self.count == self.last:
                raise KeyboardInterrupt
        return self

    def watch(self, monkeypatch):
        """Only while scales are optimised; what comes before has no picture yet."""
        original, minimize = transfer.paint, transfer.minimize

        def traced(*arguments, **options):
            sys.settrace(self)
            try:
                return original(*arguments, **options)
            finally:
                sys.settrace(None)

        def until_the_last(*arguments, **options):
            minimize(*arguments, **options)
            self.at_end = self.count

        monkeypatch.setattr(transfer, "paint", traced)
        monkeypatch.setattr(transfer, "minimize", until_the_last)


def best_is_kept(image, recorders):
    """The image is the best of the last scale that began: that with the smallest loss seen there."""
    recorder, totals = recorders[-1]
    np.testing.assert_array_equal(image, resize(cut_margin(recorder.best_image, recorder.margin), image.shape))
    if np.isfinite(recorder.best_total):
        # The interrupt may have come between the last evaluation and the look at it.
        assert recorder.best_total in (min(totals), min(totals[:-1], default=None))
        again = sum(recorder.objective.evaluate(recorder.best_image.ravel())[0].values())
        assert again == pytest.approx(recorder.best_total, rel=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_interrupts(paint, seen, optimizer, monkeypatch, rng, tmp_path, tries, tally):
    with monkeypatch.context() as patch:
        lines = Lines()
        lines.watch(patch)
        assert not paint(optimizer=optimizer).interrupted
    points = rng.integers(1, lines.at_end + 1, tries(20, 3))
    for point in points:
        seen.clear()
        with monkeypatch.context() as patch:
            Lines(point).watch(patch)
            result = paint(optimizer=optimizer)
        assert result.interrupted
        if seen:
            best_is_kept(result.image, seen)
        result.save(tmp_path / "interrupted.png")
        np.testing.assert_allclose(load_image(tmp_path / "interrupted.png"), result.image, atol=0.002)
    tally(f"interrupts at random lines, {optimizer}", len(points), "best image of its scale returned and saved")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_nan_and_infinity(paint, seen, optimizer, monkeypatch, rng, tries, tally):
    paint(optimizer=optimizer)
    evaluations, evaluate = seen[-1][0].evaluations, Objective.evaluate
    points = rng.integers(1, evaluations + 1, tries(20, 3))
    for number, point in enumerate(points):
        bad, where = (
            [np.nan, np.inf, -np.inf][number % 3],
            ["tv", "content block1_conv2", "the gradient"][number // 3 % 3],
        )
        calls = []

        def broken(self, x, point=point, bad=bad, where=where, calls=calls):
            terms, gradient = evaluate(self, x)
            calls.append(x)
            if len(calls) == point and where in terms:
                terms[where] = bad
            elif len(calls) == point:
                gradient = gradient + tf.one_hot(7, gradient.shape[0], bad, 0.0)
                gradient = gradient if tf.is_tensor(x) else gradient.numpy()
            return terms, gradient

        seen.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Objective, "evaluate", broken)
            with pytest.raises(
                NonFiniteLossError, match=rf"{where} is NaN or infinite at evaluation {point}\."
            ) as caught:
                paint(optimizer=optimizer)
        recorder, totals = seen[-1]
        np.testing.assert_array_equal(caught.value.image, cut_margin(recorder.best_image, recorder.margin))
        assert np.isfinite(caught.value.image).all()
        assert not totals[:-1] or recorder.best_total == min(totals[:-1])
    tally(
        f"NaN or infinity at a random evaluation, {optimizer}",
        len(points),
        "an error with term and evaluation; best image kept",
    )


def finite_or_named(paint, **options):
    """A run ends with a picture at least as good as its first, or in an error that names a term and has a picture."""
    try:
        result = paint(**options)
    except NonFiniteLossError as error:
        assert any(name in str(error) for name in ("tv", "content block1_conv2", "style color", "the gradient"))
        image, outcome = error.image, "named"
    else:
        image, outcome = result.image, "finite"
        assert all(np.isfinite(step.total) for step in result.history)
    assert ((image >= 0) & (image <= 1)).all()
    return outcome


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_absurd_rates_and_weights(paint, optimizer, seen, monkeypatch, tries, tally):
    outcomes = []
    for rate in (1e-300, 1e-30, 1e10, 1e30, 1e300)[:: tries(1, 4)]:
        with monkeypatch.context() as patch:
            patch.setattr(optimize, "ADAM_LEARNING_RATE", rate)
            patch.setattr(optimize.Recorder, "FIRST_STEP", rate)
            outcomes.append(finite_or_named(paint, optimizer=optimizer, scales=1))
            recorder, totals = seen[-1]
            assert recorder.best_total == min(totals)
    for weight in (1e-300, 1e-44, 1e-30, 1e20, 1e37, 1e300)[:: tries(1, 5)]:
        outcomes.append(finite_or_named(paint, optimizer=optimizer, scales=1, style_weight=weight))
        outcomes.append(finite_or_named(paint, optimizer=optimizer, scales=1, content_weight=weight, tv_weight=weight))
    tally(
        f"learning rates and weights from 1e-300 to 1e300, {optimizer}",
        len(outcomes),
        f"{outcomes.count('finite')} ran, {outcomes.count('named')} ended in an error with the term; best image kept",
    )


@pytest.mark.filterwarnings("ignore:The weights of formula")
def test_pictures_without_anything_in_them(paint, rng, tries, tally):
    black = np.zeros((64, 96, 3), "float32")
    point = black.copy()
    point[30, 40] = 1
    noise = rng.uniform(size=black.shape).astype("float32")
    pictures = {"black": black, "white": 1 - black, "a point": point, "noise": noise, "nearly black": noise * 1e-38}
    pairs = [(a, b, formula) for a in pictures for b in pictures for formula in FORMULAS]
    outcomes = []
    for content, style, formula in (pairs[i] for i in rng.permutation(len(pairs))[: tries(60, 4)]):
        options = {"content": pictures[content], "style": pictures[style], "formula": formula}
        outcomes.append(finite_or_named(paint, scales=1, **options))
    assert set(outcomes) == {"finite"}
    tally("black, white, noise and a single point as content and style", len(outcomes), "no loss but a finite one")
