"""What a network sees: the patches that excite a unit, and pictures made to excite it.

A unit is one channel of a layer: the same filter at every position (i, j) of the feature map.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..image import resize
from ..networks.receptive_fields import receptive_field, returned
from ..objective import Objective, Term, total_variation_term
from ..optimize import Recorder, minimize

MAX_PER_PICTURE = 2
SCALES = 3
NOISE = 0.1  # standard deviation
EPSILON = 1e-3  # added to an activation before its logarithm is taken


class Patch(NamedTuple):
    """What a unit saw where it was excited."""

    activation: float
    picture: int  # index
    position: tuple  # (i, j) in the feature map
    image: np.ndarray  # the receptive field of that position


def top_patches(network, layer, images, units, *, count=9):
    """The patches of `images` that excite each unit most, cut out at its receptive field.

    After Zeiler & Fergus 2013 (arXiv:1311.2901, figure 2), who had 50,000 pictures to choose from. With a few, all nine
    would be shifts of one edge: so a picture gives two patches at most, and they do not overlap. Positions whose
    field is cut off by the border do not count, for padding is an edge too, and one that nobody has drawn.

    Parameters
    ----------
    network, layer
        See `receptive_field`.
    images, units : sequences
        Image arrays of any sizes; channels of the layer, from 0.
    count : int
        Patches for each unit.

    Returns
    -------
    dict
        {unit: list of `Patch`, the strongest first}; fewer than `count` if a unit is silent everywhere else.

    Raises
    ------
    ValueError
        No such layer or unit, or a picture is smaller than the receptive field.
    """
    network = _cut_off(network, layer, units)
    fields = [receptive_field(network, layer, image.shape) for image in images]
    for number, field in enumerate(fields):
        if any(where.start == where.stop for where in field.uncut()):
            raise ValueError(
                f"images[{number}] has shape {images[number].shape}, smaller than the receptive field of {layer}, "
                f"{field.size[0]}×{field.size[1]} pixels; give larger pictures, or a layer that is less deep."
            )
    found = {unit: [] for unit in units}
    for number, (image, field) in enumerate(zip(images, fields, strict=True)):
        features = network(image[None])[layer][0].numpy()
        for unit in units:
            for i, j in _peaks(features[..., unit], field):
                patch = image[field.pixels(i, j)].copy()
                found[unit].append(Patch(float(features[i, j, unit]), number, (i, j), patch))
    return {unit: sorted(patches, key=lambda patch: -patch.activation)[:count] for unit, patches in found.items()}


def maximize_activation(network, layer, unit, *, size=96, tv_weight=3.0, iterations=40, seed=0):
    """A picture that excites a unit everywhere: activation maximisation.

    Minimises −log(mean activation over the positions) + tv_weight · `total_variation_loss`, from faint noise on grey,
    at three sizes, each twice the one before. Erhan et al. 2009 (Visualizing Higher-Layer Features of a Deep Network)
    maximise an activation, Simonyan et al. 2013 (arXiv:1312.6034) with a penalty on the image. The rest is not from
    a paper: the logarithm makes `tv_weight` independent of the unit's scale, and the mean over positions gives a
    texture. (A single position gives a spot of noise: the pixels at its centre count most.)

    Parameters
    ----------
    network, layer
        See `receptive_field`.
    unit, size : int
        Channel of the layer, from 0; height and width of the picture, in pixels.
    tv_weight : float
        0 gives glaring colours at every pixel, 20 pale shapes on grey.
    iterations, seed : int
        Iterations of L-BFGS at each size; seed of the noise.

    Returns
    -------
    image array (size, size, 3)

    Raises
    ------
    ValueError
        No such layer or unit, `size` is too small for it, or the unit is silent on the noise: its gradient is 0.
    """
    network = _cut_off(network, layer, [unit])
    sizes = [size // 2**level for level in reversed(range(SCALES))]
    receptive_field(network, layer, (sizes[0], sizes[0]))
    noise = np.random.default_rng(seed).normal(0.5, NOISE, (sizes[0], sizes[0], 3))
    image = np.clip(noise, 0, 1).astype("float32")
    if not np.any(network(image[None])[layer][..., unit]):
        raise ValueError(f"unit {unit} of {layer} is silent on the noise; try another seed, or a larger size.")

    def loss(image, features):
        return -tf.math.log(tf.reduce_mean(features[layer][..., unit]) + EPSILON)

    terms = [Term("activation", 1.0, loss), total_variation_term(tv_weight)]
    for side in sizes:
        recorder = Recorder(Objective(network, terms, (side, side)), resize(image, (side, side)), iterations)
        minimize(recorder)
        image = recorder.best_image
    return image


def _peaks(activations, field):
    """Positions of the strongest activations with uncut fields that do not overlap."""
    rows, columns = field.uncut()
    left = activations[rows, columns].copy()
    height, width = -(-np.array(field.size) // field.stride)  # as many positions further, fields do not overlap
    for _ in range(MAX_PER_PICTURE):
        i, j = np.unravel_index(left.argmax(), left.shape)
        if left[i, j] > 0:
            yield int(i) + rows.start, int(j) + columns.start
        left[max(0, i - height + 1) : i + height, max(0, j - width + 1) : j + width] = 0


def _cut_off(network, layer, units=()):
    features = returned(network, layer)
    for unit in units:
        if not 0 <= unit < features.shape[-1]:
            raise ValueError(f"unit must be one of the {features.shape[-1]} channels of {layer}, from 0; got {unit}.")
    return keras.Model(network.input, {layer: features}, name=network.name)
