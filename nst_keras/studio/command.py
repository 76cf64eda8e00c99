"""The command that paints one picture: python -m nst_keras CONTENT STYLE … -o OUTPUT."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from ..color import COLOR_METHODS
from ..formulas import FORMULAS
from ..image import save_image
from ..network import NETWORKS
from ..optimize import OPTIMIZERS
from ..results.plot import ProgressBar, save_figure
from ..results.recorder import NonFiniteLossError
from ..support import __version__
from ..support.checks import sides
from ..support.command_line import LOSS_WEIGHTS, Parser
from ..support.pictures import check_output
from ..support.settings import MASK_MODES, WEIGHTS
from ..transfer import DEFAULTS, style_transfer
from .runs import estimate


def paint_parser() -> Parser:
    """Return the parser of the command that paints one picture; its defaults are those of `style_transfer`."""
    parser = Parser(
        prog="python -m nst_keras",
        description="Paint a photograph in the style of one or several pictures.",
        epilog="Other commands: train, apply (networks that paint in one pass).",
    )
    add = parser.add_argument
    add("--version", action="version", version=f"nst_keras {__version__}")
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


def main(arguments: Sequence[str]) -> int:
    """Paint the picture; return the exit status."""
    given = paint_parser().parse_args(arguments)
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
