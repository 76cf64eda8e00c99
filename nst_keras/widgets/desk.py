"""A mixing desk for a notebook: pictures, weights, masks and colours, and a preview that follows the sliders."""

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

from ipywidgets import Box, Button, Dropdown, FileUpload, FloatSlider, Image, VBox

from ..image import fitting_shape, reduced, resize
from ..results.result import Result
from ..support.checks import sides, suggestion
from ..support.pictures import MIN_SIDE
from ..support.settings import WEIGHTS
from ..support.types import PathLike
from ..transfer import DEFAULTS, built_network, style_transfer
from . import parts
from .before_after import FULL, MAX_SHOWN_SIDE, PREVIEW, BeforeAfter, png, strip
from .still import LeavesStill

BUNDLED = Path(__file__).parents[2] / "images"
PREVIEW_SIZE, PREVIEW_ITERATIONS = 160, 20
FIRST_SHOWN = 5  # the iteration after which a preview is shown for the first time
PREVIEW_SOURCE = 640  # pixels: previews read pictures at this size, which the largest `style_scale`, 4, needs
FRAME_SECONDS = 0.5  # between two pictures that are shown during a full run


def shows_errors(method: Callable) -> Callable:
    """Show the exceptions of a method in the desk: Jupyter hides what the event handlers of a widget raise."""

    @functools.wraps(method)
    def guarded(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
            self._view.say(f"{kind}{error}", alert=True)

    return guarded


class MixingDesk(LeavesStill, VBox):
    """Try settings; a notebook shows the widget if it is the last line of a cell.

    The preview is a run of its own, with few iterations at 160 pixels: it shows the colours and the balance of the
    weights, not the brushwork of the full picture. A switch shows one or the other. The attribute `result` is the
    `Result` of the last full picture, also if it was stopped, or None. Runs are in a thread, so the kernel stays free.
    Without its kernel, a notebook shows the last pictures.

    `content` is the photograph, and `styles` are one painting or several, all of them files; `pictures` is a folder of
    others to choose from. `settings` are those of `style_transfer`: the controls start there, and one without a
    control, such as `iterations`, is fixed. Uploads and kept pictures go to `folder`, which is made when it is needed;
    nothing in it is overwritten.
    """

    _live, _words = "mixing-desk", "The last pictures on a mixing desk. To use it, run the cell."

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
        self.add_class(self._live)
        self.result, self.folder, self._view = None, Path(folder), BeforeAfter()
        self._view.observe(self._update_still, "description")
        paths, self._paths = parts.starting_paths(content, styles, pictures)
        known = vars(DEFAULTS).keys() - {"shares", "masks"}
        for name in settings.keys() - known:
            raise ValueError(f"{name} is not a setting of the desk.{suggestion(name, known)}")
        start = replace(DEFAULTS, **settings).checked(styles=len(paths) - 1)
        self.controls = parts.controls(start)
        self._fixed = {k: v for k, v in settings.items() if k not in {*self.controls, "style_weights"}}
        self._start, self._thread = start, futures.ThreadPoolExecutor(1, "nst_keras desk")
        self._job = self._next = None  # the last job, and the last of them that is a preview
        self._end_preview, self._end_painting = threading.Event(), threading.Event()
        self._network = functools.cache(lambda: built_network(start))
        self._read = functools.lru_cache(8)(parts.read)
        self._reduced = functools.cache(lambda path: reduced(self._read(path)[0], PREVIEW_SOURCE))
        self._result_masks, self._kept = {}, None  # the masks of `result`; the result that was kept last
        self._masks = parts.Masks(self.controls, self._read, self._changed)
        self._lay_out(paths)
        self._set_painting(False)
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
        self._sources = Image(format="jpeg", layout={"max_height": "90px", "max_width": "100%", "align_self": "center"})
        upload = FileUpload(description="Upload a picture", accept="image/*", layout=parts.WIDE)
        self._runs = parts.labelled(Dropdown, "load", "", "A picture that was kept", options=parts.kept(self.folder))
        self._buttons = {}
        for name, act, tooltip in (
            ("Paint", self.paint, "Paint the full picture"),
            ("Stop", self.stop, "Stop painting, and keep what there is"),
            ("Keep", self.keep, "Write the full picture and its settings into a new folder"),
        ):
            self._buttons[name] = Button(description=name, tooltip=tooltip, layout={"width": "64px"})
            self._buttons[name].on_click(lambda _, act=act: act())
        self._buttons["Paint"].button_style = "primary"
        settings = [control for name, control in self.controls.items() if name != "mask_mode"]
        for control in (*self.controls.values(), *self._shares):
            if control is not self.controls["size"]:  # a preview has its own
                control.observe(self._changed, "value")
        for control in (*self._menus.values(), self._masks.switch):
            control.observe(self._pictures_changed, "value")
        upload.observe(self._uploaded, "value")
        self._runs.observe(lambda change: change.new and self.load(change.new), "value")
        wrap, column = {"flex_flow": "row wrap"}, {"flex": "1 1 280px", "min_width": "0", "padding": "0 12px 8px 2px"}
        bar = Box([*self._buttons.values(), self._view.switch], layout=wrap | {"align_items": "center"})
        right = [self._sources, *self._menus.values(), upload, *self._shares, *settings, self._masks.switch, self._runs]
        left = VBox([bar, self._view], layout=column | {"max_width": "640px"})
        self.children = [Box([left, VBox(right, layout=column)], layout=wrap), self._masks]

    @shows_errors
    def paint(self) -> None:
        """Start to paint the full picture; after `wait` it is in `result`."""
        mix = self._mix()
        self._set_painting(True)
        if self._end_painting.is_set():
            self._end_painting = threading.Event()
        outdated = self._next.cancel() or not self._next.done()
        self._end_preview.set()
        self._job = self._thread.submit(self._paint, *mix, self._end_painting)
        if outdated:
            self._job = self._next = self._thread.submit(self._preview)

    def stop(self) -> None:
        """Stop painting; `result` is then the unfinished picture."""
        self._end_painting.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds until nothing is being painted; return False if something still is."""
        return not futures.wait([self._job], timeout).not_done

    @shows_errors
    def keep(self) -> None:
        """Write `result` and its painted masks into a new folder within `folder`; see `Result.keep`."""
        if self.result is None:
            raise ValueError("there is no full picture yet: Paint makes one.")
        run = parts.new_run(self.folder)
        self.result.keep(run)
        parts.save_masks(self._result_masks, run)
        self._kept, self._runs.options = self.result, parts.kept(self.folder)
        self._set_painting(False)
        self._view.switch.value = FULL  # what is kept
        self._view.say(f"The full picture, {sides(self.result.image.shape)} pixels, is kept in {run.as_posix()}.")

    @shows_errors
    def load(self, folder: PathLike) -> None:
        """Show a result that `keep` has written, and set the controls to its settings."""
        result = Result.load(folder)
        if result.content is None:
            raise ValueError(f"folder {str(folder)!r} holds a run without a photograph; the desk does not show it.")
        told, missing = parts.adopt(result.settings, self._start, self.controls, self._shares)
        if files := parts.sources(result, len(self._menus)):
            self._choose(files)
        else:
            missing.append("its pictures")
        missing += self._masks.load(Path(folder), self._menus["content"].value, list(self._menus)[1:])
        self._pictures_changed()
        self.result = self._kept = result
        self._set_painting(False)
        self._view.switch.value = FULL
        self._view.show(FULL, result, f"Loaded from {Path(folder).as_posix()}", told)
        if missing:
            self._view.say(f"{self._view.message[0]}\nNot taken over: {', '.join(missing)}.")

    def _mix(self):
        """Return the pictures, {style: mask} and the settings that the controls show."""
        settings = {name: control.value for name, control in self.controls.items()}
        settings |= {name: float(f"{settings[name]:.3g}") for name in WEIGHTS}  # as the sliders show them
        if not settings["preserve_color"]:
            del settings["preserve_color"], settings["color_strength"]
        if self._shares:
            settings["style_weights"] = [share.value for share in self._shares]
        paths = [menu.value for menu in self._menus.values()]
        masks = self._masks.painted(paths[0])
        if not masks:
            del settings["mask_mode"]
        return paths, masks, self._fixed | settings

    def _pictures(self):
        return [(self._view.description, self._view.strip)]

    def _changed(self, change=None):
        """Ask for a preview. One that waits will see this change, too; one that runs is finished first."""
        if change and isinstance(change.new, float) and f"{change.old:.3g}" == f"{change.new:.3g}":
            return  # the browser sends 2.0 back as 2.0000000000000004
        self.controls["color_strength"].disabled = not self.controls["preserve_color"].value
        if not self._buttons["Paint"].disabled:
            self._view.switch.value = PREVIEW
        if self._next is None or self._next.running() or self._next.done():
            self._job = self._next = self._thread.submit(self._preview)

    @shows_errors
    def _pictures_changed(self, change=None):
        """Show the chosen pictures, and the painter of masks if it is wanted."""
        self._view.say("Reading the pictures …")
        sources = [self._reduced(menu.value) for menu in self._menus.values()]
        self._sources.value = strip(sources, "")
        if not self._view.strips:
            self._view.strips[PREVIEW], photograph = self._sources.value, png(sources[0])
            self._view.put(PREVIEW, before=photograph, after=photograph, description="The photograph")
        self._masks.show(self._menus["content"].value, list(self._menus)[1:])
        self._view.say("")
        self._end_preview.set()
        self._changed()

    @shows_errors
    def _uploaded(self, change):
        for file in change.new:
            change.owner.value = ()  # so that the same file can be uploaded again
            path = parts.keep_upload(bytes(file["content"]), self.folder, file["name"]).as_posix()
            self._choose([menu.value for menu in self._menus.values()], path)
            self._view.say(f"{path} can be chosen now.")

    def _choose(self, chosen, *others):
        """Choose a picture in each menu; the menus learn of new ones."""
        self._paths += [path for path in dict.fromkeys([*chosen, *others]) if path not in self._paths]
        for menu, path in zip(self._menus.values(), chosen, strict=True):
            menu.unobserve(self._pictures_changed, "value")  # a menu chooses the first of new options by itself
            menu.options, menu.value = parts.named(self._paths), path
            menu.observe(self._pictures_changed, "value")

    @shows_errors
    def _preview(self):
        """Paint a preview anew and show it; like `_paint`, this is a job of the thread."""
        self._end_preview.clear()
        paths, masks, settings = self._mix()
        content, *styles = map(self._reduced, paths)
        small = {k: v for k, v in settings.items() if k not in ("pooling", "weights")}  # of the network, which is built
        small |= {"network": self._network(), "iterations": min(PREVIEW_ITERATIONS, self._start.iterations)}
        small["size"] = max(fitting_shape(content.shape, PREVIEW_SIZE, minimum=MIN_SIDE))
        small |= parts.resized_masks(masks, content.shape)

        def follow(step):
            if self._end_preview.is_set():
                raise StopIteration
            if step.iteration == FIRST_SHOWN:
                self._view.put(PREVIEW, before=png(resize(content, step.image.shape)), after=png(step.image))

        self._view.work = [None, "preview …"]
        try:
            result = style_transfer(content, styles, **small, callback=follow)
        finally:
            self._view.work = []
        if not result.interrupted:
            self._view.show(PREVIEW, result, PREVIEW, settings)

    @shows_errors
    def _paint(self, paths, masks, settings, stop):
        shown, totals = 0.0, []

        def follow(step):
            nonlocal shown
            totals.append(step.total)
            left = step.seconds * (1 / step.progress - 1)
            self._view.work = [step.progress, f"{step.progress:.0%}, about {left:.0f} s left"]
            if step.seconds - shown >= FRAME_SECONDS:
                shown, after = step.seconds, png(step.image, MAX_SHOWN_SIDE)
                message = [f"Painting, {step.size} pixels.", False]
                self._view.put(FULL, before=before, after=after, losses=totals[:], message=message)
            if stop.is_set():
                raise StopIteration

        try:
            before = png(self._reduced(paths[0]))
            resized = parts.resized_masks(masks, self._read(paths[0])[1])
            self.result = style_transfer(paths[0], paths[1:], **settings | resized, callback=follow)
            self._result_masks = masks
        finally:
            self._set_painting(False)
        title = "Stopped" if self.result.interrupted else "Painted"
        self._view.show(FULL, self.result, f"{title} after {self.result.history[-1].seconds:.0f} s", settings)

    def _set_painting(self, painting):
        self._buttons["Paint"].disabled = self._runs.disabled = painting
        self._buttons["Stop"].disabled = not painting
        self._buttons["Keep"].disabled = painting or self.result is self._kept
        self._view.work = [None, "preparing …"] if painting else []
        self._view.switch.disabled = not painting and self.result is None
        if painting or self.result is None:
            self._view.switch.value = FULL if painting else PREVIEW
