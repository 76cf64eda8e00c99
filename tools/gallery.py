"""Paint every bundled photograph in three bundled styles: one contact sheet for each photograph, in docs/gallery/.

    python tools/gallery.py                     with lite: the committed sheets
    python tools/gallery.py --network vgg19     with VGG19, in files beside them; needs the weights of VGG19

The first command also makes docs/first_picture.jpg for the README: content, style and result of `make demo`.
"""

import argparse
from pathlib import Path

from nst_keras import load_image, plot_images, style_transfer

ROOT = Path(__file__).parent.parent
PHOTOGRAPHS = ("astronaut", "cat", "coffee", "landscape", "rocket")
PAINTINGS = ("impasto_night", "red_sky", "woodblock_sea", "stained_glass", "pointillism", "mosaic")
FIRST = ("cat", "impasto_night")
SIZE = 512


def picture(name):
    return load_image(ROOT / "images" / f"{name}.jpg")


def save(figure, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, pil_kwargs={"quality": 85})
    print(path.relative_to(ROOT))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", default="lite")
    parser.add_argument("--weights", help="a file with other weights for the network")
    options = parser.parse_args()
    suffix = "" if options.network == "lite" else f"_{options.network}"
    folder = ROOT / "docs" / "gallery"

    def paint(photograph, painting):
        return style_transfer(
            picture(photograph), picture(painting), size=SIZE, network=options.network, weights=options.weights
        ).image

    for number, photograph in enumerate(PHOTOGRAPHS):  # every other painting, then the others
        results = {painting.replace("_", " "): paint(photograph, painting) for painting in PAINTINGS[number % 2 :: 2]}
        save(plot_images(results, columns=3), folder / f"{photograph}{suffix}.jpg")
    if not suffix:
        styles = {painting.replace("_", " "): picture(painting) for painting in PAINTINGS}
        save(plot_images(styles, columns=6, height=1.8), folder / "styles.jpg")
        content, style = FIRST
        pictures = {"content": picture(content), "style": picture(style), "result": paint(*FIRST)}
        save(plot_images(pictures, height=3), ROOT / "docs" / "first_picture.jpg")


if __name__ == "__main__":
    main()
