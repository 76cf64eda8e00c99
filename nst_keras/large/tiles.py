"""Tiles: an image seen part by part, exactly as the whole is seen.

A network that sees all of a large image keeps gigabytes of features. But the losses see them only as sums over
positions, and a sum S may be taken tile by tile. The gradient then needs a second pass, by the chain rule:

    S = Σ over tiles of m(tile),   L = loss(S),   ∂L/∂x = Σ over tiles of ∂⟨∂L/∂S, m(tile)⟩/∂x.

Tiles divide the image; position i of a layer of stride s belongs to the tile that has pixel s·i. The network sees a
crop: the tile and a margin around it, as wide as the receptive fields of the tile's positions. So these have the very
features that they have in the whole image, if only

- crops begin at multiples of the largest stride, so that poolings join the same pixels;
- a crop has a border, and its padding with zeros, only as far from the tile as a receptive field reaches, or where the
  image has it;
- the last crop ends with the image: where its side is odd, poolings leave out the same row.

All crops have one shape, so that one compiled function serves all tiles.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..networks.receptive_fields import receptive_field

IMAGE = "image"  # stands for the image among the layers that a loss reads


class AdditiveLoss(NamedTuple):
    """A loss that sees an image through a sum over positions: loss(Σ over tiles of measure(image, features, window)).

    Called as `loss(image, features)`, like any loss, it sees the whole image at once.

    Attributes
    ----------
    measure : callable
        (image, features, window) → tensor, the summand of one `Window`.
    loss : callable
        (sum, sizes) → scalar tensor. `sizes` is {layer: (height, width)} of the whole image's maps.
    reach : dict {layer: positions}
        The layers that `measure` reads, and how many positions beyond a tile's own it needs of each.
    """

    measure: Callable
    loss: Callable
    reach: dict

    def __call__(self, image, features):
        window = Window(_sizes({IMAGE: image, **features}))
        return self.loss(self.measure(image, features, window), window.sizes)


class Window:
    """What a measure sees of an image: all of it. `sizes` is {layer: (height, width)} of the image's maps."""

    def __init__(self, sizes):
        self.sizes = sizes

    def cut(self, layer, values):
        """The window's part of a tensor (h, w, …) with values for the positions of the whole image."""
        return values

    def guide(self, layer, mask=None):
        """What each of the window's positions counts, (h, w); None if each counts 1. `mask` is the whole image's."""
        return mask

    def count(self, layer):
        """How many positions the window has."""
        height, width = self.sizes[layer]
        return float(height * width)

    def upsampling(self, fine, coarse=None):
        """What `transposed_upsampling` is to know: (scale, translation); nothing between whole maps."""
        return ()


class Tile(Window):
    """The part of an image that belongs to one tile, within a crop of it.

    `sizes`, {layer: (height, width)}, are those of the whole image's maps, `strides` {layer: (vertical, horizontal)};
    `maps`, {layer: tensor (1, h, w, N)}, are the crop's. `origin`, int (2,), is the crop's first row and column in the
    image; `own`, int (2, 2), has the tile's first row and column, and those behind its last.
    """

    def __init__(self, sizes, strides, maps, origin, own):
        super().__init__(sizes)
        self._strides, self._maps, self._origin, self._own = strides, maps, origin, own

    def cut(self, layer, values):
        rest = values.shape[2:]
        begin = tf.concat([self._first(layer), tf.zeros(len(rest), tf.int32)], 0)
        return tf.slice(values, begin, [*self._maps[layer].shape[1:3], *rest])

    def guide(self, layer, mask=None):
        first, inside = self._first(layer), []
        for axis in (0, 1):
            pixels = (first[axis] + tf.range(self._maps[layer].shape[1 + axis])) * self._strides[layer][axis]
            inside.append((pixels >= self._own[0, axis]) & (pixels < self._own[1, axis]))
        own = tf.cast(inside[0][:, None] & inside[1], self._maps[layer].dtype)
        return own if mask is None else own * tf.cast(self.cut(layer, mask), own.dtype)

    def count(self, layer):
        return tf.reduce_sum(self.guide(layer))

    def upsampling(self, fine, coarse=None):
        if coarse is None:
            return ()
        scale = np.divide(self.sizes[fine], self.sizes[coarse])
        first, first_coarse = (tf.cast(self._first(layer), tf.float64) for layer in (fine, coarse))
        return scale, first_coarse * scale - first

    def paste(self, layer, whole):
        """Write the tile's own features into those of the whole image, an array (h, w, N)."""
        begin, end = -(-self._own.numpy() // self._strides[layer])
        end = np.minimum(end, self.sizes[layer])
        first = self._first(layer).numpy()
        rows, columns = map(slice, begin - first, end - first)
        whole[begin[0] : end[0], begin[1] : end[1]] = self._maps[layer][0, rows, columns]

    def _first(self, layer):
        return self._origin // np.array(self._strides[layer], "int32")


class Tiling:
    """The tiles of an image of `shape` (height, width), and their crops, which all have the shape `crop`.

    `tile` is the side of the tiles at most, in pixels; rounded up to a multiple of the largest stride. Tiles are as
    large as each other, but for the last of a row or column. For `reach` see `AdditiveLoss`. A `ValueError` if the
    network has a layer whose receptive field is not known.
    """

    def __init__(self, network, shape, tile, reach):
        self.shape = tuple(shape[:2])
        try:
            fields = {layer: receptive_field(network, layer, self.shape) for layer in reach if layer != IMAGE}
        except ValueError as error:
            raise ValueError(f"tile: this network cannot see an image in tiles. {error}") from error
        self.sizes = {IMAGE: self.shape} | {layer: field.positions for layer, field in fields.items()}
        self._strides = {IMAGE: (1, 1)} | {layer: field.stride for layer, field in fields.items()}
        step = np.lcm.reduce(list(self._strides.values()))
        before = after = np.array((reach.get(IMAGE, 0),) * 2)
        for layer, field in fields.items():
            beyond = reach[layer] * np.array(field.stride)
            before = np.maximum(before, beyond - field.offset)
            after = np.maximum(after, beyond + field.offset + field.size - field.stride)
        count = -(-np.array(self.shape) // tile)
        self._side = _up(-(-np.array(self.shape) // count), step)
        self._margin = _up(before, step)
        least = self._margin + self._side + after
        crop = least + (self.shape - least) % step
        self._side = np.where(crop < self.shape, self._side, self.shape)
        self.crop = tuple(np.minimum(crop, self.shape).tolist())

    def __len__(self):
        return int(np.prod(-(-np.array(self.shape) // self._side)))

    def __iter__(self):
        """(origin, own) of every tile; see `Tile`."""
        for row in range(0, self.shape[0], self._side[0]):
            for column in range(0, self.shape[1], self._side[1]):
                first = np.array((row, column))
                own = np.stack([first, np.minimum(first + self._side, self.shape)])
                origin = np.clip(first - self._margin, 0, np.subtract(self.shape, self.crop))
                yield tf.constant(origin, tf.int32), tf.constant(own, tf.int32)

    def window(self, pixels, features, origin, own):
        """The `Tile` of a crop and its features."""
        return Tile(self.sizes, self._strides, {IMAGE: pixels, **features}, origin, own)


def joined_reach(reaches):
    """The largest of several `AdditiveLoss.reach`, for each layer."""
    joined = {}
    for reach in reaches:
        for layer, positions in reach.items():
            joined[layer] = max(positions, joined.get(layer, 0))
    return joined


def seen(network, image, reach, tile=None):
    """(features, window) of each tile of an image (H, W, 3), or of all of it at once; see `Tiling`."""
    if tile is None:
        features = network(image[None])
        yield features, Window(_sizes(features))
        return
    tiling = Tiling(network, image.shape, tile, reach)
    for origin, own in tiling:
        (top, left), (height, width) = origin.numpy(), tiling.crop
        pixels = tf.constant(image[None, top : top + height, left : left + width])
        features = network(pixels)
        yield features, tiling.window(pixels, features, origin, own)


def feature_maps(network, image, layers, tile=None):
    """{layer: features (h, w, N)} of an image; with `tile` as NumPy arrays, filled tile by tile."""
    maps = {}
    for features, window in seen(network, image, dict.fromkeys(layers, 0), tile):
        if tile is None:
            return {layer: features[layer][0] for layer in layers}
        for layer in layers:
            whole = maps.setdefault(layer, np.zeros((*window.sizes[layer], features[layer].shape[-1]), "float32"))
            window.paste(layer, whole)
    return maps


def two_passes(network, terms, tiling, dtype):
    """A function of an image (1, H, W, 3) that gives the values of `terms` and the gradient of their sum, by tiles."""
    gradient = tf.Variable(tf.zeros((1, *tiling.shape, 3), dtype), trainable=False)
    height, width = tiling.crop
    place = tf.TensorSpec((1, *tiling.shape, 3), dtype), tf.TensorSpec(2, tf.int32), tf.TensorSpec((2, 2), tf.int32)

    def cropped(image, origin):
        return tf.slice(image, [0, origin[0], origin[1], 0], [1, height, width, 3])

    def measures(pixels, origin, own):
        features = network(pixels)
        window = tiling.window(pixels, features, origin, own)
        return [term.loss.measure(pixels, features, window) for term in terms]

    @tf.function(autograph=False)
    def summands(image, origin, own):
        return measures(cropped(image, origin), origin, own)

    @tf.function(autograph=False)
    def add_gradient(image, origin, own, slopes):
        pixels = cropped(image, origin)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            sums = measures(pixels, origin, own)
        share = tape.gradient(sums, pixels, output_gradients=slopes)
        rows, columns = slice(origin[0], origin[0] + height), slice(origin[1], origin[1] + width)
        gradient[:, rows, columns].assign(cropped(gradient, origin) + share)

    summands = summands.get_concrete_function(*place)
    add_gradient = add_gradient.get_concrete_function(*place, summands.structured_outputs)

    def evaluate(image):
        sums = None
        for origin, own in tiling:
            of_tile = summands(image, origin, own)
            sums = of_tile if sums is None else tf.nest.map_structure(tf.add, sums, of_tile)
        with tf.GradientTape() as tape:
            tape.watch(sums)
            pairs = zip(terms, sums, strict=True)
            values = tf.stack([term.weight * term.loss.loss(total, tiling.sizes) for term, total in pairs])
        slopes = tape.gradient(values, sums)
        gradient.assign(tf.zeros_like(gradient))
        for origin, own in tiling:
            add_gradient(image, origin, own, slopes)
        return values, gradient.read_value()

    return evaluate


def _sizes(maps):
    return {layer: tuple(values.shape[1:3]) for layer, values in maps.items()}


def _up(number, step):
    return -(-number // step) * step
