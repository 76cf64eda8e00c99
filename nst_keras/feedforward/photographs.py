"""Photographs for training: random crops of picture files, the same ones in every run."""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ..image import load_image, resize
from ..support.pictures import PictureError, picture_files
from ..support.types import ImageArray, PathLike

READERS = 2  # pictures decoded at a time


class Photographs:
    """Square crops of photographs; example n depends only on n and `seed`.

    Every epoch takes all photographs in a new order. A crop has between half and all of the photograph's shorter side;
    it is resized to `size` pixels a side, and mirrored with a probability of 1/2. With `sharp` no crop is smaller than
    `size` where the photograph is larger: super-resolution learns from fine detail.

    `source` is a folder or a list of files, which are read when they are needed. 300 to 600 pixels a side are enough;
    larger files take longer to decode. `unreadable` is {file: reason} of the files that could not be read so far; the
    next photograph took the place of each.
    """

    def __init__(self, source: PathLike | Sequence[PathLike], size: int, seed: int = 0, sharp: bool = False) -> None:
        is_folder = isinstance(source, (str, os.PathLike))
        if not is_folder and (not isinstance(source, (list, tuple)) or not source):
            raise ValueError(f"photographs must be a folder, or a list of at least one file; got {source!r}.")
        self.files = picture_files(source, "photographs") if is_folder else list(source)
        self.size, self.seed, self.sharp, self.unreadable = size, seed, sharp, {}
        self._load(range(len(self.files)))  # at least one must be readable

    def example(self, number: int) -> ImageArray:
        """Return example `number`, of shape (size, size, 3)."""
        epoch, place = divmod(int(number), len(self.files))
        order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.files))
        image = self._load(np.roll(order, -place))
        random = np.random.default_rng([self.seed, 1, int(number)])
        longest = min(image.shape[:2])
        side = random.integers(min(self.size, longest) if self.sharp else longest // 2, longest + 1)
        y, x = (random.integers(0, length - side + 1) for length in image.shape[:2])
        crop = resize(image[y : y + side, x : x + side], (self.size, self.size))
        return crop[:, ::-1] if random.integers(2) else crop

    def batches(
        self, first: int, last: int, batch: int, workers: int = 1, worker: int = 0, replicas: int = 1
    ) -> tf.data.Dataset:
        """Return one worker's share of the examples from `first` to `last` - 1, in batches for its `replicas`.

        The workers share every `batch` examples in order: it holds the same pictures on any number of devices.
        """
        share = batch // workers
        numbers = tf.data.Dataset.range(first, last).filter(lambda n: n % batch // share == worker)
        crops = numbers.map(self._crop, num_parallel_calls=READERS)
        return crops.batch(share // replicas, drop_remainder=True).prefetch(2)

    def _crop(self, number):
        return tf.ensure_shape(tf.numpy_function(self.example, [number], tf.float32), (self.size, self.size, 3))

    def _load(self, order):
        """Load the first photograph in `order` that can be read."""
        for file in (str(self.files[place]) for place in order):
            if file not in self.unreadable:
                try:
                    return load_image(file, name="photograph")
                except PictureError as error:
                    self.unreadable[file] = str(error)
        reason = next(iter(self.unreadable.values()))
        raise ValueError(f"photographs: none of the {len(self.files)} files can be read. {reason}")
