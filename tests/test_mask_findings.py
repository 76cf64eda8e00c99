"""Checks of masks: every kind of broken set is caught by its own finding, and sound sets by none."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from nst_keras import invert_mask, load_mask, partition_masks, resize_mask
from nst_keras.image import fitting_shape
from nst_keras.masks.findings import check_masks
from nst_keras.masks.selections import linear_gradient, select_ellipse, select_polygon
from nst_keras.results.plot import save_figure

SHAPE = 96, 128
GRIDS = {"block1_conv1": (96, 128), "block3_conv1": (24, 32), "block5_conv1": (6, 8)}


def box(left, top, right, bottom):
    return select_polygon(SHAPE, [(left, top), (right, top), (right, bottom), (left, bottom)])


LEFT, RIGHT = box(0, 0, 64, 96), box(64, 0, 128, 96)
SPOT = select_ellipse(SHAPE, (64, 48), (30, 25))


def test_sound_sets_have_no_findings():
    for masks in (
        [LEFT],
        [LEFT, RIGHT],
        [SPOT, invert_mask(SPOT)],
        [linear_gradient(SHAPE, (0, 0), (128, 0)), linear_gradient(SHAPE, (128, 0), (0, 0))],
        partition_masks([LEFT, box(96, 0, 128, 96)]),
    ):
        assert check_masks(masks, grids=GRIDS).findings == []


@pytest.mark.parametrize(
    ("masks", "finding"),
    [
        ({"sky": np.zeros(SHAPE)}, r"sky is black, 0\.00 to 0\.00: its style acts nowhere\. Paint white"),
        ({"sky": np.full(SHAPE, 0.05)}, r"sky is black, 0\.05 to 0\.05"),
        ({"sky": 0.48 + 0.04 * LEFT}, r"sky is nearly constant, 0\.48 to 0\.52: .* Raise its contrast"),
        ({"sky": np.ones(SHAPE)}, r"sky is nearly constant, 1\.00 to 1\.00: .* Leave it out"),
        ({"star": box(10, 10, 20, 20)}, r"star covers 0\.81% of the picture, too little .* grow_mask"),
        ([LEFT, box(32, 0, 128, 96)], r"mask 1 and mask 2 overlap on 25\.0% of the picture: .* partition_masks"),
        ([LEFT, box(96, 0, 128, 96)], r"mask 1, mask 2 leave a gap of 25\.0% of the picture, .* partition_masks"),
        (
            {"cat": invert_mask(SPOT)},
            r"cat is white on 100% of the border and black on one piece in the middle, 19\.\d% .* use invert_mask",
        ),
        (
            {"wire": box(0, 44, 128, 47)},
            r"wire has regions that vanish: 1 of 1 at block5_conv1 \(8×6\)\.",
        ),
        (
            {"eyes": np.maximum(box(0, 0, 32, 32), box(100, 72, 108, 80))},
            r"eyes has regions that vanish: 1 of 2 at block5_conv1 \(8×6\)\. .*larger size",
        ),
        ({"head": box(32, 32, 64, 48)}, r"head keeps few positions \(ΣT²\): 2\.0 at block5_conv1 \(8×6\); under 4"),
        (
            {"veil": 0.6 * box(0, 0, 128, 16)},
            r"veil keeps few positions \(ΣT²\): 2\.9 at block5_conv1 \(8×6\); under 4",
        ),
    ],
)
def test_each_broken_set_is_caught_by_its_own_finding(masks, finding):
    findings = check_masks(masks, grids=GRIDS).findings
    assert re.match(finding, findings[0]), findings
    assert all(len(sentence) < 300 for sentence in findings)
    others = [sentence for sentence in findings[1:] if "positions" not in sentence]
    assert [sentence for sentence in others if "vanish" not in sentence] == []


def test_polarity_is_doubted_for_inverted_subjects_only():
    """The rule on the bundled photographs whose subject is evidently in the middle."""
    for name in ("coffee", "astronaut"):
        subject = load_mask(ROOT / "masks" / f"{name}_subject.png")
        background = invert_mask(subject)
        assert check_masks({"subject": subject}).findings == []
        assert [sentence.split(" is ")[0] for sentence in check_masks({name: background}).findings] == [name]
        assert check_masks({f"{name}_background": background}).findings == []  # its name says that it is meant
        assert check_masks([background, subject]).findings == []  # another mask covers the middle
    assert check_masks([invert_mask(box(0, 60, 128, 96))]).findings == []  # black at the border: a foreground
    assert check_masks([invert_mask(box(4, 4, 20, 90))]).findings == []  # not in the middle
    two = invert_mask(np.maximum(box(24, 24, 50, 72), box(80, 24, 106, 72)))
    assert check_masks([two]).findings == []  # two pieces
    assert check_masks([invert_mask(box(60, 44, 70, 50))]).findings == []  # small


def test_specks_are_no_regions():
    mask = LEFT.copy()
    mask[5, 70:80:3] = 1
    report = check_masks([mask], grids=GRIDS)
    assert report.table["mask 1"]["regions"] == 1
    assert report.findings == []


def test_the_table_counts_positions():
    report = check_masks({"left": LEFT, "half": LEFT / 2}, grids=GRIDS)
    left, half = report.table["left"], report.table["half"]
    assert left["coverage"] == 0.5
    assert (left["lowest"], left["highest"]) == (0, 1)
    assert left["positions"] == {"block1_conv1": 96 * 64, "block3_conv1": 24 * 16, "block5_conv1": 24}
    assert half["area"] == {layer: area / 4 for layer, area in left["area"].items()}
    assert half["positions"]["block5_conv1"] == 0
    assert left["area"]["block5_conv1"] == np.sum(resize_mask(LEFT, (6, 8)) ** 2)
    text = str(report)
    assert re.search(r"^ +left +half$", text, re.MULTILINE)
    assert re.search(r"^coverage +50\.0% +25\.0%$", text, re.MULTILINE)
    assert re.search(r"^block5_conv1 8×6 +24 \(24\.0\) +0 \(6\.0\)$", text, re.MULTILINE)
    widths = {len(line) for line in text.splitlines()[:7]}
    assert len(widths) == 1
    assert text.endswith("- " + report.findings[-1])
    assert str(check_masks([LEFT])).endswith("- Nothing seems wrong.")


def test_the_figure_shows_each_mask_on_the_picture_and_on_each_grid(photograph, tmp_path):
    masks = {"subject": load_mask(ROOT / "masks" / "cat_subject.png")}
    masks["rest"] = invert_mask(masks["subject"])
    grids = {"color": (300, 451), "block4_conv1": (37, 56), "block1_conv1": (300, 451)}
    report = check_masks(masks, photograph, grids=grids)
    figure = report.figure()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith("subject: 78.")
    assert titles[1].startswith("color\nblock1_conv1\n")
    assert titles[2].startswith("block4_conv1\n") and titles[2].endswith(" of 2072 positions")
    assert len(titles) == 6, "layers of one size share a column"
    shown = figure.axes[2].images[0].get_array()
    assert shown.shape == (37, 56, 3)
    assert np.ptp(shown[30, 20]) > 0.2 and np.ptp(shown[5, 53]) < 1e-6  # coloured inside, grey outside
    save_figure(figure, tmp_path / "report.png")
    save_figure(check_masks([LEFT]).figure(), tmp_path / "plain.png")
    assert len(list(tmp_path.iterdir())) == 2


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"masks\[1\] must be an array of floats"):
        check_masks([LEFT, LEFT.astype("uint8")])
    with pytest.raises(ValueError, match=r"masks\[0\] is 128×96 pixels, masks\[1\] 9×8"):
        check_masks([LEFT, np.ones((8, 9))])
    with pytest.raises(ValueError, match="image is 64×48 pixels, the masks 128×96: load_mask"):
        check_masks([LEFT], np.zeros((48, 64)))
    with pytest.raises(ValueError, match="at least one mask"):
        check_masks([])
    with pytest.raises(ValueError, match="shape must be"):
        check_masks([LEFT], grids={"block1_conv1": (0, 3)})


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "landscape", "rocket"])
def test_bundled_masks_pass(name):
    paths = sorted(Path(ROOT / "masks").glob(f"{name}_*.png"))
    masks = {path.stem: load_mask(path) for path in paths}
    assert len(masks) in (2, 3)
    shape = next(iter(masks.values())).shape
    height, width = fitting_shape(shape, 512)
    grids = {f"block{i + 1}_conv1": (height >> i, width >> i) for i in range(5)}
    assert check_masks(masks, ROOT / "images" / f"{name}.jpg", grids=grids).findings == []
    for alone, mask in masks.items():
        assert check_masks({alone: mask}, grids=grids).findings == []
