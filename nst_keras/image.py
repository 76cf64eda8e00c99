"""Images: files ↔ arrays, sizes, starting images.

An image is a NumPy float32 array of shape (height, width, 3), RGB, values in [0, 1]; it means sRGB, as on screen.
Files are untrusted: whatever is wrong with one ends in a `ValueError` that names the file and the reason.
"""

import contextlib
import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from .support.checks import checked_whole, reason
from .support.files import write_file

READABLE = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
SUFFIXES = (*WRITABLE, ".gif")  # of pictures in a folder
STARTS = ("content", "style", "noise", "blend")
NOISE_IN_BLEND = np.float32(0.6)
MIN_SIDE = 32
MAX_PIXELS = 50_000_000
WHITE = (1.0, 1.0, 1.0)
LUMINANCE = (0.299, 0.587, 0.114)  # of R, G, B, as in ITU-R BT.601


def load_image(source, *, background=WHITE, name="image"):
    """Load a picture as an image array.

    Parameters
    ----------
    source : path, PIL.Image.Image or array
        - A PNG, JPEG, WebP, BMP, TIFF or GIF file (of an animation, the first frame), or a PIL image. The EXIF
          orientation is applied; an embedded colour profile is converted to sRGB (a damaged one is ignored);
          16-bit grey keeps its levels; 16-bit RGB is read at 8 bits; a float TIFF must hold [0, 1].
        - An array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, or floats in [0, 1].
    background : (red, green, blue)
        What shines through where a picture is transparent, in [0, 1]. White by default.
    name : str
        What error messages call the picture, such as "content".

    Returns
    -------
    numpy.ndarray
        (H, W, 3) float32 in [0, 1]; a copy, also of an array.

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
        pixels = _read_file(Path(source), label)
    elif isinstance(source, Image.Image):
        label = f"{name} (a PIL image)"
        pixels = _decode(source, label)
    elif hasattr(source, "__array__"):
        label = f"{name} (an array)"
        pixels = np.asarray(source)
    else:
        raise ValueError(f"{name} must be a path, a PIL image or an array; got {type(source).__name__}.")
    pixels = _normalise(pixels, label)
    if pixels.shape[-1] == 4:
        return pixels[..., :3] * pixels[..., 3:] + background * (1 - pixels[..., 3:])
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def save_image(image, path, *, inputs=(), dpi=None):
    """Save an image as 8-bit PNG, JPEG, WebP, BMP or TIFF, whole or not at all.

    The file is written beside its place and then renamed, so a full disk or a crash leaves an older file as it
    was. `inputs` are files that must not be overwritten, such as the content and the style. `dpi`, dots per inch,
    tells a printer how large the picture is meant to be: 3508 pixels at 300 are 29.7 cm.

    Raises
    ------
    ValueError
        Unknown suffix, a folder that is missing or cannot be written to, `path` is one of `inputs`, a `dpi` that cannot
        be written, or the image is not an image array.
    OSError
        The disk is full, or fails.
    """
    path = check_output(path, inputs, dpi)
    _check_image(image)
    write_picture(to_pil(image), path, **({} if dpi is None else {"dpi": (dpi, dpi)}))


def write_picture(picture, path, **options):
    """Write a PIL image to a `pathlib.Path`, whole or not at all; Pillow notices too late when the disk is full."""
    write_file(path, encoded(picture, Image.registered_extensions()[path.suffix.lower()], **options))


def encoded(picture, kind, **options):
    """Bytes of a PIL image as a file of Pillow's `kind`, with its options; a JPEG keeps every pixel's colour."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}) | options)
    return buffer.getvalue()


def to_pil(image):
    """Image array → 8-bit `PIL.Image.Image`, rounded to the nearest level."""
    return Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype("uint8"))


def check_output(path, inputs=(), dpi=None, suffixes=WRITABLE):
    """`path` as a `pathlib.Path` if a file can be saved there so; otherwise a `ValueError` that says why not."""
    path = Path(path)
    inputs = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"output {str(path)!r} must end in {' or '.join(suffixes)}.")
    if not path.parent.is_dir():
        raise ValueError(f"output {str(path)!r}: there is no folder {str(path.parent)!r}.")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"output {str(path)!r}: nothing may be written into the folder {str(path.parent)!r}.")
    if path.is_dir():
        raise ValueError(f"output {str(path)!r} is a folder.")
    if dpi is not None and checked_whole("dpi", dpi, 1) and path.suffix.lower() == ".webp":
        raise ValueError(f"output {str(path)!r}: WebP has no place for dpi; use .png, .jpg or .tiff.")
    for other in inputs:
        if path.exists() and os.path.exists(other) and os.path.samefile(path, other):
            raise ValueError(f"output {str(path)!r} is one of the input pictures; choose another name.")
    return path


def picture_files(folder, argument):
    """The files in `folder` that are pictures by their suffix, sorted; a `ValueError` that names `argument` if none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{argument}: there is no folder {str(folder)!r}.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise ValueError(f"{argument}: the folder {str(folder)!r} holds no pictures ({', '.join(SUFFIXES)}).")
    return files


def resize(image, shape):
    """Resize an image to `shape` = (height, width) with Lanczos' filter, at full precision.

    A whole pixel of the source contributes to each pixel of the result by its area, so making an image smaller
    does not alias. The filter's overshoot is clipped to [0, 1].
    """
    _check_image(image)
    height, width = shape[:2]
    if image.shape[:2] == (height, width):
        return image.copy()
    resized = np.empty((height, width, image.shape[-1]), "float32")
    for i in range(image.shape[-1]):
        channel = Image.fromarray(np.ascontiguousarray(image[..., i], "float32"))
        np.clip(channel.resize((width, height), Image.Resampling.LANCZOS), 0, 1, out=resized[..., i])
    return resized


def reduced(image, most):
    """An image, made smaller if its longer side has more than `most` pixels."""
    return resize(image, fitting_shape(image.shape, most)) if max(image.shape[:2]) > most else image


def luminance(image):
    """Y = 0.299 R + 0.587 G + 0.114 B of an image, shape (H, W); where it is grey, its level exactly."""
    _check_image(image)
    grey = (image == image[..., :1]).all(axis=-1)
    return np.where(grey, image[..., 0], image @ np.asarray(LUMINANCE)).astype(image.dtype)


def fitting_shape(shape, size, minimum=0):
    """(height, width) in proportion to `shape`: the longer side is `size`, or more so that the other is `minimum`."""
    height, width = shape[:2]
    scale = max(size / max(height, width), minimum / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def starting_image(init, content, style, seed):
    """The image that optimisation starts from, in the shape of `content`.

    `init` is "content", "style", "noise", "blend", or a path, PIL image or array. Noise is white, uniform in [0, 1],
    from `seed`; the blend is 0.6 noise + 0.4 content. A style or picture is resized to the content's shape.
    """
    if isinstance(init, str) and init == "content":
        return content.copy()
    if isinstance(init, str) and init in ("noise", "blend"):
        noise = np.random.default_rng(seed).uniform(0, 1, content.shape).astype("float32")
        return noise if init == "noise" else NOISE_IN_BLEND * noise + (1 - NOISE_IN_BLEND) * content
    picture = style if isinstance(init, str) and init == "style" else load_image(init, name="init")
    return resize(picture, content.shape)


def _read_file(path, label):
    if not os.path.isfile(path):  # pathlib's own raises where a name cannot be one
        raise ValueError(f"{label}: there is no such file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # _check_size is stricter
            with Image.open(path, formats=READABLE) as picture:
                return _decode(picture, label)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own, laxer limit
        raise PictureError(f"{label} has more than {MAX_PIXELS // 1_000_000} megapixels: {error}") from error
    except Exception as error:  # Pillow raises many types on damaged headers; the user needs one
        why = _heic(path) or f"cannot be read as {', '.join(READABLE)} ({reason(error)})"
        raise PictureError(f"{label}: {why}.") from error


class PictureError(ValueError):
    """A picture is damaged, or has too few or too many pixels to work with."""


def _check_size(size, label):
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"{label} is {width}×{height} pixels; both sides must be at least {MIN_SIDE}.")
    if width * height > MAX_PIXELS:
        most = f"{MAX_PIXELS // 1_000_000} megapixels"
        raise PictureError(f"{label} is {width}×{height} pixels, more than {most}; make it smaller first.")


def _heic(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read(12)[4:8] == b"ftyp":
            return "is HEIC or AVIF, which cannot be read here; save it as JPEG or PNG first"
    return None


def _decode(picture, label):
    """A PIL image → uint8 or float array with 1, 3 or 4 channels, upright and in sRGB."""
    _check_size(picture.size, label)
    try:
        picture.load()
        return _pixels(picture)
    except Exception as error:  # Pillow's decoders raise many types on damaged data; the user needs one
        raise PictureError(f"{label}: cannot be read, its data are damaged ({reason(error)}).") from error


def _pixels(picture):
    profile = picture.info.get("icc_profile")
    with contextlib.suppress(SyntaxError, ValueError, KeyError, TypeError, OSError):  # damaged EXIF: no rotation
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        return np.asarray(picture).astype("float32") / 65535
    if picture.mode == "F":
        return np.asarray(picture)
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture)[..., 3:]
        picture = picture.convert("RGB")
    elif picture.mode == "P":
        picture = picture.convert("RGB")
    rgb = np.asarray(_to_srgb(picture, profile))
    return rgb if alpha is None else np.concatenate([rgb, alpha], axis=-1)


def _to_srgb(picture, profile):
    # Without a profile, with a damaged one, or one of another kind of picture, what is left is the usual meaning.
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return picture.convert("RGB")


def _check_image(image):
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3 or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(
            f"image must be an array of floats in [0, 1], shape (H, W, 3); got {image.dtype}, shape {image.shape}. "
            "load_image makes one of a picture."
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds NaN or infinite values.")


def _normalise(pixels, label):
    """Array → float32 (H, W, 1, 3 or 4) in [0, 1], checked."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(f"{label} must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); got {pixels.shape}.")
    _check_size((pixels.shape[1], pixels.shape[0]), label)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return pixels.astype("float32") / np.iinfo(pixels.dtype).max
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"{label} must hold uint8, uint16 or floats in [0, 1]; got {pixels.dtype}.")
    pixels = pixels.astype("float32")
    if not np.isfinite(pixels).all():
        raise ValueError(f"{label} holds NaN or infinite values.")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-6 or high > 1 + 1e-6:
        hint = "; divide by 255" if 1.5 < high <= 255 and low >= 0 else ""
        raise ValueError(f"{label} must hold values in [0, 1]; got {low:.3g} to {high:.3g}{hint}.")
    return np.clip(pixels, 0, 1)
