"""The loss that transform networks are trained with (Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.2)."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import keras
import tensorflow as tf

from ..image import fitting_shape, resize
from ..objective import Term, content_terms, style_targets, style_terms, total_variation_term
from ..support.pictures import MIN_SIDE
from ..support.types import ImageArray, Layers

BLUR_RADIUS = 3  # pixels: three standard deviations


@dataclass
class PerceptualLosses:
    """Compare a batch of pictures with a content for each of them, and with one style.

    The terms are those of `nst_keras.objective`, and a loss between pixels; `names` has their names. The network comes
    from `build_network` and returns all layers of the terms; `style` has pictures of one style, or is None. `train`
    explains the other settings.
    """

    network: keras.Model
    style: Sequence[ImageArray] | None
    _: KW_ONLY
    content_layers: Layers
    style_layers: Layers
    formula: str = "relative"
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    pixel_weight: float = 0.0
    style_size: int = 512

    def __post_init__(self) -> None:
        self._shared = []  # terms that are the same for every picture
        if self.style is not None:
            style = [resize(p, fitting_shape(p.shape, self.style_size, MIN_SIDE)) for p in self.style]
            targets = style_targets(self.network, style, self.style_layers)
            self._shared += style_terms(targets, self.style_weight, formula=self.formula)
        if self.tv_weight:
            self._shared.append(total_variation_term(self.tv_weight, formula=self.formula))
        self.names = [f"content {layer}" for layer in self.content_layers if self.content_weight]
        self.names += ["pixel"] * (self.pixel_weight > 0) + [term.name for term in self._shared]

    def __call__(self, pictures: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Return the weighted loss of each term, summed over pictures (n, h, w, 3) with targets of the same shape."""
        features, target_features = self.network(pictures), self.network(targets)
        total = 0.0
        for one in (slice(i, i + 1) for i in range(pictures.shape[0])):
            own, wanted = ({layer: f[one] for layer, f in each.items()} for each in (features, target_features))
            terms = self._target_terms(targets[one], wanted) + self._shared
            total += tf.stack([term.weight * term.loss(pictures[one], own) for term in terms])
        return total

    def _target_terms(self, target, features):
        terms = []
        if self.content_weight:
            layers, weight = self.content_layers, self.content_weight
            terms += content_terms(lambda _: features, target, layers, weight, formula=self.formula)
        if self.pixel_weight:
            terms.append(Term("pixel", self.pixel_weight, lambda x, _: tf.reduce_mean(tf.square(x - target))))
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
