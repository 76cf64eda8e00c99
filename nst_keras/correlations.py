"""Other descriptions of a style: Novak & Nikulin 2016, "Improving the Neural Algorithm of Artistic Style",
arXiv:1605.04603.

Matrices of correlations describe a style. The usual one, the Gram matrix, correlates the features of a layer with each
other. Here they may also be shifted, correlated with those of a deeper layer, and blurred: a `Correlation` says which.
The functions below make and change lists of correlations, and combine:

    style_transfer(content, style, style_layers=shifted(geometric_style_weights(chain(layers))))

Every correlation is a sum over positions, and is divided by the number of positions at the very end (`StyleSums`). So
masks, several pictures of one style, and images of different sizes need no special case.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from .losses import gram_matrix, style_energy
from .network import COLOR
from .support.types import Layers, Shape

BINOMIAL = (0.25, 0.5, 0.25)


class Correlation(NamedTuple):
    """One correlation matrix: Σ (F + s)ᵀ · blur^b(up(F' + s)) over the positions of `layer`.

    F comes from `layer`, with N_l channels, and F' from a `deeper` one, with N_k; `up` enlarges F' bilinearly to the
    size of F. Without `deeper`, F' is F, and the matrix is a Gram matrix. The share of the style loss is weight divided
    by the sum of all weights.
    """

    layer: str
    deeper: str | None = None
    shift: float = 0.0  #: s; −1 suits features of mean 1, such as lite's
    blur: int = 0  #: b: how often the enlarged F' is smoothed by ¼ ½ ¼ in both directions
    weight: float = 1.0

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the correlation reads."""
        return (self.layer,) if self.deeper is None else (self.layer, self.deeper)

    def __str__(self):
        parts = [" × ".join(self.layers)]
        parts += [f"shift {self.shift:g}"] if self.shift else []
        parts += [f"blur {self.blur}"] if self.blur else []
        return ", ".join(parts)


def as_correlations(layers: Layers) -> list[Correlation]:
    """Return the correlations that `style_layers` stands for, with their shares of the style loss as weights.

    Weights in a sequence of layer names and correlations are scaled to sum 1. Weights in a dictionary {layer name:
    weight} stay as they are, also negative ones.
    """
    if isinstance(layers, dict):
        return [Correlation(layer, weight=weight) for layer, weight in layers.items()]
    listed = [Correlation(item) if isinstance(item, str) else Correlation(*item) for item in layers]
    total = sum(item.weight for item in listed)
    return [item._replace(weight=item.weight / total) for item in listed]


def geometric_style_weights(layers: Layers) -> list[Correlation]:
    """Weight the d-th of D Gram matrices by 2^(D − d), section 3.1: shallow layers (d = 1) weigh most.

    The paper does not scale them; here they sum to 1.

    >>> [c.weight for c in geometric_style_weights(["block1_conv1", "block2_conv1"])]
    [0.6666666666666666, 0.3333333333333333]
    """
    listed = as_correlations(layers)
    return as_correlations([c._replace(weight=2.0 ** (len(listed) - d)) for d, c in enumerate(listed, start=1)])


def geometric_content_weights(layers: Sequence[str]) -> dict[str, float]:
    """Weight the d-th content layer by 2^d, section 3.1: deep layers weigh most. Here they sum to 1.

    >>> geometric_content_weights(["block1_conv1", "block2_conv1"])
    {'block1_conv1': 0.3333333333333333, 'block2_conv1': 0.6666666666666666}
    """
    weights = {layer: 2.0**d for d, layer in enumerate(layers, start=1)}
    return {layer: weight / sum(weights.values()) for layer, weight in weights.items()}


def shifted(layers: Layers, shift: float = -1.0) -> list[Correlation]:
    """Shift the activations, section 3.3: G = (F + s)ᵀ(F + s).

    Features after a ReLU are mostly zero, and so are most products. On features of mean 1, s = −1 centres them: then
    all positions count, and the matrix is close to the covariance. The color layer, which has a constant channel,
    stays as it is.
    """
    return [c if c.layer == COLOR else c._replace(shift=shift) for c in as_correlations(layers)]


def chain(layers: Sequence[str]) -> list[Correlation]:
    """Correlate each layer with the next, section 3.5: (F^(l−1))ᵀ up(F^l), instead of the Gram matrices within layers.

    The 16 convolutions of VGG19 give 15 correlations; 4 of them cross a pooling.
    """
    return as_correlations([Correlation(*pair) for pair in itertools.pairwise(layers)])


def blurred(layers: Layers, order: Sequence[str]) -> list[Correlation]:
    """Blur the deeper features, section 3.6: (F^l)ᵀ blur^(k−l)(up(F^k)), for the l-th and the k-th layer of `order`.

    `order` lists layers from shallow to deep. The paper itself calls this slow and unreliable. It does not give the
    kernel; ¼ ½ ¼ in both directions is this package's.
    """
    correlations = as_correlations(layers)
    lacking = {layer for c in correlations if c.deeper for layer in c.layers} - set(order)
    if lacking:
        raise ValueError(f"order must list every layer that is correlated; it lacks {', '.join(sorted(lacking))}.")
    return [
        c if c.deeper is None else c._replace(blur=order.index(c.deeper) - order.index(c.layer)) for c in correlations
    ]


class StyleSums(NamedTuple):
    """Sums over positions, weighted by the squared mask T² (1 without one), of F_i F'_j, of F, of F', and of 1."""

    products: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor
    positions: tf.Tensor

    def __add__(self, other):
        """Add the sums of two pictures, or of two parts of one."""
        return StyleSums(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def matrix(self) -> tf.Tensor:
        """G/M, shape (n, N_l, N_k)."""
        return self.products / self.positions

    @property
    def energy(self) -> tf.Tensor:
        """`style_energy` of the matrix."""
        return style_energy(self.matrix, self.first / self.positions, self.second / self.positions)


def style_sums(features: dict[str, tf.Tensor], correlation: Correlation, mask: tf.Tensor | None = None) -> StyleSums:
    """Compute the sums of one correlation matrix.

    With a mask T it is the guided Gram matrix (T ∘ F)ᵀ(T ∘ F) / ΣT² of Gatys et al. 2017, arXiv:1611.07865, section 4;
    a white mask changes nothing. Between two layers, the T of the finer layer multiplies both factors.

    `up` and the blur are linear, so Σ F · blur(up(F')) = Σ upᵀ(blurᵀ(F)) · F' exactly. The product is computed at the
    size of the deeper layer, which has fewer positions.

    Parameters
    ----------
    features
        {layer: (n, h, w, N)}.
    mask
        (h, w) in [0, 1], of the size of `correlation.layer`.
    """
    first = _shift(features[correlation.layer], correlation.shift)
    weights = None if mask is None else tf.square(tf.cast(mask, first.dtype))  # no weights without a mask: faster
    squares = tf.ones((1, *first.shape[1:3], 1), first.dtype) if mask is None else weights[None, ..., None]
    if correlation.deeper is None:
        second, second_squares = first, squares
        products = gram_matrix(first, weights=weights)
    else:
        second = _shift(features[correlation.deeper], correlation.shift)
        coarse = second.shape[1:3]
        guided = first if mask is None else squares * first
        products = gram_matrix(transposed_upsampling(blur(guided, correlation.blur), coarse), second)
        second_squares = transposed_upsampling(blur(squares, correlation.blur), coarse)
    return StyleSums(
        products,
        tf.reduce_sum(squares * first, (1, 2)),
        tf.reduce_sum(second_squares * second, (1, 2)),
        tf.reduce_sum(squares),
    )


def transposed_upsampling(features: tf.Tensor, shape: Shape) -> tf.Tensor:
    """Apply upᵀ, the transpose of enlarging bilinearly from `shape` to the features' size: ⟨up x, y⟩ = ⟨x, upᵀ y⟩.

    TensorFlow computes it as the gradient of resizing; its own gradient is resizing again. In float32.

    Parameters
    ----------
    features
        (n, h, w, N).
    shape
        (height, width), at most (h, w).

    Returns
    -------
    features
        (n, height, width, N).
    """
    if tuple(shape) == tuple(features.shape[1:3]):
        return features
    return _transposed_upsampling(tuple(features.shape[1:]), tuple(shape), features.dtype)(features)


@functools.cache  # one function for each shape, as tf.custom_gradient keeps every graph that it was ever used in
def _transposed_upsampling(fine, coarse, dtype):
    @tf.custom_gradient
    def transposed(y):
        like = tf.zeros((tf.shape(y)[0], *coarse, fine[-1]))
        down = tf.raw_ops.ResizeBilinearGrad(grads=tf.cast(y, tf.float32), original_image=like, half_pixel_centers=True)
        return tf.cast(down, dtype), lambda x: tf.cast(tf.image.resize(tf.cast(x, tf.float32), fine[:2]), dtype)

    with tf.init_scope():
        return tf.function(transposed, [tf.TensorSpec((None, *fine), dtype)], autograph=False).get_concrete_function()


def blur(features: tf.Tensor, times: int) -> tf.Tensor:
    """Smooth by ¼ ½ ¼ in both directions, `times` times.

    The border is mirrored, so that the operation is its own transpose.
    """
    kernel = tf.constant(BINOMIAL, features.dtype)
    kernel = tf.tile((kernel[:, None] * kernel)[:, :, None, None], (1, 1, features.shape[-1], 1))
    for _ in range(times):
        padded = tf.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
        features = tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")
    return features


def _shift(features, shift):
    return features + shift if shift else features
