import pytest

from nst_keras import build_network, style_transfer
from nst_keras.large import memory
from nst_keras.large.tiles import Tiling


def test_a_run_that_does_not_fit_is_refused_with_numbers(monkeypatch, photograph, painting):
    free = memory.psutil.virtual_memory()._replace(available=10**8)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: free)
    started = []
    with pytest.raises(ValueError, match=r"1024×681 .* 1\.3 GB .* 'lbfgs' takes 0\.7; 0\.1 GB are free.*size=268, opt"):
        style_transfer(photograph, painting, size=1024, callback=started.append)
    assert started == []


def test_a_container_has_the_memory_of_its_limit(monkeypatch, tmp_path):
    """The kernel ends a program that takes more, however much is free on the machine."""
    monkeypatch.setattr(memory, "CONTAINER_LIMITS", (str(tmp_path / "none"), str(tmp_path / "limit")))
    available = memory.free_memory()
    (tmp_path / "limit").write_text("max\n")
    assert memory.free_memory() == pytest.approx(available, rel=0.1)
    used = memory.psutil.Process().memory_info().rss
    (tmp_path / "limit").write_text(f"{used + 10**8}\n")
    assert memory.free_memory() == pytest.approx(10**8, abs=10**7)
    (tmp_path / "limit").write_text("1000")
    assert memory.free_memory() == 0


def test_tiles_are_advised_where_they_help(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 10**6)
    network = build_network("lite", ["block1_conv1"])
    for tile, may_tile in ((None, True), (None, False), (64, True)):
        with pytest.raises(ValueError, match="What helps") as refused:
            memory.check_memory(network, (640, 640), "adam", tile, result=(640, 640), may_tile=may_tile)
        assert ("tile=" in str(refused.value)) == (tile is None and may_tile)


def test_in_tiles_the_network_takes_the_memory_of_one_crop():
    layers, shape, tile = ["block3_conv1"], (512, 640), 64
    network = build_network("lite", layers)
    crop = Tiling(network, shape, tile, dict.fromkeys(layers, 0)).crop
    assert tile < min(crop) and max(crop) < 128
    of_crop, alone = (memory.peak_memory(network, size, "adam", t) for size, t in ((crop, None), (shape, tile)))
    pictures = 3 * (memory.BYTES_A_VARIABLE["adam"] + 4 * memory.PICTURES)  # bytes a pixel
    assert alone - of_crop == pictures * (shape[0] * shape[1] - crop[0] * crop[1])


def test_an_estimate_has_a_margin(monkeypatch):
    network = build_network("lite", ["block1_conv1"])
    needed = memory.peak_memory(network, (64, 64), "adam")
    monkeypatch.setattr(memory, "free_memory", lambda: 1.1 * needed)
    with pytest.raises(ValueError, match="would need about"):
        memory.check_memory(network, (64, 64), "adam", None, result=(64, 64))
    monkeypatch.setattr(memory, "free_memory", lambda: 1.2 * needed)
    memory.check_memory(network, (64, 64), "adam", None, result=(64, 64))


def test_a_run_that_reads_only_the_colours_has_an_estimate(photograph, painting):
    """Such a network has no layer of weights."""
    layers = ["color"]
    result = style_transfer(
        photograph, painting, size=64, iterations=2, content_layers=layers, style_layers=layers, optimizer="adam"
    )
    assert result.history[-1].total < result.history[0].total
    few, many = (memory.peak_memory(build_network("lite", layers), (64, side), "adam") for side in (64, 128))
    assert 0 < few == many / 2
