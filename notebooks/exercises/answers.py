"""What checks.py compares with: each exercise as a function of its input, with the answer and the usual mistakes."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FEATURES = np.array([[[1.0, 2], [0, 3], [2, 0]], [[1, 1], [3, 0], [0, 1]]])  # 2×3 positions, 2 channels
OTHERS = np.array([[[0.0, 2], [1, 5], [2, 1]], [[1, 0], [1, 0], [4, 1]]])
WIDE = np.arange(24.0).reshape(3, 4, 2) * 2 % 5  # 3×4 positions, 2 channels: h, w, N and M all differ
MAPS = [np.arange(n * h * w).reshape(h, w, n) % 5.0 for h, w, n in ((4, 6, 2), (4, 6, 3), (2, 3, 2))]
MASK = np.array([[1, 0.5, 0.25], [0, 1, 0.75]])
IMAGE = np.array([[[1, 5, 2], [8, 3, 3], [0, 9, 4]], [[6, 6, 1], [2, 7, 5], [9, 0, 3]]]) / 10  # 2×3 pixels
PALETTE = np.array([[[3, 1, 9], [7, 2, 4]], [[5, 8, 6], [1, 4, 2]], [[8, 8, 0], [2, 6, 5]]]) / 10  # 3×2 pixels
GREY = np.repeat([[[0.25], [0.75]]], 3, axis=2)
EXERCISES = {}


class Exercise(NamedTuple):
    """`solve(*case)` is (the answer, {hint: what somebody gets who makes that mistake}), numbers or an error."""

    asks: str
    notebook: str
    cases: tuple
    solve: Callable


def exercise(asks, notebook, *cases):
    """Register the function under its name."""

    def register(solve):
        EXERCISES[solve.__name__] = Exercise(asks, notebook, cases, solve)
        return solve

    return register


def enlarge(features, shape):
    """`up`: features (h, w, N) at the size `shape`, which is a multiple of theirs; each value is repeated."""
    rows, columns = shape[0] // features.shape[0], shape[1] // features.shape[1]
    return features.repeat(rows, axis=0).repeat(columns, axis=1)


def tiny_network(image):
    """Features (h, w, 2) of an image in [0, 1]. Its preprocessing works in place, as that of `keras.applications`."""
    image *= 4
    image -= 2
    return np.maximum(image @ np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 0.5]]) + [0.5, 1.0], 0)


def _rows(features):
    """(h, w, N) → (M, N): a row for each position."""
    return features.reshape(-1, features.shape[-1])


def _tried(mistake):
    """Return what `mistake` returns, or the error that it raises."""
    try:
        return mistake()
    except (ValueError, IndexError) as error:
        return error


def _gram_mistakes(F):
    """Return the mistakes that a Gram matrix of F (h, w, N) invites, whatever was done to F before."""
    X = _rows(F)
    G, (M, N) = X.T @ X, X.shape
    return {
        "this is divided by N, the number of channels. M = h·w is the number of positions.": G / N,
        "this is divided by h: `len(F)` is h while F has three axes. M is h·w.": G / len(F),
        "this is divided by M·N, as in Johnson et al. Divide by M alone.": G / (M * N),
        "`F.T @ F` of three axes multiplies stacks of matrices. First make F (M, N).": _tried(lambda: F.T @ F),
        "`F @ F.T` of three axes multiplies stacks of matrices. First make F (M, N).": _tried(lambda: F @ F.T),
    }


@exercise("Σ(F − P)² / 2, one number", "02", (FEATURES, OTHERS))
def content_loss(F, P):
    d = F - P
    return np.sum(d**2) / 2, {
        "the ½ of equation 1 is missing.": np.sum(d**2),
        "this is a mean; equation 1 sums over all positions and channels.": np.mean(d**2),
        "this is a mean; equation 1 sums, and halves the sum.": np.mean(d**2) / 2,
        "without squares, differences of opposite sign cancel.": np.sum(d) / 2,
        "square each difference, then sum; this squares the sum.": np.sum(d) ** 2 / 2,
        "these are absolute differences; equation 1 squares them.": np.sum(np.abs(d)) / 2,
        "this is the norm ‖F − P‖: a square root too many, and the ½ is missing.": np.sqrt(np.sum(d**2)),
        "this is ½‖F − P‖: a square root too many. Equation 1 is ½‖F − P‖².": np.sqrt(np.sum(d**2)) / 2,
        "ΣF² − ΣP² is not Σ(F − P)²: subtract first.": (np.sum(F**2) - np.sum(P**2)) / 2,
    }


@exercise("G/M = FᵀF / M, shape (N, N)", "03", (WIDE,))
def mean_gram_matrix(F):
    X = _rows(F)
    M, N = X.shape
    mixed = F.reshape(N, M)
    return X.T @ X / M, {
        "missing normalisation: this is FᵀF, the sum over positions; divide it by M = h·w.": X.T @ X,
        "transposed: F Fᵀ compares positions, (M, M); with a row for each position it is FᵀF.": X @ X.T / M,
        "transposed, and not divided by M: with a row for each position it is FᵀF / M.": X @ X.T,
        "reshape(N, M) does not transpose, it mixes the channels: reshape(M, N), then .T.": mixed @ mixed.T / M,
        "this is the covariance; a Gram matrix does not subtract the means.": np.cov(X.T, bias=True),
        "this has each channel with itself only; a Gram matrix has all pairs i, j.": np.mean(X**2, axis=0),
    } | _gram_mistakes(F)


@exercise(
    "∂E/∂F of E = Σ(G − A)² / (4N²M²), G = FᵀF, and 0 where F is 0; shape (M, N)",
    "03",
    (_rows(FEATURES), np.array([[4.0, 8], [8, 20]])),
)
def gram_gradient(F, A):
    M, N = F.shape
    G, unit = F.T @ F, N**2 * M**2
    everywhere = F @ (G - A) / unit
    right = np.where(F > 0, everywhere, 0)
    factors = {
        "missing normalisation: divide by N²M².": unit,
        "nothing is divided: the derivative of Σ(G − A)² is 4F(G − A); divide it by 4N²M².": 4 * unit,
        "this is divided by NM, and E has N²M².": N * M,
        "4 times too large: the two 2s of the derivative are here, the 4 of E's divisor 4N²M² is not.": 4,
        "twice too large: the square gives a factor 2, dFᵀF + FᵀdF another, and E has ¼. Together that is 1.": 2,
        "half of it: dG = dFᵀF + FᵀdF has two terms, and both count.": 1 / 2,
        "4 times too small: the 4 of E's divisor is here, the two 2s of the derivative are not.": 1 / 4,
    }
    no_relu = "the ReLU is missing: where F is 0, the gradient is 0."
    return right, {
        "the sign is turned: a descent along this would lead away from the style. It is G − A.": -right,
        no_relu: everywhere,
        "transposed: (G − A)Fᵀ has the shape (N, M); a gradient has the shape of F.": right.T,
        "(G − A) F does not fit: (N, N) times (M, N). Write F (G − A), which has the shape of F.": _tried(
            lambda: (G - A) @ F
        ),
        "G is a mean here, and A is a sum. Compare sums with sums.": np.where(F > 0, F @ (G / M - A) / unit, 0),
        **{hint: factor * right for hint, factor in factors.items()},
        **{f"{hint} Besides, {no_relu}": factor * everywhere for hint, factor in factors.items()},
    }


@exercise("Σdx² + Σdy² of neighbouring pixels, one number", "04", (IMAGE,))
def total_variation(image):
    dx, dy = np.diff(image, axis=1), np.diff(image, axis=0)
    around = [np.roll(image, 1, axis) - image for axis in (0, 1)]
    crop = image[:-1, :-1]
    squares = np.sum(dx**2) + np.sum(dy**2)
    left_out = (image[:-1, 1:] - crop) ** 2 + (image[1:, :-1] - crop) ** 2
    return squares, {
        "this goes around the border, as np.roll does: the last pixel is no neighbour of the first.": sum(
            np.sum(d**2) for d in around
        ),
        "these are absolute differences; asked for are squares.": np.sum(np.abs(dx)) + np.sum(np.abs(dy)),
        "these are means; asked for are sums.": np.mean(dx**2) + np.mean(dy**2),
        "only neighbours in a row are compared; those in a column are missing.": np.sum(dx**2),
        "only neighbours in a column are compared; those in a row are missing.": np.sum(dy**2),
        "without squares, ups and downs cancel.": np.sum(dx) + np.sum(dy),
        "the ½ is neural-style's; it is not asked for.": squares / 2,
        "the last row and column are left out, as in neural-style.": np.sum(left_out),
        "this is its square root; the squares are summed, and that is all.": np.sqrt(squares),
        "this sums √(dx² + dy²) for each pixel; here is no square root.": np.sum(np.sqrt(left_out)),
        "this is ‖dx‖ + ‖dy‖; here is no square root.": np.sqrt(np.sum(dx**2)) + np.sqrt(np.sum(dy**2)),
        "np.diff goes along the last axis, the colours; axis=0 are rows, axis=1 columns.": np.sum(np.diff(image) ** 2),
    }


@exercise("clip(x − η g) to [0, 1], shape of x", "04", (IMAGE, PALETTE.reshape(IMAGE.shape) - 0.5, 0.8))
def descent_step(x, g, rate):
    return np.clip(x - rate * g, 0, 1), {
        "the gradient points uphill: subtract it.": np.clip(x + rate * g, 0, 1),
        "pixels leave [0, 1]: clip them.": x - rate * g,
        "the sign is turned, and nothing is clipped.": x + rate * g,
        "the rate η is missing.": np.clip(x - g, 0, 1),
        "this is the step alone; subtract it from x.": rate * g,
        "this clips the gradient; clip the new picture.": x - rate * np.clip(g, 0, 1),
        "only one side is clipped; pixels are at least 0, and at most 1.": np.maximum(x - rate * g, 0),
        "the gradient is divided by its norm; asked for is η g.": np.clip(x - rate * g / np.linalg.norm(g), 0, 1),
    }


@exercise(
    "the side, in pixels, of what one position sees, for a list of (kernel, stride)",
    "01",
    ([(3, 1)],),
    ([(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)],),
)
def receptive_field(layers):
    def grown(start=1, less=1, early=False):
        field, step = start, 1
        for kernel, stride in layers:
            field += (kernel - less) * step * (stride if early else 1)
            step *= stride
        return field

    kernels = np.array([kernel for kernel, _ in layers])
    return grown(), {
        "strides are ignored: behind a stride of 2, neighbours are 2 pixels apart.": 1 + np.sum(kernels - 1),
        "kernels do not add up: they overlap. Each adds (k − 1) · t.": np.sum(kernels),
        "kernels do not multiply: each adds (k − 1) · t.": np.prod(kernels),
        "each adds (k − 1) · t, not k · t: the pixel it stands on is counted already.": grown(less=0),
        "start with 1: without any layer, a position sees its own pixel.": grown(start=0),
        "a layer's own stride counts from the next layer on: update t after r.": grown(early=True),
        "this is the distance of neighbours, the product of strides.": np.prod([stride for _, stride in layers]),
    }


@exercise("(F + s)ᵀ(F + s) / M, shape (N, N)", "08", (WIDE, -1.0))
def shifted_gram_matrix(F, s):
    X = _rows(F)
    M = len(X)
    centred, clipped, minus, plus = X - X.mean(axis=0), np.maximum(X + s, 0), X - s, X + s
    return plus.T @ plus / M, {
        "the shift is added to the Gram matrix; it belongs to the features.": X.T @ X / M + s,
        "the sign is turned: s is −1 already, so add it.": minus.T @ minus / M,
        "only the second factor is shifted.": X.T @ plus / M,
        "only the first factor is shifted.": plus.T @ X / M,
        "this subtracts the means; the shift is the same number for all channels.": centred.T @ centred / M,
        "missing normalisation: divide by M = h·w.": plus.T @ plus,
        "after the shift there is no second ReLU: values below 0 are the point of it.": clipped.T @ clipped / M,
        "nothing is shifted: this is FᵀF / M.": X.T @ X / M,
    } | _gram_mistakes(F + s)


@exercise("the list of (F^(l−1))ᵀ up(F^l) / M, M of the finer layer", "09", (MAPS,))
def chain_matrices(maps):
    def product(fine, coarse, rows=_rows, up=enlarge):
        return rows(fine).T @ rows(up(coarse, fine.shape)) / len(_rows(fine))

    def all_tried(**mistake):
        return _tried(lambda: [product(*pair, **mistake) for pair in pairs])

    pairs = list(itertools.pairwise(maps))
    right = [product(*pair) for pair in pairs]
    return right, {
        "these are the Gram matrices within the layers; the chain replaces them.": [product(F, F) for F in maps],
        "all pairs are here; the chain has each layer with the next only.": [
            product(*pair) for pair in itertools.combinations(maps, 2)
        ],
        "transposed: the finer layer's channels are the rows.": [matrix.T for matrix in right],
        "the order is turned: start at the shallowest pair.": right[::-1],
        "missing normalisation: divide by M of the finer layer.": [
            matrix * len(_rows(fine)) for matrix, (fine, _) in zip(right, pairs, strict=True)
        ],
        "divided by the deeper layer's positions; after up, M is that of the finer.": [
            matrix * len(_rows(fine)) / len(_rows(coarse)) for matrix, (fine, coarse) in zip(right, pairs, strict=True)
        ],
        "the finer layer is thinned out; it is the deeper one that is enlarged.": [
            _rows(fine[:: len(fine) // len(coarse), :: len(fine) // len(coarse)]).T @ _rows(coarse) / len(_rows(coarse))
            for fine, coarse in pairs
        ],
        "the deeper map has fewer positions: enlarge it first, up(deeper, finer.shape).": all_tried(
            up=lambda coarse, shape: coarse
        ),
        "`finer.T @ deeper` of three axes multiplies stacks of matrices. First make both maps (M, N).": all_tried(
            rows=np.asarray
        ),
        "each map has its own number of channels: `reshape(-1, N)` needs the N of that map.": _tried(
            lambda: [_rows(a).T @ enlarge(b, a.shape).reshape(-1, a.shape[-1]) for a, b in pairs]
        ),
        "`up(features, shape)` takes a shape, not an array: up(deeper, finer.shape).": _tried(
            lambda: [enlarge(coarse, fine) for fine, coarse in pairs]
        ),
        "the last layer has no next one: D layers make D − 1 pairs.": _tried(lambda: maps[len(maps)]),
        "one pair is missing: D layers make D − 1 pairs.": right[:-1],
    }


@exercise("(T ∘ F)ᵀ(T ∘ F) / ΣT², shape (N, N), of a mask T (h, w)", "10", (FEATURES, MASK))
def guided_gram_matrix(F, T):
    t, X, masked = T.reshape(-1, 1), _rows(F), T[..., None] * F
    squared = (t * X).T @ (t * X)
    white = t >= 0.5
    black = (1 - t) * X
    return squared / np.sum(t**2), {
        "divided by all positions M: a small region then counts as a weak style. Divide by ΣT².": squared / len(X),
        "divided by ΣT; both factors are masked, so that positions weigh T², and ΣT² is their number.": squared
        / t.sum(),
        "missing normalisation: divide by ΣT².": squared,
        "only one factor is masked: positions weigh T here, not T².": (t * X).T @ X / np.sum(t**2),
        "the mask is made black and white; grey counts by T².": (white * X).T @ X / white.sum(),
        "this takes black for the region; white is where the style applies.": black.T @ black / np.sum((1 - t) ** 2),
        "the mask is not used: this is FᵀF / M.": X.T @ X / len(X),
        "(h, w) and (h, w, N) do not multiply: give the mask a third axis, T[..., None].": _tried(lambda: T * F),
        "`F.T @ F` of three axes multiplies stacks of matrices. First make T ∘ F (M, N).": _tried(
            lambda: masked.T @ masked
        ),
    }


@exercise(
    "A (x − μ_S) + μ_C for every colour x, A = L_C L_S⁻¹, Σ + 1e-5 · I = L Lᵀ", "11", (IMAGE, PALETTE), (GREY, PALETTE)
)
def match_colors(style, content):
    def factor(pixels, triangular=np.linalg.cholesky, ridge=1e-5, bias=True):
        return triangular(np.cov(_rows(pixels).T, bias=bias) + ridge * np.eye(3))

    def matched(change=np.asarray, mean=True, **settings):
        try:
            A = change(factor(content, **settings) @ np.linalg.inv(factor(style, **settings)))
        except np.linalg.LinAlgError as error:
            return error
        return (style - mean * style_mean) @ A.T + content_mean

    style_mean, content_mean = (_rows(pixels).mean(axis=0) for pixels in (style, content))
    right, A = matched(), factor(content) @ np.linalg.inv(factor(style))
    return right, {
        "colours are rows here: A x for every row is pixels @ A.T.": matched(change=np.transpose),
        "`A @ x` of three axes multiplies stacks of matrices. Colours are rows: pixels @ A.T.": _tried(
            lambda: A @ (style - style_mean) + content_mean
        ),
        "A @ pixels does not fit: (3, 3) times (M, 3). Colours are rows: pixels @ A.T.": _tried(
            lambda: A @ _rows(style - style_mean)
        ),
        "style and content are exchanged in A = L_C L_S⁻¹.": matched(change=np.linalg.inv),
        "the content's mean μ_C is not added.": right - content_mean,
        "the style's own mean is added back; it is μ_C.": right - content_mean + style_mean,
        "the style's mean is not subtracted first.": matched(mean=False),
        "this takes covariances; A is made of their Cholesky factors.": matched(triangular=np.asarray),
        "this scales each channel by itself; channels vary together.": matched(
            triangular=lambda c: np.diag(np.sqrt(np.diag(c)))
        ),
        "the factors are transposed: Σ = L Lᵀ with L lower triangular.": matched(
            triangular=lambda c: np.linalg.cholesky(c).T
        ),
        "np.cov divides by n − 1; with bias=True by n.": matched(bias=False),
        "a grey style has a singular covariance; add 1e-5 · I to both.": matched(ridge=0),
    }


OBJECTIVE_MISTAKES = {
    "the content term": "(Σ(F − P))² lets errors of opposite sign cancel; square each difference first.",
    "the reshape": "reshape(2, -1) mixes the channels; reshape(-1, 2) keeps a position in a row.",
    "the Gram matrices": "pictures differ in size, and so do sums over them: divide each by its own positions.",
    "the sum of the terms": "the style term is subtracted, so that minimising leads away from the style.",
}


@exercise(
    "Σ(F − P)² + 10 Σ(G/M_G − A/M_A)², one number, pictures left as they were",
    "04",
    (IMAGE, IMAGE[:, ::-1], PALETTE[:2]),
)
def objective(image, content, style):
    F, P, S = (tiny_network(picture.copy()) for picture in (image, content, style))

    def value(left=(), factors=_rows, divisor=len):
        X, Y = (Z.reshape(2, -1).T if "the reshape" in left else factors(Z) for Z in (F, S))
        gram, target = (Z.T @ Z / (1 if "the Gram matrices" in left else divisor(Z)) for Z in (X, Y))
        content_term = np.sum(F - P) ** 2 if "the content term" in left else np.sum((F - P) ** 2)
        return content_term + (-10 if "the sum of the terms" in left else 10) * np.sum((gram - target) ** 2)

    def subsets(mistakes):
        return [left for count in range(len(mistakes) + 1) for left in itertools.combinations(mistakes, count)]

    others = [mistake for mistake in OBJECTIVE_MISTAKES if mistake != "the Gram matrices"]
    return value(), {
        "the reshape is right, but F @ F.T is (M, M) now, and compares positions. Channels are compared by F.T @ F.": (
            _tried(lambda: value(factors=lambda Y: _rows(Y).T))
        ),
        **{
            f"still wrong: {', '.join(left)}. The first of these: {OBJECTIVE_MISTAKES[left[0]]}": value(left)
            for left in subsets(OBJECTIVE_MISTAKES)[1:]
        },
        **{
            f"the Gram matrices are divided by {name}, not by M, the number of positions."
            + "".join(f" Still wrong, too: {mistake}." for mistake in left): value(left, divisor=divisor)
            for name, divisor in {"N": lambda X: X.shape[1], "M·N": np.size}.items()
            for left in subsets(others)
        },
    }
