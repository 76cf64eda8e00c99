"""The parts of the mixing desk: controls, views and files."""

import itertools
import math
import os
import re
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from ipywidgets import Dropdown, FloatLogSlider, FloatSlider, IntSlider
from PIL import ImageDraw, ImageFont, ImageOps
from traitlets import Bytes, Unicode

from ..color import COLOR_METHODS
from ..image import load_image, reduced, resize, to_pil
from ..support.checks import checked_number
from ..support.files import write_file
from ..support.pictures import WRITABLE, encoded
from ..support.settings import MASK_MODES, WEIGHTS, Settings
from ..support.types import ImageArray, PathLike

WIDE = {"width": "auto", "min_width": "0"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536
STRIP_HEIGHT, STRIP_GAP = 240, 6  # pixels


class BeforeAfter(anywidget.AnyWidget):
    """Show two encoded pictures of one shape, with a line between them to drag; `description` is the alt text."""

    _esm, _css = (Path(__file__).with_name(name) for name in ("before_after.js", "desk.css"))
    before, after, description = Bytes().tag(sync=True), Bytes().tag(sync=True), Unicode().tag(sync=True)


def labelled(kind: type, label: str, value: Any, tooltip: str, **options: Any) -> Any:
    """Make a control, with a label before it, that is as wide as its place; `kind` is its class in ipywidgets."""
    style = {"description_width": "120px"}
    return kind(value=value, description=label, tooltip=tooltip, style=style, layout=WIDE, **options)


def controls(start: Settings) -> dict[str, Any]:
    """Make {setting of `style_transfer`: its control} with the values of checked settings."""
    made = {}
    for name, effect in zip(WEIGHTS, ("keeps the photograph", "paints more freely", "smooths"), strict=True):
        value = checked_number(name, getattr(start, name), above=0)
        options = {"min": math.log10(value) - 2, "max": math.log10(value) + 2, "step": 0.05, "readout_format": ".3g"}
        made[name] = labelled(FloatLogSlider, name.replace("_", " "), value, f"More of it {effect}", **options)
    methods = [("the painting's", ""), *((f"the photograph's: {name}", name) for name in COLOR_METHODS)]
    sizes = {"min": min(64, start.size), "max": max(MAX_SIZE, start.size), "step": 16}
    color = start.preserve_color or ""
    made["preserve_color"] = labelled(Dropdown, "colours", color, "Whose colours, by which method", options=methods)
    made["color_strength"] = labelled(FloatSlider, "how much", start.color_strength, "Of the photograph's", **SHARE)
    made["size"] = labelled(IntSlider, "full size", start.size, "Longer side of the picture, in pixels", **sizes)
    made["mask_mode"] = labelled(Dropdown, "black means", start.mask_mode, "For the style", options=MASK_MODES)
    return made


def starting_paths(content: Any, styles: Any, folder: PathLike) -> tuple[list[str], list[str]]:
    """Return the content with the styles, and all pictures to choose from: these and those in `folder`."""
    styles = styles if isinstance(styles, (list, tuple)) else [styles]
    if not styles:
        raise ValueError("styles must be at least one path; got none.")
    for path in (content, *styles):
        if not isinstance(path, (str, os.PathLike)):
            got = f"{type(path).__name__}. save_image makes a file"
            raise ValueError(f"content and styles must be paths of pictures; got {got}.")
        load_image(path, name="content" if path is content else "style")
    given = [Path(path) for path in (content, *styles)]
    found = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in WRITABLE)
    others = [path for path in found if path.resolve() not in {path.resolve() for path in given}]
    paths = [path.as_posix() for path in (*given, *others)]
    return paths[: len(given)], list(dict.fromkeys(paths))


def named(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, path) for each path: the file's name without its suffix, or the path where names are equal."""
    stems = [Path(path).stem.replace("_", " ") for path in paths]
    return [(stem if stems.count(stem) == 1 else path, path) for stem, path in zip(stems, paths, strict=True)]


def keep_upload(data: bytes, folder: PathLike, name: str) -> Path:
    """Keep a picture that a browser sent, whose name is not trusted; raise a `ValueError` if it cannot be read.

    The file is called name, name_2, name_3, …: the first that is free, or has these data already.
    """
    name = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".") or "picture"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, name)
        path.write_bytes(data)
        try:
            load_image(path, name="upload")
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None
    first = Path(folder, name)
    others = (first.with_stem(f"{first.stem}_{number}") for number in itertools.count(2))
    path = next(p for p in itertools.chain([first], others) if not p.exists() or p.read_bytes() == data)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, data)
    return path


def png(image: ImageArray, max_side: float = float("inf")) -> bytes:
    """Return an image as a PNG file; the longer side has at most `max_side` pixels."""
    return encoded(to_pil(reduced(image, max_side)), "PNG")


def strip(pictures: Sequence[ImageArray], caption: str) -> bytes:
    """Return a JPEG file of pictures side by side, at one height, above a caption."""
    row = [resize(p, (STRIP_HEIGHT, round(STRIP_HEIGHT * p.shape[1] / p.shape[0]))) for p in pictures]
    gap = (0, 0), (STRIP_GAP, 0), (0, 0)
    sheet = to_pil(np.concatenate([row[0], *(np.pad(p, gap, constant_values=1) for p in row[1:])], axis=1))
    lines = textwrap.wrap(caption, sheet.width // 8)  # a character is less than 8 pixels wide
    sheet = ImageOps.expand(sheet, (0, 0, 0, 12 + 18 * len(lines)), "white")
    ImageDraw.Draw(sheet).text((2, STRIP_HEIGHT + 6), "\n".join(lines), "#333", ImageFont.load_default(13), spacing=4)
    return encoded(sheet, "JPEG")
