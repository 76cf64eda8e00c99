"""A mixing desk for a notebook: pictures, weights, masks and colours, and a preview that follows the sliders."""

import base64
import functools
import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import display
from ipywidgets import HTML, Box, Checkbox, FloatProgress, FloatSlider, HBox, VBox

from ..image import load_image
from ..masks.basics import load_mask
from ..support.checks import sides, suggestion
from ..support.settings import WEIGHTS
from ..support.types import MaskSource, PathLike
from ..transfer import DEFAULTS, style_transfer
from . import parts
from .painter import MaskPainter

BUNDLED = Path(__file__).parents[2] / "images"
STYLES = ("style 1", "style 2", "style 3", "style 4")
DEBOUNCE = 0.25  # seconds without another change before a preview starts
FRAME_SECONDS = 0.5  # between two pictures that are shown during a full run
MAX_SHOWN_SIDE = 1024  # pixels on the longer side of a picture that is sent to the browser


def shows_errors(method: Callable) -> Callable:
    """Show the exceptions of a method in the desk: Jupyter hides what the event handlers of a widget raise."""

    @functools.wraps(method)
    def guarded(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
            self._set_status(f"{kind}{error}", "alert")

    return guarded


class MixingDesk(VBox):
    """Try settings; a notebook shows the widget if it is the last line of a cell.

    The preview is a run of its own, with few iterations at 160 pixels: it shows the colours and the balance of the
    weights, not the brushwork of the full picture. The attribute `result` is the `Result` of the last full picture,
    also if it was stopped, or None. Runs are in a thread, so the kernel stays free. A notebook that is open without a
    kernel shows the last pictures in place of the desk.

    `content` is the photograph, and `styles` are one to four paintings, all of them files; by default they are
    the first and the last in `pictures`, the folder of pictures to choose from. `masks` are masks to start with, one
    for each style, see `load_mask`. `settings` are those of `style_transfer`: the
    controls start there, and one without a control, such as `iterations`, is fixed. Uploads, masks and saved pictures
    go to `folder`, which is made when it is needed; nothing in it is overwritten.
    """

    def __init__(
        self,
        content: PathLike | None = None,
        styles: PathLike | Sequence[PathLike] | None = None,
        masks: Sequence[MaskSource] | None = None,
        *,
        pictures: PathLike = BUNDLED,
        folder: PathLike = "desk",
        **settings: Any,
    ) -> None:
        super().__init__()
        self.result, self.folder = None, Path(folder)
        content, styles, self._paths = parts.starting_paths(content, styles, pictures)
        if not 1 <= len(styles) <= len(STYLES):
            raise ValueError(f"styles must be 1 to {len(STYLES)} paths; got {len(styles)}.")
        known = vars(DEFAULTS).keys() - {"shares"}
        for name in settings.keys() - known:
            raise ValueError(f"{name} is not a setting of the desk.{suggestion(name, known)}")
        start = replace(DEFAULTS, masks=masks, **settings).checked(styles=len(styles))
        self.controls = parts.controls(start)
        self._fixed = {k: v for k, v in settings.items() if k not in {*self.controls, "style_weights"}}
        self._previews, self._work = parts.Previews(start), parts.Background()
        self._rows, self._painters = [], {}  # a row for each style; {photograph: the painter of its masks}
        self._still, self._hidden = None, Box(layout={"display": "none"})
        self._last = parts.strip([self._previews.reduced(path) for path in (content, *styles)], "")
        loaded = [load_mask(mask, load_image(content).shape, name=f"masks[{i}]") for i, mask in enumerate(masks or [])]
        self._painted = {content: dict(zip(STYLES, loaded, strict=False))}  # masks that no painter shows now
        self._lay_out(content, masks is not None)
        for path, share in zip(styles, start.style_weights, strict=True):
            self._add_style(path, round(share, 3))
        self._content_changed()

    def _lay_out(self, content, masked):
        self._content = parts.Chooser("content", parts.named(self._paths), content, self._content_changed, self._upload)
        self._styles, self._masks, self._view = VBox(), VBox(), parts.BeforeAfter()
        self._add = parts.button("Add a style", self._add_style, "Mix another style in", icon="plus")
        self._masked = Checkbox(masked, description="masks: each style in its place", indent=False, layout=parts.WIDE)
        self._status, self._progress = HTML(), FloatProgress(max=1, layout={"width": "auto", "height": "8px"})
        paint = parts.button("Paint", self.paint, "Paint the full picture", icon="paint-brush", button_style="primary")
        stop = parts.button("Stop", self.stop, "Stop painting, and keep what there is", icon="stop")
        save = parts.button("Save", self._save_result, "Save the last full picture", icon="save")
        self._buttons = paint, stop, save
        self._set_painting(False)
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self._masked.observe(self._masks_changed, "value")
        settings = [control for name, control in self.controls.items() if name != "mask_mode"]
        wrap, column = {"flex_flow": "row wrap"}, {"flex": "1 1 330px", "min_width": "0", "padding": "0 12px 8px 0"}
        left = [self._view, self._status, self._progress, HBox([paint, stop, save], layout=wrap)]
        right = [self._content, self._styles, self._add, *settings, self._masked]
        columns = [VBox(left, layout={"max_width": "640px", **column}), VBox(right, layout=column)]
        self.children = [Box(columns, layout=wrap), self._masks]

    @shows_errors
    def paint(self) -> None:
        """Start to paint the full picture; after `wait` it is in `result`."""
        mix = self._mix()
        self._set_painting(True)
        self._work.submit(lambda stop: self._paint(mix, stop), replaceable=False)

    def stop(self) -> None:
        """Stop painting; `result` is then the unfinished picture."""
        self._work.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds until nothing is being painted; return False if something still is."""
        return self._work.wait(timeout)

    def save(self) -> Path:
        """Save the last full picture as a PNG in `folder`, under a name that is free; return its path."""
        if self.result is None:
            raise ValueError("there is no full picture yet: paint it first.")
        name = "_".join(Path(path).stem for path in self.result.inputs[: 1 + len(self.result.styles)])
        return parts.keep(parts.png(self.result.image), self.folder, f"{name}.png")

    def _mix(self):
        """Return what the controls show, as arguments of `style_transfer`."""
        settings = {name: control.value for name, control in self.controls.items()}
        settings |= {name: float(f"{settings[name]:.3g}") for name in WEIGHTS}  # as the sliders show them
        if not settings["preserve_color"]:
            del settings["preserve_color"], settings["color_strength"]
        if len(self._rows) > 1:
            settings["style_weights"] = [row.share.value for row in self._rows]
        settings["masks"] = self._painted_masks()
        if not settings["masks"]:
            del settings["masks"], settings["mask_mode"]
        sources = {"content": self._content.path, "style": [row.path for row in self._rows]}
        return sources | self._fixed | settings

    def _painted_masks(self):
        """Return the masks; an empty list if nothing is painted."""
        if not self._masked.value:
            return []
        masks = list(self._painters[self._content.path].masks.values())
        black = [row.label for row, mask in zip(self._rows, masks, strict=True) if not mask.any()]
        if 0 < len(black) < len(masks):
            raise ValueError(f"The mask of {black[0]} is black everywhere: paint where it applies, or remove it.")
        return [] if black else masks

    def _ipython_display_(self):
        """Make two outputs: the widget, and a picture of it, which is shown only where there are no widgets."""
        text = {"text/plain": "A mixing desk, to be used in a running notebook; the last pictures on it:"}
        display(self._repr_mimebundle_() | text, raw=True)
        self._still = self._show_still(display, display_id=True)

    def _show_still(self, show, **options):
        data = self._hidden._repr_mimebundle_() | {"image/jpeg": base64.b64encode(self._last).decode()}
        return show(data, metadata={"image/jpeg": {"alt": self._view.description}}, raw=True, **options)

    def _changed(self, change=None):
        self.controls["color_strength"].disabled = not self.controls["preserve_color"].value
        self._work.submit(self._preview, delay=DEBOUNCE)

    @shows_errors
    def _content_changed(self):
        self._view.before = self._view.after = parts.png(self._previews.reduced(self._content.path))
        self._view.description = "The photograph"
        self._masks_changed()

    @shows_errors
    def _masks_changed(self, change=None):
        """Show a painter of this photograph for these styles, and keep the masks of other styles."""
        content, labels = self._content.path, tuple(row.label for row in self._rows)
        painter = self._painters.get(content)
        if self._masked.value and (painter is None or painter.labels != labels):
            painted = self._painted.setdefault(content, {})
            painted.update(painter.masks if painter else {})
            black = np.zeros(load_image(content).shape[:2], "float32")
            painter = MaskPainter(content, {label: painted.get(label, black) for label in labels})
            painter.observe(self._changed, "_packed")
            self._painters[content] = painter
        hint = HTML("Paint where each style applies. As long as nothing is painted, they apply everywhere.")
        self._masks.children = [hint, self.controls["mask_mode"], painter] if self._masked.value else []
        self._changed()

    def _add_style(self, path=None, share=0.5):
        label = next(label for label in STYLES if label not in [row.label for row in self._rows])
        row = parts.Chooser(label, parts.named(self._paths), path or self._paths[-1], self._changed, self._upload)
        row.share = parts.labelled(FloatSlider, f"share of {label}", share, "How much of it is mixed in", **parts.SHARE)
        row.share.observe(self._changed, "value")
        remove = parts.button("", lambda: self._remove_style(row), f"Remove {label}", icon="times", layout=parts.SMALL)
        row.children += (remove,)
        self._rows.append(row)
        self._styles_changed()

    def _remove_style(self, row):
        self._rows.remove(row)
        self._styles_changed()

    def _styles_changed(self):
        several = len(self._rows) > 1
        self._styles.children = [part for row in self._rows for part in ([row, row.share] if several else [row])]
        for row in self._rows:
            row.children[-1].disabled = not several
        self._add.disabled = len(self._rows) == len(STYLES)
        self._masks_changed()

    @shows_errors
    def _upload(self, chooser, name, data):
        path = parts.keep_upload(data, self.folder, name).as_posix()
        self._paths += [] if path in self._paths else [path]
        for row in (self._content, *self._rows):
            row.offer(parts.named(self._paths), path if row is chooser else row.path)

    @shows_errors
    def _save_result(self):
        self._set_status(f"Saved as {self.save()}.")

    @shows_errors
    def _preview(self, stop):
        """Paint a preview and show it; like `_paint`, this is a job of the background thread."""
        mix = self._mix()
        self._set_status("Preview …")
        result = self._previews.paint(mix, stop)
        if not result.interrupted:
            self._show(result, mix, "Preview")

    @shows_errors
    def _paint(self, mix, stop):
        shown = 0.0

        def follow(step):
            nonlocal shown
            if step.seconds - shown >= FRAME_SECONDS:
                shown, self._progress.value = step.seconds, step.progress
                self._set_status(f"Painting, {step.size} px: {step.progress:.0%} done.")
                self._view.after = parts.png(step.image, MAX_SHOWN_SIDE)
            if stop.is_set():
                raise StopIteration

        try:
            self.result = style_transfer(**mix, callback=follow)
        finally:
            self._set_painting(False)
        seconds = self.result.history[-1].seconds
        self._show(self.result, mix, f"{'Stopped' if self.result.interrupted else 'Painted'} after {seconds:.0f} s")

    def _set_painting(self, running):
        paint, stop, save = self._buttons
        paint.disabled, stop.disabled, save.disabled = running, not running, self.result is None
        self._progress.value = 0
        self._progress.layout.visibility = "visible" if running else "hidden"

    def _show(self, result, mix, title):
        self._view.before, self._view.after = (parts.png(p, MAX_SHOWN_SIDE) for p in (result.content, result.image))
        notes = result.notes if result is self.result else []  # the notes of a preview are about its few pixels
        self._set_status("\n".join([f"{title}: {sides(result.image.shape)} pixels.", *notes]))
        told = [f"{name}={value}" for name, value in mix.items() if name not in ("content", "style", "masks", "init")]
        self._view.description = f"{title}: {', '.join(told)}"
        self._last = parts.strip([result.content, *result.styles, result.image], self._view.description)
        if self._still:
            self._show_still(self._still.update)

    def _set_status(self, text, role="status"):
        color = "; color: var(--jp-error-color1, #d32f2f)" if role == "alert" else ""
        style = f'style="line-height: 1.4; white-space: pre-line{color}"'
        self._status.value = f'<div role="{role}" {style}>{html.escape(text)}</div>'
