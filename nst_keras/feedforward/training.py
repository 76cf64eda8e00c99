"""Training feed-forward networks with perceptual losses. Loaded on demand.

Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155: a network is trained once on photographs to minimise what
`style_transfer` minimises for every picture anew.
"""

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..image import MIN_SIDE, load_image
from ..network import build_network
from ..optimize import NonFiniteLossError, Step
from ..run import check_callback, load_style
from ..settings import checked_settings, layers_read
from ..support.checks import checked_number, checked_whole
from .checkpoints import restore_checkpoint, save_checkpoint
from .losses import PerceptualLosses, shrunk
from .network import check_shape, transform_network
from .photographs import Photographs
from .trained import apply, save_network

CONTENT_LAYERS = {  # of a style, and of super-resolution
    "lite": (("block3_conv2", "block4_conv2"), ("block2_conv2",)),
    "vgg19": (("block3_conv3",), ("block2_conv2",)),
    "vgg16": (("block3_conv3",), ("block2_conv2",)),  # relu3_3, as the authors' code; the paper has relu2_2
}
TV_WEIGHT = 0.6  # of a style
LEARNING_RATES = 2e-3, 2e-4  # of a style, and of super-resolution
LAST_RATE = 0.05  # of the learning rate


@dataclass(frozen=True)
class Training:
    """What `train` gives back.

    Attributes
    ----------
    network : keras.Model
        See `nst_keras.feedforward.network`.
    history : list of Step
        One for each step, without images; `plot_losses` plots it.
    settings : dict
        The keyword arguments of the run, layers spelled out.
    unreadable : dict {file: what was wrong with it}
        Photographs that were passed over.
    interrupted : bool
        True if the run was ended by Ctrl-C, a notebook's stop button, or a callback's `StopIteration`.
    """

    network: keras.Model = field(repr=False)
    history: list = field(repr=False)
    settings: dict
    unreadable: dict
    interrupted: bool

    def save(self, path):
        """Write the network to NAME.weights.h5, and its settings to NAME.json; see `save_network`."""
        save_network(self.network, path, self.settings)


def train(
    style,
    photographs,
    *,
    upscale=1,
    width=16,
    residual_blocks=4,
    network="lite",
    weights=None,
    content_layers=None,
    style_layers=None,
    formula="relative",
    content_weight=1.0,
    style_weight=1.0,
    tv_weight=None,
    pixel_weight=0.0,
    size=192,
    style_size=512,
    steps=2500,
    batch=4,
    learning_rate=None,
    seed=0,
    start=None,
    sample=None,
    every=100,
    checkpoint=None,
    strategy=None,
    callback=None,
):
    """Train a network to paint photographs in one style, or to enlarge them.

    With y = f(x) the network's picture of a crop x, and t = x, or x before it was made smaller, it minimises the mean
    over the batch of

        content_weight · Σ w_l L_content(y, t) + style_weight · Σ w_l L_style(y) + tv_weight · L_tv(y)
        + pixel_weight · mean (y − t)²

    by Adam, the learning rate falling along a cosine to a twentieth. The losses, their formulas and their layers are
    those of `style_transfer`; formula "johnson" is that of the paper's section 3.2. Content weighs more here than
    there, and is read at one layer more: otherwise a network that cannot paint yet gives the content up first.

    Parameters
    ----------
    style : path, PIL image, array, or a list of several pictures of one style; None for super-resolution
    photographs : path of a folder, or list of files
        See `nst_keras.feedforward.photographs.Photographs`. Those that cannot be read are passed over, and counted.
    upscale : 1, 4 or 8
        1 for a style. With 4 or 8 the network enlarges: x is the crop t, blurred and made smaller by `shrunk`.
    width, residual_blocks
        See `transform_network`.
    network, weights
        The loss network, see `build_network`. The paper's is "vgg16".
    content_layers, style_layers
        As of `style_transfer`. By default the content has those in CONTENT_LAYERS, the paper's for VGG.
    formula : str
        What the losses are divided by; a row of `nst_keras.formulas.FORMULAS`. The weights below are for "relative".
    content_weight, style_weight, tv_weight, pixel_weight : float
        All ≥ 0. `style_weight` without a style does nothing; `tv_weight` is 0.6 with one and 0 without. `pixel_weight`
        alone is the paper's baseline.
    size : int
        Side of the crops t, in pixels.
    style_size : int
        Longer side of the style's pictures: the brush is that of `style_transfer` at this size.
    steps, batch, learning_rate, seed
        The paper has 40,000 steps of 4 crops at 1e-3. The rate is 2e-3 for a style by default, and 2e-4 without: there
        nothing is normalised, and at larger rates units die, until the network gives no more than bicubic enlarging.
        Seed of the weights and of the crops.
    start : keras.Model, optional
        A trained network of the same shape to start from. That of another style saves half of the steps.
    sample : path, PIL image or array, optional
        A photograph to be painted every so often, given to `callback` as `Step.image`.
    every : int
        Steps from one sample, and from one checkpoint, to the next.
    checkpoint : path of a folder, optional
        Where the state is kept (made if it is not there). A run with the same settings that finds one goes on from
        there; on one device, to the same weights bit by bit.
    strategy : tf.distribute.Strategy, optional
        Several devices, which share `batch`. Every worker of a cluster calls `train` with the same arguments; the first
        writes checkpoints, and all must be able to read them.
    callback : callable, optional
        Called with every `Step`; raises `StopIteration` to end the run. `ProgressBar()` is one.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        An argument is wrong, the folder is empty or holds nothing readable, or the checkpoint is of another run.
    NonFiniteLossError
        A loss became NaN or infinite.
    """
    settings = dict(locals())
    for name in ("photographs", "sample", "every", "checkpoint", "strategy", "callback"):
        del settings[name]
    style_pictures = None if style is None else load_style(style)
    settings = _checked_settings(**settings | {"start": start is not None})
    every = checked_whole("every", every, 1)
    check_callback(callback)
    strategy = strategy or tf.distribute.get_strategy()
    if batch % strategy.num_replicas_in_sync:
        raise ValueError(f"batch must be a multiple of {strategy.num_replicas_in_sync} devices; got {batch}.")
    sample = None if sample is None else load_image(sample, name="sample")
    crops = Photographs(photographs, size, seed, sharp=upscale > 1)
    settings["photographs"] = len(crops.files)
    state = Path(checkpoint) / "checkpoint.npz" if checkpoint else None
    with strategy.scope():
        loss_network = build_network(network, layers_read(settings), weights=weights)
        losses = PerceptualLosses(loss_network, style_pictures, settings)
        model = transform_network(width, residual_blocks, upscale, seed)
        if start is not None:
            _set_start(model, start)
        optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(settings["learning_rate"], steps, LAST_RATE)
        )
        optimizer.build(model.trainable_variables)
        variables = [*model.variables, *optimizer.variables]
        history = restore_checkpoint(state, settings, variables) if state and state.exists() else []

    @tf.function(autograph=False)
    def step(batch_of_crops):
        values = strategy.run(_replica_step, args=(model, optimizer, losses, batch_of_crops, batch))
        return strategy.reduce("SUM", values, axis=None)

    def crops_of_worker(context):
        workers = context.num_input_pipelines, context.input_pipeline_id
        replicas = context.num_replicas_in_sync // context.num_input_pipelines
        return crops.batches(len(history) * batch, steps * batch, batch, *workers, replicas)

    started = time.perf_counter() - (history[-1].seconds if history else 0)
    interrupted = False
    try:
        for batch_of_crops in strategy.distribute_datasets_from_function(crops_of_worker):
            terms = dict(zip(losses.names, step(batch_of_crops).numpy().astype(float).tolist(), strict=True))
            number, total = len(history) + 1, sum(terms.values())
            if not np.isfinite(total):
                wrong = ", ".join(name for name, value in terms.items() if not np.isfinite(value))
                message = f"term {wrong} is NaN or infinite at step {number}; a smaller learning_rate may help."
                raise NonFiniteLossError(message, sample)
            seconds = time.perf_counter() - started
            history.append(Step(number, number, seconds, size, total, terms, number / steps))
            due = number % every == 0 or number == steps
            if state and due:
                save_checkpoint(state, settings, variables, history, strategy)
            if callback:
                painted = apply(model, sample) if due and sample is not None else None
                callback(replace(history[-1], image=painted))
    except (KeyboardInterrupt, StopIteration):
        interrupted = True
        if state and int(optimizer.iterations) == len(history):
            save_checkpoint(state, settings, variables, history, strategy)
    return Training(model, history, settings, dict(crops.unreadable), interrupted)


def _replica_step(model, optimizer, losses, crops, batch):
    """One device's part of a step: its share of the batch, whose gradients the optimiser adds up over devices."""
    upscale = losses.settings["upscale"]
    images = shrunk(crops, upscale) if upscale > 1 else crops
    with tf.GradientTape() as tape:
        values = losses(model(images, training=True), crops) / batch
        total = tf.reduce_sum(values)
    gradients = tape.gradient(total, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return values


def _set_start(model, start):
    shapes = [[variable.shape for variable in getattr(each, "variables", ())] for each in (model, start)]
    if shapes[0] != shapes[1]:
        raise ValueError("start must be a network of the same width, residual_blocks and upscale; it is not.")
    model.set_weights(start.get_weights())


def _checked_settings(*, style, upscale, size, steps, batch, learning_rate, pixel_weight, style_size, start, **given):
    """The settings of a run, spelled out; `ValueError` as in `train`."""
    shape = check_shape({"upscale": upscale} | given)
    steps = checked_whole("steps", steps, 1)
    if (style is None) != (upscale > 1):
        raise ValueError(f"upscale must be 1 for a style, and 4 or 8 without one; got style={style!r}, {upscale=}.")
    learning_rate = LEARNING_RATES[style is None] if learning_rate is None else learning_rate
    if style is None:
        del given["style_layers"], given["style_weight"]
    if given["tv_weight"] is None:
        given["tv_weight"] = 0.0 if style is None else TV_WEIGHT
    name = getattr(given["network"], "name", given["network"])
    if given["content_layers"] is None and name in CONTENT_LAYERS:
        given["content_layers"] = CONTENT_LAYERS[name][style is None]
    not_here = {"pooling": None, "optimizer": "adam", "scales": 1, "init": None}
    settings = checked_settings(**given, **not_here, size=size, iterations=steps)
    for name in (*not_here, "iterations"):
        del settings[name]
    if size % upscale:
        raise ValueError(f"size must be a multiple of upscale={upscale}; got {size}.")
    own = {
        "style": str(style) if isinstance(style, (str, os.PathLike)) else None if style is None else "pictures",
        "steps": steps,
        "batch": checked_whole("batch", batch, 1),
        "style_size": checked_whole("style_size", style_size, MIN_SIDE),
        "learning_rate": checked_number("learning_rate", learning_rate, above=0),
        "pixel_weight": checked_number("pixel_weight", pixel_weight, minimum=0),
        "start": start,
    }
    settings = shape | settings | own
    if not any(settings.get(name) for name in ("content_weight", "style_weight", "pixel_weight")):
        raise ValueError("content_weight, style_weight and pixel_weight must not all be 0.")
    return settings
