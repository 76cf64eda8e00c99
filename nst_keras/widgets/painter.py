"""Masks painted on a picture in a notebook, with mouse, pen or finger.

The picture goes to the browser once, at most 1600 pixels on its longer side. There `painter.js` paints; after every
stroke each mask comes back as 8-bit levels at that size, compressed with zlib. What comes from a browser is untrusted.
"""

import itertools
import re
import zlib
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex

try:
    import anywidget
    from traitlets import Bytes, List
except ImportError as error:
    raise ImportError(
        "The mask painter needs anywidget: pip install anywidget, then restart the kernel. Without it, select_polygon, "
        "select_flood, select_color and the others of nst_keras.masks.selections make masks."
    ) from error

from ..image import check_output, encoded, load_image, reduced, to_pil
from ..masks.basics import load_mask, resize_mask, save_mask
from ..masks.findings import COLORS

MAX_PAINTED_SIDE = 1600


def _unpacked(packed, shape):
    """Levels, uint8 of `shape`, of a mask that the browser sent; a `ValueError` if it is anything else."""
    if not isinstance(packed, (bytes, memoryview)):
        raise ValueError(f"the browser must send a mask as bytes; got {type(packed).__name__}.")
    height, width = shape
    stream = zlib.decompressobj()
    try:
        levels = stream.decompress(packed, height * width + 1)  # no more, whatever it would grow to
    except zlib.error as error:
        raise ValueError(f"the browser must send a mask compressed with zlib; got other data ({error}).") from error
    if len(levels) != height * width or not stream.eof or stream.unused_data:
        found = "more" if len(levels) > height * width or stream.unused_data else f"{len(levels)}, or a broken end"
        raise ValueError(f"the browser must send a mask of {width}×{height} levels, {height * width}; got {found}.")
    return np.frombuffer(levels, "uint8").reshape(shape)


def _received(packed, painter):
    """Masks as the browser sent them, checked before the widget takes them over."""
    if not isinstance(packed, list) or len(packed) != len(painter.labels):
        found = f"{len(packed)}" if isinstance(packed, list) else type(packed).__name__
        raise ValueError(f"the browser must send a list of {len(painter.labels)} mask(s); got {found}.")
    for mask in packed:
        _unpacked(mask, painter._painted_shape)
    return [bytes(mask) for mask in packed]


def _refused(value, painter):
    raise ValueError("the browser may change masks only, not the picture or the labels.")


class MaskPainter(anywidget.AnyWidget):
    """A widget for painting masks on a picture; a notebook shows it as a cell's last line.

    Brush, polygon and fill, each painting or erasing, undo and redo, zoom; every button's tooltip has its key. It runs
    in JupyterLab 4 and Notebook 7, and is made to run in VS Code and Colab. A mask has 256 levels. It is painted at the
    picture's size, or, of a picture over 1600 pixels, at 1600 and then resized.

    Parameters
    ----------
    image : path, PIL.Image.Image or array
        See `load_image`.
    masks : list of str, or dict
        Labels of masks that start black, or {label: mask to start with}, each anything that `load_mask` takes. A label
        becomes a file's name: letters, digits, spaces, - and _.

    Raises
    ------
    ValueError
        What `load_image` and `load_mask` refuse; labels that are no file names, or not distinct; no label.

    Examples
    --------
    >>> painter = MaskPainter(np.zeros((40, 60, 3)), ["sky", "land"])
    >>> {label: mask.shape for label, mask in painter.masks.items()}
    {'sky': (40, 60), 'land': (40, 60)}
    """

    _esm = Path(__file__).with_name("painter.js")
    _css = Path(__file__).with_name("painter.css")
    _picture = Bytes().tag(sync=True, from_json=_refused)
    _labels = List().tag(sync=True, from_json=_refused)
    # What the browser sent is not sent back: a view would take it for another's, and forget what can be undone.
    _packed = List().tag(sync=True, from_json=_received, echo_update=False)

    def __init__(self, image, masks=("mask",)):
        picture = load_image(image)
        self.labels = _checked_labels(masks)
        self._shape = picture.shape[:2]
        shown = reduced(picture, MAX_PAINTED_SIDE)
        self._painted_shape = shown.shape[:2]
        starts = masks.values() if isinstance(masks, dict) else []
        self._inputs = [source for source in (image, *starts) if isinstance(source, (str, Path))]
        super().__init__(
            _picture=encoded(to_pil(shown), "JPEG", quality=90),
            _labels=[
                {"name": label, "color": to_hex(color)} for label, color in zip(self.labels, itertools.cycle(COLORS))
            ],
            _packed=[self._start(masks, label) for label in self.labels],
        )

    def _start(self, masks, label):
        levels = np.zeros(self._painted_shape, "uint8")
        if isinstance(masks, dict):
            mask = load_mask(masks[label], self._shape, name=f"masks[{label!r}]")
            levels = np.round(resize_mask(mask, self._painted_shape) * 255).astype("uint8")
        return zlib.compress(levels.tobytes())

    @property
    def masks(self):
        """What is painted now: {label: float32 (H, W) in [0, 1] at the image's own size}, white where painted."""
        levels = [_unpacked(packed, self._painted_shape) for packed in self._packed]
        return {
            label: resize_mask(level / np.float32(255), self._shape)
            for label, level in zip(self.labels, levels, strict=True)
        }

    def save(self, folder):
        """Save each mask as label.png in `folder`, which is made if need be; see `save_mask`.

        Files that the image or a mask was read from are not overwritten: a `ValueError`, before anything is written.

        Returns
        -------
        list of pathlib.Path
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [check_output(folder / f"{label}.png", self._inputs) for label in self.labels]
        for path, mask in zip(paths, self.masks.values(), strict=True):
            save_mask(mask, path, inputs=self._inputs)
        return paths


def _checked_labels(masks):
    labels = (masks,) if isinstance(masks, str) else tuple(masks)
    for label in labels:
        if not isinstance(label, str) or not re.fullmatch(r"\w([\w -]*\w)?", label):
            raise ValueError(
                f"masks must have labels that can be file names, of letters, digits, spaces, - and _; got {label!r}."
            )
    if not labels or len({label.casefold() for label in labels}) < len(labels):
        raise ValueError(f"masks must have at least one label, and no label twice; got {list(labels)}.")
    return labels
