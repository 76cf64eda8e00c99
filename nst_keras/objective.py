"""The objective that is minimised: a list of small named terms.

A `Term` has a name, a weight, and a loss that reads the image and its features. The targets (the content's features,
the style's Gram matrices) are computed once, when the term is made. An `Objective` adds the terms up, and gives
optimisers a value and a gradient from one compiled function.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .correlations import Correlation, StyleSums, as_correlations, style_sums
from .formulas import FORMULAS
from .losses import content_energy, content_loss, style_loss, total_variation_loss
from .masks.basics import resize_mask
from .network import COLOR
from .networks.weights import constant_weights
from .support.types import ImageArray, Layers, MaskArray, Shape


class Term(NamedTuple):
    """One summand, weight · loss(image, features), of an image (1, H, W, 3) and features {layer: (1, h, w, N)}."""

    name: str
    weight: float
    loss: Callable


class Objective:
    """Σ weight · loss over `terms`, for images of one shape.

    Parameters
    ----------
    network
        A network that returns every layer that the terms read.
    terms
        Terms with different names.
    shape
        (height, width) of the images that will be evaluated. One function is compiled for it.
    frozen
        (height, width) booleans, true where pixels may not move: the gradient is 0 there, so no optimiser moves them.
    """

    def __init__(self, network: keras.Model, terms: Sequence[Term], shape: Shape, frozen: Any = None) -> None:
        if not terms:
            raise ValueError("terms must hold at least one Term; got none.")
        self.names = [term.name for term in terms]
        if len(set(self.names)) != len(terms):
            raise ValueError(f"terms must have different names; got {', '.join(self.names)}.")
        self.shape = (*shape[:2], 3)
        self._dtype = network.inputs[0].dtype
        self._moves = None if frozen is None else tf.constant(~frozen[None, :, :, None], self._dtype)
        self._evaluate = self._compiled(network, terms)

    def _compiled(self, network, terms):
        features_of = constant_weights(network)

        @tf.function(input_signature=[tf.TensorSpec((1, *self.shape), self._dtype)], autograph=False)
        def evaluate(image):
            with tf.GradientTape() as tape:
                tape.watch(image)
                features = features_of(image)
                values = tf.stack([term.weight * term.loss(image, features) for term in terms])
            return values, tape.gradient(values, image)

        return evaluate.get_concrete_function()  # compiled here and now, once

    def evaluate(self, image: Any) -> tuple[dict[str, float], Any]:
        """Compute {term: weighted value} and the gradient of their sum.

        `image` has shape (H, W, 3), or is flat, as scipy wants it; it is an array or a tensor. The gradient has the
        same shape, type and kind: a tensor stays on the device.
        """
        pixels = tf.cast(tf.reshape(image, (1, *self.shape)), self._dtype)
        values, gradient = self._evaluate(pixels)
        if self._moves is not None:
            gradient *= self._moves
        terms = dict(zip(self.names, values.numpy().astype(float).tolist(), strict=True))
        if tf.is_tensor(image):
            return terms, tf.reshape(gradient, tf.shape(image))
        return terms, gradient.numpy().reshape(image.shape).astype(image.dtype, copy=False)

    def terms(self, image: Any) -> dict[str, float]:
        """Compute {term: weighted value}."""
        return self.evaluate(image)[0]

    def value_and_gradient(self, image: Any) -> tuple[float, Any]:
        """Compute the sum of the terms, in float64, and its gradient, as `scipy.optimize.minimize` wants them."""
        terms, gradient = self.evaluate(image)
        return sum(terms.values()), gradient


class ContentLoss(NamedTuple):
    """`content_loss` at one layer, with the content's features (1, h, w, N) as target."""

    layer: str
    target: tf.Tensor
    weights: tf.Tensor | None
    energy: tf.Tensor
    formula: str

    def __call__(self, image, features):
        return content_loss(
            features[self.layer], self.target, weights=self.weights, energy=self.energy, formula=self.formula
        )


def content_terms(
    network: Callable,
    content: ImageArray,
    layers: Layers,
    weight: float,
    *,
    formula: str = "relative",
    mask: MaskArray | None = None,
) -> list[Term]:
    """Make one `content_loss` term for each layer.

    Parameters
    ----------
    content
        (H, W, 3), of the size of the result.
    layers
        Names, which share `weight` equally, or {layer: share}.
    mask
        With the image's proportions, white where the content is compared. Everywhere by default.
    """
    shares = layers if isinstance(layers, dict) else dict.fromkeys(layers, 1 / len(layers))
    features, losses = network(content[None]), []
    for layer in shares:
        target = features[layer]
        weights = None if mask is None else tf.constant(resize_mask(mask, target.shape[1:3]))
        losses.append(ContentLoss(layer, target, weights, content_energy(target, weights), formula))
    return [Term(f"content {loss.layer}", weight * shares[loss.layer], loss) for loss in losses]


class Guide:
    """Where a style applies: in the white of a mask, but not at the border of the feature maps.

    Convolutions pad with zeros, so some features respond only at the border. A region inside the picture cannot
    produce them, so positions at the border do not count as style. `border` of the formula is the number of positions
    that are left out along each side; for two layers, of the deeper one. "color" has no padding and loses none. Where
    a mask is white at the border only, the whole map is used.

    `classic` is as in "Show, Divide and Neural": the border counts, and sums are divided by M instead of ΣT².
    """

    def __init__(self, mask: MaskArray | None, formula: str, classic: bool) -> None:
        self._mask, self._border, self._classic = mask, 0 if classic else FORMULAS[formula].border, classic
        self._of_shape = functools.cache(self._computed)

    def mask(self, correlation: Correlation, shapes: dict[str, Shape]) -> tf.Tensor | None:
        """Return the mask at the size of `correlation.layer`, or None if all is white; `shapes` is {layer: (h, w)}."""
        shape, border = self._inside(correlation, shapes)
        return None if self._mask is None and border == 0 else self._of_shape(shape, border)

    def divided(self, sums: StyleSums, correlation: Correlation, shapes: dict[str, Shape]) -> StyleSums:
        """Return the sums with the number of positions that they are divided by."""
        return sums._replace(positions=float(math.prod(shapes[correlation.layer]))) if self._classic else sums

    def _inside(self, correlation, shapes):
        shape, border = tuple(shapes[correlation.layer]), 0 if correlation.layer == COLOR else self._border
        if correlation.deeper is not None:
            border *= math.ceil(shape[0] / shapes[correlation.deeper][0])
        return shape, border if 2 * border < min(shape) else 0

    def _computed(self, shape, border):
        mask = np.ones(shape, "float32") if self._mask is None else resize_mask(self._mask, shape)
        inside = np.pad(mask[border : shape[0] - border, border : shape[1] - border], border)
        with tf.init_scope():  # outside of all graphs
            return tf.constant(inside if inside.any() else mask)


class StyleTarget(NamedTuple):
    """The target of one correlation matrix, A/M, and its `style_energy`; the formula and mode it was computed with."""

    matrix: tf.Tensor
    energy: tf.Tensor
    formula: str
    classic: bool


Targets = dict[Correlation, StyleTarget]


class StyleLoss(NamedTuple):
    """`style_loss` of one correlation matrix, where `guide` says that the style applies."""

    correlation: Correlation
    target: StyleTarget
    guide: Guide

    def __call__(self, image, features):
        shapes = {layer: features[layer].shape[1:3] for layer in self.correlation.layers}
        sums = style_sums(features, self.correlation, self.guide.mask(self.correlation, shapes))
        return self.of_sums(sums, shapes, image.shape[1:3])

    def of_sums(self, sums: StyleSums, shapes: dict[str, Shape], image_shape: Shape) -> tf.Tensor:
        return style_loss(
            self.guide.divided(sums, self.correlation, shapes).matrix,
            self.target.matrix,
            energy=self.target.energy,
            positions=math.prod(shapes[self.correlation.layer]),
            pixels=math.prod(image_shape),
            formula=self.target.formula,
        )


def style_targets(
    network: Callable,
    pictures: ImageArray | Sequence[ImageArray],
    layers: Layers,
    masks: Sequence[MaskArray | None] | None = None,
    *,
    formula: str = "relative",
    classic: bool = False,
) -> Targets:
    """Compute the target of each correlation matrix of a style.

    Parameters
    ----------
    pictures
        One image array, or several of any sizes that describe one style, such as the works of an artist: their sums
        over positions are added.
    layers
        See `as_correlations`: w_l = 1/5 for five layers, as in Gatys et al.
    masks
        One for each picture, white on the part of it that is the style. All of it by default.
    formula, classic
        See `style_loss` and `Guide`.
    """
    sums = {}
    pictures = [pictures] if isinstance(pictures, np.ndarray) else pictures
    for picture, mask in zip(pictures, masks or [None] * len(pictures), strict=True):
        features, guide = network(picture[None]), Guide(mask, formula, classic)
        for c in as_correlations(layers):
            shapes = {layer: features[layer].shape[1:3] for layer in c.layers}
            of_picture = guide.divided(style_sums(features, c, guide.mask(c, shapes)), c, shapes)
            sums[c] = sums[c] + of_picture if c in sums else of_picture
    return {c: StyleTarget(of_style.matrix, of_style.energy, formula, classic) for c, of_style in sums.items()}


def blended_targets(targets: Sequence[Targets], shares: Sequence[float]) -> Targets:
    """Blend the targets of several styles into one, Σ ρ A, as neural-style does.

    The alternative is a sum of losses, one for each style. Both have the same gradient if all styles have the same
    energy, or if the formula has none: Σ ρ (G − A_r)² and (G − Σ ρ A_r)² differ by a constant.
    """

    def blend(c, part):
        return sum(share * getattr(target[c], part) for share, target in zip(shares, targets, strict=True))

    return {c: one._replace(matrix=blend(c, "matrix"), energy=blend(c, "energy")) for c, one in targets[0].items()}


def style_terms(targets: Targets, weight: float, *, name: str = "style", mask: MaskArray | None = None) -> list[Term]:
    """Make one `style_loss` term for each correlation of `style_targets`; the terms share `weight`.

    `name` distinguishes several styles. `mask`, with the image's proportions, is white where the style applies.
    """
    guide = functools.cache(functools.partial(Guide, mask))  # terms share one, which resizes the mask once for a size
    return [
        Term(f"{name} {c}", weight * c.weight, StyleLoss(c, target, guide(target.formula, target.classic)))
        for c, target in targets.items()
    ]


class VariationLoss(NamedTuple):
    """`total_variation_loss` of the image, in one form."""

    form: str

    def __call__(self, image, features):
        return total_variation_loss(image, form=self.form)


def total_variation_term(weight: float, *, formula: str = "relative") -> Term:
    """Make a `total_variation_loss` term, in the form that belongs to `formula`."""
    return Term("tv", weight, VariationLoss(FORMULAS[formula].total_variation))


def balanced_terms(
    network: keras.Model,
    terms: Sequence[Term],
    image: ImageArray,
    shares: dict[str, float],
    frozen: Any = None,
    objective: Callable = Objective,
) -> list[Term]:
    """Reweight the terms so that the gradient of each group has the asked share of the gradients' norms at `image`.

    The effect of a weight depends on formula, network and size; that of a share of the gradient does not. A group is
    the first word of a term's name: "content", "style", "tv". Weights keep their proportions within a group. Not from
    a paper.

    Parameters
    ----------
    image
        Where gradients are measured. Not the content itself, where the content's gradient is 0.
    shares
        {group: share}; the terms of groups without a share, or with 0, are left out.
    frozen
        See `Objective`; the gradient of frozen pixels does not count.
    objective
        `Objective`, or another with the same parameters.
    """
    factors = {}
    for group, share in shares.items():
        of_group = [term for term in terms if term.name.split()[0] == group]
        norm = 0.0
        if of_group:
            norm = float(np.linalg.norm(objective(network, of_group, image.shape, frozen).evaluate(image)[1]))
        if norm == 0 and share > 0:
            raise ValueError(f"shares: the gradient of {group!r} is 0 where it is measured; leave it out of shares.")
        factors[group] = share / norm if norm else 0.0
    kept = [term for term in terms if shares.get(term.name.split()[0])]
    return [term._replace(weight=term.weight * factors[term.name.split()[0]]) for term in kept]
