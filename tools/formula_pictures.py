"""Paint one pair of pictures with every formula, for the table in docs/formulas.md.

    python tools/formula_pictures.py

All pictures have the same network, the paper's layers, and the same shares of the gradient. They differ only in the
weighting of the layers and in the form of the total variation. They are written to docs/formulas/.
"""

from pathlib import Path

from nst_keras import FORMULAS, style_transfer
from nst_keras.image import to_pil

ROOT = Path(__file__).parent.parent
CONTENT, STYLE = (ROOT / "images" / name for name in ("cat.jpg", "impasto_night.jpg"))
SETTING = {
    "size": 192,
    "iterations": 60,
    "shares": {"content": 0.2, "style": 0.7, "tv": 0.1},
    "content_layers": ["block4_conv2"],
    "style_layers": [f"block{i}_conv1" for i in range(1, 6)],
}
QUALITY = 85


def main():
    folder = ROOT / "docs" / "formulas"
    folder.mkdir(parents=True, exist_ok=True)
    for formula in FORMULAS:
        result = style_transfer(CONTENT, STYLE, formula=formula, **SETTING)
        to_pil(result.image).save(folder / f"{formula}.jpg", quality=QUALITY)
        print(f"docs/formulas/{formula}.jpg")


if __name__ == "__main__":
    main()
