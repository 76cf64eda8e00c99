"""Gram matrices and the losses: pure functions of tensors.

Notation: F are the features of the generated image and P those of the content, after the ReLU, shape (n, h, w, N);
M = h·w positions, N channels. G and A are Gram matrices of the generated and the style image. All functions can
be differentiated, once. The argument `formula` chooses a row of `nst_keras.formulas.FORMULAS`.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from .formulas import FORMULAS, LayerSize
from .image import LUMINANCE
from .support.checks import checked_name

TOTAL_VARIATIONS = ("relative", "squared", "keras", "neural-style")
EPSILON = 1e-8  # keeps a black or empty target from dividing by zero
COLOR_VARIATION = 3.0  # weight of differences in colour, compared with luminance
DELTA = 0.01  # differences well below this count quadratically


def gram_matrix(features: tf.Tensor, others: tf.Tensor | None = None, *, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Compute the Gram matrix: G_ij = Σ_positions F_i · F_j. Gatys et al. 2015, equation 3.

    It says which features occur together, and how strongly, anywhere in the image: the sum over positions forgets the
    place. Without `others` it is symmetric and positive semi-definite.

    Parameters
    ----------
    features
        (n, h, w, N).
    others
        (n, h, w, K). Second factors, where they are not the features themselves: Σ F_i · F'_j; see
        `nst_keras.correlations`.
    weights
        (h, w). Weights of the positions, such as the squares of a mask: Σ weight · F_i · F_j.

    Returns
    -------
    gram
        (n, N, N), or (n, N, K).

    Examples
    --------
    >>> gram_matrix(tf.ones((1, 4, 5, 2))).numpy()
    array([[[20., 20.],
            [20., 20.]]], dtype=float32)
    """
    if others is None:
        return _self_products(features, weights)
    return tf.matmul(_positions(_weighted(features, weights)), _positions(others), transpose_a=True)


def _self_products(features, weights):
    """Compute FᵀF. From its gradient D follows that of F in one product, F (D + Dᵀ); automatically it would be two.

    Only the second factor is differentiated; the first one's part is added by symmetry. (`tf.custom_gradient` would say
    this more plainly, but keeps every graph that it was ever used in.) Second derivatives are wrong.
    """
    flat = _positions(features)
    flat = tf.squeeze(flat, 0) if features.shape[0] == 1 else flat  # a batch of one takes TensorFlow twice as long
    fixed = tf.stop_gradient(flat)
    if weights is not None:
        fixed *= tf.reshape(weights, (-1, 1))
    products = tf.matmul(fixed, flat, transpose_a=True)
    products += tf.linalg.matrix_transpose(products) - tf.stop_gradient(products)
    return tf.reshape(products, (-1, *products.shape[-2:]))


def mean_gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Compute the Gram matrix divided by the number of positions, G / M: (n, h, w, N) → (n, N, N).

    Images of different sizes can be compared by it: features repeated 2×2 have the same G / M.
    """
    positions = tf.shape(features)[1] * tf.shape(features)[2]
    return gram_matrix(features) / tf.cast(positions, features.dtype)


def style_energy(gram: tf.Tensor, mean: tf.Tensor, other_mean: tf.Tensor | None = None) -> tf.Tensor:
    """Compute the energy of a style's covariance, Σ (A/M − μμᵀ)²: the divisor of the relative `style_loss`.

    The channels' means μ dominate a Gram matrix, and styles share a large part of them; the covariance describes what
    varies within the style. A thousandth of the Gram matrix's own energy is added, so that the loss stays finite for a
    flat style, whose covariance is zero. Not from a paper.

    Parameters
    ----------
    gram
        A/M from `mean_gram_matrix`, (1, N, N); or (1, N, K) between two layers.
    mean, other_mean
        Means of the features over the positions, (1, N); and of the second factors, (1, K), if there are any.
    """
    covariance = gram - mean[:, :, None] * (mean if other_mean is None else other_mean)[:, None, :]
    return tf.reduce_sum(tf.square(covariance)) + 1e-3 * tf.reduce_sum(tf.square(gram))


def content_energy(target: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Compute ΣP², or Σ weight · P²: the divisor of the relative `content_loss`."""
    return tf.reduce_sum(_weighted(tf.square(target), weights))


def content_loss(
    features: tf.Tensor,
    target: tf.Tensor,
    *,
    weights: tf.Tensor | None = None,
    energy: tf.Tensor | None = None,
    formula: str = "relative",
) -> tf.Tensor:
    """Compare the features F with the content's features P at one layer: Σ(F − P)² / divisor.

    - `relative`: ΣP²
    - `gatys`: 2; arXiv:1508.06576, equation 1. The gradient is F − P where F > 0, else 0 (equation 2): the zero
      comes from the ReLU below.
    - `gatys-code`, `neural-style`, `johnson`: N · M, a mean over all positions
    - `keras`, `cs231n`: 1

    Parameters
    ----------
    features, target
        (n, h, w, N), of the same shape.
    weights
        (h, w). Weights of the positions, as in `gram_matrix`.
    energy
        `content_energy` of the target; computed here if it is not given.
    """
    energy = content_energy(target, weights) if energy is None else energy
    return tf.reduce_sum(_weighted(tf.square(features - target), weights)) / content_divisor(target, energy, formula)


def content_divisor(target: tf.Tensor, energy: tf.Tensor, formula: str = "relative") -> Any:
    """Return the divisor of `content_loss`."""
    checked_name("formula", formula, FORMULAS)
    height, width, channels = target.shape[1:]
    return FORMULAS[formula].content(LayerSize(channels, height * width, pixels=None, energy=energy + EPSILON))


def style_loss(
    gram: tf.Tensor,
    target: tf.Tensor,
    *,
    energy: tf.Tensor | float | None = None,
    positions: float | None = None,
    pixels: float | None = None,
    formula: str = "relative",
) -> tf.Tensor:
    """Compare the Gram matrix G with the style's Gram matrix A at one layer: Σ(G/M_G − A/M_A)² / divisor.

    - `relative`: `style_energy` of the style's features
    - `gatys`: 4 N²; arXiv:1508.06576, equation 4. The paper divides the difference by M instead, which is the same
      where both images have the same size, and undefined where they do not. The gradient by the features is
      F (G − A) / (N² M²) where F > 0, else 0 (equation 6).
    - `gatys-code`, `neural-style`: N⁴
    - `keras`: 36 (H·W/M)². The example has Σ(G − A)² / (4 · 3² · (H·W)²), with 3 channels and the image's H·W at every
      layer, which is equal to this for images of the same size.
    - `johnson`, `cs231n`: N²

    Between layers of N_l and N_k channels, N² is N_l · N_k.

    Parameters
    ----------
    gram, target
        G/M_G and A/M_A as from `mean_gram_matrix`, (n, N, N); (n, N_l, N_k) between layers.
    energy
        `style_energy` of the style; needed by `relative`.
    positions, pixels
        M of the layer and H·W of the image; needed by `keras`.
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


def total_variation_loss(image: tf.Tensor, *, form: str = "relative") -> tf.Tensor:
    """Add up the differences between neighbouring pixels: large for noise, zero for a flat image.

    With forward differences dx, dy that end at the border:

    - `relative`: mean |d| of the luminance Y = 0.299 R + 0.587 G + 0.114 B, and 3 times the same of the colour without
      it, (R, G, B) − Y. |d| is √(dx² + dy² + δ²) − δ, δ = 0.01, which has a gradient at 0; at the border a difference
      that ends outside is 0. Edges may be sharp, and no direction is preferred: Rudin, Osher, Fatemi 1992. The larger
      weight on colour, which is not from a paper, removes the fringes that an optimiser otherwise hides in single
      channels.
    - `squared`: Σdx² + Σdy², the β = 2 of Mahendran & Vedaldi, arXiv:1412.0035.
    - `keras`: Σ(dx² + dy²)^1.25, β = 2.5, on the image without its last row and column.
    - `neural-style`: ½ Σ(dx² + dy²), on the same crop.

    Parameters
    ----------
    image
        (n, H, W, 3), RGB in [0, 1].

    Examples
    --------
    >>> red_and_black = tf.constant([[[[1.0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1.0, 0, 0]]]])
    >>> float(total_variation_loss(red_and_black, form="squared"))
    4.0
    """
    return sum(tf.reduce_sum(summands) for summands in variation_summands(image, form, tf.shape(image)))


def variation_summands(image: tf.Tensor, form: str, shape: Any) -> list[tf.Tensor]:
    """Return maps (n, h, w, channels) that add up to `total_variation_loss` of an image of `shape` (n, H, W, …).

    `image` may be a part of that image. Maps lack the last row or column where no difference begins there.
    """
    checked_name("form", form, TOTAL_VARIATIONS)
    if form == "relative":
        return [_relative_summands(image, shape)]
    dx, dy = image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]
    if form == "squared":
        return [tf.square(dx), tf.square(dy)]
    squares = tf.square(dx[:, :-1]) + tf.square(dy[:, :, :-1])
    return [squares**1.25 if form == "keras" else squares / 2]


def _relative_summands(image, shape):
    shares = tf.constant([1.0] + [COLOR_VARIATION / 3] * 3, image.dtype)  # of Y, and of the three colour channels
    # With the last row and column repeated, their differences are 0. One convolution is much faster than slices.
    bordered = tf.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)), "SYMMETRIC")
    differences = tf.nn.conv2d(bordered, tf.constant(_difference_kernel(), image.dtype), 1, "VALID")
    dx, dy = tf.split(differences, 2, axis=-1)
    lengths = tf.sqrt(tf.square(dx) + tf.square(dy) + DELTA**2) - DELTA
    return lengths * shares / tf.cast(tf.reduce_prod(shape[:3]), image.dtype)


def _difference_kernel():
    """From RGB to dx, then dy, of (Y, R − Y, G − Y, B − Y): shape (2, 2, 3, 8)."""
    luminance = np.tile(np.reshape(LUMINANCE, (3, 1)), 3)
    parts = np.concatenate([luminance[:, :1], np.eye(3) - luminance], axis=1)
    kernel = np.zeros((2, 2, 3, 8))
    kernel[0, 0] = -np.tile(parts, 2)
    kernel[0, 1, :, :4] = kernel[1, 0, :, 4:] = parts
    return kernel


def _weighted(values, weights):
    return values if weights is None else weights[..., None] * values


def _positions(features):
    """(n, h, w, N) → (n, M, N)."""
    return tf.reshape(features, (tf.shape(features)[0], -1, features.shape[-1]))
