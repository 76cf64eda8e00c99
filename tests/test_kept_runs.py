"""Runs in folders: exact, never overwritten, gone on with after a crash, read as if anybody had written them."""

import dataclasses
import json
import shutil
import zipfile
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, posix_only
from killed_run import EVERY, kill_and_resume
from killed_run import run as run_with_checkpoints

from nst_keras import Result, build_network, load_image, optimize, save_mask, style_transfer
from nst_keras.results import runs as results_runs
from nst_keras.results.recorder import Recorder
from nst_keras.results.runs import Checkpoint, versions
from nst_keras.studio import resume
from nst_keras.support.files import read_arrays, write_arrays

CAT, PAINTING = str(ROOT / "images" / "cat.jpg"), str(ROOT / "images" / "impasto_night.jpg")
QUICK = {"size": 64, "iterations": 4}


@pytest.fixture(scope="module")
def result():
    return style_transfer(CAT, PAINTING, **QUICK)


@pytest.fixture(scope="module")
def checkpointed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimize, "CHECKPOINT_EVERY", 2)
        run = style_transfer(CAT, PAINTING, **QUICK, checkpoint=folder)
    return folder, run


def same(one, other):
    for field in dataclasses.fields(Result):
        a, b = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_equal(a, b)
    return True


def test_a_kept_run_is_loaded_to_the_bit(result, tmp_path):
    result.keep(tmp_path / "new" / "run")
    assert same(Result.load(tmp_path / "new" / "run"), result)
    assert len(result.inputs) == 2
    told = json.loads((tmp_path / "new" / "run" / "run.json").read_text())
    assert told["versions"] == versions()
    assert {"tensorflow", "keras", "numpy", "nst_keras"} < told["versions"].keys()
    assert {len(one["sha256"]) for one in told["inputs"]} == {64}
    np.testing.assert_allclose(load_image(tmp_path / "new" / "run" / "result.png"), result.image, atol=0.5001 / 255)


def test_nothing_is_overwritten(result, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    for keep in (result.keep, lambda folder: style_transfer(CAT, PAINTING, checkpoint=folder)):
        with pytest.raises(ValueError, match="has something in it; nothing is overwritten"):
            keep(tmp_path)
        with pytest.raises(ValueError, match=r"note\.txt' is a file"):
            keep(tmp_path / "note.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_folder_is_there_whole_or_not_at_all(result, tmp_path, monkeypatch):
    monkeypatch.setattr("nst_keras.results.runs.save_image", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        result.keep(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    """`make faults` kills at more points."""
    assert any(kill_and_resume(tmp_path, points=3, seed=5))


def test_a_run_goes_on_from_the_last_checkpoint_of_a_scale(tmp_path, monkeypatch):
    """And from the one after it: of 8 iterations in segments of 3, at two scales, the third and the fourth of six."""
    saved, save = [], Checkpoint.save

    def watched(checkpoint, level, recorder, state):
        save(checkpoint, level, recorder, state)
        saved.append((checkpoint.folder / "checkpoint.npz").read_bytes())

    monkeypatch.setattr(Checkpoint, "save", watched)
    whole = run_with_checkpoints(tmp_path / "whole", size=192, iterations=8)
    assert len(saved) == 6
    monkeypatch.setattr(optimize, "CHECKPOINT_EVERY", EVERY)
    for number in (2, 3):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", folder, ignore=shutil.ignore_patterns("result*"))
        (folder / "checkpoint.npz").write_bytes(saved[number])
        again = resume(folder)
        np.testing.assert_array_equal(again.image, whole.image)
        assert [step.total for step in again.history] == [step.total for step in whole.history]


def test_a_checkpoint_holds_the_best_picture_and_where_the_optimizer_is(rng, tmp_path):
    """They differ where the last steps went up."""
    start, best, last = rng.uniform(size=(3, 4, 5, 3)).astype("float32")

    def evaluate(x):
        return {"distance": float(np.square(x - best.ravel()).sum())}, x - best.ravel()

    objective = SimpleNamespace(shape=best.shape, evaluate=evaluate)
    recorder, again = (Recorder(objective, start, 3) for _ in range(2))
    for image in (best, last):
        total, _ = recorder(image.ravel())
        recorder.step(total)
    Checkpoint(tmp_path).save(1, recorder, {"x": last.ravel()})
    checkpoint = Checkpoint(tmp_path)
    state = checkpoint.begin_level(checkpoint.level, again)["state"]
    np.testing.assert_array_equal(state["x"], last.ravel())
    np.testing.assert_array_equal(again.best_image, best)
    assert (again.best_total, again.made) == (recorder.best_total, 2)


def test_a_run_goes_on_without_its_inputs(photograph, painting, tmp_path, monkeypatch):
    """Files are copied, arrays kept; masks keep their names, settings and notes are those of the run."""
    monkeypatch.setattr(optimize, "CHECKPOINT_EVERY", 2)
    style = tmp_path / "style.jpg"
    shutil.copyfile(PAINTING, style)
    left = np.zeros(photograph.shape[:2], "float32")
    left[:, :5] = 1
    for name, mask in {"edge": left, "rest": 1 - left}.items():
        save_mask(mask, tmp_path / f"{name}.png")
    masks = [tmp_path / "edge.png", tmp_path / "rest.png"]
    arguments = {"masks": masks, "init": painting, "checkpoint": tmp_path / "run"}
    whole = style_transfer(photograph, [style, [painting, photograph]], **QUICK, **arguments)
    assert any("edge" in note for note in whole.notes)
    for path in (style, *masks, tmp_path / "run" / "result.json"):
        path.unlink()
    assert same(dataclasses.replace(resume(tmp_path / "run"), history=whole.history), whole)


def test_a_file_with_the_name_of_a_start_is_not_the_start(tmp_path, monkeypatch):
    """init="noise" is noise, also where the working folder has a picture of that name."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(CAT, "noise")
    whole = style_transfer(CAT, PAINTING, **QUICK, init="noise", checkpoint="run")
    (tmp_path / "run" / "result.json").unlink()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["sources"]["init"] is None
    np.testing.assert_array_equal(resume("run").image, whole.image)


def test_a_finished_run_is_not_run_again(checkpointed, monkeypatch):
    folder, run = checkpointed
    monkeypatch.setattr("nst_keras.studio.runs.style_transfer", None)
    assert same(resume(folder), run)
    assert same(Result.load(folder), run)


def test_a_run_that_was_stopped_goes_on(checkpointed, tmp_path, monkeypatch):
    def stop(step):
        if step.iteration == 3:
            raise StopIteration

    monkeypatch.setattr(optimize, "CHECKPOINT_EVERY", 2)
    stopped = style_transfer(CAT, PAINTING, **QUICK, checkpoint=tmp_path / "run", callback=stop)
    assert stopped.interrupted
    assert same(Result.load(tmp_path / "run"), stopped)
    seen = []
    result = resume(tmp_path / "run", callback=seen.append)
    assert [step.iteration for step in seen] == [3, 4]
    assert not result.interrupted
    np.testing.assert_array_equal(result.image, checkpointed[1].image)


def test_what_cannot_be_resumed_says_so(result, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"run\.json'.*no such file"):
        resume(tmp_path)
    layers = ["block1_conv1"]
    own = {"network": build_network("lite", layers), "content_layers": layers, "style_layers": layers}
    with pytest.raises(ValueError, match="a model of your own"):
        style_transfer(CAT, PAINTING, **own, checkpoint=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unfinished(checkpointed, tmp_path):
    shutil.copytree(checkpointed[0], tmp_path / "run", ignore=shutil.ignore_patterns("result*"))
    return tmp_path / "run"


def test_an_unfinished_run_is_loaded_by_resume_alone(unfinished):
    with pytest.raises(ValueError, match=r"not finished; resume\("):
        Result.load(unfinished)


def test_versions_do_not_ask_for_the_distribution_of_tensorflow(monkeypatch):
    """It may be called tensorflow-cpu, which has the same module."""

    def installed(name):
        if name in ("tensorflow", "keras"):
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(results_runs, "version", installed)
    told = versions()
    assert (told["tensorflow"], told["keras"], told["numpy"]) == (tf.__version__, keras.__version__, "1.0")


def test_other_versions_are_told(unfinished):
    edit(unfinished / "run.json", lambda run: run["versions"].update(numpy="1.0"))
    with pytest.warns(UserWarning, match=r"begun with numpy 1\.0"):
        resume(unfinished)


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run.clear(), "was not written by nst_keras, or is damaged: see settings"),
        (lambda run: run["settings"].update(callback=1), "settings of another version: callback"),
        (lambda run: run["settings"].pop("size"), "settings of another version: size"),
        (lambda run: run["settings"].update(size="x"), "size must be a whole number"),
        (lambda run: run["inputs"][0].update(sha256="0"), "was changed since the run began"),
        (lambda run: run["inputs"][0].update(copy="../../../etc/passwd"), "is not in"),
        (lambda run: run["sources"].update(content="run.json"), "is not in"),
        (lambda run: run["sources"].update(style=7), "is damaged: see style"),
    ],
)
def test_a_doctored_description_is_refused(change, message, unfinished):
    edit(unfinished / "run.json", change)
    with pytest.raises(ValueError, match=message):
        resume(unfinished)


@posix_only
def test_a_link_out_of_the_folder_is_refused(unfinished, tmp_path):
    copy = unfinished / "inputs" / "1" / "cat.jpg"
    copy.unlink()
    copy.symlink_to(CAT)
    with pytest.raises(ValueError, match="is not in"):
        resume(unfinished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.update({"state x": arrays["state x"][:-3]}), "not of shape"),
        (lambda arrays: arrays.update({"image": arrays["image"] * np.nan}), "not finite"),
        (lambda arrays: arrays.pop("image"), "it lacks image"),
        (lambda arrays: arrays.update(json=np.frombuffer(b"{", "uint8")), "cannot be read as JSON"),
        (lambda arrays: arrays.update(json=np.frombuffer(b"[]", "uint8")), "is damaged: see level"),
    ],
)
def test_a_doctored_checkpoint_is_refused(change, message, unfinished):
    path = unfinished / "checkpoint.npz"
    arrays = read_arrays(path)
    change(arrays)
    write_arrays(path, arrays)
    with pytest.raises(ValueError, match=rf"checkpoint\.npz'.*{message}"):
        resume(unfinished)


def test_a_checkpoint_of_another_run_is_refused_and_an_early_interrupt_spoils_nothing(unfinished, monkeypatch):
    before = {path: path.read_bytes() for path in unfinished.iterdir() if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "begin_level", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            resume(unfinished)
    assert {path: path.read_bytes() for path in unfinished.iterdir() if path.is_file()} == before
    arrays = read_arrays(unfinished / "checkpoint.npz")
    told = json.loads(arrays["json"].tobytes()) | {"level": 5}
    arrays["json"] = np.frombuffer(json.dumps(told).encode(), "uint8")
    write_arrays(unfinished / "checkpoint.npz", arrays)
    with pytest.raises(ValueError, match="not of this run"):
        resume(unfinished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda result: result["history"][0].update(total="1"), "see total"),
        (lambda result: result["history"][0]["terms"].update(tv=None), "see tv"),
        (lambda result: result["history"].append(3), "see iteration"),
        (lambda result: result.update(interrupted=1), "see interrupted"),
    ],
)
def test_a_doctored_result_is_refused(change, message, checkpointed, tmp_path):
    shutil.copytree(checkpointed[0], tmp_path / "run")
    edit(tmp_path / "run" / "result.json", change)
    with pytest.raises(ValueError, match=rf"result\.json'.*{message}"):
        Result.load(tmp_path / "run")


def test_arrays_from_anybody(tmp_path):
    """Pickles are not opened, and no header makes memory be taken that the file has not."""
    path = tmp_path / "arrays.npz"
    good = {"a": np.arange(6.0).reshape(2, 3), "b": np.uint8([1, 2])}
    write_arrays(path, good)
    np.testing.assert_equal(read_arrays(path), good)

    def refused(message):
        with pytest.raises(ValueError, match=rf"arrays\.npz' cannot be read as arrays: .*{message}"):
            read_arrays(path)

    whole = path.read_bytes()
    for end in (10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:end])
        refused("")
    path.write_bytes(whole.replace(np.float64(4).tobytes(), np.float64(5).tobytes()))
    refused("CRC")
    np.savez(path, a=np.array([print], dtype=object))
    refused("allow_pickle")
    np.savez(path, a=np.array(["text"]))
    refused("nothing but numbers")
    np.savez_compressed(path, a=np.zeros(20_000_000))
    refused("its arrays would take 160,000,128 bytes, more than 100,000,000")
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    refused("with shape")
