"""A mixing desk for a notebook: pictures, weights, masks and colours, and a preview that follows the sliders."""

import base64
import functools
import html
from pathlib import Path

import numpy as np
from IPython.display import display
from ipywidgets import HTML, Box, Checkbox, FloatProgress, FloatSlider, HBox, Layout, VBox

from ..image import encoded, load_image, to_pil
from ..masks.basics import load_mask
from ..settings import WEIGHTS, checked_settings
from .background import Background
from .engine import DEFAULTS, Engine, Mix, plain_settings
from .painter import MaskPainter
from .parts import SHARE, SMALL, WIDE, BeforeAfter, Chooser, Code, button, controls, slider
from .picture_files import keep, keep_upload, named, png, starting_paths, strip

BUNDLED = Path(__file__).parents[2] / "images"
STYLES = ("style 1", "style 2", "style 3", "style 4")
DEBOUNCE = 0.25  # seconds without another change before a preview starts
MAX_SHOWN_SIDE = 1024  # pixels on the longer side of a picture that is sent to the browser


def said(method):
    """The method, with what goes wrong in it said in the desk: what a widget raises, nobody sees."""

    @functools.wraps(method)
    def guarded(self, *arguments):
        try:
            return method(self, *arguments)
        except Exception as error:
            kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
            self._say(f"{kind}{error}", "alert")

    return guarded


class MixingDesk(VBox):
    """A widget to try settings with; a notebook shows it as a cell's last line.

    Its preview is a run of its own, of few iterations at 160 pixels: it shows colours and the balance of the weights,
    not the brushwork of the full picture. Runs are in a thread, and the kernel stays free. Where a notebook is opened
    and nothing runs, the last pictures stand for the desk.

    Parameters
    ----------
    content : path, optional
        The photograph; the first of `pictures` by default. A file, so that the desk's code can name it.
    styles : path or list of paths, optional
        One to four; the last of `pictures` by default.
    masks : list of masks, optional
        One for each style, to start with; see `load_mask`. The desk keeps 256 levels of them.
    pictures : path
        Folder of pictures to choose from; that of the project by default.
    folder : path
        Where uploads, masks and saved pictures go. It is made when it is needed; nothing in it is overwritten.
    **settings
        Of `style_transfer`. What the desk has a control for starts there; the rest, such as `iterations`, stays.

    Attributes
    ----------
    result : Result or None
        The last full picture, also if it was stopped.

    Raises
    ------
    ValueError
        A picture, a mask or a setting is wrong. What goes wrong later, the desk says.
    """

    def __init__(self, content=None, styles=None, masks=None, *, pictures=BUNDLED, folder="desk", **settings):
        super().__init__()
        self.result, self.folder = None, Path(folder)
        content, styles, self._paths = starting_paths(content, styles, pictures)
        if len(styles) > len(STYLES):
            raise ValueError(f"styles must be at most {len(STYLES)} paths; got {len(styles)}.")
        settings = plain_settings(settings)
        start = checked_settings(styles=len(styles), shares=None, masks=masks, **DEFAULTS | settings)
        self.controls = controls(start)
        self._fixed = {k: v for k, v in settings.items() if k not in {*self.controls, "style_weights"}}
        self._engine, self._work = Engine(start), Background()
        self._rows, self._painters = [], {}  # of styles; and {photograph: the painter of its masks}
        self._painted = {}  # {photograph: {label: mask}}, of those that are not shown now
        self._still, self._hidden = None, Box(layout=Layout(display="none"))
        self._last = strip([self._engine.reduced(path) for path in (content, *styles)], "")
        if masks is not None:
            shape = load_image(content).shape
            loaded = [load_mask(mask, shape, name=f"masks[{i}]") for i, mask in enumerate(masks)]
            self._painted[content] = dict(zip(STYLES, loaded, strict=False))
        self._lay_out(content, masks is not None)
        for path, share in zip(styles, start["style_weights"], strict=True):
            self._add_style(path, round(share, 3))
        self._content_changed()

    def _lay_out(self, content, masked):
        self._content = Chooser("content", named(self._paths), content, self._content_changed, self._upload)
        self._styles, self._masks, self._view, self._code = VBox(), VBox(), BeforeAfter(), Code()
        self._add = button("Add a style", self._add_style, "Mix another style in", icon="plus")
        self._masked = Checkbox(masked, description="masks: each style in its place", indent=False, layout=WIDE)
        self._status, self._progress = HTML(), FloatProgress(max=1, layout=Layout(width="auto", height="8px"))
        paint = button("Paint", self.paint, "Paint the full picture", icon="paint-brush", button_style="primary")
        stop = button("Stop", self.stop, "Stop painting, and keep what there is", icon="stop")
        save = button("Save", self._save_result, "Save the last full picture", icon="save")
        code = button("Code for this", self._show_code, "Python that makes this picture", icon="code")
        self._buttons = paint, stop, save
        self._painting(False)
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self._masked.observe(self._masks_changed, "value")
        buttons = HBox([paint, stop, save, code], layout=Layout(flex_flow="row wrap"))
        settings = [control for name, control in self.controls.items() if name != "mask_mode"]
        column = {"flex": "1 1 330px", "min_width": "0", "padding": "0 12px 8px 0"}
        columns = [
            VBox([self._view, self._status, self._progress, buttons], layout=Layout(max_width="640px", **column)),
            VBox([self._content, self._styles, self._add, *settings, self._masked], layout=Layout(**column)),
        ]
        self.children = [Box(columns, layout=Layout(flex_flow="row wrap")), self._code, self._masks]

    @property
    def code(self):
        """Python that paints the full picture of what the controls say, to the bit; painted masks are saved for it."""
        return self._mix().source_code(self.folder)

    @said
    def paint(self):
        """Start to paint the full picture of what the controls say; after `wait`, it is `result`."""
        mix = self._mix()
        self._painting(True)
        self._work.submit(functools.partial(self._paint, mix), yields=False)

    def stop(self):
        """End the full picture that is being painted; `result` is then what there is of it."""
        self._work.stop()

    def wait(self, timeout=None):
        """Wait until nothing is being painted, at most `timeout` seconds; whether that is so."""
        return self._work.wait(timeout)

    def save(self):
        """Save the last full picture as a PNG in `folder`, under a name that is free; its path."""
        if self.result is None:
            raise ValueError("there is no full picture yet: paint it first.")
        name = "_".join(Path(path).stem for path in (self._painted_mix.content, *self._painted_mix.styles))
        return keep(png(self.result.image), self.folder, f"{name}.png")

    def _mix(self):
        """What the controls say."""
        settings = {name: control.value for name, control in self.controls.items()}
        settings |= {name: float(f"{settings[name]:.3g}") for name in WEIGHTS}  # as they are read
        if not settings["preserve_color"]:
            del settings["preserve_color"], settings["color_strength"]
        if len(self._rows) > 1:
            settings["style_weights"] = [row.share.value for row in self._rows]
        if masks := self._painted_masks():
            settings["masks"] = masks
        else:
            del settings["mask_mode"]
        return Mix(self._content.path, [row.path for row in self._rows], self._fixed | settings)

    def _painted_masks(self):
        """The masks, rounded to the levels of a file; none as long as nothing is painted."""
        if not self._masked.value:
            return []
        masks = [np.round(mask * 255) / np.float32(255) for mask in self._painters[self._content.path].masks.values()]
        black = [row.label for row, mask in zip(self._rows, masks, strict=True) if not mask.any()]
        if 0 < len(black) < len(masks):
            raise ValueError(f"The mask of {black[0]} is black everywhere: paint where it applies, or remove it.")
        return [] if black else masks

    # As an output of a notebook

    def _ipython_display_(self):
        """Two outputs: the widget; and one that shows a picture of it, but only where there are no widgets."""
        text = {"text/plain": "A mixing desk, to be used in a running notebook; the last pictures on it:"}
        display(self._repr_mimebundle_() | text, raw=True)
        self._still = display(self._still_data(), metadata=self._words(), raw=True, display_id=True)

    def _still_data(self):
        return self._hidden._repr_mimebundle_() | {"image/jpeg": base64.b64encode(self._last).decode()}

    def _words(self):
        return {"image/jpeg": {"alt": self._view.description}}

    # What happens when somebody does something

    @said
    def _changed(self, change=None):
        self._code.code = ""
        self.controls["color_strength"].disabled = not self.controls["preserve_color"].value
        self._work.submit(self._preview, delay=DEBOUNCE)

    @said
    def _content_changed(self):
        self._view.before = self._view.after = encoded(to_pil(self._engine.reduced(self._content.path)), "JPEG")
        self._view.description = "The photograph"
        self._masks_changed()

    @said
    def _masks_changed(self, change=None):
        """Show a painter of this photograph for these styles. What was painted for others is kept."""
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

    @said
    def _add_style(self, path=None, share=0.5):
        label = next(label for label in STYLES if label not in [row.label for row in self._rows])
        row = Chooser(label, named(self._paths), path or self._paths[-1], self._changed, self._upload)
        row.share = slider(FloatSlider, f"share of {label}", share, "How much of it is mixed in", **SHARE)
        row.share.observe(self._changed, "value")
        remove = button("", functools.partial(self._remove_style, row), f"Remove {label}", icon="times", layout=SMALL)
        row.children += (remove,)
        self._rows.append(row)
        self._styles_changed()

    @said
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

    @said
    def _upload(self, chooser, name, data):
        path = keep_upload(data, self.folder, name).as_posix()
        self._paths += [] if path in self._paths else [path]
        for one in (self._content, *self._rows):
            one.offer(named(self._paths), path if one is chooser else one.path)

    @said
    def _save_result(self):
        self._say(f"Saved as {self.save()}.")

    @said
    def _show_code(self):
        self._code.code = self.code

    # In the thread

    @said
    def _preview(self, stop):
        mix = self._mix()
        self._say("Preview …")
        result = self._engine.preview(mix, stop)
        if not result.interrupted:
            self._show(result, mix, "Preview")

    @said
    def _paint(self, mix, stop):
        def look(step, image):
            self._progress.value = step.progress
            self._say(f"Painting, {step.size} px: {step.progress:.0%} done.")
            self._view.after = png(image, MAX_SHOWN_SIDE)

        try:
            self.result, self._painted_mix = self._engine.paint(mix, stop, look), mix
        finally:
            self._painting(False)
        seconds = self.result.history[-1].seconds
        self._show(self.result, mix, f"{'Stopped' if self.result.interrupted else 'Painted'} after {seconds:.0f} s")

    def _painting(self, now):
        paint, stop, save = self._buttons
        paint.disabled, stop.disabled, save.disabled = now, not now, self.result is None
        self._progress.value = 0
        self._progress.layout.visibility = "visible" if now else "hidden"

    def _show(self, result, mix, what):
        height, width = result.image.shape[:2]
        self._view.before, self._view.after = png(result.content, MAX_SHOWN_SIDE), png(result.image, MAX_SHOWN_SIDE)
        notes = result.notes if result is self.result else []  # a preview's are about its few pixels
        self._say("\n".join([f"{what}: {width}×{height} pixels.", *notes]))
        spelled = [f"{name}={value}" for name, value in mix.settings.items() if name != "masks"]
        self._view.description = f"{what}: {', '.join(spelled)}"
        self._last = strip([result.content, *result.styles, result.image], self._view.description)
        if self._still:
            self._still.update(self._still_data(), metadata=self._words(), raw=True)

    def _say(self, text, role="status"):
        style = "line-height: 1.4; white-space: pre-line"
        style += "; color: var(--jp-error-color1, #d32f2f)" if role == "alert" else ""
        self._status.value = f'<div role="{role}" style="{style}">{html.escape(text)}</div>'
