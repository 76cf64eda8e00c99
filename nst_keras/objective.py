"""The objective: what is minimised, as a list of small named terms.

A `Term` has a name, a weight, and a loss that reads the image and its features. The targets (the content's
features, the style's Gram matrices) are computed once, when the term is made. An `Objective` adds terms up, and
gives optimisers the one thing they ask for: a value and a gradient, from one compiled function.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .losses import content_loss, mean_gram_matrix, style_energy, style_loss, total_variation_loss


class Term(NamedTuple):
    """One summand of the objective: weight · loss(image, features).

    `loss` takes the image as a tensor (1, H, W, 3) and the features as {layer: (1, h, w, N)}, and returns a
    scalar tensor.
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
    """

    def __init__(self, network, terms, shape):
        if not terms:
            raise ValueError("terms must hold at least one Term; got none.")
        self.names = [term.name for term in terms]
        if len(set(self.names)) != len(terms):
            raise ValueError(f"terms must have different names; got {', '.join(self.names)}.")
        self.shape = (*shape[:2], 3)
        self._dtype = network.inputs[0].dtype

        @tf.function(input_signature=[tf.TensorSpec((1, *self.shape), self._dtype)], autograph=False)
        def evaluate(image):
            with tf.GradientTape() as tape:
                tape.watch(image)
                features = network(image)
                values = tf.stack([term.weight * term.loss(image, features) for term in terms])
            return values, tape.gradient(values, image)

        self._evaluate = evaluate.get_concrete_function()  # compiled here and now, once

    def evaluate(self, image):
        """{term: weighted value} and the gradient of their sum, a float64 array in the image's own layout.

        `image` has shape (H, W, 3), or is flattened, as scipy wants it; the gradient comes back the same.
        """
        image = np.asarray(image)
        pixels = tf.cast(image.reshape(1, *self.shape), self._dtype)
        values, gradient = self._evaluate(pixels)
        terms = dict(zip(self.names, values.numpy().astype(float).tolist(), strict=True))
        return terms, gradient.numpy().reshape(image.shape).astype("float64")

    def terms(self, image):
        """{term: weighted value} of an image."""
        return self.evaluate(image)[0]

    def value_and_gradient(self, image):
        """The sum of the terms, added in float64, and its gradient: what `scipy.optimize.minimize` calls."""
        terms, gradient = self.evaluate(image)
        return sum(terms.values()), gradient


def content_terms(network, content, layers, weight, *, formula="relative"):
    """One `content_loss` term for each layer; `weight` is divided evenly among the layers.

    `content` is an image array (H, W, 3) of the size of the result.
    """
    targets = network(content[None])

    def term(layer):
        target = targets[layer]
        return Term(
            f"content {layer}",
            weight / len(layers),
            lambda image, features: content_loss(features[layer], target, formula=formula),
        )

    return [term(layer) for layer in layers]


def style_terms(network, style, layers, weight, *, formula="relative", name="style"):
    """One `style_loss` term for each layer; `weight` is divided evenly among the layers (w_l = 1/5 in the paper).

    `style` is an image array of any size. `name` tells several styles apart.
    """
    features_of_style = network(style[None])

    def term(layer):
        target = mean_gram_matrix(features_of_style[layer])
        energy = style_energy(features_of_style[layer])

        def loss(image, features):
            return style_loss(mean_gram_matrix(features[layer]), target, energy=energy, formula=formula)

        return Term(f"{name} {layer}", weight / len(layers), loss)

    return [term(layer) for layer in layers]


def total_variation_term(weight, *, formula="relative"):
    """A `total_variation_loss` term."""
    return Term("tv", weight, lambda image, features: total_variation_loss(image, formula=formula))
