"""The transform network: a photograph in, a picture out, in one pass.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.1 and the supplementary material.
"""

import zlib
from collections.abc import Mapping
from functools import partial
from typing import Literal

import keras
import tensorflow as tf
from keras import layers as kl
from keras import ops

from ..support.checks import checked_whole

MIN_SHAPE = {"width": 1, "residual_blocks": 0, "upscale": 1}  # smallest values of what a network is built from
STRIDE = 4  # the deepest maps of a style's network have a quarter of the image's side


def transform_network(
    width: int = 16, residual_blocks: int = 4, upscale: Literal[1, 4, 8] = 1, seed: int = 0
) -> keras.Model:
    """Build an untrained network that paints, or that enlarges a picture `upscale` times.

    With `upscale=1`, for styles (table 1): c9s1-w, d2w, d4w, residual blocks of 4w, u2w, uw, c9s1-3. Here w is `width`,
    c9s1 a 9×9 convolution, d a 3×3 convolution of stride 2, and u an enlargement by 2 with a 3×3 convolution. The paper
    has w = 32 and five residual blocks. This network differs from the paper's:

    - Instance normalisation (Ulyanov et al., arXiv:1607.08022) replaces batch normalisation: a picture does not depend
      on the others in its batch, and a dark photograph gets the contrast of the style.
    - u enlarges bilinearly: transposed convolutions of stride 2, and nearest neighbours after a short training, make
      checkerboards.
    - Images are mirrored at the border before every convolution, which keeps the size and leaves no frame; the paper
      pads with zeros, and its code mirrors once, at the input.
    - A sigmoid gives [0, 1]; it is the same function as the paper's scaled tanh, which gives 0 … 255.

    With `upscale=4` or `8`, for super-resolution (table 2): c9s1-4w, residual blocks of 4w, u4w two or three times,
    c9s1-3. The paper has w = 16 and four residual blocks. This network has no normalisation, which would remove the
    contrast of the image (Lim et al., arXiv:1707.02921). Its output is added to the bicubic enlargement: it learns only
    the difference, starts at 0, and may leave [0, 1] a little; `apply` clips.

    The network takes (n, h, w, 3) RGB in [0, 1] of any height and width, and returns (n, upscale · h, upscale · w, 3).
    `seed` is that of the initial weights (Glorot & Bengio, uniform).
    """
    check_shape({"width": width, "residual_blocks": residual_blocks, "upscale": upscale})
    styled, wide = upscale == 1, 4 * width
    convolution = partial(_convolution, seed=seed, normalised=styled)
    image = keras.Input((None, None, 3), name="image")
    x = kl.Lambda(mirrored, arguments={"border": 4, "multiple": STRIDE if styled else 1}, name="mirrored")(image)
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


def mirrored(image: tf.Tensor, border: int, multiple: int = 1) -> tf.Tensor:
    """Mirror images at their edges by `border` pixels on every side, several times if they are smaller than that.

    The edge pixel is repeated. There may be more pixels on the right and below: without the borders, the sides become
    multiples of `multiple`.
    """
    for axis in (1, 2):
        size = ops.shape(image)[axis]
        whole = -(-size // multiple) * multiple
        places = ops.arange(-border, whole + border) % (2 * size)
        image = ops.take(image, ops.minimum(places, 2 * size - 1 - places), axis=axis)
    return image


def check_shape(settings: Mapping) -> dict[str, int]:
    """Return the checked width, residual_blocks and upscale among `settings`."""
    shape = {name: checked_whole(name, settings.get(name), minimum) for name, minimum in MIN_SHAPE.items()}
    if shape["upscale"] not in (1, 4, 8):
        raise ValueError(f"upscale must be 1 (for a style), 4 or 8; got {shape['upscale']!r}.")
    return shape


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
