"""Small runs whose pictures are kept in golden/. After a change that is meant to change pictures, make them anew, look
at them, and commit them:

    python tests/faults/golden.py tests/faults/golden
"""

import argparse
from pathlib import Path

import tensorflow as tf

from nst_keras import chain, shifted, style_transfer

ROOT = Path(__file__).parents[2]
CAT, NIGHT, GLASS = (str(ROOT / "images" / f"{name}.jpg") for name in ("cat", "impasto_night", "stained_glass"))
MASKS = [str(ROOT / "masks" / f"cat_{region}.png") for region in ("subject", "background")]
LAYERS = ["block1_conv1", "block2_conv1", "block3_conv1"]
RUNS = {
    "relative": {},
    "noise_adam": {"init": "noise", "optimizer": "adam", "iterations": 30},
    "masks_float32": {"style": [NIGHT, GLASS], "masks": MASKS, "mask_mode": "freeze", "optimizer": "lbfgs-float32"},
    "chain_luminance": {"style_layers": shifted(chain(LAYERS)), "preserve_color": "luminance"},
    "gatys_descent": {"formula": "gatys", "optimizer": "gradient-descent", "init": "blend"},
}


def paint(name):
    """One of the runs, at 64 px."""
    options = {"content": CAT, "style": NIGHT, "size": 64, "iterations": 10} | RUNS[name]
    return style_transfer(**options)


def main():
    parser = argparse.ArgumentParser(description="Paint the golden pictures.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as TensorFlow likes")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in RUNS:
        paint(name).save(options.folder / f"{name}.png")


if __name__ == "__main__":
    main()
