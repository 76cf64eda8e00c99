"""Colour: give the style the content's colours before the transfer, or the result the content's colours after it.

Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving Color in Neural Artistic Style Transfer", arXiv:1606.05897, has
two ways: matching the style's colours linearly, and transfer of luminance only. Others stand beside them.

| method | before the transfer | after it | source |
|---|---|---|---|
| `cholesky` | style: x' = A x + b, A = L_C L_S⁻¹ | | the paper |
| `image-analogies` | A = Σ_C^½ Σ_S^−½ | | the paper |
| `optimal-transport` | A = Σ_S^−½ (Σ_S^½ Σ_C Σ_S^½)^½ Σ_S^−½ | | Pitié & Kokaram 2007; the authors' code |
| `histogram` | style: each channel by its quantiles | | a baseline |
| `luminance` | both grey; style: L' = (σ_C/σ_S)(L − μ_S) + μ_C | colour of the content | the paper |
| `chroma-swap` | | colour of the content | what tutorials call luminance transfer |

μ_S, Σ_S: mean and covariance of the style's colours; μ_C, Σ_C: of the content's. As in the paper, all is done on sRGB
values as they are. Colour, where it is kept apart from the luminance Y, is (R, G, B) − Y.
"""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from .image import luminance
from .support.checks import checked_name

LINEAR_METHODS = ("cholesky", "image-analogies", "optimal-transport")
MATCHING_METHODS = (*LINEAR_METHODS, "histogram")
COLOR_METHODS = (*MATCHING_METHODS, "luminance", "chroma-swap")
EPSILON = 1e-5  # added to variances, as in the authors' code; a deviation of 0.8 of 255 levels
MAX_GAIN = 5.0  # coloured paintings need up to 4.8 (those in images/); a grey one asks for more, to amplify noise
LEVELS = 65536  # of a histogram; those of 8 and of 16 bits are among them
BAND = 16384  # pixels worked on at a time
VISIBLE = 0.5 / 255  # a colour further outside [0, 1] than half a level of 8 bits is out of gamut


@dataclass(frozen=True)
class Recolored:
    """What `match_colors` gives back.

    `image` is the recoloured style, (H, W, 3) float32 in [0, 1]. `gain` says how many times the method stretches
    differences of colour at most; what is above `MAX_GAIN` was limited to that. `out_of_gamut` is the share of the
    pixels that were visibly outside [0, 1], and clipped.
    """

    image: np.ndarray = field(repr=False)
    gain: float
    out_of_gamut: float


def match_colors(style, palette, method="cholesky", *, strength=1.0, style_mask=None, palette_mask=None):
    """Recolour a style with the colours of another picture: of the content, or of any third one.

    A linear method maps every colour x to x' = A x + μ_C − A μ_S, with A from `limited_transform`. `histogram` gives
    each channel the palette's quantiles, and limits the gain of its deviation; it may turn flat grounds to speckle.
    The result is x + strength · style_mask · (x' − x), clipped to [0, 1].

    Parameters
    ----------
    style, palette : image arrays, of any sizes
    method : str
        "cholesky", "image-analogies", "optimal-transport" or "histogram".
    strength : float
        In [0, 1]; 0 leaves the style as it is.
    style_mask, palette_mask : mask arrays, optional
        (H, W) floats in [0, 1], of the style's and of the palette's size. They weigh the pixels whose colours are
        measured, and white in the style's mask is where it is recoloured. With a person in white, `palette_mask`
        gives the style the person's colours without those of the sky behind.

    Returns
    -------
    Recolored
    """
    check_preserve_color(checked_name("method", method, MATCHING_METHODS), strength)
    _check_pixels(style, "style")
    _check_pixels(palette, "palette")
    style_mask = _checked_mask(style_mask, style, "style_mask")
    palette_mask = _checked_mask(palette_mask, palette, "palette_mask")
    if method == "histogram":
        recolor, gain = _histogram_map(style, palette, style_mask, palette_mask)
    else:
        recolor, gain = _linear_map(style, palette, method, style_mask, palette_mask)
    return _mapped(lambda x, mask: x + strength * mask * (recolor(x) - x), style, style_mask, gain=gain)


def color_statistics(image, mask=None):
    """Mean (3,) and covariance (3, 3) of an image's colours, float64; the w of a mask weigh the pixels.

    μ = Σ w x / Σ w and Σ = Σ w (x − μ)(x − μ)ᵀ / Σ w.
    """
    mask = np.ones(image.shape[:2], "float32") if mask is None else mask
    total, first, second = 0.0, 0.0, 0.0
    for x, w in _bands(image, mask):
        x, w = x.reshape(-1, x.shape[-1]) - 0.5, w.reshape(-1, 1)  # moments about the middle of [0, 1] lose no digits
        total, first, second = total + w.sum(), first + (w * x).sum(axis=0), second + x.T @ (w * x)
    mean = first / total
    return mean + 0.5, second / total - np.outer(mean, mean)


def color_transform(style_covariance, palette_covariance, method="cholesky", epsilon=EPSILON):
    """The matrix A with A (Σ_S + εI) Aᵀ = Σ_C + εI: it gives the style's colours the palette's covariance.

    The equation leaves a rotation free; a method is a choice of it.

    - `cholesky`: A = L_C L_S⁻¹ of the factors Σ + εI = L Lᵀ. Triangular: the new red comes from red alone.
    - `image-analogies`: A = Σ_C^½ Σ_S^−½ of the symmetric roots of Σ + εI.
    - `optimal-transport`: A = Σ_S^−½ (Σ_S^½ Σ_C Σ_S^½)^½ Σ_S^−½. Symmetric, and of all A the one that changes the
      style's colours least: the mean of |x' − x|² is smallest.

    This is the method as published. For a grey style it stretches colours up to √(λ/ε) times, where λ is the palette's
    variance: up to about 100, and what it shows is noise. See `limited_transform`.

    >>> color_transform(np.diag([0.01, 0.02, 0.03]), np.diag([0.04, 0.02, 0.03])).round(2)
    array([[2., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    checked_name("method", method, LINEAR_METHODS)
    ridge = epsilon * np.eye(len(style_covariance))
    style, palette = style_covariance + ridge, palette_covariance + ridge
    if method == "cholesky":
        return np.linalg.solve(np.linalg.cholesky(style).T, np.linalg.cholesky(palette).T).T
    root, inverse_root = _power(style, 0.5), _power(style, -0.5)
    if method == "image-analogies":
        return _power(palette, 0.5) @ inverse_root
    return inverse_root @ _power(root @ palette @ root, 0.5) @ inverse_root


def limited_transform(style_covariance, palette_covariance, method="cholesky"):
    """`color_transform` with an ε just large enough that A stretches nothing more than `MAX_GAIN` times; and its gain.

    Where a style hardly varies, what varies is noise. A larger ε counts it for less, and A goes to I as ε grows. (To
    cut A's singular values instead is wrong: a grey style gets colours that neither picture has.) Not from the paper.

    Returns A, and the gain, A's largest singular value, at the paper's ε.
    """
    matrix, epsilon = color_transform(style_covariance, palette_covariance, method), EPSILON
    gain = float(np.linalg.norm(matrix, 2))
    while np.linalg.norm(matrix, 2) > MAX_GAIN:
        epsilon *= 2
        matrix = color_transform(style_covariance, palette_covariance, method, epsilon)
    return matrix, gain


def before_transfer(content, styles, method, *, strength=1.0):
    """Content and list of styles as the transfer is to see them, so as to preserve the content's colours; and a report.

    `method` is one of `COLOR_METHODS`. None changes nothing, nor does a strength of 0. The report is a list of
    sentences for the user: on noise whose gain was limited, and on colours that were clipped.

    At a strength s below 1, `luminance` leaves √(1 − s) of the colour in content and styles, and `after_transfer` as
    much of that: together 1 − s of the colour is the transfer's own, and s the content's.
    """
    check_preserve_color(method, strength)
    if method in (None, "chroma-swap") or strength == 0:
        return content, list(styles), []
    match = _match_luminance if method == "luminance" else match_colors
    recolored = [match(style, content, method, strength=strength) for style in styles]
    if method == "luminance":
        content = match(content, content, method, strength=strength).image
    report = []
    for number, style in enumerate(recolored, start=1):
        name = "style" if len(styles) == 1 else f"style {number}"
        report += _report(name, style, method)
    return content, [style.image for style in recolored], report


def after_transfer(result, content, method, *, strength=1.0, mask=None):
    """The result with the content's colours, where `method` puts them back after the transfer; and a report.

    `luminance` and `chroma-swap` give the result the content's (R, G, B) − Y, strength · mask of it. To swap the two
    other channels in YIQ, YUV or YCbCr is the same, for they are linear in this. `content` is in its own colours, not
    as `before_transfer` returned it, and of the result's shape. The mask, (H, W) floats in [0, 1], is white where the
    content's colours return: with a person in white, `chroma-swap` keeps the person's colours and lets the sky go.
    """
    check_preserve_color(method, strength)
    if method not in ("luminance", "chroma-swap") or strength == 0:
        return result, []
    _check_pixels(result, "result")
    _check_pixels(content, "content", result.shape)
    mask = _checked_mask(mask, result, "mask")
    taken = 1 - np.sqrt(1 - strength) if method == "luminance" else strength
    recolored = _mapped(lambda x, c, w: x + w * (strength * _chroma(c) - taken * _chroma(x)), result, content, mask)
    return recolored.image, _report("result", recolored, method)


def check_preserve_color(method, strength=1.0):
    """Raise a `ValueError` unless `method` is None or one of `COLOR_METHODS`, and `strength` a number in [0, 1]."""
    if method is not None:
        checked_name("preserve_color", method, COLOR_METHODS)
    if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= 1:
        raise ValueError(f"the strength of colours (color_strength) must be a number in [0, 1]; got {strength!r}.")


def _power(symmetric, exponent):
    values, vectors = np.linalg.eigh(symmetric)
    return (vectors * values**exponent) @ vectors.T


def _linear_map(style, palette, method, style_mask=None, palette_mask=None):
    """The function A x + b of colours, and its gain before it was limited."""
    style_mean, style_covariance = color_statistics(style, style_mask)
    palette_mean, palette_covariance = color_statistics(palette, palette_mask)
    matrix, gain = limited_transform(style_covariance, palette_covariance, method)
    return lambda x: (x - style_mean) @ matrix.T + palette_mean, gain


def _histogram_map(style, palette, style_mask, palette_mask):
    """The function that gives each channel the palette's quantiles, and its largest gain before it was limited."""
    style_covariance = color_statistics(style, style_mask)[1]
    mean, covariance = color_statistics(palette, palette_mask)
    gains = np.sqrt((np.diag(covariance) + EPSILON) / (np.diag(style_covariance) + EPSILON))
    (quantiles, _), (others, present) = _quantiles(style, style_mask), _quantiles(palette, palette_mask)
    values = np.linspace(0, 1, LEVELS)
    curves = np.stack([np.interp(quantiles[i], others[i, present[i]], values[present[i]]) for i in range(3)], axis=-1)
    curves = mean + np.minimum(1, MAX_GAIN / gains) * (curves - mean)
    return lambda x: curves[_levels(x), range(3)], float(gains.max())


def _quantiles(image, mask):
    """For each channel and level: the share of the pixels below it plus half of those at it; and whether it occurs."""
    counts = np.zeros((3, LEVELS))
    for x, w in _bands(image, mask):
        for i in range(3):
            counts[i] += np.bincount(_levels(x[..., i]).ravel(), w.ravel(), minlength=LEVELS)
    counts /= counts.sum(axis=1, keepdims=True)
    return np.cumsum(counts, axis=1) - counts / 2, counts > 0


def _levels(x):
    return np.rint(x * (LEVELS - 1)).astype("uint16")


def _match_luminance(style, content, method, strength):
    """The style's part of `luminance`; in one channel all linear methods are the same."""
    for picture, name in ((style, "style"), (content, "content")):
        _check_pixels(picture, name)
    recolor, gain = _linear_map(luminance(style)[..., None], luminance(content)[..., None], "cholesky")

    def function(x):
        y = luminance(x)[..., None]
        return y + strength * (recolor(y) - y) + np.sqrt(1 - strength) * (x - y)

    return _mapped(function, style, gain=gain)


def _chroma(image):
    return image - luminance(image)[..., None]


def _mapped(function, *pictures, gain=1.0):
    """The function of the pictures, clipped."""
    pieces, outside = [], []
    for band in _bands(*pictures):
        pixels = function(*band)
        outside.append((np.abs(pixels - 0.5) > 0.5 + VISIBLE).any(axis=-1))
        pieces.append(np.clip(pixels, 0, 1).astype("float32"))
    return Recolored(np.concatenate(pieces), gain, float(np.concatenate(outside).mean()))


def _bands(*pictures):
    """Bands of rows of them all, in float64: so little at a time that it stays in the cache."""
    height, width = pictures[0].shape[:2]
    rows = max(1, BAND // width)
    for row in range(0, height, rows):
        yield [picture[row : row + rows].astype("float64") for picture in pictures]


def _report(name, recolored, method):
    gain, share = recolored.gain, recolored.out_of_gamut
    limited = f"{name}: {method} would amplify noise {gain:.0f} times, and is limited to {MAX_GAIN:.0f} times."
    clipped = f"{name}: {share:.0%} of the pixels were out of gamut, and are clipped."
    return [limited] * (gain > MAX_GAIN) + [clipped] * (share >= 0.01)


def _check_pixels(pixels, name, shape=None):
    """Raise a `ValueError` unless these are floats in [0, 1] of that shape; (H, W, 3) if none is given."""
    shape = shape or (*np.shape(pixels)[:2], 3)
    pixels = np.asarray(pixels)
    if pixels.shape != shape or pixels.size == 0 or not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"{name} must hold floats, in the shape {shape}; got {pixels.dtype}, {pixels.shape}.")
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # so that NaN is refused, too
        raise ValueError(f"{name} must hold values in [0, 1]; got {pixels.min():.3g} to {pixels.max():.3g}.")


def _checked_mask(mask, image, name):
    """The mask as (H, W, 1); white everywhere for None."""
    if mask is None:
        return np.ones((*image.shape[:2], 1), "float32")
    _check_pixels(mask, name, image.shape[:2])
    if not mask.any():
        raise ValueError(f"{name} is black everywhere: no pixel is left whose colours would count.")
    return mask[..., None]
