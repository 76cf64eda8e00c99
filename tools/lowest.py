"""Print the lowest versions that requirements.txt allows; `make lowest` installs them, and runs the tests.

    python tools/lowest.py > out/lowest.txt

The book is left out: it is built with the newest versions only.
"""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"


def lowest(requirements):
    """Return NAME==VERSION for each line NAME>=VERSION,…, up to those of the book."""
    return re.sub(r"^(.+)>=([\d.]+),.*$", r"\1==\2", requirements.partition("# The book")[0], flags=re.MULTILINE)


if __name__ == "__main__":
    print(lowest(REQUIREMENTS.read_text()))
