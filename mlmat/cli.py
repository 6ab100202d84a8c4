"""The command line: a light dispatcher, so that ``mlmat --help`` costs nothing."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "design": ("mlmat.commands.design_options", "mlmat.commands.design", "molecules with the gap you want, verified"),
    "data": ("mlmat.commands.data_options", "mlmat.commands.data", "list, inspect, fetch and verify data sets"),
}
"""Command → (module with `OPTIONS`, module with `run`, one-line help)."""

HELP = """\
mlmat: differentiable machine learning for materials design

usage: mlmat COMMAND [OPTIONS]        mlmat COMMAND --help for each

commands:
{commands}

options:
  --version     print the version
  --debug       show the whole traceback of an error

start here:
  mlmat design                      128 molecules with a gap near 4 eV, judged by GFN2-xTB
  mlmat design --want gap=2..2.5    another range
  mlmat data list                   data sets and where they are
"""

OK, BAD_INPUT, NO_DESIGN, INTERRUPTED = 0, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 ok, 2 bad input, 3 no design survived, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words or bool(os.environ.get("MLMAT_DEBUG"))
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help", "help"):
        lines = (f"  {name:<12}  {text}" for name, (_, _, text) in COMMANDS.items())
        print(HELP.format(commands="\n".join(lines)), end="")
        return OK if words else BAD_INPUT
    if words[0] == "--version":
        from mlmat import __version__

        print(f"mlmat {__version__}")
        return OK
    if words[0] not in COMMANDS:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Commands: {', '.join(COMMANDS)}."
        print(f"mlmat: error: unknown command {words[0]!r}.{hint}", file=sys.stderr)
        return BAD_INPUT
    return _run(words[0], words[1:], debug)


def _run(name: str, words: list[str], debug: bool) -> int:
    """Parse a command's options, run it, and turn its errors into exit codes."""
    import tyro

    from mlmat.errors import MlmatError, NoDesignError

    options_module, run_module, _ = COMMANDS[name]
    try:
        options = tyro.cli(importlib.import_module(options_module).OPTIONS, prog=f"mlmat {name}", args=words)
        return importlib.import_module(run_module).run(options)
    except MlmatError as error:
        if debug:
            raise
        print(f"mlmat: error: {error}", file=sys.stderr)
        return NO_DESIGN if isinstance(error, NoDesignError) else BAD_INPUT
    except KeyboardInterrupt:
        print("mlmat: interrupted; what was finished is kept (mlmat design --resume DIR goes on)", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (silences the flush at exit)
        return OK


if __name__ == "__main__":
    sys.exit(main())
