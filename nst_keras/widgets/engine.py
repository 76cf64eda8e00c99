"""The part of the mixing desk without widgets: a thread, previews, the code of a picture, and files."""

import itertools
import json
import os
import re
import tempfile
import textwrap
import threading
from collections import namedtuple
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ImageDraw, ImageFont, ImageOps

from ..image import fitting_shape, load_image, reduced, resize, to_pil
from ..masks.basics import resize_mask
from ..network import build_network
from ..results.result import Result
from ..support.checks import suggestion
from ..support.files import write_file
from ..support.pictures import MIN_SIDE, WRITABLE, encoded
from ..support.settings import Settings, layers_read
from ..support.types import ImageArray, MaskArray, PathLike
from ..transfer import DEFAULTS, style_transfer

PREVIEW_SIZE, PREVIEW_ITERATIONS = 160, 20  # at each of two sizes; two seconds on two cores, half of it to compile
PREVIEW_SOURCE = 640  # pixels: previews read pictures at this size, which the largest `style_scale`, 4, needs
STRIP_HEIGHT, STRIP_GAP = 240, 6  # pixels

Job = namedtuple("Job", "run delay replaceable stop")


class Background:
    """Run jobs, which must not raise exceptions, in a thread that exists only while there are jobs."""

    def __init__(self) -> None:
        self._changed, self._jobs = threading.Condition(), []  # the first job is the running one

    def submit(self, run: Callable, *, delay: float = 0.0, replaceable: bool = True) -> None:
        """Call `run(stop)` after `delay` seconds, in place of older replaceable jobs and after jobs that are not."""
        with self._changed:
            self.stop(replaceable=True)
            idle, waiting = not self._jobs, [job for job in self._jobs[1:] if not job.replaceable]
            self._jobs = [*self._jobs[:1], *waiting, Job(run, delay, replaceable, threading.Event())]
            if idle:
                threading.Thread(target=self._work, name="nst_keras desk", daemon=True).start()

    def stop(self, *, replaceable: bool = False) -> None:
        """Ask the jobs that are not replaceable, or those that are, to end."""
        with self._changed:
            for job in self._jobs:
                if job.replaceable == replaceable:
                    job.stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds until all jobs are done; return False if some are not."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs, timeout)

    def _work(self):
        more = True
        while more:
            job = self._jobs[0]
            if not (job.delay and job.stop.wait(job.delay)):
                job.run(job.stop)
            with self._changed:
                del self._jobs[0]
                more = bool(self._jobs)
                self._changed.notify_all()


def plain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings as JSON has them, so that code can spell them; raise a `ValueError` for any others."""
    known = [name for name in vars(DEFAULTS) if name not in ("shares", "masks")]
    plain = {}
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"{name} is not a setting of the desk.{suggestion(name, known)}")
        try:
            plain[name] = json.loads(json.dumps(value))
        except TypeError:
            kinds = "a number, a string, or a list or dictionary of them, so that the desk can write code for it"
            raise ValueError(f"{name} must be {kinds}; got {type(value).__name__}.") from None
    return plain


class Mix(NamedTuple):
    """What to paint: paths, and keyword arguments of `style_transfer`; all are plain values except the masks."""

    content: str
    styles: list
    settings: dict

    def source_code(self, folder: PathLike) -> str:
        """Return Python that paints exactly this picture and shows it. The masks are saved in `folder` by `keep`."""
        settings = dict(self.settings)
        if "masks" in settings:
            name = f"{Path(self.content).stem}_mask.png"
            settings["masks"] = [keep(png(mask), folder, name).as_posix() for mask in settings["masks"]]
        style = self.styles[0] if len(self.styles) == 1 else self.styles
        arguments = [repr(self.content), repr(style), *(f"{name}={value!r}" for name, value in settings.items())]
        lines = "".join(f"    {argument},\n" for argument in arguments)
        return f"from nst_keras import style_transfer\n\nresult = style_transfer(\n{lines})\nresult.show()"


class Previews:
    """Small, short runs. They share one network, and pictures that `reduced(path)` reads once."""

    def __init__(self, start: Settings) -> None:
        self._start, self._network = start, None
        self.reduced = cache(lambda path: reduced(load_image(path), PREVIEW_SOURCE))

    def paint(self, mix: Mix, stop: threading.Event) -> Result:
        """Return the preview of a mix. It starts anew, so that it does not depend on earlier previews."""
        start = self._start
        if self._network is None:
            layers = layers_read(start.content_layers, start.style_layers)
            self._network = build_network(start.network, layers, pooling=start.pooling, weights=start.weights)
        content = self.reduced(mix.content)
        done = "network", "pooling", "weights", "precision"  # the network has them
        settings = {name: value for name, value in mix.settings.items() if name not in done}
        settings["size"] = max(fitting_shape(content.shape, PREVIEW_SIZE, minimum=MIN_SIDE))
        settings["iterations"] = min(PREVIEW_ITERATIONS, start.iterations)
        if "masks" in settings:
            settings["masks"] = [resize_mask(mask, content.shape) for mask in settings["masks"]]
        styles = [self.reduced(path) for path in mix.styles]

        def end_if_stopped(step):
            if stop.is_set():
                raise StopIteration

        return style_transfer(content, styles, network=self._network, callback=end_if_stopped, **settings)


def starting_paths(content: Any, styles: Any, folder: PathLike) -> tuple[str, list[str], list[str]]:
    """Return the content, the styles, and all pictures to choose from: these and the pictures in `folder`.

    By default the content is the first picture in the folder, and the style the last.
    """
    folder = Path(folder)
    if folder.is_absolute():  # a relative path is shorter, and the same on another computer
        with suppress(ValueError):  # another drive
            folder = Path(os.path.relpath(folder))
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in WRITABLE)
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
        if path.is_file() and path.read_bytes() == data:
            return path
        with suppress(FileExistsError):
            path.touch(exist_ok=False)  # reserves the name
            try:
                write_file(path, data)
            except BaseException:
                path.unlink()
                raise
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


def png(image: ImageArray | MaskArray, max_side: float = float("inf")) -> bytes:
    """Return an image or a mask as a PNG file; the longer side has at most `max_side` pixels."""
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
