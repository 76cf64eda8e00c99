"""The parts of the mixing desk: controls and views, a thread, previews, and files."""

import contextlib
import itertools
import math
import os
import re
import tempfile
import textwrap
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from ipywidgets import Button, Dropdown, FileUpload, FloatLogSlider, FloatSlider, HBox, Image, IntSlider
from PIL import ImageDraw, ImageFont, ImageOps
from traitlets import Bytes, Unicode

from ..color import COLOR_METHODS
from ..image import fitting_shape, load_image, reduced, resize, to_pil
from ..masks.basics import resize_mask
from ..results.result import Result
from ..support.checks import checked_number
from ..support.files import write_file
from ..support.pictures import MIN_SIDE, WRITABLE, encoded
from ..support.settings import MASK_MODES, WEIGHTS, Settings
from ..support.types import ImageArray, PathLike
from ..transfer import built_network, style_transfer

WIDE = {"width": "auto", "min_width": "0"}
SMALL = {"width": "36px", "padding": "0", "flex": "none"}
SQUARE = {"width": "40px", "height": "40px", "object_fit": "cover", "overflow": "hidden", "flex": "none"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536
PREVIEW_SIZE, PREVIEW_ITERATIONS = 160, 20  # two seconds on two cores, half of it to compile
PREVIEW_SOURCE = 640  # pixels: previews read pictures at this size, which the largest `style_scale`, 4, needs
STRIP_HEIGHT, STRIP_GAP = 240, 6  # pixels


class BeforeAfter(anywidget.AnyWidget):
    """Show two encoded pictures of one shape, with a line between them to drag; `description` is the alt text."""

    _esm, _css = (Path(__file__).with_name(name) for name in ("before_after.js", "desk.css"))
    before, after, description = Bytes().tag(sync=True), Bytes().tag(sync=True), Unicode().tag(sync=True)


class Chooser(HBox):
    """Choose a picture, which calls `on_change()`, or upload one, which calls `on_upload(chooser, name, data)`."""

    def __init__(self, label, options, path, on_change, on_upload):
        self.label, self._on_change = label, on_change
        self._thumbnail = Image(layout=SQUARE)
        style, layout = {"description_width": "56px"}, WIDE | {"flex": "1 1 0"}
        self._menu = Dropdown(options=options, value=path, description=label, style=style, layout=layout)
        upload = FileUpload(description="", tooltip=f"Upload a picture: {label}", accept="image/*", layout=SMALL)
        upload.add_class("desk-upload")
        super().__init__([self._thumbnail, self._menu, upload], layout={"align_items": "center"})
        self._show()
        self._menu.observe(self._chosen, "value")

        def uploaded(change):
            if change.new:
                file = change.new[0]
                upload.value = ()  # so that the same file can be uploaded again
                on_upload(self, file["name"], bytes(file["content"]))

        upload.observe(uploaded, "value")

    @property
    def path(self) -> str:
        return self._menu.value

    def offer(self, options: list, path: str) -> None:
        """Replace the list of pictures, and choose one of them."""
        before = self.path
        self._menu.unobserve(self._chosen, "value")  # a menu chooses the first of new options by itself
        self._menu.options, self._menu.value = options, path
        self._menu.observe(self._chosen, "value")
        if path != before:
            self._chosen()

    def _chosen(self, change=None):
        self._show()
        self._on_change()

    def _show(self):
        self._thumbnail.value = b""
        with contextlib.suppress(ValueError):  # the desk shows the error
            self._thumbnail.value = encoded(to_pil(reduced(load_image(self.path), 96)), "JPEG")


def button(text: str, act: Callable, tooltip: str, **options: Any) -> Button:
    """Make a button that calls `act()`."""
    options = {"layout": {"width": "auto", "align_self": "flex-start"}} | options
    made = Button(description=text, tooltip=tooltip, **options)
    made.on_click(lambda _: act())
    return made


def labelled(kind: type, label: str, value: Any, tooltip: str, **options: Any) -> Any:
    """Make a control, with a label before it, that is as wide as its place; `kind` is its class in ipywidgets."""
    options = {"style": {"description_width": "120px"}, "layout": WIDE} | options
    return kind(value=value, description=label, tooltip=tooltip, **options)


def controls(start: Settings) -> dict[str, Any]:
    """Make {setting of `style_transfer`: its control} with the values of checked settings."""
    made = {}
    for name, effect in zip(WEIGHTS, ("keeps the photograph", "paints more freely", "smooths"), strict=True):
        value = checked_number(name, getattr(start, name), above=0)
        options = {"min": math.log10(value) - 2, "max": math.log10(value) + 2, "step": 0.05, "readout_format": ".3g"}
        made[name] = labelled(FloatLogSlider, name.replace("_", " "), value, f"More of it {effect}", **options)
    methods = [("the painting's", ""), *((f"the photograph's: {name}", name) for name in COLOR_METHODS)]
    sizes = {"min": min(64, start.size), "max": max(MAX_SIZE, start.size), "step": 16}
    modes = {"options": MASK_MODES, "layout": {"width": "auto", "max_width": "420px"}}
    for name, kind, label, tooltip, options in (
        ("preserve_color", Dropdown, "colours", "Whose colours, and by which method", {"options": methods}),
        ("color_strength", FloatSlider, "how much", "How much of the photograph's colours", SHARE),
        ("size", IntSlider, "full size", "Longer side of the full picture, in pixels", sizes),
        ("mask_mode", Dropdown, "black means", "What a style does where its mask is black", modes),
    ):
        value = getattr(start, name)
        made[name] = labelled(kind, label, "" if value is None else value, tooltip, **options)
    return made


class Background:
    """Run jobs, which must not raise exceptions, one after another in a thread."""

    def __init__(self) -> None:
        self._thread, self._last = futures.ThreadPoolExecutor(1, "nst_keras desk"), futures.Future()
        self._last.set_result(None)
        self._stops = {True: threading.Event(), False: threading.Event()}  # of the jobs that are replaceable or not

    def submit(self, run: Callable, *, delay: float = 0.0, replaceable: bool = True) -> None:
        """Call `run(stop)` after `delay` seconds, in place of older replaceable jobs and after jobs that are not."""
        self._stops[True].set()
        if self._stops[replaceable].is_set():
            self._stops[replaceable] = threading.Event()
        stop = self._stops[replaceable]
        self._last = self._thread.submit(lambda: (replaceable and stop.wait(delay)) or run(stop))

    def stop(self) -> None:
        """Ask the jobs that are not replaceable to end."""
        self._stops[False].set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds until all jobs are done; return False if some are not."""
        return not futures.wait([self._last], timeout).not_done


class Previews:
    """Small, short runs. They share one network, and pictures that `reduced(path)` reads once."""

    def __init__(self, start: Settings) -> None:
        self._iterations = min(PREVIEW_ITERATIONS, start.iterations)
        self.reduced = cache(lambda path: reduced(load_image(path), PREVIEW_SOURCE))
        self._network = cache(lambda: built_network(start))

    def paint(self, mix: dict[str, Any], stop: threading.Event) -> Result:
        """Return the preview of a mix. It starts anew, so that it does not depend on earlier previews."""
        content = self.reduced(mix["content"])
        done = "pooling", "weights"  # the network has them
        small = {name: value for name, value in mix.items() if name not in done}
        small |= {"content": content, "style": [self.reduced(path) for path in mix["style"]]}
        small["size"] = max(fitting_shape(content.shape, PREVIEW_SIZE, minimum=MIN_SIDE))
        if "masks" in mix:
            small["masks"] = [resize_mask(mask, content.shape) for mask in mix["masks"]]

        def end_if_stopped(step):
            if stop.is_set():
                raise StopIteration

        small |= {"network": self._network(), "iterations": self._iterations}
        return style_transfer(**small, callback=end_if_stopped)


def starting_paths(content: Any, styles: Any, folder: PathLike) -> tuple[str, list[str], list[str]]:
    """Return the content, the styles, and all pictures to choose from: these and the pictures in `folder`.

    By default the content is the first picture in the folder, and the style the last.
    """
    found = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in WRITABLE)
    if not found and None in (content, styles):
        raise ValueError(f"content and styles must be given, as there are no pictures in {str(folder)!r}.")
    content = found[0] if content is None else content
    styles = found[-1] if styles is None else styles
    styles = styles if isinstance(styles, (list, tuple)) else [styles]
    for path in (content, *styles):
        if not isinstance(path, (str, os.PathLike)):
            got = f"{type(path).__name__}. save_image makes a file"
            raise ValueError(f"content and styles must be paths of pictures; got {got}.")
        load_image(path, name="content" if path is content else "style")
    given = [Path(path) for path in (content, *styles)]
    others = [path for path in found if path.resolve() not in {path.resolve() for path in given}]
    content, *styles = (path.as_posix() for path in given)
    return content, styles, list(dict.fromkeys([content, *styles, *(path.as_posix() for path in others)]))


def named(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, path) for each path: the file's name without its suffix, or the path where names are equal."""
    stems = [Path(path).stem.replace("_", " ") for path in paths]
    return [(stem if stems.count(stem) == 1 else path, path) for stem, path in zip(stems, paths, strict=True)]


def keep(data: bytes, folder: PathLike, name: str) -> Path:
    """Write `data` as `name`, name_2, name_3, … in `folder`: the first that is free, or has these data already."""
    first = Path(folder, name)
    first.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = first if number == 1 else first.with_stem(f"{first.stem}_{number}")
        if not path.exists():
            write_file(path, data)
        if path.is_file() and path.read_bytes() == data:
            return path


def keep_upload(data: bytes, folder: PathLike, name: str) -> Path:
    """Keep a picture that a browser sent; raise a `ValueError` if it cannot be read. Its name is not trusted."""
    name = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".") or "picture"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, name)
        path.write_bytes(data)
        try:
            load_image(path, name="upload")
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None
    return keep(data, folder, name)


def png(image: ImageArray, max_side: float = float("inf")) -> bytes:
    """Return an image as a PNG file; the longer side has at most `max_side` pixels."""
    return encoded(to_pil(reduced(image, max_side)), "PNG")


def strip(pictures: Sequence[ImageArray], caption: str) -> bytes:
    """Return a JPEG file of pictures side by side, at one height, above a caption."""
    row = [resize(p, (STRIP_HEIGHT, round(STRIP_HEIGHT * p.shape[1] / p.shape[0]))) for p in pictures]
    gap = np.ones((STRIP_HEIGHT, STRIP_GAP, 3), "float32")
    sheet = to_pil(np.concatenate([part for picture in row for part in (gap, picture)][1:], axis=1))
    lines = textwrap.wrap(caption, sheet.width // 8)  # a character is less than 8 pixels wide
    sheet = ImageOps.expand(sheet, (0, 0, 0, 12 + 18 * len(lines)), "white")
    ImageDraw.Draw(sheet).text((2, STRIP_HEIGHT + 6), "\n".join(lines), "#333", ImageFont.load_default(13), spacing=4)
    return encoded(sheet, "JPEG")
