import json

import numpy as np
import pytest

from nst_keras import (
    build_network,
    load_image,
    mean_gram_matrix,
    reconstruct_content,
    resize,
    save_image,
    synthesize_texture,
    transfer,
)


@pytest.fixture(scope="module")
def content(photograph):
    return resize(photograph, (48, 64))


def test_a_shallow_layer_gives_the_photograph_back_and_a_deep_one_does_not(content):
    shallow, deep = (
        reconstruct_content(content, [layer], size=64, iterations=60) for layer in ("block1_conv1", "block5_conv2")
    )
    assert np.abs(shallow.image - content).mean() < 0.02
    assert np.abs(deep.image - content).mean() > 0.1
    for result in (shallow, deep):
        assert result.history[-1].total < 0.5 * result.history[0].total
        assert result.styles == []
    assert shallow.compare()


def test_the_features_of_a_reconstruction_are_those_of_the_content(content):
    """The start, noise, has quite other features; the reconstruction's have moved most of the way."""
    network = build_network("lite", ["block3_conv1"])
    result = reconstruct_content(content, {"block3_conv1": 2.0}, size=64, iterations=80)
    target, start, end = (
        network(image[None])["block3_conv1"].numpy()
        for image in (content, np.random.default_rng(0).uniform(size=content.shape).astype("float32"), result.image)
    )
    assert np.abs(end - target).mean() < 0.15 * np.abs(start - target).mean()
    assert result.settings["layers"] == {"block3_conv1": 2.0}


def test_a_texture_has_the_grams_of_the_style_at_another_size(painting):
    layers = ["block1_conv1", "block2_conv1"]
    result = synthesize_texture(painting, layers, size=96, proportions=(1, 1.5), iterations=40)
    assert result.image.shape == (64, 96, 3)
    assert result.content is None
    assert result.compare()
    network = build_network("lite", layers)
    style, noise, texture = (
        {layer: mean_gram_matrix(features).numpy() for layer, features in network(image[None]).items()}
        for image in (result.styles[0], np.random.default_rng(0).uniform(size=(64, 96, 3)), result.image)
    )
    for layer in layers:
        before, after = (np.square(image[layer] - style[layer]).sum() for image in (noise, texture))
        assert after < 0.02 * before


def test_settings_repeat_the_run(content, painting):
    first = reconstruct_content(content, ["block2_conv1"], size=64, iterations=3, tv_weight=1)
    again = reconstruct_content(content, **json.loads(json.dumps(first.settings)))
    np.testing.assert_array_equal(first.image, again.image)
    first = synthesize_texture(painting, size=64, iterations=3, proportions=(2, 3), style_scale=0.75, seed=3)
    again = synthesize_texture(painting, **json.loads(json.dumps(first.settings)))
    np.testing.assert_array_equal(first.image, again.image)
    assert max(first.styles[0].shape) == 48
    other = synthesize_texture(painting, **first.settings | {"seed": 4})
    assert not np.array_equal(first.image, other.image)


def test_a_texture_that_starts_from_a_picture_is_made_at_one_size(painting, content):
    result = synthesize_texture(painting, size=128, init=content, iterations=1)
    assert [step.size for step in result.history] == [128]


def test_files_are_protected_and_callbacks_heard(content, tmp_path):
    save_image(content, tmp_path / "content.png")

    def stop(step):
        raise StopIteration

    result = reconstruct_content(tmp_path / "content.png", ["block1_conv1"], size=64, callback=stop)
    assert result.interrupted
    assert len(result.history) == 1
    with pytest.raises(ValueError, match="one of the input pictures"):
        result.save(tmp_path / "content.png")
    texture = synthesize_texture([tmp_path / "content.png"], size=64, callback=stop)
    with pytest.raises(ValueError, match="one of the input pictures"):
        texture.save(tmp_path / "content.png")
    np.testing.assert_allclose(load_image(tmp_path / "content.png"), content, atol=0.002)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (reconstruct_content, {"layers": None}, "layers must be a list of layer names"),
        (reconstruct_content, {"layers": ["block1_conv9"]}, "lite has no layer 'block1_conv9'"),
        (reconstruct_content, {"layers": "block1_conv1"}, "^layers must be a list of names"),
        (synthesize_texture, {"layers": 5}, "^layers must be a list of names or correlations"),
        (reconstruct_content, {"layers": ["block1_conv1"], "size": 8}, "size must be a whole number of at least 32"),
        (reconstruct_content, {"layers": ["block1_conv1"], "tv_weight": -1}, "tv_weight must be a finite number"),
        (synthesize_texture, {"proportions": (0, 1)}, "proportions must be two positive numbers"),
        (synthesize_texture, {"proportions": 2}, "proportions must be two positive numbers"),
        (synthesize_texture, {"style_scale": 9}, "style_scale must be between 0.1 and 4"),
        (synthesize_texture, {"callback": 3}, "callback must be a function"),
    ],
)
def test_wrong_arguments_are_named_before_a_network_is_built(content, monkeypatch, function, arguments, message):
    monkeypatch.setattr(transfer, "build_network", lambda *a, **k: pytest.fail("a network was built"))
    with pytest.raises(ValueError, match=message):
        function(content, **arguments)
