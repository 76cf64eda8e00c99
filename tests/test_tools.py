"""Tests of the tools that made the files in the package."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT

from nst_keras import build_network, load_image, resize, save_image

sys.path.insert(0, str(ROOT / "tools"))
import classify
import decode_squeezenet
import judge
import lowest
import sample_photographs
import train_lite
from paintings import paint


def test_folding_normalisation_and_scaling_filters_changes_nothing_but_the_scale(rng, tmp_path):
    teacher = build_network("squeezenet1_0", weights="random")
    _, features = train_lite.student_network(teacher, train_lite.nets.CHANNELS["lite"])
    for layer in features.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [rng.uniform(0.5, 2, shape), rng.normal(size=shape), rng.normal(size=shape), rng.uniform(0.5, 2, shape)]
            )
    photographs = rng.integers(0, 256, (10, 32, 48, 3)).astype("uint8")
    np.savez(tmp_path / "lite.npz", **train_lite.folded_weights(features, photographs))
    folded = build_network("lite", list(features.output), weights=tmp_path / "lite.npz")
    images = photographs.astype("float32") / 255
    before, after = features(images, training=False), folded(images)
    for name in ("block1_conv1", "block2_conv2", "block3_conv1"):
        one, other = before[name].numpy(), after[name].numpy()
        alive = one.mean((0, 1, 2)) > 0.05
        assert alive.sum() > 0.5 * len(alive)
        np.testing.assert_allclose(other[..., alive].mean((0, 1, 2)), 1, atol=0.02)
        scaled = one[..., alive] / one[..., alive].mean((0, 1, 2))
        assert np.abs(scaled - other[..., alive]).mean() < 0.02


def test_maps_of_the_teacher_lie_where_the_students_lie(rng):
    """With its border the teacher is SqueezeNet with padding "same", and maps have an exact fraction of the size."""
    teacher = train_lite.teacher_network("random")
    student, _ = train_lite.student_network(teacher, train_lite.nets.CHANNELS["lite"])
    for side in (96, train_lite.SQUARE):
        images = rng.uniform(size=(1, side, side, 3)).astype("float32")
        activations, predicted = teacher(images), student(images, training=False)
        assert {head: a.shape for head, a in activations.items()} == {head: a.shape for head, a in predicted.items()}
    weights = build_network("squeezenet1_0", ["fire2"], weights="random")

    def same(x, layer, stride=1):
        return tf.nn.relu(tf.nn.conv2d(x, weights.get_layer(layer).kernel, stride, "SAME"))

    conv1 = same(images[..., ::-1] * 255.0 - np.array([104, 117, 123], "float32"), "conv1", stride=2)
    squeezed = same(tf.nn.max_pool2d(conv1, 3, 2, "SAME"), "fire2_squeeze1x1")
    fire2 = tf.concat([same(squeezed, "fire2_expand1x1"), same(squeezed, "fire2_expand3x3")], -1)
    np.testing.assert_allclose(activations["conv1"], conv1, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(activations["fire2"], fire2, rtol=1e-4, atol=1e-2)


def test_classification_ranks_the_class_of_each_photograph(tmp_path):
    """A fake network gives class k the score −|k − 10 × brightness|; the brightness is 0, 0.1 and 0.38."""
    for i, grey in enumerate((0.0, 0.1, 0.38)):
        save_image(np.full((250, 240 + i, 3), grey, "float32"), tmp_path / f"{i}.png")

    def network(squares):
        assert squares.shape == (3, classify.SIDE, classify.SIDE, 3)
        scores = -np.abs(np.arange(10) - 10 * squares.mean((1, 2, 3))[:, None])
        return {"conv10": np.stack([scores - 1, scores + 1], axis=1)[:, None]}

    assert classify.ranks(network, sorted(tmp_path.iterdir())).tolist() == [0, 0, 3]


def test_the_centre_square_is_cut_from_the_middle():
    image = np.zeros((224, 300, 3), "float32")
    image[:, 38:262, 0] = 1
    np.testing.assert_array_equal(classify.centre_square(image)[..., 0], 1)
    assert classify.centre_square(image[:, :100]).shape == (224, 224, 3)


def test_augmentation_keeps_pixels_in_range_and_its_size(rng):
    squares = rng.integers(0, 256, (3, 224, 224, 3)).astype("uint8")
    crops = train_lite.augment(squares, 96).numpy()
    assert crops.shape == (3, 96, 96, 3)
    assert 0 <= crops.min() < crops.max() <= 1


def test_the_judge_of_patches_knows_the_style_and_not_the_place(painting, photograph):
    style = resize(painting, (96, 128))
    content = resize(photograph, (96, 128))
    assert judge.patch_distance(style, style) < 0.05
    mirrored = judge.patch_distance(style[:, ::-1], style)
    assert mirrored < 0.5 * judge.patch_distance(content, style)
    blurred = resize(resize(style, (24, 32)), (96, 128))
    assert mirrored < judge.patch_distance(blurred, style)


def test_the_axis_share_is_that_of_the_gradients_near_the_axes(rng):
    y, x = np.mgrid[:96, :96]
    boxes, diagonal = ((np.sin(waves / 4) / 2 + 0.5)[..., None] * np.ones(3) for waves in (x, x + y))
    assert judge.axis_share(boxes) == pytest.approx(1, abs=1e-6)
    assert judge.axis_share(diagonal) < 0.05  # not 0: the filter mirrors the border
    assert judge.axis_share(np.repeat(rng.uniform(size=(400, 400, 1)), 3, -1)) == pytest.approx(1 / 6, abs=0.01)


def test_the_judge_gives_a_share_of_the_content(painting, photograph):
    style, content = resize(painting, (96, 128)), resize(photograph, (96, 128))
    network = build_network("squeezenet1_0", [*judge.STYLE_LAYERS, judge.CONTENT_LAYER], weights="random")
    marks = judge.Judge(network, content, style)
    of_content = marks(content)
    assert of_content.pop("axis share") == judge.axis_share(content) - judge.axis_share(style)
    assert of_content == pytest.approx({"style share": 1, "content error": 0, "patch share": 1})
    of_style = marks(style)
    assert of_style["style share"] == pytest.approx(0, abs=1e-6)
    assert of_style["content error"] > 0.01


def test_a_bundled_painting_is_what_its_recipe_paints(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tools.paintings", "woodblock_sea", "-o", str(tmp_path)])
    paint.main()
    painted, bundled = (load_image(folder / "woodblock_sea.jpg") for folder in (tmp_path, ROOT / "images"))
    assert np.abs(painted - bundled).mean() < 0.01


def test_bundled_photographs_are_those_of_scikit_image(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["sample_photographs.py", "-o", str(tmp_path)])
    sample_photographs.main()
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(load_image(path), load_image(ROOT / "images" / path.name))
    assert len(list(tmp_path.iterdir())) == 4


def test_decoding_squeezenet_gives_the_weights_back(rng):
    """The test packs sparse random weights with long runs of zeros into a file, as the format describes."""
    shapes = decode_squeezenet.layer_shapes()
    counts, body, expected = [], b"", {}
    for layer, shape in shapes.items():
        size = int(np.prod(shape))
        places = np.sort(rng.choice(size, size // 10, replace=False))
        codes = rng.integers(1, 256, len(places)).astype("u1")
        codebook = np.append(0, rng.normal(size=255)).astype("<f4")
        biases = rng.normal(size=shape[0]).astype("<f4")
        weights = np.zeros(size, "float32")
        weights[places] = codebook[codes]
        expected[layer] = weights.reshape(shape), biases
        entries, last = [], -1
        for place, code in zip(places.tolist(), codes.tolist(), strict=True):
            while place - last > 16:
                entries.append((0, 15))
                last += 16
            entries.append((code, place - last - 1))
            last = place
        counts.append(len(entries))
        gaps = [gap for _, gap in entries] + [0] * (len(entries) % 2)
        packed = bytes(low | high << 4 for low, high in zip(gaps[::2], gaps[1::2], strict=True))
        body += codebook.tobytes() + biases.tobytes() + bytes(code for code, _ in entries) + packed
    data = np.array(counts, "<u4").tobytes() + body
    arrays = decode_squeezenet.decode(data)
    for layer, (weights, biases) in expected.items():
        np.testing.assert_array_equal(arrays[f"{layer}_w"].transpose(3, 2, 0, 1), weights)
        np.testing.assert_array_equal(arrays[f"{layer}_b"], biases)
    with pytest.raises(ValueError, match="left over"):
        decode_squeezenet.decode(data + b"x")


def test_the_lowest_versions_are_those_of_the_requirements():
    made = lowest.lowest(lowest.requirements()).splitlines()
    assert {"numpy==2.0", "psutil==5.9", "pytest==8.2"} < set(made)
    assert not [line for line in made if ">" in line or "sphinx" in line or line.startswith("-")]
