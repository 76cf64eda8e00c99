import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from keras import layers as kl

from nst_keras import build_network, layer_names, load_image, maximize_activation, receptive_field, resize, top_patches
from nst_keras.explore import MOST_PER_PICTURE
from nst_keras.losses import total_variation_loss
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


def test_fields_of_vgg_have_the_known_sizes():
    sizes = {"block1_conv1": 3, "block2_conv1": 10, "block3_conv1": 24, "block4_conv1": 68, "block5_conv1": 156}
    network = build_network("vgg19", weights="random")
    for layer, size in sizes.items():
        assert receptive_field(network, layer, (300, 301)).size == (size, size)
    network = build_network("vgg16", weights="random")
    assert receptive_field(network, "block5_conv3", (300, 300)).size == (196, 196)
    assert receptive_field(network, "block5_pool", (300, 300)).size == (212, 212)


@pytest.fixture(scope="module")
def network():
    return build_network("lite")


@pytest.fixture(scope="module")
def pictures():
    return [resize(load_image(ROOT / "images" / f"{name}.jpg"), (150, 200)) for name in ("cat", "mosaic", "coffee")]


@pytest.mark.parametrize("layer", ["block1_conv1", "block2_conv2", "block3_conv1", "block4_conv1"])
def test_a_patch_excites_its_unit_whatever_is_around_it(network, pictures, layer, rng):
    field = receptive_field(network, layer, pictures[0].shape)
    for unit, patches in top_patches(network, layer, pictures, [0, 9], count=3).items():
        assert len(patches) == 3
        for patch in patches:
            assert patch.image.shape == (*field.size, 3)
            np.testing.assert_array_equal(patch.image, pictures[patch.picture][field.pixels(*patch.position)])
            elsewhere = rng.uniform(size=pictures[0].shape).astype("float32")
            elsewhere[field.pixels(*patch.position)] = patch.image
            activation = network(elsewhere[None])[layer][(0, *patch.position, unit)]
            assert patch.activation == pytest.approx(float(activation), rel=1e-4)


def test_the_first_patch_is_the_strongest_and_those_of_a_picture_do_not_overlap(network, pictures):
    layer, units = "block2_conv2", range(32)
    field = receptive_field(network, layer, pictures[0].shape)
    inside = field.uncut()
    features = np.stack([network(picture[None])[layer][0][inside] for picture in pictures])
    found = top_patches(network, layer, pictures, units)
    assert any(found.values())
    for unit, patches in found.items():
        activations = [patch.activation for patch in patches]
        assert activations == sorted(activations, reverse=True)
        assert activations[0] == features[..., unit].max()
        for number in range(len(pictures)):
            positions = [patch.position for patch in patches if patch.picture == number]
            assert len(positions) <= MOST_PER_PICTURE
            seen = np.zeros(pictures[number].shape[:2], int)
            for position in positions:
                seen[field.pixels(*position)] += 1
            assert seen.max(initial=0) <= 1


def test_patches_do_not_change_the_picture_and_are_copies(network, pictures):
    before = pictures[0].copy()
    patch = top_patches(network, "block1_conv1", pictures[:1], [0])[0][0]
    patch.image[:] = 0
    np.testing.assert_array_equal(pictures[0], before)


def test_a_silent_unit_has_no_patches(pictures):
    network = build_network("lite", ["block1_conv1"])
    convolution = network.get_layer("block1_conv1")
    kernel, bias = convolution.get_weights()
    convolution.set_weights([kernel, bias - 1e6 * (np.arange(16) == 2)])
    assert top_patches(network, "block1_conv1", pictures, [2]) == {2: []}
    with pytest.raises(ValueError, match="unit 2 of block1_conv1 is silent on the noise"):
        maximize_activation(network, "block1_conv1", 2)


def test_activation_is_maximised_by_a_smooth_picture(network, pictures):
    """It excites the unit more than any photograph does on average, and varies less than noise."""
    layer, unit = "block3_conv4", 10
    picture = maximize_activation(network, layer, unit, size=48, iterations=10)
    assert picture.shape == (48, 48, 3)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() <= picture.max() <= 1
    answers = [float(np.mean(network(image[None])[layer][..., unit])) for image in (picture, *pictures)]
    assert answers[0] > 1.5 * max(answers[1:])
    noise = np.random.default_rng(0).uniform(size=(1, 48, 48, 3)).astype("float32")
    assert total_variation_loss(picture[None]) < total_variation_loss(noise) / 2
    again = maximize_activation(network, layer, unit, size=48, iterations=10)
    np.testing.assert_array_equal(picture, again)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda network: receptive_field(network, "block9", (64, 64)), "lite does not return 'block9', only color, b"),
        (lambda network: receptive_field(network, "block5_conv1", (12, 64)), r"shape \(12, 64\) is too small"),
        (lambda network: receptive_field(network, "color", (32, 32)).pixels(0, 32), r"shape \(32, 32\); got 0, 32"),
        (lambda network: top_patches(network, "block1_conv1", [], [16]), "one of the 16 channels of block1_conv1.*16"),
        (
            lambda network: top_patches(network, "block4_conv1", [np.zeros((64, 90, 3), "float32")], [0]),
            r"images\[0\] has shape \(64, 90, 3\), smaller than .* block4_conv1, 68×68 pixels",
        ),
        (lambda network: maximize_activation(network, "color", -1), "unit must be one of the 13 channels"),
        (lambda network: maximize_activation(network, "block5_conv1", 0, size=32), r"\(8, 8\) is too small"),
    ],
)
def test_errors_say_what_is_wrong(network, call, message):
    with pytest.raises(ValueError, match=message):
        call(network)


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
