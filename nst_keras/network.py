"""Networks: an image in, named feature maps out.

Every network here is a `keras.Model` that takes RGB images in [0, 1], shape (n, height, width, 3), and returns
a dictionary {layer name: features}, features of shape (n, h, w, channels), taken after the layer's ReLU. It is
cut off behind the deepest layer asked for, so nothing is computed that nobody reads. Preprocessing (scales,
means, the order of the colour channels) is part of the model and exists nowhere else.
"""

import contextlib
import os

import keras
import numpy as np

from .image import load_image
from .networks.topologies import (
    CHANNELS,
    CONVOLUTIONS,
    SQUEEZENETS,
    squeezenet_features,
    squeezenet_layers,
    vgg_features,
    vgg_layers,
)
from .networks.weights import load_weights
from .support.checks import checked_name, suggestion

NETWORKS = (*CONVOLUTIONS, *SQUEEZENETS)
POOLING = dict.fromkeys(CONVOLUTIONS, "average") | dict.fromkeys(SQUEEZENETS, "max")
COLOR = "color"
COLOR_THRESHOLDS = (0.25, 0.5, 0.75)
VGG_MEANS = (103.939, 116.779, 123.68)  # of ImageNet; blue, green, red
SQUEEZENET_MEANS = (104.0, 117.0, 123.0)


def build_network(name="lite", layers=None, *, pooling=None, weights=None, precision="float32"):
    """Build a network that returns the features of `layers`.

    Parameters
    ----------
    name : str or keras.Model
        A model that this function has built is cut down to `layers`. Names:

        - `"lite"`: VGG19's sixteen convolutions and layer names, with 16, 32, 64, 128, 128 channels in the five
          blocks. Its weights come with the package. Every filter has mean activation 1 over photographs, as
          Gatys et al. rescaled their VGG (arXiv:1508.06576, section "Methods").
        - `"vgg19"`, `"vgg16"`: Simonyan & Zisserman (arXiv:1409.1556), weights of `keras.applications`, not
          rescaled. They are downloaded once, to `~/.keras/models`.
        - `"squeezenet1_0"`, `"squeezenet1_1"`: SqueezeNet (Iandola et al., arXiv:1602.07360) and its successor, which
          pools earlier; they need `weights=` a file. Padded as their authors did, so that a map is a little smaller
          than 1/2, 1/4, 1/8, 1/16 of the image: see `nst_keras.networks.topologies.squeezenet_features`.
    layers : sequence of str, optional
        Names of the layers to return; all layers if not given. See `layer_names`. Every network has one more
        than its paper: `"color"`, the image's own colours, see `color_features`.
    pooling : {"average", "max"}, optional
        Default: average (recommended by Gatys et al.), but max for SqueezeNet.
    weights : path or "random", optional
        A file to use instead of the usual weights.

        - lite: `.npz` with keys `block1_conv1_kernel`, `block1_conv1_bias`, …
        - VGG: `.h5` in the layout of `keras.applications`.
        - SqueezeNet: `.npz` with keys `conv1_w`, `conv1_b`, `fire2_squeeze1x1_w`, …, kernels (height, width, in,
          out), made for Caffe's preprocessing (not torchvision's); or `.h5` by Keras 1 or 2, such as the public file of
          1.1, `squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5` of rcmalli/keras-squeezenet. Reading that very
          file is untested.
        - `"random"`: He initialisation from a fixed seed, to test with.

        Only layers that are needed must be in the file: files without a classifier lack `conv10`.
    precision : {"float32", "bfloat16"}
        Of the convolutions. bfloat16 has 8 bits of precision: about half the time on processors that calculate with it,
        and half the memory. What is returned is float32, so that Gram matrices and losses are.

    Returns
    -------
    keras.Model
        (n, h, w, 3) float32 RGB in [0, 1] → {layer name: (n, h', w', channels)}.

    Raises
    ------
    ValueError
        Unknown network, layer or pooling; a weights file that is missing or does not fit.
    """
    check_layers(name, layers)
    check_network(name, pooling, weights)
    layers = layer_names(name) if layers is None else layers
    if isinstance(name, keras.Model):
        kept = {layer: features for layer, features in name.output.items() if layer in layers}
        return keras.Model(name.input, kept, name=name.name)
    pooling = POOLING[name] if pooling is None else pooling
    image = keras.Input((None, None, 3), name="image")
    with dtype_policy("mixed_bfloat16" if precision == "bfloat16" else keras.config.dtype_policy()):
        features = _features(name, image, pooling)
    if precision != "float32":
        features = {layer: keras.ops.cast(values, "float32") for layer, values in features.items()}
    features = {COLOR: color_features(image)} | features
    network = keras.Model(image, {layer: values for layer, values in features.items() if layer in layers}, name=name)
    if weights != "random":
        load_weights(network, name, weights)
    network.trainable = False
    return network


@contextlib.contextmanager
def dtype_policy(policy):
    """Keras layers made meanwhile have this policy: "mixed_bfloat16" calculates so, but its weights are float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def rescale_network(network, photographs):
    """The same network with every filter's mean activation scaled to 1: F_i / mean F_i, as in arXiv:1508.06576.

    Gatys et al. did it to VGG's weights (section "Methods"): a filter divided by its mean, its channel in the next
    layer's kernels multiplied by it. ReLU and pooling let positive factors pass, so nothing changes but the scale of
    what is returned, and scaling what is returned is all that is done here.

    Parameters
    ----------
    network : keras.Model
        From `build_network`.
    photographs : list of paths, PIL images or arrays
        See `load_image`. The mean is taken over the positions of each, and over photographs.

    Returns
    -------
    keras.Model
        Returns the same layers. `"color"` is left as it is, and so is a filter that no photograph activates. A pooling
        layer is scaled as any other: by its own mean, which for average pooling is that of the layer before it.

    Raises
    ------
    ValueError
        No list, or one of the photographs cannot be read.
    """
    if not isinstance(photographs, (list, tuple)) or not photographs:
        raise ValueError(f"photographs must be a list of at least one picture; got {photographs!r}.")
    images = [load_image(photograph, name=f"photographs[{i}]") for i, photograph in enumerate(photographs)]
    means = dict.fromkeys((layer for layer in network.output if layer != COLOR), 0.0)
    for image in images:
        features = network(image[None])
        for layer in means:
            means[layer] += np.mean(features[layer], axis=(0, 1, 2), dtype="float64") / len(images)
    rescaled = dict(network.output)
    for layer, mean in means.items():
        rescaled[layer] = rescaled[layer] / np.where(mean > 0, mean, 1).astype("float32")
    rescaled = keras.Model(network.input, rescaled, name=network.name)
    rescaled.trainable = False
    return rescaled


def check_network(name, pooling, weights):
    """Raise a `ValueError` unless network `name` can be built with these; see `build_network`."""
    layer_names(name)
    if isinstance(name, keras.Model) and (pooling, weights) != (None, None):
        raise ValueError("pooling and weights belong to the names of networks; a model given as network has its own.")
    if pooling is not None:
        checked_name("pooling", pooling, ("average", "max"))
    if weights is None:
        if name in SQUEEZENETS:
            raise ValueError(f'network "{name}" needs weights= the path of an .npz or .h5 file with its weights.')
    elif not isinstance(weights, (str, os.PathLike)) or (weights != "random" and not os.path.isfile(weights)):
        raise ValueError(f'weights must be "random" or the path of a file; there is no file {str(weights)!r}.')


def layer_names(name="lite"):
    """Names of all layers that network `name` can return, shallow to deep."""
    if isinstance(name, keras.Model):
        if not isinstance(name.output, dict):
            raise ValueError(f"network {name.name!r} must return a dictionary {{layer name: features}}.")
        return list(name.output)
    checked_name("network", name, NETWORKS)
    return [COLOR, *(squeezenet_layers(name) if name in SQUEEZENETS else vgg_layers(name))]


def check_layers(name, layers, argument="layers"):
    """Raise a `ValueError` that names `argument` unless `layers` (None: all) are different layers of network `name`."""
    known = layer_names(name)
    if isinstance(layers, str):
        raise ValueError(f"{argument} must be a list of names, such as [{layers!r}]; got a string.")
    if layers is not None and (not layers or len({str(layer) for layer in layers}) < len(layers)):
        raise ValueError(f"{argument} must name at least one layer, and none twice; got {list(layers)}.")
    for layer in layers or ():
        if layer not in known:
            label = name.name if isinstance(name, keras.Model) else name
            raise ValueError(
                f"{argument}: {label} has no layer {layer!r}.{suggestion(layer, known)} All: {', '.join(known)}."
            )


def color_features(image):
    """The image's own colours as a feature map: 1, R, G, B, and ReLU(R − t), ReLU(G − t), ReLU(B − t) for three t.

    The Gram matrix of these 13 channels holds the moments of the colours and of the colours above each threshold:
    as a style layer it keeps a painting's palette, which the convolutions of a network see only dimly.
    """
    above = [keras.ops.relu(image - threshold) for threshold in COLOR_THRESHOLDS]
    return keras.ops.concatenate([keras.ops.ones_like(image[..., :1]), image, *above], axis=-1)


def _features(name, image, pooling):
    if name == "lite":
        return vgg_features(lite_preprocessing(image), CHANNELS[name], CONVOLUTIONS[name], pooling)
    if name in SQUEEZENETS:
        return squeezenet_features(_caffe_preprocessing(image, SQUEEZENET_MEANS), name, pooling)
    x = _caffe_preprocessing(image, VGG_MEANS)
    return vgg_features(x, CHANNELS[name], CONVOLUTIONS[name], pooling)


def lite_preprocessing(image):
    """RGB in [0, 1] → about mean 0 and deviation 1, as lite was trained."""
    return image * 4.0 - 2.0


def _caffe_preprocessing(image, bgr_means):
    """RGB in [0, 1] → BGR·255 minus the means of ImageNet, as networks trained in Caffe expect."""
    return image[..., ::-1] * 255.0 - np.asarray(bgr_means, "float32")
