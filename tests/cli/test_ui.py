from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import PACKAGE

FAKE = """
import json, pathlib, signal, sys, time
def end(*_):
    pathlib.Path("ended").touch()
    sys.exit(0)
if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    print(json.dumps(sys.argv[1:]), flush=True)
    if pathlib.Path("wait").exists():
        time.sleep(60)
    sys.exit(pathlib.Path("fail").exists())
"""

MODEL = """
    from pypedream import Pipeline

    mine = Pipeline("mine")
    mine.stage(lambda: 3, name="three")
"""

OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "pypedream", *sys.argv[1:]])
"""


@pytest.fixture
def fake(tmp_path: Path) -> str:
    """A place with a jupyterlab that only says what it is asked for."""
    place = tmp_path / "fake"
    place.mkdir()
    (place / "jupyterlab.py").write_text(FAKE, encoding="utf-8")
    return os.pathsep.join([str(place), PACKAGE])


def asked(stdout: str) -> list[str]:
    options: list[str] = json.loads(stdout.splitlines()[-1])
    return options


def shown(stdout: str) -> str:
    (start,) = (each for each in asked(stdout) if each.startswith("--LabApp.default_url="))
    return start.partition("=")[2]


def test_the_only_notebook_is_opened(shell, folder, fake):
    """The folder is served, and the notebook shown, whatever their names."""
    (folder / "my ünal #1.ipynb").write_text("{}", encoding="utf-8")

    code, stdout, _ = shell("ui", PYTHONPATH=fake)

    assert code == 0
    assert f"--ServerApp.root_dir={folder}" in asked(stdout)
    assert shown(stdout) == "/lab/tree/my%20%C3%BCnal%20%231.ipynb"
    assert "JupyterLab opens my ünal #1.ipynb; Ctrl-C here ends it" in stdout


def test_the_notebook_that_is_named_is_opened(shell, folder, fake):
    """Its folder is served, so that it finds what lies beside it."""
    (folder / "deep").mkdir()
    for name in ("a.ipynb", "b.ipynb"):
        (folder / "deep" / name).write_text("{}", encoding="utf-8")

    _, stdout, _ = shell("ui", "deep/b.ipynb", PYTHONPATH=fake)

    assert f"--ServerApp.root_dir={folder / 'deep'}" in asked(stdout)
    assert shown(stdout) == "/lab/tree/b.ipynb"


def test_among_several_notebooks_the_user_chooses(shell, folder, fake):
    """The folder is opened, and they are named."""
    for name in ("a.ipynb", "b.ipynb"):
        (folder / name).write_text("{}", encoding="utf-8")

    _, stdout, _ = shell("ui", PYTHONPATH=fake)

    assert "2 notebooks here, choose there: a.ipynb, b.ipynb" in stdout
    assert shown(stdout) == "/lab"


def test_where_nobody_can_be_asked_nothing_is_made(shell, folder, fake):
    """As from the tile of Navigator: the folder is opened, and it is said how to have one."""
    code, stdout, stderr = shell("ui", PYTHONPATH=fake)

    assert code == 0
    assert "no notebook in this folder: at a terminal this command offers to make one" in stderr
    assert shown(stdout) == "/lab"
    assert list(folder.iterdir()) == []


def test_options_are_handed_on(shell, folder, fake):
    """A port that is named is the one, or none."""
    _, stdout, _ = shell("ui", "--no-browser", "--port", "8765", PYTHONPATH=fake)

    assert {"--no-browser", "--ServerApp.port=8765", "--ServerApp.port_retries=0"} <= set(
        asked(stdout)
    )


def test_a_server_that_cannot_serve_is_a_failure(shell, folder, fake):
    """It has said why; the exit code says it to scripts."""
    (folder / "fail").touch()

    assert shell("ui", PYTHONPATH=fake)[0] == 1


@pytest.mark.parametrize(
    "path, line",
    [
        ("analsis.ipynb", 'no notebook and no folder analsis.ipynb; did you mean "analysis.ipynb"'),
        ("pipeline.py", "pipeline.py is no notebook: name an .ipynb, or the folder"),
    ],
)
def test_what_cannot_be_opened_is_one_line(invoke, write, flow, path, line):
    """With the nearest name."""
    write("analysis.ipynb", "{}")

    result = invoke("ui", path)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {line}")
    assert result.stderr.count("\n") == 1


def test_without_jupyterlab_it_says_how_to_get_it(invoke, write, monkeypatch):
    """For pip and for conda; and nothing is made."""
    monkeypatch.setitem(sys.modules, "jupyterlab", None)

    result = invoke("ui")

    assert result.exit_code == 2
    assert result.stderr == (
        "error: python -m pypedream ui needs jupyterlab: pip install jupyterlab  or  "
        "conda install -c conda-forge jupyterlab\n"
    )
    assert list(Path().iterdir()) == []


def test_a_notebook_is_made_for_the_pipeline_of_the_folder(typed, write, fake, monkeypatch):
    """It imports the pipeline by its own names, and its cells run."""
    write("model.py", MODEL)

    code, screen = typed("ui", answers=["y"], PYTHONPATH=fake)

    assert code == 0
    assert "make analysis.ipynb for model.py? [Y/n]" in screen
    cells = code_of(Path("analysis.ipynb"))
    assert cells[0] == "from model import mine as flow\n\nflow"
    monkeypatch.syspath_prepend(".")
    names: dict[str, Any] = {}
    for cell in cells:
        exec(compile(cell, "cell", "exec"), names)
    assert names["form"].values == {}


def code_of(path: Path) -> list[str]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]


def test_who_says_no_gets_no_notebook(typed, folder, fake):
    """And JupyterLab all the same."""
    code, screen = typed("ui", answers=["n"], PYTHONPATH=fake)

    assert code == 0
    assert "JupyterLab opens this folder" in screen
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_who_ends_the_command_ends_the_server(start, folder, fake):
    """Also where there is no terminal that would tell both."""
    (folder / "wait").touch()
    process = start("ui", PYTHONPATH=fake)
    while not process.stdout.readline().startswith(b"["):
        assert process.poll() is None

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert (folder / "ended").exists()


@pytest.fixture
def lab(folder: Path, tmp_path: Path) -> Callable[..., Any]:
    """Start a real JupyterLab at a terminal; gives its process, its address and the terminal."""
    pty = pytest.importorskip("pty", reason="terminals of POSIX only")
    config = tmp_path / "config"
    config.mkdir()
    settings = json.dumps({"ServerApp": {"allow_root": True}})
    (config / "jupyter_server_config.json").write_text(settings, encoding="utf-8")

    def begin(*arguments: str) -> tuple[subprocess.Popen[bytes], str, int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, "ui", "--no-browser", "--port", str(port)],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": PACKAGE,
                "JUPYTER_TOKEN": "token",
                "JUPYTER_CONFIG_DIR": str(config),
                "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        return process, f"http://127.0.0.1:{port}", ours

    return begin


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jupyterlab") is None, reason="JupyterLab is not installed")
def test_a_real_jupyterlab_serves_the_new_notebook_and_ends_by_ctrl_c(lab, folder):
    """The page of the notebook can be had; Ctrl-C ends the server and its kernel."""
    psutil = pytest.importorskip("psutil")
    process, address, terminal = lab()
    os.write(terminal, b"y\n")
    page = _fetched(f"{address}/lab/tree/analysis.ipynb?token=token")
    contents = json.loads(_fetched(f"{address}/api/contents?token=token"))
    _fetched(Request(f"{address}/api/kernels?token=token", b"{}", method="POST"))
    family = psutil.Process(process.pid).children(recursive=True)

    os.write(terminal, b"\x03")
    said = b"".join(iter(lambda: _read(terminal), b"")).decode()
    code = process.wait(timeout=60)

    assert b"jupyter-config-data" in page
    assert [one["name"] for one in contents["content"]] == ["analysis.ipynb", "data"]
    assert len(family) >= 2
    assert code == 130
    assert "JupyterLab has ended" in said
    assert [one for one in family if one.is_running()] == []


def _fetched(address: str | Request) -> bytes:
    """Ask a server that may still be starting."""
    end = monotonic() + 60
    while True:
        try:
            with urlopen(address, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except URLError:
            assert monotonic() < end
            sleep(0.1)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
