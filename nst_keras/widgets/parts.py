"""The controls and views of the mixing desk."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from ipywidgets import Button, Dropdown, FileUpload, FloatLogSlider, FloatSlider, HBox, Image, IntSlider
from traitlets import Bytes, Unicode

from ..color import COLOR_METHODS
from ..image import load_image, reduced, to_pil
from ..support.checks import checked_number
from ..support.pictures import encoded
from ..support.settings import MASK_MODES, WEIGHTS, Settings

CSS = Path(__file__).with_name("desk.css")
WIDE = {"width": "auto", "min_width": "0"}
SMALL = {"width": "36px", "padding": "0", "flex": "none"}
SQUARE = {"width": "40px", "height": "40px", "object_fit": "cover", "overflow": "hidden", "flex": "none"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536


class BeforeAfter(anywidget.AnyWidget):
    """Show two encoded pictures of one shape, with a line between them to drag; `description` is the alt text."""

    _esm, _css = Path(__file__).with_name("before_after.js"), CSS
    before, after, description = Bytes().tag(sync=True), Bytes().tag(sync=True), Unicode().tag(sync=True)


class Code(anywidget.AnyWidget):
    """Show code in a text area with a button that copies it; show nothing if there is no code."""

    _esm, _css = Path(__file__).with_name("code.js"), CSS
    code = Unicode().tag(sync=True)


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
