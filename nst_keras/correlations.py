"""What else can describe a style: Novak & Nikulin 2016, "Improving the Neural Algorithm of Artistic Style",
arXiv:1605.04603.

A style is described by matrices of correlations. The usual one, the Gram matrix, correlates the features of a layer
with each other; here they may be shifted, correlated with those of a deeper layer, and blurred. A `Correlation` says
which. The functions below make and change lists of them, and combine freely:

    style_transfer(content, style, style_layers=shifted(geometric_style_weights(chain(layers))))

Every correlation is a sum over positions, divided by a number of positions at the very end (`StyleSums`): so masks,
several pictures of one style, and images of different sizes need no special case.
"""

import itertools
from typing import NamedTuple

import tensorflow as tf

from .losses import gram_matrix, style_energy
from .network import COLOR

BINOMIAL = (0.25, 0.5, 0.25)


class Correlation(NamedTuple):
    """One correlation matrix: Σ (F + s)ᵀ · blur^b(up(F' + s)) over the positions of `layer`.

    Attributes
    ----------
    layer : str
        F, of N_l channels.
    deeper : str, optional
        F', of N_k channels, from a layer behind; `up` enlarges it bilinearly to the size of F. Without it F' is F
        itself: a Gram matrix.
    shift : float
        s. Meant for features of mean 1, such as lite's.
    blur : int
        b, how often the enlarged F' is smoothed by ¼ ½ ¼ in both directions.
    weight : float
        Its share of the style loss is weight / Σ weight over the list.
    """

    layer: str
    deeper: str | None = None
    shift: float = 0.0
    blur: int = 0
    weight: float = 1.0

    @property
    def layers(self):
        """The layers it reads."""
        return (self.layer,) if self.deeper is None else (self.layer, self.deeper)

    @property
    def reach(self):
        """{layer: how many of its positions around one of `layer` that one is correlated with, at most}."""
        return {self.layer: 0} | ({} if self.deeper is None else {self.deeper: self.blur + 2})

    def __str__(self):
        parts = [" × ".join(self.layers)]
        parts += [f"shift {self.shift:g}"] if self.shift else []
        parts += [f"blur {self.blur}"] if self.blur else []
        return ", ".join(parts)


def as_correlations(layers):
    """The correlations that an argument `style_layers` stands for, their weights the shares of the style loss.

    - A sequence of layer names and correlations: weights are scaled to sum 1.
    - A dictionary {layer name: weight}: the weights are taken as they are, also negative ones.
    """
    if isinstance(layers, dict):
        return [Correlation(layer, weight=weight) for layer, weight in layers.items()]
    listed = [Correlation(item) if isinstance(item, str) else Correlation(*item) for item in layers]
    total = sum(item.weight for item in listed)
    return [item._replace(weight=item.weight / total) for item in listed]


def geometric_style_weights(layers):
    """Section 3.1: w_d = 2^(D − d) for the d-th of D Gram matrices, d = 1 the shallowest; so shallow layers weigh most.

    Scaling the weights to sum 1 is ours.

    >>> [c.weight for c in geometric_style_weights(["block1_conv1", "block2_conv1"])]
    [0.6666666666666666, 0.3333333333333333]
    """
    listed = as_correlations(layers)
    return as_correlations([c._replace(weight=2.0 ** (len(listed) - d)) for d, c in enumerate(listed, start=1)])


def geometric_content_weights(layers):
    """Section 3.1: w_d = 2^d for the d-th content layer; so deep layers weigh most. {layer: weight}, of sum 1 (ours).

    >>> geometric_content_weights(["block1_conv1", "block2_conv1"])
    {'block1_conv1': 0.3333333333333333, 'block2_conv1': 0.6666666666666666}
    """
    weights = {layer: 2.0**d for d, layer in enumerate(layers, start=1)}
    return {layer: weight / sum(weights.values()) for layer, weight in weights.items()}


def shifted(layers, shift=-1.0):
    """Section 3.3, activation shift: G = (F + s)ᵀ(F + s).

    Features behind a ReLU are mostly zero, and so are most products. On features of mean 1, s = −1 centres them: all
    positions count, and the matrix is about the covariance. The color layer, which has a constant channel of its own,
    is left as it is.
    """
    return [c if c.layer == COLOR else c._replace(shift=shift) for c in as_correlations(layers)]


def chain(layers):
    """Section 3.5: each layer with the next, (F^(l−1))ᵀ up(F^l); they replace the Gram matrices within layers.

    From the 16 convolutions of VGG19 come 15 correlations, of which 4 cross a pooling.
    """
    return as_correlations([Correlation(*pair) for pair in itertools.pairwise(layers)])


def blurred(layers, order):
    """Section 3.6: (F^l)ᵀ blur^(k−l)(up(F^k)), for correlations between the l-th and the k-th layer of `order`.

    `order` lists layers from shallow to deep. By the paper's own word slow and unreliable. The paper does not give the
    kernel; ¼ ½ ¼ in both directions is ours.
    """
    correlations = as_correlations(layers)
    lacking = {layer for c in correlations if c.deeper for layer in c.layers} - set(order)
    if lacking:
        raise ValueError(f"order must list every layer that is correlated; it lacks {', '.join(sorted(lacking))}.")
    return [
        c if c.deeper is None else c._replace(blur=order.index(c.deeper) - order.index(c.layer)) for c in correlations
    ]


class StyleSums(NamedTuple):
    """Sums over positions, weighted by T²: of the products F_i F'_j, of F, of F', and of 1."""

    products: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor
    positions: tf.Tensor

    def __add__(self, other):
        """Of two pictures together."""
        return StyleSums(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def matrix(self):
        """G/M: shape (n, N_l, N_k)."""
        return self.products / self.positions

    @property
    def energy(self):
        """`style_energy` of the matrix."""
        return style_energy(self.matrix, self.first / self.positions, self.second / self.positions)


def style_sums(features, correlation, mask=None, upsampling=()):
    """The sums behind one correlation matrix.

    With a mask T it is the guided Gram matrix (T ∘ F)ᵀ(T ∘ F) / ΣT² of Gatys et al. 2017, arXiv:1611.07865, section 4.
    A white mask changes nothing. Between two layers, T is taken at the finer one, on both factors.

    Since `up` and the blur are linear, Σ F · blur(up(F')) = Σ upᵀ(blurᵀ(F)) · F' exactly: the product is taken at the
    size of the deeper layer, where positions are fewer.

    Parameters
    ----------
    features : dict {layer: tensor (n, h, w, N)}
    correlation : Correlation
    mask : tensor (h, w), optional
        T in [0, 1], at the size of `correlation.layer`.
    upsampling : (scale, translation), optional
        Between features of a part of an image, see `transposed_upsampling`.

    Returns
    -------
    StyleSums
    """
    first = _shift(features[correlation.layer], correlation.shift)
    guide = tf.ones((1, *first.shape[1:3], 1), first.dtype)
    if mask is not None:
        guide = tf.cast(mask, first.dtype)[None, :, :, None]
    guided = first if mask is None else guide * first
    squares = tf.square(guide)
    if correlation.deeper is None:
        second, second_squares = first, squares
        products = gram_matrix(guided)
    else:
        second = _shift(features[correlation.deeper], correlation.shift)
        coarse = second.shape[1:3]
        guided = guided if mask is None else guide * guided
        products = gram_matrix(transposed_upsampling(blur(guided, correlation.blur), coarse, *upsampling), second)
        second_squares = transposed_upsampling(blur(squares, correlation.blur), coarse, *upsampling)
    return StyleSums(
        products,
        tf.reduce_sum(squares * first, (1, 2)),
        tf.reduce_sum(second_squares * second, (1, 2)),
        tf.reduce_sum(squares),
    )


def transposed_upsampling(features, shape, scale=None, translation=None):
    """upᵀ: the transpose of enlarging bilinearly from `shape` to the features' size, so that ⟨up x, y⟩ = ⟨x, upᵀ y⟩.

    It is what TensorFlow computes as the gradient of resizing; its own gradient is resizing again. In float32.

    Parameters
    ----------
    features : tensor (n, h, w, N)
    shape : (height, width)
        At most (h, w).
    scale, translation : pairs, optional
        For parts of an image. Position x of `shape` is enlarged to x · scale + translation, both counted from the upper
        left corner of a part; by default it is x · (h, w) / shape.

    Returns
    -------
    tensor (n, height, width, N)
    """
    if tuple(shape) == tuple(features.shape[1:3]):
        return features
    placed = [] if scale is None else [tf.cast(scale, tf.float32), tf.cast(translation, tf.float32)]
    return _transposed_upsampling(features, tuple(shape), *placed)


@tf.function(autograph=False)  # once for each shape: a graph in which tf.custom_gradient was used is kept for ever
def _transposed_upsampling(features, shape, scale=None, translation=None):
    size = features.shape[1:3]
    placed = {"scale": scale, "translation": translation, "kernel_type": "triangle", "antialias": False}

    def down(y):
        like = tf.zeros((tf.shape(y)[0], *shape, y.shape[-1]))
        if scale is None:
            return tf.raw_ops.ResizeBilinearGrad(grads=y, original_image=like, half_pixel_centers=True)
        return tf.raw_ops.ScaleAndTranslateGrad(grads=y, original_image=like, **placed)

    def up(x):
        if scale is None:
            return tf.image.resize(x, size)
        return tf.raw_ops.ScaleAndTranslate(images=x, size=size, **placed)

    @tf.custom_gradient
    def transposed(y):
        return tf.cast(down(tf.cast(y, tf.float32)), y.dtype), lambda x: tf.cast(up(tf.cast(x, tf.float32)), y.dtype)

    return transposed(features)


def blur(features, times):
    """Smooth by ¼ ½ ¼ in both directions, `times` times; mirrored at the border, so that it is its own transpose."""
    kernel = tf.constant(BINOMIAL, features.dtype)
    kernel = tf.tile((kernel[:, None] * kernel)[:, :, None, None], (1, 1, features.shape[-1], 1))
    for _ in range(times):
        padded = tf.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
        features = tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")
    return features


def _shift(features, shift):
    return features + shift if shift else features
