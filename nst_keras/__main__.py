"""python -m nst_keras CONTENT STYLE [STYLE …] -o OUTPUT"""

import argparse
import sys
import time
from pathlib import Path

from . import NonFiniteLossError, ProgressBar, estimate, save_image, style_transfer
from .color import COLOR_METHODS
from .formulas import FORMULAS
from .image import check_output
from .network import NETWORKS
from .networks.precision import PRECISIONS
from .optimize import OPTIMIZERS
from .plot import save_figure
from .settings import MASK_MODES

DEFAULTS = style_transfer.__kwdefaults__


def build_parser():
    """The command line; every default is read from `style_transfer`."""
    parser = argparse.ArgumentParser(
        prog="python -m nst_keras",
        description="Paint a photograph in the style of a picture, or of several.",
        epilog="python -m nst_keras sweep --help: folders of photographs, and grids of settings; train --help, apply "
        "--help: networks that paint in one pass",
    )
    parser.add_argument("content", help="the photograph")
    parser.add_argument("style", nargs="+", help="one or more pictures whose style it takes")
    parser.add_argument("-o", "--output", required=True, help="file to write: .png, .jpg, .webp, .bmp or .tiff")
    parser.add_argument("--dpi", type=int, help="dots per inch of the print, written into the file")
    parser.add_argument("--estimate", action="store_true", help="only say what it would take")
    parser.add_argument("--finish-in", type=float, metavar="SECONDS", help="at the largest size that takes no longer")
    parser.add_argument("--comparison", metavar="FILE", help="also write content | styles | result and loss curves")
    options = {
        "size": {"type": int, "help": "longer side of the result in pixels"},
        "formula": {"choices": list(FORMULAS), "help": "what the losses are divided by"},
        "content_weight": {"type": float, "help": "more of it keeps more of the photograph"},
        "style_weight": {"type": float, "help": "more of it paints more freely"},
        "tv_weight": {"type": float, "help": "more of it smooths"},
        "style_scale": {"type": float, "help": "size of the brush"},
        "mask_mode": {"choices": MASK_MODES, "help": "what black in a mask means"},
        "preserve_color": {"choices": COLOR_METHODS, "help": "keep the photograph's colours, this way"},
        "color_strength": {"type": float, "help": "how much of its colours, 0 to 1"},
        "iterations": {"type": int, "help": "steps at each scale"},
        "init": {"help": '"content", "style", "noise", "blend", or a picture to start from'},
        "network": {"choices": NETWORKS},
        "weights": {"metavar": "FILE", "help": "weights for the network, if not the usual ones"},
        "optimizer": {"choices": list(OPTIMIZERS)},
        "tile": {"type": int, "help": "side in pixels of the squares in which a large picture is seen"},
        "precision": {"choices": PRECISIONS, "help": "of the network"},
        "seed": {"type": int, "help": "of the noise"},
    }
    parser.add_argument(
        "--mask",
        action="append",
        dest="masks",
        metavar="FILE",
        help="white is where a style applies; once for each style, in their order",
    )
    for name, option in options.items():
        default = DEFAULTS[name]
        if name.endswith("_weight"):
            default = f"the formula's; {getattr(FORMULAS[DEFAULTS['formula']], name):g} in {DEFAULTS['formula']}"
        option["help"] = f"{option.get('help', '')} (default: {default})".strip()
        parser.add_argument("--" + name.replace("_", "-"), default=DEFAULTS[name], **option)
    return parser


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["sweep"]:
        from .studio.command import main as sweep

        return sweep(arguments[1:])
    if arguments[:1] in (["train"], ["apply"]):
        from .feedforward.command import main as feedforward

        return feedforward(arguments)
    options = vars(build_parser().parse_args(arguments))
    content, styles = options.pop("content"), options.pop("style")
    output, dpi, comparison = options.pop("output"), options.pop("dpi"), options.pop("comparison")
    only_estimate, finish_in = options.pop("estimate"), options.pop("finish_in")
    started = time.perf_counter()
    progress = ProgressBar()
    try:
        for path in filter(None, (output, comparison)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            check_output(path, inputs=[content, *styles, *(options["masks"] or []), options["init"]])
        check_output(output, dpi=dpi)
        if comparison and Path(comparison).resolve() == Path(output).resolve():
            raise ValueError("--comparison must be another file than --output.")
        if only_estimate or finish_in is not None:
            expected = estimate(content, styles, finish_in=finish_in, **options)
            print(expected, flush=True)
            options["size"] = expected.size
        if only_estimate:
            return 0
        result = style_transfer(content, styles, callback=progress, **options)
        result.save(output, dpi=dpi)
        if comparison:
            save_figure(result.compare(), comparison)
    except NonFiniteLossError as error:
        save_image(error.image, output, dpi=dpi)
        print(f"error: {error} The best picture before that is in {output}.", file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        progress.close()
    seconds = time.perf_counter() - started
    height, width = result.image.shape[:2]
    stopped = ", stopped early" if result.interrupted else ""
    print(f"{output}: {width}×{height} pixels, {len(result.history)} iterations, {seconds:.0f} s{stopped}")
    for note in result.notes:
        print(f"note: {note}")
    if comparison:
        print(f"{comparison}: content, style, result and loss curves")
    return 130 if result.interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
