"""Weights of networks: read from untrusted `.npz` files, downloaded for VGG, and made constant for speed."""

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..support.checks import reason
from ..support.files import unpacked
from ..support.types import PathLike

MAX_CONSTANTS = 2_000_000
LITE_WEIGHTS = Path(__file__).parents[1] / "weights" / "lite.npz"
VGG_WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{0}/{1}"
VGG_WEIGHTS_FILE = "{0}_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG_WEIGHTS_MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}


def load_weights(network: keras.Model, name: str, path: PathLike | None = None) -> None:
    """Set the weights of a network that is called `name`; see `build_network` for the keys of the file at `path`.

    Raises a `ValueError` if the file is damaged, too large, or lacks an array of the right shape with finite numbers,
    and if VGG's weights cannot be downloaded.
    """
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    if path is None and name in VGG_WEIGHTS_MD5:
        reference = getattr(keras.applications, name.upper())(include_top=False, weights=_downloaded_vgg(name))
        for layer in convolutions:
            layer.set_weights(reference.get_layer(layer.name).get_weights())
        return
    path = path or LITE_WEIGHTS
    parts = ("w", "b") if name.startswith("squeezenet") else ("kernel", "bias")
    try:
        arrays = unpacked(path)
        for layer in convolutions:
            values = {f"{layer.name}_{part}": arrays.get(f"{layer.name}_{part}") for part in parts}
            for (key, array), variable in zip(values.items(), layer.weights, strict=True):
                if array is None or array.shape != variable.shape:
                    got = "is missing" if array is None else f"has shape {array.shape}"
                    raise ValueError(f"the array {key} must have shape {tuple(variable.shape)}; it {got}.")
                if not np.isfinite(array).all():
                    raise ValueError(f"the array {key} must have finite numbers; it has NaN or infinite ones.")
            layer.set_weights(list(values.values()))
    except Exception as error:  # zipfile and NumPy raise many types on damaged data; the user needs one
        raise ValueError(f"weights: {str(path)!r} does not hold weights for {name}: {reason(error)}") from error


def _downloaded_vgg(name):
    """Return the path of the weights of `keras.applications`, which Keras downloads unless they are there already."""
    file = VGG_WEIGHTS_FILE.format(name)
    url = VGG_WEIGHTS_URL.format(name, file)
    home = os.environ.get("KERAS_HOME", Path.home() / ".keras")
    try:
        return keras.utils.get_file(
            file, url, cache_dir=home, cache_subdir="models", file_hash=VGG_WEIGHTS_MD5[name], hash_algorithm="md5"
        )
    except Exception as error:  # no connection, a full disk, or a wrong hash
        raise ValueError(
            f"The weights of {name} are not on this machine and could not be downloaded ({reason(error)}). Put {url} "
            f'at {Path(home, "models", file)}, or use network="lite", whose weights come with the package.'
        ) from error


def constant_weights(network: keras.Model) -> Callable:
    """Return the network as a function for the inside of a `tf.function`, where its weights are constants.

    oneDNN rearranges constant weights for its fastest convolutions, but not variables (TensorFlow 2.21). TensorFlow
    keeps some thirty copies of constants, so a network with more than MAX_CONSTANTS weights, as VGG, keeps variables.
    """
    if network.count_params() > MAX_CONSTANTS:
        return network
    groups = network.trainable_variables, network.non_trainable_variables
    weights = [[variable.numpy() for variable in group] for group in groups]
    return lambda image: network.stateless_call(*weights, image)[0]


def compiled(network: keras.Model) -> Callable:
    """Compile the network, with its present weights as constants, for images (1, H, W, 3) of all sizes.

    The features are the objective's, bit by bit, so that a target which is the image itself gives a loss of 0.
    """
    images = tf.TensorSpec((1, None, None, 3), network.inputs[0].dtype)
    return tf.function(constant_weights(network), [images], autograph=False).get_concrete_function()
