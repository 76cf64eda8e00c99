"""The objective: what is minimised, as a list of small named terms.

A `Term` has a name, a weight, and a loss that reads the image and its features. The targets (the content's
features, the style's Gram matrices) are computed once, when the term is made. An `Objective` adds terms up, and
gives optimisers the one thing they ask for: a value and a gradient, from one compiled function.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .correlations import as_correlations, style_sums
from .formulas import FORMULAS
from .large.tiles import IMAGE, AdditiveLoss, Tiling, feature_maps, joined_reach, seen, two_passes
from .losses import content_divisor, style_loss, total_variation_loss
from .masks.basics import resize_mask


class Term(NamedTuple):
    """One summand of the objective: weight · loss(image, features).

    `loss` takes the image as a tensor (1, H, W, 3) and the features as {layer: (1, h, w, N)}, and returns a
    scalar tensor. An `AdditiveLoss` can also be taken by tiles.
    """

    name: str
    weight: float
    loss: Callable


class Objective:
    """Σ weight · loss over `terms`, for images of one shape.

    Parameters
    ----------
    network : keras.Model
        From `build_network`; returns every layer that the terms read.
    terms : list of Term
        With different names.
    shape : (height, width)
        Of the images to come. One function is compiled for it.
    frozen : boolean array (height, width), optional
        Where pixels may not move: the gradient is 0 there, so no optimiser moves them.
    tile : int, optional
        The side of tiles, in pixels: larger images are seen tile by tile, in bounded memory, see `nst_keras.large.tiles`. The
        values and the gradient are the same. The loss of every term must then be an `AdditiveLoss`.
    """

    def __init__(self, network, terms, shape, frozen=None, tile=None):
        if not terms:
            raise ValueError("terms must hold at least one Term; got none.")
        self.names = [term.name for term in terms]
        if len(set(self.names)) != len(terms):
            raise ValueError(f"terms must have different names; got {', '.join(self.names)}.")
        self.shape = (*shape[:2], 3)
        self._dtype = network.inputs[0].dtype
        self._moves = None if frozen is None else tf.constant(~frozen[None, :, :, None], self._dtype)
        tiling = None if tile is None else _tiling(network, terms, shape, tile)
        if tiling and len(tiling) > 1:
            self._evaluate = two_passes(network, terms, tiling, self._dtype)
        else:
            self._evaluate = self._compiled(network, terms)

    def _compiled(self, network, terms):
        @tf.function(input_signature=[tf.TensorSpec((1, *self.shape), self._dtype)], autograph=False)
        def evaluate(image):
            with tf.GradientTape() as tape:
                tape.watch(image)
                features = network(image)
                values = tf.stack([term.weight * term.loss(image, features) for term in terms])
            return values, tape.gradient(values, image)

        return evaluate.get_concrete_function()  # compiled here and now, once

    def evaluate(self, image):
        """{term: weighted value} and the gradient of their sum, of the image's own shape, type and kind.

        `image` has shape (H, W, 3), or is flattened, as scipy wants it. Of a tensor the gradient is a tensor, which
        stays on the device; of a NumPy array it is an array.
        """
        pixels = tf.cast(tf.reshape(image, (1, *self.shape)), self._dtype)
        values, gradient = self._evaluate(pixels)
        if self._moves is not None:
            gradient *= self._moves
        terms = dict(zip(self.names, values.numpy().astype(float).tolist(), strict=True))
        if tf.is_tensor(image):
            return terms, tf.reshape(gradient, tf.shape(image))
        return terms, gradient.numpy().reshape(image.shape).astype(image.dtype, copy=False)

    def terms(self, image):
        """{term: weighted value} of an image."""
        return self.evaluate(image)[0]

    def value_and_gradient(self, image):
        """The sum of the terms, added in float64, and its gradient: what `scipy.optimize.minimize` calls."""
        terms, gradient = self.evaluate(image)
        return sum(terms.values()), gradient


class StyleTarget(NamedTuple):
    """What one correlation matrix shall become, A/M, and its `style_energy`."""

    matrix: tf.Tensor
    energy: tf.Tensor


def _tiling(network, terms, shape, tile):
    for term in terms:
        if not isinstance(term.loss, AdditiveLoss):
            raise ValueError(f"tile: the loss of term {term.name!r} must be an AdditiveLoss; got {term.loss!r}.")
    return Tiling(network, shape, tile, joined_reach(term.loss.reach for term in terms))


def content_terms(network, content, layers, weight, *, formula="relative", tile=None):
    """One `content_loss` term for each layer.

    Parameters
    ----------
    network : keras.Model
        From `build_network`.
    content : image array (H, W, 3)
        Of the size of the result.
    layers : sequence of str, or dict {layer: share}
        Of a sequence each gets the same share of `weight`.
    tile : int, optional
        Side of the tiles in which the content is seen, see `Objective`.
    """
    shares = layers if isinstance(layers, dict) else dict.fromkeys(layers, 1 / len(layers))
    targets = feature_maps(network, content, list(shares), tile)

    def term(layer):
        target = tf.constant(targets.pop(layer))
        divisor = content_divisor(target[None], formula=formula)

        def measure(image, features, window):
            squares = tf.square(features[layer][0] - window.cut(layer, target))
            guide = window.guide(layer)
            return tf.reduce_sum(squares if guide is None else squares * guide[..., None]) / divisor

        return Term(f"content {layer}", weight * shares[layer], AdditiveLoss(measure, _the_sum, {layer: 0}))

    return [term(layer) for layer in shares]


def style_targets(network, pictures, layers, masks=None, *, classic=False, tile=None):
    """{correlation: StyleTarget} of a style.

    Parameters
    ----------
    network : keras.Model
        From `build_network`.
    pictures : image array (H, W, 3), or a list of several
        Of any sizes. Several describe one style, as the works of an artist do: their sums over positions are added.
    layers : sequence or dict
        See `as_correlations`: w_l = 1/5 for five layers, as in Gatys et al.
    masks : list of masks or None, optional
        One for each picture: which part of it is the style. All of it by default.
    classic : bool
        Divide by all positions instead of the mask's ΣT², as "Show, Divide and Neural" has it.
    tile : int, optional
        As in `content_terms`.
    """
    correlations, sums = as_correlations(layers), {}
    reach = joined_reach(c.reach for c in correlations)
    pictures = [pictures] if isinstance(pictures, np.ndarray) else pictures
    for picture, mask in zip(pictures, masks or [None] * len(pictures), strict=True):
        resized = _resized(mask)
        for features, window in seen(network, picture, reach, tile):
            for c in correlations:
                of_part = _guided_sums(features, c, resized, classic, window)
                sums[c] = sums[c] + of_part if c in sums else of_part
    return {c: StyleTarget(of_style.matrix, of_style.energy) for c, of_style in sums.items()}


def blended_targets(targets, shares):
    """One target from those of several styles, Σ ρ A: what neural-style calls blending.

    The other way is a sum of losses, one for each style. Both have the same gradient, if all styles have the same
    energy, or a formula does without: Σ ρ (G − A_r)² and (G − Σ ρ A_r)² differ by a constant.
    """

    def blend(c, part):
        return sum(share * getattr(target[c], part) for share, target in zip(shares, targets, strict=True))

    return {c: StyleTarget(blend(c, "matrix"), blend(c, "energy")) for c in targets[0]}


def style_terms(targets, weight, *, formula="relative", name="style", mask=None, classic=False):
    """One `style_loss` term for each correlation of `style_targets`; they share `weight`.

    `name` tells several styles apart. `mask`, of the image's proportions, is white where the style applies;
    `classic` as in `style_targets`.
    """
    resized = _resized(mask)

    def term(c, target):
        def measure(image, features, window):
            sums = _guided_sums(features, c, resized, classic, window)
            return [sums.products, sums.positions]

        def loss(sums, sizes):
            products, positions = sums
            return style_loss(
                products / positions,
                target.matrix,
                energy=target.energy,
                positions=math.prod(sizes[c.layer]),
                pixels=math.prod(sizes[IMAGE]),
                formula=formula,
            )

        return Term(f"{name} {c}", weight * c.weight, AdditiveLoss(measure, loss, c.reach))

    return [term(c, target) for c, target in targets.items()]


def _guided_sums(features, correlation, resized, classic, window):
    layer = correlation.layer
    guide = window.guide(layer, resized(window.sizes[layer]))
    sums = style_sums(features, correlation, guide, window.upsampling(*correlation.layers))
    return sums._replace(positions=window.count(layer)) if classic else sums


def _resized(mask):
    """A function of (height, width): the mask at that size, made once, and no part of any graph."""

    @functools.cache
    def resized(shape):
        with tf.init_scope():
            return tf.constant(resize_mask(mask, shape))

    return resized if mask is not None else lambda shape: None


def total_variation_term(weight, *, formula="relative"):
    """A `total_variation_loss` term, in the form that belongs to `formula`."""
    form = FORMULAS[formula].total_variation

    def measure(image, features, window):
        return total_variation_loss(image, form=form, guide=window.guide(IMAGE), shape=window.sizes[IMAGE])

    return Term("tv", weight, AdditiveLoss(measure, _the_sum, {IMAGE: 1}))


def _the_sum(total, sizes):
    """The loss that is a sum itself."""
    return total


def balanced_terms(network, terms, image, shares, frozen=None, tile=None):
    """The terms, reweighted so that each group's gradient has the asked share of the gradients' norms at `image`.

    Weights mean something else with every formula, network and size; the shares of the gradient do not. A group is
    the first word of a term's name: "content", "style", "tv". Within a group weights keep their proportions. Not from
    a paper.

    Parameters
    ----------
    image : image array
        Where gradients are measured. Not the content itself, where the content's gradient is 0.
    shares : dict {group: share}
        For every group that is to stay; groups without a share are left out.
    frozen, tile
        See `Objective`; the gradient of frozen pixels does not count.

    Raises
    ------
    ValueError
        A group's gradient is 0 at `image`.
    """
    factors = {}
    for group, share in shares.items():
        of_group = [term for term in terms if term.name.split()[0] == group]
        norm = 0.0
        if of_group:
            norm = float(np.linalg.norm(Objective(network, of_group, image.shape, frozen, tile).evaluate(image)[1]))
        if norm == 0 and share > 0:
            raise ValueError(f"shares: the gradient of {group!r} is 0 where it is measured; leave it out of shares.")
        factors[group] = share / norm if norm else 0.0
    kept = [term for term in terms if shares.get(term.name.split()[0])]
    return [term._replace(weight=term.weight * factors[term.name.split()[0]]) for term in kept]
