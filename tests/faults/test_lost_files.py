"""Saving: killed in the middle, on a full disk, into a folder that cannot be written to, over an input."""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from nst_keras import __main__ as command_line
from nst_keras import save_image
from nst_keras.studio import command

SUFFIXES = (".png", ".jpg", ".webp", ".bmp", ".tiff")


def noise(number):
    return np.random.default_rng(number).uniform(size=(60, 80, 3)).astype("float32")


class Killed:
    """Counts the lines of Python that are executed; at the last the process kills itself, as `kill -9` would."""

    def __init__(self, last=None):
        self.count, self.last = 0, last

    def __call__(self, frame, event, argument):
        self.count += event == "line"
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return self


def save_and_die(path, line, size):
    """In a process of its own: it dies at a line, or when the file would grow beyond a size."""
    if size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    else:
        sys.settrace(Killed(line))
    save_image(noise(1), path)


def test_a_killed_save_leaves_the_old_file_or_the_new_one(tmp_path, children, rng, tries, tally):
    outcomes = []
    for number in range(tries(20, 5)):
        path = tmp_path / str(number) / f"picture{SUFFIXES[number % len(SUFFIXES)]}"
        path.parent.mkdir()
        save_image(noise(1), path)
        new = path.read_bytes()
        save_image(noise(0), path)
        old = path.read_bytes()
        lines = Killed()
        sys.settrace(lines)
        save_image(noise(0), path)
        sys.settrace(None)
        size = int(rng.integers(1, len(new))) if number % 2 else None
        first = 1 if number % 4 else lines.count - 5  # some when the new file has its name already
        line = int(rng.integers(first, lines.count))
        process = children.Process(target=save_and_die, args=(path, line, size))
        process.start()
        process.join()
        assert process.exitcode == -(signal.SIGXFSZ if size else signal.SIGKILL)
        outcomes.append({old: "old", new: "new"}[path.read_bytes()])
    tally(
        "saves that were killed, in 5 formats, at a random line or byte",
        len(outcomes),
        f"{outcomes.count('old')} old files intact, {outcomes.count('new')} new ones whole",
    )


def save_and_tell(path, size, user, answer):
    """In a process of its own: what saving says, where files may not grow, or to a user without rights."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if user:
        os.setuid(user)
    try:
        save_image(noise(1), path)
    except (OSError, ValueError) as error:
        answer.put(f"{type(error).__name__}: {error}")
    else:
        answer.put("saved")


def saving(children, path, size=-1, user=None):
    answer = children.SimpleQueue()
    process = children.Process(target=save_and_tell, args=(path, size, user, answer))
    process.start()
    process.join()
    assert process.exitcode == 0
    return answer.get()


def test_a_full_disk_leaves_the_old_file(tmp_path, children, tries, tally):
    """Files that may not grow are what every system has; a disk of 4 kB takes a superuser."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", disk]).returncode == 0
    )
    try:
        places = [(tmp_path, 1000, "File too large")] + [(disk, -1, "No space left on device")] * mounted
        for folder, size, why in places:
            for suffix in SUFFIXES[:: tries(1, 2)]:
                path = folder / f"picture{suffix}"
                path.write_bytes(b"older")
                answer = saving(children, path, size)
                assert re.match(rf"OSError: '{re.escape(str(path))}' could not be written: .*{why}", answer)
                assert path.read_bytes() == b"older"
                path.unlink()
                assert [file for file in folder.iterdir() if file != disk] == []
    finally:
        if mounted:
            subprocess.run(["umount", disk], check=True)
    kinds = "files that may not grow, and a full disk" if mounted else "files that may not grow"
    tally(
        f"{kinds}, 5 formats", len(places) * len(SUFFIXES), "an error with the name; old file intact, nothing beside it"
    )


def test_a_folder_without_the_right_to_write(children, tally):
    """A superuser has that right everywhere, and gives it up here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        path.write_bytes(b"older")
        os.chmod(folder, 0o555)
        answer = saving(children, path, user=None if os.geteuid() else 65534)
        os.chmod(folder, 0o755)
        assert answer == f"ValueError: output {str(path)!r}: nothing may be written into the folder {folder!r}."
        assert path.read_bytes() == b"older"
    tally("a folder without the right to write", 1, "refused before any work; old file intact")


def test_nothing_is_written_over_an_input(tmp_path, capsys, monkeypatch, tally):
    monkeypatch.setattr(command, "style_transfer", lambda *a, **o: pytest.fail("the run began"))
    monkeypatch.chdir(tmp_path)
    original = (ROOT / "images" / "cat.jpg").read_bytes()
    Path("cat.jpg").write_bytes(original)
    Path("other.jpg").symlink_to("cat.jpg")
    Path("twin.jpg").hardlink_to("cat.jpg")
    Path("folder").mkdir()
    night = str(ROOT / "images" / "impasto_night.jpg")
    outputs = ("cat.jpg", "./cat.jpg", "folder/../cat.jpg", str(tmp_path / "cat.jpg"), "other.jpg", "twin.jpg")
    inputs = {
        "content": ["cat.jpg", night],
        "style": [night, "cat.jpg"],
        "mask": [night, night, "--mask", "cat.jpg"],
        "init": [night, night, "--init", "cat.jpg"],
    }
    for arguments in inputs.values():
        for output in outputs:
            for target in (["-o", output], ["-o", "new.png", "--comparison", output]):
                assert command_line.main([*arguments, *target]) == 2
                assert "is one of the input pictures" in capsys.readouterr().err
    assert Path("cat.jpg").read_bytes() == original
    tally(
        "outputs that are an input: by path, symbolic link, hard link",
        len(inputs) * len(outputs) * 2,
        "refused; intact",
    )
