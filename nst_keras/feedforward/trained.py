"""Load, save and apply trained transform networks; seven come with the package."""

import functools
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..image import fitting_shape, load_image, resize, save_image
from ..network import dtype_policy
from ..support.checks import checked_whole, suggestion
from ..support.files import read_json, write_file, write_json
from ..support.pictures import MIN_SIDE, WRITABLE, PictureError, check_output, picture_files
from ..support.types import ImageArray, ImageSource, PathLike
from .network import MIN_SHAPE, check_shape, transform_network

TRAINED = Path(__file__).parents[1] / "weights"
SUFFIX = ".weights.h5"
MARGIN = 32  # pixels


def apply(network: keras.Model, image: ImageSource, *, size: int | None = None) -> ImageArray:
    """Paint a picture, or enlarge it, in one pass.

    The network comes from `load_network`, `train` or `transform_network`; it turns (H, W, 3) into (upscale · H,
    upscale · W, 3), and takes about 600 bytes of memory for each pixel. `size` is the longer side of the image before
    that, its own by default. The brush keeps the size of the training, so that more pixels mean finer strokes.

    The image gets a mirrored margin, which is cut off again: loss networks that pad with zeros see a dark border, and
    teach a slightly darker frame.
    """
    image = load_image(image)
    if size is not None:
        image = resize(image, fitting_shape(image.shape, checked_whole("size", size, MIN_SIDE), MIN_SIDE))
    larger = np.pad(image, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "symmetric")
    picture = np.clip(_compiled(network)(larger[None])[0], 0, 1)
    margin = len(picture) // len(larger) * MARGIN
    return picture[margin:-margin, margin:-margin]


@functools.lru_cache(maxsize=8)
def _compiled(network):
    """Compile one function for all sizes; it frees features early, and needs a quarter of the memory."""
    return tf.function(network, input_signature=[tf.TensorSpec((1, None, None, 3))], autograph=False)


class Applied(NamedTuple):
    """The result of `apply_to_files`: the files it wrote, and {file: reason} of those it could not read."""

    written: list[str]
    unreadable: dict[str, str]


def apply_to_files(
    network: keras.Model,
    source: PathLike,
    output: PathLike,
    *,
    size: int | None = None,
    callback: Callable | None = None,
) -> Applied:
    """Apply a network to a picture file, or to every picture in a folder; see `apply`.

    For a folder `output` is another folder, made if necessary. Pictures keep their names in it, but a GIF becomes
    NAME.gif.png, with its first frame; other files and folders are passed over. `callback` is called with (files done,
    files in all) after every file. Raises a `ValueError` if no picture can be read.
    """
    source, output = Path(source), Path(output)
    if not source.is_dir():
        return Applied([_apply_to_file(network, source, output, size)], {})
    files = picture_files(source, "source")
    if output.exists() and (not output.is_dir() or output.samefile(source)):
        raise ValueError(f"output {str(output)!r} must be a folder, and another than the source.")
    output.mkdir(parents=True, exist_ok=True)
    done = Applied([], {})
    for number, file in enumerate(files, start=1):
        name = file.name if file.suffix.lower() in WRITABLE else f"{file.name}.png"
        try:
            done.written.append(_apply_to_file(network, file, output / name, size))
        except PictureError as error:
            done.unreadable[str(file)] = str(error)
        if callback:
            callback(number, len(files))
    if not done.written:
        reason = next(iter(done.unreadable.values()))
        raise ValueError(f"source {str(source)!r}: no picture in it can be read. {reason}")
    return done


def _apply_to_file(network, source, output, size):
    check_output(output, source)  # before the picture is painted
    save_image(apply(network, source, size=size), output)
    return str(output)


def save_network(network: keras.Model, path: PathLike, settings: Mapping) -> None:
    """Write a network's weights to `path`, NAME.weights.h5, and `settings` beside them, to NAME.json.

    `settings` must have width, residual_blocks and upscale, from which `load_network` builds the network: the files
    hold no code. Weights are float16, which changes no pixel by a whole 8-bit level.
    """
    path = check_weights_path(path)
    with dtype_policy("float16"):
        half = transform_network(**check_shape(settings))
    half.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        half.save_weights(Path(folder) / path.name)
        write_file(path, (Path(folder) / path.name).read_bytes())
    write_json(_settings_path(path), settings)


def load_network(name: PathLike) -> keras.Model:
    """Load a trained network: one of `trained_networks()`, or a file NAME.weights.h5 from `save_network`.

    Raises a `ValueError` if there is no such network, or if its weights do not fit its settings, NAME.json.
    """
    settings = network_settings(name)
    try:
        network = transform_network(**check_shape(settings))
        # Keras leaves a weight as it is if the file lacks it: NaN shows that
        network.set_weights([np.full(values.shape, np.nan, "float32") for values in network.get_weights()])
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            network.load_weights(_network_file(name))
        if not all(np.isfinite(values).all() for values in network.get_weights()):
            raise ValueError("some weights are missing, NaN or infinite")
    except Exception as error:  # h5py and Keras raise many types here; the user needs one
        raise ValueError(f"network {str(name)!r}: its weights and settings do not make a network: {error}") from error
    network.trainable = False
    return network


def network_settings(name: PathLike) -> dict:
    """Return the settings that a network was trained with, see `Training`; `name` as in `load_network`."""
    return read_json(_settings_path(_network_file(name)), dict.fromkeys(MIN_SHAPE, int))


def trained_networks() -> list[str]:
    """Return the names of the networks that come with the package: those of styles, `enlarge4_…` and `enlarge8_…`."""
    return sorted(path.name.removesuffix(SUFFIX) for path in TRAINED.glob(f"*{SUFFIX}"))


def check_weights_path(path: PathLike) -> Path:
    """Return `path` if a network can be saved there; raise a `ValueError` otherwise."""
    path = Path(path)
    if not path.name.endswith(SUFFIX) or not path.parent.is_dir():
        raise ValueError(f"network {str(path)!r} must be a file NAME{SUFFIX} in a folder that exists.")
    return path


def _network_file(name):
    if name in (known := trained_networks()):
        return TRAINED / f"{name}{SUFFIX}"
    if not str(name).endswith(SUFFIX):
        names = f"{', '.join(known)}, or a file NAME{SUFFIX}"
        raise ValueError(f"network must be one of {names}; got {str(name)!r}.{suggestion(name, known)}")
    for path in (Path(name), _settings_path(name)):
        if not path.is_file():
            raise ValueError(f"network {str(name)!r}: there is no file {str(path)!r}.")
    return Path(name)


def _settings_path(path):
    return Path(str(path).removesuffix(SUFFIX) + ".json")
