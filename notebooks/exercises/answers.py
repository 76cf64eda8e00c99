"""What checks.py compares with: each exercise as a function of its input, with the answer and the usual mistakes."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FEATURES = np.array([[[1.0, 2], [0, 3], [2, 0]], [[1, 1], [3, 0], [0, 1]]])  # 2×3 positions, 2 channels
OTHERS = np.array([[[0.0, 2], [1, 5], [2, 1]], [[1, 0], [1, 0], [4, 1]]])
MAPS = [np.arange(n * h * w).reshape(h, w, n) % 5.0 for h, w, n in ((4, 6, 2), (4, 6, 3), (2, 3, 2))]
MASK = np.array([[1, 0.5, 0.25], [0, 1, 0.75]])
IMAGE = np.array([[[1, 5, 2], [8, 3, 3], [0, 9, 4]], [[6, 6, 1], [2, 7, 5], [9, 0, 3]]]) / 10  # 2×3 pixels
PALETTE = np.array([[[3, 1, 9], [7, 2, 4]], [[5, 8, 6], [1, 4, 2]], [[8, 8, 0], [2, 6, 5]]]) / 10  # 3×2 pixels
GREY = np.repeat([[[0.25], [0.75]]], 3, axis=2)
EXERCISES = {}


class Exercise(NamedTuple):
    """`solve(*case)` is (the answer, {hint: what somebody gets who makes that mistake})."""

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
        "this is the norm ‖F − P‖, a square root too many.": np.sqrt(np.sum(d**2)),
        "ΣF² − ΣP² is not Σ(F − P)²: subtract first.": (np.sum(F**2) - np.sum(P**2)) / 2,
    }


@exercise("G/M = FᵀF / M, shape (N, N)", "03", (FEATURES,))
def mean_gram_matrix(F):
    X = _rows(F)
    M, N = X.shape
    mixed = F.reshape(N, M)
    return X.T @ X / M, {
        "missing normalisation: this is FᵀF, the sum over positions; divide it by M = h·w.": X.T @ X,
        "transposed: F Fᵀ compares positions, (M, M); with a row for each position it is FᵀF.": X @ X.T / M,
        "transposed, and not divided by M: with a row for each position it is FᵀF / M.": X @ X.T,
        "reshape(N, M) does not transpose, it mixes the channels: reshape(M, N), then .T.": mixed @ mixed.T / M,
        "this is divided by N, the number of channels; M = h·w is that of positions.": X.T @ X / N,
        "this is divided by M·N, as Johnson et al. do; asked for is M alone.": X.T @ X / (M * N),
        "this is the covariance; a Gram matrix does not subtract the means.": np.cov(X.T, bias=True),
        "this has each channel with itself only; a Gram matrix has all pairs i, j.": np.mean(X**2, axis=0),
    }


@exercise(
    "∂E/∂F of E = Σ(G − A)² / (4N²M²), G = FᵀF, and 0 where F is 0; shape (M, N)",
    "03",
    (_rows(FEATURES), np.array([[4.0, 8], [8, 20]])),
)
def gram_gradient(F, A):
    M, N = F.shape
    G = F.T @ F
    everywhere = F @ (G - A) / (N**2 * M**2)
    right = np.where(F > 0, everywhere, 0)
    return right, {
        "the sign is turned: a descent along this would lead away from the style. It is G − A.": -right,
        "the ReLU is missing: where F is 0, the gradient is 0.": everywhere,
        "missing normalisation: divide by N²M².": right * N**2 * M**2,
        "a 4 too many: the 4 of E's divisor goes against the two 2s of the derivative.": right / 4,
        "half: dG = dFᵀF + FᵀdF has two halves, and both count.": right / 2,
        "transposed: (G − A)Fᵀ has the shape (N, M); a gradient has the shape of F.": right.T,
        "(G − A) F does not fit: (N, N) times (M, N). Each row of F is mixed by G − A: F (G − A).": ValueError(),
        "G is a mean here, A a sum: compare sums with sums.": np.where(F > 0, F @ (G / M - A) / (N**2 * M**2), 0),
    }


@exercise("Σdx² + Σdy² of neighbouring pixels, one number", "04", (IMAGE,))
def total_variation(image):
    dx, dy = np.diff(image, axis=1), np.diff(image, axis=0)
    around = [np.roll(image, 1, axis) - image for axis in (0, 1)]
    crop = image[:-1, :-1]
    squares = np.sum(dx**2) + np.sum(dy**2)
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
        "the last row and column are left out, as in neural-style.": np.sum((image[:-1, 1:] - crop) ** 2)
        + np.sum((image[1:, :-1] - crop) ** 2),
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


@exercise("(F + s)ᵀ(F + s) / M, shape (N, N)", "08", (FEATURES, -1.0))
def shifted_gram_matrix(F, s):
    X = _rows(F)
    M = len(X)
    centred, clipped, minus, plus = X - X.mean(axis=0), np.maximum(X + s, 0), X - s, X + s
    return plus.T @ plus / M, {
        "the shift is added to the Gram matrix; it belongs to the features.": X.T @ X / M + s,
        "the sign is turned: s is −1 already, so add it.": minus.T @ minus / M,
        "only one of the two factors is shifted.": X.T @ plus / M,
        "this subtracts the means; the shift is the same number for all channels.": centred.T @ centred / M,
        "missing normalisation: divide by M = h·w.": plus.T @ plus,
        "after the shift there is no second ReLU: values below 0 are the point of it.": clipped.T @ clipped / M,
        "nothing is shifted: this is FᵀF / M.": X.T @ X / M,
    }


@exercise("the list of (F^(l−1))ᵀ up(F^l) / M, M of the finer layer", "09", (MAPS,))
def chain_matrices(maps):
    def product(fine, coarse):
        return _rows(fine).T @ _rows(enlarge(coarse, fine.shape)) / len(_rows(fine))

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
        "a layer without up: the maps have different numbers of positions. enlarge(deeper, finer.shape).": ValueError(),
        "one pair is missing: D layers make D − 1 pairs.": right[:-1],
    }


@exercise("(T ∘ F)ᵀ(T ∘ F) / ΣT², shape (N, N), of a mask T (h, w)", "10", (FEATURES, MASK))
def guided_gram_matrix(F, T):
    t, X = T.reshape(-1, 1), _rows(F)
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
        "(h, w) and (h, w, N) do not multiply: give the mask a third axis, T[..., None].": ValueError(),
    }


@exercise(
    "A (x − μ_S) + μ_C for every colour x, A = L_C L_S⁻¹, Σ + 1e-5 · I = L Lᵀ", "11", (IMAGE, PALETTE), (GREY, PALETTE)
)
def match_colors(style, content):
    def matched(triangular=np.linalg.cholesky, ridge=1e-5, bias=True, change=np.asarray, centred=True):
        covariances = [np.cov(_rows(pixels).T, bias=bias) + ridge * np.eye(3) for pixels in (style, content)]
        try:
            style_factor, content_factor = map(triangular, covariances)
        except np.linalg.LinAlgError as error:
            return error
        A = change(content_factor @ np.linalg.inv(style_factor))
        return (style - centred * style_mean) @ A.T + content_mean

    style_mean, content_mean = (_rows(pixels).mean(axis=0) for pixels in (style, content))
    right = matched()
    return right, {
        "colours are rows here: A x for every row is pixels @ A.T.": matched(change=np.transpose),
        "style and content are exchanged in A = L_C L_S⁻¹.": matched(change=np.linalg.inv),
        "the content's mean μ_C is not added.": right - content_mean,
        "the style's own mean is added back; it is μ_C.": right - content_mean + style_mean,
        "the style's mean is not subtracted first.": matched(centred=False),
        "this takes covariances; A is made of their Cholesky factors.": matched(np.asarray),
        "this scales each channel by itself; channels vary together.": matched(lambda c: np.diag(np.sqrt(np.diag(c)))),
        "the factors are transposed: Σ = L Lᵀ with L lower triangular.": matched(lambda c: np.linalg.cholesky(c).T),
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
    "Σ(F − P)² + 10 Σ(G/M_G − A/M_A)², one number, pictures left as they were", "04", (IMAGE, IMAGE[:, ::-1], PALETTE)
)
def objective(image, content, style):
    F, P, S = (tiny_network(picture.copy()) for picture in (image, content, style))

    def value(left=()):
        gram, target = (
            X.T @ X / (1 if "the Gram matrices" in left else len(X))
            for X in (Y.reshape(2, -1).T if "the reshape" in left else _rows(Y) for Y in (F, S))
        )
        content_term = np.sum(F - P) ** 2 if "the content term" in left else np.sum((F - P) ** 2)
        return content_term + (-10 if "the sum of the terms" in left else 10) * np.sum((gram - target) ** 2)

    return value(), {
        f"the numbers are still wrong by {' and by '.join(left)}. {OBJECTIVE_MISTAKES[left[0]]}": value(left)
        for count in range(1, 5)
        for left in itertools.combinations(OBJECTIVE_MISTAKES, count)
    }
