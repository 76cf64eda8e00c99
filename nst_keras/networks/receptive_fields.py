"""Receptive fields: which pixels of an image the positions of a layer see, exactly."""

from typing import NamedTuple

import numpy as np
from keras import layers as kl

POINTWISE = {"InputLayer", "GetItem", "OnesLike", "Subtract", "Multiply", "TrueDivide", "Relu", "Concatenate", "Cast"}


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
    field = _field_of(returned(network, layer), shape[:2], {})
    if min(field.positions) < 1:
        raise ValueError(f"shape {tuple(shape[:2])} is too small: nothing is left of such an image at {layer}.")
    return ReceptiveField(*(tuple(pair.tolist()) for pair in field))


def returned(network, layer):
    """The features that a network returns for `layer`, as a tensor of its graph; or a `ValueError`."""
    if layer not in network.output:
        raise ValueError(f"layer: {network.name} does not return {layer!r}, only {', '.join(network.output)}.")
    return network.output[layer]


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
