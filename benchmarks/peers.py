"""Compare one step of style transfer with the same step written in the way of other programs.

    python benchmarks/peers.py [--size 512]

All run the same network, VGG19 up to block5_conv1 with random weights, on one picture, with one content layer
and five style layers, and compute the loss and its gradient with respect to the picture. They take turns, see `speed`.

- this package: `Objective.evaluate`; targets are computed once
- the Keras example (keras.io/examples/generative/neural_style_transfer): content, style and result in one batch at
  every step, then a step of SGD
- PyTorch: losses in a forward pass, then `backward()`, as in neural-style-pt (ProGamerGov) and pystiche; only where
  PyTorch is installed, which this package does not need

The last column is computed, not measured: the seconds of a step, for a picture of the given size, times the iterations
that each program makes by default. How good their pictures are then is not compared.
"""

import argparse
import math
import statistics

from speed import in_a_child, in_turns, network_for, pictures, ratios, spread

STYLE_LAYERS = [f"block{i}_conv1" for i in range(1, 6)]
CONTENT_LAYER = "block4_conv2"
ITERATIONS = {  # of each program by default
    "Keras example": 4000,
    "PyTorch": 1000,  # neural-style-pt, -num_iterations
}


def ours(network, content, style):
    from nst_keras import Objective, content_terms, style_targets, style_terms

    formula = {"formula": "gatys"}
    terms = content_terms(network, content, [CONTENT_LAYER], 1.0, **formula)
    terms += style_terms(style_targets(network, style, STYLE_LAYERS, **formula), 1e3)
    objective = Objective(network, terms, content.shape)
    return lambda: objective.evaluate(content)


def keras_example(network, content, style):
    import keras
    import tensorflow as tf

    picture, sgd = tf.Variable(content[None]), keras.optimizers.SGD(1e-9)

    def gram(features):
        flat = tf.reshape(tf.transpose(features, (2, 0, 1)), (features.shape[-1], -1))
        return tf.matmul(flat, flat, transpose_b=True)

    @tf.function
    def loss_and_gradient(picture):
        with tf.GradientTape() as tape:
            features = network(tf.concat([content[None], style[None], picture], axis=0))
            deep = features[CONTENT_LAYER]
            loss = tf.reduce_sum(tf.square(deep[2] - deep[0]))
            for layer in STYLE_LAYERS:
                loss += tf.reduce_sum(tf.square(gram(features[layer][1]) - gram(features[layer][2])))
        return loss, tape.gradient(loss, picture)

    def step():
        _, gradient = loss_and_gradient(picture)
        sgd.apply([gradient], [picture])

    return step


def pytorch(network, content, style):
    import torch
    from torch import nn
    from torch.nn import functional

    parts, channels = {}, 3  # {layer: the modules that lead to it from the one before}
    pending = []
    for layer in network.layers:
        if "pool" in layer.name:
            pending.append(nn.AvgPool2d(2))
        if "_conv" in layer.name and hasattr(layer, "filters"):
            parts[layer.name] = nn.Sequential(*pending, nn.Conv2d(channels, layer.filters, 3, padding=1), nn.ReLU())
            channels, pending = layer.filters, []
    for weight in nn.ModuleDict(parts).parameters():
        weight.requires_grad_(False)

    def features(image):
        found = {}
        for name, part in parts.items():
            found[name] = image = part(image)
        return found

    def gram(maps):
        flat = maps.flatten(2)[0]
        return flat @ flat.T / flat.numel()

    def tensor(picture):
        return torch.tensor(picture).permute(2, 0, 1)[None].contiguous()

    with torch.no_grad():
        target, of_style = features(tensor(content))[CONTENT_LAYER], features(tensor(style))
        grams = {layer: gram(of_style[layer]) for layer in STYLE_LAYERS}
    picture = tensor(content).requires_grad_()

    def step():
        picture.grad = None
        found = features(picture)
        loss = functional.mse_loss(found[CONTENT_LAYER], target)
        for layer in STYLE_LAYERS:
            loss = loss + functional.mse_loss(gram(found[layer]), grams[layer])
        loss.backward()

    return step


def steps(size):
    """Return {program: seconds of each turn}."""
    network, (content, style) = network_for("vgg19"), pictures(size)
    programs = {"this package": ours, "Keras example": keras_example, "PyTorch": pytorch}
    functions = {}
    for name, program in programs.items():
        try:
            functions[name] = program(network, content, style)
        except ImportError:
            print(f"{name} is not installed, so it is not compared.")
    return in_turns(functions)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=512, help="side of the square picture in pixels")
    size = parser.parse_args().size
    seconds = in_a_child(steps, size)
    from nst_keras.transfer import DEFAULTS, pyramid

    shapes = pyramid((size, size), size, "auto")
    # A run goes from coarse to fine: its iterations, counted in iterations at full size by the number of pixels.
    ours_at_full_size = DEFAULTS.iterations * sum(math.prod(shape) for shape in shapes) / math.prod(shapes[-1])
    print(
        f"\n| one step, VGG19, {size} px | seconds | × this package | iterations by default | minutes for a picture |"
    )
    print("|---|---|---|---|---|")
    for name, values in seconds.items():
        iterations = ITERATIONS.get(name, ours_at_full_size)
        step = statistics.median(values)
        slower = spread(ratios(values, seconds["this package"]))
        print(f"| {name} | {step:.1f} | {slower} | {iterations:.0f} | {step * iterations / 60:.0f} |")


if __name__ == "__main__":
    main()
