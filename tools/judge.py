"""Judge style transfer on pictures that were used neither for training nor for tuning.

    python tools/judge.py --reference FOLDER [--size 384] [--rows lite "random weights" squeezenet1_0]

FOLDER holds `scenes/` (photographs), `art/` (paintings), `squeezenet1_0.npz`, and optionally `published/`: pictures by
another implementation, named SCENE_WORD.png, where WORD is part of the painting's name. Every scene is painted in every
style, at `--size` pixels on the longer side, with the package's defaults. Each result gets four figures:

1. style share: the relative squared Gram error against the style, Σ(G/M − A/M)² / Σ(A/M)², in SqueezeNet 1.0, mean of
   conv1, fire2, fire4, fire6, fire8; divided by the same error of the unchanged content image;
2. content error: the relative squared error of the features at fire5 against those of the content;
3. patch share: the sliced Wasserstein distance between 7×7 patches of the Laplacian pyramids of result and style
   (Karras et al., arXiv:1710.10196, section 5), which needs no network; divided by the distance of the content image;
4. axis share: the share of the luminance's squared gradients, at σ = 1.5 pixels, within 7.5° of horizontal or vertical,
   minus that of the style. It is 1/6 for a picture without a preferred direction; boxes raise it.

SqueezeNet was the teacher of lite, so that (1) is not independent of lite; (3) and (4) are independent.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy import ndimage

from nst_keras import build_network, content_loss, load_image, mean_gram_matrix, resize, style_transfer
from nst_keras import save_image as save
from nst_keras.image import fitting_shape, luminance

STYLE_LAYERS = ("conv1", "fire2", "fire4", "fire6", "fire8")
CONTENT_LAYER = "fire5"
LEVELS, PATCH, PATCHES, PROJECTIONS = 4, 7, 16384, 256
SIGMA, NEAR_AXIS = 1.5, 7.5  # pixels, degrees
RUNS = {  # row of the table: its settings that differ from the defaults of the package
    "lite": {},
    "random weights": {"weights": "random"},
    "squeezenet1_0": {"network": "squeezenet1_0"},
}


class Judge:
    """Compute the four figures of results for one content and one style."""

    def __init__(self, network, content, style):
        self._network, self._style = network, style
        self._content = network(content[None])
        self._grams = {layer: mean_gram_matrix(self._features(style)[layer]) for layer in STYLE_LAYERS}
        self._of_content = self._style_error(content), patch_distance(content, style)

    def __call__(self, result):
        features = self._features(result)
        return {
            "style share": self._style_error(result) / self._of_content[0],
            "content error": float(content_loss(features[CONTENT_LAYER], self._content[CONTENT_LAYER])),
            "patch share": patch_distance(result, self._style) / self._of_content[1],
            "axis share": axis_share(result) - axis_share(self._style),
        }

    def _features(self, image):
        return self._network(image[None])

    def _style_error(self, image):
        features = self._features(image)
        errors = [
            np.sum(np.square(mean_gram_matrix(features[layer]) - gram)) / np.sum(np.square(gram))
            for layer, gram in self._grams.items()
        ]
        return float(np.mean(errors))


def patch_distance(image, style):
    """Return the sliced Wasserstein-1 distance between patches, averaged over the levels of the pyramids.

    Patches are divided by the standard deviation of the style's level, so that all levels count the same.
    """
    rng = np.random.default_rng(0)
    distances = []
    for ours, theirs in zip(laplacian_pyramid(image), laplacian_pyramid(style), strict=True):
        directions = rng.normal(size=(PATCH * PATCH * 3, PROJECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        projected = [np.sort(random_patches(level, rng) @ directions, axis=0) for level in (ours, theirs)]
        distances.append(np.abs(projected[0] - projected[1]).mean() / theirs.std())
    return float(np.mean(distances))


def axis_share(image):
    """Return the share of the squared gradients of luminance that are nearly horizontal or vertical."""
    blurred = ndimage.gaussian_filter(luminance(image), SIGMA)
    down, right = np.gradient(blurred)
    angles = np.degrees(np.arctan2(down, right)) % 90
    near = np.minimum(angles, 90 - angles) < NEAR_AXIS
    energy = down**2 + right**2
    return float(energy[near].sum() / energy.sum())


def laplacian_pyramid(image):
    """Return LEVELS images: the detail that each halving of the size removes, and the last, small image."""
    levels = []
    for _ in range(LEVELS - 1):
        blurred = ndimage.gaussian_filter(image, (1.0, 1.0, 0), mode="reflect")
        levels.append(image - blurred)
        image = blurred[::2, ::2]
    return [*levels, image]


def random_patches(level, rng):
    height, width = level.shape[:2]
    y = rng.integers(0, height - PATCH + 1, PATCHES)[:, None, None] + np.arange(PATCH)[:, None]
    x = rng.integers(0, width - PATCH + 1, PATCHES)[:, None, None] + np.arange(PATCH)
    return level[y, x].reshape(PATCHES, -1)


def pairs(reference, size):
    """Yield (name, content, style), both with a longer side of `size`, for every scene and painting."""
    for scene in sorted((reference / "scenes").glob("*.jpg")):
        content = load_image(scene)
        content = resize(content, fitting_shape(content.shape, size))
        for painting in sorted((reference / "art").glob("*.jpg")):
            style = load_image(painting)
            yield f"{scene.stem}_{painting.stem}", content, resize(style, fitting_shape(style.shape, size))


def published_picture(reference, name, shape):
    scene, _, painting = name.partition("_")
    for path in (reference / "published").glob(f"{scene}_*.png"):
        if path.stem.removeprefix(f"{scene}_") in painting:
            return resize(load_image(path), shape)
    return None


def table(scores):
    """Return a Markdown table: mean and worst figures of each row, for all pairs, then for published pairs only."""
    figures = ("style share", "content error", "patch share", "axis share")
    lines = ["| row | pairs | " + " | ".join(f"{figure}, mean (worst)" for figure in figures) + " |"]
    lines.append("|---" * (len(figures) + 2) + "|")
    only = [name for name, rows in scores.items() if "published" in rows]
    for names, title in ((list(scores), ""), (only, ", published pairs")):
        for row in dict.fromkeys(row for name in names for row in scores[name]):
            judged = [scores[name][row] for name in names if row in scores[name]]
            if title == "" and row == "published":
                continue
            values = [[score[figure] for score in judged] for figure in figures]
            cells = " | ".join(f"{np.mean(v):.3f} ({max(v):.3f})" for v in values)
            lines.append(f"| {row}{title} | {len(judged)} | {cells} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True, type=Path)
    parser.add_argument("--size", default=384, type=int, help="longer side in pixels (default: 384)")
    parser.add_argument("--rows", nargs="+", default=["lite"], choices=list(RUNS))
    parser.add_argument("--pairs", nargs="+", help="only these, as SCENE_PAINTING")
    parser.add_argument("--output", default=Path("out/judge"), type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    weights = options.reference / "squeezenet1_0.npz"
    network = build_network("squeezenet1_0", [*STYLE_LAYERS, CONTENT_LAYER], weights=weights)
    scores = {}
    for name, content, style in pairs(options.reference, options.size):
        if options.pairs and name not in options.pairs:
            continue
        judge = Judge(network, content, style)
        pictures = {"content image": content}
        for row in options.rows:
            settings = dict(RUNS[row]) | ({"weights": weights} if row == "squeezenet1_0" else {})
            pictures[row] = style_transfer(content, style, size=options.size, **settings).image
            save(pictures[row], options.output / f"{name}.{row.replace(' ', '_')}.png")
        published = published_picture(options.reference, name, content.shape)
        if published is not None:
            pictures["published"] = published
        scores[name] = {row: judge(picture) for row, picture in pictures.items()}
        print(name, json.dumps({row: {k: round(v, 3) for k, v in s.items()} for row, s in scores[name].items()}))
    (options.output / "scores.json").write_text(json.dumps(scores, indent=1))
    print(table(scores))


if __name__ == "__main__":
    main()
