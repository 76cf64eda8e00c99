"""What a layer keeps: the two halves of style transfer, each alone, starting from noise.

Content reconstruction asks what a layer still knows about a photograph; texture synthesis, or style reconstruction,
what its Gram matrix knows about a painting. Gatys, Ecker, Bethge 2015, arXiv:1508.06576, figure 1; the texture model is
that of Gatys et al. 2015, arXiv:1505.07376.
"""

from . import image as images
from .large.memory import check_memory
from .network import build_network
from .objective import Objective, content_terms, style_targets, style_terms, total_variation_term
from .run import Result, check_callback, coarse_to_fine, input_files, load_style, pyramid, stages, style_at
from .settings import checked_settings, layers_read


def reconstruct_content(
    content,
    layers,
    *,
    size=256,
    network="lite",
    formula="relative",
    tv_weight=0.0,
    init="noise",
    iterations=200,
    scales=1,
    optimizer="lbfgs",
    pooling=None,
    weights=None,
    seed=0,
    callback=None,
):
    """Find an image with the same features as `content` at `layers`: Σ w_l · `content_loss` → min.

    Shallow layers give the photograph back; deep ones keep what is where and lose the exact pixels (figure 1, "content
    reconstructions").

    Parameters
    ----------
    content : path, PIL image or array
        See `load_image`.
    layers : sequence of str, or dict {layer: w_l}
        All alike in a sequence.
    size : int
        Longer side of the result, in pixels.
    tv_weight : float
        Of `total_variation_loss`; the paper has none.
    Others
        See `style_transfer`.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        An argument is wrong. Raised before any network is built.
    NonFiniteLossError
        A term became NaN or infinite.
    """
    settings = dict(locals())
    del settings["content"], settings["callback"]
    if layers is None:
        raise ValueError("layers must be a list of layer names; got None.")
    settings = checked_settings(layers_of="content", **settings)
    check_callback(callback)
    image = images.load_image(content, name="content")
    shapes = pyramid(image.shape, size, settings["scales"])
    image = images.resize(image, shapes[-1])
    start = images.starting_image(init, images.resize(image, shapes[0]), image, seed)
    layers = settings["layers"]

    def terms_at(shape, network):
        return content_terms(network, images.resize(image, shape), layers, 1.0, formula=formula)

    picture, history, interrupted = _minimized(
        terms_at, {"content_layers": layers}, network, settings, start, shapes, callback
    )
    return Result(picture, history, settings, input_files(content, init), interrupted, image, [])


def synthesize_texture(
    style,
    layers=None,
    *,
    size=256,
    proportions=None,
    network="lite",
    formula="relative",
    tv_weight=0.0,
    style_scale=1.0,
    init="noise",
    iterations=100,
    scales="auto",
    optimizer="lbfgs",
    pooling=None,
    weights=None,
    seed=0,
    callback=None,
):
    """Find an image with the same Gram matrices as `style` at `layers`: Σ w_l · `style_loss` → min.

    It has the style's colours, strokes and local shapes, but in other places: the Gram matrix forgets where things
    are. The more and the deeper layers, the larger the shapes (figure 1, "style reconstructions").

    Parameters
    ----------
    style : path, PIL image or array, or a list of several
        Several describe one style together.
    layers : sequence of str or correlations, or dict {layer: w_l}, optional
        As `style_layers` of `style_transfer`.
    size : int
        Longer side of the result, in pixels.
    proportions : (height, width), optional
        Of the result, such as (1, 2) for a strip; by default those of the first picture. The result need not have
        the style's size.
    style_scale : float
        0.1 to 4: the longer side of the style's pictures, as a multiple of `size`.
    tv_weight : float
        Of `total_variation_loss`; the paper has none.
    Others
        See `style_transfer`.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        An argument is wrong. Raised before any network is built.
    NonFiniteLossError
        A term became NaN or infinite.
    """
    settings = dict(locals())
    del settings["style"], settings["proportions"], settings["callback"]
    settings = checked_settings(layers_of="style", **settings)
    check_callback(callback)
    pictures = load_style(style)
    shapes = pyramid(_proportions(proportions, pictures[0].shape), size, settings["scales"])
    settings["proportions"] = None if proportions is None else [float(side) for side in proportions]
    first = images.resize(pictures[0], shapes[0])
    start = images.starting_image(init, first, first, seed)
    layers = settings["layers"]

    def styles_at(shape):
        return [style_at(shape, picture, settings) for picture in pictures]

    def terms_at(shape, network):
        return style_terms(style_targets(network, styles_at(shape), layers), 1.0, formula=formula)

    picture, history, interrupted = _minimized(
        terms_at, {"style_layers": layers}, network, settings, start, shapes, callback
    )
    return Result(picture, history, settings, input_files(style, init), interrupted, None, styles_at(shapes[-1]))


def _minimized(terms_at, layers, network, settings, start, shapes, callback):
    """Image, history and whether the run was interrupted; `terms_at` is (shape, network) → list of Term."""
    network = build_network(network, layers_read(layers), pooling=settings["pooling"], weights=settings["weights"])
    check_memory(network, shapes[-1], settings["optimizer"])
    smoothness = total_variation_term(settings["tv_weight"], formula=settings["formula"])

    def objective_at(shape, precision):
        return Objective(network, [*terms_at(shape, network), smoothness], shape)

    plan = stages(shapes, settings["iterations"], "float32")
    return coarse_to_fine(objective_at, start, plan, optimizer=settings["optimizer"], callback=callback)


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
