"""Print the lowest versions that the requirements allow; `make lowest` installs them, and runs the tests.

    python tools/lowest.py > out/lowest.txt

The book is left out: it is built with the newest versions only.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lowest(requirements):
    """Return NAME==VERSION for each line NAME>=VERSION,…, up to those of the book; leave out lines like -e."""
    lines = re.sub(r"^-.*\n", "", requirements.partition("# The book")[0], flags=re.MULTILINE)
    return re.sub(r"^(.+)>=([\d.]+),.*$", r"\1==\2", lines, flags=re.MULTILINE)


def requirements():
    """Return the text of requirements.txt, and after it that of requirements-dev.txt."""
    return "".join((ROOT / f"requirements{kind}.txt").read_text(encoding="utf-8") for kind in ("", "-dev"))


if __name__ == "__main__":
    print(lowest(requirements()))
