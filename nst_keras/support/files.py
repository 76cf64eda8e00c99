"""Files and folders that are written whole or not at all, and whose content is checked when it is read.

Arrays are kept as `.npz`, everything else as JSON. Nothing is unpickled, because reading a pickle can execute code.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from .checks import reason
from .types import PathLike

MAX_UNPACKED_BYTES = 100_000_000  # limit for the unpacked size of compressed arrays; VGG19 in float32 has 80 million
RECORD = "json"  # name of the array that holds the record of a state


def check_new_folder(folder: PathLike) -> Path:
    """Return `folder` as a path; raise a `ValueError` if something is in it already."""
    if not isinstance(folder, (str, os.PathLike)) or not str(folder) or "\0" in str(folder):
        raise ValueError(f"folder must be the path of a new folder; got {folder!r}.")
    folder = Path(folder)
    try:
        what = "has something in it" if folder.is_dir() else "is a file" if folder.exists() else ""
        if not what or (folder.is_dir() and not any(folder.iterdir())):
            return folder
    except OSError as error:
        raise ValueError(f"folder {str(folder)!r} cannot be used: {reason(error)}.") from error
    raise ValueError(f"folder {str(folder)!r} {what}; nothing is overwritten: choose a new one.")


@contextlib.contextmanager
def new_folder(folder: PathLike) -> Iterator[Path]:
    """Give a folder to fill; it takes the name `folder` at the end of the `with` block, if nothing was raised."""
    folder = check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{uuid.uuid4().hex}.partial")
    partial.mkdir()
    try:
        yield partial
        if check_new_folder(folder).exists():  # another run may have made it meanwhile
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: an older one stays until the new one is complete, or an `OSError` is raised."""
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")  # a name of its own, and not too long
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        raise OSError(f"{str(path)!r} could not be written: {reason(error)}.") from error
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, data: object) -> None:
    """Write numbers, strings, lists and dictionaries as JSON."""
    write_file(path, json.dumps(data, indent=1, ensure_ascii=False).encode())


def read_json(path: Path, kinds: Mapping) -> dict:
    """Read a dictionary from a JSON file; raise a `ValueError` unless it has `kinds`, {key: type or types}."""
    if not path.is_file():
        raise ValueError(f"{str(path)!r}: there is no such file.")
    return _parsed(path.read_bytes(), kinds, path)


def check_kinds(values: object, kinds: Mapping, path: Path) -> None:
    """Raise a `ValueError` unless `values` is a dictionary with a value of each of `kinds`; numbers must be finite."""
    if wrong := [key for key, kind in kinds.items() if not isinstance(values, dict) or not _is(values.get(key), kind)]:
        raise ValueError(f"{str(path)!r} was not written by nst_keras, or is damaged: see {', '.join(wrong)} in it.")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], record: dict | None = None) -> None:
    """Write arrays to an uncompressed `.npz`, and with them a `record` of numbers and texts, as JSON."""
    if record is not None:
        arrays = {**arrays, RECORD: np.frombuffer(json.dumps(record).encode(), "uint8")}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_file(path, buffer.getvalue())


def read_arrays(path: Path, needed: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz`, which must hold those that are `needed`; see `unpacked`."""
    try:
        arrays = unpacked(path)
        if missing := set(needed) - arrays.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except Exception as error:  # zipfile and NumPy raise many types on damaged data; the user needs one
        raise ValueError(f"{str(path)!r} cannot be read as arrays: {reason(error)}.") from error
    return arrays


def unpacked(path: PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz`, or raise an exception of any type.

    Members unpack to no more bytes than the file has, or MAX_UNPACKED_BYTES; a header that promises more is an error.
    """
    if not os.path.isfile(path):
        raise ValueError("there is no such file")
    if not zipfile.is_zipfile(path):
        raise ValueError("it must be an .npz file, as numpy.savez writes it; it is of another format, or damaged")
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > max(os.path.getsize(path), MAX_UNPACKED_BYTES):
        raise ValueError(f"its arrays would take {size:,} bytes, more than {MAX_UNPACKED_BYTES:,}")
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    if any(array.dtype.kind not in "fiu" for array in arrays.values()):
        raise ValueError("it must hold nothing but numbers")
    return arrays


def read_state(path: Path, kinds: Mapping, needed: Iterable[str] = ()) -> tuple[dict, dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote with a record: the record, checked as `read_json` does, and the other arrays."""
    arrays = read_arrays(path, [RECORD, *needed])
    return _parsed(arrays.pop(RECORD).tobytes(), kinds, path), arrays


def sha256(path: PathLike) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parsed(data, kinds, path):
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        raise ValueError(f"{str(path)!r} is damaged, it cannot be read as JSON ({error}).") from error
    check_kinds(values, kinds, path)
    return values


def _is(value, kind):
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) and (not isinstance(value, float) or math.isfinite(value))
