"""The network of feed-forward transfer: an image in, a picture out in one pass.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.1 and the appendix.
"""

import zlib
from functools import partial

import keras
import tensorflow as tf
from keras import layers as kl
from keras import ops

from ..support.checks import checked_whole

MIN_SHAPE = {"width": 1, "residual_blocks": 0, "upscale": 1}  # of what a network is built from
UPSCALES = (1, 4, 8)
STRIDE = 4  # of the network that keeps the size: its deepest maps have a quarter of the image's side


def transform_network(width=16, residual_blocks=4, upscale=1, seed=0):
    """The network that paints: an image in, a picture `upscale` times its size out.

    With `upscale=1`, for styles (appendix, table 1): c9s1-w, d2w, d4w, residual blocks of 4w, u2w, uw, c9s1-3, where
    w is `width`, c9s1 a 9×9 convolution, d a 3×3 convolution of stride 2, and u one after enlarging twice. The paper
    has w = 32 and five residual blocks. Here it differs:

    - instance normalisation (Ulyanov et al., arXiv:1607.08022), not batch normalisation: a picture does not depend on
      its neighbours in the batch, and a dark photograph gets the style's contrast;
    - up is enlarging bilinearly, then a convolution: transposed convolutions of stride 2 make checkerboards, and so
      do nearest neighbours where training is short;
    - images are mirrored at the border before every convolution, which keeps sizes and leaves no frame; the paper pads
      by zeros, its code mirrors once at the input;
    - a sigmoid gives [0, 1], as the paper's scaled tanh gives 0 … 255: they are the same function.

    With `upscale=4` or `8`, for super-resolution (appendix, table 2): c9s1-4w, residual blocks of 4w, u4w as often as
    sides double, c9s1-3. The paper has w = 16 and four residual blocks. It differs: there is no normalisation, which
    takes away the contrast that is to be kept (Lim et al., arXiv:1707.02921), and what the network gives is added to
    the bicubic enlargement, so that it learns only what that lacks, and starts as exactly that.

    Parameters
    ----------
    width : int
        Channels of the first convolution, and a quarter of the widest.
    residual_blocks : int
    upscale : 1, 4 or 8
    seed : int
        Of the initial weights (Glorot & Bengio's, uniform).

    Returns
    -------
    keras.Model
        (n, h, w, 3) RGB in [0, 1] → (n, upscale · h, upscale · w, 3), for every h, w ≥ 1. Super-resolution may
        leave [0, 1] a little; `apply` clips.
    """
    check_shape({"width": width, "residual_blocks": residual_blocks, "upscale": upscale})
    styled, wide = upscale == 1, 4 * width
    convolution = partial(_convolution, seed=seed, normalised=styled)
    image = keras.Input((None, None, 3), name="image")
    x = Mirrored(4, multiple=STRIDE if styled else 1, name="mirrored")(image)
    if styled:
        x = convolution(x, width, 9, "first", border=0)
        x = convolution(x, 2 * width, 3, "down1", strides=2)
        x = convolution(x, wide, 3, "down2", strides=2)
    else:
        x = convolution(x, wide, 9, "first", border=0)
    for i in range(1, residual_blocks + 1):
        inner = convolution(x, wide, 3, f"residual{i}_conv1")
        inner = convolution(inner, wide, 3, f"residual{i}_conv2", activation=None)
        x = kl.Add(name=f"residual{i}")([x, inner])
    for i, filters in enumerate((2 * width, width) if styled else [wide] * (upscale.bit_length() - 1), start=1):
        x = convolution(Enlarged(2, "bilinear", name=f"enlarged{i}")(x), filters, 3, f"up{i}")
    initial = keras.initializers.GlorotUniform(seed) if styled else "zeros"
    x = kl.Conv2D(3, 9, kernel_initializer=initial, name="last")(_mirrored(x, 4))
    if styled:
        picture = CroppedLike(name="cropped")([kl.Activation("sigmoid", name="picture")(x), image])
    else:
        enlarged = Enlarged(upscale, "bicubic", name="bicubic")(image)
        picture = kl.Add(name="picture")([enlarged, x])
    return keras.Model(image, picture, name="transform_network")


class Mirrored(keras.Layer):
    """Mirrors an image at its edges: `border` pixels on every side, and more on the right and below, so that the
    sides without the border are multiples of `multiple`. The edge pixel is repeated; an image smaller than the border
    is mirrored again and again.
    """

    def __init__(self, border, multiple=1, **options):
        super().__init__(**options)
        self.border, self.multiple = border, multiple

    def call(self, image):
        for axis in (1, 2):
            size = ops.shape(image)[axis]
            whole = -(-size // self.multiple) * self.multiple
            places = ops.arange(-self.border, whole + self.border) % (2 * size)
            image = ops.take(image, ops.minimum(places, 2 * size - 1 - places), axis=axis)
        return image


class Enlarged(keras.Layer):
    """`factor` times the size, by interpolation "bilinear" or "bicubic"."""

    def __init__(self, factor, interpolation, **options):
        super().__init__(**options)
        self.factor, self.interpolation = factor, interpolation

    def call(self, image):
        size = [self.factor * side for side in ops.shape(image)[1:3]]
        return tf.image.resize(image, size, self.interpolation)


class CroppedLike(keras.Layer):
    """[picture, image] → the picture without what it has more than the image on the right and below."""

    def call(self, inputs):
        picture, image = inputs
        return picture[:, : ops.shape(image)[1], : ops.shape(image)[2]]


def check_shape(settings):
    """width, residual_blocks and upscale of `settings`, checked, as a dictionary."""
    shape = {name: checked_whole(name, settings.get(name), least) for name, least in MIN_SHAPE.items()}
    if shape["upscale"] not in UPSCALES:
        raise ValueError(f"upscale must be 1 (for a style), 4 or 8; got {shape['upscale']!r}.")
    return shape


def _mirrored(x, border):
    return ops.pad(x, ((0, 0), (border, border), (border, border), (0, 0)), mode="symmetric")


def _convolution(x, filters, size, name, *, seed, normalised, strides=1, border=None, activation="relu"):
    """Mirrored border, convolution, instance normalisation, activation; `border=0` where there is one already."""
    border = size // 2 if border is None else border
    initial = keras.initializers.GlorotUniform(seed + zlib.crc32(name.encode()))
    x = _mirrored(x, border) if border else x
    x = kl.Conv2D(filters, size, strides, kernel_initializer=initial, use_bias=not normalised, name=name)(x)
    if normalised:
        x = kl.GroupNormalization(groups=-1, epsilon=1e-5, name=f"{name}_norm")(x)
    return kl.Activation(activation, name=f"{name}_{activation}")(x) if activation else x
