"""Gram matrices and the losses: pure functions of tensors, nothing stored.

Notation: F features of the generated image, P of the content, both after the ReLU,
shape (n, h, w, N); M = h·w positions, N channels. G and A are Gram matrices of the generated and the style image.
All functions are differentiable. The argument `formula` chooses a row of `nst_keras.formulas.FORMULAS`.
"""

import numpy as np
import tensorflow as tf

from .formulas import FORMULAS, LayerSize
from .image import LUMINANCE
from .support.checks import checked_name

TOTAL_VARIATIONS = ("relative", "squared", "keras", "neural-style")
EPSILON = 1e-8  # keeps a black or empty target from dividing by zero
COLOR_VARIATION = 3.0
DELTA = 0.01  # differences in [0, 1] well below this are smoothed quadratically


def gram_matrix(features, others=None):
    """Gram matrix: G_ij = Σ_positions F_i · F_j.

    Which features occur together, and how strongly, wherever in the image that is: the sum over positions
    forgets the place. It is symmetric and positive semi-definite. Gatys et al. 2015, equation 3, before any
    normalisation.

    Parameters
    ----------
    features : tensor (n, h, w, N)
    others : tensor (n, h, w, K), optional
        Second factors, if not the features themselves: Σ F_i · F'_j, see `nst_keras.correlations`.

    Returns
    -------
    tensor (n, N, N) or (n, N, K)

    Examples
    --------
    >>> gram_matrix(tf.ones((1, 4, 5, 2))).numpy()
    array([[[20., 20.],
            [20., 20.]]], dtype=float32)
    """
    if others is None:
        return _self_products(features)
    return tf.matmul(_positions(features), _positions(others), transpose_a=True)


def _self_products(features):
    """FᵀF, with the gradient F (D + Dᵀ): one product of matrices, where automatic differentiation makes two.

    Only the second factor is differentiated, and the first one's part added by symmetry. (`tf.custom_gradient` would
    say this more plainly, but keeps every graph that it was ever used in. Second derivatives are not right.)
    """
    flat = _positions(features)
    flat = flat[0] if features.shape[0] == 1 else flat  # a batch of one takes TensorFlow twice as long
    products = tf.matmul(tf.stop_gradient(flat), flat, transpose_a=True)
    products += tf.linalg.matrix_transpose(products) - tf.stop_gradient(products)
    return tf.reshape(products, (-1, *products.shape[-2:]))


def mean_gram_matrix(features):
    """Gram matrix divided by the number of positions, G / M: shape (n, N, N).

    Images of different sizes can be compared by it: tiling an image 2×2 leaves it as it is.
    """
    positions = tf.shape(features)[1] * tf.shape(features)[2]
    return gram_matrix(features) / tf.cast(positions, features.dtype)


def style_energy(gram, mean, other_mean=None):
    """Energy of a style's covariance, Σ (A/M − μμᵀ)²: the unit of the relative `style_loss`.

    A Gram matrix is dominated by the channels' means μ, which styles share to a large part; what varies within the
    style is its covariance. A thousandth of the Gram matrix's own energy is added, so that the loss stays finite
    for a flat style, whose covariance is zero. Not from a paper.

    Parameters
    ----------
    gram : tensor (1, N, N)
        A/M, from `mean_gram_matrix`.
    mean : tensor (1, N)
        Of the features over the positions, μ.
    other_mean : tensor (1, K), optional
        Of the second factors, where the matrix (1, N, K) is between two layers.

    Returns
    -------
    scalar tensor, ≥ 0
    """
    covariance = gram - mean[:, :, None] * (mean if other_mean is None else other_mean)[:, None, :]
    return tf.reduce_sum(tf.square(covariance)) + 1e-3 * tf.reduce_sum(tf.square(gram))


def content_loss(features, target, *, formula="relative"):
    """How far the features F are from the content's features P at one layer: Σ(F − P)² / divisor.

    - `relative`: ΣP²
    - `gatys`: 2; arXiv:1508.06576, equation 1. The gradient is F − P where F > 0, else 0 (equation 2): the zero
      comes from the ReLU below.
    - `gatys-code`, `neural-style`, `johnson`: N · M, a mean
    - `keras`, `cs231n`: 1

    Parameters
    ----------
    features, target : tensors (n, h, w, N) of the same shape

    Returns
    -------
    scalar tensor, ≥ 0
    """
    return tf.reduce_sum(tf.square(features - target)) / content_divisor(target, formula=formula)


def content_divisor(target, *, formula="relative"):
    """What `content_loss` divides by, for the content's features (n, h, w, N)."""
    checked_name("formula", formula, FORMULAS)
    height, width, channels = target.shape[1:]
    energy = tf.reduce_sum(tf.square(target)) + EPSILON
    return FORMULAS[formula].content(LayerSize(channels, positions=height * width, pixels=None, energy=energy))


def style_loss(gram, target, *, energy=None, positions=None, pixels=None, formula="relative"):
    """How far the Gram matrix G is from the style's Gram matrix A at one layer: Σ(G/M_G − A/M_A)² / divisor.

    - `relative`: `style_energy` of the style's features
    - `gatys`: 4 N²; arXiv:1508.06576, equation 4. The paper divides the difference by M instead, which is the same
      where both images have the same size, and undefined where they have not. The gradient, by the features, is
      F (G − A) / (N² M²) where F > 0, else 0 (equation 6).
    - `gatys-code`, `neural-style`: N⁴
    - `keras`: 36 (H·W/M)². Its raw Gram matrices, 3 "channels" and the image's H·W at every layer,
      Σ(G − A)² / (4 · 3² · (H·W)²), come to this for images of equal size.
    - `johnson`, `cs231n`: N²

    Between layers of N_l and N_k channels, N² is N_l · N_k.

    Parameters
    ----------
    gram, target : tensors (n, N, N) from `mean_gram_matrix`
    energy : scalar tensor
        For `relative` only.
    positions, pixels : float
        M of the layer and H·W of the image; for `keras` only.

    Returns
    -------
    scalar tensor, ≥ 0
    """
    checked_name("formula", formula, FORMULAS)
    needed = {"relative": {"energy": energy}, "keras": {"positions": positions, "pixels": pixels}}.get(formula, {})
    for name, value in needed.items():
        if value is None:
            raise ValueError(f'style_loss with formula="{formula}" needs {name}=; got none.')
    channels = (gram.shape[-2] * gram.shape[-1]) ** 0.5
    energy = energy + EPSILON if energy is not None else None
    layer = LayerSize(channels=channels, positions=positions, pixels=pixels, energy=energy)
    return tf.reduce_sum(tf.square(gram - target)) / FORMULAS[formula].style(layer)


def total_variation_loss(image, *, form="relative", guide=None, shape=None):
    """How much neighbouring pixels differ: large for noise, zero for a flat image.

    With forward differences dx, dy, without wrap-around:

    - `relative`: mean |dx| + mean |dy| of the luminance Y = 0.299 R + 0.587 G + 0.114 B, and 3 times the same of the
      colour that is left, (R, G, B) − Y. Absolute differences let edges be sharp, so that strokes stay strokes;
      the larger weight on colour takes away the fringes that an optimiser otherwise hides in single channels. |d| is
      √(d² + δ²) − δ, δ = 0.01, which has a gradient at 0. Not from a paper; the absolute form is that of Rudin,
      Osher, Fatemi 1992.
    - `squared`: Σdx² + Σdy², the β = 2 of Mahendran & Vedaldi, arXiv:1412.0035.
    - `keras`: Σ(dx² + dy²)^1.25, β = 2.5, on the image without its last row and column.
    - `neural-style`: ½ Σ(dx² + dy²), on the same crop.

    Parameters
    ----------
    image : tensor (n, H, W, 3)
        RGB in [0, 1].
    guide, shape : tensor (H, W), (height, width), optional
        Of a part of an image: what the differences at each pixel count, and the shape of the whole; so that the losses
        of parts add up to that of the whole.

    Returns
    -------
    scalar tensor, ≥ 0

    Examples
    --------
    >>> red_and_black = tf.constant([[[[1.0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1.0, 0, 0]]]])
    >>> float(total_variation_loss(red_and_black, form="squared"))
    4.0
    """
    checked_name("form", form, TOTAL_VARIATIONS)
    if form == "squared":
        return sum(_guided_sum(tf.square(difference), guide) for difference in _differences(image))
    if form in ("keras", "neural-style"):
        dx, dy = _differences(image)
        squares = tf.square(dx[:, :-1]) + tf.square(dy[:, :, :-1])
        return _guided_sum(squares**1.25, guide) if form == "keras" else _guided_sum(squares, guide) / 2
    sides = (tf.shape(image)[0], *(tf.unstack(tf.shape(image))[1:3] if shape is None else shape))
    count, height, width = (tf.cast(side, image.dtype) for side in sides)
    means = tf.stack([1 / (count * height * (width - 1)), 1 / (count * (height - 1) * width)])  # of dx, of dy
    shares = tf.constant([1.0] + [COLOR_VARIATION / 3] * 3, image.dtype)  # of Y, and of the three channels of colour
    # The last row and column once more: their differences are 0. One convolution is faster than slices by far.
    bordered = tf.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)), "SYMMETRIC")
    differences = tf.nn.conv2d(bordered, tf.constant(_difference_kernel(), image.dtype), 1, "VALID")
    absolute = tf.sqrt(tf.square(differences) + DELTA**2) - DELTA
    return _guided_sum(absolute * tf.reshape(means[:, None] * shares, (-1,)), guide)


def _difference_kernel():
    """From RGB to dx, then dy, of (Y, R − Y, G − Y, B − Y): shape (2, 2, 3, 8)."""
    luminance = np.tile(np.reshape(LUMINANCE, (3, 1)), 3)
    parts = np.concatenate([luminance[:, :1], np.eye(3) - luminance], axis=1)
    kernel = np.zeros((2, 2, 3, 8))
    kernel[0, 0] = -np.tile(parts, 2)
    kernel[0, 1, :, :4] = kernel[1, 0, :, 4:] = parts
    return kernel


def _guided_sum(values, guide):
    """Σ guide · values; differences may have a row or a column less than their image."""
    if guide is not None:
        values = values * guide[: values.shape[1], : values.shape[2], None]
    return tf.reduce_sum(values)


def _positions(features):
    """(n, h, w, N) → (n, M, N)."""
    return tf.reshape(features, (tf.shape(features)[0], -1, features.shape[-1]))


def _differences(image):
    return image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]
