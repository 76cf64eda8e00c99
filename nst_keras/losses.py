"""Gram matrices and the losses: pure functions of tensors, nothing stored.

Notation: F features of the generated image, P of the content, both after the ReLU,
shape (n, h, w, N); M = h·w positions, N channels. G and A are Gram matrices of the generated and the style image.
All functions are differentiable.

Two formulas stand side by side; the argument `formula` chooses one:

- `"relative"` (the default): content and style losses are divided by the energy of their targets, so they have no
  unit and hardly depend on the size of the image or the scale of the features. Not from a paper.
- `"gatys"`: Gatys, Ecker, Bethge 2015, arXiv:1508.06576, equations 1 to 5. The paper has no total variation; the
  usual form beside it is `"squared"`.
"""

import tensorflow as tf

FORMULAS = ("relative", "gatys")
TOTAL_VARIATION_FORMULAS = ("relative", "squared")
EPSILON = 1e-8  # keeps a black or empty target from dividing by zero
LUMINANCE = (0.299, 0.587, 0.114)  # of R, G, B, as in ITU-R BT.601
COLOR_VARIATION = 3.0
DELTA = 0.01  # differences in [0, 1] well below this are smoothed quadratically


def gram_matrix(features):
    """Gram matrix: G_ij = Σ_positions F_i · F_j.

    Which features occur together, and how strongly, wherever in the image that is: the sum over positions
    forgets the place. It is symmetric and positive semi-definite. Gatys et al. 2015, equation 3, before any
    normalisation.

    Parameters
    ----------
    features : tensor (n, h, w, N)

    Returns
    -------
    tensor (n, N, N)

    Examples
    --------
    >>> gram_matrix(tf.ones((1, 4, 5, 2))).numpy()
    array([[[20., 20.],
            [20., 20.]]], dtype=float32)
    """
    channels = features.shape[-1]
    flat = tf.reshape(features, (tf.shape(features)[0], -1, channels))
    return tf.matmul(flat, flat, transpose_a=True)


def mean_gram_matrix(features):
    """Gram matrix divided by the number of positions, G / M: shape (n, N, N).

    Images of different sizes can be compared by it: tiling an image 2×2 leaves it as it is.
    """
    positions = tf.shape(features)[1] * tf.shape(features)[2]
    return gram_matrix(features) / tf.cast(positions, features.dtype)


def style_energy(features):
    """Energy of the covariance of a style's features, Σ (A/M − μμᵀ)²: the unit of the relative `style_loss`.

    A Gram matrix is dominated by the channels' means μ, which styles share to a large part; what varies within the
    style is its covariance. A thousandth of the Gram matrix's own energy is added, so that the loss stays finite
    for a flat style, whose covariance is zero. Not from a paper.

    Parameters
    ----------
    features : tensor (1, h, w, N)

    Returns
    -------
    scalar tensor, ≥ 0
    """
    gram = mean_gram_matrix(features)
    mean = tf.reduce_mean(features, axis=(1, 2))
    covariance = gram - mean[:, :, None] * mean[:, None, :]
    return tf.reduce_sum(tf.square(covariance)) + 1e-3 * tf.reduce_sum(tf.square(gram))


def content_loss(features, target, *, formula="relative"):
    """How far the features F are from the content's features P at one layer.

    - `relative`: Σ(F − P)² / ΣP²
    - `gatys`: ½ Σ(F − P)², arXiv:1508.06576, equation 1. Its gradient is F − P where F > 0, else 0 (equation 2):
      the zero comes from the ReLU below.

    Parameters
    ----------
    features, target : tensors (n, h, w, N) of the same shape

    Returns
    -------
    scalar tensor, ≥ 0
    """
    _check_formula(formula)
    squared_error = tf.reduce_sum(tf.square(features - target))
    if formula == "gatys":
        return squared_error / 2
    return squared_error / (tf.reduce_sum(tf.square(target)) + EPSILON)


def style_loss(gram, target, *, energy=None, formula="relative"):
    """How far the Gram matrix G is from the style's Gram matrix A at one layer; both divided by their M.

    - `relative`: Σ(G/M_G − A/M_A)² / energy, with `style_energy` of the style's features.
    - `gatys`: Σ(G/M_G − A/M_A)² / (4 N²), arXiv:1508.06576, equation 4. The paper divides the difference by M
      instead, which is the same where both images have the same size, and undefined where they have not. Its
      gradient, by the features, is F (G − A) / (N² M²) where F > 0, else 0 (equation 6).

    Parameters
    ----------
    gram, target : tensors (n, N, N) from `mean_gram_matrix`
    energy : scalar tensor
        For `relative` only.

    Returns
    -------
    scalar tensor, ≥ 0
    """
    _check_formula(formula)
    squared_error = tf.reduce_sum(tf.square(gram - target))
    if formula == "gatys":
        channels = gram.shape[-1]
        return squared_error / (4 * channels**2)
    if energy is None:
        raise ValueError('style_loss with formula="relative" needs energy=style_energy(features of the style).')
    return squared_error / (energy + EPSILON)


def total_variation_loss(image, *, formula="relative"):
    """How much neighbouring pixels differ: large for noise, zero for a flat image.

    With forward differences dx, dy, without wrap-around:

    - `relative`: mean |dx| + mean |dy| of the luminance Y = 0.299 R + 0.587 G + 0.114 B, and 3 times the same of the
      colour that is left, (R, G, B) − Y. Absolute differences let edges be sharp, so that strokes stay strokes;
      the larger weight on colour takes away the fringes that an optimiser otherwise hides in single channels. |d| is
      √(d² + δ²) − δ, δ = 0.01, which has a gradient at 0. Not from a paper; the absolute form is that of Rudin,
      Osher, Fatemi 1992.
    - `squared`: Σdx² + Σdy², the β = 2 of Mahendran & Vedaldi, arXiv:1412.0035.

    Parameters
    ----------
    image : tensor (n, H, W, 3)
        RGB in [0, 1].

    Returns
    -------
    scalar tensor, ≥ 0

    Examples
    --------
    >>> red_and_black = tf.constant([[[[1.0, 0, 0], [0, 0, 0]], [[0, 0, 0], [1.0, 0, 0]]]])
    >>> float(total_variation_loss(red_and_black, formula="squared"))
    4.0
    """
    _check_formula(formula, TOTAL_VARIATION_FORMULAS)
    if formula == "squared":
        return sum(tf.reduce_sum(tf.square(difference)) for difference in _differences(image))
    luminance = tf.reduce_sum(image * LUMINANCE, axis=-1, keepdims=True)
    total = 0.0
    for part, weight in ((luminance, 1.0), (image - luminance, COLOR_VARIATION)):
        for difference in _differences(part):
            total += weight * tf.reduce_mean(tf.sqrt(tf.square(difference) + DELTA**2) - DELTA)
    return total


def _differences(image):
    return image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]


def _check_formula(formula, known=FORMULAS):
    if formula not in known:
        raise ValueError(f"formula must be one of {', '.join(known)}; got {formula!r}.")
