import json
import os
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from PIL import Image

from nst_keras import NonFiniteLossError, build_network, content_loss, load_image, resize, save_image
from nst_keras import __main__ as command_line
from nst_keras.feedforward import command
from nst_keras.feedforward import network as feedforward
from nst_keras.feedforward.network import (
    TRAINED,
    _apply_to_file,
    apply,
    apply_to_files,
    load_network,
    network_settings,
    save_network,
    trained_networks,
    transform_network,
)
from nst_keras.feedforward.training import DEFAULTS, PerceptualLosses, Photographs, Training, shrunk, train
from nst_keras.objective import Objective, content_terms, style_targets, style_terms, total_variation_term

STYLE = str(ROOT / "images" / "impasto_night.jpg")
SMALL = {"width": 2, "residual_blocks": 1}
QUICK = {"width": 2, "residual_blocks": 0, "size": 32, "style_size": 64, "batch": 2}
QUICK |= {"content_layers": ["block2_conv1"], "style_layers": ["block1_conv1", "block2_conv1"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three photographs, a file that is none, and one that is damaged."""
    path = tmp_path_factory.mktemp("photographs")
    for name in ("cat", "coffee", "rocket"):
        picture = load_image(ROOT / "images" / f"{name}.jpg")
        save_image(resize(picture, (48, 64)), path / f"{name}.png")
    (path / "broken.jpg").write_bytes(b"no picture")
    (path / "notes.txt").write_text("not a picture by its name")
    return path


@pytest.fixture(scope="module")
def untrained():
    return transform_network(**SMALL)


# The network


@pytest.mark.parametrize("upscale", [1, 4, 8])
@pytest.mark.parametrize("shape", [(7, 8), (8, 7), (17, 34), (32, 9)])
def test_every_size_goes_in_and_exactly_upscale_times_it_comes_out(upscale, shape, rng):
    network = transform_network(**SMALL, upscale=upscale)
    picture = network(rng.uniform(size=(1, *shape, 3)).astype("float32"))
    assert picture.shape == (1, upscale * shape[0], upscale * shape[1], 3)
    assert np.isfinite(picture).all()


def test_the_default_network_is_the_paper_s_at_half_its_width():
    convolutions = [layer for layer in transform_network().layers if isinstance(layer, keras.layers.Conv2D)]
    found = [(layer.filters, layer.kernel_size[0], layer.strides[0]) for layer in convolutions]
    assert found == [(16, 9, 1), (32, 3, 2), (64, 3, 2), *[(64, 3, 1)] * 8, (32, 3, 1), (16, 3, 1), (3, 9, 1)]


def test_mirroring_repeats_the_edge_pixel(untrained, rng):
    image = rng.uniform(size=(1, 9, 11, 3)).astype("float32")
    expected = np.pad(image, ((0, 0), (4, 4 + 3), (4, 4 + 1), (0, 0)), "symmetric")
    np.testing.assert_array_equal(untrained.get_layer("mirrored")(image), expected)


def test_a_flat_image_stays_flat_up_to_the_border(untrained):
    """Padding by zeros would leave a frame."""
    for level in (0.0, 0.3, 1.0):
        picture = untrained(np.full((1, 30, 22, 3), level, "float32")).numpy()
        assert np.ptp(picture, axis=(1, 2)).max() < 1e-5


def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch(untrained, rng):
    images = rng.uniform(size=(3, 16, 20, 3)).astype("float32")
    together, alone = untrained(images, training=True), untrained(images[1:2], training=False)
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_super_resolution_starts_as_the_bicubic_enlargement(photograph):
    small = resize(photograph, (33, 50))
    picture = transform_network(**SMALL, upscale=4)(small[None])[0]
    bicubic = [Image.fromarray(small[..., i]).resize((200, 132), Image.Resampling.BICUBIC) for i in range(3)]
    np.testing.assert_allclose(picture, np.stack(bicubic, axis=-1), atol=1e-4)


def test_the_seed_decides_the_initial_weights():
    first, same, other = (transform_network(**SMALL, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])
    inner = [transform_network(**SMALL).get_layer(f"residual1_conv{i}").get_weights()[0] for i in (1, 2)]
    assert inner[0].shape == inner[1].shape and not np.array_equal(*inner), "each layer has its own"


@pytest.mark.parametrize("wrong", [{"upscale": 2}, {"width": 0}, {"residual_blocks": -1}, {"width": 1.5}])
def test_a_wrong_shape_of_the_network_is_named(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        transform_network(**wrong)


# Files


def test_saved_in_half_precision_a_network_paints_the_same(untrained, tmp_path, photograph):
    image = resize(photograph, (40, 50))
    save_network(untrained, tmp_path / "mine.weights.h5", SMALL | {"upscale": 1, "style": "night"})
    loaded = load_network(tmp_path / "mine.weights.h5")
    assert sorted(os.listdir(tmp_path)) == ["mine.json", "mine.weights.h5"]
    assert json.loads((tmp_path / "mine.json").read_text())["style"] == "night"
    assert np.abs(apply(loaded, image) - apply(untrained, image)).max() < 1 / 255
    assert {variable.dtype for variable in loaded.variables} == {"float32"}
    for mine, theirs in zip(loaded.get_weights(), untrained.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs.astype("float16"))


OTHER_SHAPES = {"width": 3}, {"residual_blocks": 2}, {"upscale": 4}


def test_files_that_make_no_network_are_refused(untrained, tmp_path):
    with pytest.raises(ValueError, match=r"mine\.WEIGHTS\.H5' must end in \.weights\.h5"):  # Keras could not save it
        save_network(untrained, tmp_path / "mine.WEIGHTS.H5", SMALL | {"upscale": 1})
    path = tmp_path / "mine.weights.h5"
    with pytest.raises(ValueError, match=r"there is no file .*mine\.weights\.h5"):
        load_network(path)
    save_network(untrained, path, SMALL | {"upscale": 1})
    shapes = [json.dumps({"width": 2, "residual_blocks": 1, "upscale": 1} | other) for other in OTHER_SHAPES]
    for damage in (*shapes, '{"width": "2"}', "[1]", "{"):
        (tmp_path / "mine.json").write_text(damage)
        with pytest.raises(ValueError, match=r"do not make a network|not written by nst_keras|cannot be read as JSON"):
            load_network(path)
    (tmp_path / "mine.json").unlink()
    with pytest.raises(ValueError, match=r"there is no file .*mine\.json"):
        load_network(path)
    with pytest.raises(ValueError, match=r"must end in \.weights\.h5"):
        save_network(untrained, tmp_path / "mine.h5", SMALL | {"upscale": 1})
    with pytest.raises(ValueError, match=r"network must be one of .*Did you mean 'impasto_night'"):
        load_network("impasto_nigth")


STYLES = [name for name in trained_networks() if network_settings(name)["upscale"] == 1]


def test_networks_of_at_least_three_styles_are_shipped_and_small():
    assert len(STYLES) >= 3
    for name in trained_networks():
        path = TRAINED / f"{name}.weights.h5"
        assert path.stat().st_size < 1_000_000
        assert network_settings(name)["style"] is None or (ROOT / network_settings(name)["style"]).is_file()


@pytest.mark.parametrize("name", STYLES)
def test_the_shipped_networks_paint_what_is_in_the_photograph(name, photograph):
    content = resize(photograph, (171, 256))
    picture = apply(load_network(name), content)
    assert picture.shape == content.shape
    assert np.corrcoef(picture.mean(-1).ravel(), content.mean(-1).ravel())[0, 1] > 0.2
    assert np.abs(picture - content).mean() > 0.1
    rows = picture.mean((1, 2)) - content.mean((1, 2))
    assert np.abs(rows[[0, -1]] - rows[[8, -9]]).max() < 0.1  # no frame


@pytest.mark.parametrize("upscale", [1, 4])
def test_the_border_is_painted_as_if_the_picture_went_on(upscale, photograph):
    network, image, margin = transform_network(**SMALL, upscale=upscale), resize(photograph, (40, 60)), 32 * upscale
    mirrored = np.pad(image, ((32, 32), (32, 32), (0, 0)), "symmetric")
    expected = np.clip(network(mirrored[None])[0, margin:-margin, margin:-margin], 0, 1)
    np.testing.assert_allclose(apply(network, image), expected, atol=1e-5)


def test_applying_to_one_file_and_to_a_folder(untrained, folder, tmp_path):
    one = apply_to_files(untrained, folder / "cat.png", tmp_path / "cat.jpg", size=40)
    assert one == [str(tmp_path / "cat.jpg")]
    assert load_image(tmp_path / "cat.jpg").shape == (32, 43, 3)  # the shorter side is at least 32
    with pytest.warns(UserWarning, match=r"not painted: image .*broken\.jpg") as warned:
        apply_to_files(untrained, folder, tmp_path / "all")
    assert len(warned) == 1
    assert sorted(os.listdir(tmp_path / "all")) == ["cat.png", "coffee.png", "rocket.png"]
    expected = apply(untrained, folder / "cat.png")
    assert np.abs(load_image(tmp_path / "all" / "cat.png") - expected).max() <= 0.5 / 255 + 1e-6


def test_a_gif_is_read_as_its_first_frame_and_written_as_png(untrained, tmp_path, rng):
    frames = [Image.fromarray(rng.integers(0, 255, (32, 40, 3)).astype("uint8")) for _ in range(3)]
    (tmp_path / "in").mkdir()
    frames[0].save(tmp_path / "in" / "a.gif", save_all=True, append_images=frames[1:])
    result = apply_to_files(untrained, tmp_path / "in", tmp_path / "out")
    assert result == [str(tmp_path / "out" / "a.gif.png")]
    expected = apply(untrained, tmp_path / "in" / "a.gif")
    assert np.abs(load_image(tmp_path / "out" / "a.gif.png") - expected).max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ValueError, match=r"must end in \.png or"):
        apply_to_files(untrained, tmp_path / "in" / "a.gif", tmp_path / "out.gif")


def test_what_cannot_be_applied_is_named(untrained, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"?")
    for source, output, message in (
        (tmp_path / "nothing.jpg", tmp_path / "out.png", "there is no such file"),
        (tmp_path / "empty", tmp_path / "out", "holds no pictures"),
        (tmp_path / "broken", tmp_path / "out", "no picture in it can be read"),
        (folder, folder, "another than the source"),
        (folder / "cat.png", folder / "cat.png", "one of the input pictures"),
        (folder / "cat.png", tmp_path / "out.txt", "must end in .png or"),
        (folder / "cat.png", tmp_path / "no" / "out.png", "there is no folder"),
    ):
        with pytest.raises(ValueError, match=message), warnings.catch_warnings(action="ignore"):
            apply_to_files(untrained, source, output)
    with pytest.raises(ValueError, match="size must be a whole number of at least 32; got 8"):
        apply(untrained, folder / "cat.png", size=8)


# Photographs


def test_examples_are_the_same_whoever_asks_and_every_epoch_has_all_photographs(folder):
    crops, again = Photographs(folder, 32, seed=3), Photographs(folder, 32, seed=3)
    in_order = [crops.example(n) for n in range(8)]
    for n in (5, 0, 7):
        np.testing.assert_array_equal(again.example(n), in_order[n])
    assert all(crop.shape == (32, 32, 3) and crop.dtype == np.float32 for crop in in_order)
    assert not np.array_equal(Photographs(folder, 32, seed=4).example(0), in_order[0])
    with pytest.warns(UserWarning, match=r"not used: photograph .*broken\.jpg"):
        Photographs(folder, 32)


def test_a_photograph_that_cannot_be_read_is_tried_once(folder, monkeypatch):
    tried = []

    def counting(file, **options):
        tried.append(file.name)
        return load_image(file, **options)

    monkeypatch.setattr("nst_keras.feedforward.training.load_image", counting)
    with pytest.warns(UserWarning, match=r"not used: photograph .*broken\.jpg"):
        crops = Photographs(folder, 32)
        for n in range(12):  # three epochs
            crops.example(n)
    assert (tried.count("broken.jpg"), len(tried)) == (1, 14)


def test_an_epoch_has_every_photograph_once(tmp_path):
    levels = (0, 60, 120, 180, 240)
    for level in levels:
        Image.new("L", (40, 50), level).save(tmp_path / f"{level}.png")
    crops = Photographs(tmp_path, 32)
    epochs = [[round(float(crops.example(n).mean()) * 255) for n in range(5 * e, 5 * e + 5)] for e in range(6)]
    assert all(sorted(epoch) == list(levels) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_crops_are_upright_often_mirrored_and_have_half_of_the_side_or_more(tmp_path):
    """On a ramp, the difference between two edges is the share of the side that a crop has."""
    ramp = np.tile(np.linspace(0, 255, 80).astype("uint8"), (80, 1))
    Image.fromarray(np.stack([ramp, ramp.T, ramp], axis=-1)).save(tmp_path / "ramp.png")
    crops = Photographs(tmp_path, 40)
    edges = np.array([crops.example(n)[[0, -1], [0, -1], :2] for n in range(40)])
    across, down = np.moveaxis(edges[:, 1] - edges[:, 0], 1, 0)
    assert down.min() > 0 and 10 < np.sum(across < 0) < 30
    np.testing.assert_allclose(np.abs(across), down, atol=0.02)
    assert 0.45 < down.min() < 0.6 and down.max() > 0.9


def test_crops_for_super_resolution_are_never_enlarged(tmp_path):
    """A picture of single-pixel stripes keeps full contrast only where it is taken as it is."""
    stripes = np.tile(np.array([0, 255], "uint8"), (40, 20))
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    sharp = Photographs(tmp_path, 40, sharp=True)
    assert all(sharp.example(n).std() > 0.49 for n in range(4))


def test_batches_hold_the_examples_in_order(folder):
    crops = Photographs(folder, 32)
    batches = [batch.numpy() for batch in crops.batches(4, 12, 4)]
    assert len(batches) == 2
    np.testing.assert_array_equal(np.concatenate(batches), [crops.example(n) for n in range(4, 12)])


def test_folders_without_photographs_are_named(tmp_path):
    for source, message in (
        (tmp_path / "none", "there is no folder"),
        (tmp_path, "holds no pictures"),
        ([], "a list of at least one file"),
        (None, "must be a folder"),
    ):
        with pytest.raises(ValueError, match=f"photographs.*{message}"):
            Photographs(source, 32)
    (tmp_path / "a.jpg").write_bytes(b"?")
    with (
        pytest.raises(ValueError, match=r"none of the 1 files can be read.*a\.jpg"),
        warnings.catch_warnings(action="ignore"),
    ):
        Photographs(tmp_path, 32)


# Losses


def test_a_batch_of_one_has_the_terms_of_style_transfer(photograph, painting):
    content, picture, style = (resize(image, (48, 48)) for image in (photograph, 1 - photograph, painting))
    layers = {"content_layers": ["block3_conv1"], "style_layers": ["color", "block2_conv1"]}
    network = build_network("lite", [*layers["content_layers"], *layers["style_layers"]])
    settings = layers | {"formula": "relative", "content_weight": 2.0, "style_weight": 3.0, "tv_weight": 0.5}
    losses = PerceptualLosses(network, [style], **settings, pixel_weight=7.0, style_size=48)
    values = dict(
        zip(losses.names, losses(tf.constant(picture[None]), tf.constant(content[None])).numpy(), strict=True)
    )
    terms = content_terms(network, content, layers["content_layers"], 2.0)
    terms += [*style_terms(style_targets(network, style, layers["style_layers"]), 3.0), total_variation_term(0.5)]
    expected = Objective(network, terms, (48, 48)).terms(picture)
    assert values.pop("pixel") == pytest.approx(7 * np.mean(np.square(picture - content)), rel=1e-5)
    assert values == pytest.approx(expected, rel=1e-4)


def test_a_batch_has_the_sum_over_its_pictures(photograph, painting, rng):
    network = build_network("lite", ["block1_conv1"])
    settings = {"content_layers": ["block1_conv1"], "style_layers": ["block1_conv1"], "formula": "relative"}
    settings |= {"content_weight": 1.0, "style_weight": 1.0, "tv_weight": 1.0, "pixel_weight": 0.0, "style_size": 32}
    losses = PerceptualLosses(network, [painting], **settings)
    pictures, targets = (tf.constant(rng.uniform(size=(3, 32, 32, 3)), tf.float32) for _ in range(2))
    alone = sum(losses(pictures[i : i + 1], targets[i : i + 1]) for i in range(3))
    np.testing.assert_allclose(losses(pictures, targets), alone, rtol=1e-4)


def test_shrunk_keeps_flat_images_and_blurs_by_one_pixel():
    flat = tf.fill((1, 16, 24, 3), 0.3)
    np.testing.assert_allclose(shrunk(flat, 4), np.full((1, 4, 6, 3), 0.3), atol=1e-6)
    point = np.zeros((1, 9, 9, 3), "float32")
    point[0, 4, 4] = 1
    spread = shrunk(tf.constant(point), 1).numpy()[0, ..., 0]
    places = np.arange(9) - 4
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert (spread.sum(0) * places**2).sum() == pytest.approx(1, abs=0.05)  # the variance, less its tails
    stripes = np.zeros((1, 48, 48, 3), "float32")
    stripes[:, :, 1::4] = stripes[:, :, 2::4] = 1  # the blur leaves a third of their contrast
    np.testing.assert_allclose(shrunk(tf.constant(stripes), 4)[:, :, 2:-2], 0.5, atol=0.05)


# Training


def test_the_first_step_is_the_mean_over_a_batch_and_the_rate_falls_to_a_twentieth(folder, monkeypatch):
    rates, adam = [], keras.optimizers.Adam
    monkeypatch.setattr(keras.optimizers, "Adam", lambda rate: rates.append(rate) or adam(rate))
    photographs = [folder / "cat.png", folder / "coffee.png"]
    found = train(STYLE, photographs, steps=1, **QUICK, learning_rate=0.01).history[0]
    assert [float(rates[0](share)) for share in (0.0, 0.5, 1.0)] == pytest.approx([0.01, 0.00525, 0.0005])
    crops = tf.stack([Photographs(photographs, QUICK["size"]).example(n) for n in range(QUICK["batch"])])
    network = build_network("lite", QUICK["style_layers"])
    weights = {name: DEFAULTS[name] for name in ("content_weight", "style_weight")} | {"tv_weight": 0.6}
    layers = {name: QUICK[name] for name in ("content_layers", "style_layers", "style_size")}
    losses = PerceptualLosses(network, [load_image(STYLE)], **layers, **weights)
    expected = losses(transform_network(2, 0)(crops), crops).numpy() / QUICK["batch"]
    assert found.terms == pytest.approx(dict(zip(losses.names, expected, strict=True)), rel=1e-4)


def test_training_lowers_the_loss_and_keeps_a_record(folder, tmp_path):
    steps = []
    with pytest.warns(UserWarning, match=r"not used: photograph .*broken\.jpg"):
        training = train(STYLE, folder, steps=18, **QUICK, sample=folder / "cat.png", every=9, callback=steps.append)
    totals = [step.total for step in training.history]
    assert np.mean(totals[-3:]) < 0.7 * totals[0]
    assert [step.iteration for step in training.history if steps[step.iteration - 1].image is not None] == [9, 18]
    assert all(step.total == pytest.approx(sum(step.terms.values())) for step in training.history)
    assert training.history[-1].progress == 1
    save_network(training.network, tmp_path / "mine.weights.h5", training.settings)
    loaded = load_network(tmp_path / "mine.weights.h5")
    assert np.abs(apply(loaded, folder / "cat.png") - apply(training.network, folder / "cat.png")).max() < 2 / 255
    onwards = train(STYLE, folder, steps=1, **QUICK, start=loaded)
    assert onwards.history[0].total < 0.7 * totals[0]


def test_a_resumed_run_ends_bit_by_bit_as_one_that_was_never_stopped(folder, tmp_path):
    whole = train(STYLE, folder, steps=6, **QUICK)

    def stop(step):
        if step.iteration == 4:
            raise StopIteration

    first = train(STYLE, folder, steps=6, **QUICK, checkpoint=tmp_path / "state", every=100, callback=stop)
    assert first.interrupted and len(first.history) == 4
    assert os.listdir(tmp_path / "state") == ["checkpoint.npz"]
    second = train(STYLE, folder, steps=6, **QUICK, checkpoint=tmp_path / "state")
    assert [step.total for step in second.history] == [step.total for step in whole.history]
    for a, b in zip(second.network.get_weights(), whole.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    done = train(STYLE, folder, steps=6, **QUICK, checkpoint=tmp_path / "state")
    assert len(done.history) == 6
    with pytest.raises(ValueError, match="is of another run: seed 0 there, 1 here"):
        train(STYLE, folder, steps=6, **QUICK, seed=1, checkpoint=tmp_path / "state")
    (tmp_path / "state" / "checkpoint.npz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"checkpoint: .*cannot be read as arrays.* Delete it"):
        train(STYLE, folder, steps=6, **QUICK, checkpoint=tmp_path / "state")


def test_super_resolution_learns_more_than_bicubic_knows(folder):
    """The loss of the first step is that of the bicubic enlargement."""
    training = train(
        None,
        [folder / "cat.png"],
        upscale=4,
        **SMALL,
        size=48,
        steps=40,
        batch=1,
        content_weight=0,
        pixel_weight=1,
        learning_rate=3e-3,
    )
    totals = [step.total for step in training.history]
    assert list(training.history[0].terms) == ["pixel"]
    assert np.mean(totals[-4:]) < 0.97 * np.mean(totals[:4])
    target = tf.constant(resize(load_image(folder / "cat.png"), (48, 48))[None])
    small = shrunk(target, 4)
    bicubic = transform_network(**SMALL, upscale=4)(small)
    trained = training.network(small)
    assert content_loss(trained, target) < content_loss(bicubic, target)


@pytest.mark.parametrize("upscale", [4, 8])
@pytest.mark.parametrize("loss", ["pixel", "feature"])
def test_the_shipped_networks_enlarge_better_than_bicubic_by_the_loss_they_learnt(upscale, loss, photograph):
    network = load_network(f"enlarge{upscale}_{loss}")
    settings = network_settings(f"enlarge{upscale}_{loss}")
    assert (settings["content_weight"] > 0, settings["pixel_weight"] > 0) == (loss == "feature", loss == "pixel")
    target = tf.constant(resize(photograph, (160, 240))[None])
    small = shrunk(target, upscale)
    seen = build_network("lite", settings["content_layers"])

    def error(image):
        if loss == "pixel":
            return tf.reduce_mean(tf.square(image - target))
        return sum(content_loss(seen(image)[layer], seen(target)[layer]) for layer in seen.output)

    bicubic = transform_network(**SMALL, upscale=upscale)(small)
    assert error(network(small)) < 0.97 * error(bicubic)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"style": None}, "upscale must be 1 for a style, and 4 or 8 without one"),
        ({"upscale": 4}, "upscale must be 1 for a style, and 4 or 8 without one"),
        ({"style": None, "upscale": 8, "size": 36}, "size must be a multiple of upscale=8; got 36"),
        ({"content_layers": ["block9"]}, "content_layers: lite has no layer 'block9'"),
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"batch": 0}, "batch must be a whole number of at least 1; got 0"),
        ({"pixel_weight": -1}, "pixel_weight must be a finite number of at least 0"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0"),
        ({"content_weight": 0, "style_weight": 0}, "must not all be 0"),
        ({"style": "nothing.jpg"}, "style 'nothing.jpg': there is no such file"),
        ({"photographs": "nothing"}, "photographs: there is no folder"),
        ({"formula": "jonson"}, "Did you mean 'johnson'"),
        ({"callback": 3}, "callback must be a function"),
        ({"start": 3}, "start must be a network"),
    ],
)
def test_wrong_arguments_are_named_before_any_training(folder, wrong, message):
    given = {"style": STYLE, "photographs": folder, "steps": 1} | QUICK
    if wrong.get("style", STYLE) is None:
        del given["style_layers"]
    given |= wrong
    with pytest.raises(ValueError, match=message):
        train(given.pop("style"), given.pop("photographs"), **given)


def test_a_loss_that_is_not_finite_ends_the_run(folder):
    start = transform_network(2, 0)
    start.set_weights([weights * np.nan for weights in start.get_weights()])
    with pytest.raises(NonFiniteLossError, match="is NaN or infinite at step 1; a smaller learning_rate"):
        train(STYLE, folder, steps=1, **QUICK, start=start)


def test_the_command_line_trains_and_applies(folder, tmp_path, capsys):
    path = tmp_path / "new" / "mine.weights.h5"
    arguments = ["--steps", "2", "--every", "1", "--size", "32", "--style-size", "64", "--batch", "1", "--width", "2"]
    arguments += ["--residual-blocks", "0"]
    assert command_line.main(["train", STYLE, str(folder), "-o", str(path), *arguments]) == 0
    out, err = capsys.readouterr()
    assert f"{path}: 2 steps" in out and "warning: not used: photograph" in err
    assert sorted(os.listdir(path.parent)) == ["mine.json", "mine.weights.h5"]
    output = tmp_path / "out"
    assert command_line.main(["apply", str(path), str(folder), "-o", str(output), "--size", "40"]) == 0
    err = capsys.readouterr().err
    assert "warning: not painted: image" in err and "4/4" in err, "a progress bar counts the folder's files"
    assert len(os.listdir(output)) == 3
    assert command_line.main(["apply", "nothing", str(folder), "-o", str(output)]) == 2
    assert "network must be one of" in capsys.readouterr().err


def test_a_folder_that_is_interrupted_keeps_what_is_painted(folder, tmp_path, untrained, monkeypatch, capsys):
    save_network(untrained, tmp_path / "mine.weights.h5", SMALL | {"upscale": 1})
    painted = []

    def interrupted(*arguments):
        if painted:
            raise KeyboardInterrupt
        painted.append(_apply_to_file(*arguments))
        return painted[0]

    monkeypatch.setattr(feedforward, "_apply_to_file", interrupted)
    arguments = ["apply", str(tmp_path / "mine.weights.h5"), str(folder), "-o", str(tmp_path / "out")]
    assert command_line.main(arguments) == 130
    assert "stopped" in capsys.readouterr().err
    assert [str(path) for path in (tmp_path / "out").iterdir()] == painted


def test_a_training_that_is_stopped_before_its_first_step_saves_nothing(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "train", lambda *_, **__: Training(None, [], {}, interrupted=True))
    path = tmp_path / "mine.weights.h5"
    assert command_line.main(["train", STYLE, str(folder), "-o", str(path)]) == 130
    assert "stopped" in capsys.readouterr().err and not path.exists()
