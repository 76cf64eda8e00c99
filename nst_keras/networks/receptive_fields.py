"""Receptive fields: the pixels of an image that a position of a layer sees, exactly."""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers as kl

from ..support.types import Shape

POINTWISE = {"InputLayer", "GetItem", "OnesLike", "Subtract", "Multiply", "TrueDivide", "Relu", "Concatenate"}
POOLS = (kl.MaxPooling2D, kl.AveragePooling2D)


class ReceptiveField(NamedTuple):
    """The pixels of an image that the positions of a layer see; pairs are (vertical, horizontal)."""

    size: tuple[int, int]  # pixels that a position sees if no border cuts its field off
    stride: tuple[int, int]  # pixels from the field of one position to that of the next
    offset: tuple[int, int]  # first pixel that position (0, 0) sees; negative in the padding outside the image
    positions: tuple[int, int]  # height and width of the feature map
    seen: tuple[int, int]  # pixels that the layer sees at all: pooling may drop the last row or column

    def pixels(self, i: int, j: int) -> tuple[slice, slice]:
        """Return the pixels that position (i, j) sees, as slices: `image[field.pixels(i, j)]`."""
        if not (0 <= i < self.positions[0] and 0 <= j < self.positions[1]):
            raise ValueError(f"i, j must be a position of a feature map of shape {self.positions}; got {i}, {j}.")
        first = np.add(self.offset, np.multiply((i, j), self.stride))
        end = np.minimum(first + self.size, self.seen)
        return tuple(map(slice, np.maximum(first, 0).tolist(), end.tolist()))

    def uncut(self) -> tuple[slice, slice]:
        """Return the positions whose field lies inside the image, as slices: `features[field.uncut()]`."""
        starts = np.maximum(-(np.array(self.offset) // self.stride), 0)
        stops = (np.array(self.seen) - self.offset - self.size) // self.stride + 1
        return tuple(map(slice, starts.tolist(), np.maximum(starts, stops).tolist()))


def receptive_field(network: keras.Model, layer: str, shape: Shape) -> ReceptiveField:
    """Return the receptive field of a layer, from the kernels, strides and paddings of the layers before it.

    A layer with kernel k, stride s and padding p before the first position turns a field of size r, stride t and
    offset o into one of size r + (k − 1) t, stride s t and offset o − p t. Where branches join, the field is the
    smallest rectangle around the fields of the branches.

    `layer` is one that the network returns; `shape` is (height, width) of the image, since stride 2 with padding "same"
    pads even and odd sizes differently.

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


def returned(network: keras.Model, layer: str) -> keras.KerasTensor:
    """Return the tensor of a network's graph that holds the features of `layer`, or raise a `ValueError`."""
    if layer not in network.output:
        raise ValueError(f"layer: {network.name} does not return {layer!r}, only {', '.join(network.output)}.")
    return network.output[layer]


def _field_of(tensor, shape, known):
    """Return the field of a tensor of the graph; `known` holds the fields so far."""
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
    """Return the field after a layer, from the field before it."""
    if isinstance(layer, kl.ZeroPadding2D):
        padding, after = np.transpose(layer.padding)
        kernel, stride, positions = 1, 1, padding + field.positions + after
    elif isinstance(layer, POOLS) or (isinstance(layer, kl.Conv2D) and layer.dilation_rate == (1, 1)):
        kernel = np.array(layer.pool_size if isinstance(layer, POOLS) else layer.kernel_size)
        stride = np.array(layer.strides)
        if layer.padding == "valid":
            padding, positions = 0, (field.positions - kernel) // stride + 1
        else:
            positions = -(-field.positions // stride)
            padding = np.maximum((positions - 1) * stride + kernel - field.positions, 0) // 2
    else:
        raise ValueError(f"network: what {layer.name!r}, a {type(layer).__name__}, sees is not known here.")
    size, offset = field.size + (kernel - 1) * field.stride, field.offset - padding * field.stride
    stride = stride * field.stride
    seen = np.minimum(field.seen, offset + (positions - 1) * stride + size)
    return ReceptiveField(size, stride, offset, positions, seen)
