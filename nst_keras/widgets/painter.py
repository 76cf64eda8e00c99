"""Masks painted on a picture in a notebook, with mouse, pen or finger.

The picture goes to the browser once. `painter.js` paints there; after every stroke each mask comes back as 8-bit
levels, compressed with zlib. For strokes and refinements the browser asks; the answer is a mask. Data from a browser is
not trusted.
"""

import itertools
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import anywidget
import numpy as np
from matplotlib.colors import to_hex
from traitlets import Bytes, List

from ..image import load_image, reduced, to_pil
from ..masks.basics import feather_mask, grow_mask, load_mask, resize_mask, save_mask, shrink_mask
from ..masks.findings import COLORS
from ..masks.selections import select_scribble
from ..support.pictures import check_output, encoded
from ..support.types import ImageSource, MaskArray, MaskSource, PathLike

MAX_PAINTED_SIDE = 1600
REFINEMENTS = {"grow": grow_mask, "shrink": shrink_mask, "feather": feather_mask}


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


class MaskPainter(anywidget.AnyWidget):
    """Paint masks on a picture; a notebook shows the widget if it is the last line of a cell.

    Smart makes a mask of strokes on the subject and on the rest, see `select_scribble`. A brush, a polygon and a fill
    paint or erase. Buttons grow, shrink, feather and invert a mask, or take the rest that is in no other mask. There
    are undo, redo and a zoom; the tooltip of each button shows its key. The painter runs in JupyterLab 4 and Notebook
    7, and should run in VS Code and Colab. A mask has 256 levels. It is painted at the size of the picture, or, if that
    is over 1600 pixels, at 1600, and then resized.

    `masks` are labels of masks that start black, or {label: mask to start with}, see `load_mask`. A label becomes the
    name of a file: letters, digits, spaces, - and _.
    """

    _esm, _css = (Path(__file__).with_name(name) for name in ("painter.js", "painter.css"))
    _picture = Bytes().tag(sync=True, from_json=_refused)
    _labels = List().tag(sync=True, from_json=_refused)
    # Masks from the browser are not sent back: the view would take them for new ones, and forget its undo steps.
    _packed = List().tag(sync=True, from_json=_received, echo_update=False)

    def __init__(self, image: ImageSource, masks: Sequence[str] | Mapping[str, MaskSource] = ("mask",)) -> None:
        picture = load_image(image)
        self._shape, self.labels = picture.shape[:2], (masks,) if isinstance(masks, str) else tuple(masks)
        for label in self.labels:
            if not isinstance(label, str) or not re.fullmatch(r"\w([\w -]*\w)?", label):
                kind = "labels that can be file names, of letters, digits, spaces, - and _"
                raise ValueError(f"masks must have {kind}; got {label!r}.")
        if not self.labels or len({label.casefold() for label in self.labels}) < len(self.labels):
            raise ValueError(f"masks must have at least one label, and no label twice; got {list(self.labels)}.")
        self._shown = reduced(picture, MAX_PAINTED_SIDE)
        self._painted_shape = self._shown.shape[:2]
        starts = masks if isinstance(masks, dict) else dict.fromkeys(self.labels, np.zeros(self._shape))
        self._inputs = [source for source in (image, *starts.values()) if isinstance(source, (str, Path))]
        loaded = [load_mask(source, self._shape, name=f"masks[{label!r}]") for label, source in starts.items()]
        levels = [np.round(resize_mask(mask, self._painted_shape) * 255).astype("uint8") for mask in loaded]
        colors = zip(self.labels, itertools.cycle(COLORS), strict=False)
        super().__init__(
            _picture=encoded(to_pil(self._shown), "JPEG", quality=90),
            _labels=[{"name": label, "color": to_hex(color)} for label, color in colors],
            _packed=[zlib.compress(level.tobytes()) for level in levels],
        )
        self.on_msg(self._answer)

    def _answer(self, _, question, buffers):
        """Send the browser the mask that it asks for, or what is wrong."""
        answer, levels = {name: question.get(name) for name in ("asked", "index")}, []
        try:
            (packed,) = buffers
            given, how = _unpacked(packed, self._painted_shape), question["how"]
            if how == "select":
                chosen = given == question["label"]
                mask = select_scribble(self._shown, chosen, (given > 0) & ~chosen)
            else:
                mask = REFINEMENTS[how](given / np.float32(255), question["pixels"])
            levels = [zlib.compress(np.round(mask * 255).astype("uint8").tobytes())]
        except (KeyError, ValueError) as error:
            answer["error"] = str(error)
        self.send(answer, levels)

    @property
    def masks(self) -> dict[str, MaskArray]:
        """The masks as they are painted now: {label: mask at the image's own size}, white where painted."""
        levels = [_unpacked(packed, self._painted_shape) / np.float32(255) for packed in self._packed]
        return {label: resize_mask(level, self._shape) for label, level in zip(self.labels, levels, strict=True)}

    def save(self, folder: PathLike) -> list[Path]:
        """Save each mask as label.png in `folder`, but never over an input; return the paths."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [check_output(folder / f"{label}.png", self._inputs) for label in self.labels]
        for path, mask in zip(paths, self.masks.values(), strict=True):
            save_mask(mask, path, inputs=self._inputs)
        return paths
