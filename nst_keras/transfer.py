"""Style transfer in one call: loads, goes from coarse to fine, and returns a `Result`."""

import os
from dataclasses import dataclass, field

import numpy as np

from . import image as images
from .network import build_network, check_layers
from .objective import Objective, content_terms, style_terms, total_variation_term
from .optimize import OPTIMIZERS, Recorder, minimize
from .plot import plot_comparison, plot_losses

VGG_LAYERS = ("block4_conv2",), ("color", *(f"block{i}_conv1" for i in range(1, 6)))
LAYERS = {  # network: content layers, style layers
    "lite": VGG_LAYERS,
    "vgg19": VGG_LAYERS,
    "vgg16": VGG_LAYERS,
    "squeezenet": (("fire5",), ("color", "conv1", "fire2", "fire4", "fire6", "fire8")),
}
COARSEST_SIZE = 64


@dataclass(frozen=True)
class Result:
    """What a run gives back.

    Attributes
    ----------
    image : numpy.ndarray
        The stylised image, (H, W, 3) float32 in [0, 1].
    history : list of Step
        One for each iteration, without images.
    settings : dict
        The arguments of the run, layers and scales spelled out.
    interrupted : bool
        True if the run was ended by Ctrl-C, a notebook's stop button, or a callback's `StopIteration`; `image`
        is then the best one up to there.
    content, styles : arrays
        The content at the result's size, and the styles as they were at the last scale.
    """

    image: np.ndarray = field(repr=False)
    history: list = field(repr=False)
    settings: dict
    interrupted: bool
    content: np.ndarray = field(repr=False)
    styles: list = field(repr=False)

    def save(self, path):
        """Write the image to a file; never over one of the run's own inputs. See `save_image`."""
        inputs = [source for source in self.settings["inputs"] if source is not None]
        images.save_image(self.image, path, inputs=inputs)

    def show(self):
        """A `PIL.Image.Image`: shown by a notebook as a cell's last line; `.show()` opens a window."""
        return images.to_pil(self.image)

    def plot_losses(self):
        """A figure of every term over the iterations; see `nst_keras.plot.plot_losses`."""
        return plot_losses(self.history)

    def compare(self):
        """A figure: content | styles | result, and the loss curves below."""
        return plot_comparison(self.content, self.styles, self.image, self.history)


def style_transfer(
    content,
    style,
    *,
    size=512,
    network="lite",
    content_layers=None,
    style_layers=None,
    content_weight=1.0,
    style_weight=4.0,
    style_weights=None,
    tv_weight=3.0,
    init="content",
    iterations=100,
    scales="auto",
    optimizer="lbfgs",
    pooling=None,
    weights=None,
    seed=0,
    callback=None,
):
    """Paint the content in the style of another picture, or of several.

    Minimises content_weight · L_content + style_weight · L_style + tv_weight · L_tv over the pixels, where

    - L_content = mean over content layers of Σ(F − P)² / ΣP²,
    - L_style = Σ over styles r of ρ_r · mean over style layers of Σ(G/M − A/M)² / Σ(A/M − μμᵀ)²,
    - L_tv = `total_variation_loss`, absolute differences of neighbouring pixels

    (`nst_keras.losses`, formula "relative"). The method is Gatys, Ecker, Bethge 2015 (arXiv:1508.06576); the
    normalisation, and going from coarse to fine, are this package's: first at a small size, where large shapes
    and colours settle, then at twice the size from there, up to `size`.

    Parameters
    ----------
    content : path, PIL image or array
        See `load_image`. Never stretched or cropped.
    style : the same, or a list of several
        Scaled so that the longer side is the result's; keeps its own proportions.
    size : int
        Longer side of the result, in pixels; at least 32.
    network : str
        "lite" (comes with the package), "vgg19", "vgg16", "squeezenet". See `build_network`.
    content_layers, style_layers : sequence of str, optional
        By default those in `nst_keras.transfer.LAYERS`: the paper's, and the colours for the style.
    content_weight, style_weight, tv_weight : float
        α, β and the weight of the total variation; ≥ 0, without unit.
    style_weights : sequence of float, optional
        ρ, one for each style; scaled to sum 1. Equal by default.
    init : "content", "style", "noise", or a picture
        What optimisation starts from.
    iterations : int
        For each scale.
    scales : "auto" or int
        How many sizes to go through, each half the next. "auto": down to 64 px. 1: only the full size.
    optimizer : "lbfgs" or "adam"
        scipy's L-BFGS-B, or Adam.
    pooling, weights
        See `build_network`.
    seed : int
        For the noise of `init="noise"`.
    callback : callable, optional
        Called with every `Step`; raises `StopIteration` to end the run. `ProgressBar()` is one.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        An argument is wrong. Raised before any network is built.
    NonFiniteLossError
        A term became NaN or infinite; the error carries the best image.
    """
    sources = style if isinstance(style, (list, tuple)) else [style]
    if not sources:
        raise ValueError("style must be a picture or a list of at least one; got an empty list.")
    content_layers, style_layers = (
        tuple(default if chosen is None else chosen)
        for chosen, default in zip((content_layers, style_layers), _default_layers(network), strict=True)
    )
    check_layers(network, content_layers + style_layers)
    _check_numbers(size=size, iterations=iterations, seed=seed)
    _check_weights(content_weight=content_weight, style_weight=style_weight, tv_weight=tv_weight)
    style_weights = _shares(style_weights, len(sources))
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {optimizer!r}.")
    content_image = images.load_image(content, name="content")
    style_images = [images.load_image(source, name="style") for source in sources]
    shapes = [images.fitting_shape(content_image.shape, s) for s in _sizes(content_image.shape, size, scales)]
    content_image = images.resize(content_image, shapes[-1])
    settings = {
        "inputs": [_as_path(source) for source in (content, *sources)],
        "size": size,
        "network": network,
        "content_layers": content_layers,
        "style_layers": style_layers,
        "content_weight": content_weight,
        "style_weight": style_weight,
        "style_weights": style_weights,
        "tv_weight": tv_weight,
        "init": init if isinstance(init, str) else _as_path(init),
        "iterations": iterations,
        "sizes": [max(shape) for shape in shapes],
        "optimizer": optimizer,
        "pooling": pooling,
        "weights": _as_path(weights),
        "seed": seed,
    }
    start = images.starting_image(init, images.resize(content_image, shapes[0]), style_images[0], seed)
    net = build_network(network, content_layers + style_layers, pooling=pooling, weights=weights)

    work = np.cumsum([0.0] + [height * width for height, width in shapes])
    recorder, interrupted = None, False
    for level, shape in enumerate(shapes):
        small_content = images.resize(content_image, shape)
        small_styles = [images.resize(s, images.fitting_shape(s.shape, max(shape))) for s in style_images]
        terms = content_terms(net, small_content, content_layers, content_weight)
        for number, (small_style, share) in enumerate(zip(small_styles, style_weights, strict=True), start=1):
            name = "style" if len(style_images) == 1 else f"style {number}"
            terms += style_terms(net, small_style, style_layers, style_weight * share, name=name)
        terms.append(total_variation_term(tv_weight))
        recorder = Recorder(
            Objective(net, terms, shape), callback, recorder, work[level : level + 2] / work[-1], iterations
        )
        try:
            minimize(recorder, images.resize(start, shape), iterations, optimizer)
        except KeyboardInterrupt:
            interrupted = True
        start = recorder.best_image
        if interrupted or recorder.stopped:
            interrupted = True
            break
    return Result(
        image=images.resize(start, shapes[-1]),
        history=recorder.history,
        settings=settings,
        interrupted=interrupted,
        content=content_image,
        styles=small_styles,
    )


def _default_layers(network):
    check_layers(network, None)
    return LAYERS[network]


def _sizes(shape, size, scales):
    """Longer sides to go through, ascending; the shorter side never gets under half of COARSEST_SIZE."""
    proportion = min(shape[:2]) / max(shape[:2])
    if size * proportion < images.SMALLEST_SIDE:
        raise ValueError(
            f"size={size} would make the shorter side {size * proportion:.0f} pixels; both must be at least "
            f"{images.SMALLEST_SIDE}."
        )
    if scales != "auto" and (not isinstance(scales, int) or scales < 1):
        raise ValueError(f'scales must be "auto" or a whole number of at least 1; got {scales!r}.')
    sizes = [size]
    while scales == "auto" or len(sizes) < scales:
        smaller = round(sizes[0] / 2)
        if smaller < COARSEST_SIZE or smaller * proportion < images.SMALLEST_SIDE:
            break
        sizes.insert(0, smaller)
    return sizes


def _shares(style_weights, count):
    if style_weights is None:
        return [1 / count] * count
    if len(style_weights) != count:
        raise ValueError(f"style_weights must have one number for each of the {count} styles; got {style_weights}.")
    _check_weights(**{f"style_weights[{i}]": weight for i, weight in enumerate(style_weights)})
    if sum(style_weights) == 0:
        raise ValueError("style_weights must not all be 0.")
    return [weight / sum(style_weights) for weight in style_weights]


def _check_numbers(**numbers):
    for name, number in numbers.items():
        least = {"size": images.SMALLEST_SIDE, "iterations": 1, "seed": 0}[name]
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}; got {number!r}.")


def _check_weights(**weights):
    for name, weight in weights.items():
        if not isinstance(weight, (int, float, np.number)) or not np.isfinite(weight) or weight < 0:
            raise ValueError(f"{name} must be a finite number of at least 0; got {weight!r}.")


def _as_path(source):
    return str(source) if isinstance(source, (str, os.PathLike)) else None
