import numpy as np
import pytest

from nst_keras import build_network, resize, style_transfer
from nst_keras.large import memory
from nst_keras.networks import precision
from nst_keras.optimize import Stage, stages

LAYERS = ["color", "block1_conv1", "block3_conv1"]


@pytest.mark.parametrize("name", ["lite", "vgg16", "squeezenet1_0"])
def test_features_in_bfloat16_are_nearly_those_in_float32_and_returned_as_float32(name, photograph):
    layers = LAYERS if name != "squeezenet1_0" else ["color", "conv1", "fire4"]
    weights = None if name == "lite" else "random"
    image = resize(photograph, (64, 96))[None]
    exact, rough = (build_network(name, layers, weights=weights, precision=p)(image) for p in precision.PRECISIONS[1:])
    for layer in layers:
        assert rough[layer].dtype == "float32"
        error = np.linalg.norm(rough[layer] - exact[layer]) / np.linalg.norm(exact[layer])
        assert error == 0 if layer == "color" else 1e-5 < error < 0.02


def test_building_leaves_the_policy_of_other_layers_alone():
    import keras

    build_network("lite", LAYERS, precision="bfloat16")
    assert keras.config.dtype_policy().name == "float32"


def test_auto_is_bfloat16_only_where_it_pays_and_the_machine_says_so(monkeypatch):
    for has, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(precision, "_calculates_with_bfloat16", lambda has=has: has)
        assert precision.chosen_precision("auto", "vgg19") == expected
        assert precision.chosen_precision("auto", "lite") == "float32"
        assert precision.chosen_precision("float32", "vgg19") == "float32"
        assert precision.chosen_precision("auto", build_network("lite", LAYERS)) == "float32"


def test_precision_is_checked():
    with pytest.raises(ValueError, match=r"must be one of auto, float32, bfloat16; got 'bfloat61'\. Did you"):
        precision.chosen_precision("bfloat61", "lite")
    with pytest.raises(ValueError, match="precision belongs to the names of networks"):
        precision.chosen_precision("bfloat16", build_network("lite", LAYERS))


def test_a_run_in_bfloat16_ends_in_float32():
    shapes = [(32, 64), (64, 128)]
    assert stages(shapes, 20, "float32") == [Stage(shapes[0], "float32", 20), Stage(shapes[1], "float32", 20)]
    assert stages(shapes, 20, "bfloat16") == [
        Stage(shapes[0], "bfloat16", 20),
        Stage(shapes[1], "bfloat16", 10),
        Stage(shapes[1], "float32", 10),
    ]
    assert stages(shapes[1:], 1, "bfloat16") == [Stage(shapes[1], "float32", 1)]


def test_a_run_in_bfloat16_ends_with_nearly_the_loss_of_float32(photograph, painting):
    """The goal is 2 %; what is more is left to other machines, where other rounding leads to another minimum."""
    totals = {}
    for name in ("float32", "bfloat16"):
        result = style_transfer(photograph, painting, size=96, scales=1, iterations=80, precision=name)
        assert result.settings["precision"] == name
        assert len(result.history) == 80
        totals[name] = min(step.total for step in result.history[-20:])
    assert totals["bfloat16"] <= 1.03 * totals["float32"]


def test_a_run_that_does_not_fit_is_refused_with_numbers(monkeypatch, photograph, painting):
    free = memory.psutil.virtual_memory()._replace(available=10**8)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: free)
    started = []
    with pytest.raises(ValueError, match=r"1024×681 .* 1\.5 GB .* 'lbfgs' takes 0\.9; 0\.1 GB are free.*size=250, opt"):
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


def test_an_estimate_has_a_margin(monkeypatch):
    network = build_network("lite", ["block1_conv1"])
    needed = memory.peak_memory(network, (64, 64), "adam")
    monkeypatch.setattr(memory, "free_memory", lambda: 1.1 * needed)
    with pytest.raises(ValueError, match="would need about"):
        memory.check_memory(network, (64, 64), "adam")
    monkeypatch.setattr(memory, "free_memory", lambda: 1.2 * needed)
    memory.check_memory(network, (64, 64), "adam")
