import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import lsq_linear

from nst_keras import ProgressBar, optimize
from nst_keras.optimize import OPTIMIZERS, minimize
from nst_keras.results.recorder import NonFiniteLossError, Recorder

SHAPE = (8, 6, 3)
CONDITION = {
    "lbfgs": 1000,
    "lbfgs-float32": 1000,
    "adam": 1000,
    "gradient-descent": 1.5,
}  # of the bowl that each can deal with


class Quadratic:
    """scale · ½ Σ c (x − x*)² + constant, with curvatures c from 1 to `condition`; a stand-in for an `Objective`."""

    shape = SHAPE

    def __init__(self, rng, scale=1.0, constant=0.0, condition=1000):
        size = int(np.prod(SHAPE))
        self.curvature = np.geomspace(1, condition, size)
        self.minimum = rng.uniform(0.1, 0.9, size)
        self.scale, self.constant = scale, constant
        self.calls = 0

    def evaluate(self, x):
        self.calls += 1
        difference = np.asarray(x, "float64") - self.minimum
        value = self.scale * 0.5 * float(self.curvature @ difference**2)
        gradient = self.scale * self.curvature * difference
        if tf.is_tensor(x):
            gradient = tf.constant(gradient, x.dtype)
        return {"bowl": value, "constant": self.constant}, gradient


@pytest.fixture
def start():
    return np.full(SHAPE, 0.5, "float32")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_finds_the_minimum_of_a_bowl(optimizer, rng, start):
    objective = Quadratic(rng, condition=CONDITION[optimizer])
    recorder = Recorder(objective, start, 400)
    minimize(recorder, optimizer)
    np.testing.assert_allclose(recorder.best_image.ravel(), objective.minimum, atol=0.02)
    assert recorder.best_image.dtype == np.float32
    assert recorder.best_image.shape == SHAPE


@pytest.mark.parametrize(("scale", "constant"), [(1e-9, 0.0), (1.0, 1e6), (1e9, 0.0)])
def test_lbfgs_does_not_stop_early_for_the_size_of_the_loss(scale, constant, rng, start):
    """With scipy's own defaults the first stops at once by gtol, the second after a few steps by ftol."""
    objective = Quadratic(rng, scale, constant)
    recorder = Recorder(objective, start, 100)
    minimize(recorder)
    np.testing.assert_allclose(recorder.best_image.ravel(), objective.minimum, atol=0.01)


def test_gradient_descent_is_what_its_formula_says(rng, start):
    """On a bowl: x_k − x* = Π (1 − η_k c) (x_0 − x*), η falling by 0.5 % a step; the first changes pixels by 0.01."""
    objective = Quadratic(rng, condition=3)
    seen = []
    minimize(Recorder(objective, start, 4, callback=lambda step: seen.append(step.image.ravel())), "gradient-descent")
    offset = 0.5 - objective.minimum
    assert np.abs(seen[1] - seen[0]).mean() == pytest.approx(0.01, rel=1e-4)
    rate = 0.01 / np.abs(objective.curvature * offset).mean()
    for k, image in enumerate(seen):
        np.testing.assert_allclose(image, objective.minimum + offset, atol=1e-6)
        offset = offset * (1 - rate * 0.995**k * objective.curvature)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_pixels_stay_in_range(optimizer, rng, start):
    objective = Quadratic(rng, condition=CONDITION[optimizer])
    objective.minimum = objective.minimum * 2 - 0.5  # many outside [0, 1]
    seen = []
    minimize(Recorder(objective, start, 800, callback=lambda step: seen.append(step.image)), optimizer)
    assert min(image.min() for image in seen) >= 0
    assert max(image.max() for image in seen) <= 1
    np.testing.assert_allclose(seen[-1].ravel(), np.clip(objective.minimum, 0, 1), atol=0.05)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_and_history(optimizer, rng, start):
    objective = Quadratic(rng, constant=2.0)
    steps = []
    recorder = Recorder(objective, start, 10, callback=steps.append, work=(0.25, 0.75))
    minimize(recorder, optimizer)
    assert [step.iteration for step in recorder.history] == list(range(1, 11))
    assert all(step.image is None for step in recorder.history)
    assert recorder.history[-1].progress == pytest.approx(0.75)
    assert recorder.evaluations == objective.calls
    for step in steps:
        terms, _ = objective.evaluate(step.image.ravel())
        assert step.terms.keys() == terms.keys()
        assert step.total == pytest.approx(sum(step.terms.values()))
        assert step.total == pytest.approx(sum(terms.values()), rel=1e-4)
    assert not np.shares_memory(steps[0].image, steps[1].image)
    assert np.abs(steps[0].image - steps[-1].image).max() > 0.01


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_image_is_evaluated_twice(optimizer, rng, start):
    objective, seen = Quadratic(rng, condition=CONDITION[optimizer]), set()
    evaluate = objective.evaluate

    def watched(x):
        seen.add(np.array(x).tobytes())
        return evaluate(x)

    objective.evaluate = watched
    minimize(Recorder(objective, start, 10), optimizer)
    assert len(seen) == objective.calls


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_best_image_is_the_smallest_seen(optimizer, rng, start):
    """It is neither the first nor the last: from the ninth evaluation on, the objective is larger."""
    objective = Quadratic(rng, condition=CONDITION[optimizer])
    evaluate, totals, images = objective.evaluate, [], []

    def watched(x):
        terms, gradient = evaluate(x)
        terms["constant"] = 1e6 if len(totals) >= 8 else 0.0
        totals.append(sum(terms.values()))
        images.append(np.array(x, "float32").reshape(SHAPE))
        return terms, gradient

    objective.evaluate = watched
    recorder = Recorder(objective, start, 15)
    minimize(recorder, optimizer)
    best = int(np.argmin(totals))
    assert 0 < best < len(totals) - 1
    assert recorder.best_total == totals[best]
    np.testing.assert_array_equal(recorder.best_image, images[best])


def test_a_callback_gets_the_image_of_its_step_and_a_checkpoint_the_best(rng, start):
    objective, seen = Quadratic(rng), []
    recorder = Recorder(objective, start, 3, callback=seen.append)
    best = objective.minimum.reshape(SHAPE).astype("float32")
    images = [start, best, 1 - start / 2]
    for image in images:
        total, _ = recorder(image.ravel())
        recorder.step(total)
    np.testing.assert_array_equal([step.image for step in seen], images)
    np.testing.assert_array_equal(recorder.best_image, best)
    np.testing.assert_array_equal(recorder.state()[1], best)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_callback_can_stop_the_run(optimizer, rng, start):
    def stop(step):
        if step.iteration == 3:
            raise StopIteration

    recorder = Recorder(Quadratic(rng), start, 50, callback=stop)
    minimize(recorder, optimizer)
    assert recorder.stopped
    assert len(recorder.history) == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_stop_at_the_end_of_a_segment_is_a_stop(optimizer, rng, start, monkeypatch):
    monkeypatch.setattr(optimize, "CHECKPOINT_EVERY", 3)

    def stop(step):
        if step.iteration == 3:
            raise StopIteration

    recorder = Recorder(Quadratic(rng, condition=CONDITION[optimizer]), start, 50, callback=stop)
    minimize(recorder, optimizer, save=lambda *_: None)
    assert len(recorder.history) == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupt_keeps_the_best_image(optimizer, rng, start):
    objective = Quadratic(rng)
    evaluate = objective.evaluate

    def interrupted(x):
        if objective.calls == 7:
            raise KeyboardInterrupt
        return evaluate(x)

    objective.evaluate = interrupted
    recorder = Recorder(objective, start, 50)
    with pytest.raises(KeyboardInterrupt):
        minimize(recorder, optimizer)
    assert sum(evaluate(recorder.best_image.ravel())[0].values()) == pytest.approx(recorder.best_total, rel=1e-4)
    assert recorder.best_total < sum(evaluate(start.ravel())[0].values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("where", ["value", "gradient", "both"])
def test_nan_names_the_term_and_keeps_the_best_image(optimizer, where, rng, start):
    """scipy alone reports success for a NaN value, and runs on for a NaN gradient."""
    objective = Quadratic(rng)
    evaluate = objective.evaluate

    def broken(x):
        terms, gradient = evaluate(x)
        if objective.calls >= 4:
            if where != "gradient":
                terms["bowl"] = float("nan")
            if where != "value":
                gradient = gradient * np.where(np.arange(len(gradient)) == 5, np.inf, 1).astype(
                    str(np.asarray(x).dtype)
                )
        return terms, gradient

    objective.evaluate = broken
    name = "the gradient" if where == "gradient" else "term bowl"
    with pytest.raises(NonFiniteLossError, match=f"{name} is NaN or infinite at evaluation 4") as caught:
        minimize(Recorder(objective, start, 50), optimizer)
    assert np.isfinite(caught.value.image).all()
    assert caught.value.image.shape == SHAPE


def test_a_second_scale_goes_on_counting(rng, start):
    first = Recorder(Quadratic(rng), start, 5, work=(0, 0.5))
    minimize(first)
    second = Recorder(Quadratic(rng), start, 5, previous=first, work=(0.5, 1.0))
    minimize(second)
    assert [step.iteration for step in second.history] == list(range(1, 11))
    progress = [step.progress for step in second.history]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    assert second.history[-1].evaluations == second.evaluations == first.objective.calls + second.objective.calls


def test_only_the_ratios_of_weights_matter_to_lbfgs(rng, start):
    images = []
    for scale in (1.0, 2.0**-12, 2.0**9):
        recorder = Recorder(Quadratic(np.random.default_rng(1), scale), start, 12)
        minimize(recorder)
        images.append(recorder.best_image)
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_minimum_outside_is_found_at_the_bounds(optimizer, rng, start):
    """For a bowl along the axes the best point within [0, 1] is the minimum, clipped."""
    objective = Quadratic(rng, condition=CONDITION[optimizer])
    objective.minimum = rng.uniform(-0.5, 1.5, objective.minimum.size)
    recorder = Recorder(objective, start, 400)
    minimize(recorder, optimizer)
    np.testing.assert_allclose(recorder.best_image.ravel(), np.clip(objective.minimum, 0, 1), atol=0.04)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-float32"])
def test_the_best_point_at_the_bounds_is_found_where_pixels_depend_on_each_other(optimizer, rng):
    """A step that ignores which pixels are held at a bound moves the others wrongly."""
    start = np.full((3, 4, 3), 0.5, "float32")
    matrix = rng.normal(size=(2 * start.size, start.size))
    target = matrix @ rng.normal(0.5, 2, start.size)

    def evaluate(x):
        difference = matrix @ np.asarray(x, "float64") - target
        gradient = matrix.T @ difference
        gradient = tf.constant(gradient, x.dtype) if tf.is_tensor(x) else gradient
        return {"squares": 0.5 * difference @ difference}, gradient

    recorder = Recorder(SimpleNamespace(shape=start.shape, evaluate=evaluate), start, 60)
    minimize(recorder, optimizer)
    best = lsq_linear(matrix, target, bounds=(0, 1))
    assert np.isin(best.x.round(3), (0, 1)).mean() > 0.5
    assert recorder.best_total == pytest.approx(best.cost, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgs-float32"])
def test_lbfgs_ends_quietly_where_there_is_nothing_to_do(optimizer, rng, start):
    objective = Quadratic(rng)
    objective.minimum = start.ravel().astype("float64")
    recorder = Recorder(objective, start, 10)
    minimize(recorder, optimizer)
    np.testing.assert_array_equal(recorder.best_image, start)


def test_progress_bar_opens_late_closes_itself_and_serves_again(rng, start, capsys):
    bar = ProgressBar()
    assert capsys.readouterr().err == ""
    for _ in range(2):
        minimize(Recorder(Quadratic(rng), start, 5, callback=bar))
        bar.close()
        shown = capsys.readouterr().err
        assert "8 px, loss" in shown
        assert "left]" in shown


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_goes_on_from_every_saved_state(optimizer, rng, start, monkeypatch):
    """Adam and gradient descent keep their whole state: in segments they make the same steps as without."""
    monkeypatch.setattr(optimize, "CHECKPOINT_EVERY", 4)
    objective = Quadratic(rng, condition=CONDITION[optimizer])
    saved = []

    def save(recorder, state):
        saved.append((recorder.state(), {name: np.array(value) for name, value in state.items()}))

    whole = Recorder(objective, start, 10)
    minimize(whole, optimizer, save=save)
    assert [len(record["history"]) for (record, _), _ in saved] == [4, 8, 10]
    for (record, best_image), state in saved:
        again = Recorder(objective, start, 10)
        again.restore(json.loads(json.dumps(record)), best_image, Path("checkpoint.npz"))
        minimize(again, optimizer, state=state, save=lambda *_: None)
        np.testing.assert_array_equal(again.best_image, whole.best_image)
        numbers = [(step.total, step.evaluations, step.progress) for step in again.history]
        assert numbers == [(step.total, step.evaluations, step.progress) for step in whole.history]
    if optimizer in ("adam", "gradient-descent"):
        plain = Recorder(objective, start, 10)
        minimize(plain, optimizer)
        np.testing.assert_array_equal(plain.best_image, whole.best_image)
