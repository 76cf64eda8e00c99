"""python -m nst_keras train STYLE PHOTOGRAPHS -o NAME.weights.h5, and apply NETWORK PICTURE -o OUTPUT."""

import argparse
import sys
from pathlib import Path

from tqdm.auto import tqdm

from ..image import save_image
from ..network import NETWORKS
from ..progress import ProgressBar
from .trained import apply_to_files, check_weights_path, load_network, trained_networks
from .training import train

DEFAULTS = train.__kwdefaults__


def build_parser():
    """The subcommands; every default is read from `train`."""
    parser = argparse.ArgumentParser(prog="python -m nst_keras")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a network to paint in one style, or to enlarge")
    training.add_argument("style", help='a picture; "none" with --upscale')
    training.add_argument("photographs", help="a folder of photographs")
    training.add_argument("-o", "--output", required=True, metavar="NAME.weights.h5")
    training.add_argument("--checkpoint", metavar="FOLDER", help="keep the state there; a run that finds one goes on")
    training.add_argument("--sample", metavar="FILE", help="a photograph to be painted every so often")
    training.add_argument("--start", metavar="NETWORK", help="start from this trained network")
    options = {
        "steps": {"type": int},
        "every": {"type": int, "help": "steps between samples, and between checkpoints"},
        "size": {"type": int, "help": "side of the crops in pixels"},
        "batch": {"type": int},
        "style_size": {"type": int, "help": "longer side of the style: the size of the brush"},
        "content_weight": {"type": float},
        "style_weight": {"type": float},
        "tv_weight": {"type": float},
        "pixel_weight": {"type": float},
        "content_layers": {"nargs": "+", "metavar": "LAYER"},
        "learning_rate": {"type": float, "help": "2e-3 for a style, 2e-4 to enlarge"},
        "network": {"choices": NETWORKS, "help": "the loss network"},
        "weights": {"metavar": "FILE", "help": "of the loss network"},
        "width": {"type": int},
        "residual_blocks": {"type": int},
        "upscale": {"type": int, "help": "4 or 8: super-resolution"},
        "seed": {"type": int},
    }
    for name, option in options.items():
        if DEFAULTS[name] is not None:
            option["help"] = f"{option.get('help', '')} (default: {DEFAULTS[name]})".strip()
        training.add_argument("--" + name.replace("_", "-"), default=DEFAULTS[name], **option)
    applying = commands.add_parser("apply", help="paint a picture, an animation or a folder with a trained network")
    applying.add_argument("network", help=f"{', '.join(trained_networks())}, or a file NAME.weights.h5")
    applying.add_argument("source", help="a picture, an animated GIF, or a folder")
    applying.add_argument("-o", "--output", required=True, help="a file, or for a folder a folder")
    applying.add_argument("--size", type=int, help="longer side before the network (default: as it is)")
    return parser


def main(arguments):
    options = vars(build_parser().parse_args(arguments))
    try:
        return {"train": _train, "apply": _apply}[options.pop("command")](**options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # training keeps its state itself; pictures that are painted are whole
        print("stopped", file=sys.stderr)
        return 130


def _train(output, style, photographs, start, sample, **options):
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    path, bar = check_weights_path(output), ProgressBar()
    sample_path = path.with_name(path.name.removesuffix(".weights.h5") + "_sample.png")

    def callback(step):
        bar(step)
        if step.image is not None:
            save_image(step.image, sample_path, inputs=[sample])

    try:
        training = train(
            None if style == "none" else style,
            photographs,
            start=load_network(start) if start else None,
            sample=sample,
            callback=callback,
            **options,
        )
    finally:
        bar.close()
    training.save(path)
    print(f"{path}: {len(training.history)} steps, loss {training.history[-1].total:.4g}")
    for reason in training.unreadable.values():
        print(f"not used: {reason}")
    return 130 if training.interrupted else 0


def _apply(network, source, output, size):
    with tqdm(unit="picture", disable=not Path(source).is_dir()) as bar:

        def callback(done, files):
            bar.total = files
            bar.update()

        done = apply_to_files(load_network(network), source, output, size=size, callback=callback)
    for path in done.written:
        print(path)
    for reason in done.unreadable.values():
        print(f"not painted: {reason}", file=sys.stderr)
    return 0
