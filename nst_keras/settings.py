"""The settings of a run: the layers that are read by default, and checks that come before any slow work."""

import os
import warnings

import numpy as np

from .color import check_preserve_color
from .correlations import Correlation, as_correlations
from .formulas import FORMULAS
from .image import MIN_SIDE, STARTS
from .large.tiles import joined_reach
from .network import check_layers, check_network, layer_names
from .networks.precision import chosen_precision
from .optimize import OPTIMIZERS
from .support.checks import checked_name, checked_number, checked_whole, is_whole, suggestion

VGG_LAYERS = ("block4_conv2",), ("color", *(f"block{i}_conv1" for i in range(1, 6)))
LITE_LAYERS = VGG_LAYERS[0], (*VGG_LAYERS[1], "block2_conv2", "block3_conv4", "block4_conv4")
LAYERS = {  # network: content layers, style layers; VGG's are the paper's, and the colours for the style
    "lite": LITE_LAYERS,
    "vgg19": VGG_LAYERS,
    "vgg16": VGG_LAYERS,
    "squeezenet1_0": (("fire5",), ("color", "conv1", "fire2", "fire4", "fire6", "fire8")),
    "squeezenet1_1": (("fire2",), ("color", "conv1", "fire3", "fire4", "fire5")),  # those of Stanford's CS231n
}
WEIGHTS = ("content_weight", "style_weight", "tv_weight")
GROUPS = ("content", "style", "tv")  # of terms: what `shares` divides the gradient among
COMBINATIONS = ("losses", "targets")
MASK_MODES = ("guided", "blend", "freeze", "classic")


def checked_settings(*, styles=0, layers_of="style", **settings):
    """The settings of a run with `styles` styles, spelled out: what `Result.settings` keeps, and `json` can write down.

    Only those settings are checked that the run has. Its `layers` are of the "content" or "style". A `ValueError` names
    the setting, what is expected and what came.
    """
    network, scales, init = (settings[name] for name in ("network", "scales", "init"))
    check_network(network, settings["pooling"], settings["weights"])
    if "precision" in settings:
        settings["precision"] = chosen_precision(settings["precision"], network)
    settings["network"] = network if isinstance(network, str) else network.name
    for name, of in {"content_layers": "content", "style_layers": "style", "layers": layers_of}.items():
        if name in settings:
            settings[name] = _layers(name, network, settings[name], of)
    for name, least in {"size": MIN_SIDE, "iterations": 1, "seed": 0}.items():
        settings[name] = checked_whole(name, settings[name], least)
    if settings.get("tile") is not None:
        settings["tile"] = checked_whole("tile", settings["tile"], MIN_SIDE)
    if not isinstance(scales, str) or scales != "auto":
        if not is_whole(scales) or scales < 1:
            raise ValueError(f'scales must be "auto" or a whole number of at least 1; got {scales!r}.')
        settings["scales"] = int(scales)
    checked_name("formula", settings["formula"], FORMULAS)
    settings.update(_weights(settings, network))
    if "style_weights" in settings:
        settings["style_weights"] = _style_weights(settings["style_weights"], styles)
    for name, known in {"combine": COMBINATIONS, "mask_mode": MASK_MODES, "optimizer": OPTIMIZERS}.items():
        if name in settings:
            checked_name(name, settings[name], known)
    for name in ("masks", "style_masks"):
        if settings.get(name) is not None:
            settings[name] = _masks(name, settings[name], styles)
    if settings.get("masks") is not None and settings["combine"] == "targets":
        raise ValueError('combine="targets" makes one style of all, which leaves nothing for masks; use "losses".')
    if "style_scale" in settings:
        settings["style_scale"] = checked_number("style_scale", settings["style_scale"])
        if settings["formula"] == "keras" and settings["style_scale"] != 1:
            raise ValueError(
                'style_scale must be 1 with formula="keras", which squashes styles to the result\'s shape.'
            )
        if not 0.1 <= settings["style_scale"] <= 4:
            raise ValueError(f"style_scale must be between 0.1 and 4; got {settings['style_scale']!r}.")
    if "preserve_color" in settings:
        check_preserve_color(settings["preserve_color"], settings["color_strength"])
        settings["color_strength"] = float(settings["color_strength"])
    settings["weights"] = None if settings["weights"] is None else str(settings["weights"])
    if isinstance(init, (str, os.PathLike)) and init not in STARTS and not os.path.isfile(init):
        hint = suggestion(init, STARTS)
        raise ValueError(f"init {str(init)!r}: there is no such file, nor a start of this name.{hint}")
    settings["init"] = _label(init)
    if scales == "auto" and settings["init"] not in (None, *STARTS):
        settings["scales"] = 1  # a smaller size would lose the picture's detail
    return settings


def layers_read(settings):
    """{layer: positions} of all layers that a run with these checked settings reads; see `AdditiveLoss.reach`."""
    of_style = [c.reach for c in as_correlations(settings.get("style_layers", ()))]
    return joined_reach([dict.fromkeys(settings.get("content_layers", ()), 0), *of_style])


def _layers(argument, network, layers, of):
    """Layers as `json` can write them: a list of names (or correlations, as plain lists), or {layer: share}."""
    if layers is None:
        name = network if isinstance(network, str) else network.name
        if name not in LAYERS:
            raise ValueError(f"{argument} must be given for a network of your own, {name!r}.")
        layers = LAYERS[name][("content", "style").index(of)]
    if isinstance(layers, dict):
        check_layers(network, list(layers), argument)
        return {layer: checked_number(f"{argument}[{layer!r}]", weight) for layer, weight in layers.items()}
    if not isinstance(layers, (list, tuple, str)):
        raise ValueError(f"{argument} must be a list of names or correlations, or a dictionary; got {layers!r}.")
    if all(isinstance(layer, str) for layer in layers) or of == "content":
        check_layers(network, layers, argument)  # which refuses a single name
        return list(layers)
    order = layer_names(network)
    checked = []
    for item in layers:
        is_correlation = isinstance(item, (list, tuple)) and 1 <= len(item) <= len(Correlation._fields)
        if not isinstance(item, str) and not is_correlation:
            raise ValueError(f"{argument} must hold names of layers or correlations; got {item!r}.")
        c = Correlation(item) if isinstance(item, str) else Correlation(*item)
        check_layers(network, list(c.layers), argument)
        if c.deeper and order.index(c.deeper) <= order.index(c.layer):
            raise ValueError(f"{argument}: {c.deeper} must be deeper than {c.layer}; it is not.")
        if c.blur and c.deeper is None:
            raise ValueError(f"{argument}: {c.layer} has blur, which is for correlations between two layers.")
        c = c._replace(
            shift=checked_number(f"shift in {argument}", c.shift),
            blur=checked_whole(f"blur in {argument}", c.blur, 0),
            weight=checked_number(f"weight in {argument}", c.weight, minimum=0),
        )
        checked.append(c)
    if sum(c.weight for c in checked) == 0:
        raise ValueError(f"weights in {argument} must not all be 0.")
    names = [str(c) for c in checked]
    if len(set(names)) < len(names):
        raise ValueError(f"{argument} must hold no correlation twice; got {'; '.join(names)}.")
    return [list(c) for c in checked]


def _weights(settings, network):
    """The weights of the terms, those of the formula where none are given; or the shares, and no weights."""
    given = {name: settings[name] for name in WEIGHTS if name in settings}
    shares, formula = settings.get("shares"), settings["formula"]
    if shares is not None:
        asked = [name for name, value in given.items() if value is not None]
        if asked:
            raise ValueError(f"shares take the place of weights; give either shares or {', '.join(asked)}.")
        if not isinstance(shares, dict) or not shares or not set(shares) <= set(GROUPS):
            raise ValueError(f"shares must be a dictionary with some of {', '.join(GROUPS)}; got {shares!r}.")
        numbers = {group: checked_number(f"shares[{group!r}]", share, minimum=0) for group, share in shares.items()}
        if sum(numbers.values()) == 0:
            raise ValueError("shares must not all be 0.")
        return {"shares": {group: share / sum(numbers.values()) for group, share in numbers.items()}}
    if any(value is None for value in given.values()):
        _warn_of_published_weights(formula, network)
    return {
        name: checked_number(name, getattr(FORMULAS[formula], name) if value is None else value, minimum=0)
        for name, value in given.items()
    }


def _warn_of_published_weights(formula, network):
    expected = FORMULAS[formula].features
    has = {"lite": "rescaled", "vgg19": "raw", "vgg16": "raw"}
    if expected == "any" or not isinstance(network, str) or has.get(network) == expected:
        return
    if (formula, network) == ("cs231n", "squeezenet1_1"):
        return
    remedy = 'Give weights of your own, or shares, such as shares={"content": 0.2, "style": 0.7, "tv": 0.1}.'
    if expected == "rescaled":
        remedy = f"rescale_network makes a network with such features. {remedy}"
    warnings.warn(
        f'The weights of formula "{formula}" were published for {expected} features of VGG, which {network} has not. '
        f"{remedy}",
        stacklevel=5,
    )


def _style_weights(style_weights, styles):
    if styles == 0:
        raise ValueError("style must be a picture or a list of at least one; got an empty list.")
    if style_weights is None:
        return [1 / styles] * styles
    if not isinstance(style_weights, (list, tuple, np.ndarray)) or len(style_weights) != styles:
        raise ValueError(f"style_weights must hold one number for each of {styles} style(s); got {style_weights!r}.")
    weights = [checked_number(f"style_weights[{i}]", weight, minimum=0) for i, weight in enumerate(style_weights)]
    if sum(weights) == 0:
        raise ValueError("style_weights must not all be 0.")
    return [weight / sum(weights) for weight in weights]


def _masks(name, masks, styles):
    if not isinstance(masks, (list, tuple)) or len(masks) != styles:
        got = f"{len(masks)}" if isinstance(masks, (list, tuple)) else type(masks).__name__
        raise ValueError(f"{name} must be a list with one mask for each of {styles} style(s); got {got}.")
    return [[_label(one) for one in mask] if isinstance(mask, (list, tuple)) else _label(mask) for mask in masks]


def _label(source):
    """A picture or mask as `json` can write it down: the path it came from, or that it came as an array."""
    return str(source) if isinstance(source, (str, os.PathLike)) else None if source is None else "a picture"
