"""The files of the mixing desk: pictures to choose from, and what is kept without ever overwriting."""

import contextlib
import itertools
import math
import os
import re
import tempfile
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..image import WRITABLE, encoded, load_image, reduced, resize, to_pil
from ..support.files import write_file

STRIP_HEIGHT, STRIP_GAP = 240, 6  # pixels


def starting_paths(content, styles, folder):
    """Content, styles and all pictures to choose from, as strings: the given paths, and those in a folder.

    Without a content it is the folder's first picture, without styles its last. A `ValueError` if one that is given is
    no path, or no picture, or if there is none.
    """
    found = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in WRITABLE)
    if not found and None in (content, styles):
        raise ValueError(f"content and styles must be given, as there are no pictures in {str(folder)!r}.")
    content = _from_here(found[0]) if content is None else content
    styles = _from_here(found[-1]) if styles is None else styles
    styles = list(styles) if isinstance(styles, (list, tuple)) else [styles]
    for path in (content, *styles):
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(
                f"content and styles must be paths of pictures; got {type(path).__name__}. save_image makes a file."
            )
        load_image(path, name="content" if path is content else "style")
    content, *styles = (Path(path).as_posix() for path in (content, *styles))
    given = {Path(path).resolve() for path in (content, *styles)}
    others = [_from_here(path) for path in found if path.resolve() not in given]
    return content, styles, list(dict.fromkeys([content, *styles, *others]))


def _from_here(path):
    """An absolute path as it is seen from the working folder: shorter, and the same on another computer."""
    if path.is_absolute():
        with contextlib.suppress(ValueError):  # another drive
            path = Path(os.path.relpath(path))
    return path.as_posix()


def named(paths):
    """(name, path) of each: the file's name without its ending, or all of the path where that would be ambiguous."""
    stems = [Path(path).stem.replace("_", " ") for path in paths]
    return [(stem if stems.count(stem) == 1 else path, path) for stem, path in zip(stems, paths, strict=True)]


def keep(data, folder, name):
    """Write bytes to `folder`/`name`, or beside what is there: name_2, name_3, …; the path that it has.

    The folder is made if need be. Nothing is overwritten; a file that holds these bytes already is taken as it is.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / name
    for number in itertools.count(1):
        path = first if number == 1 else first.with_stem(f"{first.stem}_{number}")
        if path.is_file() and path.read_bytes() == data:
            return path
        try:
            path.touch(exist_ok=False)  # the name is taken
        except FileExistsError:
            continue
        try:
            write_file(path, data)
        except BaseException:
            path.unlink()
            raise
        return path


def keep_upload(data, folder, name):
    """Keep a picture that a browser sent, after reading it: a `ValueError` if it is none. Its name is untrusted."""
    name = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".") or "picture"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, name)
        path.write_bytes(data)
        try:
            load_image(path, name="upload")
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None
    return keep(data, folder, name)


def png(image, most=math.inf):
    """Bytes of an image or a mask as a file, its longer side at most `most` pixels."""
    return encoded(to_pil(reduced(image, most)), "PNG")


def strip(pictures, caption):
    """Pictures side by side in one height, above a text: bytes of a JPEG."""
    row = [to_pil(resize(p, (STRIP_HEIGHT, round(STRIP_HEIGHT * p.shape[1] / p.shape[0])))) for p in pictures]
    width = sum(picture.width + STRIP_GAP for picture in row) - STRIP_GAP
    lines = textwrap.wrap(caption, width // 8)  # characters are narrower
    sheet = Image.new("RGB", (width, STRIP_HEIGHT + 12 + 18 * len(lines)), "white")
    left = 0
    for picture in row:
        sheet.paste(picture, (left, 0))
        left += picture.width + STRIP_GAP
    ImageDraw.Draw(sheet).text((2, STRIP_HEIGHT + 6), "\n".join(lines), "#333", ImageFont.load_default(13), spacing=4)
    return encoded(sheet, "JPEG")
