"""The command line: a light dispatcher, so that ``mlmat --help`` costs nothing."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from mlmat.interrupts import heard

COMMANDS = {
    "design": (
        "mlmat.commands.design_options",
        "mlmat.commands.design",
        "molecules with the gap you want, each judged by quantum chemistry",
    ),
    "train": (
        "mlmat.commands.train_options",
        "mlmat.commands.train",
        "a predictor from your own table or structures, beside baselines",
    ),
    "predict": (
        "mlmat.commands.predict_options",
        "mlmat.commands.predict",
        "properties of molecules or structures, a million of them if need be",
    ),
    "screen": (
        "mlmat.commands.screen_options",
        "mlmat.commands.screen",
        "properties of a million crystals made by substitution, in files that resume",
    ),
    "relax": (
        "mlmat.commands.relax_options",
        "mlmat.commands.relax",
        "structures and cells at rest, by a trained or classical potential",
    ),
    "md": (
        "mlmat.commands.md_options",
        "mlmat.commands.md",
        "molecular dynamics by a trained or classical potential",
    ),
    "learn": (
        "mlmat.commands.learn_options",
        "mlmat.commands.learn",
        "a potential that explores by dynamics and asks for the labels it lacks",
    ),
    "data": (
        "mlmat.commands.data_options",
        "mlmat.commands.data",
        "list, inspect, fetch and verify data sets",
    ),
    "laws": (
        "mlmat.commands.laws_options",
        "mlmat.commands.laws",
        "which physical laws a predictor really obeys, by how much it misses",
    ),
    "explain": (
        "mlmat.commands.explain_options",
        "mlmat.commands.explain",
        "what atoms and elements add to a prediction, and a map of what was learnt",
    ),
}
"""Command → (module with `OPTIONS`, module with `run`, one-line help)."""

HELP = """\
mlmat: differentiable machine learning for materials design

usage: mlmat COMMAND [OPTIONS]        mlmat COMMAND --help for each

commands:
{commands}

options:
  --version     print the version
  --debug       show the whole traceback of an error (or set MLMAT_DEBUG=1)

start here:
  mlmat design                          128 molecules with a gap near 4 eV, judged by GFN2-xTB
  mlmat design --want gap=2..2.5        another range
  mlmat train dyes.csv --target "Absorption/nm" --unit nm
  mlmat predict new.csv --predictor runs/dyes/predictor.mlmat
  mlmat md silicon.cif --potential runs/si/predictor.mlmat
  mlmat learn start.xyz --oracle emt    a potential that finds its own training set
  mlmat data list                       data sets and where they are
  mlmat laws runs/mine/predictor.mlmat  what it keeps of symmetry, size and forces
  mlmat explain predictor.mlmat cifs/   what each atom adds to the prediction

exit codes: 0 ok, 2 bad input, 3 no design survived, 130 interrupted
"""

OK, BAD_INPUT, NO_DESIGN, INTERRUPTED = 0, 2, 3, 130
READER_GONE = 141
"""What a shell reports for a program whose reader closed the pipe (128 + SIGPIPE)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``mlmat``; default: those of the process.

    Returns:
        0 ok, 2 bad input, 3 no design survived, 130 interrupted, 141 reader of the output gone.

    Raises:
        Exception: a bug in mlmat keeps its traceback (Python then exits with 1).
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words or os.environ.get("MLMAT_DEBUG", "0") not in ("", "0")
    words = [word for word in words if word != "--debug"]
    try:
        with heard():
            code = _dispatch(words, debug)
        # Here, not at exit: a reader who has gone (`| head`) is met inside this block.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        resumable = words[:1] in (["design"], ["train"], ["md"], ["learn"])
        resume = f"; mlmat {words[0]} --resume DIR goes on" if resumable else ""
        print(f"mlmat: interrupted; what was finished is kept{resume}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes again at exit; that has to succeed.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except SystemExit as stop:
        # rich turns a broken pipe into an exit of its own.
        if isinstance(stop.__context__, BrokenPipeError):
            return READER_GONE
        raise


def _dispatch(words: list[str], debug: bool) -> int:
    """Answer what needs no command here; hand the rest to its command."""
    if not words or words[0] in ("-h", "--help", "help"):
        lines = (f"  {name:<12}  {text}" for name, (_, _, text) in COMMANDS.items())
        print(HELP.format(commands="\n".join(lines)), end="", file=sys.stdout if words else sys.stderr)
        return OK if words else BAD_INPUT
    if words[0] == "--version":
        from mlmat import __version__

        print(f"mlmat {__version__}")
        return OK
    if words[0] not in COMMANDS:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(COMMANDS)}."
        _complain(f"unknown command {words[0]!r}: {hint}")
        return BAD_INPUT
    return _run(words[0], words[1:], debug)


def _run(name: str, words: list[str], debug: bool) -> int:
    """Parse a command's options, run it, and turn its errors into exit codes."""
    import tyro

    from mlmat.errors import MlmatError, NoDesignError

    options_module, run_module, _ = COMMANDS[name]
    try:
        options_type = importlib.import_module(options_module).OPTIONS
        try:
            options = tyro.cli(options_type, prog=f"mlmat {name}", args=words)
        except SystemExit as stop:  # tyro has printed the help, or what is wrong
            return stop.code if isinstance(stop.code, int) else OK
        return importlib.import_module(run_module).run(options)
    except MlmatError as error:
        if debug:
            import traceback

            traceback.print_exc()
        _complain(str(error))
        return NO_DESIGN if isinstance(error, NoDesignError) else BAD_INPUT


def _complain(message: str) -> None:
    """One line on standard error, red on a terminal (https://no-color.org)."""
    line = f"mlmat: error: {' '.join(message.split())}"
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    print(f"\033[31m{line}\033[0m" if colour else line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
