"""Paint the pictures of docs/formulas.md: one pair with every formula, and what `relative` does differently.

    python tools/formula_pictures.py

The pictures of the formulas have the same network, the paper's layers, and the same shares of the gradient. They differ
only in the weighting of the layers and in the form of the total variation. The other pictures show one decision of
`relative` each, painted without it and with it. All are written to docs/formulas/.
"""

from pathlib import Path
from unittest.mock import patch

import tensorflow as tf

from nst_keras import FORMULAS, losses, plot_images, style_transfer, transfer
from nst_keras.image import to_pil

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "formulas"
IMAGES, MASKS = ROOT / "images", ROOT / "masks"
NIGHT = IMAGES / "impasto_night.jpg"
SETTING = {
    "size": 192,
    "iterations": 60,
    "shares": {"content": 0.2, "style": 0.7, "tv": 0.1},
    "content_layers": ["block4_conv2"],
    "style_layers": [f"block{i}_conv1" for i in range(1, 6)],
}
SIZE = 256
QUALITY = 85


def absolute_variation(image, shape):
    """Return the summands of mean |dx| + mean |dy|, which prefers edges along the axes."""
    bordered = tf.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)), "SYMMETRIC")
    differences = tf.nn.conv2d(bordered, tf.constant(losses._difference_kernel(), image.dtype), 1, "VALID")
    lengths = tf.sqrt(tf.square(differences) + losses.DELTA**2) - losses.DELTA
    shares = tf.constant(2 * ([1.0] + [losses.COLOR_VARIATION / 3] * 3), image.dtype)
    return lengths * shares / tf.cast(tf.reduce_prod(shape[:3]), image.dtype)


def decisions():
    """Yield (name, content, settings, a context without the decision, settings without it)."""
    with_border = patch.dict(FORMULAS, relative=FORMULAS["relative"]._replace(border=0))
    cup = {"masks": [MASKS / "coffee_subject.png"]}
    yield "border", "coffee", cup, with_border, {}
    yield "margin", "landscape", {}, patch.object(transfer, "MARGIN", 0), {}
    variation = patch.object(losses, "_relative_summands", absolute_variation)
    yield "variation", "rocket", {}, variation, {"tv_weight": FORMULAS["relative"].tv_weight / 1.5}
    yield (
        "content",
        "astronaut",
        {},
        patch.object(transfer, "MIN_SCALE", 64),
        {
            "content_layers": ["block4_conv2"],
            "content_weight": 1.0,
        },
    )


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for formula in FORMULAS:
        result = style_transfer(IMAGES / "cat.jpg", NIGHT, formula=formula, **SETTING)
        to_pil(result.image).save(FOLDER / f"{formula}.jpg", quality=QUALITY)
        print(f"docs/formulas/{formula}.jpg")
    for name, content, settings, without, other_settings in decisions():
        content = IMAGES / f"{content}.jpg"
        with without:
            before = style_transfer(content, NIGHT, size=SIZE, **settings | other_settings).image
        after = style_transfer(content, NIGHT, size=SIZE, **settings).image
        figure = plot_images({"without": before, "with": after}, height=3)
        figure.savefig(FOLDER / f"decision_{name}.jpg", dpi=110, pil_kwargs={"quality": QUALITY})
        print(f"docs/formulas/decision_{name}.jpg")


if __name__ == "__main__":
    main()
