"""Photographs to train on: random crops out of files, the same ones in every run. Loaded on demand."""

import os

import numpy as np
import tensorflow as tf

from ..image import PictureError, load_image, picture_files, resize

READERS = 2  # pictures decoded at a time


class Photographs:
    """Square crops of photographs. Example n is the same in every run with the same seed, whoever asks for it.

    Every epoch goes through all photographs in another order. A crop has between half and all of the photograph's
    shorter side, is scaled to `size`, and mirrored one time out of two. With `sharp` it is only ever made smaller, as
    far as the photograph allows: to train super-resolution, detail must be there.

    Parameters
    ----------
    source : path of a folder, or list of paths
        Read when they are needed; some 300 to 600 pixels a side are enough, larger ones take longer to decode.
    size : int
        Side of the crops, in pixels.
    seed : int
    sharp : bool

    Attributes
    ----------
    unreadable : dict {file: what was wrong with it}
        Those met so far. The next photograph takes the place of one that cannot be read.

    Raises
    ------
    ValueError
        No folder, no picture in it, or none that can be read.
    """

    def __init__(self, source, size, seed=0, sharp=False):
        if isinstance(source, (str, os.PathLike)):
            self.files = picture_files(source, "photographs")
        elif isinstance(source, (list, tuple)) and source:
            self.files = list(source)
        else:
            raise ValueError(f"photographs must be a folder, or a list of at least one file; got {source!r}.")
        self.size, self.seed, self.sharp = size, seed, sharp
        self.unreadable = {}
        self._load(range(len(self.files)))  # at least one must be readable

    def example(self, number):
        """Example `number`: (size, size, 3) float32 in [0, 1]."""
        epoch, place = divmod(int(number), len(self.files))
        order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.files))
        image = self._load(np.roll(order, -place))
        random = np.random.default_rng([self.seed, 1, int(number)])
        longest = min(image.shape[:2])
        shortest = min(self.size, longest) if self.sharp else longest // 2
        side = random.integers(shortest, longest + 1)
        y, x = (random.integers(0, length - side + 1) for length in image.shape[:2])
        crop = resize(image[y : y + side, x : x + side], (self.size, self.size))
        return crop[:, ::-1] if random.integers(2) else crop

    def batches(self, first, last, batch, workers=1, worker=0, replicas=1):
        """Batches of the examples from number `first` up to `last`, as a `tf.data.Dataset`.

        Every `batch` examples are divided among `workers`, each of which feeds `replicas`: worker 0 has the first
        ones. So a batch holds the same pictures, however many devices share it.
        """
        share = batch // workers
        numbers = tf.data.Dataset.range(first, last).filter(lambda n: n % batch // share == worker)
        crops = numbers.map(self._crop, num_parallel_calls=READERS)
        return crops.batch(share // replicas, drop_remainder=True).prefetch(2)

    def _crop(self, number):
        crop = tf.numpy_function(self.example, [number], tf.float32)
        return tf.ensure_shape(crop, (self.size, self.size, 3))

    def _load(self, order):
        """The first photograph in `order` that can be read."""
        for place in order:
            file = str(self.files[place])
            if file not in self.unreadable:
                try:
                    return load_image(file, name="photograph")
                except PictureError as error:
                    self.unreadable[file] = str(error)
        raise ValueError(
            f"photographs: none of the {len(self.files)} files can be read. {next(iter(self.unreadable.values()))}"
        )
