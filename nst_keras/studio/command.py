"""python -m nst_keras sweep PHOTOGRAPH … --style STYLE … -o FOLDER: a folder of photographs, a grid of settings."""

import argparse
import contextlib
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm.auto import tqdm

from ..image import picture_files
from ..support.checks import suggestion
from ..support.runs import SETTINGS
from .sweeps import sweep


def build_parser():
    parser = argparse.ArgumentParser(
        prog="python -m nst_keras sweep",
        description="Paint every photograph in every style with every setting. What is finished in FOLDER is not "
        "painted again: the same command goes on after a crash.",
        epilog="example: python -m nst_keras sweep holiday --style night.jpg mosaic.jpg -o painted "
        "--set size=384 --set style_weight=2,6,20",
    )
    parser.add_argument("content", nargs="+", help="photographs, and folders of photographs")
    parser.add_argument("--style", nargs="+", required=True, help="pictures; each is a style of its own")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where the runs, a table, a sheet go")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE,…",
        help="an argument of style_transfer with one value or more, such as style_weight=2,6,20",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that paint at the same time (default: 1)")
    return parser


def main(arguments=None):
    options = build_parser().parse_args(arguments)
    try:
        grid = {"content": _photographs(options.content), "style": options.style}
        settings = dict(map(_setting, options.set))
        fixed = {name: values[0] for name, values in settings.items() if len(values) == 1}
        grid |= {name: values for name, values in settings.items() if name not in fixed}
        with tqdm(unit="picture") as bar, _executor(options.workers) as executor:

            def progress(done, cells):
                bar.total, bar.n = cells, done
                bar.refresh()

            made = sweep(grid, options.output, executor=executor, progress=progress, **fixed)
    except KeyboardInterrupt:
        print(f"stopped; what is finished is in {options.output}, the same command goes on.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    wrong = [row for row in made.table if row["error"]]
    for row in wrong:
        print(f"error: {row['content']}, {row['style']}: {row['error']}", file=sys.stderr)
    print(f"{options.output}: {len(made.table) - len(wrong)} pictures, table.csv, sheet.png")
    return 1 if wrong else 0


def _executor(workers):
    if workers < 1:
        raise ValueError(f"--workers must be at least 1; got {workers}.")
    spawn = multiprocessing.get_context("spawn")
    return contextlib.nullcontext() if workers == 1 else ProcessPoolExecutor(workers, mp_context=spawn)


def _photographs(names):
    paths = []
    for path in map(Path, names):
        paths += picture_files(path, "content") if path.is_dir() else [path]
    return paths


def _setting(text):
    """ "size=128,256" → ("size", [128, 256]): a value is a whole number, a number, or else a text."""
    name, equals, values = text.partition("=")
    name = name.replace("-", "_")
    if not equals or name not in SETTINGS:
        raise ValueError(
            f"--set must be NAME=VALUE,… with an argument of style_transfer; got {text!r}." + suggestion(name, SETTINGS)
        )
    return name, [_value(value) for value in values.split(",")]


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None if text == "None" else text
