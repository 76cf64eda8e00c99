"""The published formulas of neural style transfer, side by side.

All of them compare the same things. With features F of the generated image and P of the content at a layer of M
positions and N channels, and Gram matrices G and A of the generated and the style image:

    content loss = Σ (F − P)² / content divisor
    style loss   = Σ (G/M_G − A/M_A)² / style divisor

and a total variation of the image is added. They differ in the divisors and in the weights that were published with
them. Weights do not carry over from one formula to another, from one network to another, or (where one part is a sum
and the other is not) from one image size to another. `FORMULAS` holds each formula with its source; docs/formulas.md
shows a picture of each.

A divisor that depends on the layer is a hidden layer weight: with VGG19's channels, the five style layers weigh
455 : 114 : 28.4 : 7.1 : 0.44 in `keras`, and 64 : 16 : 4 : 1 : 1 in `gatys-code` and `neural-style`, compared with
`gatys`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class LayerSize(NamedTuple):
    """The numbers that divisors are made of, at one layer."""

    channels: float  #: N; √(N_l · N_k) between two layers, so that N² is the number of entries of the matrix
    positions: float | None  #: M
    pixels: float | None  #: height × width of the image
    energy: Any = 1.0  #: ΣP² for the content; `style_energy` for the style


class Formula(NamedTuple):
    """One row of the table.

    Weights are as published, for images in [0, 1]: the published weight of a total variation of degree d is multiplied
    by 255^d (in `cs231n`, whose pixels have deviation 1, divided by 0.226²). `style_weight` is for all layers together;
    each layer has a share of it. `features` are those that the weights were published for: "raw" of
    `keras.applications`; "rescaled", so that every filter has mean activation 1 over photographs; "any" where the
    formula does not depend on their scale.
    """

    content: Callable[[LayerSize], Any]  #: the divisor of the squared error
    style: Callable[[LayerSize], Any]
    total_variation: str  #: the form of `total_variation_loss`
    content_weight: float
    style_weight: float
    tv_weight: float
    features: str
    border: int  #: positions along each side of a map that the style sums leave out, see `nst_keras.objective`
    published: str  #: the network and the settings that the weights were published with
    source: str


FORMULAS = {
    "relative": Formula(
        content=lambda layer: layer.energy,
        style=lambda layer: layer.energy,
        total_variation="relative",
        content_weight=2.0,
        style_weight=6.0,
        tv_weight=4.5,
        features="any",
        border=1,
        published="this package's default: lite, coarse to fine from the content, 512 px",
        source="this package",
    ),
    "gatys": Formula(
        content=lambda layer: 2.0,
        style=lambda layer: 4 * layer.channels**2,
        total_variation="squared",
        content_weight=1.0,
        style_weight=1e3,
        tv_weight=0.0,
        features="rescaled",
        border=0,
        published="VGG19 with average pooling, content conv4_2, style conv1_1 … conv5_1 at 1/5 each, α/β 1e-3 to 1e-4, "
        "from white noise, L-BFGS; content is a sum: 512 px only",
        source="Gatys, Ecker, Bethge 2015, arXiv:1508.06576, equations 1 to 7",
    ),
    "gatys-code": Formula(
        content=lambda layer: layer.channels * layer.positions,
        style=lambda layer: layer.channels**4,
        total_variation="squared",
        content_weight=1.0,
        style_weight=5e3,
        tv_weight=0.0,
        features="raw",
        border=0,
        published="VGG19 with max pooling, content conv4_2, style conv1_1 … conv5_1 at 1e3 each, from the content, "
        "L-BFGS, 512 px and then about 1024 px",
        source="leongatys/PytorchNeuralStyleTransfer: mean squared error times 1e3/N²",
    ),
    "keras": Formula(
        content=lambda layer: 1.0,
        style=lambda layer: 4 * 3**2 * (layer.pixels / layer.positions) ** 2,
        total_variation="keras",
        content_weight=2.5e-8,
        style_weight=1e-6,
        tv_weight=1e-6 * 255**2.5,
        features="raw",
        border=0,
        published="VGG19, content block5_conv2, style block1_conv1 … block5_conv1 at 1/5 each, from the content, "
        "gradient descent, 400 px; raw Gram matrices: the style is squashed to the content's shape",
        source="keras.io/examples/generative/neural_style_transfer",
    ),
    "neural-style": Formula(
        content=lambda layer: layer.channels * layer.positions,
        style=lambda layer: layer.channels**4,
        total_variation="neural-style",
        content_weight=5.0,
        style_weight=5 * 100.0,
        tv_weight=1e-3 * 255**2,
        features="raw",
        border=0,
        published="VGG19 with max pooling, content relu4_2, style relu1_1 … relu5_1 at 100 each, from noise of "
        "deviation 0.001, L-BFGS with 1000 evaluations, 512 px",
        source="jcjohnson/neural-style",
    ),
    "johnson": Formula(
        content=lambda layer: layer.channels * layer.positions,
        style=lambda layer: layer.channels**2,
        total_variation="squared",
        content_weight=1.0,
        style_weight=4 * 5.0,
        tv_weight=1e-6 * 255**2,
        features="raw",
        border=0,
        published="VGG16, content relu3_3, style relu1_2, relu2_2, relu3_3, relu4_3 at 5 each, to train a network at "
        "256 px; the code the weights come from divides style by N⁴",
        source="Johnson, Alahi, Fei-Fei 2016, arXiv:1603.08155, section 3.2; weights of jcjohnson/fast-neural-style",
    ),
    "cs231n": Formula(
        content=lambda layer: 1.0,
        style=lambda layer: layer.channels**2,
        total_variation="squared",
        content_weight=6e-2,
        style_weight=4 * 1e3,
        tv_weight=2e-2 / 0.226**2,
        features="raw",
        border=0,
        published="SqueezeNet 1.1, content fire2, style conv1, fire3, fire4, fire5 at 3e5, 1000, 15, 3 (here: 1000 "
        "each, unless layers come with weights), from the content, Adam, 192 px; its pixels have deviation 1, not 1/4",
        source="Stanford CS231n, assignment on style transfer: Gram matrix / (H W C), w_l · Σ",
    ),
}
