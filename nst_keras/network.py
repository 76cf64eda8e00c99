"""Networks: an image in, named feature maps out.

Every network is a `keras.Model`. It takes RGB images in [0, 1], shape (n, height, width, 3), and returns a dictionary
{layer name: features}; features have shape (n, h, w, channels) and are taken after the layer's ReLU. It ends at the
deepest layer that was asked for. Preprocessing (scales, means, the order of the colour channels) is part of the model.
"""

import os
from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np

from .networks.topologies import CHANNELS, CONVOLUTIONS, SQUEEZENETS, squeezenet_features, topology_layers, vgg_features
from .networks.weights import load_weights
from .support.checks import checked_name, suggestion
from .support.types import PathLike

VGG_LAYERS = ("block4_conv2",), ("color", *(f"block{i}_conv1" for i in range(1, 6)))
LAYERS = {  # network: content layers, style layers; VGG's are the paper's, and the colours for the style
    "lite": (("block3_conv2", "block4_conv2"), (*VGG_LAYERS[1], "block2_conv2", "block3_conv4", "block4_conv4")),
    "vgg19": VGG_LAYERS,
    "vgg16": VGG_LAYERS,
    "squeezenet1_0": (("fire5",), ("color", "conv1", "fire2", "fire4", "fire6", "fire8")),
    "squeezenet1_1": (("fire2",), ("color", "conv1", "fire3", "fire4", "fire5")),  # those of Stanford's CS231n
}
NETWORKS = (*CONVOLUTIONS, *SQUEEZENETS)
POOLING = dict.fromkeys(CONVOLUTIONS, "average") | dict.fromkeys(SQUEEZENETS, "max")
COLOR = "color"
COLOR_THRESHOLDS = (0.25, 0.5, 0.75)
VGG_MEANS = (103.939, 116.779, 123.68)  # means of ImageNet: blue, green, red
SQUEEZENET_MEANS = (104.0, 117.0, 123.0)


def build_network(
    name: str | keras.Model = "lite",
    layers: Sequence[str] | None = None,
    *,
    pooling: Literal["average", "max"] | None = None,
    weights: PathLike | Literal["random"] | None = None,
) -> keras.Model:
    """Build a network that returns the features of `layers`.

    Parameters
    ----------
    name
        A name, or a model that this function has built, which is then cut down to `layers`. The names:

        - `"lite"`: VGG19's sixteen convolutions and layer names, with 16, 32, 64, 128, 128 channels in the five
          blocks. Its weights come with the package. Every filter has mean activation 1 over photographs, as in
          the VGG that Gatys et al. rescaled (arXiv:1508.06576, section "Methods").
        - `"vgg19"`, `"vgg16"`: Simonyan & Zisserman (arXiv:1409.1556), with the weights of `keras.applications`,
          not rescaled. The weights are downloaded once, to `~/.keras/models`.
        - `"squeezenet1_0"`, `"squeezenet1_1"`: SqueezeNet (Iandola et al., arXiv:1602.07360) and its successor, which
          pools earlier. Both need `weights`. Their padding makes a map a little smaller than 1/2, 1/4, 1/8, 1/16 of
          the image: see `nst_keras.networks.topologies.squeezenet_features`.
    layers
        Names of the layers to return; all layers by default. See `layer_names`. Every network has one layer more
        than its paper: `"color"`, the colours of the image, see `color_features`.
    pooling
        Default: average pooling, which Gatys et al. recommend, but max pooling for SqueezeNet.
    weights
        An `.npz` file to use instead of the usual weights, or `"random"`: He initialisation with a fixed seed, for
        tests. Kernels have shape (height, width, in, out). The file needs every layer up to the deepest one asked for.

        - lite, VGG: keys `block1_conv1_kernel`, `block1_conv1_bias`, …
        - SqueezeNet: keys `conv1_w`, `conv1_b`, `fire2_squeeze1x1_w`, …, trained with Caffe's preprocessing
          (not torchvision's).

    Returns
    -------
    keras.Model
        (n, h, w, 3) float32 RGB in [0, 1] → {layer name: (n, h', w', channels)}.
    """
    check_layers(name, layers)
    check_network(name, pooling, weights)
    layers = layer_names(name) if layers is None else layers
    if isinstance(name, keras.Model):
        kept = {layer: features for layer, features in name.output.items() if layer in layers}
        return keras.Model(name.input, kept, name=name.name)
    image = keras.Input((None, None, 3), name="image")
    features = {COLOR: color_features(image)} | _features(name, image, POOLING[name] if pooling is None else pooling)
    network = keras.Model(image, {layer: values for layer, values in features.items() if layer in layers}, name=name)
    if weights != "random":
        load_weights(network, name, weights)
    network.trainable = False
    return network


def check_network(name: str | keras.Model, pooling: str | None, weights: PathLike | None) -> None:
    """Raise a `ValueError` unless network `name` can be built with these arguments; see `build_network`."""
    layer_names(name)
    if isinstance(name, keras.Model) and (pooling, weights) != (None, None):
        raise ValueError("pooling and weights belong to the names of networks; a model given as network has its own.")
    if pooling is not None:
        checked_name("pooling", pooling, ("average", "max"))
    if weights is None:
        if name in SQUEEZENETS:
            raise ValueError(f'network "{name}" needs weights= the path of an .npz file with its weights.')
    elif not isinstance(weights, (str, os.PathLike)) or (weights != "random" and not os.path.isfile(weights)):
        raise ValueError(f'weights must be "random" or the path of a file; there is no file {str(weights)!r}.')


def layer_names(name: str | keras.Model = "lite") -> list[str]:
    """Return the names of all layers of network `name`, shallow to deep."""
    if isinstance(name, keras.Model):
        if not isinstance(getattr(name, "output", None), dict):  # a Sequential that was never built has none
            raise ValueError(f"network {name.name!r} must return a dictionary {{layer name: features}}.")
        return list(name.output)
    checked_name("network", name, NETWORKS)
    return [COLOR, *topology_layers(name)]


def check_layers(name: str | keras.Model, layers: Sequence[str] | None, argument: str = "layers") -> None:
    """Raise a `ValueError` that names `argument` unless `layers` are different layers of network `name`, or None."""
    known = layer_names(name)
    if isinstance(layers, str):
        raise ValueError(f"{argument} must be a list of names, such as [{layers!r}]; got a string.")
    if layers is not None and (not layers or len({str(layer) for layer in layers}) < len(layers)):
        raise ValueError(f"{argument} must name at least one layer, and none twice; got {list(layers)}.")
    for layer in layers or ():
        if layer not in known:
            label = name.name if isinstance(name, keras.Model) else name
            hint = f"{suggestion(layer, known)} All: {', '.join(known)}."
            raise ValueError(f"{argument}: {label} has no layer {layer!r}.{hint}")


def color_features(image: keras.KerasTensor) -> keras.KerasTensor:
    """Return the colours of an image as 13 features: 1, R, G, B, and ReLU(R − t), ReLU(G − t), ReLU(B − t) for three t.

    The Gram matrix of these features holds the moments of the colours, and of the colours above each threshold. As a
    style layer it keeps the palette of a painting; the convolutions of a network respond to colour only weakly.
    """
    above = [keras.ops.relu(image - threshold) for threshold in COLOR_THRESHOLDS]
    return keras.ops.concatenate([keras.ops.ones_like(image[..., :1]), image, *above], axis=-1)


def _features(name, image, pooling):
    if name in SQUEEZENETS:
        return squeezenet_features(_caffe_preprocessing(image, SQUEEZENET_MEANS), name, pooling)
    x = lite_preprocessing(image) if name == "lite" else _caffe_preprocessing(image, VGG_MEANS)
    return vgg_features(x, CHANNELS[name], CONVOLUTIONS[name], pooling)


def lite_preprocessing(image: keras.KerasTensor) -> keras.KerasTensor:
    """Scale RGB in [0, 1] to mean 0 and deviation 1, roughly, as in lite's training."""
    return image * 4.0 - 2.0


def _caffe_preprocessing(image, bgr_means):
    """Turn RGB in [0, 1] into BGR · 255 minus the means of ImageNet, for networks that were trained in Caffe."""
    return image[..., ::-1] * 255.0 - np.asarray(bgr_means, "float32")
