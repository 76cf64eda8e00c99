"""Tiles: evaluate the objective of a large image part by part, with the same result as for the whole.

A network that sees all of a large image keeps gigabytes of features. But the losses need only sums over positions, and
a sum S may be added up tile by tile. The gradient then needs a second pass, by the chain rule:

    S = Σ over tiles of m(tile),   L = loss(S),   ∂L/∂x = Σ over tiles of ∂⟨∂L/∂S, m(tile)⟩/∂x.

Tiles divide the image; position i of a layer of stride s belongs to the tile that has pixel s·i. The network sees a
crop: the tile and a margin around it, as wide as the receptive fields of the tile's positions. These positions have the
same features as in the whole image, if

- crops begin at multiples of the largest stride, so that poolings join the same pixels;
- a crop has a border, and its padding with zeros, only at the image's border, or further from the tile than a
  receptive field reaches;
- the last crop ends with the image: where its side is odd, poolings leave out the same row.

All crops have one shape, so that one compiled function serves all. In a crop, a mask selects the positions of the tile.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..correlations import StyleSums, blur, style_sums
from ..losses import content_divisor, variation_summands
from ..network import build_network
from ..networks.receptive_fields import receptive_field
from ..networks.weights import constant_weights
from ..objective import ContentLoss, Objective, StyleLoss, VariationLoss

IMAGE = "image"  # stands for the image among the layers that a loss reads


class TiledObjective(Objective):
    """An `Objective` with the same values and gradient, for large images: the network sees them tile by tile.

    `tile` is the largest side of the tiles in pixels. Terms are those that `nst_keras.objective` makes.
    """

    def __init__(self, network, terms, shape, frozen=None, *, tile):
        self._tile = tile
        super().__init__(network, terms, shape, frozen)

    def _compiled(self, network, terms):
        losses, reach = [_additive(term) for term in terms], {}
        for layer, positions in (item for loss in losses for item in loss.reach.items()):
            reach[layer] = max(positions, reach.get(layer, 0))
        tiling = Tiling(network, self.shape, self._tile, reach)
        if len(tiling) == 1:
            return super()._compiled(network, terms)
        return _two_passes(network, [term.weight for term in terms], losses, tiling, self._dtype)


class TiledNetwork:
    """A network that sees a large image tile by tile: it returns the features of the whole image.

    A layer's features are computed when they are asked for, so that not all layers are in memory at the same time.
    """

    def __init__(self, network: keras.Model, tile: int) -> None:
        self._network, self._tile = network, tile

    def __call__(self, images: np.ndarray) -> Any:
        """Return a mapping {layer: (1, h, w, N)} of one image, (1, H, W, 3)."""
        return _Features(functools.lru_cache(maxsize=2)(functools.partial(self._computed, images[0])))

    def _computed(self, image, layer):
        network = build_network(self._network, [layer])
        tiling = Tiling(network, image.shape, self._tile, {layer: 0})
        whole = np.zeros((*tiling.sizes[layer], network.output[layer].shape[-1]), "float32")
        for pixels, origin, own in tiling.crops(image[None]):
            tiling.window(pixels, network(pixels), origin, own).paste(layer, whole)
        return tf.constant(whole[None])


class _Features:
    def __init__(self, of_layer):
        self._of_layer = of_layer

    def __getitem__(self, layer):
        return self._of_layer(layer)


class Tiling:
    """The tiles of an image of `shape`, and their crops, which all have the shape `crop`.

    `tile` is the largest side of a tile in pixels, rounded up to a multiple of the largest stride. All tiles have the
    same size, except the last of a row or column. A direction in which a crop would reach over the whole image is not
    divided. `reach`, {layer: n}, has the layers that are read, and how many positions beyond its own a tile needs.
    """

    def __init__(self, network: keras.Model, shape: tuple, tile: int, reach: dict[str, int]) -> None:
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
        needed = self._margin + self._side + after
        crop = needed + (self.shape - needed) % step
        self._side = np.where(crop < self.shape, self._side, self.shape)
        self.crop = tuple(np.minimum(crop, self.shape).tolist())

    def __len__(self):
        return int(np.prod(-(-np.array(self.shape) // self._side)))

    def crops(self, image: Any) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """Yield for every crop of an image (1, H, W, 3): its pixels, and `origin` and `own` as in `Tile`."""
        for row in range(0, self.shape[0], self._side[0]):
            for column in range(0, self.shape[1], self._side[1]):
                first = np.array((row, column))
                own = np.stack([first, np.minimum(first + self._side, self.shape)])
                top, left = origin = np.clip(first - self._margin, 0, np.subtract(self.shape, self.crop))
                pixels = image[:, top : top + self.crop[0], left : left + self.crop[1]]
                yield tf.constant(pixels), tf.constant(origin, tf.int32), tf.constant(own, tf.int32)

    def window(self, pixels: tf.Tensor, features: dict, origin: tf.Tensor, own: tf.Tensor) -> "Tile":
        """Return the `Tile` of a crop and its features."""
        return Tile(self.sizes, self._strides, {IMAGE: pixels, **features}, origin, own)


class Tile(NamedTuple):
    """The part of an image that belongs to one tile, within a crop of it."""

    sizes: dict[str, tuple]  #: {layer: (height, width)} of the whole image's maps
    strides: dict[str, tuple]  #: {layer: (vertical, horizontal)}
    maps: dict[str, tf.Tensor]  #: {layer: (1, h, w, N)} of the crop
    origin: tf.Tensor  #: int (2,), the crop's first row and column in the image
    own: tf.Tensor  #: int (2, 2), the tile's first row and column, and the first ones after it

    def cut(self, layer: str, values: tf.Tensor) -> tf.Tensor:
        """Return the crop's part of a tensor (h, w, …) that has a value for each position of the whole image."""
        rest = values.shape[2:]
        begin = tf.concat([self._first(layer), tf.zeros(len(rest), tf.int32)], 0)
        return tf.slice(values, begin, [*self.maps[layer].shape[1:3], *rest])

    def mask(self, layer: str, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return the mask (h, w) of the tile's own positions in the crop, times a mask of the whole image."""
        first, inside = self._first(layer), []
        for axis in (0, 1):
            pixels = (first[axis] + tf.range(self.maps[layer].shape[1 + axis])) * self.strides[layer][axis]
            inside.append((pixels >= self.own[0, axis]) & (pixels < self.own[1, axis]))
        own = tf.cast(inside[0][:, None] & inside[1], self.maps[layer].dtype)
        return own if mask is None else own * tf.cast(self.cut(layer, mask), own.dtype)

    def enlarged(self, fine: str, coarse: str) -> tf.Tensor:
        """Return the features of layer `coarse`, enlarged to the positions of `fine` as they are in the whole image."""
        scale = np.divide(self.sizes[fine], self.sizes[coarse])
        first, first_coarse = (tf.cast(self._first(layer), tf.float64) for layer in (fine, coarse))
        enlarged = tf.raw_ops.ScaleAndTranslate(
            images=tf.cast(self.maps[coarse], tf.float32),
            size=self.maps[fine].shape[1:3],
            scale=tf.cast(scale, tf.float32),
            translation=tf.cast(first_coarse * scale - first, tf.float32),
            kernel_type="triangle",
            antialias=False,
        )
        return tf.cast(enlarged, self.maps[coarse].dtype)

    def paste(self, layer: str, whole: np.ndarray) -> None:
        """Write the tile's own features into those of the whole image, an array (h, w, N)."""
        begin, end = -(-self.own.numpy() // self.strides[layer])
        end = np.minimum(end, self.sizes[layer])
        first = self._first(layer).numpy()
        rows, columns = map(slice, begin - first, end - first)
        whole[begin[0] : end[0], begin[1] : end[1]] = self.maps[layer][0, rows, columns]

    def _first(self, layer):
        return self.origin // np.array(self.strides[layer], "int32")


class _AdditiveLoss(NamedTuple):
    """A loss of a sum over tiles: loss(Σ over tiles of measure(tile), sizes)."""

    measure: Callable
    reach: dict  # see `Tiling`
    loss: Callable = lambda total, sizes: total


def _additive(term):
    kinds = {ContentLoss: _additive_content, StyleLoss: _additive_style, VariationLoss: _additive_variation}
    if type(term.loss) not in kinds:
        raise ValueError(f"tile: the loss of term {term.name!r} must be one that nst_keras.objective makes.")
    return kinds[type(term.loss)](term.loss)


def _additive_content(loss):
    layer, target = loss.layer, tf.squeeze(loss.target, 0)
    divisor = content_divisor(loss.target, loss.energy, loss.formula)

    def measure(tile):
        squares = tf.square(tile.maps[layer][0] - tile.cut(layer, target))
        return tf.reduce_sum(squares * tile.mask(layer, loss.weights)[..., None]) / divisor

    return _AdditiveLoss(measure, {layer: 0})


def _additive_variation(loss):
    def measure(tile):
        maps = variation_summands(tile.maps[IMAGE], loss.form, [1, *tile.sizes[IMAGE]])
        own = tile.mask(IMAGE)[..., None]
        return sum(tf.reduce_sum(values * own[: values.shape[1], : values.shape[2]]) for values in maps)

    return _AdditiveLoss(measure, {IMAGE: 1})


def _additive_style(loss):
    c = loss.correlation

    def measure(tile):
        features = tile.maps
        if c.deeper is not None:
            features = features | {c.deeper: blur(tile.enlarged(c.layer, c.deeper), c.blur)}
        sums = style_sums(features, c._replace(blur=0), tile.mask(c.layer, loss.guide.mask(c, tile.sizes)))
        return [sums.products, sums.positions]

    def of_sums(sums, sizes):
        products, positions = sums
        sums = StyleSums(products, None, None, positions)  # the loss reads only the matrix
        return loss.of_sums(sums, sizes, sizes[IMAGE])

    deeper = {} if c.deeper is None else {c.deeper: c.blur + 2}  # neighbours for the blur, and for interpolation
    return _AdditiveLoss(measure, {c.layer: c.blur if c.deeper else 0} | deeper, of_sums)


def _two_passes(network, weights, losses, tiling, dtype):
    """Return a function of an image (1, H, W, 3) that gives the weighted losses and the gradient of their sum."""
    features_of = constant_weights(network)

    def measures(pixels, origin, own):
        tile = tiling.window(pixels, features_of(pixels), origin, own)
        return [loss.measure(tile) for loss in losses]

    @tf.function(autograph=False)
    def gradient_of_crop(pixels, origin, own, slopes):
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            sums = measures(pixels, origin, own)
        return tape.gradient(sums, pixels, output_gradients=slopes)

    summands = tf.function(measures, autograph=False)

    def evaluate(image):
        of_tiles = (summands(*crop) for crop in tiling.crops(image))
        sums = functools.reduce(lambda *pair: tf.nest.map_structure(tf.add, *pair), of_tiles)
        with tf.GradientTape() as tape:
            tape.watch(sums)
            values = [w * loss.loss(total, tiling.sizes) for w, loss, total in zip(weights, losses, sums, strict=True)]
            values = tf.stack(values)
        slopes = tape.gradient(values, sums, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = np.zeros(image.shape, dtype)
        for pixels, origin, own in tiling.crops(image):
            (top, left), (height, width) = origin.numpy(), tiling.crop
            gradient[:, top : top + height, left : left + width] += gradient_of_crop(pixels, origin, own, slopes)
        return values, tf.constant(gradient)

    return evaluate


def _up(number, step):
    return -(-number // step) * step
