"""Picture files: read without trust, so that every defect ends in one `PictureError`; written whole or not at all."""

import contextlib
import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from .checks import checked_whole, reason, sides
from .files import write_file
from .types import PathLike

READABLE = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
SUFFIXES = (*WRITABLE, ".gif")  # suffixes of pictures that are read from a folder
MIN_SIDE = 32
MAX_PIXELS = 50_000_000


class PictureError(ValueError):
    """A picture is damaged, or has too few or too many pixels to work with."""


def read_picture(path: Path, label: str) -> np.ndarray:
    """Decode a file that an error message calls `label`; see `decoded`."""
    if not os.path.isfile(path):  # pathlib's own raises where a name cannot be one
        raise ValueError(f"{label}: there is no such file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # check_size is stricter
            with Image.open(path, formats=READABLE) as picture:
                return decoded(picture, label)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit is higher
        raise PictureError(f"{label} has more than {MAX_PIXELS // 1_000_000} megapixels: {error}") from error
    except Exception as error:  # Pillow raises many types on damaged headers; the user needs one
        why = _heic(path) or f"cannot be read as {', '.join(READABLE)} ({reason(error)})"
        raise PictureError(f"{label}: {why}.") from error


def decoded(picture: Image.Image, label: str) -> np.ndarray:
    """Return the pixels of a PIL image, upright and in sRGB: uint8 or float, with 1, 3 or 4 channels."""
    check_size((picture.height, picture.width), label)
    try:
        picture.load()
        return _pixels(picture)
    except Exception as error:  # Pillow's decoders raise many types on damaged data; the user needs one
        raise PictureError(f"{label}: cannot be read, its data are damaged ({reason(error)}).") from error


def check_size(shape: tuple, label: str) -> None:
    """Raise a `PictureError` if a picture of `shape` has too few or too many pixels."""
    if min(shape[:2]) < MIN_SIDE:
        raise PictureError(f"{label} is {sides(shape)} pixels; both sides must be at least {MIN_SIDE}.")
    if shape[0] * shape[1] > MAX_PIXELS:
        limit = f"{MAX_PIXELS // 1_000_000} megapixels"
        raise PictureError(f"{label} is {sides(shape)} pixels, more than {limit}; make it smaller first.")


def write_picture(picture: Image.Image, path: Path, **options: Any) -> None:
    """Write a PIL image whole or not at all; Pillow's own `save` notices too late that the disk is full."""
    write_file(path, encoded(picture, Image.registered_extensions()[path.suffix.lower()], **options))


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a PIL image as the bytes of a file of Pillow's `kind`; a JPEG keeps the colour of every pixel."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}) | options)
    return buffer.getvalue()


def check_output(
    path: PathLike,
    inputs: PathLike | Sequence[PathLike] = (),
    dpi: int | None = None,
    suffixes: Sequence[str] = WRITABLE,
) -> Path:
    """Return `path` if a file can be saved there; raise a `ValueError` that says why not otherwise."""
    path = Path(path)
    inputs = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs
    if not path.name[1:].lower().endswith(tuple(suffixes)):  # a name of nothing but a suffix has none
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


def picture_files(folder: PathLike, argument: str) -> list[Path]:
    """Return the files in `folder` that are pictures by their suffix, sorted; errors call it `argument`."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{argument}: there is no folder {str(folder)!r}.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise ValueError(f"{argument}: the folder {str(folder)!r} holds no pictures ({', '.join(SUFFIXES)}).")
    return files


def _heic(path):
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read(12)[4:8] == b"ftyp":
            return "is HEIC or AVIF, which cannot be read here; save it as JPEG or PNG first"
    return None


def _pixels(picture):
    profile = picture.info.get("icc_profile")
    with contextlib.suppress(SyntaxError, ValueError, KeyError, TypeError, OSError):  # damaged EXIF: no rotation
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        return np.asarray(picture).astype("float32") / 65535
    if picture.mode == "F":
        return np.asarray(picture)
    if picture.mode != "P" and not picture.has_transparency_data:
        return np.asarray(_to_srgb(picture, profile))
    picture = picture.convert("RGBA")
    return np.concatenate([_to_srgb(picture.convert("RGB"), profile), np.asarray(picture)[..., 3:]], axis=-1)


def _to_srgb(picture, profile):
    # Without a profile, or with a damaged one, the usual meaning of RGB is left.
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return picture.convert("RGB")
