"""The command line: nst-keras, or python -m nst_keras, CONTENT STYLE -o OUTPUT; and the commands train and apply."""

import os
import sys
from collections.abc import Sequence

from .support.checks import suggestion
from .support.command_line import plain_console

COMMANDS = ("train", "apply")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if all is done, 2 after an error, 130 after an interrupt."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = arguments[0] if arguments else ""
    hint = suggestion(command, COMMANDS)
    if hint and command not in COMMANDS and command.isalpha() and not os.path.exists(command):
        print(f"error: {command!r} is neither a picture nor a command.{hint}", file=sys.stderr)
        return 2
    if command in COMMANDS:
        from .feedforward.command import main as run
    else:
        from .studio.command import main as run
    with plain_console():
        try:
            return run(arguments)
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:  # files already written are complete; `train --checkpoint` has saved its state
            print("stopped", file=sys.stderr)
            return 130


if __name__ == "__main__":
    sys.exit(main())
