"""Style transfer in one call: load, check, build the objective, minimise it, and return a `Result`."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import keras
import numpy as np

from .color import ColorMethod, after_transfer, before_transfer
from .formulas import FORMULAS
from .image import add_margin, cut_margin, fitting_shape, load_image, resize, starting_image
from .large.memory import check_memory
from .masks.basics import resize_mask
from .masks.regions import Regions, load_regions
from .network import build_network
from .networks.weights import compiled
from .objective import (
    Objective,
    balanced_terms,
    blended_targets,
    content_terms,
    style_targets,
    style_terms,
    total_variation_term,
)
from .optimize import minimize
from .results.recorder import Recorder, Step
from .results.result import Result
from .support.checks import check_callback, input_files, sides
from .support.pictures import MAX_PIXELS, MIN_SIDE
from .support.settings import GROUPS, Settings, layers_read
from .support.types import ImageArray, ImageSource, Layers, MaskSource, PathLike, Shape

MIN_SCALE = 96  # longer side of the smallest scale, in pixels; smaller scales lose faces
MARGIN = 16  # pixels painted around the picture and cut off, see `margin`: one position of block 5
MAX_ELONGATION = 8
EMPTY_STYLE = "style must be a picture or a list of at least one; got an empty list."


def style_transfer(
    content: ImageSource,
    style: ImageSource | Sequence,
    *,
    size: int = 512,
    network: Literal["lite", "vgg19", "vgg16", "squeezenet1_0", "squeezenet1_1"] | keras.Model = "lite",
    content_layers: Layers | None = None,
    style_layers: Layers | None = None,
    formula: Literal["relative", "gatys", "gatys-code", "keras", "neural-style", "johnson", "cs231n"] = "relative",
    content_weight: float | None = None,
    style_weight: float | None = None,
    tv_weight: float | None = None,
    shares: dict[str, float] | None = None,
    style_weights: Sequence[float] | None = None,
    combine: Literal["losses", "targets"] = "losses",
    style_scale: float = 1.0,
    masks: Sequence[MaskSource] | None = None,
    style_masks: Sequence[MaskSource | None] | None = None,
    mask_mode: Literal["guided", "blend", "freeze", "classic"] = "guided",
    preserve_color: ColorMethod | None = None,
    color_strength: float = 1.0,
    init: Literal["content", "style", "noise", "blend"] | ImageSource = "content",
    iterations: int = 100,
    scales: int | Literal["auto"] = "auto",
    optimizer: Literal["lbfgs", "lbfgs-float32", "adam", "gradient-descent"] = "lbfgs",
    tile: int | None = None,
    pooling: Literal["average", "max"] | None = None,
    weights: PathLike | None = None,
    seed: int = 0,
    callback: Callable[[Step], Any] | None = None,
    checkpoint: PathLike | None = None,
) -> Result:
    """Paint the content in the style of another picture, or of several.

    Minimises content_weight · L_content + style_weight · L_style + tv_weight · L_tv over the pixels, where

    - L_content = Σ over content layers of w_l · `content_loss`,
    - L_style = Σ over styles r of ρ_r · Σ over style layers of w_l · `style_loss`,
    - L_tv = `total_variation_loss`.

    The method is Gatys, Ecker, Bethge 2015 (arXiv:1508.06576). The normalisation and the way from coarse to fine are
    this package's: the run begins at a small size, where large shapes and colours settle, and doubles the size until
    it is `size`.

    Parameters
    ----------
    content
        See `load_image`. Never stretched or cropped.
    style
        One picture, or a list of several styles. A list within the list is one style of several pictures, such as the
        works of an artist. A picture is scaled so that its longer side is the result's; it keeps its proportions.
        (Formula "keras" squashes it to the result's shape.) A picture longer than 8 : 1 is refused.
    size
        Longer side of the result, in pixels; at least 32.
    network
        See `build_network`; "lite" comes with the package.
    content_layers, style_layers
        Names, or {layer: w_l}. By default the network's in `nst_keras.network.LAYERS`, with equal weights. For VGG they
        are the paper's, with formula "relative" also "color". lite has block3_conv2 more for the content, and for the
        style the last layers of blocks 2, 3 and 4, on which it was trained. Style layers may be other correlations,
        see `nst_keras.correlations`.
    formula
        The published formula: divisors, default weights, total variation; a row of `nst_keras.formulas.FORMULAS`.
    content_weight, style_weight, tv_weight
        α, β and the weight of the total variation; ≥ 0. By default the formula's.
    shares
        Instead of the weights: the share that "content", "style" and "tv" each have in the gradient, as norms halfway
        between the content and the first style, at every scale; see `balanced_terms`. Shares, unlike weights, mean the
        same with every formula, network and size.
    style_weights
        ρ, one for each style; scaled to sum 1. Equal by default.
    combine
        For several styles: the sum of their losses, or one loss with the average of their targets.
    style_scale
        0.1 to 4: the size of the style's pictures, and so of its brush strokes. At 1 their longer side is the result's.
    masks
        One for each style, with the content's proportions: white where that style applies. See `load_mask`.
    style_masks
        One for each style, with its proportions (a list of them for a style of several pictures): white on the part
        that is the style. All of it by default.
    mask_mode
        What black means. "guided": the style is not asked for there, since the mask weights the Gram matrices
        (`style_sums`); some of it leaks in, as far as the network sees. "blend": the content is pasted back, with a
        soft edge. "freeze": a pixel that is black in every mask stays exactly the content's. "classic": as in "Show,
        Divide and Neural" (Chan & Bhargava 2016) and in tutorials: binarised, the same mask on style and result, not
        renormalised, without a margin.
    preserve_color
        How the content keeps its colours; see `nst_keras.color`. By default it does not.
    color_strength
        How much of its colours the content keeps, 0 to 1.
    init
        The start of the optimisation. "style" is the first style, stretched to the content's shape; "blend" is
        0.6 noise + 0.4 content.
    iterations
        Number of iterations at each scale.
    scales
        How many sizes to go through, each half the next, at least 96 px, with a shorter side of at least 32. "auto": as
        many as that allows, but 1 where `init` is a picture, whose detail a smaller size would lose.
    optimizer
        "lbfgs": scipy's L-BFGS-B. "lbfgs-float32": L-BFGS in float32 on the device, for large pictures. "adam".
        "gradient-descent": the simplest. See `nst_keras.optimize`.
    tile
        For prints: the largest side, in pixels, of the parts in which the network sees an image, one after the other;
        at least 32. The picture is the same up to rounding errors. The memory for the network is then bounded by the
        tile; the optimiser needs 0.9 kB a pixel ("lbfgs") or a fraction (the others). Each tile has a margin as wide as
        the network's receptive field, so small tiles take more time; 512 to 1024 is sensible. See
        `nst_keras.large.tiles`.
    pooling, weights
        See `build_network`.
    seed
        Seed of the noise in `init`.
    callback
        Called with every `Step`, whose image has the colours and regions of a result; `StopIteration` ends the run.
        `ProgressBar()` is one.
    checkpoint
        A new folder, in which the run is written down: after a crash, `nst_keras.studio.resume(folder)` continues it.
        L-BFGS forgets the curvature at every checkpoint, which changes the picture; see `optimize.CHECKPOINT_EVERY`.

    Raises
    ------
    ValueError
        An argument is wrong. Most errors are raised before a network is built; later ones: weights that do not fit, too
        little memory, a network that cannot be tiled, a share for a group without a gradient.
    NonFiniteLossError
        A term became NaN or infinite; the error carries the best image.
    """
    arguments = locals()  # nothing else is local yet
    sources = list(style) if isinstance(style, (list, tuple)) else [style]
    if not sources:
        raise ValueError(EMPTY_STYLE)
    settings = Settings.of(arguments).checked(styles=len(sources))
    check_callback(callback)
    if checkpoint is not None:
        from .results.runs import as_checkpoint

        checkpoint = as_checkpoint(checkpoint, network)
    image = load_image(content, name="content")
    styles = [load_style(source) for source in sources]
    regions = load_regions(masks, style_masks, mask_mode, image, styles)
    shapes = pyramid(image.shape, settings.size, settings.scales)
    image = resize(image, shapes[-1])
    seen, styles, notes = _recolored(image, styles, settings)
    start = starting_image(init, resize(seen, shapes[0]), styles[0][0], seed)
    network = fitting_network(settings, shapes[-1], may_tile=True)
    if checkpoint:
        checkpoint.begin(settings.record(), settings.sources() | {"content": content, "style": sources})

    def finished(picture):
        original = resize(image, picture.shape)
        picture, color_notes = after_transfer(picture, original, preserve_color, strength=color_strength)
        return regions.finished(picture, original), color_notes

    painted, history, interrupted = paint(
        settings,
        start,
        shapes,
        network,
        content=seen,
        styles=styles,
        regions=regions,
        callback=callback,
        finish=lambda picture: finished(picture)[0],
        checkpoint=checkpoint,
    )
    try:
        painted, more_notes = finished(painted)
    except KeyboardInterrupt:  # the picture is not lost: to finish it takes a moment
        (painted, more_notes), interrupted = finished(painted), True
    result = Result(
        image=painted,
        history=history,
        settings=settings.record(),
        inputs=input_files(content, sources, masks, style_masks, init),
        interrupted=interrupted,
        content=image,
        styles=[style_at(shapes[-1], picture, settings) for pictures in styles for picture in pictures],
        notes=regions.notes(network, shapes[-1]) + notes + more_notes,
    )
    return replace(result, **checkpoint.finish(result)) if checkpoint else result


DEFAULTS = Settings.of(style_transfer.__kwdefaults__)


def built_network(settings: Settings) -> keras.Model:
    """Build the network of checked settings, with the layers that they read."""
    layers = layers_read(settings.content_layers, settings.style_layers)
    return build_network(settings.network, layers, pooling=settings.pooling, weights=settings.weights)


def fitting_network(settings: Settings, shape: Shape, *, may_tile: bool = False) -> keras.Model:
    """Build the network of a run, and check that there is enough memory for a result of `shape`."""
    network, painted = built_network(settings), with_margin(shape, settings)
    check_memory(network, painted, settings.optimizer, settings.tile, result=shape, may_tile=may_tile)
    return network


def margin(settings: Settings) -> int:
    """Return the width of the margin that is painted around a picture and cut off.

    The border of the feature maps does not count as style, see `Guide`: without a margin the picture's would be pale.
    """
    painted = settings.style_layers and FORMULAS[settings.formula].border and settings.mask_mode != "classic"
    return MARGIN if painted else 0


def with_margin(shape: Shape, settings: Settings) -> tuple[int, int]:
    """Return the shape that is painted for a picture of `shape`."""
    return tuple(side + 2 * margin(settings) for side in shape[:2])


def paint(
    settings: Settings,
    start: ImageArray,
    shapes: Sequence[Shape],
    network: keras.Model,
    *,
    content: ImageArray | None = None,
    styles: Sequence[list[ImageArray]] = (),
    regions: Regions | None = None,
    callback: Callable[[Step], Any] | None = None,
    finish: Callable[[ImageArray], ImageArray] = lambda image: image,
    checkpoint: Any = None,
) -> tuple[ImageArray, list[Step], bool]:
    """Minimise the objective of checked settings at each of `shapes`; a scale starts from the picture before, enlarged.

    Parameters
    ----------
    content, styles, regions
        What the objective is made of; reconstruction has only one of them.
    finish
        See `Recorder`.
    checkpoint
        The `nst_keras.results.runs.Checkpoint` in which the run is written down and continued.

    Returns
    -------
    image, history, interrupted
        As in `Result`, before `finish`; the image always has the last shape.
    """
    regions = regions or Regions([None] * len(styles), [[None] * len(pictures) for pictures in styles], "guided", [])
    work = np.cumsum([0.0] + [math.prod(shape) for shape in shapes])
    image, recorder, interrupted, around = start, None, False, margin(settings)
    seen = compiled(network) if settings.tile is None else None  # with tiles, `_objective` makes one of its own
    try:
        for level, shape in enumerate(shapes):
            if checkpoint and level < checkpoint.level:
                continue
            image = regions.pinned(resize(image, shape), content)
            recorder = Recorder(
                _objective(network, seen, content, styles, regions, settings, shape),
                add_margin(image, around),
                settings.iterations,
                margin=around,
                callback=callback,
                previous=recorder,
                work=work[level : level + 2] / work[-1],
                finish=finish,
            )
            saving = checkpoint.begin_level(level, recorder) if checkpoint else {}
            minimize(recorder, settings.optimizer, **saving)
            image = cut_margin(recorder.best_image, around)
            if recorder.stopped:
                interrupted = True
                break
    except KeyboardInterrupt:
        image, interrupted = cut_margin(recorder.best_image, around) if recorder else image, True
    return resize(image, shapes[-1]), recorder.history if recorder else [], interrupted


def _objective(network, target_network, content, styles, regions, settings, shape):
    """Build the objective at one scale, for images of `shape` and their margin; targets are from `target_network`."""
    make_objective = Objective
    if settings.tile is not None:
        from .large.tiles import TiledNetwork, TiledObjective

        target_network = TiledNetwork(network, settings.tile)
        make_objective = functools.partial(TiledObjective, tile=settings.tile)
    formula, beyond, frozen = settings.formula, margin(settings), regions.frozen(shape)
    frozen = None if frozen is None else add_margin(frozen, beyond)
    visible, masks = _visible(None, shape, beyond), [_visible(mask, shape, beyond) for mask in regions.masks]
    content_weight, style_weight, tv_weight = (
        1.0 if settings.shares else getattr(settings, f"{group}_weight") for group in GROUPS
    )
    terms = []
    if settings.content_layers:
        content = add_margin(resize(content, shape), beyond)
        layers = settings.content_layers
        terms += content_terms(target_network, content, layers, content_weight, formula=formula, mask=visible)
    targets, choices = [], {"formula": formula, "classic": regions.mode == "classic"}
    for pictures, style_masks in zip(styles, regions.style_masks, strict=True):
        resized = [style_at(shape, picture, settings) for picture in pictures]
        targets.append(style_targets(target_network, resized, settings.style_layers, style_masks, **choices))
    shares = settings.style_weights
    if settings.combine == "targets":
        targets, shares, masks = [blended_targets(targets, shares)], [1.0], [visible]
    for number, (target, share, mask) in enumerate(zip(targets, shares, masks, strict=True), start=1):
        name = "style" if len(targets) == 1 else f"style {number}"
        terms += style_terms(target, style_weight * share, name=name, mask=mask)
    terms.append(total_variation_term(tv_weight, formula=formula))
    if settings.shares:
        halfway = (content + add_margin(resize(styles[0][0], shape), beyond)) / 2
        terms = balanced_terms(network, terms, halfway, settings.shares, frozen, make_objective)
    return make_objective(network, terms, with_margin(shape, settings), frozen)


def _visible(mask, shape, margin):
    """Return a mask at `shape`, with a black margin: what is cut off counts neither as style nor as content."""
    mask = mask if mask is None else resize_mask(mask, shape)
    return np.pad(np.ones(shape, "float32") if mask is None else mask, margin) if margin else mask


def pyramid(shape: Shape, size: int, scales: int | str) -> list[tuple[int, int]]:
    """Return the shapes of a run, from coarse to fine, with the proportions of `shape`; the last one fits `size`.

    See `scales` of `style_transfer`. A `ValueError` if the last one is too small or too large.
    """
    full = fitting_shape(shape, size)
    if min(full) < MIN_SIDE or full[0] * full[1] > MAX_PIXELS:
        raise ValueError(
            f"size={size} would make the result {sides(full)} pixels; both sides must be at least {MIN_SIDE}, and it "
            f"may have {MAX_PIXELS // 1_000_000} megapixels."
        )
    shapes = [full]
    while scales == "auto" or len(shapes) < scales:
        smaller = fitting_shape(shape, round(max(shapes[0]) / 2))
        if max(smaller) < MIN_SCALE or min(smaller) < MIN_SIDE:
            break
        shapes.insert(0, smaller)
    return shapes


def load_style(source: ImageSource | Sequence[ImageSource]) -> list[ImageArray]:
    """Load the pictures of one style from one source or a list of several."""
    sources = source if isinstance(source, (list, tuple)) else [source]
    if not sources:
        raise ValueError(EMPTY_STYLE)
    pictures = [load_image(picture, name="style") for picture in sources]
    for picture in pictures:
        if max(picture.shape[:2]) > MAX_ELONGATION * min(picture.shape[:2]):
            raise ValueError(f"style is {sides(picture.shape)} pixels, longer than {MAX_ELONGATION} : 1; crop it.")
    return pictures


def style_at(shape: Shape, style: ImageArray, settings: Settings) -> ImageArray:
    """Return a style's picture for the scale where the result has `shape`."""
    if settings.formula == "keras":  # its raw Gram matrices need images of one size
        return resize(style, shape)
    size = round(max(shape) * settings.style_scale)
    return resize(style, fitting_shape(style.shape, size, minimum=MIN_SIDE))


def _recolored(content, styles, settings):
    """Return content and styles as the transfer sees them, and notes about their colours."""
    pictures = [picture for pictures in styles for picture in pictures]
    method, strength = settings.preserve_color, settings.color_strength
    content, pictures, notes = before_transfer(content, pictures, method, strength=strength)
    recolored = iter(pictures)
    return content, [[next(recolored) for _ in pictures] for pictures in styles], notes
