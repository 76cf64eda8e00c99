"""Folders and files that are written whole or not at all, and read as if they came from anybody.

Arrays are kept as `.npz`, everything else as JSON. Nothing is ever unpickled: a pickle runs code when it is read.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np

from .checks import reason

MAX_JSON_BYTES = 100_000_000  # bytes


def check_new_folder(folder):
    """`folder` as a `pathlib.Path` if it is not there yet, or empty; otherwise a `ValueError`."""
    folder = Path(folder)
    if folder.is_dir() and not any(folder.iterdir()):
        return folder
    if folder.exists():
        what = "has something in it" if folder.is_dir() else "is a file"
        raise ValueError(f"folder {str(folder)!r} {what}; nothing is overwritten: choose a new one.")
    return folder


@contextlib.contextmanager
def new_folder(folder):
    """A folder to fill, which takes the name `folder` at the end of the `with` block, unless that failed."""
    folder = check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_file(path, data):
    """Write bytes to a file, whole or not at all: an older one stays until the new one is complete.

    An `OSError` with the path if the disk is full, or fails.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        raise OSError(f"{str(path)!r} could not be written: {reason(error)}.") from error
    finally:
        partial.unlink(missing_ok=True)


def write_json(path, data):
    """Write what `json` can: numbers, texts, lists, dictionaries."""
    write_file(path, json.dumps(data, indent=1, ensure_ascii=False).encode())


def read_json(path, kinds):
    """A dictionary from a JSON file; `kinds`, {key: type or types}, says what must be in it.

    A `ValueError` if there is no such file, it is no JSON, or something is missing or of another type.
    """
    if not path.is_file():
        raise ValueError(f"{str(path)!r}: there is no such file.")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"{str(path)!r} has more than {MAX_JSON_BYTES // 1_000_000} MB.")
    return parsed(path.read_bytes(), kinds, path)


def parsed(data, kinds, path):
    """As `read_json`, from bytes that were in the file `path`."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        raise ValueError(f"{str(path)!r} is damaged, it cannot be read as JSON ({error}).") from error
    check_kinds(values, kinds, path)
    return values


def check_kinds(values, kinds, path):
    """Raise a `ValueError` unless `values` is a dictionary that has each of `kinds`, of its type."""
    wrong = [key for key, kind in kinds.items() if not isinstance(values, dict) or not _is(values.get(key), kind)]
    if wrong:
        raise ValueError(f"{str(path)!r} was not written by nst_keras, or is damaged: see {', '.join(wrong)} in it.")


def _is(value, kind):
    """As `isinstance`, but a bool is no number, and numbers are finite."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) and (not isinstance(value, float) or math.isfinite(value))


def packed_arrays(arrays):
    """{name: array} as the bytes of an uncompressed `.npz`."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(path, needed=()):
    """{name: array} of an uncompressed `.npz`.

    Its arrays may take no more memory than the file has bytes: headers are checked before anything is allocated. A
    `ValueError` if there is no such file, it is damaged, compressed or holds anything but numbers, or a `needed` array
    is missing.
    """
    if not path.is_file():
        raise ValueError(f"{str(path)!r}: there is no such file.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("it is compressed")
            if sum(member.file_size for member in members) > path.stat().st_size:
                raise ValueError("its parts say that they are larger than the whole")
            arrays = {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
        missing = set(needed) - arrays.keys()
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except Exception as error:  # zipfile and NumPy raise many types on damaged data; the user needs one
        raise ValueError(f"{str(path)!r} cannot be read as arrays: {error}.") from error
    return arrays


def _array(archive, member):
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{member.filename} is of an unknown version")
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        if kind.kind not in "fiu" or math.prod(shape) * kind.itemsize > member.file_size:
            raise ValueError(f"{member.filename} says that it is {kind} of shape {shape}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def sha256(path):
    """SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
