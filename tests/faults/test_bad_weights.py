"""Files of weights that are damaged, enormous or hostile, and downloads that fail or happen at the same time."""

import faulthandler
import functools
import hashlib
import http.server
import io
import os
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

LAYER = {".npz": ("lite", "block1_conv1"), ".h5": ("squeezenet1_1", "conv1")}
FOUND = sorted((Path(__file__).parent / "found").glob("weights*"))


@functools.cache
def small_network(suffix):
    """The first layer of a network that reads such files."""
    name, layer = LAYER[suffix]
    return build_network(name, [layer], weights="random")


def outcome(path):
    """Whether weights are read; if not, they must be refused by the file's name, and if so, have the right shapes."""
    suffix = ".h5" if Path(path).suffix == ".h5" else ".npz"
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        pretrained.load_weights(small_network(suffix), LAYER[suffix][0], path)
    except ValueError as error:
        assert re.search(rf"weights: {str(path)!r} does not hold weights for {LAYER[suffix][0]}: .", str(error))
        return "refused"
    finally:
        faulthandler.cancel_dump_traceback_later()
    return "read"


def small_files():
    """{suffix: bytes} of valid files with one layer."""
    layers = {suffix: small_network(suffix).get_layer(layer).get_weights() for suffix, (_, layer) in LAYER.items()}
    files = {suffix: io.BytesIO() for suffix in layers}
    np.savez(files[".npz"], **dict(zip(("block1_conv1_kernel", "block1_conv1_bias"), layers[".npz"], strict=True)))
    with h5py.File(files[".h5"], "w") as file:
        old_keras(file, dict(zip(("conv1_W", "conv1_b"), layers[".h5"], strict=True)))
    return {suffix: buffer.getvalue() for suffix, buffer in files.items()}


def old_keras(file, weights, layer="conv1"):
    """A layer in the layout of Keras 1 and 2."""
    file.attrs["layer_names"] = [layer.encode()]
    group = file.create_group(layer)
    group.attrs["weight_names"] = [name.encode() for name in weights]
    for name, values in weights.items():
        group[name] = values


def test_truncations_and_flipped_bits(tmp_path, rng, tries, tally):
    counts = {"refused": 0, "read": 0}
    for suffix, whole in small_files().items():
        path = tmp_path / f"damaged{suffix}"
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
        "weights in .npz and .h5, 60 truncations and 200 flipped bits each",
        sum(counts.values()),
        f"{counts['refused']} refused with the file's name and a reason, {counts['read']} read in the right shapes",
    )


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found(path, monkeypatch):
    monkeypatch.setattr(pretrained, "SECONDS_FOR_H5", 2)
    assert outcome(path) == "refused"


def test_a_file_that_the_hdf5_library_reads_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "SECONDS_FOR_H5", 2)
    (path,) = (path for path in FOUND if "without_end" in path.name)
    with pytest.raises(ValueError, match=f"{path.name}' does not hold .*: it cannot be read within 2 s"):
        build_network("squeezenet1_1", ["conv1"], weights=path)


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


def hostile_npz(folder, executed):
    """Paths of files that lite is asked to read."""
    kernel, bias = "block1_conv1_kernel.npy", "block1_conv1_bias.npy"
    harm = pickle.dumps(Harm(executed))
    np.savez(folder / "pickled.npz", block1_conv1_kernel=np.array([Harm(executed)]), block1_conv1_bias=np.zeros(16))
    (folder / "a pickle.npz").write_bytes(harm)
    (folder / "a pickle.npy").write_bytes(array_header((1,), "|O") + harm)
    npz(folder / "slip.npz", **{"../slipped.npy": array_header((3,)) + bytes(12), "/tmp/slipped.npy": b""})
    npz(folder / "zeros.npz", **{kernel: array_header((3, 3, 3, 16)) + bytes(300_000_000), bias: b""})
    npz(folder / "claim.npz", **{kernel: array_header((10**6, 10**6)), bias: array_header((16,)) + bytes(64)})
    npz(folder / "code.npz", **{kernel: array_header("__import__('os').abort()"), bias: b""})
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Lambda(eval(f"lambda x: open({str(executed)!r}, 'w') and x"))]
    )
    model.save(folder / "lambda.keras")
    return sorted(folder.iterdir())


def hostile_h5(folder, executed):
    """Paths of files that SqueezeNet is asked to read."""
    folder.mkdir()
    for name, options in {
        "terabytes": {"shape": (10**6, 10**6), "chunks": (100, 100)},
        "zeros": {"shape": (3, 3, 3, 20_000_000), "chunks": (3, 3, 3, 100_000), "compression": "gzip"},
        "another shape": {"shape": (3, 3, 64, 3)},
        "texts": {"shape": (3, 3, 3, 64), "dtype": h5py.string_dtype()},
    }.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            old_keras(file, {})
            file["conv1"].create_dataset("W", **options)
            file["conv1"].attrs["weight_names"] = ["W"]
    with h5py.File(folder / "loop.h5", "w") as file:
        old_keras(file, {})
        file["conv1"]["W"] = h5py.SoftLink("/conv1/W")
        file["conv1"].attrs["weight_names"] = ["W"]
    with h5py.File(folder / "elsewhere.h5", "w") as file:
        old_keras(file, {})
        file["conv1"]["W"] = h5py.ExternalLink("/etc/passwd", "/")
        file["conv1"].attrs["weight_names"] = ["W"]
    (folder / "a pickle.h5").write_bytes(pickle.dumps(Harm(executed)))
    return sorted(folder.iterdir())


def test_hostile_weights_are_refused_and_not_executed(tmp_path, tries, tally):
    executed = tmp_path / "executed"
    (tmp_path / "files").mkdir()
    hostile = hostile_npz(tmp_path / "files", executed) + hostile_h5(tmp_path / "h5", executed)
    executed.unlink(missing_ok=True)  # making the Lambda may have called it
    for suffix in LAYER:
        small_network(suffix)
    for path in hostile:
        with memory_grows_by_less_than(100):
            assert outcome(path) == "refused", path
    for path in hostile[:: tries(1, 8)]:
        with pytest.raises(ValueError, match=rf"weights: .*{path.name}' does not hold weights for vgg16"):
            build_network("vgg16", ["block1_conv1"], weights=path)
    assert not executed.exists()
    assert not list(tmp_path.rglob("slipped*"))
    assert not Path("/tmp/slipped.npy").exists()
    tally(
        "hostile weights: pickles, a Lambda, zip slip, terabytes in h5, links",
        len(hostile),
        "none executed, all refused; memory grew by less than 100 MB",
    )


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server of weights, in place of Keras': it serves `server.data`, to all of `server.clients` at once."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            half = len(server.data) // 2
            self.send_response(200 if server.data else 404)
            self.send_header("Content-Length", str(server.length or len(server.data)))
            self.end_headers()
            self.wfile.write(server.data[:half])
            server.clients.wait()  # so that all of them have begun before one can end
            self.wfile.write(server.data[half:])

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.length, server.clients = bytes(range(256)) * 1000, None, threading.Barrier(1)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(pretrained, "VGG_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/{{0}}/{{1}}")
    monkeypatch.setitem(pretrained.VGG_WEIGHTS_MD5, "vgg16", hashlib.md5(server.data).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    yield server
    server.shutdown()


PLACE = Path("models", pretrained.VGG_WEIGHTS_FILE.format("vgg16"))


def test_downloads_that_fail_are_refused_with_url_and_path(server, tmp_path, tally):
    whole, good = server.data, tmp_path / PLACE
    faults = {"absent": b"", "other bytes": whole[::-1], "cut short": whole[:1000]}
    for name, data in faults.items():
        server.data, server.length = data, len(whole) if name == "cut short" else None
        expected = rf"could not be downloaded \(.+\). Put http://127\S+\.h5 at {re.escape(str(good))}, or use"
        with pytest.raises(ValueError, match=expected):
            build_network("vgg16")
        assert list(good.parent.iterdir()) == [], "nothing is left that is not good"
    server.data, server.length = whole, None
    good.write_bytes(whole[:1000])  # as an interrupted download of Keras itself leaves it
    assert pretrained._downloaded_vgg("vgg16") == good
    assert good.read_bytes() == whole
    server.data = b""
    assert pretrained._downloaded_vgg("vgg16") == good  # without a server
    tally(
        "downloads: absent, other bytes, cut short, a damaged file there already",
        4,
        "refused with URL and path; mended",
    )


def download(url, md5, home):
    """In a process of its own."""
    pretrained.VGG_WEIGHTS_URL, pretrained.VGG_WEIGHTS_MD5["vgg16"], os.environ["KERAS_HOME"] = url, md5, home
    pretrained._downloaded_vgg("vgg16")


def test_four_processes_download_at_once_and_one_good_file_is_there(server, tmp_path, children, tally):
    server.clients = threading.Barrier(4)
    arguments = pretrained.VGG_WEIGHTS_URL, pretrained.VGG_WEIGHTS_MD5["vgg16"], str(tmp_path)
    downloads = [children.Process(target=download, args=arguments) for _ in range(4)]
    for process in downloads:
        process.start()
    for process in downloads:
        process.join()
    assert [process.exitcode for process in downloads] == [0, 0, 0, 0]
    assert (tmp_path / PLACE).read_bytes() == server.data
    assert os.listdir(tmp_path / "models") == [PLACE.name]
    tally("processes that download at once", 4, "all have their weights; one good file at the end")
