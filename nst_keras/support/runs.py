"""Runs that are kept: a folder from which a run can be loaded, or goes on where it was killed.

A run folder holds

- `run.json`: settings, versions, and the SHA-256 of every input file;
- `result.png`, `result.npz` (the exact float32 pictures) and `result.json` (history, notes), once there is a result;
- `frames/`, if frames were kept;
- `inputs/` and `checkpoint.npz` of a run with checkpoints: copies of every input, and where it was last.

The copies are whole files, with all that a camera wrote into them. To show a run to others, use `save_page`.
"""

import dataclasses
import functools
import importlib.metadata
import json
import os
import platform
import shutil
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from ..image import load_image, save_image
from ..masks.basics import load_mask
from ..optimize import Step
from ..run import Result
from ..transfer import style_transfer
from .files import (
    check_kinds,
    check_new_folder,
    new_folder,
    packed_arrays,
    parsed,
    read_arrays,
    read_json,
    sha256,
    write_file,
    write_json,
)
from .versions import __version__

LIBRARIES = ("tensorflow", "keras", "numpy", "scipy", "pillow")
SOURCES = ("content", "style", "masks", "style_masks", "init", "weights")  # arguments that may be files
SETTINGS = {k: v for k, v in style_transfer.__kwdefaults__.items() if k not in ("callback", "checkpoint")}
NUMBER = (int, float)
RUN = {"settings": dict, "versions": dict, "inputs": list, "sources": (dict, type(None))}
RESULT = {"history": list, "notes": list, "interrupted": bool}
STEP = dict.fromkeys(("iteration", "evaluations", "size"), int)
STEP |= dict.fromkeys(("seconds", "total", "progress"), NUMBER) | {"terms": dict}
CHECKPOINT = {"level": int, "made": int, "evaluations": int, "seconds": NUMBER, "best": NUMBER, "history": list}


def keep(result, folder, frames=None):
    """See `Result.keep`."""
    inputs = [{"path": path, "sha256": sha256(path)} for path in result.inputs if os.path.isfile(path)]
    with new_folder(folder) as partial:
        _write_run(partial, result.settings, inputs, None)
        _write_result(partial, result)
        if frames is not None:
            (partial / "frames").mkdir()
            for iteration, image in frames.images.items():
                save_image(image, partial / "frames" / f"{iteration:05d}.png")


def load(folder):
    """See `Result.load`."""
    folder = Path(folder)
    run = read_json(folder / "run.json", RUN)
    path = folder / "result.json"
    if not path.is_file() and run["sources"]:
        raise ValueError(f"the run in {str(folder)!r} is not finished; resume({str(folder)!r}) goes on with it.")
    told = read_json(path, RESULT)
    arrays = read_arrays(folder / "result.npz", ["image"])
    pictures = {name: load_image(array, name=f"{name} in {str(folder)!r}") for name, array in arrays.items()}
    return Result(
        image=pictures.pop("image"),
        history=_history(told["history"], path),
        settings=run["settings"],
        inputs=[str(one["path"]) for one in _inputs(run, folder) if one["path"]],
        interrupted=told["interrupted"],
        content=pictures.pop("content", None),
        styles=[pictures[name] for name in sorted(pictures)],
        notes=[str(note) for note in told["notes"]],
    )


def resume(folder, *, callback=None):
    """Go on with a run that was killed, from its last checkpoint; of a finished run, give back its result.

    The result is that of a run left alone, byte for byte, on one machine with the same versions and number of threads;
    so is the history, but for the seconds. An interrupted run goes on, too. Inputs are read from the folder.

    Parameters
    ----------
    folder : path
        As given to `style_transfer(…, checkpoint=folder)`.
    callback : callable, optional
        See `style_transfer`.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        The folder holds no run with checkpoints, or a file in it is damaged or was changed.
    """
    folder = Path(folder)
    run = read_json(folder / "run.json", RUN)
    if (folder / "result.json").is_file():
        result = load(folder)
        if not result.interrupted:
            return result
    if run["sources"] is None:
        raise ValueError(
            f"the run in {str(folder)!r} has no checkpoints, so it cannot go on exactly. From its picture: "
            'result = Result.load(folder); style_transfer(…, **{**result.settings, "init": result.image}).'
        )
    unknown = run["settings"].keys() ^ SETTINGS.keys()
    if unknown:
        raise ValueError(f"{str(folder / 'run.json')!r}: settings of another version: {', '.join(sorted(unknown))}.")
    others = [f"{name} {old}" for name, old in run["versions"].items() if versions().get(name) != old]
    if others:
        warnings.warn(f"The run was begun with {', '.join(others)}: the result may differ a little.", stacklevel=2)
    for one in _inputs(run, folder):
        if sha256(_inside(folder, one["copy"])) != one["sha256"]:
            raise ValueError(f"{one['copy']!r} in {str(folder)!r} was changed since the run began.")
    check_kinds(run["sources"], {"content": str, "style": list}, folder / "run.json")
    sources = {name: _found(folder, run["sources"][name]) for name in SOURCES if run["sources"].get(name) is not None}
    return style_transfer(**{**run["settings"], **sources}, callback=callback, checkpoint=Checkpoint(folder))


class Checkpoint:
    """The folder of a run with checkpoints while it runs: a new one, or that of a run that goes on."""

    def __init__(self, folder):
        self.folder, self._saved = Path(folder), None
        path = self.folder / "checkpoint.npz"
        if path.is_file():
            self._arrays = read_arrays(path, ["state x", "image", "json"])
            self._saved = parsed(self._arrays.pop("json").tobytes(), CHECKPOINT, path)

    @classmethod
    def new(cls, folder, network):
        """For a run that is to begin; `ValueError` if it cannot be repeated from a folder."""
        if not isinstance(network, str):
            raise ValueError("checkpoint needs a network by its name: a model of your own cannot be kept in a folder.")
        return cls(check_new_folder(folder))

    @property
    def level(self):
        """The scale at which the run goes on."""
        return self._saved["level"] if self._saved else 0

    def begin(self, settings, sources):
        """Make the folder, with all that `resume` needs; nothing if the run goes on."""
        if (self.folder / "run.json").is_file():
            return
        with new_folder(self.folder) as partial:
            (partial / "inputs").mkdir()
            inputs = []
            copies = {name: _copied(partial, source, name, inputs) for name, source in sources.items()}
            _write_run(partial, settings, inputs, copies)

    def save(self, level, recorder, state):
        """Write down where the run is, between two segments at scale `level`."""
        told = {
            "level": level,
            "made": recorder.made,
            "evaluations": recorder.evaluations,
            "seconds": time.perf_counter() - recorder.started,
            "best": recorder.best_total,
            "history": [_step(step) for step in recorder.history],
        }
        arrays = {f"state {name}": np.asarray(value) for name, value in state.items()}
        arrays["image"] = recorder.best_image
        arrays["json"] = np.frombuffer(json.dumps(told).encode(), "uint8")
        write_file(self.folder / "checkpoint.npz", packed_arrays(arrays))

    def at(self, level, recorder):
        """Put a fresh recorder of scale `level` where the run was saved, and give back what saves it from now on."""
        if self._saved and level == self.level:
            told, path = self._saved, self.folder / "checkpoint.npz"
            state = {name[6:]: self._arrays[name] for name in self._arrays if name.startswith("state ")}
            of_pixels = [self._arrays["image"], *(array for array in state.values() if array.ndim)]
            pixels = recorder.best_image.size
            if any(array.size != pixels or not np.isfinite(array).all() for array in of_pixels):
                raise ValueError(f"{str(path)!r}: arrays are not of shape {recorder.best_image.shape}, or not finite.")
            recorder.history[:] = _history(told["history"], path)
            recorder.first = len(recorder.history) - told["made"]
            recorder.evaluations, recorder.started = told["evaluations"], time.perf_counter() - told["seconds"]
            recorder.best_total, recorder.best = told["best"], self._arrays["image"]
            recorder.saved, self._saved = state, None
        return functools.partial(self.save, level)

    def finish(self, result):
        """Write the result down, and give it back as that of the whole run."""
        if self._saved:  # the run never came to where it was saved
            if result.interrupted:
                raise KeyboardInterrupt
            raise ValueError(f"'checkpoint.npz' in {str(self.folder)!r} is not of this run: it has no such scale.")
        run = read_json(self.folder / "run.json", RUN)
        result = dataclasses.replace(
            result, settings=run["settings"], inputs=[one["path"] for one in run["inputs"] if one["path"]]
        )
        _write_result(self.folder, result)
        return result


def versions():
    """{name: version} of Python, this package, and the libraries on which a result depends."""
    return {"python": platform.python_version(), "nst_keras": __version__} | {
        name: importlib.metadata.version(name) for name in LIBRARIES
    }


def _write_run(folder, settings, inputs, sources):
    run = {"settings": settings, "versions": versions(), "inputs": inputs, "sources": sources}
    write_json(folder / "run.json", run)


def _write_result(folder, result):
    (folder / "result.json").unlink(missing_ok=True)  # of an interrupted run: it comes last, and says that all is there
    pictures = {"image": result.image} | {f"style {i:03d}": style for i, style in enumerate(result.styles, start=1)}
    if result.content is not None:
        pictures["content"] = result.content
    write_file(folder / "result.npz", packed_arrays(pictures))
    save_image(result.image, folder / "result.png")
    told = {"history": [_step(step) for step in result.history]}
    write_json(folder / "result.json", told | {"notes": result.notes, "interrupted": result.interrupted})


def _step(step):
    return {name: getattr(step, name) for name in STEP}


def _history(items, path):
    for item in items:
        check_kinds(item, STEP, path)
        check_kinds(item["terms"], dict.fromkeys(item["terms"], NUMBER), path)
    return [Step(**{name: item[name] for name in STEP}) for item in items]


def _inputs(run, folder):
    for one in run["inputs"]:
        check_kinds(one, {"path": (str, type(None)), "sha256": str}, folder / "run.json")
        if run["sources"]:
            check_kinds(one, {"copy": str}, folder / "run.json")
    return run["inputs"]


def _copied(folder, source, name, inputs):
    """Copy a picture, or a list of them, into a run folder; gives back where they are in it, in the same lists."""
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
        path, copy = None, place / "array.npy"
        np.save(copy, np.asarray(source), allow_pickle=False)
    inputs.append({"path": path, "sha256": sha256(copy), "copy": copy.relative_to(folder).as_posix()})
    return inputs[-1]["copy"]


def _found(folder, copy):
    """What `_copied` left in a run folder: paths, and arrays."""
    if isinstance(copy, list):
        return [_found(folder, one) for one in copy]
    if copy is None:
        return None
    path = _inside(folder, copy)
    if path.suffix != ".npy":
        return path
    try:
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))  # mapped: allocates no more than there is
    except Exception as error:  # NumPy raises many types on damaged data; the user needs one
        raise ValueError(f"{str(path)!r} cannot be read as an array: {error}.") from error


def _inside(folder, copy):
    path = folder / str(copy)
    if not path.is_file() or not path.resolve().is_relative_to((folder / "inputs").resolve()):
        raise ValueError(f"{str(copy)!r} is named in {str(folder / 'run.json')!r}, but is not in {str(folder)!r}.")
    return path
