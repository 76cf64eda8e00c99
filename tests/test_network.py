import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from scipy import signal

from nst_keras import load_image
from nst_keras import network as nets
from nst_keras.network import build_network, layer_names
from nst_keras.networks.rescaling import rescale_network
from nst_keras.networks.topologies import vgg_features
from nst_keras.networks.weights import compiled


def test_lite_has_the_layers_of_vgg19():
    reference = [layer.name for layer in keras.applications.VGG19(include_top=False, weights=None).layers[1:]]
    assert layer_names("lite") == layer_names("vgg19") == ["color", *reference]
    reference = [layer.name for layer in keras.applications.VGG16(include_top=False, weights=None).layers[1:]]
    assert layer_names("vgg16") == ["color", *reference]


def strides(name):
    """{layer: pixels from one of its positions to the next}."""
    stride, all_strides = 1, {}
    for layer in layer_names(name):
        stride *= 2 if "pool" in layer or layer == "conv1" else 1
        all_strides[layer] = stride
    return all_strides


@pytest.mark.parametrize("name", nets.NETWORKS)
def test_features_have_the_shapes_of_their_layers(name, rng):
    """At the smallest size, at odd ones, and for several images at once; ⌊(H − border) / stride⌋ positions."""
    border = {"squeezenet1_0": 5, "squeezenet1_1": 1}.get(name, 0)
    network = build_network(name, weights="random")
    for shape in ((2, 32, 32), (1, 33, 47), (1, 101, 64)):
        features = network(rng.uniform(size=(*shape, 3)).astype("float32"))
        assert list(features) == layer_names(name)
        for layer, feature in features.items():
            if layer != "color":
                positions = [(side - border) // strides(name)[layer] for side in shape[1:]]
                assert feature.shape[:3] == (shape[0], *positions), layer
            assert np.isfinite(feature).all()
            assert float(np.min(feature)) >= 0
            assert float(np.std(feature)) > 0


@pytest.mark.parametrize(("name", "column"), [("squeezenet1_0", 1), ("squeezenet1_1", 3)])
def test_the_document_has_the_channels_and_strides_of_squeezenet(name, column):
    network, documented = build_network(name, weights="random"), {}
    for line in (ROOT / "docs" / "networks.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.match(r"\| `(conv|pool|fire)", line) and cells[column] != "–":
            for layer in re.findall(r"`(\w+)`", cells[0]):
                documented[layer] = int(cells[column].split(",")[0]), int(cells[column + 1])
    expected = {layer: (network.output[layer].shape[-1], stride) for layer, stride in strides(name).items()}
    del expected["color"]
    assert documented == expected


@pytest.fixture
def few_weights(rng):
    """Random weights of SqueezeNet's conv1 and fire2, as in an .npz: {"conv1_w": …}, for either version."""

    def make(name):
        filters, size, _ = nets.SQUEEZENETS[name]
        shapes = {"conv1": (size, size, 3, filters), "fire2_squeeze1x1": (1, 1, filters, 16)}
        shapes |= {f"fire2_expand{n}x{n}": (n, n, 16, 64) for n in (1, 3)}
        arrays = {}
        for layer, shape in shapes.items():
            arrays[f"{layer}_w"] = rng.normal(0, 0.1, shape).astype("float32")
            arrays[f"{layer}_b"] = rng.normal(size=shape[-1]).astype("float32")
        return arrays

    return make


@pytest.mark.parametrize(
    ("name", "pooling"), [("squeezenet1_0", None), ("squeezenet1_0", "average"), ("squeezenet1_1", None)]
)
def test_squeezenet_is_what_its_definition_says(name, pooling, few_weights, rng, tmp_path):
    """conv1, pool1 and fire2 in NumPy and scipy; the pool's last window reaches over the border in one direction."""
    arrays = few_weights(name)
    np.savez(tmp_path / "weights.npz", **arrays)
    image = rng.uniform(size=(1, 45, 36, 3)).astype("float32")
    network = build_network(name, ["conv1", "pool1", "fire2"], pooling=pooling, weights=tmp_path / "weights.npz")

    def convolution(x, layer, stride=1, padding=0):
        x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
        kernels = np.moveaxis(arrays[f"{layer}_w"], -1, 0)
        sums = np.concatenate([signal.correlate(x, kernel, mode="valid") for kernel in kernels], axis=-1)
        return np.maximum(sums[::stride, ::stride] + arrays[f"{layer}_b"], 0)

    def pool(x):
        shape = [int(np.ceil((side - 3) / 2)) + 1 for side in x.shape[:2]]  # Caffe's
        reduce = np.mean if pooling == "average" else np.max
        rows = [[reduce(x[2 * i :, 2 * j :][:3, :3], axis=(0, 1)) for j in range(shape[1])] for i in range(shape[0])]
        return np.array(rows)

    expected = {"conv1": convolution(image[0, ..., ::-1] * 255.0 - (104, 117, 123), "conv1", stride=2)}
    assert {side % 2 for side in expected["conv1"].shape[:2]} == {0, 1}
    expected["pool1"] = pool(expected["conv1"])
    squeezed = convolution(expected["pool1"], "fire2_squeeze1x1")
    small, large = convolution(squeezed, "fire2_expand1x1"), convolution(squeezed, "fire2_expand3x3", padding=1)
    expected["fire2"] = np.concatenate([small, large], axis=-1)
    for layer, feature in network(image).items():
        np.testing.assert_allclose(feature[0], expected[layer], rtol=1e-4, atol=1e-3, err_msg=layer)


@pytest.mark.parametrize(
    ("name", "centres"),
    [
        ("squeezenet1_0", {"conv1": (2, 3), "fire4": (4, 5), "pool4": (8, 9), "fire5": (8, 9), "fire9": (16, 17)}),
        ("squeezenet1_1", {"conv1": (2, 1), "fire3": (4, 3), "fire5": (8, 7), "pool5": (16, 15), "fire6": (16, 15)}),
    ],
)
def test_positions_of_squeezenet_are_centred_where_its_table_says(name, centres):
    """The pixels that one position sees are those with a gradient; their middle is the centre."""
    image = tf.fill((1, 32, 320, 3), 0.5)
    network = build_network(name, list(centres), pooling="average", weights="random")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        features = network(image)
        middles = {layer: tf.reduce_sum(feature[:, :, feature.shape[2] // 2]) for layer, feature in features.items()}
    for layer, (stride, offset) in centres.items():
        seen = np.flatnonzero(np.any(tape.gradient(middles[layer], image) != 0, axis=(0, 1, 3)))
        assert seen[0] > 0 and seen[-1] < 319
        assert (seen[0] + seen[-1]) / 2 == stride * (features[layer].shape[2] // 2) + offset, layer


def test_weights_without_a_layer_serve_only_the_others(few_weights, tmp_path):
    np.savez_compressed(tmp_path / "weights.npz", **few_weights("squeezenet1_1"))
    build_network("squeezenet1_1", ["fire2"], weights=tmp_path / "weights.npz")
    with pytest.raises(ValueError, match=r"array fire3_squeeze1x1_w must have shape \(1, 1, 128, 16\); it is missing"):
        build_network("squeezenet1_1", ["fire3"], weights=tmp_path / "weights.npz")


def test_color_features_are_colours_above_thresholds():
    image = np.array([0.1, 0.6, 1.0], "float32").reshape(1, 1, 1, 3)
    expected = [1, 0.1, 0.6, 1.0, 0, 0.35, 0.75, 0, 0.1, 0.5, 0, 0, 0.25]
    np.testing.assert_allclose(np.ravel(nets.color_features(image)), expected, atol=1e-6)


def test_random_weights_differ_between_layers():
    network = build_network("lite", weights="random")
    kernels = [layer.get_weights()[0] for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len({kernel.std() for kernel in kernels}) == 16


def test_nothing_behind_the_deepest_layer_is_kept():
    network = build_network("vgg19", ["block2_conv1"], weights="random")
    convolutions = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == ["block1_conv1", "block1_conv2", "block2_conv1"]


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_vgg_equals_keras_applications(name, rng, tmp_path):
    """With max pooling, on the same weights, after Keras' own preprocessing; the weights read from a file."""
    application = getattr(keras.applications, name.upper())
    reference = application(include_top=False, weights=None)
    path = tmp_path / "weights.npz"
    convolutions = [layer for layer in reference.layers if isinstance(layer, keras.layers.Conv2D)]
    parts = {
        f"{layer.name}_{part}": values
        for layer in convolutions
        for part, values in zip(("kernel", "bias"), layer.get_weights(), strict=True)
    }
    np.savez(path, **parts)
    image = rng.uniform(size=(1, 48, 64, 3)).astype("float32")
    layers = ["block1_conv2", "block3_conv1", "block5_pool"]
    ours = build_network(name, layers, pooling="max", weights=path)(image)
    theirs = keras.Model(reference.input, {layer: reference.get_layer(layer).output for layer in layers})
    preprocess = getattr(keras.applications, name).preprocess_input
    for layer, expected in theirs(preprocess(image * 255)).items():
        np.testing.assert_allclose(ours[layer], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["lite", "squeezenet1_1"])
def test_a_compiled_network_has_the_same_features_and_no_variables(name, rng):
    network = build_network(name, weights="random")
    run = compiled(network)
    assert not run.captured_inputs
    for shape in ((1, 33, 40, 3), (1, 48, 64, 3)):
        image = rng.uniform(size=shape).astype("float32")
        features = network(image)
        for layer, values in run(image).items():
            np.testing.assert_allclose(values, features[layer], rtol=1e-3, atol=1e-4 * np.max(features[layer]))


def test_calling_a_network_does_not_change_the_image(rng):
    image = rng.uniform(size=(1, 32, 32, 3)).astype("float32")
    before = image.copy()
    for name in nets.NETWORKS:
        build_network(name, layer_names(name)[:1], weights="random")(image)
    np.testing.assert_array_equal(image, before)


def test_filters_of_lite_have_mean_activation_one():
    """Measured over a thousand other photographs; over the bundled five it is about 1, and no filter is dead."""
    network = build_network("lite")
    names = ("astronaut", "cat", "coffee", "landscape", "rocket")
    features = [network(load_image(ROOT / "images" / f"{name}.jpg")[None]) for name in names]
    for layer in layer_names("lite"):
        if "conv" in layer:
            means = np.mean([np.mean(of_one[layer], axis=(0, 1, 2)) for of_one in features], axis=0)
            assert 0.65 < means.mean() < 1.1, layer
            assert 0.1 < means.min() < means.max() < 2.5, layer


def test_rescaling_a_network_equals_rescaling_its_weights(rng):
    """Weights divided by each filter's mean, and multiplied by the means of the layer before, as Gatys et al. did."""

    def small_vgg():
        image = keras.Input((None, None, 3))
        return keras.Model(image, vgg_features(image - 0.5, (4, 6), (2, 1), "average"))

    network, expected = small_vgg(), small_vgg()
    photographs = list(rng.uniform(size=(3, 32, 48, 3)).astype("float32"))
    before = np.ones(3)
    for layer in [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]:
        kernel = layer.get_weights()[0] / 2
        bias = rng.uniform(0.5, 1, kernel.shape[-1])
        layer.set_weights([kernel, bias])
        means = np.mean(network(np.stack(photographs))[layer.name], axis=(0, 1, 2))
        assert means.min() > 0.01
        expected.get_layer(layer.name).set_weights([kernel * before[:, None] / means, bias / means])
        before = means
    unchanged = network(photographs[0][None])
    rescaled = rescale_network(network, photographs)
    other = rng.uniform(size=(2, 40, 32, 3)).astype("float32")
    for layer, feature in rescaled(other).items():
        np.testing.assert_allclose(feature, expected(other)[layer], rtol=1e-4, atol=1e-5, err_msg=layer)
        means = np.mean(rescaled(np.stack(photographs))[layer], axis=(0, 1, 2))
        np.testing.assert_allclose(means, 1, rtol=1e-4, err_msg=layer)
        np.testing.assert_array_equal(network(photographs[0][None])[layer], unchanged[layer])


def test_rescaling_leaves_colours_and_dead_filters_alone(rng):
    photographs = [ROOT / "images" / "cat.jpg", rng.uniform(size=(40, 32, 3)).astype("float32")]
    network = build_network("lite", ["block1_conv1", "color"], weights="random")
    kernel, bias = network.get_layer("block1_conv1").get_weights()
    kernel[..., 0], bias[0] = 0, -1
    network.get_layer("block1_conv1").set_weights([kernel, bias])
    features = rescale_network(network, photographs)(photographs[1][None])
    np.testing.assert_array_equal(features["color"], network(photographs[1][None])["color"])
    np.testing.assert_array_equal(features["block1_conv1"][..., 0], 0)
    assert list(features) == ["color", "block1_conv1"]  # shallow to deep
    for wrong in ([], photographs[1], "cat.jpg"):
        with pytest.raises(ValueError, match="photographs must be a list"):
            rescale_network(network, wrong)
    with pytest.raises(ValueError, match=r"photographs\[1\] 'nothing.jpg': there is no such file"):
        rescale_network(network, [photographs[0], "nothing.jpg"])


def test_a_filter_that_is_silent_on_the_photographs_keeps_its_scale_elsewhere(rng):
    network = build_network("lite", ["block1_conv1"], weights="random")
    kernel, bias = network.get_layer("block1_conv1").get_weights()
    kernel[..., 0], bias[0] = 0, 0
    kernel[1, 1, 0, 0] = 1  # on red of more than a half: lite sees 4 R − 2
    network.get_layer("block1_conv1").set_weights([kernel, bias])
    dark, white = rng.uniform(0, 0.4, size=(40, 32, 3)).astype("float32"), np.ones((1, 32, 32, 3), "float32")
    features = rescale_network(network, [dark])(white)["block1_conv1"]
    np.testing.assert_array_equal(features[..., 0], 2.0)


def test_pooling_can_be_chosen(photograph):
    average = build_network("lite", ["block1_pool"])(photograph[None])["block1_pool"]
    largest = build_network("lite", ["block1_pool"], pooling="max")(photograph[None])["block1_pool"]
    assert np.all(largest >= average - 1e-6)
    assert np.max(largest - average) > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg91",), "Did you mean 'vgg19'"),
        (("squeezenet",), "Did you mean 'squeezenet1_"),
        (("squeezenet1_1", ["pool4"]), "squeezenet1_1 has no layer 'pool4'. Did you mean 'pool"),
        (("lite", ["block4_con2"]), "no layer 'block4_con2'. Did you mean 'block4_conv2'"),
        (("vgg16", ["block3_conv4"]), "vgg16 has no layer"),
        (("lite", "block1_conv1"), r"must be a list of names, such as \['block1_conv1'\]"),
        (("lite", []), "at least one layer"),
        (("lite", ["color", "color"]), "none twice"),
    ],
)
def test_unknown_names_get_a_suggestion(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_network(*arguments)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        build_network("lite", weights=tmp_path / "nothing.npz")
    path = tmp_path / "other.npz"
    np.savez(path, block1_conv1_kernel=np.zeros((3, 3, 3, 99)), block1_conv1_bias=np.zeros(99))
    expected = r"other\.npz' does not hold weights for lite: the array block1_conv1_kernel must have shape "
    with pytest.raises(ValueError, match=expected + r"\(3, 3, 3, 16\); it has shape \(3, 3, 3, 99\)"):
        build_network("lite", weights=path)
    np.savez(path, block1_conv1_kernel=np.full((3, 3, 3, 16), np.nan), block1_conv1_bias=np.zeros(16))
    with pytest.raises(ValueError, match="block1_conv1_kernel must have finite numbers"):
        build_network("lite", weights=path)
    np.savez(path, block1_conv1_kernel=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        build_network("lite", weights=path)
    path = tmp_path / "weights.h5"
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save(path)
    for name in nets.NETWORKS:
        with pytest.raises(
            ValueError, match=rf"weights\.h5' does not hold weights for {name}: it must be an \.npz file"
        ):
            build_network(name, weights=path)
    with pytest.raises(ValueError, match=r'"squeezenet1_0" needs weights='):
        build_network("squeezenet1_0")
    with pytest.raises(ValueError, match="pooling must be one of average, max; got 'avg'"):
        build_network("lite", pooling="avg")


def test_offline_the_way_out_is_named(monkeypatch, tmp_path):
    def offline(*arguments, **options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r'not on this machine.*https://.*vgg19.*\.h5.*network="lite"'):
        build_network("vgg19")
