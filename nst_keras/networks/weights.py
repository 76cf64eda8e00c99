"""Weights of networks: files → arrays of the right shapes; downloads.

Files are untrusted. They are read as arrays only: nothing in them is executed, whatever it calls itself.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from ..support.checks import reason

LITE_WEIGHTS = Path(__file__).parents[1] / "weights" / "lite.npz"
VGG_WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{0}/{1}"
VGG_WEIGHTS_FILE = "{0}_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG_WEIGHTS_MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}
MAX_WEIGHT_BYTES = 100_000_000  # bytes, of the arrays of an .npz or of SqueezeNet: lite has 3, SqueezeNet 5 million
SECONDS_FOR_H5 = 20
READ_H5 = """
import sys
import h5py

def read(name, item):
    list(item.attrs.items())
    if isinstance(item, h5py.Dataset) and item.nbytes <= int(sys.argv[2]):
        item[()]

with h5py.File(sys.argv[1], "r") as file:
    read("/", file)
    file.visititems(read)
"""


def load_weights(network, name, path=None):
    """Set the weights of a network that is called `name`; see `build_network` for what `path` may be.

    Raises
    ------
    ValueError
        A file that is not there, is damaged, too large or of other shapes. The message has its path, and its URL.
    """
    if name in ("vgg19", "vgg16"):
        reference = _keras_vgg(name, path)
        for layer in _convolutions(network):
            layer.set_weights(reference.get_layer(layer.name).get_weights())
        return
    path = path or LITE_WEIGHTS
    kernel, bias = ("kernel", "bias") if name == "lite" else ("w", "b")
    try:
        arrays = _read_h5(path) if Path(path).suffix in (".h5", ".hdf5") else _read_npz(path)
        for layer in _convolutions(network):
            values = [arrays.get(f"{layer.name}_{kernel}"), arrays.get(f"{layer.name}_{bias}")]
            _check_shapes(layer, values)
            layer.set_weights(values)
    except Exception as error:  # zipfile, NumPy and h5py raise many types here; the user needs one
        raise ValueError(f"weights: {str(path)!r} does not hold weights for {name}: {reason(error)}") from error


def _convolutions(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]


def _check_shapes(layer, values):
    for part, variable, value in zip(("kernel", "bias"), layer.weights, values, strict=True):
        got = "is missing" if value is None else f"has shape {value.shape}"
        if value is None or value.shape != tuple(variable.shape):
            raise ValueError(f"the {part} of layer {layer.name} must have shape {tuple(variable.shape)}; it {got}.")


def _read_npz(path):
    with zipfile.ZipFile(path) as archive:
        _check_bytes(sum(member.file_size for member in archive.infolist()))
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_h5(path):
    """Arrays of a file by Keras 1 or 2, under the names they have in an .npz.

    Such a file lists its layers, and for each its kernel, then its bias. Layers are named as in Caffe,
    "fire2/expand1x1": Keras 3 allows no "/" in a name, and cannot read the file itself.
    """
    check_h5(path)
    arrays = {}
    with h5py.File(path, "r") as file:
        groups = file.get("model_weights", file)
        for group in _names(groups, "layer_names"):
            weights = _names(groups[group], "weight_names")
            for part, weight in zip("wb", weights, strict=False):  # layers without weights have none
                stored = groups[group][weight]
                _check_bytes(stored.nbytes)
                arrays[f"{group.replace('/', '_')}_{part}"] = stored[()]
    return arrays


def check_h5(path):
    """Read an HDF5 file in another process first: the library never comes back from some damaged files, or crashes.

    Raises
    ------
    ValueError
        It takes longer than SECONDS_FOR_H5, or cannot be read.
    """
    command = [sys.executable, "-c", READ_H5, path, str(MAX_WEIGHT_BYTES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_FOR_H5)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it cannot be read within {SECONDS_FOR_H5} s") from error
    if done.returncode:
        raise ValueError((done.stderr.splitlines() or ["the HDF5 library crashed on it"])[-1])


def _check_bytes(count):
    """Before anything is unpacked: a small file can say that it holds terabytes."""
    if count > MAX_WEIGHT_BYTES:
        raise ValueError(f"its arrays would take {count:,} bytes, more than {MAX_WEIGHT_BYTES:,}")


def _names(group, attribute):
    return [name.decode() if isinstance(name, bytes) else name for name in group.attrs[attribute]]


def _keras_vgg(name, path):
    downloaded = _downloaded_vgg(name) if path is None else None
    try:
        if not downloaded:  # its hash says that it is whole
            check_h5(path)
        return {"vgg19": keras.applications.VGG19, "vgg16": keras.applications.VGG16}[name](
            include_top=False, weights=downloaded or path
        )
    except Exception as error:  # h5py and Keras raise many types here; the user needs one
        raise ValueError(f"weights: {str(path)!r} does not hold weights for {name}: {reason(error)}") from error


def _downloaded_vgg(name):
    """Path of the weights of `keras.applications`; downloaded if they are not there, or not what they should be.

    The file takes its name when it is whole and checked: several processes may do that at once, or be interrupted.
    """
    file = VGG_WEIGHTS_FILE.format(name)
    url = VGG_WEIGHTS_URL.format(name, file)
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "models")
    try:
        if not (folder / file).is_file() or _md5(folder / file) != VGG_WEIGHTS_MD5[name]:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as private:
                new = keras.utils.get_file(file, url, file_hash=VGG_WEIGHTS_MD5[name], cache_dir=private)
                os.replace(new, folder / file)
    except Exception as error:  # of the network, the disk, or a wrong hash
        raise ValueError(
            f"The weights of {name} are not on this machine and could not be downloaded ({reason(error)}). Put {url} "
            f'at {folder / file}, or use network="lite", whose weights come with the package.'
        ) from error
    return folder / file


def _md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
