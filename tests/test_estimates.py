import pytest

from nst_keras.studio import estimate, estimates


@pytest.fixture
def clock(monkeypatch):
    """Iterations that take 1 ms and 1 µs for each pixel: what an estimate adds up is then known."""
    monkeypatch.setattr(estimates, "_seconds_an_iteration", lambda *_: lambda pixels: 1e-3 + 1e-6 * pixels)


def test_it_adds_up_all_stages(clock, photograph, painting):
    found = estimate(photograph, painting, size=128, iterations=50, precision="float32")
    pixels = 64 * 43 + 128 * 85
    assert found.seconds == pytest.approx(estimates.START + 50 * (2 * 1e-3 + 1e-6 * pixels))
    assert (found.size, found.iterations) == (128, 100)
    assert 100 <= found.evaluations <= 120
    adam = estimate(photograph, painting, size=128, iterations=50, optimizer="adam")
    assert adam.evaluations == 100
    assert adam.peak_memory < found.peak_memory
    assert str(found).startswith("128 px: 100 iterations, about 105 evaluations, 5 s, ")


def test_the_size_for_a_time_is_the_largest_that_takes_no_longer(clock, photograph, painting):
    found = estimate(photograph, painting, finish_in=60)
    assert found.seconds <= 60 < estimate(photograph, painting, size=found.size + 16).seconds


def test_too_little_time_is_refused_with_what_is_possible(clock, photograph, painting):
    with pytest.raises(ValueError, match=r"finish_in must be at least 5 on this machine: 64 px"):
        estimate(photograph, painting, finish_in=1)
    with pytest.raises(ValueError, match="finish_in must be a finite number above 0"):
        estimate(photograph, painting, finish_in=0)


def test_tiles_bound_memory(clock, photograph, painting):
    whole, tiled = (
        estimate(photograph, painting, size=2048, optimizer="adam", tile=tile).peak_memory for tile in (None, 256)
    )
    assert tiled < whole / 2


def test_probes_are_real_runs_with_the_same_settings(monkeypatch, photograph, painting):
    monkeypatch.setattr(estimates, "PROBES", (48, 64))
    calls = []
    original = estimates.style_transfer

    def watched(content, style, **settings):
        calls.append(settings)
        return original(content, style, **settings)

    monkeypatch.setattr(estimates, "style_transfer", watched)
    assert estimate(photograph, painting, size=64, preserve_color="luminance").seconds > estimates.START
    assert [call["size"] for call in calls] == [48, 64]
    assert all(call["preserve_color"] == "luminance" for call in calls)
    with pytest.raises(ValueError, match="style_weight"):
        estimate(photograph, painting, style_weight=-1)
