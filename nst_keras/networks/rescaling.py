"""Networks whose filters all have the same mean activation, as the formulas of Gatys et al. 2015 expect."""

from collections.abc import Sequence

import keras
import numpy as np

from ..image import load_image
from ..network import COLOR
from ..support.types import ImageSource


def rescale_network(network: keras.Model, photographs: Sequence[ImageSource]) -> keras.Model:
    """Return the same network with every filter's mean activation scaled to 1: F_i / mean F_i, as in arXiv:1508.06576.

    A filter's mean is taken over the positions of each picture in the list `photographs`, then over photographs.
    Gatys et al. change VGG's weights (section "Methods"): they divide a filter by its mean, and multiply its channel in
    the next layer's kernels by it. ReLU and pooling commute with positive factors, so only the scale of the features
    changes; this function scales the features and leaves the weights alone. `"color"`, and filters that no photograph
    activates, are not scaled. A pooling layer is scaled by its own mean, for average pooling the mean of the layer
    before it.
    """
    if not isinstance(photographs, (list, tuple)) or not photographs:
        raise ValueError(f"photographs must be a list of at least one picture; got {photographs!r}.")
    images = [load_image(photograph, name=f"photographs[{i}]") for i, photograph in enumerate(photographs)]
    means = dict.fromkeys((layer for layer in network.output if layer != COLOR), 0.0)
    for image in images:
        features = network(image[None])
        for layer in means:
            means[layer] += np.mean(features[layer], axis=(0, 1, 2), dtype="float64") / len(images)
    rescaled = dict(network.output)
    for layer, mean in means.items():
        rescaled[layer] = rescaled[layer] / np.where(mean > 0, mean, 1).astype("float32")
    rescaled = keras.Model(network.input, rescaled, name=network.name)
    rescaled.trainable = False
    return rescaled
