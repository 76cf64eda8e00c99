"""Masks: load, make, select and check them; where each style of a transfer applies."""

from .basics import (
    MaskWarning,
    combine_masks,
    feather_mask,
    grow_mask,
    invert_mask,
    load_mask,
    partition_masks,
    resize_mask,
    save_mask,
    shrink_mask,
)
from .findings import MaskReport, check_masks, mask_findings
from .selections import (
    linear_gradient,
    radial_gradient,
    select_brightness,
    select_color,
    select_ellipse,
    select_flood,
    select_polygon,
)

__all__ = [
    "MaskReport",
    "MaskWarning",
    "check_masks",
    "combine_masks",
    "feather_mask",
    "grow_mask",
    "invert_mask",
    "linear_gradient",
    "load_mask",
    "mask_findings",
    "partition_masks",
    "radial_gradient",
    "resize_mask",
    "save_mask",
    "select_brightness",
    "select_color",
    "select_ellipse",
    "select_flood",
    "select_polygon",
    "shrink_mask",
]
