"""Masks: files ↔ arrays, sizes, and making new ones of others.

A mask is a NumPy float32 array of shape (height, width), values in [0, 1]: white, 1, where the style applies; black, 0,
where it does not. Shapes are (height, width), or an image's whole shape; lengths are in pixels.
"""

import math
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from ..image import check_output, fitting_shape, load_image, luminance, write_picture
from ..support.checks import checked_number

BLACK = (0.0, 0.0, 0.0)
FAINT = 0.05  # what JPEG makes of black, and what a partition takes for it
COLORED = 0.1  # difference of channels that lossy compression does not make of grey


class MaskWarning(UserWarning):
    """A mask can be used, but is perhaps not what was meant."""


def load_mask(source, shape=None, *, name="mask"):
    """Load a picture as a mask array: its luminance, 0.299 R + 0.587 G + 0.114 B; grey levels are kept exactly.

    Transparent is black. A cut-out photograph carries its mask in the alpha channel alone:
    `load_mask(PIL.Image.open("cut-out.png").getchannel("A"))`.

    Parameters
    ----------
    source : path, PIL.Image.Image or array
        See `load_image`. Of an array, (H, W) float32 in [0, 1] is a mask already.
    shape : (height, width), optional
        Of the image that the mask is for. A mask of another size is resized to it, see `resize_mask`.
    name : str
        What messages call the mask.

    Returns
    -------
    numpy.ndarray
        (H, W) float32 in [0, 1]; a copy, also of an array.

    Raises
    ------
    ValueError
        What `load_image` refuses, and proportions that are not those of `shape`.

    Warns
    -----
    MaskWarning
        The mask was resized; or it is in colour, so that its brightness may not be what was meant.
    """
    picture = load_image(source, background=BLACK, name=name)
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
    if not _same_proportions(mask.shape, shape):
        raise ValueError(
            f"{label} is {sides(mask.shape)} pixels, its image {sides(shape)}: the proportions differ. Crop the mask, "
            "or make it from the image."
        )
    warnings.warn(f"{label} was resized from {sides(mask.shape)} to {sides(shape)} pixels.", MaskWarning, stacklevel=2)
    return resize_mask(mask, shape)


def save_mask(mask, path, *, bits=8, inputs=()):
    """Save a mask as a grey PNG of 8 or 16 bits, whole or not at all; see `save_image`.

    PNG alone: JPEG would spoil the black that keeps a picture's pixels as they are.
    """
    mask = checked_mask(mask)
    if bits not in (8, 16):
        raise ValueError(f"bits must be 8 or 16; got {bits!r}.")
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"output {str(path)!r} must end in .png: other formats lose levels of a mask.")
    levels = np.round(mask * np.float64(2**bits - 1)).astype(f"uint{bits}")
    write_picture(Image.fromarray(levels), check_output(path, inputs))


def resize_mask(mask, shape):
    """Resize a mask to `shape` = (height, width): each new value is the mean over the area that it covers, exactly.

    So the mask's mean stays as it is, 0 and 1 stay exact inside their regions, and a layer's position gets the share
    of its pixels that are white. Where either side becomes longer, it is interpolated linearly instead.

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
    """Mean of each of `count` equal strips of rows: differences of the running sum at the strips' edges."""
    rows = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype="float64")])
    edges = np.arange(count + 1) * rows / count
    above = np.minimum(edges.astype(int), rows - 1)
    at_edges = sums[above] + (edges - above)[:, None] * (sums[above + 1] - sums[above])
    return np.diff(at_edges, axis=0) * (count / rows)


def invert_mask(mask):
    """1 − mask: white where it was black."""
    return 1 - checked_mask(mask)


def grow_mask(mask, pixels):
    """Each value becomes the highest within a distance of `pixels`: white spreads, soft edges stay as soft."""
    mask = checked_mask(mask)
    radius = checked_number("pixels", pixels, minimum=0)
    grown = mask.copy()
    for shift in range(min(int(radius), len(mask) - 1) + 1):
        reach = math.isqrt(int(radius**2 - shift**2))  # of the disc, in the row `shift` above or below
        spread = ndimage.maximum_filter1d(mask, 2 * reach + 1, axis=1, mode="nearest")
        rows = len(mask) - shift
        np.maximum(grown[shift:], spread[:rows], out=grown[shift:])
        np.maximum(grown[:rows], spread[shift:], out=grown[:rows])
    return grown


def shrink_mask(mask, pixels):
    """Each value becomes the lowest within a distance of `pixels`; the picture's own border does not count as black."""
    return invert_mask(grow_mask(invert_mask(mask), pixels))


def feather_mask(mask, pixels):
    """Blur a mask with a Gaussian of standard deviation `pixels`; 4 deviations from an edge it is as before."""
    blurred = ndimage.gaussian_filter(checked_mask(mask), checked_number("pixels", pixels, minimum=0), mode="nearest")
    return np.clip(blurred, 0, 1)


def combine_masks(masks, how):
    """One mask of several: their "union", max T; "intersection", min T; or "difference", the first without the others.

    The difference is min(T₁, 1 − max(T₂, …)).
    """
    masks = checked_masks(masks)
    if how == "union":
        return np.max(masks, axis=0)
    if how == "intersection":
        return np.min(masks, axis=0)
    if how == "difference":
        return np.min([masks[0], *(invert_mask(mask) for mask in masks[1:])], axis=0)
    raise ValueError(f'how must be "union", "intersection" or "difference"; got {how!r}.')


def partition_masks(masks):
    """Masks that sum to 1 everywhere, from masks that may overlap and leave gaps.

    Where masks overlap, they share in proportion to their values: T_r / Σ T. Where they leave a gap, that is where
    their sum is under 0.05, the nearest pixel that is not in a gap decides.

    Returns
    -------
    list of numpy.ndarray
        One for each mask, in order.
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


def checked_mask(mask, name="mask"):
    """The mask as float32, or a `ValueError` that calls it `name` and says what is wrong with it."""
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.size == 0 or not np.issubdtype(mask.dtype, np.floating):
        raise ValueError(
            f"{name} must be an array of floats in [0, 1], shape (H, W); got {mask.dtype}, shape {mask.shape}. "
            "load_mask makes one of a picture."
        )
    if not ((mask >= 0) & (mask <= 1)).all():
        raise ValueError(f"{name} must hold values in [0, 1], and no NaN; got {mask.min():.3g} to {mask.max():.3g}.")
    return mask.astype("float32")


def checked_masks(masks):
    """A list of masks of one shape, at least one; see `checked_mask`."""
    masks = [checked_mask(mask, f"masks[{i}]") for i, mask in enumerate(masks)]
    if not masks:
        raise ValueError("masks must hold at least one mask; got none.")
    for i, mask in enumerate(masks):
        if mask.shape != masks[0].shape:
            raise ValueError(
                f"masks must have one size; masks[0] is {sides(masks[0].shape)} pixels, masks[{i}] {sides(mask.shape)}."
            )
    return masks


def checked_shape(shape):
    """(height, width) of a shape whose first two are whole numbers of at least 1; otherwise a `ValueError`."""
    size = tuple(shape[:2])
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and side >= 1 for side in size):
        raise ValueError(f"shape must be (height, width) in whole pixels, at least 1; got {shape}.")
    return size


def _same_proportions(shape, other):
    """Whether one is the other scaled, up to a pixel of the smaller one."""
    small, large = sorted((shape[:2], other[:2]), key=max)
    fitted = fitting_shape(large, max(small))
    return all(abs(one - another) <= 1 for one, another in zip(small, fitted, strict=True))


def sides(shape):
    """(height, width) as people write it, width first."""
    return f"{shape[1]}×{shape[0]}"
