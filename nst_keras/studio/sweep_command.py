"""python -m nst_keras sweep PHOTOGRAPH … --style STYLE … -o FOLDER: a folder of photographs, a grid of settings."""

import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from ..support.checks import suggestion
from ..support.command_line import Parser
from ..support.pictures import picture_files
from ..transfer import DEFAULTS
from .sweeps import sweep


def build_parser() -> Parser:
    """Return the parser of the subcommand `sweep`."""
    parser = Parser(
        prog="python -m nst_keras sweep",
        description="Paint every photograph in every style with every setting. Finished pictures in FOLDER are "
        "not painted again: after a crash, the same command continues.",
        epilog="example: python -m nst_keras sweep holiday --style night.jpg mosaic.jpg -o painted "
        "--set size=384 --set style_weight=2,6,20",
    )
    add = parser.add_argument
    add("content", nargs="+", help="photographs, and folders of photographs")
    add("--style", nargs="+", action="extend", required=True, help="one or more pictures; each is a style of its own")
    add("-o", "--output", required=True, metavar="FOLDER", help="folder for the runs, a table and a contact sheet")
    setting = "an argument of style_transfer with one value or more, such as style_weight=2,6,20"
    add("--set", action="append", default=[], metavar="NAME=VALUE,…", help=setting)
    add("--workers", type=int, default=1, help="number of processes that paint at the same time (default: 1)")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a command line whose first word is "sweep"; return the exit status."""
    options = build_parser().parse_args(arguments[1:])
    if options.workers < 1:
        raise ValueError(f"--workers must be at least 1; got {options.workers}.")
    listed = [picture_files(name, "content") if Path(name).is_dir() else [Path(name)] for name in options.content]
    settings = dict(map(_setting, options.set))
    fixed = {name: values[0] for name, values in settings.items() if len(values) == 1}
    grid = {"content": [path for paths in listed for path in paths], "style": options.style}
    grid |= {name: values for name, values in settings.items() if name not in fixed}
    spawned = partial(ProcessPoolExecutor, options.workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        with tqdm(unit="picture") as bar, spawned() if options.workers > 1 else nullcontext() as executor:

            def progress(done, cells):
                bar.total, bar.n = cells, done
                bar.refresh()

            finished = sweep(grid, options.output, executor=executor, progress=progress, **fixed)
    except KeyboardInterrupt:
        print(f"stopped; finished pictures are in {options.output}, the same command continues.", file=sys.stderr)
        return 130
    wrong = [row for row in finished.table if row["error"]]
    first = {row["error"]: row for row in reversed(wrong)}  # a broken photograph is wrong in every cell that has it
    for error, row in first.items():
        print(f"error: {row['content']}, {row['style']}: {error}", file=sys.stderr)
    print(f"{options.output}: {len(finished.table) - len(wrong)} pictures, table.csv, sheet.png")
    return 1 if wrong else 0


def _setting(text):
    """Return ("size", [128, 256]) for "size=128,256"; a value is a whole number, another number, or a text."""
    name, equals, values = text.partition("=")
    name, known = name.replace("-", "_"), vars(DEFAULTS)
    if not equals or name not in known:
        expected = "--set must be NAME=VALUE,… with an argument of style_transfer"
        raise ValueError(f"{expected}; got {text!r}.{suggestion(name, known)}")
    return name, [_value(value) for value in values.split(",")]


def _value(text):
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None if text == "None" else text
