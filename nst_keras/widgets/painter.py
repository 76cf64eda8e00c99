"""Masks painted on a picture in a notebook, with mouse, pen or finger.

The picture goes to the browser once. `painter.js` paints there; after every stroke each mask comes back as 8-bit
levels, compressed with zlib. For strokes, segments, refinements and what a layer sees, the browser asks Python, which
answers with a mask. Data from a browser is not trusted.
"""

import functools
import itertools
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import anywidget
import numpy as np
from ipywidgets import Tab
from matplotlib.colors import to_hex, to_rgb
from scipy import ndimage
from traitlets import Bytes, List

from ..image import fitting_shape, load_image, reduced, to_pil
from ..masks.basics import feather_mask, grow_mask, load_mask, resize_mask, save_mask, shrink_mask
from ..masks.findings import COLORS, mask_findings
from ..masks.selections import MAX_SEGMENTS, select_scribble, select_segments
from ..network import build_network
from ..support.checks import checked_whole, sides
from ..support.pictures import MIN_SIDE, check_output, encoded
from ..support.types import ImageSource, MaskArray, MaskSource, PathLike
from ..transfer import DEFAULTS
from .still import LeavesStill

MAX_PAINTED_SIDE = 1600
SEGMENTS_SIDE = 640  # pixels of the picture that is split into segments
STILL_SIDE = 480  # pixels of the picture that stays in the notebook
PAINTER = "mask-painter", "The masks as they were painted. To paint, run the cell."
REFINEMENTS = {"grow": grow_mask, "shrink": shrink_mask, "feather": feather_mask}
LAYERS = [f"block{number}_conv1" for number in range(1, 6)]  # the other layers of a block have the same positions

_network = functools.cache(lambda: build_network("lite", LAYERS))


def _unpacked(packed, shape):
    """Return the levels, uint8 of `shape`, of a mask that the browser sent; raise a `ValueError` for other data."""
    height, width = shape
    stream = zlib.decompressobj()
    try:
        levels = stream.decompress(packed, height * width + 1)  # no more, even if the data hold more
    except (TypeError, zlib.error) as error:
        raise ValueError(f"the browser must send bytes compressed with zlib; got other data: {error}.") from error
    if len(levels) != height * width or not stream.eof or stream.unused_data:
        found = "more" if len(levels) > height * width or stream.unused_data else f"{len(levels)}, or a broken end"
        raise ValueError(f"the browser must send a mask of {width}×{height} levels, {height * width}; got {found}.")
    return np.frombuffer(levels, "uint8").reshape(shape)


def _received(packed, painter):
    """Check masks from the browser before the widget takes them."""
    if not isinstance(packed, list) or len(packed) != len(painter.labels):
        found = f"{len(packed)}" if isinstance(packed, list) else type(packed).__name__
        raise ValueError(f"the browser must send a list of {len(painter.labels)} mask(s); got {found}.")
    for mask in packed:
        _unpacked(mask, painter._painted_shape)
    return [bytes(mask) for mask in packed]


def _refused(value, painter):
    raise ValueError("the browser may change masks only, not the picture or the labels.")


class MaskPainter(LeavesStill, anywidget.AnyWidget):
    """Paint masks on a picture; a notebook shows the widget if it is the last line of a cell.

    Smart makes a mask of strokes on the subject and on the rest, see `select_scribble`. Segments adds or erases
    regions of like colour, see `select_segments`. A brush, a polygon and a fill paint or erase. Buttons grow, shrink,
    feather, clear and invert a mask, or take the rest that is in no other mask. There are undo, redo and a zoom; the
    tooltip of each button shows its key. On the picture, arrow keys move a cursor, and Space or Enter paints. The menu
    Show shows a mask as a layer of the network sees it, and what `check_masks` would say of it.

    The painter runs in JupyterLab 4 and Notebook 7, and should run in VS Code and Colab. Without a kernel, a saved
    notebook shows a picture of the masks. A mask has 256 levels. It is painted at the size of the picture, or, if that
    is over 1600 pixels, at 1600, and then resized.

    Parameters
    ----------
    image
        The photograph, or the painting, see `load_image`.
    masks
        Labels of masks that start black, or {label: mask to start with}, see `load_mask`. A label becomes the name of
        a file: letters, digits, spaces, - and _.
    size
        The longer side of the result that the masks are for, in pixels: how many positions a layer has depends on it.
    folder
        After each change, the mask is saved there as label.png; the folder is made when it is needed. Masks that are
        there already are the masks to start with, so after a restart of the kernel the painting goes on.
    """

    _live, _words = PAINTER
    _esm, _css = (Path(__file__).with_name(name) for name in ("painter.js", "painter.css"))
    _picture = Bytes().tag(sync=True, from_json=_refused)
    _labels = List().tag(sync=True, from_json=_refused)
    # Masks from the browser are not sent back: the view would take them for new ones, and forget its undo steps.
    _packed = List().tag(sync=True, from_json=_received, echo_update=False)
    _layers = List(LAYERS).tag(sync=True, from_json=_refused)

    def __init__(
        self,
        image: ImageSource,
        masks: Sequence[str] | Mapping[str, MaskSource] = ("mask",),
        *,
        size: int = DEFAULTS.size,
        folder: PathLike | None = None,
    ) -> None:
        picture = load_image(image)
        self._shape, self.labels = picture.shape[:2], (masks,) if isinstance(masks, str) else tuple(masks)
        for label in self.labels:
            if not isinstance(label, str) or not re.fullmatch(r"\w([\w -]*\w)?", label):
                kind = "labels that can be file names, of letters, digits, spaces, - and _"
                raise ValueError(f"masks must have {kind}; got {label!r}.")
        if not self.labels or len({label.casefold() for label in self.labels}) < len(self.labels):
            raise ValueError(f"masks must have at least one label, and no label twice; got {list(self.labels)}.")
        self.size = checked_whole("size", size, MIN_SIDE)
        self._shown = reduced(picture, MAX_PAINTED_SIDE)
        self._small = reduced(self._shown, STILL_SIDE)
        self._painted_shape = self._shown.shape[:2]
        starts = dict(masks) if isinstance(masks, Mapping) else dict.fromkeys(self.labels, np.zeros(self._shape))
        self._inputs = [source for source in (image, *starts.values()) if isinstance(source, (str, Path))]
        self._kept = {label: Path(folder, f"{label}.png") for label in self.labels} if folder is not None else {}
        starts |= {label: check_output(path, self._inputs) for label, path in self._kept.items() if path.exists()}
        loaded = [load_mask(source, self._shape, name=f"masks[{label!r}]") for label, source in starts.items()]
        levels = [np.round(resize_mask(mask, self._painted_shape) * 255).astype("uint8") for mask in loaded]
        colors = zip(self.labels, itertools.cycle(COLORS), strict=False)
        super().__init__(
            _picture=encoded(to_pil(self._shown), "JPEG", quality=90),
            _labels=[{"name": label, "color": to_hex(color)} for label, color in colors],
            _packed=[zlib.compress(level.tobytes()) for level in levels],
        )
        self.on_msg(self._answer)
        if self._kept:
            self.observe(self._keep, "_packed")
        self.observe(self._update_still, "_packed")

    def _answer(self, _, question, buffers):
        """Send the browser the mask that it asks for, or what is wrong."""
        answer, levels = {name: question.get(name) for name in ("asked", "index")}, []
        try:
            given, how = [_unpacked(packed, self._painted_shape) for packed in buffers], question["how"]
            if how == "hear":  # the browser asks whether there is a kernel that answers
                return self.send(answer)
            if how == "see":
                mask, told = self._seen(given, question["index"], question["layer"])
                answer |= {"layer": question["layer"], "grid": mask.shape, "found": told}
            elif how == "select":
                chosen = given[0] == question["label"]
                mask = select_scribble(self._shown, chosen, (given[0] > 0) & ~chosen)
            elif how == "segments":
                mask = self._joined(given[0] / np.float32(255), question["points"], question["erase"])
            else:
                mask = REFINEMENTS[how](given[0] / np.float32(255), question["pixels"])
            levels = [zlib.compress(np.round(mask * 255).astype("uint8").tobytes())]
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            answer["error"] = str(error)
        self.send(answer, levels)

    @functools.cached_property
    def _segments(self):
        """The number of the segment of each pixel of a small copy."""
        return np.argmax(select_segments(reduced(self._shown, SEGMENTS_SIDE), MAX_SEGMENTS), axis=0)

    def _joined(self, mask, points, erase):
        """Return a mask with the segments at some points, or without them."""
        points, (height, width) = np.asarray(points, "float64"), self._painted_shape
        if points.shape[1:] != (2,) or not np.all((points >= 0) & (points < (width, height))):
            size = sides(self._painted_shape)
            raise ValueError(f"points must be (x, y) in the picture, {size} pixels; got {points.tolist()}.")
        rows, columns = (points[:, ::-1].astype(int) * self._segments.shape // self._painted_shape).T
        chosen = np.isin(self._segments, self._segments[rows, columns])
        cover = resize_mask(chosen.astype("float32"), self._painted_shape)  # two covers add up without a gap
        return np.clip(mask - cover if erase else mask + cover, 0, 1)

    def _seen(self, levels, index, layer):
        """Return a mask at the positions of a layer, and what is to be said about it."""
        shape = fitting_shape(self._shape, self.size, minimum=MIN_SIDE)
        grids = {name: output[1:3] for name, output in _network().compute_output_shape((1, *shape, 3)).items()}
        masks = [resize_mask(level / np.float32(255), shape) for level in levels]
        mask, label, seen = masks[index], self.labels[index], resize_mask(masks[index], grids[layer])
        told = f"{layer} has {sides(seen.shape)} positions; {label} is more than half white on {np.sum(seen > 0.5)}."
        findings = mask_findings(label, mask, sum(masks) - mask, grids) if mask.any() else ["Nothing is painted yet."]
        return seen, "\n– ".join([told, *findings])

    def _keep(self, change):
        """Save in `folder` the masks that have changed."""
        try:
            for path, *packed in zip(self._kept.values(), change["old"], change["new"], strict=True):
                old, new = (_unpacked(levels, self._painted_shape) for levels in packed)
                if not np.array_equal(old, new):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    save_mask(resize_mask(new / np.float32(255), self._shape), path, inputs=self._inputs)
        except (OSError, ValueError) as error:
            self.send({"error": f"The mask could not be saved in the folder: {error}"})

    def _pictures(self):
        """Return a small picture with the masks in their colours, and their outlines, as a JPEG file; and alt text."""
        picture, painted = self._small, self._painted()
        alt = ", ".join(f"{label}: {mask.mean():.1%}" for label, mask in painted.items())
        for label, mask in zip(self._labels, painted.values(), strict=True):
            mask = resize_mask(mask, picture.shape)
            outline = (mask > 0.5) & ~ndimage.binary_erosion(mask > 0.5, border_value=1)
            share = np.where(outline, 1, 0.4 * mask)[..., None]
            picture = picture * (1 - share) + share * np.float32(to_rgb(label["color"]))
        return [(alt, encoded(to_pil(picture), "JPEG"))]

    def _painted(self):
        """Return the masks at the size at which they are painted."""
        levels = [_unpacked(packed, self._painted_shape) / np.float32(255) for packed in self._packed]
        return dict(zip(self.labels, levels, strict=True))

    @property
    def masks(self) -> dict[str, MaskArray]:
        """The masks as they are painted now: {label: mask at the image's own size}, white where painted."""
        return {label: resize_mask(mask, self._shape) for label, mask in self._painted().items()}

    def save(self, folder: PathLike) -> list[Path]:
        """Save each mask as label.png in `folder`, but never over an input; return the paths."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [check_output(folder / f"{label}.png", self._inputs) for label in self.labels]
        for path, mask in zip(paths, self.masks.values(), strict=True):
            save_mask(mask, path, inputs=self._inputs)
        return paths


class MaskPairPainter(LeavesStill, Tab):
    """Paint the same masks on a photograph and on a painting: where a style goes, and which part of the painting it is.

    There are two tabs, each a `MaskPainter`; both are in `children`, the photograph's first. `size` and `folder` are
    those of `MaskPainter`; the folder has two folders, photograph and painting.
    """

    _live, _words = PAINTER

    def __init__(
        self,
        content: ImageSource,
        style: ImageSource,
        masks: Sequence[str] | Mapping[str, MaskSource] = ("mask",),
        *,
        size: int = DEFAULTS.size,
        folder: PathLike | None = None,
    ) -> None:
        names = "photograph", "painting"
        first, second = (None if folder is None else Path(folder, name) for name in names)
        photograph = MaskPainter(content, masks, size=size, folder=first)
        self._style, painting = style, MaskPainter(style, photograph.labels, size=size, folder=second)
        super().__init__(children=(photograph, painting), titles=names)
        for painter in self.children:
            painter.observe(self._update_still, "_packed")

    def _pictures(self):
        return [picture for painter in self.children for picture in painter._pictures()]

    @property
    def settings(self) -> dict[str, list]:
        """`style`, `masks` and `style_masks` for `style_transfer`; where the painting's mask is black, it is None."""
        masks, parts = (painter.masks for painter in self.children)
        for label, mask in masks.items():
            if not mask.any():
                raise ValueError(f"{label} is black on the photograph. Paint where it goes, or make a pair without it.")
        style_masks = [mask if mask.any() else None for mask in parts.values()]
        return {"style": [self._style] * len(masks), "masks": list(masks.values()), "style_masks": style_masks}
