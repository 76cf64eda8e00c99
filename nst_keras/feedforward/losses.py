"""What a feed-forward network is trained to minimise, for a batch of pictures. Loaded on demand.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.2: the terms of `nst_keras.objective`, with another content
for every picture, and a loss between pixels.
"""

import tensorflow as tf

from ..image import MIN_SIDE, fitting_shape, resize
from ..losses import content_loss
from ..objective import Term, style_targets, style_terms, total_variation_term

BLUR_RADIUS = 3  # pixels, three deviations


class PerceptualLosses:
    """The weighted terms of one picture, and their names; a batch has their mean."""

    def __init__(self, network, style, settings):
        self.network, self.settings = network, settings
        self._terms = []
        if style is not None:
            shapes = [fitting_shape(picture.shape, settings["style_size"], MIN_SIDE) for picture in style]
            pictures = [resize(picture, shape) for picture, shape in zip(style, shapes, strict=True)]
            targets = style_targets(network, pictures, settings["style_layers"])
            self._terms += style_terms(targets, settings["style_weight"], formula=settings["formula"])
        if settings["tv_weight"]:
            self._terms.append(total_variation_term(settings["tv_weight"], formula=settings["formula"]))
        layers = settings["content_layers"]
        self._shares = layers if isinstance(layers, dict) else dict.fromkeys(layers, 1 / len(layers))
        self.names = [term.name for term in self._of_target(None, None) + self._terms]

    def _of_target(self, target, features):
        """The terms that compare with one picture `target` and its features."""
        formula, weight, pixel_weight = (self.settings[name] for name in ("formula", "content_weight", "pixel_weight"))

        def term(layer, share):
            return Term(
                f"content {layer}",
                weight * share,
                lambda picture, read: content_loss(read[layer], features[layer], formula=formula),
            )

        terms = [term(layer, share) for layer, share in self._shares.items()] if weight else []
        if pixel_weight:
            terms.append(Term("pixel", pixel_weight, lambda picture, _: tf.reduce_mean(tf.square(picture - target))))
        return terms

    def __call__(self, pictures, targets):
        """Σ over the pictures (n, h, w, 3), a tensor of one number for each term."""
        read, of_targets = self.network(pictures), self.network(targets)
        total = 0.0
        for i in range(pictures.shape[0]):
            one = slice(i, i + 1)
            features, of_target = ({layer: f[one] for layer, f in each.items()} for each in (read, of_targets))
            terms = self._of_target(targets[one], of_target) + self._terms
            total += tf.stack([term.weight * term.loss(pictures[one], features) for term in terms])
        return total


def shrunk(images, upscale):
    """What super-resolution is to undo: blurred by a Gaussian of σ = 1 pixel, then made smaller, bicubically.

    Section 4.2 of the paper.

    Parameters
    ----------
    images : tensor (n, h, w, 3)
        Whose sides are multiples of `upscale`.

    Returns
    -------
    tensor (n, h / upscale, w / upscale, 3), in [0, 1]
    """
    places = tf.range(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=tf.float32)
    kernel = tf.exp(-(places**2) / 2)
    kernel = tf.tile((kernel[:, None] * kernel / tf.reduce_sum(kernel) ** 2)[:, :, None, None], (1, 1, 3, 1))
    border = (BLUR_RADIUS, BLUR_RADIUS)
    padded = tf.pad(images, ((0, 0), border, border, (0, 0)), "SYMMETRIC")
    blurred = tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")
    height, width = images.shape[1] // upscale, images.shape[2] // upscale
    return tf.clip_by_value(tf.image.resize(blurred, (height, width), "bicubic", antialias=True), 0, 1)
