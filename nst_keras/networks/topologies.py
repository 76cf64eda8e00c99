"""Topologies: the layers of each network, as functions that take a tensor and return named feature maps.

VGG keeps the image's proportions: its convolutions are padded, and each pool halves. SqueezeNet was published with
less padding, and its maps sit elsewhere: see `squeezenet_features`.
"""

import zlib

import keras
from keras import layers as kl

CONVOLUTIONS = {"lite": (2, 2, 4, 4, 4), "vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}  # in each block
CHANNELS = {"lite": (16, 32, 64, 128, 128), "vgg19": (64, 128, 256, 512, 512), "vgg16": (64, 128, 256, 512, 512)}
SQUEEZENETS = {  # filters of conv1, their size, layers with a pool behind them
    "squeezenet1_0": (96, 7, ("conv1", "fire4", "fire8")),
    "squeezenet1_1": (64, 3, ("conv1", "fire3", "fire5")),
}
FIRE_MODULES = {f"fire{i}": (16 * (i // 2), 64 * (i // 2)) for i in range(2, 10)}  # channels: squeeze, each expansion
CLASSES = 1000


def vgg_layers(name):
    """Names of the layers of lite or a VGG, shallow to deep."""
    names = []
    for block, count in enumerate(CONVOLUTIONS[name], start=1):
        names += [f"block{block}_conv{i}" for i in range(1, count + 1)] + [f"block{block}_pool"]
    return names


def vgg_features(x, channels, convolutions, pooling, convolution=None):
    """VGG's topology applied to tensor `x`: {layer name: features}, shallow to deep.

    `convolution(x, filters, name)` builds one convolution with its ReLU; the default is 3×3, stride 1, padding
    "same". (Training lite puts batch normalisation in between.)
    """
    convolution = convolution or _convolution
    pool = kl.MaxPooling2D if pooling == "max" else kl.AveragePooling2D
    features = {}
    for block, (filters, count) in enumerate(zip(channels, convolutions, strict=True), start=1):
        for i in range(1, count + 1):
            x = features[f"block{block}_conv{i}"] = convolution(x, filters, f"block{block}_conv{i}")
        x = features[f"block{block}_pool"] = pool(2, name=f"block{block}_pool")(x)
    return features


def squeezenet_layers(name):
    """Names of the layers of a SqueezeNet, shallow to deep."""
    names = []
    for layer in ("conv1", *FIRE_MODULES):
        names += [layer, _pool_behind(layer)] if layer in SQUEEZENETS[name][-1] else [layer]
    return [*names, "conv10"]


def squeezenet_features(x, name, pooling):
    """SqueezeNet's topology (Iandola et al., arXiv:1602.07360) applied to tensor `x`: {layer name: features}.

    Padded exactly as in the authors' Caffe files: conv1 has no padding, the 3×3 expansions have one pixel of zeros,
    and a pool's last window may reach over the border, see `ceil_pooling`. So a map has a little less than 1/2, 1/4,
    1/8, 1/16 of the image's H pixels, and stands further from the border:

    | layers of 1.0 | of 1.1 | positions in 1.0, 1.1 | position i is centred on pixel (1.0, 1.1) |
    |---|---|---|---|
    | conv1 | conv1 | ⌊(H − 5)/2⌋, ⌊(H − 1)/2⌋ | 2i + 3, 2i + 1 |
    | pool1, fire2–4 | pool1, fire2–3 | ⌊(H − 5)/4⌋, ⌊(H − 1)/4⌋ | 4i + 5, 4i + 3 |
    | pool4, fire5–8 | pool3, fire4–5 | ⌊(H − 5)/8⌋, ⌊(H − 1)/8⌋ | 8i + 9, 8i + 7 |
    | pool8, fire9 | pool5, fire6–9 | ⌊(H − 5)/16⌋, ⌊(H − 1)/16⌋ | 16i + 17, 16i + 15 |

    conv10, the classifier's 1000 classes, has fire9's positions; its mean over them is the classes' scores. (In Caffe's
    file of 1.0 it has one pixel of padding more, which only adds a constant to each class.)
    """
    filters, size, pooled = SQUEEZENETS[name]
    features = {}
    for layer in ("conv1", *FIRE_MODULES):
        if layer == "conv1":
            x = _convolution(x, filters, layer, size=size, strides=2, padding="valid")
        else:
            x = _fire_module(x, layer)
        features[layer] = x
        if layer in pooled:
            x = features[_pool_behind(layer)] = ceil_pooling(x, pooling)
    features["conv10"] = _convolution(x, CLASSES, "conv10", size=1)
    return features


def ceil_pooling(x, pooling):
    """3×3 pooling with stride 2 in Caffe's "ceil mode": n positions become ⌊n/2⌋, and none is left out.

    Where n is even the last window reaches one row or column over the border. After a ReLU zeros there change no
    maximum; an average is taken over what lies inside.
    """
    inside = kl.ZeroPadding2D(((0, 1), (0, 1)))
    if pooling == "max":
        return kl.MaxPooling2D(3, 2)(inside(x))
    mean = kl.AveragePooling2D(3, 2)
    return mean(inside(x)) / mean(inside(keras.ops.ones_like(x[..., :1])))


def _pool_behind(layer):
    return f"pool{layer[-1]}"


def _fire_module(x, name):
    squeeze, expand = FIRE_MODULES[name]
    x = _convolution(x, squeeze, f"{name}_squeeze1x1", size=1)
    small = _convolution(x, expand, f"{name}_expand1x1", size=1)
    large = _convolution(x, expand, f"{name}_expand3x3", size=3)
    return kl.Concatenate(name=name)([small, large])


def _convolution(x, filters, name, size=3, strides=1, padding="same"):
    return kl.Conv2D(
        filters,
        size,
        strides,
        padding=padding,
        activation="relu",
        kernel_initializer=keras.initializers.HeNormal(seed=zlib.crc32(name.encode())),
        name=name,
    )(x)
