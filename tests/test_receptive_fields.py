"""Receptive fields are the pixels by which a position changes, to the pixel."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from nst_keras import build_network, layer_names
from nst_keras.explore import receptive_field
from nst_keras.network import NETWORKS


def positive(network):
    """Random positive kernels: with average pooling every pixel in the field has a gradient above 0."""
    rng = np.random.default_rng(5)
    for layer in network.layers:
        if isinstance(layer, kl.Conv2D):
            kernel = rng.uniform(0.5, 1, layer.get_weights()[0].shape)
            layer.set_weights([kernel / kernel.sum(axis=(0, 1, 2)), np.zeros(kernel.shape[-1])])
    return network


def footprint(network, layer, shape, i, j):
    """The pixels by which position (i, j) changes: the gradient is not 0."""
    image = tf.ones((1, *shape, 3))
    with tf.GradientTape() as tape:
        tape.watch(image)
        activation = tf.reduce_sum(network(image)[layer][0, i, j])
    return np.any(tape.gradient(activation, image)[0] != 0, axis=-1)


def check_footprints(network, layer, shape):
    network = keras.Model(network.input, {layer: network.output[layer]})
    field = receptive_field(network, layer, shape)
    assert field.positions == network.compute_output_shape((1, *shape, 3))[layer][1:3]
    height, width = field.positions
    for i, j in {(0, 0), (height - 1, width - 1), (height // 2, width // 2), (height // 3, width - 1), (0, width // 2)}:
        expected = np.zeros(shape, bool)
        expected[field.pixels(i, j)] = True
        np.testing.assert_array_equal(footprint(network, layer, shape, i, j), expected, f"{layer} at {i}, {j}")
    inside = field.uncut()
    for i, j in np.ndindex(height, width):
        rows, columns = field.pixels(i, j)
        whole = (rows.stop - rows.start, columns.stop - columns.start) == field.size
        assert whole == (inside[0].start <= i < inside[0].stop and inside[1].start <= j < inside[1].stop)


@pytest.mark.parametrize(
    "layer", ["color", "block1_conv1", "block1_pool", "block2_conv2", "block3_pool", "block4_conv2"]
)
@pytest.mark.parametrize("shape", [(64, 96), (61, 71)])
def test_field_of_lite_is_its_footprint(layer, shape):
    check_footprints(positive(build_network("lite")), layer, shape)


@pytest.mark.parametrize("layer", ["conv1", "pool1", "fire2", "fire4", "fire5"])
@pytest.mark.parametrize("shape", [(64, 97), (62, 75)])
def test_field_of_squeezenet_is_its_footprint(layer, shape):
    for name in NETWORKS:
        if name.startswith("squeezenet"):
            network = build_network(name, pooling="average", weights="random")
            check_footprints(positive(network), layer, shape)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_field_of_branches_strides_and_paddings_is_its_footprint(padding):
    image = keras.Input((None, None, 3))
    x = kl.ZeroPadding2D(((2, 0), (1, 3)))(image)
    x = kl.Conv2D(2, (3, 5), 2, padding=padding)(x)
    x = kl.AveragePooling2D(2)(x)
    wide = kl.Conv2D(2, 3, padding="same")(x)
    twice = kl.Conv2D(2, 3, padding="same")
    joined = kl.Concatenate()([kl.Conv2D(2, 1)(x), twice(twice(wide))])
    network = positive(keras.Model(image, {"joined": joined}))
    for shape in [(40, 43), (45, 38)]:
        check_footprints(network, "joined", shape)


@pytest.mark.parametrize("narrow_first", [True, False])
def test_a_field_goes_as_far_as_the_branch_that_sees_most(narrow_first):
    """Of eight rows, a stride of 2 leaves the last one out, and a pooling does not."""
    image = keras.Input((None, None, 3))
    branches = [kl.Conv2D(3, 1, 2)(image), kl.AveragePooling2D(2)(image)]
    network = keras.Model(image, {"joined": kl.Concatenate()(branches if narrow_first else branches[::-1])})
    check_footprints(positive(network), "joined", (8, 10))


def test_fields_of_vgg_have_the_known_sizes():
    sizes = {"block1_conv1": 3, "block2_conv1": 10, "block3_conv1": 24, "block4_conv1": 68, "block5_conv1": 156}
    network = build_network("vgg19", weights="random")
    for layer, size in sizes.items():
        assert receptive_field(network, layer, (300, 301)).size == (size, size)
    network = build_network("vgg16", weights="random")
    assert receptive_field(network, "block5_conv3", (300, 300)).size == (196, 196)
    assert receptive_field(network, "block5_pool", (300, 300)).size == (212, 212)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda network: receptive_field(network, "block9", (64, 64)), "lite does not return 'block9', only color, b"),
        (lambda network: receptive_field(network, "block5_conv1", (12, 64)), r"shape \(12, 64\) is too small"),
        (lambda network: receptive_field(network, "color", (32, 32)).pixels(0, 32), r"shape \(32, 32\); got 0, 32"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(build_network("lite"))


@pytest.mark.parametrize("layer", [kl.UpSampling2D(name="last"), kl.Conv2D(2, 3, dilation_rate=2, name="last")])
def test_an_unknown_layer_is_not_guessed(layer):
    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match=r"what 'last', a .*2D, sees is not known"):
        receptive_field(keras.Model(image, {"last": layer(image)}), "last", (32, 32))


def test_every_layer_of_every_network_has_a_field():
    for name in NETWORKS:
        network = build_network(name, weights="random")
        sizes = [receptive_field(network, layer, (64, 64)).size for layer in layer_names(name)]
        assert sizes == sorted(sizes)
