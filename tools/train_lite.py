"""Train `lite`, the embedded network, by distillation from SqueezeNet 1.0.

    python tools/train_lite.py --teacher squeezenet1_0.npz --photographs FOLDER --steps 20000

The student has the topology of VGG19 with narrow blocks and batch normalisation. Linear 1×1 heads on the last
convolution of each block predict activations of the teacher at the same resolution, standardised per channel:

    block2 → conv1;  block3 → fire2, fire3, fire4;  block4 → fire5 … fire8;  block5 → fire9

The loss is the mean squared error of the predictions, that is, the unexplained share of the teacher's variance, plus a
small multiple of the cross-entropy with the teacher's class probabilities. After the training, batch normalisation is
folded into the convolutions, and every filter is scaled to mean activation 1 over the photographs. ReLU and average
pooling keep positive scales, so the next layer can undo them exactly. The weights are written as float16, without the
heads.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl
from PIL import Image, ImageOps

from nst_keras import network as nets
from nst_keras.networks.weights import LITE_WEIGHTS

HEADS = {
    "block2": ("conv1",),
    "block3": ("fire2", "fire3", "fire4"),
    "block4": ("fire5", "fire6", "fire7", "fire8"),
    "block5": ("fire9",),
}
LAST = {f"block{i}": f"block{i}_conv{n}" for i, n in enumerate(nets.CONVOLUTIONS["lite"], start=1)}
HELD_OUT = 50
SQUARE = 224


def load_photographs(folder):
    """Return squares of 224 px as uint8, two from each photograph, one at each end."""
    squares = []
    for path in sorted(Path(folder).iterdir()):
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
            for centring in ((0.0, 0.0), (1.0, 1.0)):
                squares.append(np.asarray(ImageOps.fit(picture, (SQUARE, SQUARE), centering=centring)))
    return np.stack(squares)


def teacher_network(path):
    """Build the teacher: images (n, h, w, 3) → activations for all heads and class logits.

    h and w are multiples of 16. conv1 has no padding, so the image gets a border of the mean colour, 2 px above and on
    the left, 3 px below and on the right. The maps then have exactly 1/2, 1/4, 1/8, 1/16 of the size of the image, and
    their positions agree with those of the student.
    """
    layers = [layer for heads in HEADS.values() for layer in heads]
    features = nets.build_network("squeezenet1_0", [*layers, "conv10"], weights=path)
    image = keras.Input((None, None, 3))
    mean = np.array(nets.SQUEEZENET_MEANS[::-1], "float32") / 255.0
    outputs = features(kl.ZeroPadding2D(((2, 3), (2, 3)))(image - mean) + mean)
    outputs["logits"] = kl.GlobalAveragePooling2D()(outputs.pop("conv10"))
    teacher = keras.Model(image, outputs)
    teacher.trainable = False
    return teacher


def student_network(teacher, channels):
    """Build the student with batch normalisation; return a model of its heads and a model of its features."""

    def convolution(x, filters, name):
        x = kl.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
        x = kl.BatchNormalization(momentum=0.99, name=f"{name}_norm")(x)
        return kl.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((None, None, 3))
    preprocessed = nets.lite_preprocessing(image)
    features = nets.vgg_features(preprocessed, channels, nets.CONVOLUTIONS["lite"], "average", convolution)
    features.pop("block5_pool")
    outputs = {}
    for block, heads in HEADS.items():
        for head in heads:
            width = teacher.output[head].shape[-1]
            outputs[head] = kl.Conv2D(width, 1, dtype="float32", name=f"head_{head}")(features[LAST[block]])
    pooled = kl.GlobalAveragePooling2D()(features[LAST["block5"]])
    outputs["logits"] = kl.Dense(1000, dtype="float32", name="head_logits")(pooled)
    return keras.Model(image, outputs), keras.Model(image, features)


def augment(squares, crop):
    """Cut random squares of `crop` … 200 px, scale them to `crop`, and vary flips, brightness, contrast and colour."""
    n = tf.shape(squares)[0]
    side = tf.random.uniform([n], crop, 200.0) / SQUARE
    top, left = tf.random.uniform([n]) * (1 - side), tf.random.uniform([n]) * (1 - side)
    boxes = tf.stack([top, left, top + side, left + side], axis=1)
    x = tf.image.crop_and_resize(tf.cast(squares, tf.float32) / 255.0, boxes, tf.range(n), (crop, crop))
    x = tf.where(tf.random.uniform([n, 1, 1, 1]) < 0.5, x, x[:, :, ::-1])
    mean = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    x = (x - mean) * tf.random.uniform([n, 1, 1, 1], 0.6, 1.5) + mean
    x = x * tf.random.uniform([n, 1, 1, 3], 0.75, 1.25) + tf.random.uniform([n, 1, 1, 3], -0.12, 0.12)
    grey = tf.reduce_mean(x, axis=-1, keepdims=True)
    x = grey + (x - grey) * tf.random.uniform([n, 1, 1, 1], 0.4, 1.8)
    return tf.clip_by_value(x, 0.0, 1.0)


def standardisation(teacher, squares):
    """Return {head: (mean, standard deviation)} of each of the teacher's channels over photographs."""
    sums = {head: [0.0, 0.0, 0] for heads in HEADS.values() for head in heads}
    for start in range(0, len(squares), 20):
        activations = teacher(squares[start : start + 20].astype("float32") / 255.0)
        for head, total in sums.items():
            a = activations[head].numpy().astype("float64").reshape(-1, activations[head].shape[-1])
            total[0] += a.sum(0)
            total[1] += (a * a).sum(0)
            total[2] += len(a)
    constants = {}
    for head, (total, squared, count) in sums.items():
        mean = total / count
        deviation = np.sqrt(np.maximum(squared / count - mean**2, 0))
        deviation = np.maximum(deviation, 0.05 * np.median(deviation))  # nearly dead channels stay small
        constants[head] = tf.constant(mean, tf.float32), tf.constant(deviation, tf.float32)
    return constants


def folded_weights(features, photographs):
    """Return weights of plain convolutions: normalisation is folded in, and every filter has mean activation 1."""
    means = dict.fromkeys(features.output, 0.0)
    for start in range(0, len(photographs), 10):
        batch = features(photographs[start : start + 10].astype("float32") / 255.0, training=False)
        for name in means:
            means[name] += batch[name].numpy().astype("float64").mean((0, 1, 2)) * len(batch[name])
    weights, incoming = {}, np.ones(3)
    for layer in features.layers:
        if not isinstance(layer, kl.Conv2D):
            continue
        gamma, beta, mean, variance = features.get_layer(f"{layer.name}_norm").get_weights()
        scale = gamma / np.sqrt(variance + features.get_layer(f"{layer.name}_norm").epsilon)
        activation = means[layer.name] / len(photographs)
        activation = np.where(activation > 1e-3 * np.median(activation), activation, np.median(activation))
        kernel = layer.get_weights()[0] * scale * incoming[:, None] / activation
        weights[f"{layer.name}_kernel"] = kernel.astype("float16")
        weights[f"{layer.name}_bias"] = ((beta - mean * scale) / activation).astype("float16")
        incoming = activation
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", required=True, help="SqueezeNet 1.0 as .npz")
    parser.add_argument("--photographs", required=True, help="a folder of photographs, shorter side 224 px or more")
    parser.add_argument("--output", default=str(LITE_WEIGHTS))
    parser.add_argument("--log", default="out/train_lite.jsonl")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--class-weight", type=float, default=0.02, help="weight of the cross-entropy")
    parser.add_argument("--every", type=int, default=1000, help="steps between reports, which also save the weights")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)

    squares = load_photographs(options.photographs)
    held_out, squares = squares[: 2 * HELD_OUT], squares[2 * HELD_OUT :]
    teacher = teacher_network(options.teacher)
    constants = standardisation(teacher, squares[::5])
    student, features = student_network(teacher, nets.CHANNELS["lite"])
    schedule = keras.optimizers.schedules.CosineDecay(options.learning_rate, options.steps)
    optimizer = keras.optimizers.Adam(schedule)

    def shares_left(crops, training):
        target, predicted = teacher(crops), student(crops, training=training)
        shares = {}
        for head, (mean, deviation) in constants.items():
            standardised = (tf.cast(target[head], tf.float32) - mean) / deviation
            shares[head] = tf.reduce_mean(tf.square(predicted[head] - standardised))
        entropy = tf.reduce_mean(
            keras.losses.categorical_crossentropy(
                tf.nn.softmax(tf.cast(target["logits"], tf.float32)), predicted["logits"], from_logits=True
            )
        )
        return shares, entropy

    @tf.function
    def step(batch):
        crops = augment(batch, options.crop)
        with tf.GradientTape() as tape:
            shares, entropy = shares_left(crops, training=True)
            loss = tf.add_n(list(shares.values())) / len(shares) + options.class_weight * entropy
        gradients = tape.gradient(loss, student.trainable_variables)
        optimizer.apply_gradients(zip(gradients, student.trainable_variables, strict=True))
        return loss

    @tf.function
    def report(batch):
        return shares_left(tf.cast(batch, tf.float32) / 255.0, training=False)

    data = tf.data.Dataset.from_tensor_slices(squares).shuffle(len(squares), seed=0).repeat()
    data = data.batch(options.batch, drop_remainder=True).prefetch(2)
    Path(options.log).parent.mkdir(parents=True, exist_ok=True)
    started, losses = time.perf_counter(), []
    for number, batch in enumerate(data.take(options.steps), start=1):
        losses.append(float(step(batch)))
        if number % options.every and number != options.steps:
            continue
        shares, entropy = report(held_out)
        row = {"step": number, "minutes": round((time.perf_counter() - started) / 60, 1)}
        row |= {"training_loss": round(float(np.mean(losses)), 4), "cross_entropy": round(float(entropy), 3)}
        row |= {head: round(float(share), 3) for head, share in shares.items()}
        print(row, flush=True)
        with open(options.log, "a") as log:
            log.write(json.dumps(row) + "\n")
        losses = []
        partial = Path(options.output).with_suffix(".partial.npz")
        np.savez_compressed(partial, **folded_weights(features, squares[::8]))
        partial.replace(options.output)


if __name__ == "__main__":
    main()
