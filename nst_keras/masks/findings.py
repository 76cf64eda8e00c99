"""Checks of masks: a table, a figure, and findings, sentences that say what is probably wrong and what to do.

`mask_findings` gives the sentences alone. Everything is found at the masks' own size, and, for layers, after
`resize_mask` to the layer's grid of positions, as a guided Gram matrix uses it.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np
from matplotlib.colors import to_rgb
from scipy import ndimage

from ..image import load_image, luminance
from ..plot import styled_figure
from .basics import checked_masks, checked_shape, resize_mask, sides

MIN_COVERAGE = 0.01  # share of the picture
MIN_CONTRAST = 0.1  # between a mask's lowest and highest value
MIN_POSITIONS = 4  # ΣT² at a layer: a Gram matrix of fewer positions is hardly more than one patch
MAX_SPECK = 0.001  # share of the picture; what is larger is a region
MAX_SHARED = 0.01  # share of the picture that may belong to two masks, or to none
COLORS = "tab:orange", "tab:blue", "tab:green", "tab:red", "tab:purple", "tab:cyan", "tab:pink", "tab:olive"


@dataclass(frozen=True)
class MaskReport:
    """What `check_masks` found; `print` shows the table and the findings.

    Attributes
    ----------
    findings : list of str
        Empty if nothing seems wrong. See `mask_findings`.
    table : dict
        {mask: {"coverage": mean, "lowest": value, "highest": value, "regions": count,
        "positions": {layer: count of positions above ½}, "area": {layer: ΣT²}}}.
    masks, grids : dict
        {name: mask}, {layer: (h, w)}.
    image : array or None
    """

    findings: list
    table: dict = field(repr=False)
    masks: dict = field(repr=False)
    grids: dict = field(repr=False)
    image: np.ndarray | None = field(repr=False)

    def __str__(self):
        rows = [["", *self.table]]
        rows.append(["coverage", *(f"{row['coverage']:.1%}" for row in self.table.values())])
        rows.append(["values", *(f"{row['lowest']:.2f} to {row['highest']:.2f}" for row in self.table.values())])
        rows.append(["regions", *(str(row["regions"]) for row in self.table.values())])
        for layer, grid in self.grids.items():
            counts = [f"{row['positions'][layer]} ({row['area'][layer]:.1f})" for row in self.table.values()]
            rows.append([f"{layer} {sides(grid)}", *counts])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(n) for cell, n in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        if self.grids:
            lines.append("For each layer: its positions above ½, and ΣT² in brackets.")
        return "\n".join([*lines, *(f"- {finding}" for finding in self.findings or ["Nothing seems wrong."])])

    def figure(self):
        """A figure: each mask in its colour on the picture, and as each layer's grid sees it."""
        layers_of = {}
        for layer, grid in self.grids.items():
            layers_of.setdefault(grid, []).append(layer)
        height, width = next(iter(self.masks.values())).shape
        picture = np.full((height, width), 0.6) if self.image is None else luminance(self.image)
        size = 2.6 * (1 + len(layers_of)), (2.6 * height / width + 0.5) * len(self.masks) + 0.15
        with styled_figure(*size) as figure:
            panels = figure.subplots(len(self.masks), 1 + len(layers_of), squeeze=False)
            for row, color, (name, mask) in zip(panels, itertools.cycle(COLORS), self.masks.items()):
                _overlay(row[0], picture, mask, color, f"{name}: {self.table[name]['coverage']:.1%}")
                for axes, (grid, layers) in zip(row[1:], layers_of.items(), strict=True):
                    count = self.table[name]["positions"][layers[0]]
                    title = f"{', '.join(layers)}\n{count} of {grid[0] * grid[1]} positions"
                    _overlay(axes, resize_mask(picture, grid), resize_mask(mask, grid), color, title)
        return figure


def check_masks(masks, image=None, *, grids=None):
    """Check masks that are to be used together.

    Parameters
    ----------
    masks : list of masks, or {name: mask}
        Arrays (H, W) in [0, 1] of one size; `load_mask` makes them. Their names are "mask 1", … if they have none.
    image : path, PIL image or array, optional
        The image they are for, of the same size; the figure shows it.
    grids : dict, optional
        {layer: (h, w)}: the positions of each layer that is to be guided.

    Returns
    -------
    MaskReport

    Raises
    ------
    ValueError
        Not masks, or different sizes.
    """
    masks, grids = _named(masks), _grids(grids)
    if image is not None:
        image = load_image(image)
        shape = next(iter(masks.values())).shape
        if image.shape[:2] != shape:
            raise ValueError(
                f"image is {sides(image.shape)} pixels, the masks {sides(shape)}: load_mask(…, image.shape) makes a "
                "mask of the image's size."
            )
    return MaskReport(mask_findings(masks, grids), {n: _row(m, grids) for n, m in masks.items()}, masks, grids, image)


def mask_findings(masks, grids=None):
    """What seems wrong with masks that are to be used together: a list of sentences, empty at best.

    A sentence each for a mask that

    - is black: its highest value is under 0.1; or nearly constant: highest − lowest < 0.1;
    - covers little: its mean is under 1 %;
    - has doubtful polarity: it is white on two thirds of the picture's border, and black on one connected piece
      (at least 5 % of the picture, and 90 % of all that is black) whose centre of mass lies in the middle half of
      width and height, and which no other mask covers. A subject looks like that when its mask is upside down. A name
      with "background" in it says that it is meant so;
    - has regions (connected above ½, more than 0.1 % of the picture) that vanish at a layer: no pixel of theirs lies
      in a position above ½; or keeps less than ΣT² = 4 at a layer;

    for two masks that overlap, T + T' > 1½, and for several that leave gaps, ΣT < ½, on more than 1 % of the picture.

    Parameters are those of `check_masks`.
    """
    masks, grids = _named(masks), _grids(grids)
    findings, total = [], sum(masks.values())
    for name, mask in masks.items():
        constant = _constant(name, mask)
        findings += constant or [*_coverage(name, mask), *_polarity(name, mask, total - mask)]
        if not constant:
            resized = _at_layers(mask, grids)
            findings += [*_vanishing(name, mask, resized), *_few(name, resized)]
    for (name, mask), (other_name, other) in itertools.combinations(masks.items(), 2):
        shared = np.mean(mask + other > 1.5)
        if shared > MAX_SHARED:
            findings.append(
                f"{name} and {other_name} overlap on {shared:.1%} of the picture: both styles act there at once. "
                "partition_masks shares such places out."
            )
    left = np.mean(total < 0.5)
    if len(masks) > 1 and left > MAX_SHARED:
        findings.append(
            f"{', '.join(masks)} leave a gap of {left:.1%} of the picture, where no style acts. Add a mask for it, or "
            "close it with partition_masks."
        )
    return findings


def _constant(name, mask):
    low, high = mask.min(), mask.max()
    if high < MIN_CONTRAST:
        return [f"{name} is black, {low:.2f} to {high:.2f}: its style acts nowhere. Paint white where it is to act."]
    if high - low < MIN_CONTRAST:
        advice = "Leave it out" if low > 1 - MIN_CONTRAST else "Raise its contrast"
        return [f"{name} is nearly constant, {low:.2f} to {high:.2f}: it marks no region. {advice}."]
    return []


def _coverage(name, mask):
    if mask.mean() < MIN_COVERAGE:
        yield f"{name} covers {mask.mean():.2%} of the picture, too little for a style to show. Grow it with grow_mask."


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


def _vanishing(name, mask, resized):
    labels, count = _regions(mask)
    lost = {}
    for layer, values in resized.items():
        rows, columns = (np.arange(n) * m // n for n, m in zip(mask.shape, values.shape, strict=True))
        seen = labels * (values > 0.5)[rows[:, None], columns]
        if gone := np.sum(np.bincount(seen.ravel(), minlength=count + 1)[1:] == 0):
            lost[f"{layer} ({sides(values.shape)})"] = gone
    if lost:
        places = ", ".join(f"{gone} of {count} at {layer}" for layer, gone in lost.items())
        yield (
            f"{name} has regions that vanish: {places}. No position there is more than half white. Grow them, take a "
            "larger size, or leave such layers out."
        )


def _few(name, resized):
    areas = {f"{layer} ({sides(values.shape)})": np.sum(values**2) for layer, values in resized.items()}
    few = ", ".join(f"{area:.1f} at {layer}" for layer, area in areas.items() if area < MIN_POSITIONS)
    if few:
        yield (
            f"{name} keeps few positions (ΣT²): {few}; under {MIN_POSITIONS}, hardly a style. Grow it, take a "
            "larger size, or leave such layers out."
        )


def _at_layers(mask, grids):
    """{layer: the mask resized to its grid}; layers of one grid share an array."""
    of_grid = {grid: resize_mask(mask, grid) for grid in set(grids.values())}
    return {layer: of_grid[grid] for layer, grid in grids.items()}


def _row(mask, grids):
    resized = _at_layers(mask, grids)
    return {
        "coverage": float(mask.mean()),
        "lowest": float(mask.min()),
        "highest": float(mask.max()),
        "regions": _regions(mask)[1],
        "positions": {layer: int(np.sum(values > 0.5)) for layer, values in resized.items()},
        "area": {layer: float(np.sum(values**2)) for layer, values in resized.items()},
    }


def _regions(mask):
    """Regions as an array of labels from 1, 0 elsewhere, and how many there are."""
    labels, pieces = ndimage.label(mask > 0.5)
    kept = np.bincount(labels.ravel(), minlength=pieces + 1) > MAX_SPECK * mask.size
    kept[0] = False
    return (np.cumsum(kept) * kept)[labels], int(kept.sum())


def _named(masks):
    if not isinstance(masks, dict):
        masks = {f"mask {i}": mask for i, mask in enumerate(masks, start=1)}
    return dict(zip(map(str, masks), checked_masks(masks.values()), strict=True))


def _grids(grids):
    return {layer: checked_shape(grid) for layer, grid in (grids or {}).items()}


def _overlay(axes, picture, mask, color, title):
    share = 0.65 * mask[..., None]
    shown = picture[..., None] * (1 - share) + share * np.array(to_rgb(color))
    axes.imshow(np.clip(shown, 0, 1), interpolation="nearest")
    axes.set_title(title)
    axes.set_axis_off()
