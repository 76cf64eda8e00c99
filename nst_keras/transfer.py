"""Style transfer in one call: loads, wires it all, and returns a `Result`."""

from . import image as images
from .color import after_transfer, before_transfer
from .large.memory import check_memory
from .large.tiles import Tiling
from .masks.regions import load_regions
from .network import build_network
from .objective import (
    Objective,
    balanced_terms,
    blended_targets,
    content_terms,
    style_targets,
    style_terms,
    total_variation_term,
)
from .run import Result, check_callback, coarse_to_fine, input_files, load_style, pyramid, stages, style_at
from .settings import checked_settings, layers_read


def style_transfer(
    content,
    style,
    *,
    size=512,
    network="lite",
    content_layers=None,
    style_layers=None,
    formula="relative",
    content_weight=None,
    style_weight=None,
    tv_weight=None,
    shares=None,
    style_weights=None,
    combine="losses",
    style_scale=1.0,
    masks=None,
    style_masks=None,
    mask_mode="guided",
    preserve_color=None,
    color_strength=1.0,
    init="content",
    iterations=100,
    scales="auto",
    optimizer="lbfgs",
    tile=None,
    pooling=None,
    weights=None,
    precision="auto",
    seed=0,
    callback=None,
    checkpoint=None,
):
    """Paint the content in the style of another picture, or of several.

    Minimises content_weight · L_content + style_weight · L_style + tv_weight · L_tv over the pixels, where

    - L_content = Σ over content layers of w_l · `content_loss`,
    - L_style = Σ over styles r of ρ_r · Σ over style layers of w_l · `style_loss`,
    - L_tv = `total_variation_loss`.

    The method is Gatys, Ecker, Bethge 2015 (arXiv:1508.06576); the
    normalisation, and going from coarse to fine, are this package's: first at a small size, where large shapes
    and colours settle, then at twice the size from there, up to `size`.

    Parameters
    ----------
    content : path, PIL image or array
        See `load_image`. Never stretched or cropped.
    style : the same, or a list of several
        Scaled so that the longer side is the result's; keeps its own proportions, which may be up to 8 : 1 (but formula
        "keras" squashes it to the result's shape). A list
        within the list is one style of several pictures, such as the works of an artist.
    size : int
        Longer side of the result, in pixels; at least 32.
    network : str or keras.Model
        "lite" (comes with the package), "vgg19", "vgg16", "squeezenet1_0", "squeezenet1_1", or a model; see
        `build_network`.
    content_layers, style_layers : sequence of str, or dict {layer: w_l}, optional
        By default those in `nst_keras.settings.LAYERS`, all alike: the paper's, and the colours for the style; for
        lite also the last layers of blocks 2, 3 and 4, through which it learnt. Style layers may be correlations of
        other kinds, see `nst_keras.correlations`.
    formula : str
        What the losses are divided by; a row of `nst_keras.formulas.FORMULAS`.
    content_weight, style_weight, tv_weight : float, optional
        α, β and the weight of the total variation; ≥ 0. By default the formula's.
    shares : dict, optional
        Instead of the weights: the share that "content", "style" and "tv" each have in the gradient, as norms halfway
        between the content and the first style, at every scale; see `balanced_terms`. Unlike weights they mean the
        same with every formula, network and size.
    style_weights : sequence of float, optional
        ρ, one for each style; scaled to sum 1. Equal by default.
    combine : "losses" or "targets"
        Of several styles: the sum of their losses, or one loss with the average of their targets.
    style_scale : float
        0.1 to 4: the size of the style's pictures, and so of its brush strokes; 1: their longer side is the result's.
    masks : list of masks, optional
        One for each style, of the content's proportions: white is where that style applies. See `load_mask`.
    style_masks : list of masks or None, optional
        One for each style, of its own proportions: white is the part of it that is the style. All of it by default.
    mask_mode : str
        What black means. "guided": no style of this mask's, by guided Gram matrices (`style_sums`); some of it leaks
        in, as far as the network sees. "blend": then the content is pasted back, with a soft edge. "freeze": a pixel
        that is black in every mask stays exactly the content's. "classic": as in "Show, Divide and Neural" (Chan &
        Bhargava 2016) and in tutorials: binarised, the same mask on style and result, not renormalised.
    preserve_color : str, optional
        How the content keeps its colours: "cholesky", "image-analogies", "optimal-transport", "histogram", "luminance"
        or "chroma-swap"; see `nst_keras.color`. By default it does not.
    color_strength : float
        How much of them, 0 to 1.
    init : "content", "style", "noise", "blend", or a picture
        What optimisation starts from. "style" is the first style, stretched to the content's shape; "blend" is
        0.6 noise + 0.4 content.
    iterations : int
        For each scale.
    scales : "auto" or int
        How many sizes to go through, each half the next; fewer where one would be under 64 px, or its shorter side
        under 32. "auto": as many as that allows, but 1 where `init` is a picture, whose detail a smaller size would
        lose. 1: only the full size.
    optimizer : "lbfgs", "lbfgs-float32", "adam" or "gradient-descent"
        scipy's L-BFGS-B; L-BFGS in float32 on the device, faster and for large pictures; Adam; plain gradient descent.
        See `nst_keras.optimize`.
    tile : int, optional
        For prints: side of the squares in pixels, at least 32, in which the network sees larger images, one after the
        other. The picture is the same. Memory is then bounded by the tile, and by what the optimiser keeps: "lbfgs"
        needs 1.3 kB a pixel, the others a fraction. Small tiles take more time, for each has a margin around it as
        wide as the network's receptive field; 512 to 1024 is sensible. See `nst_keras.large.tiles`.
    pooling, weights
        See `build_network`.
    precision : "auto", "float32" or "bfloat16"
        Of the network. In bfloat16, which "auto" takes for VGG where the processor has it, the second half of the
        iterations at full size is in float32 all the same; Gram matrices and losses always are.
    seed : int
        For the noise of `init="noise"`.
    callback : callable, optional
        Called with every `Step`; raises `StopIteration` to end the run. `ProgressBar()` is one.
    checkpoint : path, optional
        A new folder, in which the run is written down as it goes: after a crash, `nst_keras.studio.resume(folder)` goes
        on. L-BFGS forgets the curvature at every checkpoint, so its picture differs; see `optimize.CHECKPOINT_EVERY`.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        An argument is wrong. Raised before any network is built, but for a weights file that does not fit, and a share
        for a group without a gradient.
    NonFiniteLossError
        A term became NaN or infinite; the error carries the best image.
    """
    settings = dict(locals())
    for name in ("content", "style", "callback", "checkpoint"):
        del settings[name]
    sources = list(style) if isinstance(style, (list, tuple)) else [style]
    settings = checked_settings(styles=len(sources), **settings)
    check_callback(callback)
    if checkpoint is not None:
        from .support.runs import Checkpoint

        checkpoint = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint.new(checkpoint, network)
    content_image = images.load_image(content, name="content")
    style_images = [load_style(source) for source in sources]
    regions = load_regions(masks, style_masks, mask_mode, content_image, style_images)
    shapes = pyramid(content_image.shape, size, settings["scales"])
    content_image = images.resize(content_image, shapes[-1])
    seen_content, style_images, notes = _recolored(content_image, style_images, settings)
    start = images.starting_image(init, images.resize(seen_content, shapes[0]), style_images[0][0], seed)
    plan = stages(shapes, iterations, settings["precision"])
    layers = layers_read(settings)
    networks = {
        stage.precision: build_network(network, layers, pooling=pooling, weights=weights, precision=stage.precision)
        for stage in plan
    }
    seen_at_once = shapes[-1] if tile is None else Tiling(networks["float32"], shapes[-1], tile, layers).crop
    check_memory(networks["float32"], shapes[-1], optimizer, seen_at_once)

    if checkpoint:
        picture = None if settings["init"] in images.STARTS else init
        files = {"masks": masks, "style_masks": style_masks, "init": picture, "weights": weights}
        checkpoint.begin(settings, {"content": content, "style": sources} | files)

    def objective_at(shape, precision):
        return _objective(networks[precision], seen_content, style_images, regions, settings, shape)

    image, history, interrupted = coarse_to_fine(
        objective_at,
        start,
        plan,
        optimizer=optimizer,
        callback=callback,
        pin=lambda image: regions.pinned(image, seen_content),
        checkpoint=checkpoint,
    )
    image, more_notes = after_transfer(image, content_image, preserve_color, strength=color_strength)
    image = regions.pasted(image, content_image)
    result = Result(
        image=image,
        history=history,
        settings=settings,
        inputs=input_files(content, sources, masks, style_masks, init),
        interrupted=interrupted,
        content=content_image,
        styles=[style_at(shapes[-1], picture, settings) for pictures in style_images for picture in pictures],
        notes=regions.notes(networks["float32"], shapes[-1]) + notes + more_notes,
    )
    return checkpoint.finish(result) if checkpoint else result


def _recolored(content, styles, settings):
    """Content and styles as the transfer is to see them, and what is to be said about their colours."""
    pictures = [picture for pictures in styles for picture in pictures]
    method, strength = settings["preserve_color"], settings["color_strength"]
    content, pictures, notes = before_transfer(content, pictures, method, strength=strength)
    recolored = iter(pictures)
    return content, [[next(recolored) for _ in pictures] for pictures in styles], notes


def _objective(network, content, styles, regions, settings, shape):
    """The objective at one scale, for images of `shape`."""
    content = images.resize(content, shape)
    formula, tile = settings["formula"], settings["tile"]
    balanced = settings["shares"] is not None
    frozen = regions.frozen(shape)
    content_weight, style_weight, tv_weight = (
        1.0 if balanced else settings[f"{group}_weight"] for group in ("content", "style", "tv")
    )
    terms = content_terms(network, content, settings["content_layers"], content_weight, formula=formula, tile=tile)
    targets = [
        style_targets(
            network,
            [style_at(shape, picture, settings) for picture in style],
            settings["style_layers"],
            style_masks,
            classic=regions.classic,
            tile=tile,
        )
        for style, style_masks in zip(styles, regions.style_masks, strict=True)
    ]
    shares, masks = settings["style_weights"], regions.masks
    if settings["combine"] == "targets":
        targets, shares, masks = [blended_targets(targets, shares)], [1.0], [None]
    for number, (target, share, mask) in enumerate(zip(targets, shares, masks, strict=True), start=1):
        name = "style" if len(targets) == 1 else f"style {number}"
        weight = style_weight * share
        terms += style_terms(target, weight, formula=formula, name=name, mask=mask, classic=regions.classic)
    terms.append(total_variation_term(tv_weight, formula=formula))
    if balanced:
        halfway = (content + images.resize(styles[0][0], shape)) / 2
        terms = balanced_terms(network, terms, halfway, settings["shares"], frozen, tile)
    return Objective(network, terms, shape, frozen, tile)
