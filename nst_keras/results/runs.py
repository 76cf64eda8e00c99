"""Runs that are kept: a folder from which a run can be loaded, or continued after it was killed.

A run folder holds

- `run.json`: settings, versions, and the SHA-256 of every input file;
- `result.png`, `result.npz` (the exact float32 pictures) and `result.json` (history, notes), once there is a result;
- `inputs/` and `checkpoint.npz` of a run with checkpoints: copies of every input, and the state of the run.

Copies are whole files with EXIF data, such as the place where a photograph was taken. To share a run, use `save_page`.
"""

import functools
import os
import platform
import shutil
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from ..image import load_image, save_image
from ..masks.basics import load_mask
from ..support import __version__, files
from ..support.types import PathLike
from .recorder import RECORD, Step

SOURCES = ("content", "style", "masks", "style_masks", "init", "weights")  # arguments that may be files
ARRAY = ".array"  # suffix of the copy of an input that was an array; its format is .npz
RUN = {"settings": dict, "versions": dict, "inputs": list, "sources": (dict, type(None))}
RESULT = {"history": list, "notes": list, "interrupted": bool}


def versions() -> dict[str, str]:
    """Return {name: version} of Python, this package, and the libraries on which a result depends."""
    installed = {"tensorflow": tf.__version__, "keras": keras.__version__}  # tensorflow-cpu has another name
    installed |= {name: version(name) for name in ("numpy", "scipy", "pillow")}
    return {"python": platform.python_version(), "nst_keras": __version__} | installed


def keep_result(result: Any, folder: PathLike) -> None:
    """Write a `Result` into a new folder; see `Result.keep`."""
    inputs = [{"path": path, "sha256": files.sha256(path)} for path in result.inputs if os.path.isfile(path)]
    with files.new_folder(folder) as partial:
        _write_run(partial, result.settings, inputs, None)
        _write_result(partial, result)


def read_result(folder: PathLike) -> dict[str, Any]:
    """Return the fields of the `Result` in a run folder."""
    folder = Path(folder)
    run = files.read_json(folder / "run.json", RUN)
    path = folder / "result.json"
    if not path.is_file() and run["sources"]:
        raise ValueError(f"the run in {str(folder)!r} is not finished; resume({str(folder)!r}) continues it.")
    record = files.read_json(path, RESULT)
    arrays = files.read_arrays(folder / "result.npz", ["image"])
    pictures = {name: load_image(array, name=f"{name} in {str(folder)!r}") for name, array in arrays.items()}
    return {
        "image": pictures.pop("image"),
        "history": [Step.from_record(item, path) for item in record["history"]],
        "settings": run["settings"],
        "inputs": [one["path"] for one in _checked_inputs(run, folder) if one["path"]],
        "interrupted": record["interrupted"],
        "content": pictures.pop("content", None),
        "styles": [pictures[name] for name in sorted(pictures)],
        "notes": [str(note) for note in record["notes"]],
    }


def read_run(folder: Path, known: Mapping[str, Any]) -> dict:
    """Return the arguments with which an unfinished run is continued; its settings must have the names of `known`."""
    run = files.read_json(folder / "run.json", RUN)
    if run["sources"] is None:
        raise ValueError(
            f"the run in {str(folder)!r} has no checkpoints, so it cannot be continued exactly. From its picture: "
            'result = Result.load(folder); style_transfer(…, **{**result.settings, "init": result.image}).'
        )
    if unknown := run["settings"].keys() ^ known.keys():
        raise ValueError(f"{str(folder / 'run.json')!r}: settings of another version: {', '.join(sorted(unknown))}.")
    if others := [f"{name} {old}" for name, old in run["versions"].items() if versions().get(name) != old]:
        warnings.warn(f"The run was begun with {', '.join(others)}: the result may differ a little.", stacklevel=3)
    for one in _checked_inputs(run, folder):
        if files.sha256(_inside(folder, one["copy"])) != one["sha256"]:
            raise ValueError(f"{one['copy']!r} in {str(folder)!r} was changed since the run began.")
    files.check_kinds(run["sources"], {"content": str, "style": list}, folder / "run.json")
    sources = {name: _found(folder, run["sources"][name]) for name in SOURCES if run["sources"].get(name) is not None}
    return run["settings"] | sources


def as_checkpoint(folder: Any, network: Any) -> "Checkpoint":
    """Return the checkpoint of a run in a new folder, or `folder` if it is a checkpoint already."""
    if isinstance(folder, Checkpoint):
        return folder
    if not isinstance(network, str):
        raise ValueError("checkpoint needs a network by its name: a model of your own cannot be kept in a folder.")
    return Checkpoint(files.check_new_folder(folder))


class Checkpoint:
    """The folder of a run with checkpoints while it runs: a new folder, or that of a run that is continued."""

    def __init__(self, folder: PathLike) -> None:
        self.folder, self._saved = Path(folder), None
        self.level = 0  #: the number of the scale at which the run is continued
        self._path = self.folder / "checkpoint.npz"
        if self._path.is_file():
            self._saved = files.read_state(self._path, {"level": int} | RECORD, ["state x", "image"])
            self.level = self._saved[0]["level"]

    def begin(self, settings: dict, sources: Mapping[str, Any]) -> None:
        """Make the folder with all that `resume` needs, unless the run is continued."""
        if (self.folder / "run.json").is_file():
            return
        with files.new_folder(self.folder) as partial:
            (partial / "inputs").mkdir()
            inputs = []
            copies = {name: _copied(partial, sources[name], name, inputs) for name in SOURCES}
            _write_run(partial, settings, inputs, copies)

    def begin_level(self, level: int, recorder: Any) -> dict:
        """Continue at scale `level` with a new recorder where the run was saved: return arguments of `minimize`."""
        if self._saved is None or level != self.level:
            return {"save": functools.partial(self.save, level)}
        record, arrays = self._saved
        image = arrays.pop("image")
        state = {name.removeprefix("state "): array for name, array in arrays.items()}
        of_pixels = [image, *(array for array in state.values() if array.ndim)]
        if any(array.size != recorder.best_image.size or not np.isfinite(array).all() for array in of_pixels):
            shape = recorder.best_image.shape
            raise ValueError(f"{str(self._path)!r}: arrays are not of shape {shape}, or not finite.")
        recorder.restore(record, image, self._path)
        self._saved = None
        return {"state": state, "save": functools.partial(self.save, level)}

    def save(self, level: int, recorder: Any, state: Mapping[str, Any]) -> None:
        """Write down the state of the run, between two segments of scale `level`."""
        record, image = recorder.state()
        arrays = {f"state {name}": np.asarray(value) for name, value in state.items()}
        files.write_arrays(self._path, arrays | {"image": image}, record | {"level": level})

    def finish(self, result: Any) -> dict:
        """Write the result down, and return the fields in which the result of the whole run differs from it."""
        if self._saved:  # the run never came to where it was saved
            if result.interrupted:
                raise KeyboardInterrupt  # the saved checkpoint is further than this result
            raise ValueError(f"'checkpoint.npz' in {str(self.folder)!r} is not of this run: it has no such scale.")
        run = files.read_json(self.folder / "run.json", RUN)
        _write_result(self.folder, result)
        return {"settings": run["settings"], "inputs": [one["path"] for one in run["inputs"] if one["path"]]}


def _write_run(folder, settings, inputs, sources):
    run = {"settings": settings, "versions": versions(), "inputs": inputs, "sources": sources}
    files.write_json(folder / "run.json", run)


def _write_result(folder, result):
    (folder / "result.json").unlink(missing_ok=True)  # it is written last, and says that everything is there
    pictures = {"image": result.image} | {f"style {i:03d}": style for i, style in enumerate(result.styles, start=1)}
    if result.content is not None:
        pictures["content"] = result.content
    files.write_arrays(folder / "result.npz", pictures)
    save_image(result.image, folder / "result.png")
    record = {"history": [step.record() for step in result.history]}
    files.write_json(folder / "result.json", record | {"notes": result.notes, "interrupted": result.interrupted})


def _checked_inputs(run, folder):
    kinds = {"path": (str, type(None)), "sha256": str} | ({"copy": str} if run["sources"] else {})
    for one in run["inputs"]:
        files.check_kinds(one, kinds, folder / "run.json")
    return run["inputs"]


def _copied(folder, source, name, inputs):
    """Copy a picture, or a list of them, into a run folder; return where the copies are, in the same lists."""
    if isinstance(source, (list, tuple)):
        return [_copied(folder, one, name, inputs) for one in source]
    if source is None:
        return None
    place = folder / "inputs" / str(len(inputs) + 1)
    place.mkdir()
    if isinstance(source, (str, os.PathLike)):
        path, copy = os.path.abspath(source), place / Path(source).name
        shutil.copyfile(source, copy)
    else:
        if isinstance(source, Image.Image):
            source = load_mask(source) if "masks" in name else load_image(source, name=name)
        path, copy = None, place / f"picture{ARRAY}"
        files.write_arrays(copy, {"picture": np.asarray(source)})
    inputs.append({"path": path, "sha256": files.sha256(copy), "copy": copy.relative_to(folder).as_posix()})
    return inputs[-1]["copy"]


def _found(folder, copy):
    """Return what `_copied` left in a run folder: paths and arrays."""
    if isinstance(copy, list):
        return [_found(folder, one) for one in copy]
    if copy is None:
        return None
    path = _inside(folder, copy)
    return files.read_arrays(path, ["picture"])["picture"] if path.suffix == ARRAY else path


def _inside(folder, copy):
    path = folder / str(copy)
    if not path.is_file() or not path.resolve().is_relative_to((folder / "inputs").resolve()):
        raise ValueError(f"{str(copy)!r} is named in {str(folder / 'run.json')!r}, but is not in {str(folder)!r}.")
    return path
