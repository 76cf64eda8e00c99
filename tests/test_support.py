"""Checks of arguments, files, threads: what is not about style."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl

from nst_keras import load_image, save_image
from nst_keras.support import threads
from nst_keras.support.checks import checked_number, checked_whole, suggestion
from nst_keras.support.files import check_new_folder, new_folder, read_arrays, read_state, write_arrays
from nst_keras.support.threads import one_thread


@pytest.mark.parametrize("value", [2**63, 10**400, -(2**64), float("inf"), True, "1", None, np.array(1.0), 1j])
def test_numbers_of_any_size_and_kind_are_named(value):
    if value == 2**63:
        assert checked_number("weight", value) == float(2**63)
        return
    with pytest.raises(ValueError, match="weight must be a finite number of at least 0; got"):
        checked_number("weight", value, minimum=0)


def test_whole_numbers_have_an_upper_bound():
    assert checked_whole("size", np.int64(512), 32) == 512
    with pytest.raises(ValueError, match="size must be at most 2147483648; got 1000"):
        checked_whole("size", 10**39, 32)


@pytest.mark.parametrize("name", ["conv4_2", "relu4_2", "conv_4_2"])
def test_layer_names_of_other_projects_are_understood(name):
    assert suggestion(name, ["block4_conv1", "block4_conv2"]) == " Did you mean 'block4_conv2'?"


@pytest.mark.parametrize("folder", [5, [], b"x", "", "\0", "x" * 300])
def test_folders_that_cannot_be_are_named(folder):
    with pytest.raises(ValueError, match=r"^folder "):
        check_new_folder(folder)


def test_a_folder_that_another_run_filled_meanwhile_is_kept(tmp_path):
    with pytest.raises(ValueError, match="has something in it; nothing is overwritten"), new_folder(tmp_path / "run"):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "theirs.txt").write_text("theirs")
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "theirs.txt"]


def test_the_longest_legal_name_can_be_written(tmp_path, photograph):
    path = tmp_path / ("x" * 251 + ".png")
    save_image(photograph, path)
    assert load_image(path).shape == photograph.shape
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_arrays_and_their_record_come_back_on_every_numpy(tmp_path):
    """NumPy before 2.2 stores an unknown keyword of `savez` as an array."""
    arrays = {"a": np.arange(6.0).reshape(2, 3)}
    write_arrays(tmp_path / "state.npz", arrays, {"level": 3})
    record, again = read_state(tmp_path / "state.npz", {"level": int}, ["a"])
    assert record == {"level": 3}
    np.testing.assert_equal(again, arrays)
    assert set(read_arrays(tmp_path / "state.npz")) == {"a", "json"}


def test_two_threads_that_overlap_leave_blas_as_it_was(monkeypatch):
    """With a library whose limit is the process's: the first run ends first, and has set what the second remembers."""
    threads_of_blas = [2]

    class Limits:
        def __init__(self, limit, user_api):
            self.before, threads_of_blas[0] = threads_of_blas[0], limit

        def restore_original_limits(self):
            threads_of_blas[0] = self.before

    monkeypatch.setattr(threads, "threadpool_limits", Limits)
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    assert threads_of_blas == [1]
    first.__exit__(None, None, None)
    assert threads_of_blas == [1]  # or the second run would have other rounding errors from now on
    second.__exit__(None, None, None)
    assert threads_of_blas == [2]


def threads_of_blas():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_meanwhile():
    before = threads_of_blas()
    with pytest.raises(KeyboardInterrupt), one_thread():
        assert threads_of_blas() == {1}
        raise KeyboardInterrupt
    assert threads_of_blas() == before


def test_a_thread_that_lives_on_after_its_run_leaves_blas_to_others():
    """As a desk's thread does; threadpoolctl 3.8 gives a limit's setting to the thread that set one first."""
    before = threads_of_blas()
    with ThreadPoolExecutor(1) as desk:

        def run():
            with one_thread():
                return threads_of_blas()

        assert desk.submit(run).result() == {1}
        assert threads_of_blas() == before
        assert run() == {1}
        with one_thread():
            assert desk.submit(run).result() == {1}
        assert threads_of_blas() == before
