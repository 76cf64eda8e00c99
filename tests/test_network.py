import keras
import numpy as np
import pytest
from conftest import ROOT

from nst_keras import load_image
from nst_keras import network as nets
from nst_keras.network import build_network, layer_names


def test_lite_has_the_layers_of_vgg19():
    reference = [layer.name for layer in keras.applications.VGG19(include_top=False, weights=None).layers[1:]]
    assert layer_names("lite") == layer_names("vgg19") == ["color", *reference]
    reference = [layer.name for layer in keras.applications.VGG16(include_top=False, weights=None).layers[1:]]
    assert layer_names("vgg16") == ["color", *reference]


@pytest.mark.parametrize("name", nets.NETWORKS)
def test_features_have_the_shapes_of_their_layers(name, rng):
    network = build_network(name, weights="random")
    features = network(rng.uniform(size=(2, 64, 96, 3)).astype("float32"))
    assert list(features) == layer_names(name)
    for layer, feature in features.items():
        assert feature.shape[0] == 2
        assert feature.shape[1] * 96 == feature.shape[2] * 64, layer
        assert np.isfinite(feature).all()
        assert float(np.min(feature)) >= 0
        assert float(np.std(feature)) > 0


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
    path = tmp_path / "weights.weights.h5"
    reference.save_weights(path)
    image = rng.uniform(size=(1, 48, 64, 3)).astype("float32")
    layers = ["block1_conv2", "block3_conv1", "block5_pool"]
    ours = build_network(name, layers, pooling="max", weights=path)(image)
    theirs = keras.Model(reference.input, {layer: reference.get_layer(layer).output for layer in layers})
    preprocess = getattr(keras.applications, name).preprocess_input
    for layer, expected in theirs(preprocess(image * 255)).items():
        np.testing.assert_allclose(ours[layer], expected, rtol=1e-3, atol=1e-3)


def test_calling_a_network_does_not_change_the_image(rng):
    image = rng.uniform(size=(1, 32, 32, 3)).astype("float32")
    before = image.copy()
    for name in nets.NETWORKS:
        build_network(name, layer_names(name)[:1], weights="random")(image)
    np.testing.assert_array_equal(image, before)


def test_filters_of_lite_have_mean_activation_one():
    """Measured once over many photographs; over four others it is about 1 on average, and no filter is dead."""
    network = build_network("lite")
    names = ("astronaut", "cat", "coffee", "rocket")
    features = [network(load_image(ROOT / "images" / f"{name}.jpg")[None]) for name in names]
    for layer in layer_names("lite"):
        if "conv" in layer:
            means = np.mean([np.mean(of_one[layer], axis=(0, 1, 2)) for of_one in features], axis=0)
            assert 0.5 < means.mean() < 2, layer
            assert (means > 0).mean() > 0.95, layer


def test_pooling_can_be_chosen(photograph):
    average = build_network("lite", ["block1_pool"])(photograph[None])["block1_pool"]
    largest = build_network("lite", ["block1_pool"], pooling="max")(photograph[None])["block1_pool"]
    assert np.all(largest >= average - 1e-6)
    assert np.max(largest - average) > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgg91",), "Did you mean 'vgg19'"),
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
    with pytest.raises(ValueError, match=r"other\.npz' does not hold weights for lite"):
        build_network("lite", weights=path)
    np.savez(path, block1_conv1_kernel=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        build_network("lite", weights=path)
    path = tmp_path / "damaged.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match="does not hold weights for vgg16"):
        build_network("vgg16", weights=path)
    with pytest.raises(ValueError, match=r"squeezenet.*needs weights="):
        build_network("squeezenet")
    with pytest.raises(ValueError, match='pooling must be "average" or "max"'):
        build_network("lite", pooling="avg")


def test_offline_the_way_out_is_named(monkeypatch):
    def offline(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG19", offline)
    with pytest.raises(ValueError, match=r'not on this machine.*https://.*vgg19.*\.h5.*network="lite"'):
        build_network("vgg19")
