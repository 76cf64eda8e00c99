"""Topologies: the layers of each network, as functions from a tensor to named feature maps."""

import zlib
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import keras
from keras import KerasTensor
from keras import layers as kl

CONVOLUTIONS = {"lite": (2, 2, 4, 4, 4), "vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}  # in each block
CHANNELS = {"lite": (16, 32, 64, 128, 128), "vgg19": (64, 128, 256, 512, 512), "vgg16": (64, 128, 256, 512, 512)}
SQUEEZENETS = {  # filters of conv1, their size, layers followed by a pool
    "squeezenet1_0": (96, 7, ("conv1", "fire4", "fire8")),
    "squeezenet1_1": (64, 3, ("conv1", "fire3", "fire5")),
}
FIRE_MODULES = {f"fire{i}": (16 * (i // 2), 64 * (i // 2)) for i in range(2, 10)}  # channels: squeeze, each expansion
CLASSES = 1000
Pooling: TypeAlias = Literal["average", "max"]
Features: TypeAlias = dict[str, KerasTensor]


def _convolution(x, filters, name, size=3, strides=1, padding="same"):
    seeded = keras.initializers.HeNormal(seed=zlib.crc32(name.encode()))
    return kl.Conv2D(filters, size, strides, padding, activation="relu", kernel_initializer=seeded, name=name)(x)


def topology_layers(name: str) -> list[str]:
    """Return the names of the layers of network `name`, shallow to deep."""
    names = []
    if name in SQUEEZENETS:
        for layer in ("conv1", *FIRE_MODULES):
            names += [layer, f"pool{layer[-1]}"] if layer in SQUEEZENETS[name][-1] else [layer]
        return [*names, "conv10"]
    for block, count in enumerate(CONVOLUTIONS[name], start=1):
        names += [f"block{block}_conv{i}" for i in range(1, count + 1)] + [f"block{block}_pool"]
    return names


def vgg_features(
    x: KerasTensor,
    channels: Sequence[int],
    convolutions: Sequence[int],
    pooling: Pooling,
    convolution: Callable = _convolution,
) -> Features:
    """Apply VGG's topology to tensor `x`; return {layer name: features}, shallow to deep.

    `convolution(x, filters, name)` builds one convolution with its ReLU; the default is 3×3, stride 1, padding "same".
    (Lite is trained with batch normalisation between the two.)
    """
    pool = kl.MaxPooling2D if pooling == "max" else kl.AveragePooling2D
    features = {}
    for block, (filters, count) in enumerate(zip(channels, convolutions, strict=True), start=1):
        for i in range(1, count + 1):
            x = features[f"block{block}_conv{i}"] = convolution(x, filters, f"block{block}_conv{i}")
        x = features[f"block{block}_pool"] = pool(2, name=f"block{block}_pool")(x)
    return features


def squeezenet_features(x: KerasTensor, name: str, pooling: Pooling) -> Features:
    """Apply SqueezeNet's topology (Iandola et al., arXiv:1602.07360) to tensor `x`; return {layer name: features}.

    The padding is that of the authors' Caffe files: conv1 has no padding, the 3×3 expansions have one pixel of zeros,
    and the last window of a pool may reach over the border, see `ceil_pooling`. Maps therefore have a little less than
    H/2, H/4, H/8, H/16 rows, and begin further from the border; docs/networks.md says how far.

    conv10 is the classifier: its mean over the positions, those of fire9, gives the scores of 1000 classes. (Caffe's
    file of 1.0 pads conv10 by one pixel more, which only adds a constant to each class.)
    """
    filters, size, pooled = SQUEEZENETS[name]
    features = {}
    for layer in ("conv1", *FIRE_MODULES):
        x = _fire_module(x, layer) if layer in FIRE_MODULES else _convolution(x, filters, layer, size, 2, "valid")
        features[layer] = x
        if layer in pooled:
            x = features[f"pool{layer[-1]}"] = ceil_pooling(x, pooling)
    features["conv10"] = _convolution(x, CLASSES, "conv10", size=1)
    return features


def ceil_pooling(x: KerasTensor, pooling: Pooling) -> KerasTensor:
    """Pool 3×3 windows with stride 2, as Caffe's "ceil mode" does: n positions become ⌊n/2⌋, and none is left out.

    If n is even, the last window reaches one row or column over the border. After a ReLU the zeros there change no
    maximum; an average is taken over the positions inside.
    """
    padded = kl.ZeroPadding2D(((0, 1), (0, 1)))
    if pooling == "max":
        return kl.MaxPooling2D(3, 2)(padded(x))
    mean = kl.AveragePooling2D(3, 2)
    return mean(padded(x)) / mean(padded(keras.ops.ones_like(x[..., :1])))


def _fire_module(x, name):
    squeeze, expand = FIRE_MODULES[name]
    x = _convolution(x, squeeze, f"{name}_squeeze1x1", size=1)
    branches = [_convolution(x, expand, f"{name}_expand{side}x{side}", size=side) for side in (1, 3)]
    return kl.Concatenate(name=name)(branches)
