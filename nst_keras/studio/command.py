"""python -m nst_keras CONTENT STYLE … -o OUTPUT, and sweep PHOTOGRAPH … --style STYLE … -o FOLDER."""

import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm.auto import tqdm

from ..color import COLOR_METHODS
from ..formulas import FORMULAS
from ..image import save_image
from ..network import NETWORKS
from ..optimize import OPTIMIZERS
from ..results.plot import ProgressBar, save_figure
from ..results.recorder import NonFiniteLossError
from ..support.checks import sides, suggestion
from ..support.command_line import LOSS_WEIGHTS, Parser
from ..support.pictures import check_output, picture_files
from ..support.settings import MASK_MODES, WEIGHTS
from ..transfer import DEFAULTS, style_transfer
from .runs import estimate
from .sweeps import sweep


def paint_parser() -> Parser:
    """Return the parser of the command that paints one picture; its defaults are those of `style_transfer`."""
    parser = Parser(
        prog="python -m nst_keras",
        description="Paint a photograph in the style of one or several pictures.",
        epilog="Other commands: sweep (many photographs and settings), train, apply (networks that paint in one pass).",
    )
    add = parser.add_argument
    add("content", help="the photograph")
    add("style", nargs="+", help="one or more pictures whose style is used")
    add("-o", "--output", required=True, help="file to write: .png, .jpg, .webp, .bmp or .tiff")
    add("--dpi", type=int, help="dots per inch for printing, written into the file")
    add("--estimate", action="store_true", help="only print the time and memory that the run will need")
    add("--comparison", metavar="FILE", help="also write a figure of content, styles, result and loss curves")
    masks = "white is where a style applies; one mask for each style, in the same order"
    add("--mask", action="append", dest="masks", metavar="FILE", help=masks)
    options = {
        "size": {"type": int, "help": "longer side of the result in pixels"},
        "formula": {"choices": list(FORMULAS), "help": "the published formula of the losses"},
        **LOSS_WEIGHTS,
        "style_scale": {"type": float, "help": "size of the brush strokes"},
        "mask_mode": {"choices": MASK_MODES, "help": "what black in a mask means"},
        "preserve_color": {"choices": COLOR_METHODS, "help": "method that keeps the photograph's colours"},
        "color_strength": {"type": float, "help": "how much of the colours is kept, 0 to 1"},
        "iterations": {"type": int, "help": "iterations at each scale"},
        "init": {"help": '"content", "style", "noise", "blend", or a picture to start from'},
        "network": {"choices": NETWORKS, "help": "the network that sees content and style"},
        "weights": {"metavar": "FILE", "help": "other weights for the network"},
        "optimizer": {"choices": list(OPTIMIZERS), "help": "the method of optimisation"},
        "tile": {"type": int, "help": "side of the squares in which a large picture is computed, in pixels"},
        "seed": {"type": int, "help": "seed of the noise"},
    }
    usual = FORMULAS[DEFAULTS.formula]
    published = {name: f"the formula's; {getattr(usual, name):g} in {DEFAULTS.formula}" for name in WEIGHTS}
    parser.add_settings(options, vars(DEFAULTS), published)
    return parser


def sweep_parser() -> Parser:
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
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run `sweep`, or the command that paints one picture; return the exit status."""
    if arguments[:1] == ["sweep"]:
        return _sweep(**vars(sweep_parser().parse_args(arguments[1:])))
    return _paint(paint_parser().parse_args(arguments))


def _paint(given):
    started = time.perf_counter()
    settings = {name: value for name, value in vars(given).items() if name in vars(DEFAULTS)}
    for path in filter(None, (given.output, given.comparison)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        check_output(path, inputs=[given.content, *given.style, *(given.masks or []), given.init])
    check_output(given.output, dpi=given.dpi)
    if given.comparison and Path(given.comparison).resolve() == Path(given.output).resolve():
        raise ValueError("--comparison must be another file than --output.")
    if given.estimate:
        print(estimate(given.content, given.style, **settings))
        return 0
    with contextlib.closing(ProgressBar()) as progress:
        try:
            result = style_transfer(given.content, given.style, callback=progress, **settings)
        except NonFiniteLossError as error:
            save_image(error.image, given.output, dpi=given.dpi)
            raise ValueError(f"{error} The best picture before that is in {given.output}.") from error
    result.save(given.output, dpi=given.dpi)
    size, seconds = sides(result.image.shape), time.perf_counter() - started
    stopped = ", stopped early" if result.interrupted else ""
    print(f"{given.output}: {size} pixels, {len(result.history)} iterations, {seconds:.0f} s{stopped}")
    for note in result.notes:
        print(f"note: {note}")
    if given.comparison:
        save_figure(result.compare(), given.comparison)
        print(f"{given.comparison}: content, style, result and loss curves")
    return 130 if result.interrupted else 0


def _sweep(content, style, output, set):
    listed = [picture_files(name, "content") if Path(name).is_dir() else [Path(name)] for name in content]
    settings = {}
    for name, values in map(_setting, set):
        settings.setdefault(name, []).extend(values)
    fixed = {name: values[0] for name, values in settings.items() if len(values) == 1}
    grid = {"content": [path for paths in listed for path in paths], "style": style}
    grid |= {name: values for name, values in settings.items() if name not in fixed}
    try:
        with tqdm(unit="picture") as bar:

            def progress(done, cells):
                bar.total, bar.n = cells, done
                bar.refresh()

            finished = sweep(grid, output, progress=progress, **fixed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"; finished pictures are in {output}, the same command continues.") from None
    wrong = [row for row in finished.table if row["error"]]
    first = {row["error"]: row for row in reversed(wrong)}  # a broken photograph is wrong in every cell that has it
    for error, row in first.items():
        print(f"error: {row['content']}, {row['style']}: {error}", file=sys.stderr)
    print(f"{output}: {len(finished.table) - len(wrong)} pictures, table.csv, sheet.png")
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
        with contextlib.suppress(ValueError):
            return kind(text)
    return None if text == "None" else text
