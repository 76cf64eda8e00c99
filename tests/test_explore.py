import numpy as np
import pytest
from conftest import ROOT

from nst_keras import build_network, load_image, resize
from nst_keras.explore import MAX_PER_PICTURE, maximize_activation, receptive_field, top_patches
from nst_keras.losses import total_variation_loss


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
            assert len(positions) <= MAX_PER_PICTURE
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
