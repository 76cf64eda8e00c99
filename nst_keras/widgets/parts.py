"""The parts of the mixing desk: controls, files and masks."""

import itertools
import math
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Checkbox, Dropdown, FloatLogSlider, FloatSlider, IntSlider, VBox

from ..color import COLOR_METHODS
from ..image import load_image, reduced
from ..masks.basics import resize_mask, save_mask
from ..support.checks import checked_number, sides
from ..support.files import write_file
from ..support.pictures import WRITABLE
from ..support.settings import WEIGHTS, Settings
from ..support.types import ImageArray, MaskArray, PathLike, Shape
from .painter import MAX_PAINTED_SIDE, MaskPainter

MEANINGS = [
    ("guided: the style is not asked for there; a little leaks in", "guided"),
    ("blend: the photograph, with a soft edge", "blend"),
    ("freeze: exactly the photograph", "freeze"),
    ("classic: hard masks, on the painting too", "classic"),
]
WIDE = {"width": "auto", "min_width": "0"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536


def labelled(kind: type, label: str, value: Any, tooltip: str, **options: Any) -> Any:
    """Make a control, with a label before it, that is as wide as its place; `kind` is its class in ipywidgets."""
    style = {"description_width": "110px"}
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
    made["mask_mode"] = labelled(Dropdown, "black means", start.mask_mode, "Where no style is to be", options=MEANINGS)
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


def read(path: PathLike) -> tuple[ImageArray, Shape]:
    """Return a picture, at the size at which masks are painted if it is larger, and its own height and width."""
    picture = load_image(path)
    return reduced(picture, MAX_PAINTED_SIDE), picture.shape[:2]


def new_run(folder: PathLike) -> Path:
    """Return the first of run_1, run_2, … in a folder that is free."""
    return next(path for n in itertools.count(1) if not (path := Path(folder, f"run_{n}")).exists())


def kept(folder: PathLike) -> list[tuple[str, str]]:
    """Return (name, path) for each run in a folder, the newest last, after an entry that is none."""
    runs = sorted((path.parent for path in Path(folder).glob("*/run.json")), key=lambda path: path.stat().st_mtime)
    return [("a kept picture", ""), *((path.name, path.as_posix()) for path in runs)]


def resized_masks(masks: Mapping[str, MaskArray], shape: Shape) -> dict[str, list[MaskArray]]:
    """Return masks as an argument of `style_transfer` for a content of `shape`, or no argument."""
    return {"masks": [resize_mask(mask, shape) for mask in masks.values()]} if masks else {}


def save_masks(masks: Mapping[str, MaskArray], run: Path) -> None:
    """Save masks, as they were painted, beside a run."""
    for label, mask in masks.items():
        (run / "masks").mkdir(exist_ok=True)
        save_mask(mask, run / "masks" / f"{label}.png")


def sources(result: Any, count: int) -> list[str]:
    """Return the files of the content and the styles of a result, or nothing unless there are `count` of them."""
    paths = [Path(path).as_posix() for path in result.inputs[:count]]
    return paths if len(result.styles) == count - 1 == len(paths) - 1 and all(map(os.path.exists, paths)) else []


def adopt(settings: dict, start: Settings, controls: Mapping, shares: Sequence) -> tuple[dict, list[str]]:
    """Set controls to the settings of a run; return these settings, and words for those that are otherwise here."""
    told = {name: settings.get(name) for name in controls if settings.get(name)}  # no slider goes to weight 0
    for name in {*WEIGHTS, "size"} & told.keys():
        end = math.log10(told[name]) if name in WEIGHTS else told[name]
        controls[name].min, controls[name].max = min(controls[name].min, end), max(controls[name].max, end)
    for name, value in (told | {"preserve_color": settings.get("preserve_color") or ""}).items():
        controls[name].value = value
    if len(shares) == len(settings.get("style_weights", [])):
        told["style_weights"] = settings["style_weights"]
        for share, value in zip(shares, settings["style_weights"], strict=True):
            share.value = value
    here = start.record() | told | {"masks": settings.get("masks"), "preserve_color": settings.get("preserve_color")}
    return told, [f"{name}={value}" for name, value in settings.items() if value != here.get(name)]


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


class Masks(VBox):
    """The painters of masks, one for each photograph.

    `read` gives the picture of a path, and its shape before it was reduced; `changed` is called after each stroke.
    """

    def __init__(self, controls: dict, read: Callable, changed: Callable):
        super().__init__()
        self.switch = Checkbox(False, description="masks: each style in its place", indent=False, layout=WIDE)
        self._mode, self._size, self._read, self._strokes = controls["mask_mode"], controls["size"], read, changed
        self._hint, self.painters = HTML(), {}  # {photograph: its painter}
        self._size.observe(self._resized, "value")

    def show(self, content: str, labels: Sequence[str]) -> None:
        """Show the painter of a photograph if the switch is on."""
        shown = []
        if self.switch.value:
            painter = self.painters.get(content) or self.add(content, labels)
            (height, width), whole = painter._painted_shape, self._read(content)[1]
            hint = "Paint where each style applies. As long as nothing is painted, they apply everywhere."
            if (height, width) != whole:
                hint += f" You paint on a copy of {width}×{height} pixels; the photograph has {sides(whole)}."
            self._hint.value = hint
            shown = [self._hint, self._mode, painter]
        self.children = shown

    def add(self, content: str, masks: Any) -> MaskPainter:
        """Make the painter of a photograph; `masks` are those of `MaskPainter`."""
        painter = self.painters[content] = MaskPainter(self._read(content)[0], masks, size=self._size.value)
        painter.observe(self._strokes, "_packed")
        return painter

    def _resized(self, change):
        for painter in self.painters.values():
            painter.size = change.new

    def load(self, run: Path, content: str, labels: Sequence[str]) -> list[str]:
        """Take the masks beside a run, unless others are painted; return words for what is not taken."""
        files, painter = {label: run / "masks" / f"{label}.png" for label in labels}, self.painters.get(content)
        painted = painter and any(mask.any() for mask in painter.masks.values())
        if taken := not painted and all(file.exists() for file in files.values()):
            self.add(content, files)
        kept = (run / "masks").exists()
        self.switch.value = kept
        return ["its masks"] * (kept and not taken)

    def painted(self, content: str) -> dict[str, MaskArray]:
        """Return the masks of a photograph, as they are painted; none if all are black, or the switch is off."""
        masks = self.painters[content].masks if self.switch.value and content in self.painters else {}
        black = [label for label, mask in masks.items() if not mask.any()]
        if 0 < len(black) < len(masks):
            raise ValueError(f"The mask of {black[0]} is black everywhere: paint where it applies, or leave all black.")
        return {} if black else masks
