"""Train transform networks with perceptual losses.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155: a network learns once, from photographs, to minimise the loss that
`style_transfer` minimises for each picture anew.
"""

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ..image import fitting_shape, load_image, resize
from ..network import LAYERS, build_network
from ..networks.weights import constant_weights
from ..objective import Term, content_terms, style_targets, style_terms, total_variation_term
from ..results.recorder import NonFiniteLossError, Step
from ..support.checks import check_callback, checked_number, checked_whole
from ..support.files import read_state, write_arrays
from ..support.pictures import MIN_SIDE, PictureError, picture_files
from ..support.settings import layers_read
from ..support.types import ImageArray, ImageSource, Layers, PathLike
from ..transfer import DEFAULTS as TRANSFER
from ..transfer import load_style
from .network import MIN_SHAPE, apply, check_shape, transform_network

# For a style, and for super-resolution. With VGG those of the authors' code, relu3_3; the paper has relu2_2.
CONTENT_LAYERS = dict.fromkeys(("vgg19", "vgg16"), (("block3_conv3",), ("block2_conv2",)))
CONTENT_LAYERS |= {"lite": (LAYERS["lite"][0], ("block2_conv2",))}
DEFAULTS_OF_TASK = {"tv_weight": (0.6, 0.0), "learning_rate": (2e-3, 2e-4)}  # for a style, and for super-resolution
LAST_RATE = 0.05  # the learning rate at the end, as a share of that at the start
MIN_SETTINGS = {"style_size": MIN_SIDE, "steps": 1, "batch": 1}
OTHERS = ("photographs", "sample", "every", "checkpoint", "callback")  # not settings: data, and what is shown or saved
BLUR_RADIUS = 3  # pixels of `shrunk`: three standard deviations
READERS = 2  # photographs decoded at a time


class Photographs:
    """Square crops of photographs; example n depends only on n and `seed`.

    `source` is a folder or a list of files; 300 to 600 pixels a side are enough, larger files take longer to decode.
    Every epoch takes all in a new order. A crop has between half and all of the photograph's shorter side; it is
    resized to `size` pixels a side, and mirrored with a probability of 1/2. With `sharp` no crop is smaller than `size`
    where the photograph is larger: super-resolution learns from fine detail. The next photograph takes the place of one
    that cannot be read, with a warning.
    """

    def __init__(self, source: PathLike | Sequence[PathLike], size: int, seed: int = 0, sharp: bool = False) -> None:
        is_folder = isinstance(source, (str, os.PathLike))
        if not is_folder and (not isinstance(source, (list, tuple)) or not source):
            raise ValueError(f"photographs must be a folder, or a list of at least one file; got {source!r}.")
        self.files = picture_files(source, "photographs") if is_folder else list(source)
        self.size, self.seed, self.sharp = size, seed, sharp
        self._broken = {}  # {file: why it cannot be read}: such files are not decoded again in every epoch
        self._load(self.files)  # at least one must be readable

    def example(self, number: int) -> ImageArray:
        """Return example `number`, of shape (size, size, 3)."""
        epoch, place = divmod(int(number), len(self.files))
        order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.files))
        image = self._load(self.files[i] for i in np.roll(order, -place))
        random = np.random.default_rng([self.seed, 1, int(number)])
        longest = min(image.shape[:2])
        side = random.integers(min(self.size, longest) if self.sharp else longest // 2, longest + 1)
        y, x = (random.integers(0, length - side + 1) for length in image.shape[:2])
        crop = resize(image[y : y + side, x : x + side], (self.size, self.size))
        return crop[:, ::-1] if random.integers(2) else crop

    def batches(self, first: int, last: int, batch: int) -> tf.data.Dataset:
        """Return the examples from `first` to `last` - 1, in order, in whole batches."""

        def crop(number):
            return tf.ensure_shape(tf.numpy_function(self.example, [number], tf.float32), (self.size, self.size, 3))

        crops = tf.data.Dataset.range(first, last).map(crop, num_parallel_calls=READERS)
        return crops.batch(batch, drop_remainder=True).prefetch(2)

    def _load(self, files):
        """Load the first photograph that can be read."""
        for file in files:
            if file in self._broken:
                continue
            try:
                return load_image(file, name="photograph")
            except PictureError as error:
                self._broken[file] = str(error)  # not the error itself, which holds pixels
                warnings.warn(f"not used: {error}", stacklevel=1)  # here, so that it is shown once for a file
        raise ValueError(f"photographs: none of the {len(self.files)} files can be read. {self._broken[file]}")


@dataclass
class PerceptualLosses:
    """Compare a batch of pictures with a content for each of them, and with one style (section 3.2 of the paper).

    The terms, called `names`, are those of `nst_keras.objective`, and a loss between pixels. The network returns all
    their layers; `style` has pictures of one style, or is None. `train` explains the other settings.
    """

    network: keras.Model
    style: Sequence[ImageArray] | None
    _: KW_ONLY
    content_layers: Layers
    style_layers: Layers
    formula: str = "relative"
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    pixel_weight: float = 0.0
    style_size: int = 512

    def __post_init__(self) -> None:
        self._features_of = constant_weights(self.network)
        self._shared = []  # terms that are the same for every picture
        if self.style is not None:
            style = [resize(p, fitting_shape(p.shape, self.style_size, MIN_SIDE)) for p in self.style]
            targets = style_targets(self.network, style, self.style_layers, formula=self.formula)
            self._shared += style_terms(targets, self.style_weight)
        if self.tv_weight:
            self._shared.append(total_variation_term(self.tv_weight, formula=self.formula))
        self.names = [f"content {layer}" for layer in self.content_layers if self.content_weight]
        self.names += ["pixel"] * (self.pixel_weight > 0) + [term.name for term in self._shared]

    def __call__(self, pictures: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Return the weighted loss of each term, summed over pictures (n, h, w, 3) with targets of the same shape."""
        features, target_features = self._features_of(pictures), self._features_of(targets)
        total = 0.0
        for one in (slice(i, i + 1) for i in range(pictures.shape[0])):
            own, wanted = ({layer: f[one] for layer, f in each.items()} for each in (features, target_features))
            terms = self._target_terms(targets[one], wanted) + self._shared
            total += tf.stack([term.weight * term.loss(pictures[one], own) for term in terms])
        return total

    def _target_terms(self, target, features):
        terms = []
        if self.content_weight:
            layers, weight = self.content_layers, self.content_weight
            terms += content_terms(lambda _: features, target, layers, weight, formula=self.formula)
        if self.pixel_weight:
            terms.append(Term("pixel", self.pixel_weight, lambda x, _: tf.reduce_mean(tf.square(x - target))))
        return terms


def shrunk(images: tf.Tensor, upscale: int) -> tf.Tensor:
    """Blur images by a Gaussian of σ = 1 pixel and make them smaller, bicubically (section 4.2 of the paper).

    Turns (n, h, w, 3), where h and w are multiples of `upscale`, into (n, h / upscale, w / upscale, 3) in [0, 1].
    """
    places = tf.range(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=tf.float32)
    kernel = tf.exp(-(places**2) / 2)
    kernel = tf.tile((kernel[:, None] * kernel / tf.reduce_sum(kernel) ** 2)[:, :, None, None], (1, 1, 3, 1))
    border = (BLUR_RADIUS, BLUR_RADIUS)
    padded = tf.pad(images, ((0, 0), border, border, (0, 0)), "SYMMETRIC")
    blurred = tf.nn.depthwise_conv2d(padded, kernel, (1, 1, 1, 1), "VALID")
    shape = [side // upscale for side in images.shape[1:3]]
    return tf.clip_by_value(tf.image.resize(blurred, shape, "bicubic", antialias=True), 0, 1)


@dataclass(frozen=True)
class Training:
    """The result of `train`; `save_network(network, path, settings)` keeps it."""

    network: keras.Model = field(repr=False)
    history: list[Step] = field(repr=False)  #: one `Step` for each step, without images
    settings: dict[str, Any]  #: the arguments of `train` that change the network, and the number of photographs
    interrupted: bool  #: whether Ctrl-C, a notebook's stop button or a callback's `StopIteration` ended the run


def train(
    style: ImageSource | Sequence[ImageSource] | None,
    photographs: PathLike | Sequence[PathLike],
    *,
    upscale: Literal[1, 4, 8] = 1,
    width: int = 16,
    residual_blocks: int = 4,
    network: str | keras.Model = "lite",
    content_layers: Layers | None = None,
    style_layers: Layers | None = None,
    formula: str = "relative",
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    tv_weight: float | None = None,
    pixel_weight: float = 0.0,
    size: int = 192,
    style_size: int = 512,
    steps: int = 2500,
    batch: int = 4,
    learning_rate: float | None = None,
    seed: int = 0,
    start: keras.Model | None = None,
    sample: ImageSource | None = None,
    every: int = 100,
    checkpoint: PathLike | None = None,
    callback: Callable[[Step], None] | None = None,
) -> Training:
    """Train a network to paint photographs in one style, or to enlarge them.

    Let t be a crop of a photograph, x = t (to enlarge: t made smaller by `shrunk`), and y the network's picture of x.
    Adam minimises the mean over the batch of

        content_weight · Σ w_l L_content(y, t) + style_weight · Σ w_l L_style(y) + tv_weight · L_tv(y)
        + pixel_weight · mean (y − t)²

    while the learning rate falls along a cosine to 1/20. A loss that becomes NaN raises a `NonFiniteLossError`. The
    content weight is larger than in the paper; otherwise the network loses the content at the beginning of training.

    Parameters
    ----------
    style, photographs
        A picture, or a list of pictures of one style; None for super-resolution. For photographs see `Photographs`.
    upscale, width, residual_blocks, seed
        See `transform_network`. The seed is also that of the crops.
    network, content_layers, style_layers, formula
        As in `style_transfer`, by default with CONTENT_LAYERS; the paper has "vgg16" and formula "johnson".
    content_weight, style_weight, tv_weight, pixel_weight
        All ≥ 0; the defaults are for formula "relative". That of `tv_weight` is 0.6 with a style, and 0 without. The
        paper's baseline for super-resolution has a `pixel_weight` alone.
    size, style_size
        Side of the crops; longer side of the style's pictures, which sets the size of the brush. In pixels.
    steps, batch, learning_rate
        The paper has 40,000 steps of 4 crops at 1e-3. The default rate is 2e-3 with a style and 2e-4 without, where
        nothing is normalised: at a larger rate, some units output only 0 from some step on.
    start
        A trained network of the same shape to start from; from another style, half of the steps are enough.
    sample, callback
        A photograph to paint after every `every` steps; `callback`, called with every `Step`, finds it in `Step.image`.
    checkpoint
        A folder for the state of the run after every `every` steps. A run with the same settings that finds a state
        there continues from it, to the same weights bit by bit.
    """
    settings = _checked({name: value for name, value in locals().items() if name not in OTHERS})
    every = checked_whole("every", every, 1)
    check_callback(callback)
    pictures = None if style is None else load_style(style)
    sample = None if sample is None else load_image(sample, name="sample")
    crops = Photographs(photographs, size, seed, sharp=style is None)
    record = settings | {  # as JSON can hold it: a picture or model by its path or name
        "style": str(style) if isinstance(style, (str, os.PathLike)) else None if style is None else "pictures",
        "start": start is not None,
        "network": getattr(network, "name", network),
        "photographs": len(crops.files),
    }
    losses, model, optimizer = _prepared(settings, pictures)
    state = {f"variable_{i}": variable for i, variable in enumerate([*model.variables, *optimizer.variables])}
    path = Path(checkpoint) / "checkpoint.npz" if checkpoint else None
    history = _restored(path, record, state) if path and path.exists() else []

    def save():
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            arrays = {name: np.asarray(variable) for name, variable in state.items()}
            write_arrays(path, arrays, {"settings": record, "history": [step.record() for step in history]})

    interrupted = False
    try:
        for step in _steps(model, optimizer, losses, crops, settings, history):
            wrong = ", ".join(name for name, value in step.terms.items() if not np.isfinite(value))
            if wrong:
                message = f"term {wrong} is NaN or infinite at step {step.iteration}; a smaller learning_rate may help."
                raise NonFiniteLossError(message, sample)
            history.append(step)
            due = step.iteration % every == 0 or step.iteration == steps
            if due:
                save()
            if callback:
                painted = apply(model, sample) if due and sample is not None else None
                callback(replace(step, image=painted))
    except (KeyboardInterrupt, StopIteration):
        interrupted = True
        if int(optimizer.iterations) == len(history):  # the interrupt may fall between a step and its record
            save()
    return Training(model, history, record, interrupted)


DEFAULTS = train.__kwdefaults__


def _checked(settings):
    """Return the settings of a training spelled out; raise a `ValueError` if one is wrong."""
    made = settings | check_shape(settings)
    made |= {name: checked_whole(name, made[name], minimum) for name, minimum in MIN_SETTINGS.items()}
    style, upscale, network = (made[name] for name in ("style", "upscale", "network"))
    enlarges = style is None
    if enlarges != (upscale > 1):
        raise ValueError(f"upscale must be 1 for a style, and 4 or 8 without one; got {style=}, {upscale=}.")
    layers = CONTENT_LAYERS.get(getattr(network, "name", str(network)), (None, None))
    for name, defaults in ({"content_layers": layers} | DEFAULTS_OF_TASK).items():
        made[name] = defaults[enlarges] if made[name] is None else made[name]
    shared = vars(TRANSFER).keys() & made.keys()
    checked = replace(TRANSFER, **{name: made[name] for name in shared}).checked(styles=int(not enlarges))
    made |= {name: getattr(checked, name) for name in shared} | ({"style_weight": 0.0} if enlarges else {})
    if made["size"] % upscale:
        raise ValueError(f"size must be a multiple of {upscale=}; got {made['size']}.")
    made["pixel_weight"] = checked_number("pixel_weight", made["pixel_weight"], minimum=0)
    made["learning_rate"] = checked_number("learning_rate", made["learning_rate"], above=0)
    if not (made["content_weight"] or made["style_weight"] or made["pixel_weight"]):
        raise ValueError("content_weight, style_weight and pixel_weight must not all be 0.")
    return made


def _restored(path, record, variables):
    """Set the variables to those of the state in a file; return its history."""
    try:
        kept, arrays = read_state(path, {"settings": dict, "history": list}, variables)
        pairs = {name: (kept["settings"].get(name), here) for name, here in record.items()}
        other = [f"{name} {there!r} there, {here!r} here" for name, (there, here) in pairs.items() if there != here]
        if other:
            raise ValueError(f"{str(path)!r} is of another run: {'; '.join(other)}.")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        return [Step.from_record(item, path) for item in kept["history"]]
    except ValueError as error:
        raise ValueError(f"checkpoint: {error} Delete it to start anew, or choose another folder.") from error


def _prepared(settings, pictures):
    """Build the losses, the network that is trained, and its optimizer."""
    layers = layers_read(settings["content_layers"], settings["style_layers"])
    network = build_network(settings["network"], layers)
    names = [f.name for f in fields(PerceptualLosses) if f.kw_only]
    losses = PerceptualLosses(network, pictures, **{name: settings[name] for name in names})
    model = transform_network(**{name: settings[name] for name in (*MIN_SHAPE, "seed")})
    try:
        if settings["start"] is not None:
            model.set_weights(settings["start"].get_weights())
    except (AttributeError, ValueError) as error:
        raise ValueError("start must be a network of the same width, residual_blocks and upscale.") from error
    rates = keras.optimizers.schedules.CosineDecay(settings["learning_rate"], settings["steps"], LAST_RATE)
    optimizer = keras.optimizers.Adam(rates)
    optimizer.build(model.trainable_variables)
    return losses, model, optimizer


def _steps(model, optimizer, losses, crops, settings, history):
    """Train from the step after `history` to the last; yield a `Step` after each."""
    first, batch, trained = len(history), settings["batch"], model.trainable_variables
    started = time.perf_counter() - (history[-1].seconds if history else 0)

    @tf.function(autograph=False)
    def values_of_step(targets):
        images = shrunk(targets, settings["upscale"]) if settings["upscale"] > 1 else targets
        with tf.GradientTape() as tape:
            values = losses(model(images, training=True), targets) / batch
            total = tf.reduce_sum(values)
        optimizer.apply_gradients(zip(tape.gradient(total, trained), trained, strict=True))
        return values

    batches = crops.batches(first * batch, settings["steps"] * batch, batch)
    for number, targets in enumerate(batches, start=first + 1):
        terms = dict(zip(losses.names, values_of_step(targets).numpy().astype(float).tolist(), strict=True))
        seconds, total = time.perf_counter() - started, sum(terms.values())
        yield Step(number, number, seconds, settings["size"], total, terms, number / settings["steps"])
