"""A run with checkpoints that is killed, and goes on: `kill_and_resume`, and the child process that dies.

A point of a run is a call or return of a function in the modules that optimise and write: so that also the moments
within a checkpoint, before and after a file gets its name, have their turn.
"""

import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np

from nst_keras import optimize, style_transfer
from nst_keras.studio import resume

ROOT = Path(__file__).parent.parent
WATCHED = re.compile(r"nst_keras.(optimize|results.recorder|results.runs|support.files)\.py")
SETTINGS = {"size": 64, "iterations": 14}
EVERY = 3  # iterations between checkpoints
INPUTS = [str(ROOT / "images" / name) for name in ("cat.jpg", "impasto_night.jpg")]


def run(folder, **settings):
    with mock.patch.object(optimize, "CHECKPOINT_EVERY", EVERY):
        return style_transfer(*INPUTS, checkpoint=folder, **SETTINGS | settings)


def counting(last=None):
    """Count the points from now on; at the `last` one the process kills itself, as `kill -9` would."""
    seen, watched = [0], functools.cache(WATCHED.search)

    def profile(frame, event, argument):
        if watched(frame.f_code.co_filename):
            seen[0] += 1
            if seen[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(profile)
    return seen


def kill_and_resume(folder, points, seed=0, **settings):
    """Kill a run at `points` random points, resume it, and assert that the result is that of a run left alone.

    Parameters
    ----------
    folder : pathlib.Path
        Empty; the runs are left in it.
    points : int
    seed : int
    settings
        Of `style_transfer`, such as the optimizer; small ones by default.

    Returns
    -------
    list of int
        Iterations that had been saved at each point; None where not even the folder was there yet.
    """
    seen = counting()
    whole = run(folder / "whole", **settings)
    sys.setprofile(None)
    saved = []
    for number, point in enumerate(np.random.default_rng(seed).integers(1, seen[0], points)):
        killed = folder / f"killed {number}"
        command = [sys.executable, __file__, str(killed), str(point), json.dumps(settings)]
        child = subprocess.run(command, capture_output=True, text=True)
        assert child.returncode == -signal.SIGKILL, child.stderr
        begun = (killed / "run.json").exists()
        assert begun == killed.exists(), "a folder with its name is a whole one"
        saved.append(_saved(killed) if begun else None)
        with mock.patch.object(optimize, "CHECKPOINT_EVERY", EVERY):
            result = resume(killed) if begun else run(killed, **settings)
        np.testing.assert_array_equal(result.image, whole.image)
        assert result.notes == whole.notes
        assert result.settings == whole.settings
        assert [step.total for step in result.history] == [step.total for step in whole.history]
        assert [step.evaluations for step in result.history] == [step.evaluations for step in whole.history]
        assert (killed / "result.npz").read_bytes() == (folder / "whole" / "result.npz").read_bytes()
        assert (killed / "result.png").read_bytes() == (folder / "whole" / "result.png").read_bytes()
    return saved


def _saved(folder):
    path = folder / "checkpoint.npz"
    if not path.exists():
        return 0
    with np.load(path, allow_pickle=False) as arrays:
        return len(json.loads(arrays["json"].tobytes())["history"])


if __name__ == "__main__":
    counting(int(sys.argv[2]))
    run(Path(sys.argv[1]), **json.loads(sys.argv[3]))
