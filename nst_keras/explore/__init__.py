"""What the units of a network respond to: Zeiler & Fergus 2013, arXiv:1311.2901.

A unit is one channel of a layer: the same filter at every position of the feature map.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..image import resize
from ..networks.receptive_fields import receptive_field, returned
from ..objective import Objective, Term, total_variation_term
from ..optimize import minimize
from ..results.recorder import Recorder
from ..support.types import ImageArray

__all__ = ["Patch", "maximize_activation", "receptive_field", "top_patches"]

MAX_PER_PICTURE = 2
SCALES = 3
NOISE = 0.1  # standard deviation
EPSILON = 1e-3  # added to an activation before its logarithm is taken


class Patch(NamedTuple):
    """The patch of an image that a unit sees at one position."""

    activation: float
    picture: int  # index of the image
    position: tuple[int, int]  # (i, j) in the feature map
    image: ImageArray  # the receptive field of that position


def top_patches(
    network: keras.Model, layer: str, images: Sequence[ImageArray], units: Sequence[int], *, count: int = 9
) -> dict[int, list[Patch]]:
    """Return {unit: the patches of `images` that excite it most, strongest first}, cut out at its receptive field.

    This follows Zeiler & Fergus 2013 (arXiv:1311.2901, figure 2), who choose from 50,000 pictures. Among a few
    pictures, all patches would be shifts of one edge; so a picture gives at most two patches, and they do not overlap.
    Positions whose field is cut off by the border do not count: the padding would look like an edge.

    For `network` and `layer` see `receptive_field`; `images` have any sizes not smaller than it, and `units` are
    channels of the layer, from 0. A unit that responds at too few places gets fewer than `count` patches.
    """
    network = _cut_off(network, layer, units)
    found = {unit: [] for unit in units}
    for number, image in enumerate(images):
        field = receptive_field(network, layer, image.shape)
        if any(where.start == where.stop for where in field.uncut()):
            raise ValueError(
                f"images[{number}] has shape {image.shape}, smaller than the receptive field of {layer}, "
                f"{field.size[0]}×{field.size[1]} pixels; give larger pictures, or a layer that is less deep."
            )
        features = network(image[None])[layer][0].numpy()
        for unit in units:
            for i, j in _peaks(features[..., unit], field):
                seen = image[field.pixels(i, j)].copy()
                found[unit].append(Patch(float(features[i, j, unit]), number, (i, j), seen))
    return {unit: sorted(patches, key=lambda patch: -patch.activation)[:count] for unit, patches in found.items()}


def maximize_activation(
    network: keras.Model, layer: str, unit: int, *, size: int = 96, tv_weight: float = 3.0, iterations: int = 40
) -> ImageArray:
    """Return a picture, (size, size, 3), that excites a unit everywhere: activation maximisation.

    It minimises −log(mean activation over the positions) + tv_weight · `total_variation_loss`, from faint noise on
    grey, at three sizes, each twice the one before. Erhan et al. 2009 (Visualizing Higher-Layer Features of a Deep
    Network) maximise an activation, Simonyan et al. 2013 (arXiv:1312.6034) with a penalty on the image. The rest is not
    from a paper: the logarithm makes `tv_weight` independent of the unit's scale, and the mean over positions gives a
    texture. (A single position gives a spot of noise: the pixels at its centre count most.) A unit that is silent on
    the noise has gradient 0, and raises a `ValueError`.

    For `network` and `layer` see `receptive_field`; `unit` is a channel of the layer, from 0. `size` is in pixels, and
    each of the three sizes takes `iterations` of L-BFGS. A `tv_weight` of 0 gives bright colours at every pixel, 20
    gives pale shapes on grey.
    """
    network = _cut_off(network, layer, [unit])
    sizes = [size // 2**level for level in reversed(range(SCALES))]
    receptive_field(network, layer, (sizes[0], sizes[0]))  # raises if the smallest size is too small
    noise = np.random.default_rng(0).normal(0.5, NOISE, (sizes[0], sizes[0], 3))
    image = np.clip(noise, 0, 1).astype("float32")
    if not np.any(network(image[None])[layer][..., unit]):
        raise ValueError(f"unit {unit} of {layer} is silent on the noise; try a larger size.")

    def loss(image, features):
        return -tf.math.log(tf.reduce_mean(features[layer][..., unit]) + EPSILON)

    terms = [Term("activation", 1.0, loss), total_variation_term(tv_weight)]
    for side in sizes:
        recorder = Recorder(Objective(network, terms, (side, side)), resize(image, (side, side)), iterations)
        minimize(recorder)
        image = recorder.best_image
    return image


def _peaks(activations, field):
    """Yield the positions of the strongest activations whose fields are whole and do not overlap."""
    rows, columns = field.uncut()
    left = activations[rows, columns].copy()
    height, width = -(-np.array(field.size) // field.stride)  # in positions: fields this far apart do not overlap
    for _ in range(MAX_PER_PICTURE):
        i, j = np.unravel_index(left.argmax(), left.shape)
        if left[i, j] > 0:
            yield int(i) + rows.start, int(j) + columns.start
        left[max(0, i - height + 1) : i + height, max(0, j - width + 1) : j + width] = 0


def _cut_off(network, layer, units):
    features = returned(network, layer)
    for unit in units:
        if not 0 <= unit < features.shape[-1]:
            raise ValueError(f"unit must be one of the {features.shape[-1]} channels of {layer}, from 0; got {unit}.")
    return keras.Model(network.input, {layer: features}, name=network.name)
