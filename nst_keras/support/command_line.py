"""The command line's errors and warnings: each is one plain line."""

import argparse
import contextlib
import itertools
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from tqdm.auto import tqdm

from .checks import suggestion


class Parser(argparse.ArgumentParser):
    """A parser that reports an error without the usage, and suggests an option for a mistyped one."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        args, options = sys.argv[1:] if args is None else args, self._option_string_actions
        for word in itertools.takewhile(lambda word: word != "--", args):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                self.error(f"there is no option {name}.{suggestion(name, options)}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n{self.prog} --help lists the options.\n")


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """Print every warning in the `with` block once, in one line, above a progress bar."""
    shown = set()

    def show(message, *_, **__):
        if str(message) not in shown:
            shown.add(str(message))
            tqdm.write(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
