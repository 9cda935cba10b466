from __future__ import annotations

import os
import subprocess
import sys

import pytest

import pypedream
from pypedream.cli import COMMANDS, app

PROBE = """
import sys
sys.argv = ["pypedream", *sys.argv[1:]]
from pypedream.cli import main
try:
    main()
except SystemExit as end:
    loaded = {"structlog", "pypedream.engine", "pypedream.pipeline"} & set(sys.modules)
    print(end.code, sorted(loaded), file=sys.stderr)
"""


def test_help_lists_the_commands(invoke):
    """So does the program without arguments."""
    result = invoke("--help")

    assert result.exit_code == 0
    assert result.stdout == invoke().stdout
    for name, about in COMMANDS.items():
        assert f"  {name:<10}  {about}\n" in result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["rnu"], ["--version"], ["new", "--help"]])
def test_what_needs_no_engine_loads_none(arguments):
    """Start-up is short: neither engine nor structlog is imported for help and mistakes."""
    package = os.path.dirname(os.path.dirname(pypedream.__file__))
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": package},
    )

    assert done.stderr.splitlines()[-1] in ("0 []", "2 []")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(invoke, name):
    """The list of commands and each command say the same in their first words."""
    result = invoke(name, "--help")

    assert result.exit_code == 0
    assert f"Usage: python -m pypedream {name} " in result.stdout
    assert app.commands == {}


def test_commands_stand_in_the_order_of_a_newcomer(invoke):
    """Not in that of the alphabet."""
    assert next(iter(COMMANDS)) == "run"
    assert invoke("--help").stdout.index("  run ") < invoke("--help").stdout.index("  doctor ")


def test_the_module_is_the_program(shell, flow):
    """``python -m pypedream`` is the same as the console script."""
    code, stdout, stderr = shell("run", "-q", "--json")

    assert (code, stderr) == (0, "")
    assert '"state": "ok"' in stdout


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell, name):
    """The script asks the program for the words that fit."""
    code, stdout, _ = shell("completion", name)

    assert code == 0
    assert "_PYPEDREAM_COMPLETE" in stdout


def test_completion_knows_commands_and_options():
    """A shell is told what may follow."""
    package = os.path.dirname(os.path.dirname(pypedream.__file__))
    words = {"_PYPEDREAM_COMPLETE": "bash_complete", "COMP_WORDS": "pypedream run --un"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **words, "COMP_CWORD": "2", "PYTHONPATH": package},
    )

    assert done.stdout == "plain,--until\n"
