"""Sweeps: style transfer for every cell of a grid of settings, here or on any number of machines.

Each finished cell is a run folder, see `kept_runs`. It appears whole, and is never run again: a sweep that was killed
goes on when it is called again.
"""

import csv
import hashlib
import io
import itertools
import json
import os
import re
import warnings
from concurrent.futures import BrokenExecutor, as_completed
from pathlib import Path

import numpy as np
from PIL import Image

from ..image import reduced
from ..plot import plot_images, save_figure
from ..run import Result
from ..settings import checked_settings
from ..support.checks import suggestion
from ..support.files import sha256, write_file
from ..support.runs import SETTINGS
from ..transfer import style_transfer
from .share import numbers

PICTURES = ("content", "style")
MAX_ON_A_SHEET, THUMBNAIL = 96, 384  # pictures, and the longer side of each in pixels
MAX_NAME_LENGTH, DIGITS = 60, 12  # of a cell's folder: letters that say what it is, and of its digest


class Sweep:
    """What a sweep gives back.

    Attributes
    ----------
    table : list of dict
        One row for each cell, in the grid's order: what it varies, `numbers` of the result, its folder's name, and the
        error, if there was one. The same wherever it ran. Also in `table.csv`.
    folder : pathlib.Path
    """

    def __init__(self, table, folder, grid):
        self.table, self.folder, self._grid = table, folder, grid

    def results(self):
        """A `Result` for each row, in turn; None for a cell with an error."""
        return (Result.load(self.folder / row["folder"]) if not row["error"] else None for row in self.table)

    @property
    def figure(self):
        """The contact sheet: the first MAX_ON_A_SHEET pictures under what they vary. Also in `sheet.png`."""
        pictures, columns = {}, len(list(self._grid.values())[-1])
        varied = [key for key, values in self._grid.items() if len(values) > 1] or list(self._grid)
        for row, result in itertools.islice(zip(self.table, self.results(), strict=True), MAX_ON_A_SHEET):
            if result is not None:
                title = "\n".join(_label(key, row[key]) for key in varied)
                title = f"{title} ({row['folder'][-DIGITS:]})" if title in pictures else title
                pictures[title] = reduced(result.image, THUMBNAIL)
        return plot_images(pictures, columns=columns if 1 < columns <= 6 else 6, height=1.8)


def sweep(grid, folder, *, executor=None, progress=None, **fixed):
    """Run `style_transfer` for every combination of the values in `grid`.

    Parameters
    ----------
    grid : dict
        {argument of `style_transfer`: list of values}, also "content" and "style". The last one varies fastest. A
        picture is a path, a PIL image or an array; a list within the list of styles mixes several. A folder of
        photographs is `{"content": sorted(Path("photographs").glob("*.jpg"))}`.
    folder : path
        New, or that of a sweep: cells finished there are not run again, also those of another grid. The same path with
        another file behind it is another cell.
    executor : concurrent.futures.Executor, optional
        Where the cells run; by default here, one after the other. With `ProcessPoolExecutor(2, mp_context=
        multiprocessing.get_context("spawn"))` in two processes; with Dask's `client.get_executor()` wherever its
        workers are. Workers must be able to read the paths; arrays travel. Only this process writes.
    progress : callable, optional
        Called as progress(done, all) with numbers of cells, at the start and whenever one is done.
    fixed
        Other arguments of `style_transfer`, the same for every cell.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        An argument is wrong: before anything is run. What is wrong with a picture is found by its cell: such errors are
        in the table, and the others go on.
    """
    listed = _cells(grid, fixed)
    cells = {_name(grid, cell): cell for cell in listed}
    if len(cells) < len(listed):
        raise ValueError("grid must hold no value twice; two cells of it are the same.")
    folder, report = Path(folder), progress or (lambda done, cells: None)
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for name, cell in cells.items():
        place = _finished(folder, name)
        if place is not None:
            rows[name] = _row(grid, cell, Result.load(place), place.name)
    report(len(rows), len(cells))
    for name, outcome in _outcomes({name: cell for name, cell in cells.items() if name not in rows}, executor):
        if isinstance(outcome, Result):
            outcome.keep(folder / name)
        rows[name] = _row(grid, cells[name], outcome, name)
        report(len(rows), len(cells))
    made = Sweep([rows[name] for name in cells], folder, grid)
    _write_table(made.table, folder / "table.csv")
    if not all(row["error"] for row in made.table):
        save_figure(made.figure, folder / "sheet.png")
    return made


def run_cell(cell):
    """One cell: a `Result`, or what was wrong with it as text. At the top of a module, so that workers find it."""
    try:
        result = style_transfer(**cell)
    except ValueError as error:
        return str(error)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _outcomes(cells, executor):
    """(name, what `run_cell` gave) of every cell, as they come."""
    if executor is None:
        yield from ((name, run_cell(cell)) for name, cell in cells.items())
        return
    futures = {executor.submit(run_cell, cell): name for name, cell in cells.items()}
    try:
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenExecutor as error:
        raise RuntimeError("A worker died. What is finished is kept: call the sweep again, and it goes on.") from error
    finally:
        for future in futures:
            future.cancel()


def _cells(grid, fixed):
    """Arguments of `style_transfer` for every cell, checked."""
    if not isinstance(grid, dict) or not grid:
        raise ValueError(f"grid must be a dictionary {{argument of style_transfer: list of values}}; got {grid!r}.")
    known = (*PICTURES, *SETTINGS)
    for name in (*grid, *fixed):
        if name not in known:
            raise ValueError(f"{name!r} is no argument that a sweep can have.{suggestion(name, known)}")
    for name, values in grid.items():
        if name in fixed:
            raise ValueError(f"{name} is in grid and fixed; give it once.")
        if not isinstance(values, (list, tuple)) or not values:
            raise ValueError(f"grid[{name!r}] must be a list of at least one value; got {values!r}.")
    for name in PICTURES:
        if name not in (*grid, *fixed):
            raise ValueError(f"{name} must be in grid, or given for all cells.")
    return [fixed | dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _name(grid, cell):
    """Of a cell's folder: what it varies, for people, and a digest of all that its result depends on."""
    settings = {name: cell.get(name, default) for name, default in SETTINGS.items()}
    if not isinstance(settings["network"], str):
        raise ValueError("a sweep needs a network by its name: a model of your own cannot travel.")
    styles = cell["style"] if isinstance(cell["style"], (list, tuple)) else [cell["style"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself will say it
        checked = checked_settings(styles=len(styles), **settings)
    sources = {name: _identity(cell.get(name)) for name in (*PICTURES, "masks", "style_masks", "init", "weights")}
    digest = hashlib.sha256(json.dumps(checked | sources, sort_keys=True).encode()).hexdigest()
    told = ", ".join(_label(key, cell[key]) for key in grid)
    return re.sub(r"[^-+=.,() \w]", "_", told)[:MAX_NAME_LENGTH] + f" {digest[:DIGITS]}"


def _identity(source):
    """What stands for a picture, or a list of them, in a digest: of its bytes, not of its name."""
    if isinstance(source, (list, tuple)):
        return [_identity(one) for one in source]
    if isinstance(source, (str, os.PathLike)):
        return sha256(source) if os.path.isfile(source) else str(source)
    if source is None:
        return None
    array = np.asarray(source)
    return [hashlib.sha256(array.tobytes()).hexdigest(), str(array.dtype), *array.shape]


def _finished(folder, name):
    """The folder of a cell that is finished; None if it is not."""
    return next((place for place in folder.glob(f"*{name[-DIGITS:]}") if not place.name.startswith(".")), None)


def _row(grid, cell, outcome, name):
    row = {key: _value(cell[key]) for key in grid}
    if isinstance(outcome, Result):
        return row | numbers(outcome) | {"folder": name, "error": ""}
    return row | {"folder": "", "error": outcome}


def _label(key, value):
    return str(_value(value)) if key in PICTURES else f"{key} {_value(value)}"


def _value(value):
    """A value of the grid as the table shows it: of a path the file's name, of an array that it is one."""
    if isinstance(value, (list, tuple)):
        return " + ".join(str(_value(one)) for one in value)
    if isinstance(value, (Image.Image, np.ndarray)):
        return f"picture {hashlib.sha256(np.asarray(value).tobytes()).hexdigest()[:4]}"
    return Path(value).stem if isinstance(value, os.PathLike) or os.path.isfile(str(value)) else value


def _write_table(table, path):
    names = dict.fromkeys(name for row in table for name in row)
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, names)
    writer.writeheader()
    writer.writerows(table)
    write_file(path, buffer.getvalue().encode())
