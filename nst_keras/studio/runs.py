"""One run: what it will take, before it starts; how it goes on after it was killed; how it is shown to others."""

import base64
import html
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize

from ..image import fitting_shape, load_image, reduced, to_pil
from ..large.memory import GIGABYTE, peak_memory
from ..results.result import Result
from ..results.runs import Checkpoint, read_run
from ..support.files import write_file
from ..support.pictures import check_output, encoded
from ..support.types import ImageSource, PathLike
from ..transfer import DEFAULTS, built_network, pyramid, style_transfer, with_margin

PROBES, PROBE_ITERATIONS = (96, 192), 12  # sizes in pixels, and iterations at each, of the short runs that are timed
UNTIMED = 2  # first iterations of a probe that are not timed, because they are slower
EVALUATIONS_AN_ITERATION = 1.05  # evaluations in one iteration of L-BFGS, because of its line search
START = 4.0  # seconds of a run outside its iterations: a function is compiled for each size
MAX_PAGE_SIDE = 1600  # longer side of the pictures in a page, in pixels


class Estimate(NamedTuple):
    """What a run will take; `print` shows it."""

    size: int  #: longer side of the result in pixels
    iterations: int  #: of all sizes together
    evaluations: int  #: of the objective, at all sizes together
    seconds: float  #: on this machine if it stays as busy as now, within about a third
    peak_memory: float  #: bytes without the program itself, within about 30 %

    def __str__(self):
        time = f"{self.seconds:.0f} s" if self.seconds < 120 else f"{self.seconds / 60:.1f} minutes"
        work = f"{self.iterations} iterations, about {self.evaluations} evaluations"
        return f"{self.size} px: {work}, {time}, {self.peak_memory / GIGABYTE:.1f} GB of memory"


def estimate(content: ImageSource, style: Any, **settings: Any) -> Estimate:
    """Estimate the time and memory of `style_transfer(content, style, **settings)`, from two tiny pictures.

    An iteration takes a constant time and a time for each pixel; both come from the timed iterations of runs at 96 and
    192 pixels, with the same settings.
    """
    settings = {name: value for name, value in settings.items() if name not in ("callback", "checkpoint")}
    checked = replace(DEFAULTS, **settings).checked(len(style) if isinstance(style, (list, tuple)) else 1)
    content = load_image(content, name="content")
    shapes = pyramid(content.shape, checked.size, checked.scales)
    constant, for_each = _seconds_an_iteration(content, style, settings, checked)
    iterations = checked.iterations * len(shapes)
    evaluations = iterations * (EVALUATIONS_AN_ITERATION if checked.optimizer.startswith("lbfgs") else 1.0)
    seconds = START + checked.iterations * sum(constant + for_each * math.prod(with_margin(s, checked)) for s in shapes)
    memory = peak_memory(built_network(checked), with_margin(shapes[-1], checked), checked.optimizer, checked.tile)
    return Estimate(checked.size, iterations, math.ceil(evaluations), seconds, memory)


def resume(folder: PathLike, *, callback: Callable | None = None) -> Result:
    """Continue a run that was killed from its last checkpoint; return the result of a finished run.

    The result is that of a run without a break, byte for byte, on one machine with the same versions and number of
    threads; so is the history, apart from the seconds. An interrupted run is continued, too. `folder` is the one that
    `style_transfer(…, checkpoint=folder)` was given; it also holds copies of the inputs. Raises a `ValueError` if it
    holds no run with checkpoints, or if a file in it is damaged or was changed.
    """
    folder = Path(folder)
    if (folder / "result.json").is_file() and not (result := Result.load(folder)).interrupted:
        return result
    return style_transfer(**read_run(folder, vars(DEFAULTS)), callback=callback, checkpoint=Checkpoint(folder))


def save_page(result: Result, path: PathLike, *, title: str = "Style transfer") -> None:
    """Write a web page of a run: a slider between content and result, the styles and the settings.

    The page is one .html file with the pictures in it, to be opened without a server or a network, or sent by mail. It
    does not tell the names of folders on this machine. An older file is replaced.
    """
    path = check_output(path, suffixes=[".html"])
    if result.content is None:
        raise ValueError("result has no content to compare with: it is a texture; save its image instead.")
    height, width = result.image.shape[:2]
    settings = {name: value for name, value in result.settings.items() if value is not None}
    lines = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items())
    lines = re.sub(r'"[^"]*[/\\]', '"', lines)  # of a path, only the file's name
    page = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        content=_data(result.content),
        result=_data(result.image),
        width=width,
        height=height,
        facts=f"{width} × {height} pixels, {len(result.history)} iterations",
        styles="\n".join(f'<img class="style" src="{_data(style)}" alt="A style">' for style in result.styles),
        settings=html.escape(lines),
    )
    write_file(path, page.encode())


def _seconds_an_iteration(content, style, settings, checked):
    """Return a constant and the seconds for each pixel."""
    pixels, seconds = [], []
    for size in PROBES:
        steps = []
        probe = {"size": size, "scales": 1, "iterations": PROBE_ITERATIONS, "tile": None}
        style_transfer(content, style, **settings | probe, callback=steps.append)
        pixels.append(math.prod(with_margin(fitting_shape(content.shape, size), checked)))
        seconds.append(np.median(np.diff([step.seconds for step in steps])[UNTIMED:]))
    return scipy.optimize.nnls(np.vander(pixels, 2, increasing=True), seconds)[0]


def _data(image):
    """Return an image as a JPEG in a data URI."""
    jpeg = encoded(to_pil(reduced(image, MAX_PAGE_SIDE)), "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
