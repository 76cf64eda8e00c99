"""The settings of a run, and their checks, which come before any slow work."""

import os
import warnings
from dataclasses import dataclass, fields, replace
from typing import Any

import keras

from ..color import check_preserve_color
from ..correlations import Correlation, as_correlations
from ..formulas import FORMULAS
from ..image import STARTS
from ..network import COLOR, LAYERS, check_layers, check_network, layer_names
from ..optimize import OPTIMIZERS
from .checks import checked_name, checked_number, checked_whole, suggestion
from .pictures import MIN_SIDE

WEIGHTS = ("content_weight", "style_weight", "tv_weight")
GROUPS = ("content", "style", "tv")  # groups of terms, among which `shares` divides the gradient
COMBINATIONS = ("losses", "targets")
MASK_MODES = ("guided", "blend", "freeze", "classic")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a run that minimises over the pixels of an image; see `style_transfer` for each of them."""

    size: int
    network: str | keras.Model
    content_layers: Any
    style_layers: Any
    formula: str
    content_weight: float | None
    style_weight: float | None
    tv_weight: float | None
    shares: dict | None
    style_weights: Any
    combine: str
    style_scale: float
    masks: Any
    style_masks: Any
    mask_mode: str
    preserve_color: str | None
    color_strength: float
    init: Any
    iterations: int
    scales: int | str
    optimizer: str
    tile: int | None
    pooling: str | None
    weights: Any
    seed: int

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> "Settings":
        """Return the settings among the arguments of a function."""
        return cls(**{f.name: arguments[f.name] for f in fields(cls)})

    def checked(self, styles: int, *, content: bool = True) -> "Settings":
        """Return these settings spelled out, for a run with `styles` styles, with a content or without."""
        check_network(self.network, self.pooling, self.weights)
        made = {"content_layers": [], "style_layers": []}
        for group in ("content",) * content + ("style",) * bool(styles):
            name = f"{group}_layers"
            made[name] = checked_layers(name, self.network, getattr(self, name), group, self.formula)
        for name, minimum in {"size": MIN_SIDE, "iterations": 1, "seed": 0, "tile": MIN_SIDE}.items():
            value = getattr(self, name)
            made[name] = None if value is None and name == "tile" else checked_whole(name, value, minimum)
        automatic = isinstance(self.scales, str) and self.scales == "auto"
        made["scales"] = self.scales if automatic else checked_whole("scales", self.scales, 1, '"auto" or ')
        for name, known in {"formula": FORMULAS, "combine": COMBINATIONS, "mask_mode": MASK_MODES}.items():
            checked_name(name, getattr(self, name), known)
        checked_name("optimizer", self.optimizer, OPTIMIZERS)
        made |= self._checked_weights()
        made["style_weights"] = _checked_style_weights(self.style_weights, styles)
        for name in ("masks", "style_masks"):
            _check_masks(name, getattr(self, name), styles)
        if self.masks is not None and self.combine == "targets":
            raise ValueError('combine="targets" makes one style of all, which leaves nothing for masks; use "losses".')
        made["style_scale"] = checked_number("style_scale", self.style_scale)
        if self.formula == "keras" and self.style_scale != 1:
            raise ValueError('style_scale must be 1 with formula="keras", which squashes styles.')
        if not 0.1 <= self.style_scale <= 4:
            raise ValueError(f"style_scale must be between 0.1 and 4; got {self.style_scale!r}.")
        check_preserve_color(self.preserve_color, self.color_strength)
        made["color_strength"] = float(self.color_strength)
        if _is_picture(self.init) and automatic:
            made["scales"] = 1  # a smaller size would lose the picture's detail
        return replace(self, **made)

    def record(self) -> dict:
        """Return these settings as JSON can hold them: a picture, mask or model by its path or name."""
        record = dict(vars(self))
        record["network"] = self.network if isinstance(self.network, str) else self.network.name
        for name in ("weights", "init", "masks", "style_masks"):
            record[name] = _label(record[name])
        return record

    def sources(self) -> dict:
        """Return the settings that may be files; None for the names of starts and of random weights."""
        init = self.init if _is_picture(self.init) else None
        weights = None if self.weights == "random" else self.weights
        return {"masks": self.masks, "style_masks": self.style_masks, "init": init, "weights": weights}

    def _checked_weights(self):
        """Return the weights, those of the formula where none are given; or the shares, and no weights."""
        given = {name: getattr(self, name) for name in WEIGHTS}
        if self.shares is None:
            if any(value is None for value in given.values()):
                _warn_of_published_weights(self.formula, self.network)
            usual = {name: getattr(FORMULAS[self.formula], name) for name in WEIGHTS}
            weights = {name: usual[name] if value is None else value for name, value in given.items()}
            return {name: checked_number(name, value, minimum=0) for name, value in weights.items()}
        if asked := [name for name, value in given.items() if value is not None]:
            raise ValueError(f"shares take the place of weights; give either shares or {', '.join(asked)}.")
        if not isinstance(self.shares, dict) or not self.shares or not set(self.shares) <= set(GROUPS):
            raise ValueError(f"shares must be a dictionary with some of {', '.join(GROUPS)}; got {self.shares!r}.")
        shares = {group: checked_number(f"shares[{group!r}]", share, minimum=0) for group, share in self.shares.items()}
        return {"shares": dict(zip(shares, _normalised("shares", shares.values()), strict=True))}


def layers_read(content_layers: Any, style_layers: Any) -> list[str]:
    """Return the names of all layers that a run with these checked layers reads."""
    of_style = [layer for c in as_correlations(style_layers) for layer in c.layers]
    return list(dict.fromkeys([*content_layers, *of_style]))


def checked_layers(
    argument: str, network: str | keras.Model, layers: Any, group: str, formula: str = "relative"
) -> list | dict:
    """Return layers as JSON can hold them: names, or correlations as plain lists, or {layer: share}.

    `group` is "content" or "style"; None stands for the network's layers in LAYERS. The layer "color" is a
    default only with "relative": the weights of published formulas are for layers of convolutions.
    """
    if layers is None:
        name = network if isinstance(network, str) else network.name
        if name not in LAYERS:
            raise ValueError(f"{argument} must be given for a network of your own, {name!r}.")
        checked_name("formula", formula, FORMULAS)
        layers = [layer for layer in LAYERS[name][GROUPS.index(group)] if formula == "relative" or layer != COLOR]
    if isinstance(layers, dict):
        check_layers(network, list(layers), argument)
        return {layer: checked_number(f"{argument}[{layer!r}]", weight) for layer, weight in layers.items()}
    if not isinstance(layers, (list, tuple, str)):
        raise ValueError(f"{argument} must be a list of names or correlations, or a dictionary; got {layers!r}.")
    if all(isinstance(layer, str) for layer in layers) or group == "content":
        check_layers(network, layers, argument)  # raises if `layers` is a single name
        return list(layers)
    checked = [_checked_correlation(argument, network, item) for item in layers]
    if sum(c.weight for c in checked) == 0:
        raise ValueError(f"weights in {argument} must not all be 0.")
    names = [str(c) for c in checked]
    if len(set(names)) < len(names):
        raise ValueError(f"{argument} must hold no correlation twice; got {'; '.join(names)}.")
    return [list(c) for c in checked]


def _checked_correlation(argument, network, item):
    is_correlation = isinstance(item, (list, tuple)) and 1 <= len(item) <= len(Correlation._fields)
    if not isinstance(item, str) and not is_correlation:
        raise ValueError(f"{argument} must hold names of layers or correlations; got {item!r}.")
    c = Correlation(item) if isinstance(item, str) else Correlation(*item)
    check_layers(network, list(c.layers), argument)
    order = layer_names(network)
    if c.deeper and order.index(c.deeper) < order.index(c.layer):
        raise ValueError(f"{argument}: {c.deeper} must be deeper than {c.layer}; it is not.")
    if c.blur and c.deeper is None:
        raise ValueError(f"{argument}: {c.layer} has blur, which is for correlations between two layers.")
    return c._replace(
        shift=checked_number(f"shift in {argument}", c.shift),
        blur=checked_whole(f"blur in {argument}", c.blur, 0),
        weight=checked_number(f"weight in {argument}", c.weight, minimum=0),
    )


def _warn_of_published_weights(formula, network):
    expected, has = FORMULAS[formula].features, {"lite": "rescaled", "vgg19": "raw", "vgg16": "raw"}
    known = (formula, network) == ("cs231n", "squeezenet1_1") or has.get(network) == expected
    if expected == "any" or not isinstance(network, str) or known:
        return
    remedy = 'give weights of your own, or shares, such as shares={"content": 0.2, "style": 0.7, "tv": 0.1}.'
    if expected == "rescaled":
        remedy = f"make such a network by nst_keras.networks.rescaling.rescale_network, {remedy}"
    warnings.warn(
        f'The weights of formula "{formula}" were published for {expected} features of VGG, which {network} does not '
        f"have: {remedy}",
        stacklevel=5,  # the caller of style_transfer
    )


def _checked_style_weights(style_weights, styles):
    if style_weights is None:
        return [1 / styles for _ in range(styles)]
    if not isinstance(style_weights, (list, tuple)) or len(style_weights) != styles:
        raise ValueError(f"style_weights must hold one number for each of {styles} style(s); got {style_weights!r}.")
    weights = [checked_number(f"style_weights[{i}]", weight, minimum=0) for i, weight in enumerate(style_weights)]
    return _normalised("style_weights", weights)


def _normalised(name, numbers):
    total = sum(numbers)
    if total == 0:
        raise ValueError(f"{name} must not all be 0.")
    return [number / total for number in numbers]


def _check_masks(name, masks, styles):
    got = len(masks) if isinstance(masks, (list, tuple)) else type(masks).__name__
    if masks is not None and got != styles:
        raise ValueError(f"{name} must be a list with one mask for each of {styles} style(s); got {got}.")


def _is_picture(init):
    """Return whether a run starts from a picture of the user's; raise a `ValueError` for a file that is missing."""
    if isinstance(init, str) and init in STARTS:
        return False
    if isinstance(init, (str, os.PathLike)) and not os.path.isfile(init):
        raise ValueError(
            f"init {str(init)!r}: there is no such file, nor a start of this name.{suggestion(init, STARTS)}"
        )
    return init is not None


def _label(source):
    """Return a picture or mask, or a list of them, as JSON can hold it: its path, or the words "a picture"."""
    if isinstance(source, (list, tuple)):
        return [_label(one) for one in source]
    return str(source) if isinstance(source, (str, os.PathLike)) else None if source is None else "a picture"
