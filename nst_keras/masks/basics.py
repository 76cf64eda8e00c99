"""Masks: load, save and resize them, and make new masks from others.

A mask is a NumPy float32 array of shape (height, width) with values in [0, 1]. The style applies where the mask is
white, 1; it does not apply where the mask is black, 0. A `shape` is (height, width) or the whole shape of an image.
Lengths are in pixels.
"""

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image
from scipy import ndimage

from ..image import fitting_shape, load_image, luminance
from ..support.checks import checked_name, checked_number, sides
from ..support.pictures import check_output, write_picture
from ..support.types import MaskArray, MaskSource, PathLike, Shape

Combination = Literal["union", "intersection", "difference"]
FAINT = 0.05  # JPEG compression can turn black into levels up to this
COLORED = 0.1  # JPEG compression of a grey picture makes smaller differences between the channels


class MaskWarning(UserWarning):
    """A mask can be used, but is perhaps not what was meant."""


def load_mask(source: MaskSource, shape: Shape | None = None, *, name: str = "mask") -> MaskArray:
    """Load a picture as a mask: its luminance, 0.299 R + 0.587 G + 0.114 B. Grey levels are kept exactly.

    Transparent pixels become black. For a cut-out photograph, load the alpha channel alone:
    `load_mask(PIL.Image.open("cut-out.png").getchannel("A"))`. A picture in colour causes a `MaskWarning`, because its
    brightness may not be the mask that was meant.

    For `source` see `load_image`; an array of floats (H, W) in [0, 1] is copied. `shape` is that of the image which the
    mask is for: a mask of another size is resized with a `MaskWarning`, and other proportions are a `ValueError`.
    Messages call the mask `name`.
    """
    picture = load_image(source, background=(0, 0, 0), name=name)
    label = f"{name} {str(source)!r}" if isinstance(source, (str, os.PathLike)) else name
    mask = luminance(picture)
    if np.mean(np.ptp(picture, axis=-1) > COLORED) > 0.01:
        warnings.warn(
            f"{label} is in colour; its brightness is the mask, {mask.min():.2f} to {mask.max():.2f}. Select a colour "
            "with select_color, or paint it in black and white.",
            MaskWarning,
            stacklevel=2,
        )
    if shape is None or mask.shape == tuple(shape[:2]):
        return mask
    small, large = sorted((mask.shape, tuple(shape[:2])), key=max)
    if np.abs(np.subtract(small, fitting_shape(large, max(small)))).max() > 1:
        raise ValueError(
            f"{label} is {sides(mask.shape)} pixels, its image {sides(shape)}: the proportions differ. Crop the mask, "
            "or make it from the image."
        )
    warnings.warn(f"{label} was resized from {sides(mask.shape)} to {sides(shape)} pixels.", MaskWarning, stacklevel=2)
    return resize_mask(mask, shape)


def save_mask(mask: MaskArray, path: PathLike, *, inputs: Sequence[PathLike] = ()) -> None:
    """Save a mask as a grey PNG of 8 bits, whole or not at all; see `save_image` for `inputs`.

    Other formats are refused: JPEG, for example, would change black, which keeps the pixels of the content.
    """
    levels = np.round(checked_mask(mask) * np.float64(255)).astype("uint8")
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"output {str(path)!r} must end in .png: other formats lose levels of a mask.")
    write_picture(Image.fromarray(levels), check_output(path, inputs))


def resize_mask(mask: MaskArray, shape: Shape) -> MaskArray:
    """Resize a mask: each new value is the exact mean over the area that it covers.

    The mean of the mask is kept, and 0 and 1 stay exact inside their regions. At the positions of a layer, the values
    are the shares of white pixels. If either side becomes longer, the mask is interpolated linearly instead.

    Examples
    --------
    >>> resize_mask(np.array([[0.0, 1.0, 1.0]]), (1, 2))
    array([[0.33333334, 1.        ]], dtype=float32)
    """
    mask = checked_mask(mask)
    height, width = checked_shape(shape)
    if mask.shape == (height, width):
        return mask
    if height <= mask.shape[0] and width <= mask.shape[1]:
        resized = _average_rows(_average_rows(mask, height).T, width).T
    else:
        resized = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(resized, 0, 1).astype("float32")


def _average_rows(values, count):
    """Return the means of `count` equal strips of rows: the differences of the running sum at the edges of strips."""
    rows = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype="float64")])
    edges = np.arange(count + 1) * rows / count
    above = np.minimum(edges.astype(int), rows - 1)
    at_edges = sums[above] + (edges - above)[:, None] * (sums[above + 1] - sums[above])
    return np.diff(at_edges, axis=0) * (count / rows)


def invert_mask(mask: MaskArray) -> MaskArray:
    """Return 1 − mask: white becomes black."""
    return 1 - checked_mask(mask)


def grow_mask(mask: MaskArray, pixels: float) -> MaskArray:
    """Replace each value by the highest value within a distance of `pixels`. Soft edges keep their width."""
    mask = checked_mask(mask)
    radius = checked_number("pixels", pixels, minimum=0)
    grown = mask.copy()
    for shift in range(min(int(radius), len(mask) - 1) + 1):
        reach = math.isqrt(int(radius**2 - shift**2))  # half the width of the disc, `shift` rows from its centre
        spread = ndimage.maximum_filter1d(mask, 2 * reach + 1, axis=1, mode="nearest")
        rows = len(mask) - shift
        np.maximum(grown[shift:], spread[:rows], out=grown[shift:])
        np.maximum(grown[:rows], spread[shift:], out=grown[:rows])
    return grown


def shrink_mask(mask: MaskArray, pixels: float) -> MaskArray:
    """Replace each value by the lowest value within a distance of `pixels`, outside the picture not counted."""
    return invert_mask(grow_mask(invert_mask(mask), pixels))


def feather_mask(mask: MaskArray, pixels: float) -> MaskArray:
    """Blur a mask with a Gaussian of standard deviation `pixels`. Nothing changes beyond 4 deviations from an edge."""
    blurred = ndimage.gaussian_filter(checked_mask(mask), checked_number("pixels", pixels, minimum=0), mode="nearest")
    return np.clip(blurred, 0, 1)


def combine_masks(masks: Iterable[MaskArray], how: Combination) -> MaskArray:
    """Combine masks to one: "union", max T; "intersection", min T; or "difference", min(T₁, 1 − max(T₂, …))."""
    masks = np.stack(checked_masks(masks))
    if checked_name("how", how, get_args(Combination)) == "union":
        return masks.max(axis=0)
    if how == "intersection":
        return masks.min(axis=0)
    return np.minimum(masks[0], 1 - masks[1:].max(axis=0, initial=0))


def partition_masks(masks: Iterable[MaskArray]) -> list[MaskArray]:
    """Return masks that sum to 1 everywhere, made from masks that may overlap and leave gaps.

    Overlapping masks share a pixel in proportion to their values: T_r / Σ T. A pixel with Σ T < 0.05 is in a gap; it
    takes the shares of the nearest pixel outside the gaps.
    """
    masks = np.stack(checked_masks(masks)).astype("float64")
    total = masks.sum(axis=0)
    gap = total < FAINT
    if gap.all():
        raise ValueError("masks must not all be black.")
    shares = masks / np.where(gap, 1, total)
    if gap.any():
        nearest = ndimage.distance_transform_edt(gap, return_distances=False, return_indices=True)
        shares = shares[:, *nearest]
    return list(shares.astype("float32"))


def checked_mask(mask: Any, name: str = "mask", shape: Shape | None = None, *, may_be_black: bool = True) -> MaskArray:
    """Return a mask as float32, a copy; raise a `ValueError` that calls it `name` if it is not a mask.

    A mask holds floats in [0, 1], no NaN, in the shape (H, W), or exactly `shape[:2]` if `shape` is given. With
    `may_be_black=False`, a mask that is 0 everywhere is refused, too.
    """
    mask = np.asarray(mask)
    wrong_shape = mask.ndim != 2 if shape is None else mask.shape != tuple(shape[:2])
    if wrong_shape or mask.size == 0 or not np.issubdtype(mask.dtype, np.floating):
        raise ValueError(
            f"{name} must be an array of floats in [0, 1], shape {'(H, W)' if shape is None else tuple(shape[:2])}; "
            f"got {mask.dtype}, shape {mask.shape}. load_mask makes one of a picture."
        )
    if not ((mask >= 0) & (mask <= 1)).all():
        raise ValueError(f"{name} must hold values in [0, 1], and no NaN; got {mask.min():.3g} to {mask.max():.3g}.")
    if not may_be_black and not mask.any():
        raise ValueError(f"{name} is black everywhere: it would apply nowhere. Leave it out, or use invert_mask.")
    return mask.astype("float32")


def checked_masks(masks: Iterable[Any]) -> list[MaskArray]:
    """Return a list of at least one mask, all of one shape; see `checked_mask`."""
    masks = [checked_mask(mask, f"masks[{i}]") for i, mask in enumerate(masks)]
    if not masks:
        raise ValueError("masks must hold at least one mask; got none.")
    sizes = [sides(mask.shape) for mask in masks]
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise ValueError(f"masks must have one size; masks[0] is {sizes[0]} pixels, masks[{i}] {size}.")
    return masks


def checked_shape(shape: Shape) -> tuple[int, int]:
    """Return (height, width) of a shape; raise a `ValueError` unless both are whole numbers of at least 1."""
    size = tuple(shape[:2])
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and side >= 1 for side in size):
        raise ValueError(f"shape must be (height, width) in whole pixels, at least 1; got {shape}.")
    return size
