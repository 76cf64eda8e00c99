"""What every run has in common: the sizes it goes through, from coarse to fine, and what it gives back."""

import math
import os
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from . import image as images
from .optimize import Recorder, minimize
from .plot import plot_comparison, plot_losses

MIN_SCALE = 64
MAX_ELONGATION = 8
FLOAT32_FINISH = 0.5  # of the iterations at full size, after those in bfloat16


@dataclass(frozen=True)
class Result:
    """What a run gives back.

    Attributes
    ----------
    image : numpy.ndarray
        The picture, (H, W, 3) float32 in [0, 1].
    history : list of Step
        One for each iteration, without images.
    settings : dict
        The keyword arguments of the run, layers and shares spelled out: `style_transfer(content, style, **settings)`
        repeats it. (Arrays given as `init`, `masks` or `style_masks`, and a model given as `network`, are not kept.)
    inputs : list of str
        The files that content, styles and init were read from.
    interrupted : bool
        True if the run was ended by Ctrl-C, a notebook's stop button, or a callback's `StopIteration`; `image`
        is then the best one up to there.
    content : array or None
        The content at the result's size.
    styles : list of arrays
        The styles' pictures as they were at the last scale, recoloured if they were.
    notes : list of str
        What the run wants you to know, such as that colours were clipped.
    """

    image: np.ndarray = field(repr=False)
    history: list = field(repr=False)
    settings: dict
    inputs: list
    interrupted: bool
    content: np.ndarray | None = field(repr=False)
    styles: list = field(repr=False)
    notes: list = field(default_factory=list)

    def save(self, path, *, dpi=None):
        """Write the image to a file; never over one of the run's own inputs. See `save_image`."""
        images.save_image(self.image, path, inputs=self.inputs, dpi=dpi)

    def keep(self, folder, *, frames=None):
        """Write all of the run into a new folder: see `nst_keras.support.runs` for what is in it.

        Parameters
        ----------
        folder : path
            New or empty; nothing is overwritten.
        frames : Frames, optional
            Pictures on the way, see `nst_keras.studio.Frames`.

        Raises
        ------
        ValueError
            The folder has something in it.
        """
        from .support.runs import keep

        keep(self, folder, frames)

    @classmethod
    def load(cls, folder):
        """The result in a folder written by `keep`, or by `style_transfer(…, checkpoint=folder)`; exact to the bit.

        Raises
        ------
        ValueError
            It is no such folder, or a file in it is damaged. Its files may come from anybody: none is executed.
        """
        from .support.runs import load

        return load(folder)

    def show(self):
        """A `PIL.Image.Image`: shown by a notebook as a cell's last line; `.show()` opens a window."""
        return images.to_pil(self.image)

    def plot_losses(self):
        """A figure of every term over the iterations; see `nst_keras.plot.plot_losses`."""
        return plot_losses(self.history)

    def compare(self):
        """A figure: content | styles | result, and the loss curves below."""
        return plot_comparison(self.content, self.styles, self.image, self.history)


class Stage(NamedTuple):
    """A part of a run: so many iterations at one size, with the network in one precision."""

    shape: tuple
    precision: str
    iterations: int


def stages(shapes, iterations, precision):
    """The stages of a run: `iterations` at each of `shapes`.

    In bfloat16 gradients are too rough to end with: the last of the iterations at full size are in float32.
    """
    planned = [Stage(shape, precision, iterations) for shape in shapes]
    if precision == "bfloat16":
        finish = max(1, round(FLOAT32_FINISH * iterations))
        planned[-1:] = [Stage(shapes[-1], "bfloat16", iterations - finish), Stage(shapes[-1], "float32", finish)]
    return [stage for stage in planned if stage.iterations]


def coarse_to_fine(objective_at, start, stages, *, optimizer, callback, pin=None, checkpoint=None):
    """Minimise an objective in stages, each from the picture of the one before, enlarged where the size grows.

    `objective_at(shape, precision)` makes the `Objective`. `pin`, image → image, sets the pixels that are frozen, at
    the start of every stage. In `checkpoint` the run is written down, and from there it goes on. For the others see
    `Recorder` and `minimize`.

    Returns image, history and interrupted as in `Result`; the image in the last shape, also after an interrupt.
    """
    work = np.cumsum([0.0] + [stage.iterations * math.prod(stage.shape) for stage in stages])
    image, recorder, interrupted = start, None, False
    try:
        for level, (shape, precision, iterations) in enumerate(stages):
            if checkpoint and level < checkpoint.level:
                continue
            image = images.resize(image, shape)
            recorder = Recorder(
                objective_at(shape, precision),
                image if pin is None else pin(image),
                iterations,
                callback=callback,
                previous=recorder,
                work=work[level : level + 2] / work[-1],
            )
            minimize(recorder, optimizer, checkpoint=checkpoint and checkpoint.at(level, recorder))
            image = recorder.best_image
            if recorder.stopped:
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
        image = recorder.best_image if recorder else image
    return images.resize(image, stages[-1].shape), recorder.history if recorder else [], interrupted


def pyramid(shape, size, scales):
    """Shapes to go through, from coarse to fine, in the proportions of `shape`; the longer side of the last is `size`.

    At most `scales`, or as many as there can be for "auto", each half the next; fewer where one would be under 64 px,
    or its shorter side under 32. A `ValueError` if the last one is too small or too large.
    """
    full = images.fitting_shape(shape, size)
    if min(full) < images.MIN_SIDE or full[0] * full[1] > images.MAX_PIXELS:
        raise ValueError(
            f"size={size} would make the result {full[1]}×{full[0]} pixels; both sides must be at least "
            f"{images.MIN_SIDE}, and it may have {images.MAX_PIXELS // 1_000_000} megapixels."
        )
    shapes = [full]
    while scales == "auto" or len(shapes) < scales:
        smaller = images.fitting_shape(shape, round(max(shapes[0]) / 2))
        if max(smaller) < MIN_SCALE or min(smaller) < images.MIN_SIDE:
            break
        shapes.insert(0, smaller)
    return shapes


def load_style(source):
    """The pictures of one style, as a list of image arrays, from one source or a list of several."""
    sources = source if isinstance(source, (list, tuple)) else [source]
    if not sources:
        raise ValueError("style must be a picture or a list of at least one; got an empty list.")
    pictures = [images.load_image(picture, name="style") for picture in sources]
    for picture in pictures:
        height, width = picture.shape[:2]
        if max(height, width) > MAX_ELONGATION * min(height, width):
            raise ValueError(f"style is {width}×{height} pixels, longer than {MAX_ELONGATION} : 1; crop it.")
    return pictures


def style_at(shape, style, settings):
    """A style's picture at the scale where the result has `shape`."""
    if settings["formula"] == "keras":  # its raw Gram matrices need images of one size
        return images.resize(style, shape)
    size = round(max(shape) * settings["style_scale"])
    return images.resize(style, images.fitting_shape(style.shape, size, minimum=images.MIN_SIDE))


def check_callback(callback):
    """Raise a `ValueError` unless `callback` is None or can be called."""
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function of a Step, such as ProgressBar(); got {callback!r}.")


def input_files(*sources):
    """Absolute paths of those sources, also in lists, that are files: what a result must not be saved over."""
    paths = []
    for source in sources:
        if isinstance(source, (list, tuple)):
            paths += input_files(*source)
        elif isinstance(source, (str, os.PathLike)) and os.path.exists(source):
            paths.append(os.path.abspath(source))
    return paths
