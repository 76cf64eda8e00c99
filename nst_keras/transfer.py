"""Style transfer in one call: loads, goes from coarse to fine, and returns a `Result`."""

import os
from dataclasses import dataclass, field

import numpy as np

from . import image as images
from .network import build_network
from .objective import Objective, content_terms, style_terms, total_variation_term
from .optimize import Recorder, minimize
from .plot import plot_comparison, plot_losses
from .settings import checked_settings

COARSEST_SIZE = 64
MOST_ELONGATED = 8


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
        The keyword arguments of the run, layers and shares spelled out; `style_transfer(content, style, **settings)`
        repeats it. (A picture given as `init` is not kept.)
    inputs : list of str
        The files that content, styles and init were read from.
    interrupted : bool
        True if the run was ended by Ctrl-C, a notebook's stop button, or a callback's `StopIteration`; `image`
        is then the best one up to there.
    content, styles : arrays
        The content at the result's size, and the styles as they were at the last scale.
    """

    image: np.ndarray = field(repr=False)
    history: list = field(repr=False)
    settings: dict
    inputs: list
    interrupted: bool
    content: np.ndarray = field(repr=False)
    styles: list = field(repr=False)

    def save(self, path):
        """Write the image to a file; never over one of the run's own inputs. See `save_image`."""
        images.save_image(self.image, path, inputs=self.inputs)

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
    style_weight=6.0,
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
    - L_style = Σ over styles r of ρ_r · mean over style layers of Σ(G/M − A/M)² / `style_energy`,
    - L_tv = `total_variation_loss`, absolute differences of neighbouring pixels

    (`nst_keras.losses`, formula "relative"). The method is Gatys, Ecker, Bethge 2015 (arXiv:1508.06576); the
    normalisation, and going from coarse to fine, are this package's: first at a small size, where large shapes
    and colours settle, then at twice the size from there, up to `size`.

    Parameters
    ----------
    content : path, PIL image or array
        See `load_image`. Never stretched or cropped.
    style : the same, or a list of several
        Scaled so that the longer side is the result's; keeps its own proportions, which may be up to 8 : 1.
    size : int
        Longer side of the result, in pixels; at least 32.
    network : str
        "lite" (comes with the package), "vgg19", "vgg16", "squeezenet1_0", "squeezenet1_1". See `build_network`.
    content_layers, style_layers : sequence of str, optional
        By default those in `nst_keras.settings.LAYERS`: the paper's, and the colours for the style; for lite also
        the last layers of blocks 2, 3 and 4, through which it learnt.
    content_weight, style_weight, tv_weight : float
        α, β and the weight of the total variation; ≥ 0, without unit.
    style_weights : sequence of float, optional
        ρ, one for each style; scaled to sum 1. Equal by default.
    init : "content", "style", "noise", or a picture
        What optimisation starts from. "style" is the first style, stretched to the content's shape.
    iterations : int
        For each scale.
    scales : "auto" or int
        How many sizes to go through, each half the next; fewer where one would be under 64 px, or its shorter side
        under 32. "auto": as many as that allows, but 1 where `init` is a picture, whose detail a smaller size would
        lose. 1: only the full size.
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
    sources = list(style) if isinstance(style, (list, tuple)) else [style]
    settings = checked_settings(
        styles=len(sources),
        size=size,
        network=network,
        content_layers=content_layers,
        style_layers=style_layers,
        content_weight=content_weight,
        style_weight=style_weight,
        style_weights=style_weights,
        tv_weight=tv_weight,
        init=init,
        iterations=iterations,
        scales=scales,
        optimizer=optimizer,
        pooling=pooling,
        weights=weights,
        seed=seed,
    )
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function of a Step, such as ProgressBar(); got {callback!r}.")
    content_image = images.load_image(content, name="content")
    style_images = [_load_style(source) for source in sources]
    if scales == "auto" and settings["init"] not in ("content", "style", "noise"):
        scales = 1
    shapes = _shapes(content_image.shape, size, scales)
    content_image = images.resize(content_image, shapes[-1])
    image = images.starting_image(init, images.resize(content_image, shapes[0]), style_images[0], seed)
    layers = dict.fromkeys(settings["content_layers"] + settings["style_layers"])
    net = build_network(network, layers, pooling=pooling, weights=weights)

    work = np.cumsum([0.0] + [height * width for height, width in shapes])
    recorder, interrupted = None, False
    try:
        for level, shape in enumerate(shapes):
            recorder = Recorder(
                _objective(net, content_image, style_images, settings, shape),
                images.resize(image, shape),
                iterations,
                callback=callback,
                previous=recorder,
                work=work[level : level + 2] / work[-1],
            )
            minimize(recorder, optimizer)
            image = recorder.best_image
            if recorder.stopped:
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
        image = recorder.best_image if recorder else image
    return Result(
        image=images.resize(image, shapes[-1]),
        history=recorder.history if recorder else [],
        settings=settings,
        inputs=[os.path.abspath(source) for source in (content, *sources, init) if _is_file(source)],
        interrupted=interrupted,
        content=content_image,
        styles=[_style_at(shapes[-1], style_image) for style_image in style_images],
    )


def _objective(network, content, styles, settings, shape):
    """The objective at one scale, for images of `shape`."""
    content = images.resize(content, shape)
    terms = content_terms(network, content, settings["content_layers"], settings["content_weight"])
    for number, (style, share) in enumerate(zip(styles, settings["style_weights"], strict=True), start=1):
        name = "style" if len(styles) == 1 else f"style {number}"
        weight = settings["style_weight"] * share
        terms += style_terms(network, _style_at(shape, style), settings["style_layers"], weight, name=name)
    return Objective(network, [*terms, total_variation_term(settings["tv_weight"])], shape)


def _style_at(shape, style):
    return images.resize(style, images.fitting_shape(style.shape, max(shape), least=images.SMALLEST_SIDE))


def _load_style(source):
    style = images.load_image(source, name="style")
    height, width = style.shape[:2]
    if max(height, width) > MOST_ELONGATED * min(height, width):
        raise ValueError(f"style is {width}×{height} pixels, longer than {MOST_ELONGATED} : 1; crop it.")
    return style


def _shapes(shape, size, scales):
    """Shapes of the result to go through, from coarse to fine."""
    full = images.fitting_shape(shape, size)
    if min(full) < images.SMALLEST_SIDE or full[0] * full[1] > images.MOST_PIXELS:
        raise ValueError(
            f"size={size} would make the result {full[1]}×{full[0]} pixels; both sides must be at least "
            f"{images.SMALLEST_SIDE}, and it may have {images.MOST_PIXELS // 1_000_000} megapixels."
        )
    shapes = [full]
    while scales == "auto" or len(shapes) < scales:
        smaller = images.fitting_shape(shape, round(max(shapes[0]) / 2))
        if max(smaller) < COARSEST_SIZE or min(smaller) < images.SMALLEST_SIDE:
            break
        shapes.insert(0, smaller)
    return shapes


def _is_file(source):
    return isinstance(source, (str, os.PathLike)) and os.path.exists(source)
