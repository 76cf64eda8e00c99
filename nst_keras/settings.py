"""The settings of a run: the layers that are read by default, and checks that come before any slow work."""

import os

import numpy as np

from .image import SMALLEST_SIDE
from .network import check_layers, check_network
from .optimize import OPTIMIZERS

VGG_LAYERS = ("block4_conv2",), ("color", *(f"block{i}_conv1" for i in range(1, 6)))
LITE_LAYERS = VGG_LAYERS[0], (*VGG_LAYERS[1], "block2_conv2", "block3_conv4", "block4_conv4")
LAYERS = {  # network: content layers, style layers; VGG's are the paper's, and the colours for the style
    "lite": LITE_LAYERS,
    "vgg19": VGG_LAYERS,
    "vgg16": VGG_LAYERS,
    "squeezenet1_0": (("fire5",), ("color", "conv1", "fire2", "fire4", "fire6", "fire8")),
    "squeezenet1_1": (("fire2",), ("color", "conv1", "fire3", "fire4", "fire5")),  # those of Stanford's CS231n
}


def checked_settings(*, styles, **settings):
    """The settings of a run with `styles` styles, spelled out: what `Result.settings` keeps, and `json` can write down.

    Raises
    ------
    ValueError
        Names the setting, what is expected and what came.
    """
    network, optimizer, scales = (settings[name] for name in ("network", "optimizer", "scales"))
    check_network(network, settings["pooling"], settings["weights"])
    for name, default in zip(("content_layers", "style_layers"), LAYERS[network], strict=True):
        check_layers(network, settings[name], name)
        settings[name] = list(settings[name] or default)
    for name, least in {"size": SMALLEST_SIDE, "iterations": 1, "seed": 0}.items():
        if not _is_whole(settings[name]) or settings[name] < least:
            raise ValueError(f"{name} must be a whole number of at least {least}; got {settings[name]!r}.")
        settings[name] = int(settings[name])
    if scales != "auto":
        if not _is_whole(scales) or scales < 1:
            raise ValueError(f'scales must be "auto" or a whole number of at least 1; got {scales!r}.')
        settings["scales"] = int(scales)
    for name in ("content_weight", "style_weight", "tv_weight"):
        settings[name] = _weight(name, settings[name])
    settings["style_weights"] = _shares(settings["style_weights"], styles)
    if not isinstance(optimizer, str) or optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {optimizer!r}.")
    settings["weights"] = None if settings["weights"] is None else str(settings["weights"])
    settings["init"] = str(settings["init"]) if isinstance(settings["init"], (str, os.PathLike)) else "a picture"
    return settings


def _shares(style_weights, styles):
    if styles == 0:
        raise ValueError("style must be a picture or a list of at least one; got an empty list.")
    if style_weights is None:
        return [1 / styles] * styles
    if not isinstance(style_weights, (list, tuple, np.ndarray)) or len(style_weights) != styles:
        raise ValueError(f"style_weights must hold one number for each of {styles} style(s); got {style_weights!r}.")
    weights = [_weight(f"style_weights[{i}]", weight) for i, weight in enumerate(style_weights)]
    if sum(weights) == 0:
        raise ValueError("style_weights must not all be 0.")
    return [weight / sum(weights) for weight in weights]


def _weight(name, value):
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number of at least 0; got {value!r}.")
    return float(value)


def _is_whole(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
