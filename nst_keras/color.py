"""Colour preservation: the style gets the content's colours before the transfer, or the result gets them after it.

The paper is Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving Color in Neural Artistic Style Transfer",
arXiv:1606.05897. The other methods are alternatives to its own.

| method | before the transfer | after it | source |
|---|---|---|---|
| `cholesky` | style: x' = A x + b, A = L_C L_S⁻¹ | | the paper |
| `image-analogies` | A = Σ_C^½ Σ_S^−½ | | the paper |
| `optimal-transport` | A = Σ_S^−½ (Σ_S^½ Σ_C Σ_S^½)^½ Σ_S^−½ | | Pitié & Kokaram 2007; the authors' code |
| `histogram` | style: each channel by its quantiles | | a baseline |
| `luminance` | both grey; style: L' = (σ_C/σ_S)(L − μ_S) + μ_C | colour of the content | the paper |
| `chroma-swap` | | colour of the content | called luminance transfer in tutorials |

μ_S is the mean of the style's colours, and Σ_S = L_S L_Sᵀ their covariance plus ε I; μ_C and Σ_C are the content's.
Roots are symmetric. As in the paper, sRGB values are used as they are. Colour without the luminance Y is (R, G, B) − Y.
"""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from .image import checked_image, luminance
from .masks.basics import checked_mask
from .support.checks import checked_name, checked_number
from .support.types import ImageArray, MaskArray

Matrix = np.ndarray  # (3, 3)
LinearMethod = Literal["cholesky", "image-analogies", "optimal-transport"]
MatchingMethod = Literal[LinearMethod, "histogram"]
ColorMethod = Literal[MatchingMethod, "luminance", "chroma-swap"]
LINEAR_METHODS, MATCHING_METHODS, COLOR_METHODS = map(get_args, (LinearMethod, MatchingMethod, ColorMethod))
EPSILON = 1e-5  # added to variances, as in the authors' code; ε is a standard deviation of 0.8 levels of 255
MAX_GAIN = 5.0  # the coloured paintings in images/ need up to 4.8; a grey one needs more, which amplifies noise
LEVELS = 65536  # levels of a histogram: enough for pictures of 8 and 16 bits
BAND = 16384  # pixels processed at a time
VISIBLE = 0.5 / 255  # a colour is out of gamut if it is further outside [0, 1] than half a level of 8 bits


@dataclass(frozen=True)
class Recolored:
    """The result of `match_colors`: the recoloured style, and what was limited or clipped."""

    image: ImageArray = field(repr=False)
    gain: float  # the largest factor by which the method stretches differences of colour, without the limit MAX_GAIN
    out_of_gamut: float  # the share of pixels that were visibly outside [0, 1], and were clipped


def match_colors(
    style: ImageArray,
    palette: ImageArray,
    method: MatchingMethod = "cholesky",
    *,
    strength: float = 1.0,
    palette_mask: MaskArray | None = None,
) -> Recolored:
    """Give a style the colours of another picture: of the content, or of any third one.

    A linear method maps every colour x to x' = A x + μ_C − A μ_S, with A from `limited_transform`. `histogram` gives
    each channel the quantiles of the palette and limits the gain of its standard deviation; it may turn flat areas
    into speckle. The result is x + strength · (x' − x), clipped to [0, 1]; `strength` is in [0, 1].

    `palette_mask` has the size of the palette and weights its pixels: with a person in white, the style gets the
    colours of the person without those of the sky behind.
    """
    check_preserve_color(checked_name("method", method, MATCHING_METHODS), strength)
    style, palette = checked_image(style, "style"), checked_image(palette, "palette")
    recolor, gain = _color_map(style, palette, method, _weights(palette_mask, "palette_mask", palette))
    return _mapped(lambda x: x + strength * (recolor(x) - x), style, gain=gain)


def color_statistics(image: ImageArray, mask: MaskArray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean μ = Σ w x / Σ w and covariance Σ w (x − μ)(x − μ)ᵀ / Σ w of an image's colours x; w is the mask."""
    mask = np.ones(image.shape[:2], "float32") if mask is None else mask
    total, first, second = 0.0, 0.0, 0.0
    for x, w in _bands(image, mask):
        x, w = x.reshape(-1, x.shape[-1]) - 0.5, w.reshape(-1, 1)  # moments about the middle of [0, 1] lose no digits
        total, first, second = total + w.sum(), first + (w * x).sum(axis=0), second + x.T @ (w * x)
    mean = first / total
    return mean + 0.5, second / total - np.outer(mean, mean)


def color_transform(
    style_covariance: Matrix, palette_covariance: Matrix, method: LinearMethod = "cholesky", epsilon: float = EPSILON
) -> Matrix:
    """Return the matrix A with A (Σ_S + εI) Aᵀ = Σ_C + εI: it gives the style's colours the palette's covariance.

    The equation determines A up to a rotation, which the method chooses; the formulas are in `nst_keras.color`. The A
    of `cholesky` is triangular: the new red depends on red alone. The A of `optimal-transport` is symmetric, and
    changes the style's colours least: the mean of |x' − x|² is the smallest. As published, A amplifies the noise of a
    grey style up to √(λ/ε) times, about 100, where λ is the palette's variance; see `limited_transform`.

    >>> color_transform(np.diag([0.01, 0.02]), np.diag([0.04, 0.02])).round(2).tolist()
    [[2.0, 0.0], [0.0, 1.0]]
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


def _power(symmetric, exponent):
    values, vectors = np.linalg.eigh(symmetric)
    return (vectors * values**exponent) @ vectors.T


def limited_transform(
    style_covariance: Matrix, palette_covariance: Matrix, method: LinearMethod = "cholesky"
) -> tuple[Matrix, float]:
    """Return `color_transform` with ε doubled until the gain is at most `MAX_GAIN`; and the gain without limit.

    The gain is the largest singular value of A. Where a style hardly varies, its variation is noise: a larger ε reduces
    its weight, and A goes to I as ε grows. (Cutting the singular values of A instead is wrong: a grey style would get
    colours that neither picture has.) Not from the paper.
    """
    matrix, epsilon = color_transform(style_covariance, palette_covariance, method), EPSILON
    gain = float(np.linalg.norm(matrix, 2))
    while np.linalg.norm(matrix, 2) > MAX_GAIN:
        epsilon *= 2
        matrix = color_transform(style_covariance, palette_covariance, method, epsilon)
    return matrix, gain


def before_transfer(
    content: ImageArray, styles: list[ImageArray], method: str | None, *, strength: float = 1.0
) -> tuple[ImageArray, list[ImageArray], list[str]]:
    """Return content and styles with the colours that the transfer needs to preserve the content's, and a report.

    The report has sentences about a gain that was limited and colours that were clipped. With a strength s below 1,
    `luminance` keeps √(1 − s) of the colour of content and styles, and `after_transfer` keeps as much of the result's:
    1 − s of the colour then comes from the transfer, and s from the content.
    """
    check_preserve_color(method, strength)
    if method in (None, "chroma-swap") or strength == 0:
        return content, list(styles), []
    if method == "luminance":
        recolored = [_match_luminance(style, content, strength) for style in styles]
        content = _match_luminance(content, content, strength).image
    else:
        recolored = [match_colors(style, content, method, strength=strength) for style in styles]
    report = []
    for i, style in enumerate(recolored, start=1):
        report += _report("style" if len(styles) == 1 else f"style {i}", style, method)
    return content, [style.image for style in recolored], report


def after_transfer(
    result: ImageArray, content: ImageArray, method: str | None, *, strength: float = 1.0, mask: MaskArray | None = None
) -> tuple[ImageArray, list[str]]:
    """Return the result with the content's colours, if `method` restores them after the transfer, and a report.

    `luminance` and `chroma-swap` give the result strength · mask of the content's (R, G, B) − Y. This equals swapping
    the two other channels in YIQ, YUV or YCbCr, which are linear in it. `content` has the shape of the result and its
    own colours, not those of `before_transfer`. With a person in white, `mask` keeps the colours of the sky out.
    """
    check_preserve_color(method, strength)
    if method not in ("luminance", "chroma-swap") or strength == 0:
        return result, []
    content = checked_image(content, "content", checked_image(result, "result").shape)
    mask = _weights(mask, "mask", result)
    taken = 1 - np.sqrt(1 - strength) if method == "luminance" else strength
    after = _mapped(lambda x, c, w: x + w * (strength * (c - _grey(c)) - taken * (x - _grey(x))), result, content, mask)
    return after.image, _report("result", after, method)


def check_preserve_color(method: str | None, strength: float = 1.0) -> None:
    """Raise a `ValueError` unless `method` is None or one of `COLOR_METHODS`, and `strength` a number in [0, 1]."""
    if method is not None:
        checked_name("preserve_color", method, COLOR_METHODS)
    if checked_number("the strength of colours (color_strength)", strength, minimum=0) > 1:
        raise ValueError(f"the strength of colours (color_strength) must be a number in [0, 1]; got {strength!r}.")


def _color_map(style, palette, method, palette_mask=None):
    """Return the function of colours that gives the style the palette's colours, and its gain without limit."""
    style_mean, style_covariance = color_statistics(style)
    mean, covariance = color_statistics(palette, palette_mask)
    if method != "histogram":
        matrix, gain = limited_transform(style_covariance, covariance, method)
        return lambda x: (x - style_mean) @ matrix.T + mean, gain
    gains = np.sqrt((np.diag(covariance) + EPSILON) / (np.diag(style_covariance) + EPSILON))
    (quantiles, _), (others, present) = _quantiles(style, np.ones(style.shape[:2])), _quantiles(palette, palette_mask)
    values = np.linspace(0, 1, LEVELS)
    curves = np.stack([np.interp(quantiles[i], others[i, present[i]], values[present[i]]) for i in range(3)], axis=-1)
    curves = mean + np.minimum(1, MAX_GAIN / gains) * (curves - mean)
    return lambda x: curves[_levels(x), range(3)], float(gains.max())


def _quantiles(image, mask):
    """Return for each channel and level the share of pixels below plus half of those at it, and whether it occurs."""
    counts = np.zeros((3, LEVELS))
    for x, w in _bands(image, mask):
        for i in range(3):
            counts[i] += np.bincount(_levels(x[..., i]).ravel(), w.ravel(), minlength=LEVELS)
    counts /= counts.sum(axis=1, keepdims=True)
    return np.cumsum(counts, axis=1) - counts / 2, counts > 0


def _levels(x):
    return np.rint(x * (LEVELS - 1)).astype("uint16")


def _match_luminance(style, content, strength):
    """Recolour the style for `luminance`; with one channel, all linear methods are the same."""
    match, gain = _color_map(_grey(checked_image(style, "style")), _grey(checked_image(content, "content")), "cholesky")
    rest = np.sqrt(1 - strength)
    return _mapped(lambda x: (y := _grey(x)) + strength * (match(y) - y) + rest * (x - y), style, gain=gain)


def _grey(image):
    return luminance(image)[..., None]


def _mapped(function, *pictures, gain=1.0):
    """Apply a function of the pictures' pixels, and clip the result."""
    pieces, outside = [], []
    for band in _bands(*pictures):
        pixels = function(*band)
        outside.append((np.abs(pixels - 0.5) > 0.5 + VISIBLE).any(axis=-1))
        pieces.append(np.clip(pixels, 0, 1).astype("float32"))
    return Recolored(np.concatenate(pieces), gain, float(np.concatenate(outside).mean()))


def _bands(*pictures):
    """Yield bands of rows of all pictures, in float64 and small enough to stay in the processor's cache."""
    height, width = pictures[0].shape[:2]
    for row in range(0, height, rows := max(1, BAND // width)):
        yield [picture[row : row + rows].astype("float64") for picture in pictures]


def _report(name, matched, method):
    limited = f"{name}: {method} would amplify noise {matched.gain:.0f} times, and is limited to {MAX_GAIN:.0f} times."
    clipped = f"{name}: {matched.out_of_gamut:.0%} of the pixels were out of gamut, and are clipped."
    return [limited] * (matched.gain > MAX_GAIN) + [clipped] * (matched.out_of_gamut >= 0.01)


def _weights(mask, name, image):
    """Return a mask as weights (H, W, 1); they are 1 everywhere if the mask is None."""
    if mask is None:
        return np.ones((*image.shape[:2], 1), "float32")
    return checked_mask(mask, name, image.shape, may_be_black=False)[..., None]
