"""Runs with checkpoints that are killed and resumed, at more points than the ordinary tests have time for."""

import pytest
from killed_run import kill_and_resume

POINTS = {"lbfgs": 12, "lbfgs-float32": 6, "adam": 6, "gradient-descent": 6}


@pytest.mark.parametrize("optimizer", POINTS)
def test_killed_and_resumed(tmp_path, optimizer, request, tally):
    if not request.config.getoption("--faults"):
        pytest.skip("takes minutes; tests/test_kept_runs.py has some of it, and make faults all")
    saved = kill_and_resume(tmp_path, POINTS[optimizer], seed=1, optimizer=optimizer)
    lost = sum(iterations is None for iterations in saved)
    tally(
        f"runs with checkpoints, killed (`kill -9`) at a random point and resumed, {optimizer}",
        len(saved),
        f"the same bytes as the run left alone; {lost} were killed before they had a folder, and begun anew",
    )
