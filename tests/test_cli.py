"""The dispatcher: help, versions, exit codes and one-line errors."""

import os
import subprocess
import sys
import types

import pytest

from mlmat import __version__, cli
from mlmat.errors import InputError, NoDesignError


@pytest.fixture
def command(monkeypatch):
    """Puts a command `try` in front of `main` whose run does what the test says."""

    def install(action):
        options = types.ModuleType("try_options")
        options.OPTIONS = int
        runner = types.ModuleType("try_command")
        runner.run = action
        monkeypatch.setitem(sys.modules, "try_options", options)
        monkeypatch.setitem(sys.modules, "try_command", runner)
        monkeypatch.setitem(cli.COMMANDS, "try", ("try_options", "try_command", "for tests"))
        return ["try", "7"]

    monkeypatch.delenv("MLMAT_DEBUG", raising=False)
    return install


def fail(error):
    def run(options):
        raise error

    return run


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command_and_an_example(words, capsys):
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    for name, (_, _, text) in cli.COMMANDS.items():
        assert f"  {name} " in printed
        assert text in printed
    assert "mlmat design --want" in printed


def test_no_command_prints_the_help_on_standard_error_and_is_bad_input(capsys):
    assert cli.main([]) == 2
    printed = capsys.readouterr()
    assert "usage" in printed.err
    assert not printed.out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mlmat {__version__}\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("desing", "did you mean design?"),
        ("xyz", "design, train, predict, screen, relax, md, learn, data, laws, explain"),
    ],
)
def test_unknown_command_suggests(word, hint, capsys):
    assert cli.main([word]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"mlmat: error: unknown command '{word}'")
    assert hint in printed


def test_options_reach_the_command_and_its_code_comes_back(command):
    assert cli.main(command(lambda options: 10 * options)) == 70


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("bad\n  input"), 2), (NoDesignError("none left"), 3)]
)
def test_an_error_is_one_line_and_an_exit_code(command, error, code, capsys):
    assert cli.main(command(fail(error))) == code
    assert capsys.readouterr().err == f"mlmat: error: {' '.join(str(error).split())}\n"


def test_the_line_is_red_on_a_terminal_only(command, monkeypatch, capsys):
    words = command(fail(InputError("bad")))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    cli.main(words)
    monkeypatch.setenv("NO_COLOR", "1")
    cli.main(words)
    assert capsys.readouterr().err == "\033[31mmlmat: error: bad\033[0m\nmlmat: error: bad\n"


@pytest.mark.parametrize(("setting", "shown"), [("flag", True), ("1", True), ("0", False), (None, False)])
def test_debug_shows_the_traceback_and_keeps_the_code(command, setting, shown, monkeypatch, capsys):
    words = command(fail(InputError("bad")))
    if setting == "flag":
        words.append("--debug")
    elif setting:
        monkeypatch.setenv("MLMAT_DEBUG", setting)
    assert cli.main(words) == 2
    assert ("Traceback" in capsys.readouterr().err) is shown


def test_interrupt_is_130(command, capsys):
    assert cli.main(command(fail(KeyboardInterrupt()))) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_bug_is_not_disguised(command):
    with pytest.raises(ZeroDivisionError):
        cli.main(command(lambda options: options / 0))


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_each_command_has_help_and_refuses_unknown_options(name, capsys):
    assert cli.main([name, "--help"]) == 0
    assert f"mlmat {name}" in capsys.readouterr().out
    assert cli.main([name, "--no-such-option"]) == 2


def test_the_installed_script_gives_the_exit_code():
    script = os.path.join(os.path.dirname(sys.executable), "mlmat")
    done = subprocess.run([script, "nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("mlmat: error:")


@pytest.mark.parametrize("words", [["--help"], ["data", "list"]])
def test_a_reader_who_has_gone_causes_no_traceback(words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "mlmat.cli", *words], stdout=gone, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 141
    assert done.stderr == b""
