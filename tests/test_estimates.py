import pytest

from nst_keras.studio import estimate, runs


@pytest.fixture
def clock(monkeypatch):
    """Iterations that take 1 ms and 1 µs for each pixel: what an estimate adds up is then known."""
    monkeypatch.setattr(runs, "_seconds_an_iteration", lambda *_: (1e-3, 1e-6))


def test_it_adds_up_all_stages(clock, photograph, painting):
    found = estimate(photograph, painting, size=192, iterations=50)
    pixels = 128 * 96 + 224 * 160  # with a margin of 16
    assert found.seconds == pytest.approx(runs.START + 50 * (2 * 1e-3 + 1e-6 * pixels))
    assert (found.size, found.iterations) == (192, 100)
    assert 100 <= found.evaluations <= 120
    adam = estimate(photograph, painting, size=192, iterations=50, optimizer="adam")
    assert adam.evaluations == 100
    assert adam.peak_memory < found.peak_memory
    assert str(found).startswith("192 px: 100 iterations, about 105 evaluations, 7 s, ")


def test_tiles_bound_memory(clock, photograph, painting):
    whole, tiled = (
        estimate(photograph, painting, size=2048, optimizer="adam", tile=tile).peak_memory for tile in (None, 256)
    )
    assert tiled < whole / 2


def test_probes_are_real_runs_with_the_same_settings(monkeypatch, photograph, painting):
    monkeypatch.setattr(runs, "PROBES", (48, 64))
    calls = []
    original = runs.style_transfer

    def watched(content, style, **settings):
        calls.append(settings)
        return original(content, style, **settings)

    monkeypatch.setattr(runs, "style_transfer", watched)
    assert estimate(photograph, painting, size=64, preserve_color="luminance").seconds > runs.START
    assert [call["size"] for call in calls] == [48, 64]
    assert all(call["preserve_color"] == "luminance" for call in calls)
    with pytest.raises(ValueError, match="style_weight"):
        estimate(photograph, painting, style_weight=-1)
