"""The runs behind the mixing desk: quick previews, full pictures, and the code for one."""

from pathlib import Path
from typing import NamedTuple

from ..color import after_transfer
from ..image import MIN_SIDE, fitting_shape, load_image, reduced, resize
from ..masks.basics import resize_mask
from ..network import build_network
from ..settings import layers_read
from ..support.checks import suggestion
from ..support.runs import SETTINGS
from ..transfer import style_transfer
from .picture_files import keep, png

PREVIEW_SIZE = 160
PREVIEW_ITERATIONS = 20  # at each of two sizes: about two seconds on two cores, half of it to compile
PREVIEW_SOURCE = 640  # pixels that pictures are reduced to for previews: what the largest brush, 4, asks for
LOOK_SECONDS = 0.5  # between two looks at a picture while it is painted
NETWORK = ("network", "pooling", "weights", "precision")

DEFAULTS = {name: value for name, value in SETTINGS.items() if name not in ("shares", "masks")}


def plain_settings(settings):
    """Settings as values that code can spell out; a `ValueError` for others, and for names the desk does not have."""
    unknown = [name for name in settings if name not in DEFAULTS]
    if unknown:
        raise ValueError(f"{unknown[0]} is no setting of the desk's.{suggestion(unknown[0], DEFAULTS)}")
    return {name: _plain(name, value) for name, value in settings.items()}


def _plain(name, value):
    if isinstance(value, dict):
        return {key: _plain(name, one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):  # correlations are tuples
        return [_plain(name, one) for one in value]
    if value is None or type(value) in (str, bool, int, float):
        return value
    raise ValueError(
        f"{name} must be a number, a string, or a list or dictionary of them, so that the desk's code can say it; got "
        f"{type(value).__name__}."
    )


class Mix(NamedTuple):
    """What is to be painted: paths, and keyword arguments of `style_transfer`, plain values but for the masks."""

    content: str
    styles: list
    settings: dict

    def source_code(self, folder):
        """Python that paints it, to the bit, and shows it. Masks are kept in `folder`, see `keep`."""
        settings = dict(self.settings)
        if "masks" in settings:
            name = f"{Path(self.content).stem}_mask.png"
            settings["masks"] = [keep(png(mask), folder, name).as_posix() for mask in settings["masks"]]
        style = self.styles[0] if len(self.styles) == 1 else self.styles
        arguments = [repr(self.content), repr(style), *(f"{name}={value!r}" for name, value in settings.items())]
        lines = "".join(f"    {argument},\n" for argument in arguments)
        return f"from nst_keras import style_transfer\n\nresult = style_transfer(\n{lines})\nresult.show()"


class Engine:
    """Paints mixes; `settings` are those of `checked_settings`. Previews share one network, which is built once."""

    def __init__(self, settings):
        self._settings, self._network, self._reduced = settings, None, {}

    def reduced(self, path):
        """A picture, at most 640 pixels wide and high; it is read once."""
        if path not in self._reduced:
            self._reduced[path] = reduced(load_image(path), PREVIEW_SOURCE)
        return self._reduced[path]

    def preview(self, mix, stop):
        """The `Result` of a small run with few iterations, from the start: where sliders came from must not show.

        `stop` is an event that ends it.
        """
        if self._network is None:
            name, pooling, weights = (self._settings[name] for name in NETWORK[:3])
            self._network = build_network(name, layers_read(self._settings), pooling=pooling, weights=weights)
        content = self.reduced(mix.content)
        settings = {name: value for name, value in mix.settings.items() if name not in NETWORK}
        settings["size"] = max(fitting_shape(content.shape, PREVIEW_SIZE, minimum=MIN_SIDE))
        settings["iterations"] = min(PREVIEW_ITERATIONS, self._settings["iterations"])
        if "masks" in settings:
            settings["masks"] = [resize_mask(mask, content.shape) for mask in settings["masks"]]
        styles = [self.reduced(path) for path in mix.styles]
        return style_transfer(content, styles, network=self._network, callback=_until(stop), **settings)

    def paint(self, mix, stop, look):
        """The `Result` of the full run. `look(step, image)` is called now and then, in the colours it will have."""
        content, seen = self.reduced(mix.content), 0.0
        color, strength = mix.settings.get("preserve_color"), mix.settings.get("color_strength", 1.0)

        def follow(step):
            nonlocal seen
            if step.seconds - seen >= LOOK_SECONDS:
                seen = step.seconds
                look(step, after_transfer(step.image, resize(content, step.image.shape), color, strength=strength)[0])

        return style_transfer(mix.content, mix.styles, callback=_until(stop, follow), **mix.settings)


def _until(stop, follow=None):
    """A callback that ends a run when an event is set."""

    def callback(step):
        if follow:
            follow(step)
        if stop.is_set():
            raise StopIteration

    return callback
