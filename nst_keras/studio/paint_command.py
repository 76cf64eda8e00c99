"""python -m nst_keras CONTENT STYLE [STYLE …] -o OUTPUT: one picture."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from ..color import COLOR_METHODS
from ..formulas import FORMULAS
from ..image import save_image
from ..network import NETWORKS
from ..networks.precision import PRECISIONS
from ..optimize import OPTIMIZERS
from ..results.plot import ProgressBar, save_figure
from ..results.recorder import NonFiniteLossError
from ..support.checks import sides
from ..support.command_line import Parser
from ..support.pictures import check_output
from ..support.settings import MASK_MODES
from ..transfer import DEFAULTS, style_transfer
from .estimates import estimate


def build_parser() -> Parser:
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
    add("--finish-in", type=float, metavar="SECONDS", help="use the largest size that takes no longer")
    add("--comparison", metavar="FILE", help="also write a figure of content, styles, result and loss curves")
    masks = "white is where a style applies; one mask for each style, in the same order"
    add("--mask", action="append", dest="masks", metavar="FILE", help=masks)
    options = {
        "size": {"type": int, "help": "longer side of the result in pixels"},
        "formula": {"choices": list(FORMULAS), "help": "the published formula of the losses"},
        "content_weight": {"type": float, "help": "a larger weight keeps more of the photograph"},
        "style_weight": {"type": float, "help": "a larger weight gives more style"},
        "tv_weight": {"type": float, "help": "a larger weight gives a smoother picture"},
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
        "precision": {"choices": PRECISIONS, "help": "number format of the network"},
        "seed": {"type": int, "help": "seed of the noise"},
    }
    for name, option in options.items():
        default = getattr(DEFAULTS, name)
        if name.endswith("_weight"):
            default = f"the formula's; {getattr(FORMULAS[DEFAULTS.formula], name):g} in {DEFAULTS.formula}"
        option["help"] += f" (default: {default})"
        add("--" + name.replace("_", "-"), default=getattr(DEFAULTS, name), **option)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run this command; return 0 if all is done, 130 after an interrupt."""
    given, started = build_parser().parse_args(arguments), time.perf_counter()
    settings = {name: value for name, value in vars(given).items() if name in vars(DEFAULTS)}
    for path in filter(None, (given.output, given.comparison)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        check_output(path, inputs=[given.content, *given.style, *(given.masks or []), given.init])
    check_output(given.output, dpi=given.dpi)
    if given.comparison and Path(given.comparison).resolve() == Path(given.output).resolve():
        raise ValueError("--comparison must be another file than --output.")
    if given.estimate or given.finish_in is not None:
        expected = estimate(given.content, given.style, finish_in=given.finish_in, **settings)
        print(expected, flush=True)
        settings["size"] = expected.size
    if given.estimate:
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
