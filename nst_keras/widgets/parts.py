"""The controls and views of the mixing desk."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from ipywidgets import Button, Dropdown, FileUpload, FloatLogSlider, FloatSlider, HBox, Image, IntSlider, Layout
from traitlets import Bytes, Unicode

from ..color import COLOR_METHODS
from ..image import load_image, reduced, to_pil
from ..support.checks import checked_number
from ..support.pictures import encoded
from ..support.settings import MASK_MODES, WEIGHTS, Settings

CSS = Path(__file__).with_name("desk.css")
WIDE = {"width": "auto", "min_width": "0"}
SMALL = {"width": "36px", "padding": "0", "flex": "none"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536


class BeforeAfter(anywidget.AnyWidget):
    """Show two encoded pictures of one shape, with a line between them to drag; `description` is the alt text."""

    _esm = Path(__file__).with_name("before_after.js")
    _css = CSS
    before, after = Bytes().tag(sync=True), Bytes().tag(sync=True)
    description = Unicode().tag(sync=True)


class Code(anywidget.AnyWidget):
    """Show code in a text area with a button that copies it; show nothing if there is no code."""

    _esm = Path(__file__).with_name("code.js")
    _css = CSS
    code = Unicode().tag(sync=True)


class Chooser(HBox):
    """Choose a picture, which calls `on_change()`, or upload one, which calls `on_upload(chooser, name, data)`."""

    def __init__(self, label: str, options: list, path: str, on_change: Callable, on_upload: Callable) -> None:
        self.label, self._on_change = label, on_change
        square = Layout(width="40px", height="40px", object_fit="cover", overflow="hidden", flex="none")
        self._thumbnail = Image(layout=square)
        style, layout = {"description_width": "56px"}, WIDE | {"flex": "1 1 0"}
        self._menu = Dropdown(options=options, value=path, description=label, style=style, layout=layout)
        upload = FileUpload(description="", tooltip=f"Upload a picture: {label}", accept="image/*", layout=SMALL)
        upload.add_class("desk-upload")
        super().__init__([self._thumbnail, self._menu, upload], layout=Layout(align_items="center"))
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
    options = {"layout": Layout(width="auto", align_self="flex-start")} | options
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
    tooltips = ("More of it keeps the photograph", "More of it paints more freely", "More of it smooths")
    for name, tooltip in zip(WEIGHTS, tooltips, strict=True):
        value = checked_number(name, getattr(start, name), above=0)
        options = {"min": math.log10(value) - 2, "max": math.log10(value) + 2, "step": 0.05, "readout_format": ".3g"}
        made[name] = labelled(FloatLogSlider, name.replace("_", " "), value, tooltip, **options)
    methods = [("the painting's", ""), *((f"the photograph's: {name}", name) for name in COLOR_METHODS)]
    tooltip = "Whose colours, and by which method"
    made["preserve_color"] = labelled(Dropdown, "colours", start.preserve_color or "", tooltip, options=methods)
    tooltip = "How much of the photograph's colours"
    made["color_strength"] = labelled(FloatSlider, "how much", start.color_strength, tooltip, **SHARE)
    limits = {"min": min(64, start.size), "max": max(MAX_SIZE, start.size), "step": 16}
    made["size"] = labelled(IntSlider, "full size", start.size, "Longer side of the full picture, in pixels", **limits)
    modes = {"options": MASK_MODES, "layout": {"width": "auto", "max_width": "420px"}}
    tooltip = "What a style does where its mask is black"
    made["mask_mode"] = labelled(Dropdown, "black means", start.mask_mode, tooltip, **modes)
    return made
