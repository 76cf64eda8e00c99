"""Find probable mistakes in masks that are to be used together.

Masks are examined at their own size and, for each layer, after `resize_mask` to the layer's grid of positions, as a
guided Gram matrix uses them.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy import ndimage

from ..image import load_image, luminance
from ..results.plot import styled_figure
from ..support.checks import sides
from ..support.types import ImageArray, ImageSource, MaskArray, Shape
from .basics import checked_masks, checked_shape, resize_mask

Masks = Iterable[MaskArray] | Mapping[str, MaskArray]
Grids = Mapping[str, Shape]
MIN_COVERAGE = 0.01  # share of the picture
MIN_CONTRAST = 0.1  # between the lowest and the highest value of a mask
MIN_POSITIONS = 4  # ΣT² at a layer: a Gram matrix of fewer positions describes hardly more than one patch
MAX_SPECK = 0.001  # share of the picture; a larger connected area is a region
MAX_SHARED = 0.01  # share of the picture that may belong to two masks, or to none
COLORS = "tab:orange", "tab:blue", "tab:green", "tab:red", "tab:purple", "tab:cyan", "tab:pink", "tab:olive"


@dataclass(frozen=True)
class MaskReport:
    """The result of `check_masks`; `print` shows the table and the findings.

    `findings` are sentences, none if nothing seems wrong. `table` is {name of a mask:
    {"coverage": mean, "lowest": value, "highest": value, "regions": count, "positions": {layer: number of positions
    above ½}, "area": {layer: ΣT²}}}. `masks` is {name: mask}, and `grids` is {layer: (h, w)}.
    """

    findings: list[str]
    masks: dict[str, MaskArray] = field(repr=False)
    grids: dict[str, tuple[int, int]] = field(repr=False)
    image: ImageArray | None = field(repr=False)

    @functools.cached_property
    def table(self) -> dict[str, dict]:
        return {name: _row(mask, self.grids) for name, mask in self.masks.items()}

    def __str__(self):
        columns = [["", "coverage", "values", "regions", *(f"{layer} {sides(g)}" for layer, g in self.grids.items())]]
        for name, row in self.table.items():
            counts = [f"{row['positions'][layer]} ({row['area'][layer]:.1f})" for layer in self.grids]
            values = f"{row['lowest']:.2f} to {row['highest']:.2f}"
            columns.append([name, f"{row['coverage']:.1%}", values, str(row["regions"]), *counts])
        for i, column in enumerate(columns):
            width = max(map(len, column))
            columns[i] = [cell.rjust(width) if i else cell.ljust(width) for cell in column]
        lines = ["  ".join(row) for row in zip(*columns, strict=True)]
        if self.grids:
            lines.append("For each layer: its positions above ½, and ΣT² in brackets.")
        return "\n".join([*lines, *(f"- {finding}" for finding in self.findings or ["Nothing seems wrong."])])

    def figure(self) -> Figure:
        """Show each mask in its colour on the picture, then at the layers' positions: one column for each size."""
        height, width = next(iter(self.masks.values())).shape
        picture = np.full((height, width), 0.6) if self.image is None else luminance(self.image)
        layers = {grid: [layer for layer, g in self.grids.items() if g == grid] for grid in self.grids.values()}
        above = 0.35 + 0.2 * max(map(len, layers.values()), default=1)  # the titles of a row, in inches
        with styled_figure(2.6 * (1 + len(layers)), (2.6 * height / width + above) * len(self.masks)) as figure:
            panels = figure.subplots(len(self.masks), 1 + len(layers), squeeze=False)
            for row, color, (name, mask) in zip(panels, itertools.cycle(COLORS), self.masks.items()):
                _overlay(row[0], picture, mask, color, f"{name}: {self.table[name]['coverage']:.1%}")
                for axes, (grid, same) in zip(row[1:], layers.items(), strict=True):
                    title = "\n".join([*same, f"{self.table[name]['positions'][same[0]]} of {np.prod(grid)} positions"])
                    _overlay(axes, resize_mask(picture, grid), resize_mask(mask, grid), color, title)
        return figure


def _overlay(axes, picture, mask, color, title):
    share = 0.65 * mask[..., None]
    shown = picture[..., None] * (1 - share) + share * np.array(to_rgb(color))
    axes.imshow(np.clip(shown, 0, 1), interpolation="nearest")
    axes.set_title(title)
    axes.set_axis_off()


def check_masks(masks: Masks, image: ImageSource | None = None, *, grids: Grids | None = None) -> MaskReport:
    """Check masks that are to be used together; say what seems wrong, and what to do about it.

    There is a finding for each mask that

    - is black: its highest value is under 0.1; or nearly constant: highest − lowest < 0.1;
    - covers little: its mean is under 1 %;
    - is perhaps inverted: it is white on two thirds of the picture's border, and black on one connected piece
      (at least 5 % of the picture, and 90 % of all that is black) whose centre of mass lies in the middle half of
      width and height, and which no other mask covers. The inverted mask of a subject looks like this. It is not
      reported if the mask's name contains "background";
    - has regions (connected above ½, more than 0.1 % of the picture) that vanish at a layer: none of their pixels
      lies in a position above ½; or keeps less than ΣT² = 4 at a layer;

    and for two masks that overlap, T + T' > 1½, and for masks that leave gaps, ΣT < ½, on more than 1 % of the picture.

    Masks have one size; without names they are "mask 1", "mask 2", … The figure of the report shows `image`, which has
    their size. `grids` is {layer: (h, w)}, the size of each layer that the masks are to guide.
    """
    if not isinstance(masks, Mapping):
        masks = {f"mask {i}": mask for i, mask in enumerate(masks, start=1)}
    masks = dict(zip(map(str, masks), checked_masks(masks.values()), strict=True))
    grids = {layer: checked_shape(grid) for layer, grid in (grids or {}).items()}
    total = sum(masks.values())
    if image is not None:
        image = load_image(image)
        if image.shape[:2] != total.shape:
            raise ValueError(
                f"image is {sides(image.shape)} pixels, the masks {sides(total.shape)}: load_mask(…, image.shape) "
                "makes a mask of the image's size."
            )
    findings = [f for name, mask in masks.items() for f in mask_findings(name, mask, total - mask, grids)]
    findings += _joint_findings(masks, total)
    return MaskReport(findings, masks, grids, image)


def _joint_findings(masks, total):
    """Yield what is wrong between masks; `total` is their sum."""
    for (name, mask), (other_name, other) in itertools.combinations(masks.items(), 2):
        shared = np.mean(mask + other > 1.5)
        if shared > MAX_SHARED:
            yield (
                f"{name} and {other_name} overlap on {shared:.1%} of the picture: both styles act there at once. "
                "partition_masks shares such places out."
            )
    left = np.mean(total < 0.5)
    if len(masks) > 1 and left > MAX_SHARED:
        yield (
            f"{', '.join(masks)} leave a gap of {left:.1%} of the picture, where no style acts. Add a mask for it, or "
            "close it with partition_masks."
        )


def mask_findings(name: str, mask: MaskArray, others: MaskArray, grids: Grids) -> Iterator[str]:
    """Yield what seems wrong with one mask, as `check_masks` says it; `others` is the sum of the other masks."""
    low, high, mean = mask.min(), mask.max(), mask.mean()
    if high < MIN_CONTRAST:
        yield f"{name} is black, {low:.2f} to {high:.2f}: its style acts nowhere. Paint white where it is to act."
    elif high - low < MIN_CONTRAST:
        advice = "Leave it out" if low > 1 - MIN_CONTRAST else "Raise its contrast"
        yield f"{name} is nearly constant, {low:.2f} to {high:.2f}: it marks no region. {advice}."
    else:
        if mean < MIN_COVERAGE:
            yield f"{name} covers {mean:.2%} of the picture, too little for a style to show. Grow it with grow_mask."
        yield from _polarity(name, mask, others)
        yield from _layer_findings(name, mask, grids)


def _polarity(name, mask, others):
    inner = np.zeros(mask.shape, bool)
    inner[1:-1, 1:-1] = True
    white_border = np.mean(mask[~inner] > 0.5)
    labels, pieces = ndimage.label((mask < 0.5) & (others < 0.5))
    if "background" in name.lower() or white_border < 2 / 3 or pieces == 0:
        return
    sizes = np.bincount(labels.ravel())[1:]
    largest = sizes.max()
    center = np.array(ndimage.center_of_mass(labels == 1 + sizes.argmax())) / mask.shape
    if largest >= 0.05 * mask.size and largest >= 0.9 * sizes.sum() and (np.abs(center - 0.5) <= 0.25).all():
        yield (
            f"{name} is white on {white_border:.0%} of the border and black on one piece in the middle, "
            f"{largest / mask.size:.1%} of the picture. If the style is meant for the middle, use invert_mask."
        )


def _layer_findings(name, mask, grids):
    labels, count = _regions(mask)
    vanishing, few = [], []
    for layer, grid in grids.items():
        values = resize_mask(mask, grid)
        place = f"at {layer} ({sides(grid)})"
        rows, columns = (np.arange(n) * m // n for n, m in zip(mask.shape, grid, strict=True))
        seen = labels * (values > 0.5)[rows[:, None], columns]
        if gone := np.sum(np.bincount(seen.ravel(), minlength=count + 1)[1:] == 0):
            vanishing.append(f"{gone} of {count} {place}")
        if (area := np.sum(values**2)) < MIN_POSITIONS:
            few.append(f"{area:.1f} {place}")
    advice = "take a larger size, or leave such layers out."
    if where := ", ".join(vanishing):
        yield f"{name} has regions that vanish: {where}. No position there is more than half white. Grow them, {advice}"
    if where := ", ".join(few):
        yield f"{name} keeps few positions (ΣT²): {where}; under {MIN_POSITIONS}, hardly a style. Grow it, {advice}"


def _row(mask, grids):
    resized = {layer: resize_mask(mask, grid) for layer, grid in grids.items()}
    return {
        "coverage": float(mask.mean()),
        "lowest": float(mask.min()),
        "highest": float(mask.max()),
        "regions": _regions(mask)[1],
        "positions": {layer: int(np.sum(values > 0.5)) for layer, values in resized.items()},
        "area": {layer: float(np.sum(values**2)) for layer, values in resized.items()},
    }


def _regions(mask):
    """Return an array of labels, from 1 inside the regions and 0 elsewhere, and the number of regions."""
    labels, pieces = ndimage.label(mask > 0.5)
    kept = np.bincount(labels.ravel(), minlength=pieces + 1) > MAX_SPECK * mask.size
    kept[0] = False
    return (np.cumsum(kept) * kept)[labels], int(kept.sum())
