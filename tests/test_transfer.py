import json
import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest

import nst_keras
from nst_keras import (
    COLOR_METHODS,
    FORMULAS,
    Correlation,
    NonFiniteLossError,
    Objective,
    Result,
    blurred,
    chain,
    geometric_content_weights,
    geometric_style_weights,
    load_image,
    optimize,
    resize,
    save_image,
    shifted,
    style_transfer,
    transfer,
)
from nst_keras.image import add_margin, cut_margin
from nst_keras.support import settings
from nst_keras.transfer import DEFAULTS, MARGIN, margin, pyramid

QUICK = {"size": 64, "iterations": 8}


@pytest.fixture(scope="module")
def content(photograph):
    return resize(photograph, (60, 90))


@pytest.fixture(scope="module")
def result(content, painting):
    return style_transfer(content, painting, size=192, iterations=12)


def test_a_run_lowers_the_loss_and_changes_the_picture(result, content):
    for size in (96, 192):
        totals = [step.total for step in result.history if step.size == size]
        assert totals[-1] < 0.6 * totals[0]
    assert result.image.shape == (128, 192, 3)
    assert result.image.dtype == np.float32
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    assert np.abs(result.image - resize(content, (128, 192))).mean() > 0.03
    assert not result.interrupted


@pytest.mark.parametrize("method", [None, "luminance", "chroma-swap"])
def test_the_result_is_the_best_image_of_the_last_scale(content, painting, method):
    """Callbacks get finished pictures: those which the content's colours come back to after the transfer, too."""
    seen = []
    result = style_transfer(content, painting, **QUICK, preserve_color=method, callback=seen.append)
    best = min(seen, key=lambda step: step.total)
    np.testing.assert_allclose(result.image, best.image, atol=1e-6)
    assert not result.interrupted


@pytest.mark.parametrize("options", [{"preserve_color": "chroma-swap"}, {"preserve_color": "luminance", "masks": 1}])
def test_the_picture_in_an_error_is_finished(content, painting, monkeypatch, options):
    """It is that of the last step before the NaN; where pixels are frozen, it is the content."""
    if "masks" in options:
        left = np.zeros(content.shape[:2], "float32")
        left[:, :45] = 1
        options = options | {"masks": [left], "mask_mode": "freeze"}
    seen = []

    def callback(step):
        seen.append(step.image)
        if step.iteration == 3:
            broken = {"tv": float("nan")}
            monkeypatch.setattr(Objective, "evaluate", lambda objective, x: (broken, np.zeros_like(x)))

    with pytest.raises(NonFiniteLossError, match="term tv is NaN") as caught:
        style_transfer(content, painting, **QUICK, **options, callback=callback)
    np.testing.assert_array_equal(caught.value.image, seen[-1])
    assert np.ptp(caught.value.image, axis=-1).mean() > 0.05  # it is not grey
    if "masks" in options:
        np.testing.assert_array_equal(caught.value.image[:, 34:], resize(content, caught.value.image.shape)[:, 34:])


def test_result_says_what_was_done(result):
    assert isinstance(result, Result)
    assert [step.size for step in result.history] == [96] * 12 + [192] * 12
    assert result.settings["style_layers"] == list(settings.LAYERS["lite"][1])
    assert result.settings["style_weight"] == FORMULAS["relative"].style_weight
    names = [f"{term} {layer}" for term in ("content", "style") for layer in result.settings[f"{term}_layers"]]
    assert list(result.history[0].terms) == [*names, "tv"]
    assert result.history[-1].progress == 1
    assert result.content.shape == result.image.shape
    assert result.styles[0].shape == (152, 192, 3)


def test_settings_repeat_the_run(content, painting):
    first = style_transfer(content, painting, **QUICK, init="noise", tv_weight=np.float32(2), scales=np.int64(1))
    again = style_transfer(content, painting, **json.loads(json.dumps(first.settings)))
    np.testing.assert_array_equal(first.image, again.image)
    arguments = style_transfer.__kwdefaults__.keys() - {"callback", "checkpoint"}
    assert first.settings.keys() == vars(DEFAULTS).keys() == arguments


def test_every_weight_weighs_its_term(content, painting):
    def first_terms(**weights):
        return style_transfer(content, painting, size=64, iterations=1, init="noise", **weights).history[0].terms

    def start_terms(**weights):
        seen = []
        original = optimize.Recorder.__call__

        def watched(recorder, x):
            seen.append(recorder.objective.terms(x))
            return original(recorder, x)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(optimize.Recorder, "__call__", watched)
            first_terms(**weights)
        return seen[0]

    before = start_terms()
    for name in ("content_weight", "style_weight", "tv_weight"):
        after = start_terms(**{name: 2 * getattr(FORMULAS["relative"], name)})
        for term, value in before.items():
            factor = 2 if term.startswith(name.removesuffix("_weight")) else 1
            assert after[term] == pytest.approx(factor * value, rel=1e-4), (name, term)


def test_each_scale_starts_from_the_picture_of_the_one_before(content, painting, monkeypatch):
    starts, ends = [], []
    original = transfer.minimize

    def watched(recorder, optimizer, **saving):
        starts.append(cut_margin(recorder.best_image, recorder.margin))
        original(recorder, optimizer, **saving)
        ends.append(cut_margin(recorder.best_image, recorder.margin))

    monkeypatch.setattr(transfer, "minimize", watched)
    style_transfer(content, painting, size=192, iterations=5)
    np.testing.assert_allclose(starts[0], resize(resize(content, (128, 192)), (64, 96)), atol=1e-6)
    np.testing.assert_array_equal(starts[1], resize(ends[0], (128, 192)))


def test_pooling_and_optimizer_arrive(content, painting, monkeypatch):
    average = style_transfer(content, painting, **QUICK)
    largest = style_transfer(content, painting, **QUICK, pooling="max")
    assert np.abs(average.image - largest.image).mean() > 0.001
    monkeypatch.setitem(optimize.OPTIMIZERS, "adam", lambda *arguments: pytest.fail("adam was called"))
    with pytest.raises(pytest.fail.Exception, match="adam was called"):
        style_transfer(content, painting, **QUICK, optimizer="adam")


def test_a_picture_to_start_from_keeps_its_detail(content, painting, rng):
    detailed = rng.uniform(size=(128, 192, 3)).astype("float32")
    result = style_transfer(content, painting, size=192, iterations=1, init=detailed)
    assert {step.size for step in result.history} == {192}
    assert np.abs(result.image - detailed).mean() < 0.1
    for scales, expected in (("auto", 1), (2, 2)):
        assert replace(DEFAULTS, init=detailed, scales=scales).checked(styles=1).scales == expected


def test_long_styles_work_and_longer_ones_are_refused(content, rng):
    long = rng.uniform(size=(40, 320, 3))
    assert np.isfinite(style_transfer(content, long, **QUICK).image).all()
    with pytest.raises(ValueError, match="style is 360×40 pixels, longer than 8 : 1"):
        style_transfer(content, rng.uniform(size=(40, 360, 3)), **QUICK)


def test_figures(result, tmp_path):
    result.compare().savefig(tmp_path / "comparison.png")
    result.plot_losses().savefig(tmp_path / "losses.png")
    comparison = load_image(tmp_path / "comparison.png")
    assert comparison.shape[0] > 500
    assert comparison.std() > 0.1
    assert result.show().size == (192, 128)


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


def test_several_pictures_of_one_style(content, painting, photograph):
    alone = style_transfer(content, painting, **QUICK)
    twice = style_transfer(content, [[painting, painting]], **QUICK)
    assert list(twice.history[0].terms) == list(alone.history[0].terms)
    np.testing.assert_allclose(twice.history[0].total, alone.history[0].total, rtol=1e-4)
    assert len(twice.styles) == 2
    with pytest.raises(ValueError, match="style must be a picture or a list"):
        style_transfer(content, [[]], **QUICK)


def test_blended_targets_are_one_style(content, painting, photograph):
    result = style_transfer(content, [painting, photograph], combine="targets", **QUICK)
    assert list(result.history[0].terms) == list(style_transfer(content, painting, **QUICK).history[0].terms)


def test_improvements_go_through_one_argument(content, painting):
    layers = ["block1_conv1", "block1_conv2", "block2_conv1", "block3_conv1"]
    improved = ["color", *blurred(shifted(geometric_style_weights(chain(layers))), layers)]
    content_layers = geometric_content_weights(["block2_conv1", "block4_conv2"])
    result = style_transfer(content, painting, **QUICK, style_layers=improved, content_layers=content_layers)
    assert "style block1_conv2 × block2_conv1, shift -1, blur 1" in result.history[0].terms
    assert result.history[-1].total < 0.7 * result.history[0].total
    again = style_transfer(content, painting, **json.loads(json.dumps(result.settings)))
    np.testing.assert_array_equal(result.image, again.image)


@pytest.mark.parametrize("init", ["noise", "content"])
def test_improvements_stay_finite(content, painting, init):
    layers = [name for name in nst_keras.layer_names("lite") if "conv" in name]
    improved = blurred(shifted(geometric_style_weights(chain(layers))), layers)
    result = style_transfer(content, painting, size=64, iterations=300, init=init, style_layers=improved, scales=1)
    assert all(np.isfinite(step.total) for step in result.history)
    assert np.isfinite(result.image).all()


def test_weights_in_a_dictionary_are_taken_as_they_are(content, painting):
    """Also negative ones: a mistake found in the field must be shown to be understood."""
    weights = {"block1_conv1": 0.5, "block2_conv1": -0.25}
    result = style_transfer(content, painting, **QUICK, style_layers=weights)
    assert result.settings["style_layers"] == weights
    assert result.history[-1].terms["style block2_conv1"] < 0


def test_a_model_can_be_the_network(content, painting):
    by_name = style_transfer(content, painting, **QUICK)
    model = nst_keras.build_network("lite")
    by_model = style_transfer(content, painting, **QUICK, network=model)
    np.testing.assert_array_equal(by_name.image, by_model.image)
    assert by_model.settings == by_name.settings
    with pytest.raises(ValueError, match="pooling and weights belong to the names"):
        style_transfer(content, painting, **QUICK, network=model, pooling="max")


def test_published_formulas_have_the_layers_that_they_were_published_with(content, painting):
    """The colours would take a share of the published style weight: 5e3/6 for a layer of gatys-code, not 1e3."""
    names = [f"block{i}_conv1" for i in range(1, 6)]
    result = style_transfer(content, painting, **QUICK, formula="gatys-code", network="vgg19", weights="random")
    assert result.settings["style_layers"] == names
    assert style_transfer(content, painting, **QUICK).settings["style_layers"][:6] == ["color", *names]


def test_formulas_bring_their_weights_and_say_where_they_do_not_hold(content, painting):
    with pytest.warns(UserWarning, match='"keras" were published for raw features of VGG, which lite does not have'):
        result = style_transfer(content, painting, **QUICK, formula="keras")
    with pytest.warns(UserWarning, match='"keras" were published for'):  # the style's weight is still the formula's
        replace(DEFAULTS, formula="keras", content_weight=1.0).checked(styles=1)
    network = nst_keras.build_network("lite")
    with warnings.catch_warnings(action="error"):
        style_transfer(content, painting, **QUICK, formula="gatys")  # lite's features are rescaled
        style_transfer(content, painting, **QUICK, formula="keras", network=network)  # one's own: no guess
    with pytest.warns(UserWarning, match="make such a network by nst_keras.networks.rescaling.rescale_network"):
        style_transfer(content, painting, **QUICK, formula="gatys", network="vgg16", weights="random")
    assert result.settings["content_weight"] == FORMULAS["keras"].content_weight
    assert result.styles[0].shape == result.image.shape
    shares = {"content": 2, "style": 7, "tv": 1}
    result = style_transfer(content, painting, **QUICK, formula="keras", shares=shares)
    assert result.settings["shares"] == {"content": 0.2, "style": 0.7, "tv": 0.1}
    assert result.history[-1].total < 0.7 * result.history[0].total


@pytest.mark.parametrize("method", COLOR_METHODS)
def test_colors_can_be_preserved(content, painting, method):
    """The mean colour of the result is nearer to the content's, for every method; at strength 0 nothing happens."""
    options = QUICK | {"iterations": 16}
    plain = style_transfer(content, painting, **options)
    kept = style_transfer(content, painting, **options, preserve_color=method)
    far, near = (np.abs((result.image - plain.content).mean(axis=(0, 1))).max() for result in (plain, kept))
    assert near < 0.5 * far
    np.testing.assert_array_equal(kept.content, plain.content)
    none = style_transfer(content, painting, **options, preserve_color=method, color_strength=0)
    np.testing.assert_array_equal(none.image, plain.image)
    again = style_transfer(content, painting, **json.loads(json.dumps(kept.settings)))
    np.testing.assert_array_equal(again.image, kept.image)


def test_a_grey_style_is_reported(content, painting):
    grey = np.repeat(painting.mean(axis=-1, keepdims=True), 3, axis=-1)
    result = style_transfer(content, [painting, [grey, grey]], **QUICK, preserve_color="cholesky")
    assert any("style 2: cholesky would amplify noise" in note for note in result.notes)
    assert len(result.styles) == 3


def test_style_scale_is_the_size_of_the_style(content, painting):
    result = style_transfer(content, painting, size=64, iterations=1, style_scale=2)
    assert max(result.styles[0].shape) == 128


def test_sizes_follow_the_longer_side(content, painting):
    upright = np.transpose(content, (1, 0, 2))
    result = style_transfer(upright, painting, size=100, iterations=1, scales=1)
    assert result.image.shape == (100, 67, 3)
    assert pyramid((300, 400), 512, "auto") == [(96, 128), (192, 256), (384, 512)]
    assert pyramid((300, 400), 512, 2) == [(192, 256), (384, 512)]
    assert pyramid((300, 400), 200, 9) == [(75, 100), (150, 200)]
    assert pyramid((100, 1000), 512, "auto") == [(51, 512)]


def test_a_margin_is_painted_and_cut_off(content, painting):
    seen = []
    options = {"size": 64, "iterations": 2, "callback": lambda step: seen.append(step.image.shape)}
    result = style_transfer(content, painting, **options)
    assert result.image.shape == (43, 64, 3) and set(seen) == {(43, 64, 3)}
    settings = replace(DEFAULTS, style_layers=["block1_conv1"])
    assert margin(settings) == 16
    for other in ({"formula": "gatys"}, {"style_layers": None}, {"mask_mode": "classic"}):
        assert margin(replace(settings, **other)) == 0
    picture = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(add_margin(picture, 1)[:2], [[0, 0, 1, 2, 3, 3], [0, 0, 1, 2, 3, 3]])
    np.testing.assert_array_equal(cut_margin(add_margin(picture, 2), 2), picture)


@pytest.mark.parametrize("choices", [{}, {"combine": "targets"}, {"masks": True}])
def test_the_margin_counts_neither_as_style_nor_as_content(content, painting, choices, monkeypatch):
    """The colours have no receptive field: their losses cannot depend on what is cut off."""
    seen = []
    monkeypatch.setattr(transfer, "minimize", lambda recorder, *_, **__: seen.append(recorder.objective))
    if choices.get("masks"):
        choices = {"masks": [np.pad(np.ones((60, 45), "float32"), ((0, 0), (45, 0)))] * 2}
    layers = {"style_layers": ["color", "block1_conv1"], "content_layers": ["color"]}
    style_transfer(content, [painting, painting[:, ::2]], size=64, scales=1, **layers, **choices)
    (objective,) = seen
    rng = np.random.default_rng(0)
    image = rng.random(objective.shape)
    other = add_margin(cut_margin(image, MARGIN), MARGIN)
    for name, value in objective.terms(image).items():
        assert (objective.terms(other)[name] == pytest.approx(value, rel=1e-6)) == ("color" in name), name


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_an_interrupt_gives_a_result(content, painting, optimizer):
    def interrupt(step):
        if step.iteration == 5:
            raise KeyboardInterrupt

    result = style_transfer(content, painting, size=192, iterations=20, callback=interrupt, optimizer=optimizer)
    assert result.interrupted
    assert len(result.history) == 5
    assert result.image.shape == (128, 192, 3)
    assert np.abs(result.image - result.content).mean() > 0.001


def test_an_interrupt_between_scales_keeps_the_picture(content, painting, monkeypatch):
    original = transfer.style_terms
    calls = []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(transfer, "style_terms", interrupted)
    result = style_transfer(content, painting, size=192, iterations=5)
    assert result.interrupted
    assert len(result.history) == 5
    assert np.abs(result.image - result.content).mean() > 0.001


def test_an_interrupt_before_the_first_step_gives_the_start(content, painting, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "style_terms", interrupted)
    result = style_transfer(content, painting, size=64)
    assert result.interrupted
    np.testing.assert_allclose(result.image, result.content, atol=1e-6)


def test_an_interrupt_while_the_picture_is_finished_keeps_it(content, painting, monkeypatch):
    original, calls = transfer.after_transfer, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    options = {**QUICK, "preserve_color": "luminance"}
    expected = style_transfer(content, painting, **options)
    monkeypatch.setattr(transfer, "after_transfer", interrupted)
    result = style_transfer(content, painting, **options)
    assert result.interrupted and not expected.interrupted
    np.testing.assert_array_equal(result.image, expected.image)


def test_a_callback_stops_the_whole_run(content, painting):
    def stop(step):
        raise StopIteration

    result = style_transfer(content, painting, size=192, iterations=20, callback=stop)
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
        ({"size": 40}, "would make the result 40×27 pixels"),
        ({"size": 20000}, "50 megapixels"),
        ({"callback": True}, "callback must be a function of a Step"),
        ({"style_layers": []}, "style_layers must name at least one layer"),
        ({"style_layers": "color"}, "style_layers must be a list of names"),
        ({"style_layers": ["color", "color"]}, "style_layers .* none twice"),
        ({"style_weights": 0.5}, "style_weights must hold one number"),
        ({"style_weight": True}, "style_weight must be a finite number"),
        ({"scales": True}, "scales must be"),
        ({"weights": 42}, "weights must be"),
        ({"pooling": "avg"}, "pooling must be one of average, max; got 'avg'"),
        ({"network": "squeezenet1_0"}, '"squeezenet1_0" needs weights='),
        ({"size": 64.5}, "size must be a whole number"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1; got 0"),
        ({"style_weight": -1}, "style_weight must be a finite number of at least 0; got -1"),
        ({"tv_weight": float("nan")}, "tv_weight must be a finite number"),
        ({"style_weights": [1, 2]}, r"one number for each of 1 style\(s\); got \[1, 2\]"),
        ({"style_weights": [0]}, "style_weights must not all be 0"),
        ({"combine": "sum"}, "combine must be one of losses, targets; got 'sum'"),
        ({"preserve_color": "cholesk"}, "preserve_color must be one of .*Did you mean 'cholesky'"),
        ({"preserve_color": "cholesky", "color_strength": 2}, "must be a number in \\[0, 1\\]; got 2"),
        ({"style_scale": 9}, "style_scale must be between 0.1 and 4; got 9"),
        ({"shares": {"style": 1}, "tv_weight": 1}, "give either shares or tv_weight"),
        ({"shares": {"styles": 1}}, "shares must be a dictionary with some of content, style, tv"),
        ({"shares": {"style": 0}}, "shares must not all be 0"),
        ({"formula": "gaty"}, "Did you mean 'gatys'"),
        ({"style_layers": [Correlation("block2_conv1", "block1_conv1")]}, "block1_conv1 must be deeper than block2_co"),
        ({"style_layers": [Correlation("block2_conv1", "block2_conv1")]}, "at least one layer, and none twice"),
        ({"style_layers": [Correlation("block9_conv1")]}, "lite has no layer 'block9_conv1'"),
        ({"style_layers": ["color", Correlation("color")]}, "style_layers must hold no correlation twice"),
        ({"style_layers": 5}, "style_layers must be a list of names or correlations"),
        ({"style_layers": [5]}, "style_layers must hold names of layers or correlations; got 5"),
        ({"style_layers": [Correlation("color", weight=0.0)]}, "weights in style_layers must not all be 0"),
        ({"style_layers": [Correlation("color", blur=1)]}, "color has blur, which is for correlations between two"),
        ({"formula": "keras", "style_scale": 2, "tv_weight": 1}, 'style_scale must be 1 with formula="keras"'),
        ({"style_layers": {"color": "much"}}, r"style_layers\['color'\] must be a finite number"),
        ({"optimizer": "sgd"}, "optimizer must be one of lbfgs, lbfgs-float32, adam, gradient-descent; got 'sgd'"),
        ({"network": "light"}, "Did you mean 'lite'"),
        ({"style_weight": 10**400}, "style_weight must be a finite number"),
        ({"style_scale": 2**64}, "style_scale must be between 0.1 and 4"),
        ({"shares": {"content": 10**400}}, "shares\\['content'\\] must be a finite number"),
        ({"size": 10**39}, "size must be at most"),
        ({"style_weights": np.array(3)}, "style_weights must hold one number for each of 1"),
        ({"network": keras.Sequential()}, "must return a dictionary"),
        ({"checkpoint": 5}, "folder must be the path of a new folder"),
        ({"content_layers": ["conv4_2"]}, "content_layers: lite has no layer 'conv4_2'. Did you mean 'block4_conv2'"),
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
    weights = nst_keras.networks.weights.LITE_WEIGHTS
    with np.load(weights) as arrays:
        broken = dict(arrays)
    broken["block3_conv1_kernel"] = broken["block3_conv1_kernel"] * np.float32(1e30)
    np.savez(tmp_path / "broken.npz", **broken)
    with pytest.raises(NonFiniteLossError, match=r"block3_conv1.* evaluation 1\..* weights damaged"):
        style_transfer(content, painting, size=64, iterations=2, weights=tmp_path / "broken.npz")
