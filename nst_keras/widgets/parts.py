"""What the mixing desk is put together from."""

import contextlib
import math
from pathlib import Path

import anywidget
from ipywidgets import Button, Dropdown, FileUpload, FloatLogSlider, FloatSlider, HBox, Image, IntSlider, Layout
from traitlets import Bytes, Unicode

from ..color import COLOR_METHODS
from ..image import encoded, load_image, reduced, to_pil
from ..settings import MASK_MODES, WEIGHTS
from ..support.checks import checked_number

CSS = Path(__file__).with_name("desk.css")
WIDE = {"width": "auto", "min_width": "0"}
SHORT = {"width": "auto", "max_width": "420px"}
SMALL = {"width": "36px", "padding": "0", "flex": "none"}
LABELS = {"description_width": "120px"}
SHARE = {"min": 0, "max": 1, "step": 0.05}
MAX_SIZE = 1536
THUMBNAIL = 96  # pixels


class BeforeAfter(anywidget.AnyWidget):
    """Two encoded pictures of one shape, and a line between them to drag; `description` is for those who cannot see."""

    _esm = Path(__file__).with_name("before_after.js")
    _css = CSS
    before = Bytes().tag(sync=True)
    after = Bytes().tag(sync=True)
    description = Unicode().tag(sync=True)


class Code(anywidget.AnyWidget):
    """Code in a text area, and a button that copies it; nothing while there is none."""

    _esm = Path(__file__).with_name("code.js")
    _css = CSS
    code = Unicode().tag(sync=True)


class Chooser(HBox):
    """A picture chosen from a list of (name, path), or uploaded; with a thumbnail.

    `on_change()` is called when another one is chosen, `on_upload(chooser, name, data)` with a file from the browser.
    """

    def __init__(self, label, options, path, on_change, on_upload):
        self.label, self._on_change = label, on_change
        self._thumbnail = Image(
            layout=Layout(width="40px", height="40px", object_fit="cover", overflow="hidden", flex="none")
        )
        self._menu = Dropdown(
            options=options,
            value=path,
            description=label,
            style={"description_width": "56px"},
            layout=Layout(flex="1 1 0", width="auto", min_width="0"),
        )
        upload = FileUpload(description="", tooltip=f"Upload a picture: {label}", accept="image/*", layout=SMALL)
        upload.add_class("desk-upload")
        super().__init__([self._thumbnail, self._menu, upload], layout=Layout(align_items="center"))
        self._show()
        self._menu.observe(self._chosen, "value")

        def uploaded(change):
            if change.new:
                file = change.new[0]
                upload.value = ()  # so that the same file can come again
                on_upload(self, file["name"], bytes(file["content"]))

        upload.observe(uploaded, "value")

    @property
    def path(self):
        return self._menu.value

    def offer(self, options, path):
        """Take over a list of pictures, and choose one of them."""
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
        with contextlib.suppress(ValueError):  # what is wrong with it, the desk says
            self._thumbnail.value = encoded(to_pil(reduced(load_image(self.path), THUMBNAIL)), "JPEG")


def button(text, act, tooltip, **options):
    made = Button(
        description=text, tooltip=tooltip, **{"layout": Layout(width="auto", align_self="flex-start")} | options
    )
    made.on_click(lambda _: act())
    return made


def slider(kind, label, value, tooltip, **options):
    """A control of one of ipywidgets' classes, as wide as its place."""
    return kind(value=value, description=label, tooltip=tooltip, style=LABELS, **{"layout": WIDE} | options)


def controls(start):
    """{setting of `style_transfer`: its control}, from checked settings to start with."""
    made = {}
    says = ("More of it keeps the photograph", "More of it paints more freely", "More of it smooths")
    for name, tooltip in zip(WEIGHTS, says, strict=True):
        value = checked_number(name, start[name], above=0)
        options = {"min": math.log10(value) - 2, "max": math.log10(value) + 2, "step": 0.05, "readout_format": ".3g"}
        made[name] = slider(FloatLogSlider, name.replace("_", " "), value, tooltip, **options)
    methods = [("the painting's", ""), *((f"the photograph's: {name}", name) for name in COLOR_METHODS)]
    tooltip = "Whose colours, and by which method"
    made["preserve_color"] = slider(Dropdown, "colours", start["preserve_color"] or "", tooltip, options=methods)
    tooltip = "How much of the photograph's colours"
    made["color_strength"] = slider(FloatSlider, "how much", start["color_strength"], tooltip, **SHARE)
    limits = {"min": min(64, start["size"]), "max": max(MAX_SIZE, start["size"]), "step": 16}
    made["size"] = slider(IntSlider, "full size", start["size"], "Longer side of the full picture, in pixels", **limits)
    tooltip = "What a style does where its mask is black"
    made["mask_mode"] = slider(Dropdown, "black means", start["mask_mode"], tooltip, options=MASK_MODES, layout=SHORT)
    return made
