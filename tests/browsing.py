"""Fixtures of the tests in a browser: headless Chromium driven by Playwright, and a Jupyter server.

With SCREENSHOTS=folder in the environment, pictures of the pages are left there.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS_FOR_A_CELL = 30
SECONDS_FOR_JUPYTER = 120


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        needed = "CI" in os.environ and sys.platform == "linux"
        (pytest.fail if needed else pytest.skip)("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """A folder, and the address of a Jupyter server for it, on a free port, with nobody's settings.

    A test opens JupyterLab in a workspace of its own, `lab/workspaces/NAME/tree/…`: the
    default one opens the notebooks of other tests again.
    """
    folder, own = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(own / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.user_settings_dir={own}/settings", f"--LabApp.workspaces_dir={own}/workspaces"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    overdue = threading.Timer(SECONDS_FOR_JUPYTER, server.kill)
    overdue.start()
    lines = []
    for line in server.stderr:
        lines.append(line)
        if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(lines))
    overdue.cancel()
    threading.Thread(target=server.stderr.read, daemon=True).start()  # so that it never blocks
    yield folder, address[0]
    server.terminate()
    server.wait()


def run_first_cell(page):
    """Run it again if it was lost, as Jupyter loses what is run while it connects to the kernel."""
    from playwright.sync_api import TimeoutError

    done = page.locator(".jp-Notebook .jp-InputPrompt", has_text=re.compile(r"\[\d+\]:")).first
    for _ in range(5):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        with contextlib.suppress(TimeoutError):
            done.wait_for(timeout=1000 * SECONDS_FOR_A_CELL)
            return
    pytest.fail("Jupyter did not run the cell.")


def look(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")
