"""Many runs: `style_transfer` for every combination of some settings, and runs compared in a table and a figure."""

import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ..image import reduced
from ..results.plot import plot_images, save_figure
from ..results.result import Result
from ..support.checks import reason, suggestion
from ..support.files import sha256, write_file
from ..support.settings import Settings
from ..support.types import PathLike
from ..transfer import DEFAULTS, style_transfer

PICTURES = ("content", "style")
MAX_ON_A_SHEET, THUMBNAIL = 96, 384  # pictures, and the longer side of each in pixels
MAX_NAME_LENGTH, DIGITS = 60, 12  # characters of a folder's name that describe its cell, and that are its digest


class Sweep(NamedTuple):
    """The results of a sweep; `table.csv` in `folder` holds the table, `sheet.png` the figure."""

    table: list[dict]  #: a row for each cell: its values, the `numbers` of its result, its folder's name, its error
    folder: Path
    grid: dict[str, list]

    def results(self) -> Iterator[Result | None]:
        """Yield the `Result` of each row; None for a cell with an error."""
        return (Result.load(self.folder / row["folder"]) if not row["error"] else None for row in self.table)

    @property
    def figure(self) -> Figure:
        """The first MAX_ON_A_SHEET pictures under the values that vary."""
        pictures, columns = {}, len(list(self.grid.values())[-1])
        varied = [key for key, values in self.grid.items() if len(values) > 1] or list(self.grid)
        for row, result in itertools.islice(zip(self.table, self.results(), strict=True), MAX_ON_A_SHEET):
            if result is not None:
                title = "\n".join(_label(key, row[key]) for key in varied)
                title = f"{title} ({row['folder'][-DIGITS:]})" if title in pictures else title
                pictures[title] = reduced(result.image, THUMBNAIL)
        return plot_images(pictures, columns=columns if 1 < columns <= 6 else 6, height=1.8)


def sweep(grid: dict, folder: PathLike, *, progress: Callable | None = None, **fixed: Any) -> Sweep:
    """Run `style_transfer` for every combination of the values in `grid`; each combination is a cell.

    `grid` is {argument of `style_transfer`: list of values}, also with "content" and "style"; the last argument varies
    fastest. A list within the list of styles mixes several. `{"content": sorted(Path("photographs").glob("*.jpg"))}` is
    a folder. `fixed` are arguments that are the same for every cell. A wrong argument raises a `ValueError` before
    anything is run; a picture that cannot be read ends only its cells.

    Each finished cell is kept in a folder of its own in `folder`, see `Result.keep`; its picture has the folder's name.
    A sweep that was killed continues when it is called again, also with another grid. A finished cell is not run again.
    A cell whose input file has changed is. `progress(done, all)` gets numbers of cells, at the start and after each.
    """
    listed = _cells(grid, fixed)
    cells = {_name(grid, cell): cell for cell in listed}
    if len(cells) < len(listed):
        raise ValueError("grid must hold no value twice; two cells of it are the same.")
    folder, report, rows = Path(folder), progress or (lambda done, cells: None), {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, cell in cells.items():
        named, of_digest = folder / name, folder.glob(f"[!.]*{name[-DIGITS:]}")
        if place := named if named.is_dir() else next(of_digest, None):
            rows[name] = _row(grid, cell, Result.load(place), place.name)
    report(len(rows), len(cells))
    for name in [name for name in cells if name not in rows]:
        rows[name] = _row(grid, cells[name], _run(cells[name], folder / name), name)
        report(len(rows), len(cells))
    finished = Sweep([rows[name] for name in cells], folder, grid)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, dict.fromkeys(itertools.chain(*finished.table)))
    writer.writeheader()
    writer.writerows(finished.table)
    write_file(folder / "table.csv", text.getvalue().encode())
    if not all(row["error"] for row in finished.table):
        save_figure(finished.figure, folder / "sheet.png")
    return finished


class Comparison(NamedTuple):
    """Several runs side by side."""

    table: list[dict]  #: a row for each run: its name, the settings that differ between the runs, and its `numbers`
    figure: Figure  #: the pictures under their names


def compare(runs: dict[str, Result | PathLike]) -> Comparison:
    """Compare runs in a table and a figure; `runs` is {name: `Result` or run folder}."""
    if not isinstance(runs, dict) or not runs:
        raise ValueError(f"runs must be a dictionary of at least one {{name: Result}}; got {runs!r}.")
    results = {name: run if isinstance(run, Result) else Result.load(run) for name, run in runs.items()}
    first, *others = (result.settings for result in results.values())
    names = dict.fromkeys(name for result in results.values() for name in result.settings)
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


def _run(cell, folder):
    """Run a cell; keep its result and return it, or return an error message."""
    try:
        result = style_transfer(**cell)
    except (ValueError, OSError) as error:
        return reason(error)
    if result.interrupted:
        raise KeyboardInterrupt
    result.keep(folder)
    (folder / "result.png").rename(folder / f"{folder.name}.png")  # so that pictures gathered in one place differ
    return result


def _cells(grid, fixed):
    """Return the arguments of `style_transfer` for every cell; raise a `ValueError` if the grid is wrong."""
    if not isinstance(grid, dict) or not grid:
        raise ValueError(f"grid must be a dictionary {{argument of style_transfer: list of values}}; got {grid!r}.")
    known = (*PICTURES, *vars(DEFAULTS))
    for name in (*grid, *fixed):
        if name not in known:
            raise ValueError(f"{name!r} is no argument that a sweep can have.{suggestion(name, known)}")
    for name, values in grid.items():
        if name in fixed:
            raise ValueError(f"{name} is in grid and fixed; give it once.")
        if not isinstance(values, (list, tuple)) or not values:
            raise ValueError(f"grid[{name!r}] must be a list of at least one value; got {values!r}.")
    if missing := [name for name in PICTURES if name not in (*grid, *fixed)]:
        raise ValueError(f"{missing[0]} must be in grid, or given for all cells.")
    return [fixed | dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _name(grid, cell):
    """Return the name of a cell's folder: its values in the grid, and a digest of everything its result depends on."""
    settings, style = Settings.of(vars(DEFAULTS) | cell), cell["style"]
    if not isinstance(settings.network, str):
        raise ValueError("a sweep needs a network by its name; a model of your own has no name that identifies it.")
    with warnings.catch_warnings(action="ignore"):  # the run gives the same warnings
        record = settings.checked(styles=len(style) if isinstance(style, (list, tuple)) else 1).record()
    sources = {name: _identity(cell.get(name)) for name in (*PICTURES, "masks", "style_masks", "init", "weights")}
    digest = hashlib.sha256(json.dumps(record | sources, sort_keys=True).encode()).hexdigest()
    values = ", ".join(_label(key, cell[key]) for key in grid)
    return re.sub(r"[^-+=.,() \w]", "_", values)[:MAX_NAME_LENGTH].lstrip(".") + f" {digest[:DIGITS]}"


def _identity(source):
    """Return what stands for a picture, or a list of pictures, in the digest: a hash of its bytes, not its name."""
    if isinstance(source, (list, tuple)):
        return [_identity(one) for one in source]
    if isinstance(source, (str, os.PathLike)):
        with contextlib.suppress(OSError):  # the run of this cell says why the file cannot be read
            return sha256(source) if os.path.isfile(source) else str(source)
        return str(source)
    array = np.asarray(source)
    return None if source is None else [hashlib.sha256(array.tobytes()).hexdigest(), str(array.dtype), *array.shape]


def _row(grid, cell, outcome, name):
    row = {key: _value(cell[key]) for key in grid}
    if isinstance(outcome, str):
        return row | {"folder": "", "error": outcome}
    return row | numbers(outcome) | {"folder": name, "error": ""}


def _label(key, value):
    return str(_value(value)) if key in PICTURES else f"{key} {_value(value)}"


def _value(value):
    """Return a value of the grid as the table shows it: a path as the file's name, an array as "picture …"."""
    if isinstance(value, (list, tuple)):
        return " + ".join(str(_value(one)) for one in value)
    if isinstance(value, (Image.Image, np.ndarray)):
        return f"picture {_identity(value)[0][:4]}"
    return Path(value).stem if isinstance(value, os.PathLike) or os.path.isfile(str(value)) else value
