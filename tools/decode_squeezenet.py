"""Decode SqueezeNet 1.0 from its deep-compressed file into the .npz that `build_network("squeezenet1_0")` reads.

    python tools/decode_squeezenet.py compressed_SqueezeNet.net squeezenet1_0.npz

The file is `compressed_SqueezeNet.net` of the public repository songhan/SqueezeNet-Deep-Compression (Han, Mao, Dally,
arXiv:1510.00149). All numbers are little-endian. The file begins with the number of non-zero weights of each of the
26 layers (uint32). For each layer follow: a codebook of 256 weights (float32); the biases (float32); one byte for each
non-zero weight, its index in the codebook; and four bits for each non-zero weight, low half first, the number of zeros
before it. Where there are more than 15 zeros, entries with code 0, whose weight is 0, fill the gap. Caffe's order of
axes (out, in, height, width) is changed to TensorFlow's (height, width, in, out).
"""

import argparse
from pathlib import Path

import numpy as np

from nst_keras.networks.topologies import FIRE_MODULES

CODEBOOK = 256


def layer_shapes():
    """Return {layer: (out, in, height, width)} in the order of the file."""
    shapes, channels = {"conv1": (96, 3, 7, 7)}, 96
    for fire, (squeeze, expand) in FIRE_MODULES.items():
        shapes[f"{fire}_squeeze1x1"] = (squeeze, channels, 1, 1)
        shapes[f"{fire}_expand1x1"] = (expand, squeeze, 1, 1)
        shapes[f"{fire}_expand3x3"] = (expand, squeeze, 3, 3)
        channels = 2 * expand
    return shapes | {"conv10": (1000, channels, 1, 1)}


def decode(data):
    """Decode the bytes of the file into float32 arrays {"conv1_w": kernel, "conv1_b": bias, …}."""
    shapes = layer_shapes()
    counts = np.frombuffer(data, "<u4", len(shapes))
    position, arrays = counts.nbytes, {}

    def take(dtype, count):
        nonlocal position
        values = np.frombuffer(data, dtype, count, position)
        position += values.nbytes
        return values

    for (layer, shape), count in zip(shapes.items(), counts.tolist(), strict=True):
        codebook, biases = take("<f4", CODEBOOK), take("<f4", shape[0])
        codes, packed = take("u1", count), take("u1", (count + 1) // 2)
        gaps = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]
        places = np.cumsum(gaps.astype("int64") + 1) - 1
        weights = np.zeros(np.prod(shape), "float32")
        if count and places[-1] >= weights.size:
            raise ValueError(f"{layer}: a weight lies outside its kernel; the file is damaged or the wrong one.")
        weights[places] = codebook[codes]
        arrays[f"{layer}_w"] = weights.reshape(shape).transpose(2, 3, 1, 0)
        arrays[f"{layer}_b"] = biases
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes are left over; the file is damaged or the wrong one.")
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("compressed", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    arrays = decode(options.compressed.read_bytes())
    partial = options.output.with_suffix(".partial.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(options.output)
    print(f"{options.output}: {sum(array.size for array in arrays.values()):,} numbers")


if __name__ == "__main__":
    main()
