"""Files of weights that are damaged, enormous or hostile, and downloads that fail."""

import faulthandler
import functools
import hashlib
import http.server
import io
import pickle
import re
import threading
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import memory_grows_by_less_than

from nst_keras import build_network
from nst_keras.networks import weights as pretrained

LAYERS = {"lite": "block1_conv1", "vgg16": "block1_conv1", "squeezenet1_1": "conv1"}
FOUND = sorted((Path(__file__).parent / "found").glob("weights*"))


@functools.cache
def small_network(name):
    """The first layer of a network."""
    return build_network(name, [LAYERS[name]], weights="random")


def outcome(path, name="lite"):
    """Whether weights are read; if not, they must be refused by the file's name, and if so, have the right shapes."""
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        pretrained.load_weights(small_network(name), name, path)
    except ValueError as error:
        assert re.search(rf"weights: {re.escape(repr(str(path)))} does not hold weights for {name}: .", str(error))
        return "refused"
    finally:
        faulthandler.cancel_dump_traceback_later()
    return "read"


def small_files():
    """Bytes of valid files with the layer of lite: as float32, as float16 and compressed."""
    kernel, bias = small_network("lite").get_layer(LAYERS["lite"]).get_weights()
    files = [io.BytesIO(), io.BytesIO()]
    np.savez(files[0], block1_conv1_kernel=kernel, block1_conv1_bias=bias)
    half = {"block1_conv1_kernel": kernel.astype("float16"), "block1_conv1_bias": bias.astype("float16")}
    np.savez_compressed(files[1], **half)
    return [file.getvalue() for file in files]


def test_truncations_and_flipped_bits(tmp_path, rng, tries, tally):
    counts = {"refused": 0, "read": 0}
    path = tmp_path / "damaged.npz"
    for whole in small_files():
        path.write_bytes(whole)
        assert outcome(path) == "read"
        for length in rng.integers(0, len(whole), tries(60, 8)):
            path.write_bytes(whole[:length])
            assert outcome(path) == "refused"
            counts["refused"] += 1
        for number in range(tries(200, 20)):
            damaged = bytearray(whole)
            damaged[int(rng.integers(0, 1000 if number % 2 else len(whole)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            counts[outcome(path)] += 1
    tally(
        "weights in .npz, as they are and compressed, 60 truncations and 200 flipped bits each",
        sum(counts.values()),
        f"{counts['refused']} refused with the file's name and a reason, {counts['read']} read in the right shapes",
    )


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found(path):
    assert outcome(path) == "refused"


class Harm:
    """What leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def array_header(shape, kind="<f4"):
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def hostile_files(folder, executed):
    """Paths of files that networks are asked to read."""
    kernel, bias = "block1_conv1_kernel.npy", "block1_conv1_bias.npy"
    harm = pickle.dumps(Harm(executed))
    np.savez(folder / "pickled.npz", block1_conv1_kernel=np.array([Harm(executed)]), block1_conv1_bias=np.zeros(16))
    (folder / "a pickle.npz").write_bytes(harm)
    (folder / "a pickle.npy").write_bytes(array_header((1,), "|O") + harm)
    npz(folder / "slip.npz", **{"../slipped.npy": array_header((3,)) + bytes(12), "/tmp/slipped.npy": b""})
    npz(folder / "zeros.npz", **{kernel: array_header((3, 3, 3, 16)) + bytes(300_000_000), bias: b""})
    npz(folder / "claim.npz", **{kernel: array_header((10**6, 10**6)), bias: array_header((16,)) + bytes(64)})
    npz(folder / "code.npz", **{kernel: array_header("__import__('os').abort()"), bias: b""})
    texts = np.full((3, 3, 3, 16), "text")
    np.savez(folder / "texts.npz", block1_conv1_kernel=texts, block1_conv1_bias=np.zeros(16))
    np.savez(folder / "another shape.npz", block1_conv1_kernel=np.zeros((3, 3, 16, 3)), block1_conv1_bias=np.zeros(16))
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Lambda(eval(f"lambda x: open({str(executed)!r}, 'w') and x"))]
    )
    model.save(folder / "lambda.keras")
    (folder / "not arrays.npz").write_bytes((folder / "lambda.keras").read_bytes())
    return sorted(folder.iterdir())


def test_hostile_weights_are_refused_and_not_executed(tmp_path, tries, tally):
    executed = tmp_path / "executed"
    (tmp_path / "files").mkdir()
    hostile = hostile_files(tmp_path / "files", executed)
    executed.unlink(missing_ok=True)  # making the Lambda may have called it
    for name in LAYERS:
        small_network(name)
    for name in LAYERS:
        for path in hostile:
            with memory_grows_by_less_than(100):
                assert outcome(path, name) == "refused", path
    for path in hostile[:: tries(1, 8)]:
        with pytest.raises(ValueError, match=rf"weights: .*{path.name}' does not hold weights for vgg16"):
            build_network("vgg16", ["block1_conv1"], weights=path)
    assert not executed.exists()
    assert not list(tmp_path.rglob("slipped*"))
    assert not Path("/tmp/slipped.npy").exists()
    tally(
        "hostile weights: pickles, a Lambda, zip slip, terabytes, other formats",
        len(hostile),
        "none executed, all refused; memory grew by less than 100 MB",
    )


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server of weights, in place of Keras': it serves `server.data`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if server.data else 404)
            self.send_header("Content-Length", str(server.length or len(server.data)))
            self.end_headers()
            self.wfile.write(server.data)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.length = bytes(range(256)) * 1000, None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(pretrained, "VGG_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/{{0}}/{{1}}")
    monkeypatch.setitem(pretrained.VGG_WEIGHTS_MD5, "vgg16", hashlib.md5(server.data).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    yield server
    server.shutdown()


def test_downloads_that_fail_are_refused_with_url_and_path(server, tmp_path, tally):
    whole, good = server.data, tmp_path / "models" / pretrained.VGG_WEIGHTS_FILE.format("vgg16")
    expected = rf"could not be downloaded \(.+\). Put http://127\S+\.h5 at {re.escape(str(good))}, or use"
    faults = {"absent": b"", "cut short": whole[:1000], "other bytes": whole[::-1]}
    for name, data in faults.items():
        server.data, server.length = data, len(whole) if name == "cut short" else None
        with pytest.raises(ValueError, match=expected):
            build_network("vgg16")
    server.data, server.length = b"", None
    with pytest.raises(ValueError, match=expected):  # the other bytes are still there, and are not used
        build_network("vgg16")
    for before in (b"", whole[:1000], whole[::-1]):
        good.write_bytes(before)  # as a download that was interrupted may leave it
        server.data = whole
        assert Path(pretrained._downloaded_vgg("vgg16")) == good
        assert good.read_bytes() == whole
    tally(
        "downloads: absent, other bytes, cut short, a damaged file there already",
        7,
        "refused with URL and path; mended",
    )


def test_a_file_put_by_hand_is_found_without_a_server(server, tmp_path):
    good = tmp_path / "models" / pretrained.VGG_WEIGHTS_FILE.format("vgg16")
    good.parent.mkdir()
    good.write_bytes(server.data)
    server.data = b""
    assert Path(pretrained._downloaded_vgg("vgg16")) == good


def test_the_downloaded_file_is_read(monkeypatch, tmp_path):
    """Written here in the layout of the published file, that of Keras 1 and 2; its own hash is expected."""
    reference = keras.applications.VGG16(include_top=False, weights=None)
    good = tmp_path / "models" / pretrained.VGG_WEIGHTS_FILE.format("vgg16")
    good.parent.mkdir()
    with h5py.File(good, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in reference.layers]
        for layer in reference.layers:
            names = [f"{layer.name}_{part}_1:0" for part in "Wb"] if layer.weights else []
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, layer.get_weights(), strict=True):
                group[name] = values
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setitem(pretrained.VGG_WEIGHTS_MD5, "vgg16", hashlib.md5(good.read_bytes()).hexdigest())
    network = build_network("vgg16", ["block1_conv2"])
    for layer in ("block1_conv1", "block1_conv2"):
        expected = reference.get_layer(layer).get_weights()
        for values, published in zip(network.get_layer(layer).get_weights(), expected, strict=True):
            np.testing.assert_array_equal(values, published)
