"""Networks: an image in, named feature maps out.

Every network here is a `keras.Model` that takes RGB images in [0, 1], shape (n, height, width, 3), and returns
a dictionary {layer name: features}, features of shape (n, h, w, channels), taken after the layer's ReLU. It is
cut off behind the deepest layer asked for, so nothing is computed that nobody reads. Preprocessing (scales,
means, the order of the colour channels) is part of the model and exists nowhere else.
"""

import difflib
import os
import zlib
from pathlib import Path

import keras
import numpy as np
from keras import layers as kl

NETWORKS = ("lite", "vgg19", "vgg16", "squeezenet")
CONVOLUTIONS = {"lite": (2, 2, 4, 4, 4), "vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
CHANNELS = {
    "lite": (16, 32, 64, 128, 128),
    "vgg19": (64, 128, 256, 512, 512),
    "vgg16": (64, 128, 256, 512, 512),
}
POOLING = {"lite": "average", "vgg19": "average", "vgg16": "average", "squeezenet": "max"}
FIRE_MODULES = {  # squeeze channels, channels of each of the two expansions
    "fire2": (16, 64),
    "fire3": (16, 64),
    "fire4": (32, 128),
    "fire5": (32, 128),
    "fire6": (48, 192),
    "fire7": (48, 192),
    "fire8": (64, 256),
    "fire9": (64, 256),
}
COLOR = "color"
COLOR_THRESHOLDS = (0.25, 0.5, 0.75)
LITE_WEIGHTS = Path(__file__).parent / "weights" / "lite.npz"
VGG_WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{0}/{1}"
VGG_WEIGHTS_FILE = "{0}_weights_tf_dim_ordering_tf_kernels_notop.h5"


def build_network(name="lite", layers=None, *, pooling=None, weights=None):
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
        - `"squeezenet"`: SqueezeNet 1.0 (Iandola et al., arXiv:1602.07360); needs `weights=` a file. Padding is
          "same" everywhere, so that each feature map is exactly 1/2, 1/4, 1/8, 1/16 of the image; the original
          pads less.
    layers : sequence of str, optional
        Names of the layers to return; all layers if not given. See `layer_names`. Every network has one more
        than its paper: `"color"`, the image's own colours, see `color_features`.
    pooling : {"average", "max"}, optional
        Default: average (recommended by Gatys et al.), but max for SqueezeNet.
    weights : path or "random", optional
        A file to use instead of the usual weights: `.npz` for lite (keys `block1_conv1_kernel`,
        `block1_conv1_bias`, …) and for SqueezeNet (`conv1_w`, `conv1_b`, `fire2_squeeze1x1_w`, …), `.h5` in the
        layout of `keras.applications` for VGG. `"random"`: He initialisation from a fixed seed, to test with.

    Returns
    -------
    keras.Model
        (n, h, w, 3) float32 RGB in [0, 1] → {layer name: (n, h', w', channels)}.

    Raises
    ------
    ValueError
        Unknown network, layer or pooling; a weights file that is missing or does not fit.
    """
    check_network(name, pooling, weights)
    check_layers(name, layers)
    if isinstance(name, keras.Model):
        return keras.Model(name.input, {layer: name.output[layer] for layer in layers or name.output}, name=name.name)
    pooling = POOLING[name] if pooling is None else pooling
    image = keras.Input((None, None, 3), name="image")
    features = {COLOR: color_features(image)} | _features(name, image, pooling)
    network = keras.Model(image, features, name=name)
    if weights != "random":
        _load_weights(network, name, weights)
    if layers is not None:
        network = keras.Model(image, {layer: features[layer] for layer in layers}, name=name)
    network.trainable = False
    return network


def check_network(name, pooling, weights):
    """Raise a `ValueError` unless network `name` can be built with these; see `build_network`."""
    layer_names(name)
    if isinstance(name, keras.Model) and (pooling, weights) != (None, None):
        raise ValueError("pooling and weights belong to the names of networks; a model given as network has its own.")
    if pooling not in (None, "average", "max"):
        raise ValueError(f'pooling must be "average" or "max"; got {pooling!r}.')
    if weights is None:
        if name == "squeezenet":
            raise ValueError('network "squeezenet" needs weights= the path of an .npz file with its weights.')
    elif not isinstance(weights, (str, os.PathLike)) or (weights != "random" and not Path(weights).is_file()):
        raise ValueError(f'weights must be "random" or the path of a file; there is no file {str(weights)!r}.')


def layer_names(name="lite"):
    """Names of all layers that network `name` can return, shallow to deep."""
    if isinstance(name, keras.Model):
        if not isinstance(name.output, dict):
            raise ValueError(f"network {name.name!r} must return a dictionary {{layer name: features}}.")
        return list(name.output)
    if name not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}; got {name!r}.{_suggestion(name, NETWORKS)}")
    if name == "squeezenet":
        names = ["conv1", "pool1", *FIRE_MODULES]
        names.insert(names.index("fire4") + 1, "pool4")
        names.insert(names.index("fire8") + 1, "pool8")
        return [COLOR, *names]
    names = [COLOR]
    for block, count in enumerate(CONVOLUTIONS[name], start=1):
        names += [f"block{block}_conv{i}" for i in range(1, count + 1)] + [f"block{block}_pool"]
    return names


def check_layers(name, layers, argument="layers"):
    """Raise a `ValueError` that names `argument` unless `layers` (None: all) are different layers of network `name`."""
    known = layer_names(name)
    if isinstance(layers, str):
        raise ValueError(f"{argument} must be a list of names, such as [{layers!r}]; got a string.")
    if layers is not None and (not layers or len(set(layers)) < len(layers)):
        raise ValueError(f"{argument} must name at least one layer, and none twice; got {list(layers)}.")
    for layer in layers or ():
        if layer not in known:
            label = name.name if isinstance(name, keras.Model) else name
            raise ValueError(
                f"{argument}: {label} has no layer {layer!r}.{_suggestion(layer, known)} All: {', '.join(known)}."
            )


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


def squeezenet_features(x, pooling):
    """SqueezeNet 1.0's topology, without its classifier, applied to tensor `x`: {layer name: features}."""
    pool = kl.MaxPooling2D if pooling == "max" else kl.AveragePooling2D
    features = {}
    x = features["conv1"] = _convolution(x, 96, "conv1", size=7, strides=2)
    x = features["pool1"] = pool(3, 2, padding="same", name="pool1")(x)
    for fire, (squeeze, expand) in FIRE_MODULES.items():
        x = _convolution(x, squeeze, f"{fire}_squeeze1x1", size=1)
        small = _convolution(x, expand, f"{fire}_expand1x1", size=1)
        large = _convolution(x, expand, f"{fire}_expand3x3", size=3)
        x = features[fire] = kl.Concatenate(name=fire)([small, large])
        if fire in ("fire4", "fire8"):
            number = fire[-1]
            x = features[f"pool{number}"] = pool(3, 2, padding="same", name=f"pool{number}")(x)
    return features


def color_features(image):
    """The image's own colours as a feature map: 1, R, G, B, and ReLU(R − t), ReLU(G − t), ReLU(B − t) for three t.

    The Gram matrix of these 13 channels holds the moments of the colours and of the colours above each threshold:
    as a style layer it keeps a painting's palette, which the convolutions of a network see only dimly.
    """
    above = [keras.ops.relu(image - threshold) for threshold in COLOR_THRESHOLDS]
    return keras.ops.concatenate([keras.ops.ones_like(image[..., :1]), image, *above], axis=-1)


def _convolution(x, filters, name, size=3, strides=1):
    return kl.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        activation="relu",
        kernel_initializer=keras.initializers.HeNormal(seed=zlib.crc32(name.encode())),
        name=name,
    )(x)


def _features(name, image, pooling):
    if name == "lite":
        return vgg_features(lite_preprocessing(image), CHANNELS[name], CONVOLUTIONS[name], pooling)
    if name == "squeezenet":
        return squeezenet_features(_caffe_preprocessing(image, (104.0, 117.0, 123.0)), pooling)
    x = _caffe_preprocessing(image, (103.939, 116.779, 123.68))
    return vgg_features(x, CHANNELS[name], CONVOLUTIONS[name], pooling)


def lite_preprocessing(image):
    """RGB in [0, 1] → about mean 0 and deviation 1, as lite was trained."""
    return image * 4.0 - 2.0


def _caffe_preprocessing(image, bgr_means):
    """RGB in [0, 1] → BGR·255 minus the means of ImageNet, as networks trained in Caffe expect."""
    return image[..., ::-1] * 255.0 - np.asarray(bgr_means, "float32")


def _load_weights(network, name, path):
    if name == "lite":
        _load_npz(network, path or LITE_WEIGHTS, "kernel", "bias")
    elif name == "squeezenet":
        _load_npz(network, path, "w", "b")
    else:
        reference = _keras_vgg(name, path)
        for layer in network.layers:
            if isinstance(layer, kl.Conv2D):
                layer.set_weights(reference.get_layer(layer.name).get_weights())


def _load_npz(network, path, kernel, bias):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for layer in network.layers:
                if isinstance(layer, kl.Conv2D):
                    values = [arrays[f"{layer.name}_{kernel}"], arrays[f"{layer.name}_{bias}"]]
                    layer.set_weights([np.asarray(value, "float32") for value in values])
    except Exception as error:  # zipfile, NumPy and Keras raise many types here; the user needs one
        raise ValueError(f"weights: {str(path)!r} does not hold weights for {network.name}: {error}") from error


def _keras_vgg(name, path):
    build = {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}[name]
    if path is not None:
        try:
            return build(include_top=False, weights=path)
        except Exception as error:  # h5py and Keras raise many types here; the user needs one
            raise ValueError(f"weights: {str(path)!r} does not hold weights for {name}: {error}") from error
    try:
        return build(include_top=False, weights="imagenet")
    except Exception as error:
        file = VGG_WEIGHTS_FILE.format(name)
        place = os.path.join(os.path.expanduser("~"), ".keras", "models", file)
        url = VGG_WEIGHTS_URL.format(name, file)
        raise ValueError(
            f"The weights of {name} are not on this machine and could not be downloaded ({error}). Put {url} "
            f'at {place}, or use network="lite", whose weights come with the package.'
        ) from error


def _suggestion(name, known):
    close = difflib.get_close_matches(str(name), known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
