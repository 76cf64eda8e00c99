"""A mixing desk for a notebook: pictures, weights, masks and colours, and a preview that follows the sliders."""

import base64
import functools
import html
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

from IPython.display import display
from ipywidgets import HTML, Box, Button, Checkbox, Dropdown, FileUpload, FloatSlider, HBox, Image, VBox

from ..image import fitting_shape, load_image, reduced
from ..masks.basics import resize_mask
from ..support.checks import sides, suggestion
from ..support.pictures import MIN_SIDE
from ..support.settings import WEIGHTS
from ..support.types import PathLike
from ..transfer import DEFAULTS, built_network, style_transfer
from . import parts
from .painter import MaskPainter

BUNDLED = Path(__file__).parents[2] / "images"
DEBOUNCE = 0.25  # seconds without another change before a preview starts
PREVIEW_SIZE, PREVIEW_ITERATIONS = 160, 20  # two seconds on two cores, half of it to compile
PREVIEW_SOURCE = 640  # pixels: previews read pictures at this size, which the largest `style_scale`, 4, needs
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

    `content` is the photograph, and `styles` are one painting or several, all of them files; `pictures` is a folder of
    others to choose from. `settings` are those of `style_transfer`: the controls start there, and one without a
    control, such as `iterations`, is fixed. Uploads go to `folder`, which is made when it is needed; nothing in it is
    overwritten.
    """

    def __init__(
        self,
        content: PathLike,
        styles: PathLike | Sequence[PathLike],
        *,
        pictures: PathLike = BUNDLED,
        folder: PathLike = "desk",
        **settings: Any,
    ) -> None:
        super().__init__()
        self.result, self.folder = None, Path(folder)
        paths, self._paths = parts.starting_paths(content, styles, pictures)
        known = vars(DEFAULTS).keys() - {"shares", "masks"}
        for name in settings.keys() - known:
            raise ValueError(f"{name} is not a setting of the desk.{suggestion(name, known)}")
        start = replace(DEFAULTS, **settings).checked(styles=len(paths) - 1)
        self.controls = parts.controls(start)
        self._fixed = {k: v for k, v in settings.items() if k not in {*self.controls, "style_weights"}}
        self._start, self._thread, self._job = start, futures.ThreadPoolExecutor(1, "nst_keras desk"), None
        self._end_preview, self._end_painting = threading.Event(), threading.Event()
        self._network = functools.cache(lambda: built_network(start))
        self._reduced = functools.cache(lambda path: reduced(load_image(path), PREVIEW_SOURCE))
        self._painters = {}  # {photograph: the painter of its masks}
        self._still, self._hidden = None, Box(layout={"display": "none"})
        self._lay_out(paths)
        self._view.before = self._view.after = parts.png(self._reduced(paths[0]))
        self._view.description = "The photograph"
        self._pictures_changed()

    def _lay_out(self, paths):
        labels, options = [f"style {i}" for i in range(1, len(paths))], {"options": parts.named(self._paths)}
        self._menus = {
            label: parts.labelled(Dropdown, label, path, "A picture, or one that you upload", **options)
            for label, path in zip(["content", *labels], paths, strict=True)
        }
        self._shares = [
            parts.labelled(FloatSlider, f"share of {label}", round(share, 3), "How much is mixed in", **parts.SHARE)
            for label, share in zip(labels, self._start.style_weights, strict=True)
            if len(labels) > 1
        ]
        self._sources = Image(format="jpeg", layout={"width": "100%", "object_fit": "contain"})
        upload = FileUpload(description="Upload a picture", accept="image/*", layout=parts.WIDE)
        self._masks, self._view, self._status = VBox(), parts.BeforeAfter(), HTML()
        self._masked = Checkbox(False, description="masks: each style in its place", indent=False, layout=parts.WIDE)
        tooltip = "Stop painting, and keep what there is"
        self._paint_button = Button(description="Paint", tooltip="Paint the full picture", button_style="primary")
        self._stop_button = Button(description="Stop", tooltip=tooltip, disabled=True)
        self._paint_button.on_click(lambda _: self.paint())
        self._stop_button.on_click(lambda _: self.stop())
        for control in (*self.controls.values(), *self._shares):
            control.observe(self._changed, "value")
        for menu in self._menus.values():
            menu.observe(self._pictures_changed, "value")
        upload.observe(self._uploaded, "value")
        self._masked.observe(self._masks_changed, "value")
        settings = [control for name, control in self.controls.items() if name != "mask_mode"]
        wrap, column = {"flex_flow": "row wrap"}, {"flex": "1 1 330px", "min_width": "0", "padding": "0 12px 8px 0"}
        left = [self._view, self._status, HBox([self._paint_button, self._stop_button])]
        right = [self._sources, *self._menus.values(), upload, *self._shares, *settings, self._masked]
        columns = [VBox(left, layout={"max_width": "640px", **column}), VBox(right, layout=column)]
        self.children = [Box(columns, layout=wrap), self._masks]

    @shows_errors
    def paint(self) -> None:
        """Start to paint the full picture; after `wait` it is in `result`."""
        mix = self._mix()
        self._paint_button.disabled, self._stop_button.disabled = True, False
        self._end_preview.set()
        if self._end_painting.is_set():
            self._end_painting = threading.Event()
        self._job = self._thread.submit(self._paint, mix, self._end_painting)

    def stop(self) -> None:
        """Stop painting; `result` is then the unfinished picture."""
        self._end_painting.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds until nothing is being painted; return False if something still is."""
        return not futures.wait([self._job], timeout).not_done

    def _mix(self):
        """Return what the controls show, as arguments of `style_transfer`."""
        settings = {name: control.value for name, control in self.controls.items()}
        settings |= {name: float(f"{settings[name]:.3g}") for name in WEIGHTS}  # as the sliders show them
        if not settings["preserve_color"]:
            del settings["preserve_color"], settings["color_strength"]
        if self._shares:
            settings["style_weights"] = [share.value for share in self._shares]
        masks = self._painters[self._menus["content"].value].masks if self._masked.value else {}
        black = [label for label, mask in masks.items() if not mask.any()]
        if 0 < len(black) < len(masks):
            raise ValueError(f"The mask of {black[0]} is black everywhere: paint where it applies, or leave all black.")
        if len(black) == len(masks):  # nothing is painted
            del settings["mask_mode"]
        else:
            settings["masks"] = list(masks.values())
        content, *styles = (menu.value for menu in self._menus.values())
        return {"content": content, "style": styles} | self._fixed | settings

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
        self._end_preview.set()
        self._end_preview = stop = threading.Event()
        self._job = self._thread.submit(lambda: stop.wait(DEBOUNCE) or self._preview(stop))

    @shows_errors
    def _pictures_changed(self, change=None):
        self._end_preview.set()
        sources = [self._reduced(menu.value) for menu in self._menus.values()]
        self._last = self._sources.value = parts.strip(sources, "")
        self._masks_changed()

    @shows_errors
    def _masks_changed(self, change=None):
        """Show the painter of this photograph."""
        content, *labels = self._menus["content"].value, *list(self._menus)[1:]
        if self._masked.value and content not in self._painters:
            self._painters[content] = MaskPainter(content, labels)
            self._painters[content].observe(self._changed, "_packed")
        hint = HTML("Paint where each style applies. As long as nothing is painted, they apply everywhere.")
        self._masks.children = [hint, self.controls["mask_mode"], self._painters[content]] if self._masked.value else []
        self._changed()

    @shows_errors
    def _uploaded(self, change):
        for file in change.new:
            change.owner.value = ()  # so that the same file can be uploaded again
            path = parts.keep_upload(bytes(file["content"]), self.folder, file["name"]).as_posix()
            self._paths += [] if path in self._paths else [path]
            for menu in self._menus.values():
                menu.unobserve(self._pictures_changed, "value")  # a menu chooses the first of new options by itself
                menu.options, menu.value = parts.named(self._paths), menu.value
                menu.observe(self._pictures_changed, "value")
            self._set_status(f"{path} can be chosen now.")

    @shows_errors
    def _preview(self, stop):
        """Paint a preview anew and show it; like `_paint`, this is a job of the thread."""
        mix = self._mix()
        self._set_status("Preview …")
        small = {k: v for k, v in mix.items() if k not in ("pooling", "weights")}  # these belong to the built network
        small |= {"network": self._network(), "iterations": min(PREVIEW_ITERATIONS, self._start.iterations)}
        content = small["content"] = self._reduced(mix["content"])
        small["style"] = [self._reduced(path) for path in mix["style"]]
        small["size"] = max(fitting_shape(content.shape, PREVIEW_SIZE, minimum=MIN_SIDE))
        if "masks" in mix:
            small["masks"] = [resize_mask(mask, content.shape) for mask in mix["masks"]]

        def end_if_stopped(step):
            if stop.is_set():
                raise StopIteration

        result = style_transfer(**small, callback=end_if_stopped)
        if not result.interrupted:
            self._show(result, mix, "Preview")

    @shows_errors
    def _paint(self, mix, stop):
        shown = 0.0

        def follow(step):
            nonlocal shown
            if step.seconds - shown >= FRAME_SECONDS:
                shown = step.seconds
                self._set_status(f"Painting, {step.size} px: {step.progress:.0%} done.")
                self._view.after = parts.png(step.image, MAX_SHOWN_SIDE)
            if stop.is_set():
                raise StopIteration

        try:
            self.result = style_transfer(**mix, callback=follow)
        finally:
            self._paint_button.disabled, self._stop_button.disabled = False, True
        seconds = self.result.history[-1].seconds
        self._show(self.result, mix, f"{'Stopped' if self.result.interrupted else 'Painted'} after {seconds:.0f} s")

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
        self._status.value = f'<div role="{role}" class="desk-status">{html.escape(text)}</div>'
