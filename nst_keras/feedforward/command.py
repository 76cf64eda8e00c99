"""python -m nst_keras train STYLE PHOTOGRAPHS -o NAME.weights.h5, and apply NETWORK SOURCE -o OUTPUT."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..results.plot import ProgressBar
from ..support.command_line import LOSS_WEIGHTS, Parser
from .network import SUFFIX, apply_to_files, check_weights_path, load_network, save_network, trained_networks
from .training import CONTENT_LAYERS, DEFAULTS, DEFAULTS_OF_TASK, train


def train_parser() -> Parser:
    """Return the parser of the subcommand `train`; its defaults are those of `train`."""
    parser = Parser(prog="python -m nst_keras train", description="Train a network to paint, or to enlarge pictures.")
    add = parser.add_argument
    add("style", help='a picture; "none" with --upscale')
    add("photographs", help="a folder of photographs")
    add("-o", "--output", required=True, metavar=f"NAME{SUFFIX}")
    add("--checkpoint", metavar="FOLDER", help="keep the state of the run there; a run that finds a state continues")
    add("--start", metavar="NETWORK", help="start from this trained network")
    options = {
        "steps": {"type": int, "help": "steps of the training"},
        "every": {"type": int, "help": "steps from one checkpoint to the next"},
        "size": {"type": int, "help": "side of the crops in pixels"},
        "batch": {"type": int, "help": "crops in a step"},
        "style_size": {"type": int, "help": "longer side of the style; decides the size of the brush"},
        **LOSS_WEIGHTS,
        "pixel_weight": {"type": float, "help": "weight of the loss between pixels"},
        "learning_rate": {"type": float, "help": "learning rate at the start"},
        "network": {"choices": list(CONTENT_LAYERS), "help": "the loss network"},
        "width": {"type": int, "help": "channels of the first convolution"},
        "residual_blocks": {"type": int, "help": "number of residual blocks"},
        "upscale": {"type": int, "help": "4 or 8 for super-resolution"},
        "seed": {"type": int, "help": "seed of the initial weights and of the crops"},
    }
    of_task = {name: "{:g} with a style, {:g} without".format(*pair) for name, pair in DEFAULTS_OF_TASK.items()}
    parser.add_settings(options, DEFAULTS, of_task)
    return parser


def apply_parser() -> Parser:
    """Return the parser of the subcommand `apply`."""
    parser = Parser(prog="python -m nst_keras apply", description="Paint pictures with a trained network.")
    parser.add_argument("network", help=f"{', '.join(trained_networks())}, or a file NAME{SUFFIX}")
    parser.add_argument("source", help="a picture, or a folder of pictures")
    parser.add_argument("-o", "--output", required=True, help="a file; for a folder a folder")
    parser.add_argument("--size", type=int, help="longer side of the picture before it is painted (default: its own)")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand `arguments[0]`; return the exit status."""
    parser, run = {"train": (train_parser, _train), "apply": (apply_parser, _apply)}[arguments[0]]
    return run(**vars(parser().parse_args(arguments[1:])))


def _train(output, style, photographs, start, **options):
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    path = check_weights_path(output)
    style, start = None if style == "none" else style, load_network(start) if start else None
    with contextlib.closing(ProgressBar()) as bar:
        training = train(style, photographs, start=start, callback=bar, **options)
    if not training.history:
        raise KeyboardInterrupt  # before the first step: there is nothing to save
    save_network(training.network, path, training.settings)
    print(f"{path}: {len(training.history)} steps, loss {training.history[-1].total:.4g}")
    return 130 if training.interrupted else 0


def _apply(network, source, output, size):
    for path in apply_to_files(load_network(network), source, output, size=size):
        print(path)
    return 0
