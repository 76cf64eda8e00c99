"""Compare the bundled feed-forward networks with 100 iterations of optimisation, at 512 px.

    python tools/judge_feedforward.py --reference FOLDER [--networks NAME …] [--output out/feedforward]

The photographs are bundled ones that were not used to train the networks. FOLDER and the figures are those of
`tools/judge.py`. Each figure is given for the network's picture, for the optimised picture, and as the ratio of both;
the last column is the ratio of the times. Networks that enlarge are compared with bicubic enlargement, by PSNR and SSIM
of the luminance and by the feature loss that they are trained on.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from judge import CONTENT_LAYER, STYLE_LAYERS, Judge
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from nst_keras import build_network, content_loss, load_image, resize, save_image, style_transfer
from nst_keras.feedforward.network import apply, load_network, network_settings, trained_networks
from nst_keras.feedforward.training import CONTENT_LAYERS, shrunk
from nst_keras.image import fitting_shape, luminance

ROOT = Path(__file__).parent.parent
SIZE = 512
PHOTOGRAPHS = ("cat", "coffee", "astronaut")


def at_size(path):
    image = load_image(path)
    return resize(image, fitting_shape(image.shape, SIZE))


def judge_enlargements(photographs):
    """Print a table of the networks that enlarge, with means over photographs."""
    (layer,) = CONTENT_LAYERS["lite"][1]
    features = build_network("lite", [layer])
    print("\n| enlarged by | PSNR, dB | SSIM | feature loss |\n|---|---|---|---|")
    for upscale in (4, 8):
        names = [name for name in trained_networks() if network_settings(name)["upscale"] == upscale]
        networks = {f"bicubic ×{upscale}": None} | {name: load_network(name) for name in names}
        for name, network in networks.items():
            figures = []
            for target in photographs:
                target = target[: target.shape[0] // 8 * 8, : target.shape[1] // 8 * 8]
                small = shrunk(tf.constant(target[None]), upscale)
                bicubic = np.clip(tf.image.resize(small, target.shape[:2], "bicubic")[0], 0, 1)
                image = apply(network, small[0].numpy()) if network else bicubic
                grey, expected = luminance(image), luminance(target)
                loss = content_loss(features(image[None])[layer], features(target[None])[layer])
                figures.append(
                    (
                        peak_signal_noise_ratio(expected, grey, data_range=1),
                        structural_similarity(expected, grey, data_range=1),
                        float(loss),
                    )
                )
            psnr, ssim, loss = np.mean(figures, axis=0)
            print(f"| {name} | {psnr:.2f} | {ssim:.3f} | {loss:.3f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", required=True, type=Path)
    styles = [name for name in trained_networks() if network_settings(name)["upscale"] == 1]
    parser.add_argument("--networks", nargs="*", default=styles)
    parser.add_argument("--output", default=Path("out/feedforward"), type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    weights = options.reference / "squeezenet1_0.npz"
    judging = build_network("squeezenet1_0", [*STYLE_LAYERS, CONTENT_LAYER], weights=weights)
    print("| network, photograph | style share | content error | patch share | time |\n|---|---|---|---|---|")
    for name in options.networks:
        network, style = load_network(name), at_size(ROOT / network_settings(name)["style"])
        for photograph in PHOTOGRAPHS:
            content = at_size(ROOT / "images" / f"{photograph}.jpg")
            apply(network, content)  # the first pass also compiles
            started = time.perf_counter()
            passes = [apply(network, content) for _ in range(5)]
            per_pass = (time.perf_counter() - started) / len(passes)
            started = time.perf_counter()
            optimised = style_transfer(content, style, size=SIZE).image
            ratio = (time.perf_counter() - started) / per_pass
            judge = Judge(judging, content, style)
            ours, theirs = judge(passes[0]), judge(optimised)
            cells = [f"{ours[key]:.3f} / {theirs[key]:.3f} = {ours[key] / theirs[key]:.2f}" for key in ours]
            print(f"| {name}, {photograph} | {' | '.join(cells)} | 1/{ratio:.0f} |", flush=True)
            save_image(np.concatenate([passes[0], optimised], axis=1), options.output / f"{name}_{photograph}.png")
    judge_enlargements([at_size(ROOT / "images" / f"{photograph}.jpg") for photograph in PHOTOGRAPHS])


if __name__ == "__main__":
    main()
