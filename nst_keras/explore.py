"""What a network sees: receptive fields, the patches that excite a unit, and pictures made to excite it.

A unit is one channel of a layer: the same filter at every position (i, j) of the feature map.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from .image import resize
from .objective import Objective, Term, total_variation_term
from .optimize import Recorder, minimize

POINTWISE = {"InputLayer", "GetItem", "OnesLike", "Subtract", "Multiply", "TrueDivide", "Relu", "Concatenate"}
MOST_PER_PICTURE = 2
SCALES = 3
NOISE = 0.1  # standard deviation
EPSILON = 1e-3  # added to an activation before its logarithm is taken


class ReceptiveField(NamedTuple):
    """Which pixels of an image the positions of a layer see; pairs are (vertical, horizontal)."""

    size: tuple  # pixels that a position sees where no border cuts them off
    stride: tuple  # pixels from the field of one position to that of the next
    offset: tuple  # first pixel that position (0, 0) sees; negative if it lies outside the image, in the padding
    positions: tuple  # height and width of the feature map
    seen: tuple  # pixels that the layer sees at all: pooling may drop the last of an odd number

    def pixels(self, i, j):
        """What position (i, j) sees, as slices of rows and columns: `image[field.pixels(i, j)]`."""
        if not (0 <= i < self.positions[0] and 0 <= j < self.positions[1]):
            raise ValueError(f"i, j must be a position of a feature map of shape {self.positions}; got {i}, {j}.")
        first = np.add(self.offset, np.multiply((i, j), self.stride))
        end = np.minimum(first + self.size, self.seen)
        return tuple(map(slice, np.maximum(first, 0).tolist(), end.tolist()))

    def uncut(self):
        """The positions that see their full `size`, as slices of i and j: `features[field.uncut()]`."""
        starts = np.maximum(-(np.array(self.offset) // self.stride), 0)
        stops = (np.array(self.seen) - self.offset - self.size) // self.stride + 1
        return tuple(map(slice, starts.tolist(), np.maximum(starts, stops).tolist()))


def receptive_field(network, layer, shape):
    """The receptive field of a layer, exactly, from the kernels, strides and paddings of the layers before it.

    A layer with kernel k, stride s and padding p before the first position turns a field of size r, stride t and
    offset o into one of size r + (k − 1) t, stride s t and offset o − p t. Where branches join, the field is the
    smallest rectangle around theirs.

    Parameters
    ----------
    network : keras.Model
        From `build_network`.
    layer : str
        One of those it returns.
    shape : (height, width)
        Of the image: a layer of stride 2 with padding "same" pads an even size otherwise than an odd one.

    Returns
    -------
    ReceptiveField

    Raises
    ------
    ValueError
        The network does not return `layer`, the image is too small for it, or a kind of layer is not known here.

    Examples
    --------
    >>> from nst_keras import build_network
    >>> field = receptive_field(build_network("lite"), "block2_conv1", (32, 32))
    >>> field.size, field.stride, field.offset
    ((10, 10), (2, 2), (-4, -4))
    >>> field.pixels(0, 8)
    (slice(0, 6, None), slice(12, 22, None))
    """
    field = _field_of(_cut_off(network, layer).output[layer], shape[:2], {})
    if min(field.positions) < 1:
        raise ValueError(f"shape {tuple(shape[:2])} is too small: nothing is left of such an image at {layer}.")
    return ReceptiveField(*(tuple(pair.tolist()) for pair in field))


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


def _field_of(tensor, shape, known):
    """The field of one tensor of the graph, of those that it is made from; `known` are those already found."""
    if id(tensor) not in known:
        operation, node, _ = tensor._keras_history  # a layer may be called several times: one node for each
        inputs = [_field_of(tensor, shape, known) for tensor in operation._inbound_nodes[node].input_tensors]
        field = _joined(inputs) if inputs else ReceptiveField(*np.array([(1, 1), (1, 1), (0, 0), shape, shape]))
        known[id(tensor)] = field if type(operation).__name__ in POINTWISE else _through(operation, field)
    return known[id(tensor)]


def _joined(fields):
    offset = np.min([field.offset for field in fields], axis=0)
    end = np.max([field.offset + field.size for field in fields], axis=0)
    return fields[0]._replace(size=end - offset, offset=offset, seen=np.max([field.seen for field in fields], axis=0))


def _through(layer, field):
    kernel, stride, padding, positions = _window(layer, field.positions)
    size = field.size + (kernel - 1) * field.stride
    offset, stride = field.offset - padding * field.stride, stride * field.stride
    seen = np.minimum(field.seen, offset + (positions - 1) * stride + size)
    return ReceptiveField(size, stride, offset, positions, seen)


def _window(layer, positions):
    """Kernel, stride, padding before the first position, and positions of what comes out."""
    if isinstance(layer, kl.ZeroPadding2D):
        before, after = np.transpose(layer.padding)
        return 1, 1, before, before + positions + after
    if isinstance(layer, kl.Conv2D) and layer.dilation_rate == (1, 1):
        kernel = np.array(layer.kernel_size)
    elif isinstance(layer, (kl.MaxPooling2D, kl.AveragePooling2D)):
        kernel = np.array(layer.pool_size)
    else:
        raise ValueError(f"network: what {layer.name!r}, a {type(layer).__name__}, sees is not known here.")
    stride = np.array(layer.strides)
    if layer.padding == "valid":
        return kernel, stride, 0, (positions - kernel) // stride + 1
    windows = -(-positions // stride)
    return kernel, stride, np.maximum((windows - 1) * stride + kernel - positions, 0) // 2, windows


def _peaks(activations, field):
    """Positions of the strongest activations with uncut fields that do not overlap."""
    rows, columns = field.uncut()
    left = activations[rows, columns].copy()
    height, width = -(-np.array(field.size) // field.stride)  # as many positions further, fields do not overlap
    for _ in range(MOST_PER_PICTURE):
        i, j = np.unravel_index(left.argmax(), left.shape)
        if left[i, j] > 0:
            yield int(i) + rows.start, int(j) + columns.start
        left[max(0, i - height + 1) : i + height, max(0, j - width + 1) : j + width] = 0


def _cut_off(network, layer, units=()):
    if layer not in network.output:
        raise ValueError(f"layer: {network.name} does not return {layer!r}, only {', '.join(network.output)}.")
    channels = network.output[layer].shape[-1]
    for unit in units:
        if not 0 <= unit < channels:
            raise ValueError(f"unit must be one of the {channels} channels of {layer}, from 0; got {unit}.")
    return keras.Model(network.input, {layer: network.output[layer]}, name=network.name)
