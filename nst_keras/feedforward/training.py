"""Train transform networks with perceptual losses.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155: a network learns once, from photographs, to minimise the loss that
`style_transfer` minimises for each picture anew.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ..formulas import FORMULAS
from ..image import load_image
from ..network import build_network, check_network
from ..optimize import NonFiniteLossError, Step
from ..support.checks import checked_name, checked_number, checked_whole
from ..support.files import read_state, write_arrays
from ..support.pictures import MIN_SIDE
from ..support.settings import checked_layers, checked_weight, layers_read
from ..support.types import ImageSource, Layers, PathLike
from ..transfer import check_callback, load_style
from .losses import LossSettings, PerceptualLosses, shrunk
from .network import MIN_SHAPE, check_shape, transform_network
from .photographs import Photographs
from .trained import apply, save_network

CONTENT_LAYERS = {  # for a style, and for super-resolution
    "lite": (("block3_conv2", "block4_conv2"), ("block2_conv2",)),
    "vgg19": (("block3_conv3",), ("block2_conv2",)),
    "vgg16": (("block3_conv3",), ("block2_conv2",)),  # relu3_3, as in the authors' code; the paper has relu2_2
}
TV_WEIGHTS = 0.6, 0.0  # for a style, and for super-resolution
LEARNING_RATES = 2e-3, 2e-4
LAST_RATE = 0.05  # the learning rate at the end, as a share of that at the start
MIN_SETTINGS = MIN_SHAPE | {"size": MIN_SIDE, "style_size": MIN_SIDE, "steps": 1, "batch": 1, "seed": 0}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(LossSettings):
    """The settings of a training: the arguments of `train` that change the network."""

    style: Any
    start: keras.Model | None
    network: str | keras.Model
    weights: PathLike | None
    upscale: int
    width: int
    residual_blocks: int
    size: int
    steps: int
    batch: int
    learning_rate: float | None
    seed: int

    def checked(self) -> "TrainingSettings":
        """Return these settings with all defaults spelled out; raise a `ValueError` if one is wrong."""
        whole = {name: checked_whole(name, getattr(self, name), minimum) for name, minimum in MIN_SETTINGS.items()}
        check_shape(whole)
        enlarges = self.style is None
        if enlarges != (self.upscale > 1):
            got = f"style={self.style!r}, upscale={self.upscale}"
            raise ValueError(f"upscale must be 1 for a style, and 4 or 8 without one; got {got}.")
        if self.size % self.upscale:
            raise ValueError(f"size must be a multiple of upscale={self.upscale}; got {self.size}.")
        check_network(self.network, None, self.weights)
        checked_name("formula", self.formula, FORMULAS)
        network, content_layers = getattr(self.network, "name", self.network), self.content_layers
        if content_layers is None and network in CONTENT_LAYERS:
            content_layers = CONTENT_LAYERS[network][enlarges]
        rate = LEARNING_RATES[enlarges] if self.learning_rate is None else self.learning_rate
        tv_weight = TV_WEIGHTS[enlarges] if self.tv_weight is None else self.tv_weight
        checked = replace(
            self,
            **whole,
            content_layers=checked_layers("content_layers", self.network, content_layers, "content"),
            style_layers=[] if enlarges else checked_layers("style_layers", self.network, self.style_layers, "style"),
            content_weight=checked_weight("content_weight", self.content_weight, self.formula),
            style_weight=0.0 if enlarges else checked_weight("style_weight", self.style_weight, self.formula),
            tv_weight=checked_number("tv_weight", tv_weight, minimum=0),
            pixel_weight=checked_number("pixel_weight", self.pixel_weight, minimum=0),
            learning_rate=checked_number("learning_rate", rate, above=0),
        )
        if not (checked.content_weight or checked.style_weight or checked.pixel_weight):
            raise ValueError("content_weight, style_weight and pixel_weight must not all be 0.")
        return checked

    def record(self) -> dict[str, Any]:
        """Return checked settings as JSON can hold them: a picture or model by its path or name."""
        of_pictures = None if self.style is None else "pictures"
        return dict(vars(self)) | {
            "style": str(self.style) if isinstance(self.style, (str, os.PathLike)) else of_pictures,
            "start": self.start is not None,
            "network": getattr(self.network, "name", self.network),
            "weights": None if self.weights is None else str(self.weights),
        }


@dataclass(frozen=True)
class Training:
    """The result of `train`.

    `history` has one `Step` for each step, without images. `settings` is the record of the `TrainingSettings`, with the
    number of photographs. `unreadable` is {file: reason} of the photographs that were passed over. `interrupted` is
    true if Ctrl-C, a notebook's stop button or a callback's `StopIteration` ended the run.
    """

    network: keras.Model = field(repr=False)
    history: list[Step] = field(repr=False)
    settings: dict[str, Any]
    unreadable: dict[str, str]
    interrupted: bool

    def save(self, path: PathLike) -> None:
        """Write the network to NAME.weights.h5, and its settings to NAME.json; see `save_network`."""
        save_network(self.network, path, self.settings)


def train(
    style: ImageSource | Sequence[ImageSource] | None,
    photographs: PathLike | Sequence[PathLike],
    *,
    upscale: Literal[1, 4, 8] = 1,
    width: int = 16,
    residual_blocks: int = 4,
    network: str | keras.Model = "lite",
    weights: PathLike | None = None,
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
    strategy: tf.distribute.Strategy | None = None,
    callback: Callable[[Step], None] | None = None,
) -> Training:
    """Train a network to paint photographs in one style, or to enlarge them.

    Let t be a crop of a photograph, x = t (to enlarge: t made smaller by `shrunk`), and y the network's picture of x.
    Adam minimises the mean over the batch of

        content_weight · Σ w_l L_content(y, t) + style_weight · Σ w_l L_style(y) + tv_weight · L_tv(y)
        + pixel_weight · mean (y − t)²

    while the learning rate falls along a cosine to 1/20. Losses, formulas and layers are those of `style_transfer`;
    formula "johnson" is that of the paper (section 3.2). The content has a larger weight than there and one layer more:
    otherwise a network that cannot paint yet gives up the content first.

    Parameters
    ----------
    style
        A picture, or a list of several pictures of one style; None for super-resolution.
    photographs
        A folder or a list of files, see `Photographs`. Files that cannot be read are passed over.
    upscale
        1 for a style; 4 or 8 for super-resolution.
    width, residual_blocks, seed
        See `transform_network`. The seed is also that of the crops.
    network, weights
        The loss network, see `build_network`. The paper has "vgg16".
    content_layers, style_layers, formula
        See `style_transfer`. The default content layers are CONTENT_LAYERS, the paper's for VGG.
    content_weight, style_weight, tv_weight, pixel_weight
        All ≥ 0; the defaults are for formula "relative". That of `tv_weight` is 0.6 with a style, and 0 without. The
        paper's baseline for super-resolution has a `pixel_weight` alone.
    size, style_size
        Side of the crops t, and longer side of the style's pictures, in pixels; the latter sets the size of the brush.
    steps, batch, learning_rate
        The paper has 40,000 steps of 4 crops at 1e-3. The default rate is 2e-3 with a style and 2e-4 without, where
        nothing is normalised: at larger rates units die, until the network only enlarges bicubically.
    start
        A trained network of the same shape to start from; from another style, half of the steps are enough.
    sample
        A photograph to paint after every `every` steps; `callback` gets the picture as `Step.image`.
    every
        Steps from one sample and one checkpoint to the next.
    checkpoint
        A folder for the state of the run, made if necessary. A run with the same settings that finds a state there
        continues from it; on one device, to the same weights bit by bit.
    strategy
        Several devices that share `batch`. In a cluster, every worker calls `train` with the same arguments; the first
        one writes checkpoints, and all must be able to read them.
    callback
        Called with every `Step`; it may raise `StopIteration` to end the run. `ProgressBar()` is a callback.

    Raises
    ------
    NonFiniteLossError
        A loss became NaN or infinite.
    """
    settings = TrainingSettings(
        style=style,
        start=start,
        network=network,
        weights=weights,
        upscale=upscale,
        width=width,
        residual_blocks=residual_blocks,
        content_layers=content_layers,
        style_layers=style_layers,
        formula=formula,
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        pixel_weight=pixel_weight,
        size=size,
        style_size=style_size,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    ).checked()
    every = checked_whole("every", every, 1)
    check_callback(callback)
    strategy = strategy or tf.distribute.get_strategy()
    if settings.batch % strategy.num_replicas_in_sync:
        raise ValueError(f"batch must be a multiple of {strategy.num_replicas_in_sync} devices; got {batch}.")
    pictures = None if style is None else load_style(style)
    sample = None if sample is None else load_image(sample, name="sample")
    crops = Photographs(photographs, settings.size, settings.seed, sharp=style is None)
    record = settings.record() | {"photographs": len(crops.files)}
    state = Path(checkpoint) / "checkpoint.npz" if checkpoint else None
    with strategy.scope():
        layers = layers_read(settings.content_layers, settings.style_layers)
        losses = PerceptualLosses(build_network(network, layers, weights=weights), pictures, settings)
        model = transform_network(settings.width, settings.residual_blocks, settings.upscale, settings.seed)
        if start is not None:
            _copy_weights(start, model)
        rates = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps, LAST_RATE)
        optimizer = keras.optimizers.Adam(rates)
        optimizer.build(model.trainable_variables)
        variables = {f"variable_{i}": v for i, v in enumerate([*model.variables, *optimizer.variables])}
        history = _restored(state, record, variables) if state and state.exists() else []
    started = time.perf_counter() - (history[-1].seconds if history else 0)
    interrupted = False
    try:
        for terms in _steps(strategy, model, optimizer, losses, crops, settings, first=len(history)):
            number, total = len(history) + 1, sum(terms.values())
            if not np.isfinite(total):
                wrong = ", ".join(name for name, value in terms.items() if not np.isfinite(value))
                message = f"term {wrong} is NaN or infinite at step {number}; a smaller learning_rate may help."
                raise NonFiniteLossError(message, sample)
            seconds = time.perf_counter() - started
            history.append(Step(number, number, seconds, settings.size, total, terms, number / settings.steps))
            due = number % every == 0 or number == settings.steps
            if state and due:
                _save(state, record, variables, history, strategy)
            if callback:
                painted = apply(model, sample) if due and sample is not None else None
                callback(replace(history[-1], image=painted))
    except (KeyboardInterrupt, StopIteration):
        interrupted = True
        if state and int(optimizer.iterations) == len(history):  # the interrupt may fall between a step and its record
            _save(state, record, variables, history, strategy)
    return Training(model, history, record, dict(crops.unreadable), interrupted)


DEFAULTS = train.__kwdefaults__


def _steps(strategy, model, optimizer, losses, crops, settings, first):
    """Train from step `first` to the last; yield {term: value} after every step."""
    batch, trained = settings.batch, model.trainable_variables

    def step_of_device(targets):
        images = shrunk(targets, settings.upscale) if settings.upscale > 1 else targets
        with tf.GradientTape() as tape:
            values = losses(model(images, training=True), targets) / batch
            total = tf.reduce_sum(values)
        gradients = tape.gradient(total, trained)
        optimizer.apply_gradients(zip(gradients, trained, strict=True))  # adds up the gradients of all devices
        return values

    @tf.function(autograph=False)
    def step(targets):
        return strategy.reduce("SUM", strategy.run(step_of_device, args=(targets,)), axis=None)

    def crops_of_worker(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        replicas = context.num_replicas_in_sync // workers
        return crops.batches(first * batch, settings.steps * batch, batch, workers, worker, replicas)

    for targets in strategy.distribute_datasets_from_function(crops_of_worker):
        yield dict(zip(losses.names, step(targets).numpy().astype(float).tolist(), strict=True))


def _copy_weights(start, model):
    try:
        model.set_weights(start.get_weights())
    except (AttributeError, ValueError) as error:
        wanted = "a network of the same width, residual_blocks and upscale"
        raise ValueError(f"start must be {wanted}; it is not.") from error


def _save(path, settings, variables, history, strategy):
    """Write the state of a run; only the first worker of a cluster does."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_id:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.asarray(variable) for name, variable in variables.items()}
        write_arrays(path, arrays, {"settings": settings, "history": [step.record() for step in history]})


def _restored(path, settings, variables):
    """Set the variables to those of a saved state; return its history."""
    try:
        record, arrays = read_state(path, {"settings": dict, "history": list}, variables)
        kept, history = record["settings"], [Step.from_record(item, path) for item in record["history"]]
    except ValueError as error:
        raise ValueError(f"checkpoint: {error} Delete it to start anew.") from error
    other = [name for name in settings if kept.get(name) != settings[name]]
    if other or any(arrays[name].shape != tuple(variable.shape) for name, variable in variables.items()):
        differences = "; ".join(f"{name} {kept.get(name)!r} there, {settings[name]!r} here" for name in other)
        remedy = "Choose another folder, or delete it."
        raise ValueError(f"checkpoint {str(path)!r} is of another run: {differences}. {remedy}")
    for name, variable in variables.items():
        variable.assign(arrays[name])
    return history
