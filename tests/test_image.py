import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from nst_keras.image import add_margin, cut_margin, fitting_shape, load_image, resize, save_image, starting_image
from nst_keras.support.pictures import check_output


@pytest.fixture
def picture(rng):
    """Smooth, so that lossy formats keep it; each corner different, so that orientations show."""
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([x / 60, y / 40, (x * y) / 2400], axis=-1).astype("float32")


def as_pil(image):
    return Image.fromarray(np.round(image * 255).astype("uint8"))


@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [(".png", 0.002), (".bmp", 0.002), (".tiff", 0.002), (".jpg", 0.03), (".webp", 0.03), (".gif", 0.1)],
)
def test_formats_keep_the_picture(picture, tmp_path, suffix, tolerance):
    path = tmp_path / f"picture{suffix}"
    if suffix == ".gif":
        as_pil(picture).save(path)
    else:
        save_image(picture, path)
    loaded = load_image(path)
    assert loaded.dtype == np.float32
    assert loaded.shape == picture.shape
    assert np.abs(loaded - picture).mean() < tolerance
    assert os.listdir(tmp_path) == [path.name]


def test_every_exif_orientation_comes_out_upright(picture, tmp_path):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, operation in undo.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.png"
        as_pil(picture).transpose(operation).save(path, exif=exif)
        np.testing.assert_allclose(load_image(path), picture, atol=0.002)


def test_colour_profiles_are_converted_to_srgb(tmp_path):
    """A profile in which red and green have changed places: its red is our green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    path = tmp_path / "red.png"
    Image.new("RGB", (40, 40), (255, 0, 0)).save(path, icc_profile=bytes(profile))
    np.testing.assert_allclose(load_image(path).mean((0, 1)), (0, 1, 0), atol=0.02)
    Image.new("RGB", (40, 40), (255, 0, 0)).save(path, icc_profile=b"damaged")
    np.testing.assert_allclose(load_image(path).mean((0, 1)), (1, 0, 0), atol=0.01)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_the_background(tmp_path, mode):
    path = tmp_path / "half.png"
    if mode == "P":
        palette = Image.new("P", (40, 40), 1)
        palette.putpalette([255, 0, 0, 0, 0, 0])
        palette.save(path, transparency=1)
        expected = (0.2, 0.4, 0.6)
    else:
        Image.new("RGBA", (40, 40), (0, 0, 0, 51)).convert(mode).save(path)
        expected = (0.16, 0.32, 0.48)
    np.testing.assert_allclose(load_image(path, background=(0.2, 0.4, 0.6))[3, 4], expected, atol=0.002)
    assert load_image(path).min() > 0.79  # white by default


def test_grey_palette_and_cmyk(tmp_path):
    levels = np.linspace(0, 65535, 1600).reshape(40, 40).astype("uint16")
    Image.fromarray(levels).save(tmp_path / "grey16.png")
    np.testing.assert_allclose(load_image(tmp_path / "grey16.png")[..., 1], levels / 65535, atol=1e-6)
    Image.fromarray((levels / 65535).astype("float32")).save(tmp_path / "float.tiff")
    np.testing.assert_allclose(load_image(tmp_path / "float.tiff")[..., 2], levels / 65535, atol=1e-6)
    Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    np.testing.assert_allclose(load_image(tmp_path / "red.jpg").mean((0, 1)), (1, 0, 0), atol=0.02)
    Image.new("1", (40, 40), 1).save(tmp_path / "bilevel.png")
    assert (load_image(tmp_path / "bilevel.png") == 1).all()


def test_arrays_and_pil_images(picture):
    eight = np.asarray(as_pil(picture))
    for source in (picture, picture.astype("float64"), eight, eight.astype("uint16") * 257, as_pil(picture)):
        loaded = load_image(source)
        assert loaded.dtype == np.float32
        np.testing.assert_allclose(loaded, picture, atol=0.002)
        assert not np.shares_memory(loaded, np.asarray(source))
    np.testing.assert_array_equal(load_image(picture[..., 0]), np.repeat(picture[..., :1], 3, axis=-1))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.png", "style 'missing.png': there is no such file"),
        ("images", "style 'images': there is no such file"),
        (42, "style must be a path, a PIL image or an array; got int"),
        (np.zeros((40, 40, 2)), r"must have shape .* got \(40, 40, 2\)"),
        (np.zeros((31, 40, 3)), "40×31 pixels; both sides must be at least 32"),
        (np.full((40, 40, 3), 200.0), r"in \[0, 1\]; got 200 to 200; divide by 255"),
        (np.full((40, 40, 3), np.nan), "NaN"),
        (np.zeros((40, 40, 3), "int64"), "got int64"),
        (Image.new("RGB", (8000, 8000)), "more than 50 megapixels"),
    ],
)
def test_wrong_pictures_are_refused_with_the_reason(source, message):
    with pytest.raises(ValueError, match=message):
        load_image(source, name="style")


def test_wrong_backgrounds_are_refused():
    for background in ((255, 255, 255), (0, 0), (0, 0, np.nan)):
        with pytest.raises(ValueError, match="background must be three numbers"):
            load_image(np.zeros((40, 40, 3)), background=background)


def test_eight_bit_arrays_are_not_taken_for_images(tmp_path):
    eight = np.full((40, 40, 3), 128, "uint8")
    for attempt in (lambda: resize(eight, (20, 20)), lambda: save_image(eight, tmp_path / "out.png")):
        with pytest.raises(ValueError, match=r"floats in \[0, 1\].*got uint8.*load_image"):
            attempt()


def test_damaged_data_and_metadata(picture, rng, tmp_path):
    path = tmp_path / "picture.jpg"
    as_pil(rng.uniform(size=(300, 300, 3))).save(path, quality=95)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for source in (path, Image.open(path)):
        with pytest.raises(ValueError, match=r"image .*cannot be read"):
            load_image(source)
    as_pil(picture).save(path, quality=95, exif=b"Exif\0\0damaged")
    np.testing.assert_allclose(load_image(path), picture, atol=0.1)


def test_damaged_files_are_refused_with_their_name(picture, tmp_path):
    path = tmp_path / "picture.png"
    save_image(picture, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"picture\.png.*cannot be read"):
        load_image(path)
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(ValueError, match=r"picture\.png.*HEIC"):
        load_image(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"picture\.png.*cannot be read"):
        load_image(path)


def test_a_huge_header_is_refused_before_decoding(tmp_path):
    for side in (9000, 20000):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(ValueError, match=r"bomb\.png.* more than 50 megapixels"):
            load_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".bmp"])
def test_files_hold_dots_per_inch(picture, tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    save_image(picture, path, dpi=300)
    with Image.open(path) as read:
        assert read.info["dpi"] == pytest.approx((300, 300), abs=0.01)  # PNG and BMP count whole dots per metre
    save_image(picture, path)
    with Image.open(path) as read:
        assert read.info.get("dpi", (1, 1)) != pytest.approx((300, 300), abs=1)


def test_dots_per_inch_that_cannot_be_written_are_refused(picture, tmp_path):
    with pytest.raises(ValueError, match=r"picture.webp': WebP has no place for dpi; use \.png"):
        save_image(picture, tmp_path / "picture.webp", dpi=300)
    with pytest.raises(ValueError, match="dpi must be a whole number of at least 1; got 0"):
        save_image(picture, tmp_path / "picture.png", dpi=0)
    assert list(tmp_path.iterdir()) == []


def test_saving_is_whole_or_not_at_all(picture, tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"older")

    def fail(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_image(picture, path)
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["out.png"]


def test_saving_never_overwrites_an_input(picture, tmp_path):
    path = tmp_path / "content.png"
    save_image(picture, path)
    with pytest.raises(ValueError, match="one of the input pictures"):
        save_image(picture, tmp_path / "." / "content.png", inputs=[path])
    with pytest.raises(ValueError, match="one of the input pictures"):
        check_output(path, inputs=str(path))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        check_output(tmp_path / "folder.png")
    with pytest.raises(ValueError, match=r"must end in \.png or \.jpg"):
        check_output(tmp_path / "out.xyz")
    with pytest.raises(ValueError, match="there is no folder"):
        check_output(tmp_path / "nowhere" / "out.png")


def test_resize_keeps_the_mean_and_does_not_alias():
    stripes = np.zeros((64, 96, 3), "float32")
    stripes[:, ::2] = 1
    small = resize(stripes, (16, 24))
    assert small.shape == (16, 24, 3)
    np.testing.assert_allclose(small, 0.5, atol=0.05)
    edge = np.repeat(stripes, 8, axis=1)
    assert (resize(edge, (64, 700)).min(), resize(edge, (64, 700)).max()) == (0, 1), "overshoot is clipped"


def test_fitting_shape_keeps_proportions():
    assert fitting_shape((300, 400, 3), 512) == (384, 512)
    assert fitting_shape((400, 300), 100) == (100, 75)
    assert fitting_shape((100, 800), 64, minimum=32) == (32, 256)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(32, 4096))
def test_fitting_shape_for_any_size(height, width, size):
    fitted = fitting_shape((height, width), size)
    assert max(fitted) == size
    assert min(fitted) >= 1
    exact = size * min(height, width) / max(height, width)
    assert abs(min(fitted) - max(exact, 1)) <= 0.5


def test_starting_images(picture):
    content, style = resize(picture, (36, 48)), picture[:, ::-1]
    np.testing.assert_array_equal(starting_image("content", content, style, 0), content)
    np.testing.assert_array_equal(starting_image("style", content, style, 0), resize(style, (36, 48)))
    np.testing.assert_array_equal(starting_image(style, content, None, 0), resize(style, (36, 48)))
    noise = starting_image("noise", content, style, 1)
    assert noise.shape == content.shape
    assert 0.25 < noise.std() < 0.33
    np.testing.assert_array_equal(noise, starting_image("noise", content, style, 1))
    blend = starting_image("blend", content, style, 1)
    np.testing.assert_allclose(blend, 0.6 * noise + 0.4 * content, atol=1e-6)


def test_a_margin_mirrors_the_edge_pixel_too_and_can_be_cut_off():
    rows = np.arange(12.0).reshape(4, 3)
    larger = add_margin(rows, 2)
    np.testing.assert_array_equal(larger[0], [4, 3, 3, 4, 5, 5, 4])
    np.testing.assert_array_equal(cut_margin(larger, 2), rows)
    np.testing.assert_array_equal(add_margin(rows[..., None], 2)[..., 0], larger)
