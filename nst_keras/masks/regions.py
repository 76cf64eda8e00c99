"""Where each style of a transfer applies: the masks of a run, and what black in them means.

Content-space masks say where on the result a style applies; style-space masks say which part of a style's picture is
the style. The two are never mixed, except by the classic method.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..image import resize
from .basics import feather_mask, load_mask, resize_mask
from .findings import mask_findings

FEATHER = 0.01  # of blending's edge: standard deviation as a share of the longer side


@dataclass(frozen=True)
class Regions:
    """The masks of a run; for `mode` see `style_transfer`.

    `masks` has one for each style, of the content's size, and `style_masks` a list for each style, with one for each of
    its pictures, of that picture's size; None where there is none. `names` are those of the masks: of their files, or
    "mask 1", …
    """

    masks: list
    style_masks: list
    mode: str
    names: list

    @property
    def classic(self):
        return self.mode == "classic"

    def frozen(self, shape):
        """Where no pixel may move, (height, width) booleans; None if all may."""
        if self.mode != "freeze":
            return None
        return np.all([resize_mask(mask, shape) == 0 for mask in self.masks], axis=0)

    def pinned(self, image, content):
        """The image with the content's pixels where they are frozen."""
        frozen = self.frozen(image.shape)
        return image if frozen is None else np.where(frozen[..., None], resize(content, image.shape), image)

    def pasted(self, image, content):
        """The finished image, the content pasted back where no style applies."""
        if self.mode != "blend":
            return self.pinned(image, content)
        covered = np.clip(np.sum([resize_mask(mask, image.shape) for mask in self.masks], axis=0), 0, 1)
        share = feather_mask(covered.astype("float32"), FEATHER * max(image.shape))[..., None]
        return share * image + (1 - share) * content

    def notes(self, network, shape):
        """What seems wrong with the masks: see `mask_findings`."""
        if self.masks[0] is None:
            return []
        outputs = network.compute_output_shape((1, *shape, 3))
        grids = {layer: output[1:3] for layer, output in outputs.items()}
        return mask_findings({n: resize_mask(m, shape) for n, m in zip(self.names, self.masks, strict=True)}, grids)


def load_regions(masks, style_masks, mode, content, styles):
    """The `Regions` of a run; for masks and mode see `style_transfer`. `styles` are lists of image arrays.

    A `ValueError` if a mask is missing, unfit or black everywhere, or a mode that needs masks has none.
    """
    if masks is None:
        if mode != "guided":
            raise ValueError(f'mask_mode="{mode}" needs masks; got none.')
        loaded = [None] * len(styles)
    else:
        loaded = [_load(mask, content, f"masks[{i}]") for i, mask in enumerate(masks)]
    of_styles = []
    for i, (pictures, given) in enumerate(zip(styles, style_masks or [None] * len(styles), strict=True)):
        given = given if isinstance(given, (list, tuple)) else [given] * len(pictures)
        if len(given) != len(pictures):
            raise ValueError(
                f"style_masks[{i}] must hold a mask for each of {len(pictures)} pictures; got {len(given)}."
            )
        of_styles.append([_load(m, p, f"style_masks[{i}]") for m, p in zip(given, pictures, strict=True)])
    if mode == "classic":
        if style_masks is not None:
            raise ValueError('mask_mode="classic" lays the masks on the styles, too; it takes no style_masks.')
        loaded = [(mask > 0.5).astype("float32") for mask in loaded]
        for i, mask in enumerate(loaded):
            if not mask.any():
                raise ValueError(f"masks[{i}] is nowhere above 0.5: the classic method would apply its style nowhere.")
        of_styles = [
            [resize_mask(mask, picture.shape) for picture in pictures]
            for mask, pictures in zip(loaded, styles, strict=True)
        ]
    stems = [Path(mask).stem if isinstance(mask, (str, os.PathLike)) else "mask" for mask in masks or loaded]
    names = [
        stem if stems.count(stem) == 1 and stem != "mask" else f"{stem} {i}" for i, stem in enumerate(stems, start=1)
    ]
    return Regions(loaded, of_styles, mode, names)


def _load(mask, picture, name):
    if mask is None:
        if name.startswith("masks"):
            raise ValueError(f"{name} must be a mask; got None. A white one lets a style apply everywhere.")
        return None
    loaded = load_mask(mask, picture.shape, name=name)
    if not loaded.any():
        raise ValueError(
            f"{name} is black everywhere: its style would apply nowhere. Leave the style out, or invert it."
        )
    return loaded
