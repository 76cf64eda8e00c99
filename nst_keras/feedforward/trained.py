"""Feed-forward transfer and super-resolution: a trained network paints a picture in one pass. Loaded on demand.

Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", arXiv:1603.08155.
`nst_keras.feedforward.training.train` trains such networks, with the losses that `style_transfer` minimises; three come with the
package:

    from nst_keras.feedforward.trained import apply, load_network
    picture = apply(load_network("woodblock_sea"), "photograph.jpg", size=512)
"""

import functools
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image, ImageSequence

from ..image import (
    MIN_SIDE,
    SUFFIXES,
    PictureError,
    check_output,
    fitting_shape,
    load_image,
    picture_files,
    resize,
    to_pil,
    write_picture,
)
from ..network import dtype_policy
from ..networks.weights import check_h5
from ..support.checks import checked_whole, suggestion
from ..support.files import read_json, write_file, write_json
from .network import MIN_SHAPE, check_shape, transform_network

TRAINED = Path(__file__).parents[1] / "weights"
SUFFIX = ".weights.h5"
MARGIN = 32  # pixels


def apply(network, image, *, size=None):
    """Paint one picture, or enlarge it, in one pass.

    The image is mirrored at its edges first, by MARGIN pixels that are cut off again: a loss network that pads by zeros
    sees a dark border, and networks trained with it paint a slightly darker frame.

    Parameters
    ----------
    network : keras.Model
        From `load_network`, `transform_network` or `nst_keras.feedforward.training.train`.
    image : path, PIL image or array
        See `load_image`.
    size : int, optional
        Longer side of the image before it goes through the network; its own by default. A style has one size of
        brush, that of its training: more pixels mean finer strokes.

    Returns
    -------
    numpy.ndarray
        (upscale · H, upscale · W, 3) float32 in [0, 1]. Takes some 600 bytes for each of its pixels.
    """
    image = load_image(image)
    if size is not None:
        image = resize(image, fitting_shape(image.shape, checked_whole("size", size, MIN_SIDE), MIN_SIDE))
    larger = np.pad(image, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "symmetric")
    picture = np.clip(_compiled(network)(larger[None])[0], 0, 1)
    upscale = len(picture) // len(larger)
    return picture[upscale * MARGIN : -upscale * MARGIN, upscale * MARGIN : -upscale * MARGIN]


@functools.lru_cache(maxsize=8)
def _compiled(network):
    """One function for all sizes; it frees what it no longer needs, so that painting takes a quarter of the memory."""
    return tf.function(network, input_signature=[tf.TensorSpec((1, None, None, 3))], autograph=False)


class Applied(NamedTuple):
    """What `apply_to_files` did: the files it wrote, and {file: what was wrong with it} for those it could not read."""

    written: list
    unreadable: dict


def apply_to_files(network, source, output, *, size=None, callback=None):
    """Apply a network to a picture file, an animated GIF, or every picture in a folder.

    Parameters
    ----------
    network, size
        See `apply`.
    source : path
        A picture; an animated GIF, whose frames are painted one by one and keep their times; or a folder, of which
        files that are not pictures by their suffix are passed over, and folders within.
    output : path
        A file for a picture, `.gif` for an animation, a folder for a folder (made if it is not there), in which every
        picture keeps its name.
    callback : callable, optional
        Called with (files done, files in all) after every file.

    Returns
    -------
    Applied

    Raises
    ------
    ValueError
        Nothing at `source`; the only picture, or every one, cannot be read; `output` is unsuitable or is `source`.
    """
    source, output = Path(source), Path(output)
    if not source.is_dir():
        return Applied([_apply_to_file(network, source, output, size)], {})
    files = picture_files(source, "source")
    if output.exists() and (not output.is_dir() or output.samefile(source)):
        raise ValueError(f"output {str(output)!r} must be a folder, and another than the source.")
    output.mkdir(parents=True, exist_ok=True)
    written, unreadable = [], {}
    for done, file in enumerate(files, start=1):
        try:
            written.append(_apply_to_file(network, file, output / file.name, size))
        except PictureError as error:
            unreadable[str(file)] = str(error)
        if callback:
            callback(done, len(files))
    if not written:
        raise ValueError(f"source {str(source)!r}: no picture in it can be read. {next(iter(unreadable.values()))}")
    return Applied(written, unreadable)


def save_network(network, path, settings):
    """Write a network's weights as float16 to `path`, NAME.weights.h5, and `settings` beside them, as NAME.json.

    Both whole or not at all, and without code: `load_network` builds the network anew from width, residual_blocks and
    upscale, which `settings` must hold. Half precision changes no pixel by a whole 8-bit level or more.
    """
    path = check_weights_path(path)
    shape = check_shape(settings)
    with dtype_policy("float16"):
        half = transform_network(**shape)
    half.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        half.save_weights(Path(folder) / path.name)
        write_file(path, (Path(folder) / path.name).read_bytes())
    write_json(_settings_path(path), settings)


def load_network(name):
    """A trained network.

    Parameters
    ----------
    name : str or path
        One of `trained_networks()`, or a file NAME.weights.h5 from `save_network`, with NAME.json beside it.

    Raises
    ------
    ValueError
        No such network or file, or the two do not fit each other.
    """
    path, settings = _network_file(name), network_settings(name)
    try:
        network = transform_network(**check_shape(settings))
        if path.parent != TRAINED:
            check_h5(path)
        _load_weights(network, path)
    except Exception as error:  # h5py and Keras raise many types here; the user needs one
        raise ValueError(f"network {str(name)!r}: its weights and settings do not make a network: {error}") from error
    network.trainable = False
    return network


def network_settings(name):
    """How a trained network was trained: the arguments of `nst_keras.feedforward.training.train`. `name` as of `load_network`."""
    return read_json(_settings_path(_network_file(name)), dict.fromkeys(MIN_SHAPE, int))


def trained_networks():
    """Names of the trained networks that come with the package: those of styles, and `enlarge4_…` and `enlarge8_…`"""
    return sorted(path.name.removesuffix(SUFFIX) for path in TRAINED.glob(f"*{SUFFIX}"))


def check_weights_path(path):
    """`path` as a `pathlib.Path` if a network can be saved there; otherwise a `ValueError` that says why not."""
    path = Path(path)
    if not path.name.endswith(SUFFIX) or not path.parent.is_dir():
        raise ValueError(f"network {str(path)!r} must be a file NAME{SUFFIX} in a folder that exists.")
    return path


def _apply_to_file(network, source, output, size):
    check_output(output, source, suffixes=SUFFIXES)
    if output.suffix.lower() == ".gif":
        _apply_to_animation(network, source, output, size)
    else:
        write_picture(to_pil(apply(network, source, size=size)), output)
    return str(output)


def _apply_to_animation(network, source, output, size):
    """Every frame by itself, so that what moves little may flicker a little."""
    load_image(source, name="source")  # whatever is wrong with the file is said here
    with Image.open(source) as animation:
        loop = animation.info.get("loop")
        durations, painted = [], []
        for frame in ImageSequence.Iterator(animation):
            durations.append(frame.info.get("duration", 100))
            painted.append(to_pil(apply(network, frame.convert("RGBA"), size=size)))
    options = {} if loop is None else {"loop": loop}
    write_picture(painted[0], output, save_all=True, append_images=painted[1:], duration=durations, **options)


def _network_file(name):
    if not str(name).endswith(SUFFIX):
        known = trained_networks()
        if name not in known:
            raise ValueError(
                f"network must be one of {', '.join(known)}, or a file NAME{SUFFIX}; got {str(name)!r}."
                f"{suggestion(name, known)}"
            )
        return TRAINED / f"{name}{SUFFIX}"
    for path in (Path(name), _settings_path(name)):
        if not path.is_file():
            raise ValueError(f"network {str(name)!r}: there is no file {str(path)!r}.")
    return Path(name)


def _load_weights(network, path):
    """All of them: Keras passes over what a file lacks, with a warning or without."""
    network.set_weights([np.full(values.shape, np.nan, "float32") for values in network.get_weights()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        network.load_weights(path)
    if not all(np.isfinite(values).all() for values in network.get_weights()):
        raise ValueError("some weights are missing, NaN or infinite")


def _settings_path(path):
    return Path(str(path).removesuffix(SUFFIX) + ".json")
