"""Showing runs to others: side by side, as an animation, as one page that opens without a server."""

import base64
import html
import io
import json
from pathlib import Path
from string import Template
from typing import NamedTuple

from matplotlib.figure import Figure

from ..image import check_output, encoded, reduced, resize, to_pil, write_picture
from ..plot import plot_images, plot_losses
from ..run import Result
from ..support.files import write_file

MAX_PAGE_SIDE = 1600  # longer side of its pictures, in pixels


class Frames:
    """A callback that keeps pictures of a run on the way: for `save_gif`, and for `Result.keep(folder, frames=…)`.

    Parameters
    ----------
    every : int
        Keep the picture of every so many iterations; the first one, too.
    size : int
        Longer side of what is kept, in pixels; smaller pictures are kept as they are.
    also : callable, optional
        Another callback, such as `ProgressBar()`, which is called with every step first.

    Attributes
    ----------
    images : dict
        {iteration: image array}.
    """

    def __init__(self, every=5, size=256, *, also=None):
        self.every, self.size, self.also, self.images = every, size, also, {}

    def __call__(self, step):
        if self.also is not None:
            self.also(step)
        if step.iteration == 1 or step.iteration % self.every == 0:
            self.images[step.iteration] = reduced(step.image, self.size)


def save_gif(frames, path, *, seconds=0.1):
    """Write the pictures of a run as an animated GIF, each `seconds` long, the last one two seconds.

    A GIF has 256 colours for each picture: it shows how a run went; the result itself is a PNG.

    Raises
    ------
    ValueError
        No frames were kept, `path` does not end in .gif, or there is no such folder.
    """
    path = check_output(path, suffixes=[".gif"])
    if not frames.images:
        raise ValueError("frames holds no pictures: give it to a run first, as callback=frames.")
    shape = max((image.shape for image in frames.images.values()), key=max)
    pictures = [to_pil(resize(image, shape)) for image in frames.images.values()]
    durations = [round(1000 * seconds)] * (len(pictures) - 1) + [2000]
    write_picture(pictures[0], path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)


class Comparison(NamedTuple):
    """Runs side by side, see `compare`.

    Attributes
    ----------
    table : list of dict
        One row for each run: its name, the settings in which runs differ, and its numbers, see `numbers`.
    figure : matplotlib.figure.Figure
        The pictures under their names.
    """

    table: list
    figure: Figure


def compare(runs):
    """Runs side by side: a table of what differs between them, and a figure.

    Parameters
    ----------
    runs : dict
        {name: Result or run folder}.

    Returns
    -------
    Comparison
    """
    if not isinstance(runs, dict) or not runs:
        raise ValueError(f"runs must be a dictionary of at least one {{name: Result}}; got {runs!r}.")
    results = {name: run if isinstance(run, Result) else Result.load(run) for name, run in runs.items()}
    first, *others = (result.settings for result in results.values())
    names = list(dict.fromkeys(name for result in results.values() for name in result.settings))
    differing = [name for name in names if any(other.get(name) != first.get(name) for other in others)]
    table = [
        {"run": name} | {key: result.settings.get(key) for key in differing} | numbers(result)
        for name, result in results.items()
    ]
    return Comparison(table, plot_images({name: result.image for name, result in results.items()}, columns=4))


def numbers(result):
    """A result in numbers: iterations made, and the smallest loss at the last size, with its terms by group."""
    last = [step for step in result.history if step.size == result.history[-1].size]
    best = min(last, key=lambda step: step.total)
    parts = {}
    for name, value in best.terms.items():
        group = f"{name.split()[0]} loss"
        parts[group] = parts.get(group, 0.0) + value
    return {"iterations made": len(result.history), "loss": best.total} | parts


def save_page(result, path, *, title="Style transfer"):
    """Write one HTML page that shows a run: a slider between content and result, the styles, losses and settings.

    All is in the file, pictures as data: it opens without a server or a network, and may be sent by mail. Arrow keys
    move the slider. Names of folders on this machine are left out.

    Parameters
    ----------
    result : Result
        With a content.
    path : path
        Ends in .html; an older file is replaced.
    title : str

    Raises
    ------
    ValueError
        The result has no content to compare with, `path` does not end in .html, or there is no such folder.
    """
    path = check_output(path, suffixes=[".html"])
    if result.content is None:
        raise ValueError("result has no content to compare with: it is a texture; save its image instead.")
    curves = io.BytesIO()
    plot_losses(result.history).savefig(curves, format="png")
    height, width = result.image.shape[:2]
    filled = {
        "title": html.escape(title),
        "content": _data(result.content),
        "result": _data(result.image),
        "ratio": f"{width} / {height}",
        "width": str(width),
        "facts": f"{width} × {height} pixels, {len(result.history)} iterations",
        "styles": "\n".join(
            f'<img src="{_data(style)}" alt="Style {i}">' for i, style in enumerate(result.styles, start=1)
        ),
        "losses": "data:image/png;base64," + base64.b64encode(curves.getvalue()).decode(),
        "settings": "\n".join(
            f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(_told(value))}</td></tr>"
            for name, value in result.settings.items()
            if value is not None
        ),
    }
    page = Template((Path(__file__).with_name("page.html")).read_text(encoding="utf-8"))
    write_file(path, page.substitute(filled).encode())


def _data(image):
    """An image as a JPEG in a data URI."""
    jpeg = encoded(to_pil(reduced(image, MAX_PAGE_SIDE)), "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _told(value):
    """A setting as text, without the folders of paths in it."""
    if isinstance(value, str):
        return value.replace("\\", "/").rsplit("/", 1)[-1]
    if isinstance(value, list):
        return ", ".join(_told(one) for one in value)
    return json.dumps(value, ensure_ascii=False)
