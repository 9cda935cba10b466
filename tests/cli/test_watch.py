"""The option --watch of repro: a fresh process after each save, and nothing that is missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.cli.conftest import PACKAGE

watchfiles = pytest.importorskip("watchfiles")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent there")

PATIENCE_S = 60.0


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait until something holds; say whether it does."""
    end = monotonic() + PATIENCE_S
    while monotonic() < end:
        if holds():
            return True
        sleep(0.02)
    return holds()


@pytest.fixture
def watching(project):
    """A process that watches the project, of which the first round is over; what it has said."""
    log = project.parent / "log"
    places = [PACKAGE, str(Path(watchfiles.__file__).parents[1])]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pypedream", "repro", "--watch"],
            cwd=project,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    try:
        assert eventually(lambda: "watching " in log.read_text()), log.read_text()
        yield log.read_text
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_saved_input_is_taken_up(project, watching):
    """What the stages write themselves is no reason for another round."""
    (project / "in.json").write_text("[5, 4]")

    assert eventually(lambda: text_of(project / "shown.txt") == "4, 5")
    assert eventually(lambda: watching().count("watching ") == 2)
    sleep(0.5)
    assert watching().count("changed: in.json") == 1
    assert watching().count("watching ") == 2


def test_new_code_is_called_also_in_a_helper_of_the_same_size(project, write, watching):
    """No module of a round before, and no bytecode of the same second, is used again."""
    write("helper.py", "SIGN = '+'\n")
    text = (project / "pipeline.py").read_text()
    (project / "pipeline.py").write_text(
        text.replace('", ".join', "helper.SIGN.join").replace(
            "from pypedream import", "import helper\nfrom pypedream import", 1
        )
    )
    assert eventually(lambda: text_of(project / "shown.txt") == "1+2+3"), watching()

    for sign in "-*/":
        write("helper.py", f"SIGN = '{sign}'\n")
        expected = sign.join("123")
        assert eventually(lambda now=expected: text_of(project / "shown.txt") == now), watching()


def test_what_is_saved_during_a_round_has_a_round_of_its_own(project, watching):
    """Nothing is missed."""
    path = project / "pipeline.py"
    slow = path.read_text().replace("return {", "import time; time.sleep(1); return {")
    path.write_text(slow.replace("print(", 'open("begun", "w").close(); print('))
    assert eventually((project / "begun").exists)

    (project / "in.json").write_text("[8]")

    assert eventually(lambda: text_of(project / "shown.txt") == "8"), watching()


def test_a_mistake_is_said_and_the_next_save_mends_it(project, watching):
    """The watch goes on whatever becomes of a round."""
    text = (project / "pipeline.py").read_text()
    (project / "pipeline.py").write_text("1 / 0\n")
    assert eventually(lambda: "ZeroDivisionError" in watching())

    (project / "pipeline.py").write_text(text.replace('", "', '" & "'))

    assert eventually(lambda: text_of(project / "shown.txt") == "1 & 2 & 3"), watching()


def test_without_watchfiles_it_says_how_to_install_it(project, invoke, monkeypatch):
    """In one line."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    assert 'pip install "pypedream[watch]"' in invoke("repro", "--watch").stderr


def test_a_dry_run_is_not_watched(project, invoke):
    """It changes nothing, so there is nothing to wait for."""
    assert "exclude each other" in invoke("repro", "--watch", "--dry-run").stderr
