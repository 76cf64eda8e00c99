"""The loss that transform networks are trained with (Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.2).

Its terms are those of `nst_keras.objective`, with another content for every picture, and a loss between pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from ..image import fitting_shape, resize
from ..objective import Term, content_terms, style_targets, style_terms, total_variation_term
from ..support.pictures import MIN_SIDE
from ..support.types import ImageArray, Layers

BLUR_RADIUS = 3  # pixels: three standard deviations


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """The settings of `PerceptualLosses`; `train` explains them."""

    content_layers: Layers
    style_layers: Layers
    formula: str
    content_weight: float
    style_weight: float
    tv_weight: float
    pixel_weight: float
    style_size: int


class PerceptualLosses:
    """Compare a batch of pictures with their targets and with a style; `names` has the names of the terms.

    Parameters
    ----------
    network
        From `build_network`; returns the layers that `settings` names.
    style
        Pictures of one style, or None.
    """

    def __init__(self, network: keras.Model, style: Sequence[ImageArray] | None, settings: LossSettings) -> None:
        self.network, self.settings = network, settings
        self._shared = []  # terms that are the same for every picture
        if style is not None:
            style = [resize(p, fitting_shape(p.shape, settings.style_size, MIN_SIDE)) for p in style]
            targets = style_targets(network, style, settings.style_layers)
            self._shared += style_terms(targets, settings.style_weight, formula=settings.formula)
        if settings.tv_weight:
            self._shared.append(total_variation_term(settings.tv_weight, formula=settings.formula))
        self.names = [f"content {layer}" for layer in settings.content_layers if settings.content_weight]
        self.names += ["pixel"] * (settings.pixel_weight > 0) + [term.name for term in self._shared]

    def __call__(self, pictures: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Return the weighted loss of each term, summed over pictures (n, h, w, 3) with targets of the same shape."""
        features, target_features = self.network(pictures), self.network(targets)
        total = 0.0
        for i in range(pictures.shape[0]):
            one = slice(i, i + 1)
            own, wanted = ({layer: f[one] for layer, f in each.items()} for each in (features, target_features))
            terms = [*self._target_terms(targets[one], wanted), *self._shared]
            total += tf.stack([term.weight * term.loss(pictures[one], own) for term in terms])
        return total

    def _target_terms(self, target, features):
        settings, terms = self.settings, []
        if settings.content_weight:
            layers, weight = settings.content_layers, settings.content_weight
            terms += content_terms(lambda _: features, target, layers, weight, formula=settings.formula)
        if settings.pixel_weight:
            pixel_loss = lambda picture, _: tf.reduce_mean(tf.square(picture - target))  # noqa: E731
            terms.append(Term("pixel", settings.pixel_weight, pixel_loss))
        return terms


def shrunk(images: tf.Tensor, upscale: int) -> tf.Tensor:
    """Blur images by a Gaussian of σ = 1 pixel and make them smaller, bicubically (section 4.2 of the paper).

    Turns (n, h, w, 3), where h and w are multiples of `upscale`, into (n, h / upscale, w / upscale, 3) in [0, 1].
    """
    places = tf.range(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=tf.float32)
    kernel = tf.exp(-(places**2) / 2)
    kernel = tf.tile((kernel[:, None] * kernel / tf.reduce_sum(kernel) ** 2)[:, :, None, None], (1, 1, 3, 1))
    border = (BLUR_RADIUS, BLUR_RADIUS)
    padded = tf.pad(images, ((0, 0), border, border, (0, 0)), "SYMMETRIC")
    blurred = tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")
    shape = [side // upscale for side in images.shape[1:3]]
    return tf.clip_by_value(tf.image.resize(blurred, shape, "bicubic", antialias=True), 0, 1)
