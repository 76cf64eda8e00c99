"""Names for the types that public functions take and return."""

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from PIL.Image import Image

ImageArray: TypeAlias = np.ndarray  # (H, W, 3) float32, RGB, in [0, 1]
MaskArray: TypeAlias = np.ndarray  # (H, W) float32, in [0, 1]; white, 1, where the style applies
PathLike: TypeAlias = str | os.PathLike
ImageSource: TypeAlias = PathLike | Image | np.ndarray  # what `load_image` reads
MaskSource: TypeAlias = PathLike | Image | np.ndarray  # what `load_mask` reads
Shape: TypeAlias = Sequence[int]  # (height, width), or the whole shape of an image
Layers: TypeAlias = Sequence | Mapping[str, float]  # names of layers or correlations, or {layer: weight}
