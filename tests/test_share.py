"""Runs shown to others: compared, as a page; the page in headless Chromium."""

import base64
import dataclasses
import html
import io
import re

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from nst_keras import load_image, resize, style_transfer, synthesize_texture
from nst_keras.studio import compare, save_page

CAT, PAINTING = ROOT / "images" / "cat.jpg", ROOT / "images" / "impasto_night.jpg"


@pytest.fixture(scope="module")
def result():
    return style_transfer(CAT, PAINTING, size=192, iterations=5)


def test_runs_are_compared(result, tmp_path):
    result.keep(tmp_path / "run")
    other = style_transfer(CAT, PAINTING, size=64, iterations=2, style_weight=30)
    compared = compare({"kept": tmp_path / "run", "more style": other})
    assert [row["run"] for row in compared.table] == ["kept", "more style"]
    assert {"size", "style_weight", "iterations"} < compared.table[0].keys()
    assert "seed" not in compared.table[0]
    assert [row["iterations made"] for row in compared.table] == [10, 2]
    assert compared.table[1]["loss"] == min(step.total for step in other.history)
    last = [step.total for step in result.history if step.size == 192]
    assert compared.table[0]["loss"] == min(last)
    assert [axes.get_title() for axes in compared.figure.subfigs[0].axes] == ["kept", "more style"]
    fewer = dataclasses.replace(other, settings={"size": 64})  # a texture's run has fewer settings
    assert [row["style_weight"] for row in compare({"fewer": fewer, "more": other}).table] == [None, 30]
    with pytest.raises(ValueError, match="runs must be a dictionary"):
        compare([result])


def test_a_run_that_was_interrupted_before_its_first_step_is_shown(result, tmp_path):
    stopped = dataclasses.replace(result, history=[], interrupted=True)
    table = compare({"whole": result, "stopped": stopped}).table
    assert table[1] == {"run": "stopped", "iterations made": 0, "loss": None}
    save_page(stopped, tmp_path / "run.html")
    assert "0 iterations" in (tmp_path / "run.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "run.html"
    settings = result.settings | {"init": r"C:\Users\me\start.png", "masks": [f"{ROOT}/masks/<b>.png", "a picture"]}
    told = dataclasses.replace(result, settings=settings)
    save_page(told, path, title="Cat & <script>alert(1)</script> $result")
    return path


def test_the_page_has_all_in_it_and_nothing_of_this_machine(result, page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|https?:|@import""", text)
    assert str(ROOT) not in text and "Users" not in text
    assert 'init: "start.png"' in html.unescape(text)
    assert 'masks: ["<b>.png", "a picture"]' in html.unescape(text) and "<b>" not in text
    assert "Cat &amp; &lt;script&gt;alert(1)&lt;/script&gt; $result" in text
    pictures = [load_jpeg(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text)]
    for picture, expected in zip(pictures, [result.content, result.image, *result.styles], strict=True):
        assert np.abs(picture - expected).mean() < 0.03
    for name in ("style_weight", "6.0", "block4_conv2"):
        assert name in text


def load_jpeg(data):
    return load_image(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_texture_has_no_page(tmp_path):
    texture = synthesize_texture(PAINTING, size=64, iterations=1)
    with pytest.raises(ValueError, match="no content to compare with"):
        save_page(texture, tmp_path / "texture.html")
    with pytest.raises(ValueError, match=r"must end in \.html"):
        save_page(texture, tmp_path / "texture.htm")
    assert list(tmp_path.iterdir()) == []


def test_the_slider_moves_by_keys_and_mouse(result, page, browser):
    """In Chromium, from the disk, offline: left of the edge is the content, right of it the result."""
    shown = browser.new_page(offline=True, viewport={"width": 900, "height": 900})
    wrong = []
    shown.on("console", lambda message: wrong.append(message.text))
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("dialog", lambda dialog: wrong.append(dialog.message))
    shown.goto(page.as_uri())
    slider = shown.get_by_role("slider", name="How much of the content is shown, from the left")

    def check(split):
        assert float(slider.input_value()) == pytest.approx(split, abs=2)
        box = shown.locator(".pair").bounding_box()
        picture = load_image(Image.open(io.BytesIO(shown.locator(".pair").screenshot())))
        assert box["width"] / box["height"] == pytest.approx(192 / 128, rel=0.01)
        content, stylised = (resize(image, picture.shape) for image in (result.content, result.image))
        edge = round(picture.shape[1] * float(slider.input_value()) / 100)
        for part, expected, other in (
            (np.s_[:, : max(0, edge - 30)], content, stylised),
            (np.s_[:, edge + 30 :], stylised, content),
        ):
            if picture[part].shape[1] > 60:
                difference = np.abs(picture[part] - expected[part]).mean()
                assert difference < 0.35 * np.abs(picture[part] - other[part]).mean()

    check(50)
    shown.keyboard.press("Tab")
    for key, split in (("End", 100), ("Home", 0), ("ArrowRight", 1), ("PageUp", 11)):
        shown.keyboard.press(key)
        check(split)
    box = slider.bounding_box()
    shown.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    check(75)
    shown.set_viewport_size({"width": 360, "height": 640})
    check(75)
    assert wrong == []
