"""The masks of a transfer: where each style applies, and what happens to the pixels where none applies.

Masks in content space say where in the result a style applies; masks in style space say which part of a style's picture
is the style. Only the classic mode uses the same masks for both.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ..image import resize
from ..support.types import ImageArray, MaskArray, MaskSource, Shape
from .basics import checked_mask, feather_mask, load_mask, resize_mask

FEATHER = 0.01  # standard deviation of the soft edge of blending, as a share of the longer side


@dataclass(frozen=True)
class Regions:
    """The masks of a transfer; for `mode` see `mask_mode` of `style_transfer`.

    `masks` has a mask of the content's size for each style, or None for each. `style_masks` has a list for each style:
    for each picture of the style, a mask of the picture's size, or None. `names` are the names of `masks`: the stems of
    their files, or "mask 1", "mask 2", …
    """

    masks: list[MaskArray | None]
    style_masks: list[list[MaskArray | None]]
    mode: str
    names: list[str]

    def frozen(self, shape: Shape) -> np.ndarray | None:
        """Return booleans (height, width), true where a pixel may not change; None if all pixels may change."""
        if self.mode != "freeze":
            return None
        return np.all([resize_mask(mask, shape) == 0 for mask in self.masks], axis=0)

    def pinned(self, image: ImageArray, content: ImageArray) -> ImageArray:
        """Return the image with the pixels of the content where pixels are frozen."""
        frozen = self.frozen(image.shape)
        return image if frozen is None else np.where(frozen[..., None], resize(content, image.shape), image)

    def finished(self, image: ImageArray, content: ImageArray) -> ImageArray:
        """Return the image with the content where no style applies: pinned, or pasted with a soft edge."""
        if self.mode != "blend":
            return self.pinned(image, content)
        covered = np.clip(np.sum([resize_mask(mask, image.shape) for mask in self.masks], axis=0), 0, 1)
        share = feather_mask(covered, FEATHER * max(image.shape))[..., None]
        return share * image + (1 - share) * resize(content, image.shape)

    def notes(self, network: keras.Model, shape: Shape) -> list[str]:
        """Return what seems wrong with the masks at the size of a result: see `check_masks`."""
        if self.masks[0] is None:
            return []
        from .findings import check_masks

        idle = []
        if self.mode == "freeze" and not self.frozen(shape).any():
            idle = [
                'mask_mode="freeze" freezes nothing: no pixel is exactly 0 in every mask. JPEG makes black a little '
                "grey; np.where(mask < 0.05, 0, mask) cleans it."
            ]
        resized = {name: resize_mask(mask, shape) for name, mask in zip(self.names, self.masks, strict=True)}
        outputs = network.compute_output_shape((1, *shape, 3))
        return idle + check_masks(resized, grids={name: output[1:3] for name, output in outputs.items()}).findings


def load_regions(
    masks: Sequence[MaskSource] | None, style_masks: Sequence | None, mode: str, content: ImageArray, styles: list[list]
) -> Regions:
    """Load and check the masks of a transfer; see `style_transfer`. `styles` has a list of pictures for each style."""
    if masks is None and mode != "guided":
        raise ValueError(f'mask_mode="{mode}" needs masks; got none.')
    if style_masks is not None and mode == "classic":
        raise ValueError('mask_mode="classic" applies the masks to the styles, too; it takes no style_masks.')
    loaded = [_loaded(mask, content, f"masks[{i}]") for i, mask in enumerate(masks or ())] or [None] * len(styles)
    of_styles = []
    for i, (pictures, given) in enumerate(zip(styles, style_masks or [None] * len(styles), strict=True)):
        name, given = f"style_masks[{i}]", given if isinstance(given, (list, tuple)) else [given] * len(pictures)
        if len(given) != len(pictures):
            raise ValueError(f"{name} must hold a mask for each of {len(pictures)} pictures; got {len(given)}.")
        of_styles.append([None if m is None else _loaded(m, p, name) for m, p in zip(given, pictures, strict=True)])
    if mode == "classic":
        loaded = [
            checked_mask((mask > 0.5).astype("float32"), f"masks[{i}] above 0.5 (classic)", may_be_black=False)
            for i, mask in enumerate(loaded)
        ]
        of_styles = [[resize_mask(m, p.shape) for p in pictures] for m, pictures in zip(loaded, styles, strict=True)]
    stems = [Path(mask).stem if isinstance(mask, (str, os.PathLike)) else "mask" for mask in masks or loaded]
    names = [s if stems.count(s) == 1 and s != "mask" else f"{s} {i}" for i, s in enumerate(stems, start=1)]
    return Regions(loaded, of_styles, mode, names)


def _loaded(mask, picture, name):
    if mask is None:
        raise ValueError(f"{name} must be a mask; got None. A white mask lets a style apply everywhere.")
    return checked_mask(load_mask(mask, picture.shape, name=name), name, may_be_black=False)
