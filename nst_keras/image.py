"""Images: files ↔ arrays, sizes, starting images.

An image is a NumPy float32 array of shape (height, width, 3): RGB in [0, 1], with the meaning of sRGB, as on a screen.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .support.pictures import check_output, check_size, decoded, read_picture, write_picture
from .support.types import ImageArray, ImageSource, PathLike, Shape

STARTS = ("content", "style", "noise", "blend")
NOISE_IN_BLEND = np.float32(0.6)
WHITE = (1.0, 1.0, 1.0)
LUMINANCE = (0.299, 0.587, 0.114)  # weights of R, G, B, as in ITU-R BT.601


def load_image(source: ImageSource, *, background: Sequence[float] = WHITE, name: str = "image") -> ImageArray:
    """Load a picture as an image array.

    Parameters
    ----------
    source
        - A PNG, JPEG, WebP, BMP, TIFF or GIF file (the first frame of an animation), or a PIL image. The EXIF
          orientation is applied; an embedded colour profile is converted to sRGB (a damaged one is ignored);
          16-bit grey keeps its levels; 16-bit RGB is read at 8 bits; a float TIFF must hold [0, 1].
        - An array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, or floats in [0, 1].
    background
        Red, green and blue in [0, 1], shown where a picture is transparent.
    name
        What error messages call the picture, such as "content".

    Returns
    -------
    image
        (H, W, 3) float32 in [0, 1]; always a copy.

    Raises
    ------
    ValueError
        Not a picture, damaged, HEIC, a side under 32 px, over 50 megapixels, wrong shape or range, NaN.
    """
    background = np.asarray(background, "float32")
    if background.shape != (3,) or not ((background >= 0) & (background <= 1)).all():
        raise ValueError(f"background must be three numbers in [0, 1]: red, green, blue; got {background}.")
    if isinstance(source, (str, os.PathLike)):
        label = f"{name} {str(source)!r}"
        pixels = read_picture(Path(source), label)
    elif isinstance(source, Image.Image):
        label = f"{name} (a PIL image)"
        pixels = decoded(source, label)
    elif hasattr(source, "__array__"):
        label = f"{name} (an array)"
        pixels = np.asarray(source)
    else:
        raise ValueError(f"{name} must be a path, a PIL image or an array; got {type(source).__name__}.")
    pixels = _as_floats(pixels, label)
    if pixels.shape[-1] == 4:
        return pixels[..., :3] * pixels[..., 3:] + background * (1 - pixels[..., 3:])
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def checked_image(image: Any, name: str = "image", shape: Shape | None = None) -> ImageArray:
    """Return `image` if it is an array of floats in [0, 1], of exactly `shape`, or of any (H, W, 3).

    Raises a `ValueError` that calls it `name` otherwise.
    """
    image = np.asarray(image)
    wanted = (*np.shape(image)[:2], 3) if shape is None else tuple(shape)
    if image.ndim != 3 or image.shape != wanted or image.size == 0 or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            f"{name} must be an array of floats in [0, 1], shape {'(H, W, 3)' if shape is None else wanted}; got "
            f"{image.dtype}, shape {image.shape}. load_image makes one of a picture."
        )
    low, high = float(image.min()), float(image.max())
    if not np.isfinite(low + high):
        raise ValueError(f"{name} holds NaN or infinite values.")
    if low < -1e-6 or high > 1 + 1e-6:  # a rounding error of float32 is no mistake
        hint = "; divide by 255" if 1.5 < high <= 255 and low >= 0 else ""
        raise ValueError(f"{name} must hold values in [0, 1]; got {low:.3g} to {high:.3g}{hint}.")
    return image


def save_image(image: ImageArray, path: PathLike, *, inputs: Sequence[PathLike] = (), dpi: int | None = None) -> None:
    """Save an image as 8-bit PNG, JPEG, WebP, BMP or TIFF, whole or not at all.

    The file is written under another name, then renamed: a crash or a full disk (`OSError`) leaves an older one intact.

    Parameters
    ----------
    inputs
        Files that must not be overwritten, such as the content and the style.
    dpi
        Dots per inch: tells a printer how large the picture is meant to be. 3508 pixels at 300 are 29.7 cm.

    Raises
    ------
    ValueError
        Unknown suffix, a folder that is missing or cannot be written to, `path` is one of `inputs`, the format has no
        place for `dpi`, or `image` is not an image array.
    """
    path = check_output(path, inputs, dpi)
    write_picture(to_pil(checked_image(image)), path, **({} if dpi is None else {"dpi": (dpi, dpi)}))


def to_pil(image: ImageArray) -> Image.Image:
    """Return an image array as an 8-bit PIL image, rounded to the nearest level."""
    return Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype("uint8"))


def resize(image: ImageArray, shape: Shape) -> ImageArray:
    """Resize an image to `shape` = (height, width) with Lanczos' filter, in floats.

    The filter grows with the reduction, so a smaller image has no aliasing. Its overshoot is clipped to [0, 1].
    """
    image = checked_image(image)
    height, width = shape[:2]
    if image.shape[:2] == (height, width):
        return image.copy()
    resized = np.empty((height, width, image.shape[-1]), "float32")
    for i in range(image.shape[-1]):
        channel = Image.fromarray(np.ascontiguousarray(image[..., i], "float32"))
        np.clip(channel.resize((width, height), Image.Resampling.LANCZOS), 0, 1, out=resized[..., i])
    return resized


def reduced(image: ImageArray, side: int) -> ImageArray:
    """Make an image smaller if its longer side has more than `side` pixels; otherwise return it as it is."""
    return resize(image, fitting_shape(image.shape, side)) if max(image.shape[:2]) > side else image


def luminance(image: ImageArray) -> np.ndarray:
    """Return Y = 0.299 R + 0.587 G + 0.114 B, shape (H, W); a grey pixel keeps its level exactly."""
    image = checked_image(image)
    grey = (image == image[..., :1]).all(axis=-1)
    return np.where(grey, image[..., 0], image @ np.asarray(LUMINANCE)).astype(image.dtype)


def fitting_shape(shape: Shape, size: int, minimum: int = 0) -> tuple[int, int]:
    """Return (height, width) with the proportions of `shape` and the longer side `size`.

    Both sides are larger where the shorter one would have less than `minimum`.
    """
    height, width = shape[:2]
    scale = max(size / max(height, width), minimum / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def add_margin(image: np.ndarray, margin: int) -> np.ndarray:
    """Continue an image (H, W, …) by its mirror image: `margin` pixels along each side."""
    return np.pad(image, [(margin, margin)] * 2 + [(0, 0)] * (image.ndim - 2), "symmetric")


def cut_margin(image: np.ndarray, margin: int) -> np.ndarray:
    """Cut the margin of `add_margin` off."""
    return image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]


def starting_image(init: ImageSource, content: ImageArray, style: ImageArray, seed: int) -> ImageArray:
    """Return the image that optimisation starts from, in the shape of `content`.

    `init` is "content"; "style" or a picture, which is stretched to the content's shape; "noise", white and uniform in
    [0, 1], from `seed`; or "blend", 0.6 noise + 0.4 content.
    """
    if isinstance(init, str) and init == "content":
        return content.copy()
    if isinstance(init, str) and init in ("noise", "blend"):
        noise = np.random.default_rng(seed).uniform(0, 1, content.shape).astype("float32")
        return noise if init == "noise" else NOISE_IN_BLEND * noise + (1 - NOISE_IN_BLEND) * content
    picture = style if isinstance(init, str) and init == "style" else load_image(init, name="init")
    return resize(picture, content.shape)


def _as_floats(pixels, label):
    """Array → float32 (H, W, 1, 3 or 4) in [0, 1], checked."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(f"{label} must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); got {pixels.shape}.")
    check_size(pixels.shape, label)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return pixels.astype("float32") / np.iinfo(pixels.dtype).max
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"{label} must hold uint8, uint16 or floats in [0, 1]; got {pixels.dtype}.")
    return np.clip(checked_image(pixels.astype("float32"), label, pixels.shape), 0, 1)
