import numpy as np
import pytest
import skimage.color
import skimage.exposure
from scipy.linalg import sqrtm

from nst_keras import color
from nst_keras.color import (
    COLOR_METHODS,
    EPSILON,
    LINEAR_METHODS,
    MATCHING_METHODS,
    MAX_GAIN,
    after_transfer,
    before_transfer,
    check_preserve_color,
    color_statistics,
    color_transform,
    limited_transform,
    match_colors,
)
from nst_keras.image import luminance

RIDGE = EPSILON * np.eye(3)


@pytest.fixture
def style(rng):
    """Colours that depend on each other, inside [0, 1] with room to spare."""
    mixing = np.array([[0.12, 0.0, 0.02], [0.06, 0.08, 0.0], [-0.03, 0.05, 0.06]])
    return (0.5 + rng.uniform(-1, 1, (40, 50, 3)) @ mixing.T).astype("float32")


@pytest.fixture
def palette(rng):
    mixing = np.array([[0.05, 0.02, 0.0], [0.0, 0.09, 0.03], [0.04, 0.0, 0.1]])
    return ([0.4, 0.5, 0.6] + rng.uniform(-1, 1, (60, 30, 3)) @ mixing.T).astype("float32")


def degenerate_pictures():
    rng = np.random.default_rng(1)
    grey = rng.uniform(size=(20, 30, 1)).astype("float32")
    column = rng.uniform(size=(40, 1, 3)).astype("float32")
    one_pixel = rng.uniform(size=(1, 1, 3)).astype("float32")
    return {
        "grey": np.repeat(grey, 3, axis=-1),
        "grey with noise": np.clip(grey + rng.normal(0, 1 / 255, (20, 30, 3)), 0, 1).astype("float32"),
        "black": np.zeros((5, 5, 3), "float32"),
        "white": np.ones((5, 5, 3), "float32"),
        "one colour": np.full((5, 7, 3), (0.9, 0.2, 0.1), "float32"),
        "two colours": np.where(grey > 0.5, (0.9, 0.2, 0.1), (0.0, 0.4, 1.0)).astype("float32"),
        "one pixel wide": column,
        "one pixel": one_pixel,
    }


def pairs_of_covariances(count=200):
    """Random pairs: of full rank, of rank 1 and 2, grey, and zero, with deviations over three orders of magnitude."""
    rng = np.random.default_rng(0)

    def covariance():
        kind = rng.integers(5)
        if kind == 0:
            return np.zeros((3, 3))
        if kind == 1:
            return rng.uniform(0, 0.25) * np.ones((3, 3))
        factor = rng.normal(size=(3, kind - 1)) * 10.0 ** rng.uniform(-3, -0.5, kind - 1)
        return factor @ factor.T

    pictures = [color_statistics(picture)[1] for picture in degenerate_pictures().values()]
    yield from ((a, b) for a in pictures for b in pictures)
    yield from ((covariance(), covariance()) for _ in range(count))


@pytest.mark.parametrize("method", LINEAR_METHODS)
def test_the_transform_gives_the_palettes_covariance(method):
    for style_covariance, palette_covariance in pairs_of_covariances():
        matrix = color_transform(style_covariance, palette_covariance, method)
        target = palette_covariance + RIDGE
        error = np.linalg.norm(matrix @ (style_covariance + RIDGE) @ matrix.T - target) / np.linalg.norm(target)
        assert error < 1e-8


@pytest.mark.parametrize("method", LINEAR_METHODS)
def test_the_limited_transform_is_the_same_or_gentler_and_still_one_of_them(method):
    limited = 0
    for style_covariance, palette_covariance in pairs_of_covariances(50):
        exact = color_transform(style_covariance, palette_covariance, method)
        matrix, gain = limited_transform(style_covariance, palette_covariance, method)
        assert gain == pytest.approx(np.linalg.norm(exact, 2))
        assert np.linalg.norm(matrix, 2) <= MAX_GAIN + 1e-9
        if gain <= MAX_GAIN:
            np.testing.assert_array_equal(matrix, exact)
        limited += gain > MAX_GAIN
    assert limited > 10


def test_the_roots_are_scipys(rng):
    a, b = (factor @ factor.T for factor in rng.normal(scale=0.2, size=(2, 3, 3)))
    a_root, b_root = sqrtm(a + RIDGE), sqrtm(b + RIDGE)
    inverse = np.linalg.inv(a_root)
    np.testing.assert_allclose(color_transform(a, b, "image-analogies"), b_root @ inverse, rtol=1e-6, atol=1e-9)
    transport = inverse @ sqrtm(a_root @ (b + RIDGE) @ a_root) @ inverse
    np.testing.assert_allclose(color_transform(a, b, "optimal-transport"), transport, rtol=1e-6, atol=1e-9)


def test_what_tells_the_linear_methods_apart(rng):
    """Cholesky is triangular; optimal transport symmetric, positive, and of all the maps the one that moves least."""
    a, b = (factor @ factor.T for factor in rng.normal(scale=0.2, size=(2, 3, 3)))
    matrices = {method: color_transform(a, b, method) for method in LINEAR_METHODS}
    np.testing.assert_array_equal(np.triu(matrices["cholesky"], 1), 0)
    transport = matrices["optimal-transport"]
    np.testing.assert_allclose(transport, transport.T, atol=1e-12)
    assert np.linalg.eigvalsh(transport).min() > 0
    identity = np.eye(3)
    moved = {m: np.trace((matrix - identity) @ (a + RIDGE) @ (matrix - identity).T) for m, matrix in matrices.items()}
    assert moved["optimal-transport"] < min(moved["cholesky"], moved["image-analogies"])


@pytest.mark.parametrize("method", LINEAR_METHODS)
def test_a_recoloured_picture_has_the_palettes_mean_and_covariance(style, palette, method):
    recolored = match_colors(style, palette, method)
    assert recolored.image.dtype == np.float32
    assert recolored.out_of_gamut == 0
    mean, covariance = color_statistics(recolored.image)
    expected_mean, expected_covariance = color_statistics(palette)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-6)
    np.testing.assert_allclose(covariance, expected_covariance, atol=2 * EPSILON)


def test_statistics_are_numpys_also_in_bands_and_weighed(style, rng, monkeypatch):
    weights = rng.uniform(size=style.shape[:2])
    flat = style.reshape(-1, 3).astype("float64")
    for mask, aweights in ((None, None), (weights, weights.ravel())):
        for band in (color.BAND, 100):
            monkeypatch.setattr(color, "BAND", band)
            mean, covariance = color_statistics(style, mask)
            np.testing.assert_allclose(mean, np.average(flat, axis=0, weights=aweights), rtol=1e-12)
            expected = np.cov(flat.T, bias=True, aweights=aweights)
            np.testing.assert_allclose(covariance, expected, rtol=1e-9, atol=1e-15)


def test_histograms_are_those_of_scikit_image(style, palette):
    expected = skimage.exposure.match_histograms(style, palette, channel_axis=-1)
    np.testing.assert_allclose(match_colors(style, palette, "histogram").image, expected, atol=0.002)


def test_a_flat_style_gets_the_median_by_histogram_and_the_mean_by_the_others(palette):
    flat = np.full((4, 4, 3), 0.3, "float32")
    for method in MATCHING_METHODS:
        center = np.median if method == "histogram" else np.mean
        expected = np.broadcast_to(center(palette, axis=(0, 1)), flat.shape)
        np.testing.assert_allclose(match_colors(flat, palette, method).image, expected, atol=0.01)


@pytest.mark.parametrize("method", MATCHING_METHODS)
def test_a_style_in_its_own_colours_stays_as_it_is(style, method):
    recolored = match_colors(style, style.copy(), method)
    np.testing.assert_allclose(recolored.image, style, atol=1e-5)
    assert recolored.gain == pytest.approx(1)


@pytest.mark.parametrize("method", MATCHING_METHODS)
def test_strength_goes_from_nothing_to_everything(style, palette, method):
    none, half, full = (match_colors(style, palette, method, strength=s).image for s in (0, 0.5, 1))
    np.testing.assert_array_equal(none, style)
    np.testing.assert_allclose(half, (style + full) / 2, atol=1e-6)
    assert np.abs(full - style).max() > 0.05


@pytest.mark.parametrize("method", MATCHING_METHODS)
def test_a_mask_chooses_whose_colours_count(style, palette, method):
    palette_mask = np.zeros(palette.shape[:2], "float32")
    palette_mask[10:] = 1
    masked = match_colors(style, palette, method, palette_mask=palette_mask).image
    np.testing.assert_allclose(masked, match_colors(style, palette[10:], method).image, atol=1e-5)


@pytest.mark.parametrize("method", COLOR_METHODS)
def test_any_picture_keeps_finite_and_in_range(method):
    """Grey, flat, of one pixel: no NaN, nothing outside [0, 1]."""
    pictures = degenerate_pictures()
    for content in pictures.values():
        for style in pictures.values():
            prepared, (recolored,), report = before_transfer(content, [style], method)
            result, _ = after_transfer(prepared, content, method)
            for image in (prepared, recolored, result):
                assert np.isfinite(image).all()
                assert 0 <= image.min() <= image.max() <= 1
            assert all(isinstance(line, str) for line in report)


def test_a_grey_style_gets_the_contents_colours_and_no_others():
    """The line of greys ends near the palette's main axis, though its noise is limited."""
    pictures = degenerate_pictures()
    ramp = np.linspace(0, 1, 600).reshape(20, 30, 1)
    palette = (ramp * (0.2, 0.5, 0.9)).astype("float32")
    palette[..., 0] += 0.05 * np.random.default_rng(2).uniform(-1, 1, (20, 30)) + 0.05
    for method in LINEAR_METHODS:
        recolored = match_colors(pictures["grey with noise"], palette, method)
        assert recolored.gain > MAX_GAIN
        covariance = color_statistics(recolored.image)[1]
        axis, expected = (np.linalg.eigh(matrix)[1][:, -1] for matrix in (covariance, color_statistics(palette)[1]))
        assert abs(axis @ expected) > 0.99


def test_reports_say_what_was_limited_and_clipped(style):
    grey = degenerate_pictures()["grey with noise"]
    contrast = np.clip((style - 0.5) * 8 + 0.5, 0, 1)
    _, _, report = before_transfer(contrast, [contrast, grey], "cholesky")
    assert any(line.startswith("style 2: cholesky would amplify noise") and "limited to 5" in line for line in report)
    assert not any(line.startswith("style 1") for line in report)
    recolored = match_colors(style, contrast)
    report = before_transfer(contrast, [style], "cholesky")[2]
    assert f"style: {recolored.out_of_gamut:.0%} of the pixels were out of gamut" in report[-1]
    unclipped = (style - color_statistics(style)[0]) @ limited_transform(
        color_statistics(style)[1], color_statistics(contrast)[1]
    )[0].T + color_statistics(contrast)[0]
    outside = ((unclipped < -0.5 / 255) | (unclipped > 1 + 0.5 / 255)).any(-1).mean()
    assert 0.01 < outside == pytest.approx(recolored.out_of_gamut)


def test_luminance_is_scikit_images(style):
    np.testing.assert_allclose(luminance(style), skimage.color.rgb2yiq(style)[..., 0], atol=1e-6)


@pytest.mark.parametrize(
    ("to_space", "from_space"),
    [
        (skimage.color.rgb2yiq, skimage.color.yiq2rgb),
        (skimage.color.rgb2yuv, skimage.color.yuv2rgb),
        (skimage.color.rgb2ycbcr, skimage.color.ycbcr2rgb),
    ],
)
@pytest.mark.parametrize("method", ["luminance", "chroma-swap"])
def test_the_contents_colour_returns_as_in_any_such_space(style, palette, rng, method, to_space, from_space):
    content = np.clip(palette[:40, :30], 0.2, 0.8)
    result = np.clip(style[:40, :30], 0.3, 0.7)
    channels = to_space(content)
    channels[..., 0] = to_space(result)[..., 0]
    image, _ = after_transfer(result, content, method)
    np.testing.assert_allclose(image, np.clip(from_space(channels), 0, 1), atol=1e-3)


def test_luminance_matches_mean_and_deviation_in_grey(style, palette):
    content, (grey,), report = before_transfer(palette, [style], "luminance")
    for image in (content, grey):
        np.testing.assert_allclose(image, np.repeat(image[..., :1], 3, axis=-1), atol=1e-6)
    np.testing.assert_allclose(content[..., 0], luminance(palette), atol=1e-6)
    assert grey.mean() == pytest.approx(luminance(palette).mean(), abs=1e-5)
    assert grey[..., 0].std() == pytest.approx(luminance(palette).std(), abs=1e-3)
    assert report == []


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_strength_shares_the_colour_between_transfer_and_content(style, palette, strength):
    """With the prepared style as the transfer's result, 1 − s of its colour and s of the content's are left."""
    style, content = style[:40, :30], palette[:40, :30]
    for method in ("luminance", "chroma-swap"):
        _, (result,), _ = before_transfer(content, [style], method, strength=strength)
        image, _ = after_transfer(result, content, method, strength=strength)
        colors = [picture - luminance(picture)[..., None] for picture in (image, style, content)]
        np.testing.assert_allclose(colors[0], (1 - strength) * colors[1] + strength * colors[2], atol=1e-6)


def test_nothing_changes_without_a_method_and_a_person_can_be_left_out(style, palette):
    content, result = palette[:40, :30], style[:40, :30]
    for method, strength in [(None, 1.0), *((method, 0.0) for method in COLOR_METHODS)]:
        prepared, styles, report = before_transfer(content, [style], method, strength=strength)
        image, lines = after_transfer(result, content, method, strength=strength)
        assert (report, lines) == ([], [])
        for got, expected in ((prepared, content), (styles[0], style), (image, result)):
            np.testing.assert_array_equal(got, expected)
    person = np.zeros((40, 30), "float32")
    person[20:] = 1
    image, _ = after_transfer(result, content, "chroma-swap", mask=person)
    np.testing.assert_array_equal(image[:20], result[:20])
    np.testing.assert_array_equal(image[20:], after_transfer(result, content, "chroma-swap")[0][20:])
    frozen, _ = after_transfer(content, content, "chroma-swap")
    np.testing.assert_array_equal(frozen, content)


@pytest.mark.parametrize("method", COLOR_METHODS)
def test_inputs_stay_as_they_are(style, palette, method):
    content, result, mask = palette[:40, :30], style[:40, :30], np.ones((40, 30), "float32")
    inputs = [content, style, result, mask]
    before = [array.copy() for array in inputs]
    before_transfer(content, [style], method)
    after_transfer(result, content, method, mask=mask)
    for array, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "chol"}, "method must be one of cholesky, .*; got 'chol'. Did you mean 'cholesky'?"),
        ({"method": "luminance"}, "method must be one of .*histogram; got 'luminance'"),
        ({"strength": 1.5}, r"must be a number in \[0, 1\]; got 1.5"),
        ({"strength": np.nan}, "got nan"),
        ({"strength": "all"}, "got 'all'"),
        (
            {"style": np.zeros((4, 4), "float32")},
            r"style must be an array of floats in \[0, 1\], shape \(H, W, 3\); got float32, shape \(4, 4\)",
        ),
        ({"style": np.zeros((4, 4, 3), "uint8")}, "style must be an array of floats .* got uint8"),
        ({"palette": np.full((4, 4, 3), 2.0)}, r"palette must hold values in \[0, 1\]; got 2 to 2"),
        ({"palette": np.full((4, 4, 3), np.nan)}, "palette holds NaN"),
        ({"palette": np.zeros((0, 4, 3))}, "palette must be an array of floats"),
        ({"palette_mask": np.ones((3, 3))}, r"palette_mask must be an array of floats .* shape \(4, 4\); got"),
        ({"palette_mask": np.zeros((4, 4))}, "palette_mask is black everywhere"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    settings = {"style": np.ones((4, 4, 3)), "palette": np.ones((4, 4, 3))} | arguments
    with pytest.raises(ValueError, match=message):
        match_colors(**settings)


def test_preserve_color_is_checked_before_anything_is_done():
    for method in (None, *COLOR_METHODS):
        check_preserve_color(method)
    with pytest.raises(
        ValueError, match=r"preserve_color must be one of .*; got 'Luminence'. Did you mean 'luminance'\?"
    ):
        check_preserve_color("Luminence")
    for wrong in (True, 3, ["cholesky"]):
        with pytest.raises(ValueError, match="preserve_color must be one of"):
            check_preserve_color(wrong)
    with pytest.raises(ValueError, match=r"content must be an array of floats .* shape \(4, 4, 3\); got"):
        after_transfer(np.ones((4, 4, 3)), np.ones((4, 5, 3)), "chroma-swap")
