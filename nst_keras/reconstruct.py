"""The two halves of style transfer, each alone, from noise: how much does a layer keep of a picture?

Content reconstruction finds an image with the features of a photograph, texture synthesis (style reconstruction) one
with the Gram matrices of a painting. Gatys, Ecker, Bethge 2015, arXiv:1508.06576, figure 1; the texture model is that
of Gatys et al. 2015, arXiv:1505.07376.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from .image import load_image, resize, starting_image
from .results.recorder import Step
from .results.result import Result
from .support.checks import check_callback, input_files
from .support.settings import Settings, checked_layers
from .support.types import ImageSource, Layers, PathLike
from .transfer import DEFAULTS, fitting_network, load_style, paint, pyramid, style_at

ALONE = {"content_weight": 1.0, "style_weight": 1.0}
SHARED = ("size", "network", "formula", "tv_weight", "init", "iterations", "scales", "optimizer", "pooling", "weights")


def reconstruct_content(
    content: ImageSource,
    layers: Layers,
    *,
    size: int = 256,
    network: str | keras.Model = "lite",
    formula: str = "relative",
    tv_weight: float = 0.0,
    init: str | ImageSource = "noise",
    iterations: int = 200,
    scales: int | str = 1,
    optimizer: str = "lbfgs",
    pooling: str | None = None,
    weights: PathLike | None = None,
    seed: int = 0,
    callback: Callable[[Step], Any] | None = None,
) -> Result:
    """Find an image with the same features as `content` at `layers`: Σ w_l · `content_loss` → min.

    Shallow layers give the photograph back; deep layers keep where things are and lose the exact pixels (figure 1,
    "content reconstructions").

    Parameters
    ----------
    layers
        Names, which have equal weights, or {layer: w_l}.
    tv_weight
        Weight of `total_variation_loss`; the paper has none. The other parameters are as in `style_transfer`.
    """
    if layers is None:
        raise ValueError("layers must be a list of layer names; got None.")
    layers = checked_layers("layers", network, layers, "content")
    settings = Settings.of(vars(DEFAULTS) | ALONE | locals() | {"content_layers": layers}).checked(styles=0)
    check_callback(callback)
    image = load_image(content, name="content")
    shapes = pyramid(image.shape, settings.size, settings.scales)
    image = resize(image, shapes[-1])
    start = starting_image(init, resize(image, shapes[0]), image, seed)
    built = fitting_network(settings, shapes[-1])
    picture, history, interrupted = paint(settings, start, shapes, built, content=image, callback=callback)
    record = {"layers": settings.content_layers} | _shared(settings)
    return Result(picture, history, record, input_files(content, init), interrupted, image, [])


def synthesize_texture(
    style: ImageSource | Sequence[ImageSource],
    layers: Layers | None = None,
    *,
    size: int = 256,
    proportions: Sequence[float] | None = None,
    network: str | keras.Model = "lite",
    formula: str = "relative",
    tv_weight: float = 0.0,
    style_scale: float = 1.0,
    init: str | ImageSource = "noise",
    iterations: int = 100,
    scales: int | str = "auto",
    optimizer: str = "lbfgs",
    pooling: str | None = None,
    weights: PathLike | None = None,
    seed: int = 0,
    callback: Callable[[Step], Any] | None = None,
) -> Result:
    """Find an image with the same Gram matrices as `style` at `layers`: Σ w_l · `style_loss` → min.

    It has the style's colours, strokes and local shapes, but in other places: the Gram matrix forgets where things are.
    More and deeper layers give larger shapes (figure 1, "style reconstructions").

    Parameters
    ----------
    style
        A list of pictures describes one style.
    layers
        The style's; see `style_layers` of `style_transfer`.
    proportions
        (height, width) of the result, such as (1, 2) for a strip; by default those of the first picture. The result
        need not have the style's size.
    style_scale
        0.1 to 4: the longer side of the style's pictures, as a multiple of `size`.
    tv_weight
        Weight of `total_variation_loss`; the paper has none. The other parameters are as in `style_transfer`.
    """
    layers = checked_layers("layers", network, layers, "style", formula)
    settings = Settings.of(vars(DEFAULTS) | ALONE | locals() | {"style_layers": layers})
    settings = settings.checked(styles=1, content=False)
    check_callback(callback)
    pictures = load_style(style)
    shapes = pyramid(_proportions(proportions, pictures[0].shape), settings.size, settings.scales)
    first = resize(pictures[0], shapes[0])
    start = starting_image(init, first, first, seed)
    built = fitting_network(settings, shapes[-1])
    picture, history, interrupted = paint(settings, start, shapes, built, styles=[pictures], callback=callback)
    record = {"layers": settings.style_layers} | _shared(settings) | {"style_scale": settings.style_scale}
    record["proportions"] = None if proportions is None else [float(side) for side in proportions]
    styles = [style_at(shapes[-1], picture, settings) for picture in pictures]
    return Result(picture, history, record, input_files(style, init), interrupted, None, styles)


def _shared(settings):
    record = settings.record()
    return {name: record[name] for name in (*SHARED, "seed")}


def _proportions(proportions, shape):
    if proportions is None:
        return shape[:2]
    try:
        height, width = (float(side) for side in proportions)
        if not (0.02 <= height / width <= 50 and height > 0):
            raise ValueError
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(
            f"proportions must be two positive numbers, height and width, at most 50 : 1; got {proportions!r}."
        ) from error
    return height, width
