"""What is shown on the mixing desk: the preview or the full picture, before and after, with a message below."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from ipywidgets import ToggleButtons
from PIL import ImageDraw, ImageFont, ImageOps
from traitlets import Bytes, List, Unicode

from ..image import reduced, resize, to_pil
from ..results.result import Result
from ..support.checks import sides
from ..support.pictures import encoded
from ..support.types import ImageArray

PREVIEW, FULL = "Preview", "Full picture"
MAX_SHOWN_SIDE = 1024  # pixels on the longer side of a picture that is sent to the browser
STRIP_HEIGHT, STRIP_GAP = 240, 6  # pixels


class BeforeAfter(anywidget.AnyWidget):
    """Show two encoded pictures of one shape with a slider between them, a progress bar, a curve, and a message.

    `description` is the alt text. `work` is [share that is done or None, words], or empty; `losses` are the totals of
    the iterations so far, none for a preview; `message` is [text, whether it is an alert]. `switch` chooses which of
    two pairs is shown; `strips` has a JPEG file of each.
    """

    _esm, _css = (Path(__file__).with_name(name) for name in ("before_after.js", "desk.css"))
    before, after, description = Bytes().tag(sync=True), Bytes().tag(sync=True), Unicode().tag(sync=True)
    work, losses, message = List().tag(sync=True), List().tag(sync=True), List(["", False]).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.switch = ToggleButtons(options=(PREVIEW, FULL), disabled=True, style={"button_width": "auto"})
        self.switch.observe(lambda _: self.put(self.switch.value), "value")
        self._pairs, self.strips = {PREVIEW: {"losses": []}, FULL: {}}, {}

    def say(self, text: str, *, alert: bool = False) -> None:
        """Show a message until the next one."""
        self.message = [text, alert]

    def put(self, which: str, **traits: Any) -> None:
        """Show traits, at once or when the switch comes to `which`."""
        self._pairs[which] |= traits
        if which == self.switch.value:
            with self.hold_sync():
                for name, value in self._pairs[which].items():
                    setattr(self, name, value)

    def show(self, which: str, result: Result, title: str, settings: Mapping[str, Any]) -> None:
        """Show a result with its title, notes and settings."""
        notes = result.notes if which == FULL else []  # the notes of a preview are about its few pixels
        notes = [re.sub(r"\bmask (\d)", r"style \1", note) for note in notes]  # as the painter calls them
        told = ", ".join(f"{name}={value}" for name, value in settings.items())
        self.strips[which] = strip([result.content, *result.styles, result.image], f"{title}: {told}")
        self.put(
            which,
            before=png(result.content, MAX_SHOWN_SIDE),
            after=png(result.image, MAX_SHOWN_SIDE),
            losses=[step.total for step in result.history] if which == FULL else [],
            description=f"{title}: {told}",
            message=["\n".join([f"{title}: {sides(result.image.shape)} pixels.", *notes]), False],
        )

    @property
    def strip(self) -> bytes:
        """The strip of what is shown now."""
        return self.strips.get(self.switch.value, self.strips[PREVIEW])


def png(image: ImageArray, max_side: float = float("inf")) -> bytes:
    """Return an image as a PNG file; the longer side has at most `max_side` pixels."""
    return encoded(to_pil(reduced(image, max_side)), "PNG")


def strip(pictures: Sequence[ImageArray], caption: str) -> bytes:
    """Return a JPEG file of pictures side by side, at one height, above a caption."""
    row = [resize(p, (STRIP_HEIGHT, round(STRIP_HEIGHT * p.shape[1] / p.shape[0]))) for p in pictures]
    gap = (0, 0), (STRIP_GAP, 0), (0, 0)
    sheet = to_pil(np.concatenate([row[0], *(np.pad(p, gap, constant_values=1) for p in row[1:])], axis=1))
    lines = textwrap.wrap(caption, sheet.width // 8)  # a character is less than 8 pixels wide
    sheet = ImageOps.expand(sheet, (0, 0, 0, 18 * len(lines) + 12 * bool(lines)), "white")
    ImageDraw.Draw(sheet).text((2, STRIP_HEIGHT + 6), "\n".join(lines), "#333", ImageFont.load_default(13), spacing=4)
    return encoded(sheet, "JPEG")
