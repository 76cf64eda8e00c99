import numpy as np
import pytest

import nst_keras
from nst_keras import NonFiniteLossError, Result, load_image, resize, save_image, style_transfer, transfer

QUICK = {"size": 64, "iterations": 8, "weights": None}


@pytest.fixture(scope="module")
def content(photograph):
    return resize(photograph, (60, 90))


@pytest.fixture(scope="module")
def result(content, painting):
    return style_transfer(content, painting, size=128, iterations=12)


def test_a_run_lowers_the_loss_and_changes_the_picture(result, content):
    for size in (64, 128):
        totals = [step.total for step in result.history if step.size == size]
        assert totals[-1] < 0.6 * totals[0]
    assert result.image.shape == (85, 128, 3)
    assert result.image.dtype == np.float32
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    assert np.abs(result.image - resize(content, (85, 128))).mean() > 0.03
    assert not result.interrupted


def test_the_result_is_the_best_image_of_the_last_scale(content, painting):
    seen = []
    result = style_transfer(content, painting, **QUICK, callback=seen.append)
    best = min(seen, key=lambda step: step.total)
    np.testing.assert_allclose(result.image, best.image, atol=1e-6)


def test_result_says_what_was_done(result):
    assert isinstance(result, Result)
    assert result.settings["sizes"] == [64, 128]
    assert result.settings["style_layers"] == ("color", *(f"block{i}_conv1" for i in range(1, 6)))
    assert result.settings["style_weight"] == style_transfer.__kwdefaults__["style_weight"]
    names = ["content block4_conv2", *(f"style {layer}" for layer in result.settings["style_layers"]), "tv"]
    assert list(result.history[0].terms) == names
    assert result.history[-1].progress == 1
    assert result.content.shape == result.image.shape
    assert max(result.styles[0].shape) == 128


def test_figures(result, tmp_path):
    result.compare().savefig(tmp_path / "comparison.png")
    result.plot_losses().savefig(tmp_path / "losses.png")
    comparison = load_image(tmp_path / "comparison.png")
    assert comparison.shape[0] > 500
    assert comparison.std() > 0.1
    assert result.show().size == (128, 85)


def test_same_seed_same_picture_and_inputs_untouched(content, painting):
    before = content.copy(), painting.copy()
    first, second = (style_transfer(content, painting, **QUICK, init="noise", seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    other = style_transfer(content, painting, **QUICK, init="noise", seed=4)
    assert np.abs(first.image - other.image).max() > 0.01
    np.testing.assert_array_equal(content, before[0])
    np.testing.assert_array_equal(painting, before[1])


def test_several_styles(content, painting, photograph):
    alone = style_transfer(content, painting, **QUICK)
    weighted = style_transfer(content, [painting, photograph], style_weights=[2, 0], **QUICK)
    np.testing.assert_allclose(weighted.image, alone.image, atol=1e-3)
    both = style_transfer(content, [painting, photograph], **QUICK)
    assert both.settings["style_weights"] == [0.5, 0.5]
    assert {"style 1 block1_conv1", "style 2 block5_conv1"} < set(both.history[0].terms)


def test_sizes_follow_the_longer_side(content, painting):
    upright = np.transpose(content, (1, 0, 2))
    result = style_transfer(upright, painting, size=100, iterations=1, scales=1)
    assert result.image.shape == (100, 67, 3)
    assert transfer._sizes((300, 400), 512, "auto") == [64, 128, 256, 512]
    assert transfer._sizes((300, 400), 512, 2) == [256, 512]
    assert transfer._sizes((100, 1000), 512, "auto") == [512]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_an_interrupt_gives_a_result(content, painting, optimizer):
    def interrupt(step):
        if step.iteration == 5:
            raise KeyboardInterrupt

    result = style_transfer(content, painting, size=128, iterations=20, callback=interrupt, optimizer=optimizer)
    assert result.interrupted
    assert len(result.history) == 5
    assert result.image.shape == (85, 128, 3)
    assert np.abs(result.image - result.content).mean() > 0.001


def test_a_callback_stops_the_whole_run(content, painting):
    def stop(step):
        raise StopIteration

    result = style_transfer(content, painting, size=128, iterations=20, callback=stop)
    assert result.interrupted
    assert len(result.history) == 1


def test_nothing_is_saved_over_an_input(content, painting, tmp_path):
    save_image(content, tmp_path / "content.png")
    result = style_transfer(tmp_path / "content.png", painting, **QUICK)
    with pytest.raises(ValueError, match="one of the input pictures"):
        result.save(tmp_path / "content.png")
    result.save(tmp_path / "result.png")
    np.testing.assert_allclose(load_image(tmp_path / "result.png"), result.image, atol=0.002)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 16}, "size must be a whole number of at least 32; got 16"),
        ({"size": 40}, "would make the shorter side 27 pixels"),
        ({"size": 64.5}, "size must be a whole number"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1; got 0"),
        ({"style_weight": -1}, "style_weight must be a finite number of at least 0; got -1"),
        ({"tv_weight": float("nan")}, "tv_weight must be a finite number"),
        ({"style_weights": [1, 2]}, r"one number for each of the 1 styles; got \[1, 2\]"),
        ({"style_weights": [0]}, "style_weights must not all be 0"),
        ({"optimizer": "sgd"}, "optimizer must be one of lbfgs, adam; got 'sgd'"),
        ({"network": "light"}, "Did you mean 'lite'"),
        ({"content_layers": ["conv4_2"]}, "lite has no layer 'conv4_2'"),
        ({"scales": "many"}, 'scales must be "auto" or a whole number'),
        ({"style": []}, "got an empty list"),
        ({"style": "nothing.jpg"}, "style 'nothing.jpg': there is no such file"),
        ({"content": np.zeros((8, 8, 3))}, "content .* both sides must be at least 32"),
        ({"init": "contents"}, "init 'contents': there is no such file"),
    ],
)
def test_wrong_arguments_are_named_before_a_network_is_built(content, painting, monkeypatch, arguments, message):
    monkeypatch.setattr(transfer, "build_network", lambda *a, **k: pytest.fail("a network was built"))
    with pytest.raises(ValueError, match=message):
        style_transfer(**({"content": content, "style": painting} | arguments))


def test_broken_weights_end_in_a_named_error(content, painting, tmp_path):
    weights = nst_keras.network.LITE_WEIGHTS
    with np.load(weights) as arrays:
        broken = dict(arrays)
    broken["block3_conv1_kernel"] = broken["block3_conv1_kernel"] * np.float16(np.nan)
    np.savez(tmp_path / "broken.npz", **broken)
    with pytest.raises(NonFiniteLossError, match="block3_conv1"):
        style_transfer(content, painting, size=64, iterations=2, weights=tmp_path / "broken.npz")
