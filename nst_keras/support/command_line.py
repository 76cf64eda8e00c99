"""The command line's errors and warnings: each is one plain line."""

import argparse
import contextlib
import io
import itertools
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from tqdm.auto import tqdm

from .checks import suggestion

LOSS_WEIGHTS = {  # options of every command that minimises losses
    "content_weight": {"type": float, "help": "a larger weight keeps more of the photograph"},
    "style_weight": {"type": float, "help": "a larger weight gives more style"},
    "tv_weight": {"type": float, "help": "a larger weight gives a smoother picture"},
}


class Parser(argparse.ArgumentParser):
    """A parser that reports an error without the usage, and suggests an option for a mistyped one."""

    def add_settings(self, options: dict[str, dict], defaults: dict[str, Any], shown: dict[str, str]) -> None:
        """Add `options`, {name: arguments of `add_argument`}; each help ends with the default, or what is `shown`."""
        for name, option in options.items():
            default = shown.get(name, defaults[name])
            told = "" if default is None else f" (default: {default})"
            option = option | {"default": defaults[name], "help": option["help"] + told}
            self.add_argument("--" + name.replace("_", "-"), **option)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        args, options = sys.argv[1:] if args is None else args, self._option_string_actions
        for word in itertools.takewhile("--".__ne__, args):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                self.error(f"there is no option {name}.{suggestion(name, options)}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n{self.prog} --help lists the options.\n")


@contextlib.contextmanager
def plain_console() -> Iterator[None]:
    """Print every warning in the `with` block once, in one line; let SIGTERM end it as Ctrl-C does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console may lack "×"
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    shown = set()

    def show(message, *_, **__):
        if str(message) not in shown:
            shown.add(str(message))
            tqdm.write(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
