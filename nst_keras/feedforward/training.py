"""Train transform networks with perceptual losses.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155: a network learns once, from photographs, to minimise the loss that
`style_transfer` minimises for each picture anew.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ..formulas import FORMULAS
from ..image import load_image
from ..network import build_network, check_network
from ..results.recorder import NonFiniteLossError, Step
from ..support.checks import check_callback, checked_name, checked_number, checked_whole
from ..support.files import read_state, write_arrays
from ..support.pictures import MIN_SIDE
from ..support.settings import WEIGHTS, checked_layers, checked_weight, layers_read
from ..support.types import ImageSource, Layers, PathLike
from ..transfer import load_style
from .losses import PerceptualLosses, shrunk
from .network import MIN_SHAPE, check_shape, transform_network
from .photographs import Photographs
from .trained import apply, save_network

CONTENT_LAYERS = {  # for a style, and for super-resolution
    "lite": (("block3_conv2", "block4_conv2"), ("block2_conv2",)),
    "vgg19": (("block3_conv3",), ("block2_conv2",)),
    "vgg16": (("block3_conv3",), ("block2_conv2",)),  # relu3_3, as in the authors' code; the paper has relu2_2
}
DEFAULTS_OF_TASK = {"tv_weight": (0.6, 0.0), "learning_rate": (2e-3, 2e-4)}  # for a style, and for super-resolution
LAST_RATE = 0.05  # the learning rate at the end, as a share of that at the start
MIN_SETTINGS = MIN_SHAPE | {"size": MIN_SIDE, "style_size": MIN_SIDE, "steps": 1, "batch": 1, "seed": 0}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The settings of a training: the arguments of `train` that change the network; see there for each of them."""

    style: Any
    upscale: int
    width: int
    residual_blocks: int
    network: str | keras.Model
    weights: Any
    content_layers: Any
    style_layers: Any
    formula: str
    content_weight: float
    style_weight: float
    tv_weight: float
    pixel_weight: float
    size: int
    style_size: int
    steps: int
    batch: int
    learning_rate: float
    seed: int
    start: Any

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> "TrainingSettings":
        """Return the settings among the arguments of `train`, spelled out; raise a `ValueError` if one is wrong."""
        made = {f.name: arguments[f.name] for f in fields(cls)}
        made |= {name: checked_whole(name, made[name], minimum) for name, minimum in MIN_SETTINGS.items()}
        style, size, upscale, network, formula = (made[k] for k in ("style", "size", "upscale", "network", "formula"))
        check_shape(made)
        enlarges = style is None
        if enlarges != (upscale > 1):
            raise ValueError(f"upscale must be 1 for a style, and 4 or 8 without one; got {style=}, {upscale=}.")
        if size % upscale:
            raise ValueError(f"size must be a multiple of {upscale=}; got {size}.")
        check_network(network, None, made["weights"])
        checked_name("formula", formula, FORMULAS)
        layers = CONTENT_LAYERS.get(getattr(network, "name", network), (None, None))
        for name, defaults in ({"content_layers": layers} | DEFAULTS_OF_TASK).items():
            made[name] = defaults[enlarges] if made[name] is None else made[name]
        for group in ("content",) if enlarges else ("content", "style"):
            name = f"{group}_layers"
            made[name] = checked_layers(name, network, made[name], group, formula)
        made |= {"style_layers": [], "style_weight": 0.0} if enlarges else {}
        made |= {name: checked_weight(name, made[name], formula) for name in WEIGHTS}
        made["pixel_weight"] = checked_number("pixel_weight", made["pixel_weight"], minimum=0)
        made["learning_rate"] = checked_number("learning_rate", made["learning_rate"], above=0)
        if not (made["content_weight"] or made["style_weight"] or made["pixel_weight"]):
            raise ValueError("content_weight, style_weight and pixel_weight must not all be 0.")
        return cls(**made)

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them: a picture or model by its path or name."""
        pictures = None if self.style is None else "pictures"
        return vars(self) | {
            "style": str(self.style) if isinstance(self.style, (str, os.PathLike)) else pictures,
            "start": self.start is not None,
            "network": getattr(self.network, "name", self.network),
            "weights": None if self.weights is None else str(self.weights),
        }


@dataclass(frozen=True)
class Training:
    """The result of `train`."""

    network: keras.Model = field(repr=False)
    history: list[Step] = field(repr=False)  #: one `Step` for each step, without images
    settings: dict[str, Any]  #: the record of the `TrainingSettings`, with the number of photographs
    unreadable: dict[str, str]  #: {file: reason} of the photographs that were passed over
    interrupted: bool  #: whether Ctrl-C, a notebook's stop button or a callback's `StopIteration` ended the run

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

    while the learning rate falls along a cosine to 1/20. A loss that becomes NaN raises a `NonFiniteLossError`. The
    content has a larger weight than in the paper (section 3.2) and one layer more: otherwise a network that cannot
    paint yet gives up the content first.

    Parameters
    ----------
    style
        A picture, or a list of several pictures of one style; None for super-resolution.
    photographs
        A folder or a list of files, see `Photographs`. Files that cannot be read are passed over.
    upscale, width, residual_blocks, seed
        See `transform_network`. The seed is also that of the crops.
    network, weights, content_layers, style_layers, formula
        The losses, as in `style_transfer`; the paper has network "vgg16" and formula "johnson". The default content
        layers are CONTENT_LAYERS, the paper's for VGG.
    content_weight, style_weight, tv_weight, pixel_weight
        All ≥ 0; the defaults are for formula "relative". That of `tv_weight` is 0.6 with a style, and 0 without. The
        paper's baseline for super-resolution has a `pixel_weight` alone.
    size, style_size
        Side of the crops, and longer side of the style's pictures, in pixels; the latter sets the size of the brush.
    steps, batch, learning_rate
        The paper has 40,000 steps of 4 crops at 1e-3. The default rate is 2e-3 with a style and 2e-4 without, where
        nothing is normalised: at larger rates units die, until the network only enlarges bicubically.
    start
        A trained network of the same shape to start from; from another style, half of the steps are enough.
    sample
        A photograph to paint after every `every` steps; `callback` gets the picture as `Step.image`.
    checkpoint
        A folder for the state of the run after every `every` steps. A run with the same settings that finds a state
        there continues from it; on one device, to the same weights bit by bit.
    strategy
        Several devices that share `batch`. In a cluster, every worker calls `train` with the same arguments; the first
        one writes checkpoints, and all must be able to read them.
    callback
        Called with every `Step`, as in `style_transfer`.
    """
    settings = TrainingSettings.of(locals())
    every = checked_whole("every", every, 1)
    check_callback(callback)
    if strategy is not None and not isinstance(strategy, tf.distribute.Strategy):
        raise ValueError(f"strategy must be a tf.distribute.Strategy; got {strategy!r}.")
    strategy = strategy or tf.distribute.get_strategy()
    if settings.batch % strategy.num_replicas_in_sync:
        raise ValueError(f"batch must be a multiple of {strategy.num_replicas_in_sync} devices; got {batch}.")
    pictures = None if style is None else load_style(style)
    sample = None if sample is None else load_image(sample, name="sample")
    crops = Photographs(photographs, settings.size, settings.seed, sharp=style is None)
    record = settings.record() | {"photographs": len(crops.files)}
    with strategy.scope():
        losses, model, optimizer = _prepared(settings, pictures)
        state = _Checkpoint(checkpoint, record, [*model.variables, *optimizer.variables], strategy.cluster_resolver)
        history = state.restored()
    interrupted = False
    try:
        for step in _steps(strategy, model, optimizer, losses, crops, settings, history):
            wrong = ", ".join(name for name, value in step.terms.items() if not np.isfinite(value))
            if wrong:
                message = f"term {wrong} is NaN or infinite at step {step.iteration}; a smaller learning_rate may help."
                raise NonFiniteLossError(message, sample)
            history.append(step)
            due = step.iteration % every == 0 or step.iteration == settings.steps
            if due:
                state.save(history)
            if callback:
                painted = apply(model, sample) if due and sample is not None else None
                callback(replace(step, image=painted))
    except (KeyboardInterrupt, StopIteration):
        interrupted = True
        if int(optimizer.iterations) == len(history):  # the interrupt may fall between a step and its record
            state.save(history)
    return Training(model, history, record, dict(crops.unreadable), interrupted)


DEFAULTS = train.__kwdefaults__


def _prepared(settings, pictures):
    """Build the losses, the network that is trained, and its optimizer."""
    layers = layers_read(settings.content_layers, settings.style_layers)
    network = build_network(settings.network, layers, weights=settings.weights)
    names = [f.name for f in fields(PerceptualLosses) if f.kw_only]
    losses = PerceptualLosses(network, pictures, **{name: getattr(settings, name) for name in names})
    model = transform_network(settings.width, settings.residual_blocks, settings.upscale, settings.seed)
    try:
        if settings.start is not None:
            model.set_weights(settings.start.get_weights())
    except (AttributeError, ValueError) as error:
        raise ValueError(
            "start must be a network of the same width, residual_blocks and upscale; it is not."
        ) from error
    rates = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps, LAST_RATE)
    optimizer = keras.optimizers.Adam(rates)
    optimizer.build(model.trainable_variables)
    return losses, model, optimizer


def _steps(strategy, model, optimizer, losses, crops, settings, history):
    """Train from the step after `history` to the last; yield a `Step` after each."""
    first, batch, trained = len(history), settings.batch, model.trainable_variables
    started = time.perf_counter() - (history[-1].seconds if history else 0)

    def step_of_device(targets):
        images = shrunk(targets, settings.upscale) if settings.upscale > 1 else targets
        with tf.GradientTape() as tape:
            values = losses(model(images, training=True), targets) / batch
            total = tf.reduce_sum(values)
        gradients = tape.gradient(total, trained)
        optimizer.apply_gradients(zip(gradients, trained, strict=True))  # adds up the gradients of all devices
        return values

    @tf.function(autograph=False)
    def values_of_step(targets):
        return strategy.reduce("SUM", strategy.run(step_of_device, args=(targets,)), axis=None)

    def crops_of_worker(context):
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        replicas = context.num_replicas_in_sync // workers
        return crops.batches(first * batch, settings.steps * batch, batch, workers, worker, replicas)

    batches = strategy.distribute_datasets_from_function(crops_of_worker)
    for number, targets in enumerate(batches, start=first + 1):
        terms = dict(zip(losses.names, values_of_step(targets).numpy().astype(float).tolist(), strict=True))
        seconds, total = time.perf_counter() - started, sum(terms.values())
        yield Step(number, number, seconds, settings.size, total, terms, number / settings.steps)


class _Checkpoint:
    """The state of a run in `folder`, if one is given; only the first worker of a cluster writes it."""

    def __init__(self, folder, record, variables, resolver):
        self.path = Path(folder) / "checkpoint.npz" if folder else None
        self.record, self.variables = record, {f"variable_{i}": v for i, v in enumerate(variables)}
        self.writes = self.path and (resolver is None or not resolver.task_id)

    def save(self, history):
        if self.writes:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            arrays = {name: np.asarray(variable) for name, variable in self.variables.items()}
            write_arrays(self.path, arrays, {"settings": self.record, "history": [step.record() for step in history]})

    def restored(self):
        """Set the variables to those of the saved state; return its history. Without a state, it is empty."""
        if not (self.path and self.path.exists()):
            return []
        try:
            kept, arrays = read_state(self.path, {"settings": dict, "history": list}, self.variables)
            pairs = {name: (kept["settings"].get(name), here) for name, here in self.record.items()}
            other = [f"{name} {there!r} there, {here!r} here" for name, (there, here) in pairs.items() if there != here]
            if other:
                raise ValueError(f"{str(self.path)!r} is of another run: {'; '.join(other)}.")
            for name, variable in self.variables.items():
                variable.assign(arrays[name])
            return [Step.from_record(item, self.path) for item in kept["history"]]
        except ValueError as error:
            raise ValueError(f"checkpoint: {error} Delete it to start anew, or choose another folder.") from error
