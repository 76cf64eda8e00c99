"""Sweeps: the grid, what is kept, going on after a crash."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from nst_keras import Result, load_image, style_transfer
from nst_keras.results.recorder import Step
from nst_keras.studio import sweep, sweeps

CAT, *PAINTINGS = (str(ROOT / "images" / name) for name in ("cat.jpg", "impasto_night.jpg", "mosaic.jpg"))
GRID = {"style": PAINTINGS, "style_weight": [2, 20.0]}
QUICK = {"content": CAT, "size": 64, "iterations": 2}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return sweep(GRID, tmp_path_factory.mktemp("sweep"), **QUICK)


@pytest.fixture
def counted(monkeypatch):
    """The cells that were run."""
    ran = []

    def counting(**cell):
        ran.append(cell)
        return style_transfer(**cell)

    monkeypatch.setattr(sweeps, "style_transfer", counting)
    return ran


def test_every_cell_is_the_run_that_it_says(made):
    assert [(row["style"], row["style_weight"]) for row in made.table] == [
        (style, weight) for style in ("impasto_night", "mosaic") for weight in (2, 20.0)
    ]
    images = [result.image for result in made.results()]
    alone = style_transfer(style=PAINTINGS[1], style_weight=2, **QUICK)
    assert [np.array_equal(image, alone.image) for image in images] == [False, False, True, False]
    for row, result in zip(made.table, made.results(), strict=True):
        assert row["loss"] == min(step.total for step in result.history)
        assert row["loss"] == pytest.approx(row["content loss"] + row["style loss"] + row["tv loss"])
        assert row["iterations made"] == 2
        assert row["error"] == ""
        picture = load_image(made.folder / row["folder"] / f"{row['folder']}.png")
        np.testing.assert_allclose(picture, result.image, atol=0.5001 / 255)


def test_the_table_and_the_sheet_are_written(made):
    with open(made.folder / "table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [{name: str(value) for name, value in row.items()} for row in made.table] == rows
    assert load_image(made.folder / "sheet.png").shape[0] > 200
    titles = [text.get_text() for axes in axes_of(made.figure) for text in [axes.title]]
    assert titles == [
        f"{style}\nstyle_weight {weight}" for style in ("impasto_night", "mosaic") for weight in ("2", "20.0")
    ]


def test_the_loss_of_a_run_is_the_smallest_at_its_last_size():
    """Losses of smaller sizes are of another picture."""
    sizes_and_totals = (48, 1.0), (96, 5.0), (96, 3.0), (96, 4.0)
    terms = [{"content a": total / 4, "style a": total / 4, "style b": total / 2} for _, total in sizes_and_totals]
    history = [Step(1, 1, 0.0, size, total, t, 1.0) for (size, total), t in zip(sizes_and_totals, terms, strict=True)]
    result = Result(None, history, {}, [], False, None, [])
    expected = {"iterations made": 4, "loss": 3.0, "content loss": 0.75, "style loss": 2.25}
    assert sweeps.numbers(result) == expected


def axes_of(figure):
    return [axes for band in figure.subfigs for axes in band.axes]


def test_what_is_finished_is_not_run_again(made, counted, painting):
    again = sweep(GRID, made.folder, **QUICK)
    assert (again.table, counted) == (made.table, [])
    wider = sweep(GRID | {"style": [PAINTINGS[0], painting, PAINTINGS[1]]}, made.folder, **QUICK)
    assert wider.table[:2] + wider.table[4:] == made.table
    assert len(counted) == 2
    assert wider.table[2]["style"].startswith("picture ")


def test_a_sweep_goes_on_where_it_was_killed(made, counted, tmp_path):
    """Killed when two cells are done; every number of cells is reported, also by the call that goes on."""
    reported = []

    def progress(done, cells):
        reported.append((done, cells))
        if len(reported) == 3:
            raise SystemExit

    with pytest.raises(SystemExit):
        sweep(GRID, tmp_path, progress=progress, **QUICK)
    assert (len(list(tmp_path.iterdir())), len(counted)) == (2, 2)
    assert sweep(GRID, tmp_path, progress=progress, **QUICK).table == made.table
    assert len(counted) == 4
    assert reported == [(done, 4) for done in (0, 1, 2, 2, 3, 4)]


def test_an_interrupted_cell_is_not_kept(tmp_path, monkeypatch):
    def interrupted(**cell):
        return Result(np.zeros((32, 32, 3), "float32"), [], {}, [], True, None, [])

    monkeypatch.setattr(sweeps, "style_transfer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(GRID, tmp_path, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_picture_spoils_no_other(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    made = sweep({"content": [tmp_path / "broken.jpg", CAT]}, tmp_path / "sweep", style=PAINTINGS[0], **SMALL)
    assert "broken.jpg': cannot be read" in made.table[0]["error"]
    assert made.table[1]["error"] == ""
    assert [result is None for result in made.results()] == [True, False]


def test_a_failing_disk_spoils_no_other(tmp_path, monkeypatch):
    """One file cannot be read when the sweep begins, and the run of another one fails."""
    for name in ("unreadable.jpg", "failing.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    transfer, sha256 = sweeps.style_transfer, sweeps.sha256

    def failing_transfer(**cell):
        if cell["content"].name == "failing.jpg":
            raise OSError(5, "Input/output error")
        return transfer(**cell)

    def failing_sha256(path):
        if path.name == "unreadable.jpg":
            raise PermissionError(13, "Permission denied")
        return sha256(path)

    monkeypatch.setattr(sweeps, "style_transfer", failing_transfer)
    monkeypatch.setattr(sweeps, "sha256", failing_sha256)
    contents = [tmp_path / "unreadable.jpg", tmp_path / "failing.jpg", Path(CAT)]
    made = sweep({"content": contents}, tmp_path / "sweep", style=Path(PAINTINGS[0]), **SMALL)
    assert "cannot be read" in made.table[0]["error"]
    assert "Input/output error" in made.table[1]["error"]
    assert made.table[2]["error"] == ""


def test_a_hidden_picture_is_not_run_again(tmp_path, counted):
    Image.open(CAT).save(tmp_path / ".hidden.png")
    for _ in range(2):
        made = sweep({"content": [tmp_path / ".hidden.png"]}, tmp_path / "sweep", style=PAINTINGS[0], **SMALL)
        assert made.table[0]["error"] == ""
    assert len(counted) == 1


SMALL = {"size": 64, "iterations": 1}


@pytest.mark.parametrize(
    ("grid", "fixed", "message"),
    [
        ({}, QUICK, "grid must be a dictionary"),
        ({"style_wieght": [1]}, QUICK, "Did you mean 'style_weight'"),
        ({"callback": [print]}, QUICK, "'callback' is no argument that a sweep can have"),
        ({"style": PAINTINGS[0]}, QUICK, "must be a list of at least one value"),
        ({"style": []}, QUICK, "must be a list of at least one value"),
        ({"size": [64]}, QUICK, "size is in grid and fixed"),
        ({"style_weight": [1]}, QUICK, "style must be in grid"),
        ({"style": PAINTINGS, "style_weight": [1, -1]}, QUICK, "style_weight must be a finite number of at least 0"),
        ({"style": PAINTINGS, "seed": [1, 1]}, QUICK, "twice"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(grid, fixed, message, tmp_path, counted):
    with pytest.raises(ValueError, match=message):
        sweep(grid, tmp_path / "sweep", **fixed)
    assert (counted, list(tmp_path.iterdir())) == ([], [])


def test_arrays_of_the_same_bytes_and_another_shape_are_two_pictures(tmp_path, monkeypatch):
    def refused(**cell):
        raise ValueError("not run")

    monkeypatch.setattr(sweeps, "style_transfer", refused)
    flat = np.zeros((40, 48, 3), "float32")
    made = sweep({"content": [flat, flat.reshape(48, 40, 3)]}, tmp_path, style=PAINTINGS[0])
    assert [row["error"] for row in made.table] == ["not run"] * 2


def test_two_files_with_the_same_bytes_keep_their_folders(tmp_path, counted):
    for name in ("one.jpg", "two.jpg"):
        shutil.copyfile(PAINTINGS[0], tmp_path / name)
    grid = {"content": [tmp_path / "one.jpg", tmp_path / "two.jpg"]}
    runs = [sweep(grid, tmp_path / "out", style=PAINTINGS[0], size=64, iterations=1) for _ in range(2)]
    assert runs[0].table == runs[1].table
    assert [row["folder"].split()[0] for row in runs[1].table] == ["one", "two"]
