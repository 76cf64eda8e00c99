"""The transform network: a photograph in, a picture out, in one pass. Seven trained ones come with the package.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.1 and the supplementary material.
"""

import contextlib
import tempfile
import warnings
import zlib
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl
from keras import ops
from tqdm.auto import tqdm

from ..image import fitting_shape, load_image, resize, save_image
from ..support.checks import checked_whole, suggestion
from ..support.files import read_json, write_file, write_json
from ..support.pictures import MIN_SIDE, WRITABLE, PictureError, check_output, picture_files
from ..support.types import ImageArray, ImageSource, PathLike

TRAINED = Path(__file__).parents[1] / "weights"
SUFFIX = ".weights.h5"

MIN_SHAPE = {"width": 1, "residual_blocks": 0, "upscale": 1}  # smallest values of what a network is built from
STRIDE = 4  # the deepest maps of a style's network have a quarter of the image's side
MARGIN = 32  # pixels that `apply` adds on each side


def transform_network(
    width: int = 16, residual_blocks: int = 4, upscale: Literal[1, 4, 8] = 1, seed: int = 0
) -> keras.Model:
    """Build an untrained network that paints, or that enlarges a picture `upscale` times.

    With `upscale=1`, for styles (table 1): c9s1-w, d2w, d4w, residual blocks of 4w, u2w, uw, c9s1-3. Here w is `width`,
    c9s1 a 9×9 convolution, d a 3×3 convolution of stride 2, and u an enlargement by 2 with a 3×3 convolution. The paper
    has w = 32 and five residual blocks. This network differs from the paper's:

    - Instance normalisation (Ulyanov et al., arXiv:1607.08022) replaces batch normalisation: a picture does not depend
      on the others in its batch, and a dark photograph gets the contrast of the style.
    - u enlarges bilinearly: transposed convolutions, and nearest neighbours at first, make checkerboards.
    - Images are mirrored at the border before every convolution, which leaves no frame; the paper pads with zeros.
    - A sigmoid gives [0, 1]; it is the same function as the paper's scaled tanh, which gives 0 … 255.

    With `upscale=4` or `8`, for super-resolution (table 2): c9s1-4w, residual blocks of 4w, u4w two or three times,
    c9s1-3. The paper has w = 16 and four residual blocks. This network has no normalisation, which would remove the
    contrast of the image (Lim et al., arXiv:1707.02921). Its output is added to the bicubic enlargement: it learns only
    the difference, starts at 0, and may leave [0, 1] a little; `apply` clips.

    The network takes (n, h, w, 3) RGB in [0, 1], of at least 7 pixels a side, and returns (n, upscale · h, upscale · w,
    3). `seed` is that of the initial weights (Glorot & Bengio, uniform).
    """
    check_shape({"width": width, "residual_blocks": residual_blocks, "upscale": upscale})
    styled, wide = upscale == 1, 4 * width
    convolution = partial(_convolution, seed=seed, normalised=styled)
    image = keras.Input((None, None, 3), name="image")

    def mirrored(image):  # by 4 pixels at each edge, and more on the right and below, for the stride of the network
        sides = [(4, 4 + -ops.shape(image)[axis] % (STRIDE if styled else 1)) for axis in (1, 2)]
        return tf.pad(image, [(0, 0), *sides, (0, 0)], "SYMMETRIC")

    x = kl.Lambda(mirrored, name="mirrored")(image)
    x = convolution(x, width if styled else wide, 9, "first", border=0)
    if styled:
        x = convolution(x, 2 * width, 3, "down1", strides=2)
        x = convolution(x, wide, 3, "down2", strides=2)
    for i in range(1, residual_blocks + 1):
        inner = convolution(x, wide, 3, f"residual{i}_conv1")
        inner = convolution(inner, wide, 3, f"residual{i}_conv2", activation=None)
        x = kl.Add(name=f"residual{i}")([x, inner])
    for i, filters in enumerate((2 * width, width) if styled else [wide] * (upscale.bit_length() - 1), start=1):
        x = convolution(_enlarged(x, 2, "bilinear", f"enlarged{i}"), filters, 3, f"up{i}")
    last = partial(convolution, x, 3, 9, "last", normalised=False)
    if styled:
        x = last(initial=keras.initializers.GlorotUniform(seed), activation="sigmoid")
        picture = kl.Lambda(lambda pair: pair[0][:, : ops.shape(pair[1])[1], : ops.shape(pair[1])[2]])([x, image])
    else:
        picture = kl.Add()([_enlarged(image, upscale, "bicubic", "bicubic"), last(initial="zeros", activation=None)])
    return keras.Model(image, picture, name="transform_network")


def check_shape(settings: Mapping) -> dict[str, int]:
    """Return the checked width, residual_blocks and upscale among `settings`."""
    shape = {name: checked_whole(name, settings.get(name), minimum) for name, minimum in MIN_SHAPE.items()}
    if shape["upscale"] not in (1, 4, 8):
        raise ValueError(f"upscale must be 1 (for a style), 4 or 8; got {shape['upscale']!r}.")
    return shape


def apply(network: keras.Model, image: ImageSource, *, size: int | None = None) -> ImageArray:
    """Paint a picture, or enlarge it, in one pass.

    The network turns (H, W, 3) into (upscale · H, upscale · W, 3), and takes about 600 bytes of memory for each pixel.
    With `size` the image is first resized to this longer side; by default it keeps its size. The brush keeps the size
    of the training, so that more pixels mean finer strokes. The image gets a mirrored margin, which is cut off again,
    because a network trained with zero-padded losses paints a slightly darker frame.
    """
    image = load_image(image)
    if size is not None:
        image = resize(image, fitting_shape(image.shape, checked_whole("size", size, MIN_SIDE), MIN_SIDE))
    larger = np.pad(image, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "symmetric")
    picture = np.clip(_compiled(network)(larger[None])[0], 0, 1)
    margin = len(picture) // len(larger) * MARGIN
    return picture[margin:-margin, margin:-margin]


@lru_cache(maxsize=8)
def _compiled(network):
    """Compile one function for all sizes; it frees features early, and needs a quarter of the memory."""
    return tf.function(network, input_signature=[tf.TensorSpec((1, None, None, 3))], autograph=False)


def apply_to_files(network: keras.Model, source: PathLike, output: PathLike, *, size: int | None = None) -> list[str]:
    """Apply a network to a picture file, or to every picture in a folder; return the files that were written.

    For a folder `output` is another folder, made if necessary, and a progress bar counts the pictures. They keep their
    names, but a GIF becomes NAME.gif.png, with its first frame. Other files and folders are skipped. Pictures that
    cannot be read are skipped with a warning; a `ValueError` if no picture could be read.
    """
    source, output = Path(source), Path(output)
    if not source.is_dir():
        return [_apply_to_file(network, source, output, size)]
    files = picture_files(source, "source")
    if output.exists() and (not output.is_dir() or output.samefile(source)):
        raise ValueError(f"output {str(output)!r} must be a folder, and another than the source.")
    output.mkdir(parents=True, exist_ok=True)
    written = []
    for file in tqdm(files, unit="picture"):
        name = file.name if file.suffix.lower() in WRITABLE else f"{file.name}.png"
        try:
            written.append(_apply_to_file(network, file, output / name, size))
        except PictureError as error:
            reason = error
            warnings.warn(f"not painted: {error}", stacklevel=2)
    if not written:
        raise ValueError(f"source {str(source)!r}: no picture in it can be read. {reason}")
    return written


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
    with _dtype_policy("float16"):
        half = transform_network(**check_shape(settings))
    half.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        half.save_weights(Path(folder) / path.name)
        write_file(path, (Path(folder) / path.name).read_bytes())
    write_json(_settings_path(path), settings)


def check_weights_path(path: PathLike) -> Path:
    """Return `path` if a network can be saved there; raise a `ValueError` otherwise. Keras wants small letters."""
    if not str(path).endswith(SUFFIX):
        raise ValueError(f"output {str(path)!r} must end in {SUFFIX}.")
    return check_output(path, suffixes=[SUFFIX])


@contextlib.contextmanager
def _dtype_policy(policy):
    """Give this policy to the Keras layers that are made in the `with` block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


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


def _enlarged(x, factor, interpolation, name):
    """Enlarge images of any size; Keras' own layer needs to know the size when it is compiled."""
    return kl.Lambda(lambda x: tf.image.resize(x, [factor * s for s in ops.shape(x)[1:3]], interpolation), name=name)(x)


def _convolution(x, filters, size, name, *, seed, normalised, strides=1, border=None, initial=None, activation="relu"):
    """Apply a mirrored border (unless it is 0), a convolution, instance normalisation and an activation."""
    initial = initial or keras.initializers.GlorotUniform(seed + zlib.crc32(name.encode()))
    if border != 0:
        border = (size // 2, size // 2)
        x = ops.pad(x, ((0, 0), border, border, (0, 0)), mode="symmetric")
    x = kl.Conv2D(filters, size, strides, kernel_initializer=initial, use_bias=not normalised, name=name)(x)
    if normalised:
        x = kl.GroupNormalization(groups=-1, epsilon=1e-5, name=f"{name}_norm")(x)
    return kl.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


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
