"""Show runs to others: side by side, or as one web page that needs no server."""

import base64
import html
import json
import re
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from ..image import reduced, to_pil
from ..results.plot import plot_images
from ..results.result import Result
from ..support.files import write_file
from ..support.pictures import check_output, encoded
from ..support.types import PathLike

MAX_PAGE_SIDE = 1600  # longer side of the pictures in a page, in pixels


class Comparison(NamedTuple):
    """Several runs side by side, as `compare` returns them.

    `table` has one row for each run: its name, the settings that differ between the runs, and its `numbers`. `figure`
    shows the pictures under their names.
    """

    table: list[dict]
    figure: Figure


def compare(runs: dict[str, Result | PathLike]) -> Comparison:
    """Compare runs in a table and a figure; `runs` is {name: `Result` or run folder}."""
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


def numbers(result: Result) -> dict[str, Any]:
    """Return the number of iterations, the smallest loss at the last size (None without a step), its terms by group."""
    if not result.history:
        return {"iterations made": 0, "loss": None}
    best = min((step for step in result.history if step.size == result.history[-1].size), key=lambda step: step.total)
    parts = {}
    for name, value in best.terms.items():
        group = f"{name.split()[0]} loss"
        parts[group] = parts.get(group, 0.0) + value
    return {"iterations made": len(result.history), "loss": best.total} | parts


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


def _data(image):
    """Return an image as a JPEG in a data URI."""
    jpeg = encoded(to_pil(reduced(image, MAX_PAGE_SIDE)), "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
