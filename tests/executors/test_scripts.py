"""Worker processes from where users are: scripts without a guard, standard input, notebooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.executors.alive import appeared, gone

pytest.importorskip("cloudpickle")

SCRIPT = """
from pypedream.executors import Job, Kit, Processes
from pypedream.context import STAGE

print("imported")
FACTOR = 3

class Odd(Exception):
    pass

def times(row):
    if row == 2:
        raise Odd(f"row {row} of stage {STAGE.get().stage}")
    return Row(row * FACTOR)

class Row:
    def __init__(self, value):
        self.value = value

pool = Processes(1)
kit = Kit(times, names=("row",), stage="times").pack()
reply = pool.submit(Job(kit, [0, 1, 2], [(0,), (1,), (2,)])).result(20)
print([type(row) is Row and row.value for row in reply.values])
try:
    raise reply.error.error()
except Odd as error:
    import traceback
    print("".join(traceback.format_exception(error)))
pool.shutdown()
"""


def checked(out: str, *, has_source: bool = True) -> None:
    """The values, the classes and the lines are the user's own."""
    lines = out.splitlines()
    assert lines[:2] == ["imported", "[0, 3]"]
    assert "row 2 of stage times" in out
    assert 'raise Odd(f"row {row} of stage' in out or not has_source
    assert "in times" in out


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    """It needs no ``if __name__ == "__main__":``, and its classes stay its own."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, encoding="utf-8", check=False
    )

    assert done.stderr == ""
    checked(done.stdout)
    assert f'File "{script}", line 13, in times' in done.stdout


@pytest.mark.parametrize("arguments", [["-"], ["-c", SCRIPT], []], ids=["stdin", "-c", "no name"])
def test_code_without_a_file_works(arguments: list[str]) -> None:
    """As it comes from a pipe or a command line."""
    done = subprocess.run(
        [sys.executable, *arguments],
        input=SCRIPT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.stderr == ""
    checked(done.stdout, has_source=False)


def test_a_notebook_works(tmp_path: Path) -> None:
    """A cell's functions and classes travel; its lines are shown; prints of workers are told."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SCRIPT)])

    nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": tmp_path}}
    ).execute()

    out = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    checked(out)


def test_options_of_the_interpreter_hold_in_a_worker(tmp_path: Path) -> None:
    """Warnings, optimisation and development mode are those of the parent."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from pypedream.executors import Job, Kit, Processes\n"
        "def flags(): import sys; return sys.flags.optimize, sys.warnoptions, sys.flags.utf8_mode\n"
        "with Processes(1) as pool:\n"
        "    print(pool.submit(Job(Kit(flags).pack())).result().values[0])\n"
    )

    done = subprocess.run(
        [sys.executable, "-O", "-W", "error::FutureWarning", "-X", "utf8", str(script)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout == "(1, ['error::FutureWarning'], 1)\n"


def test_a_script_that_ends_ends_its_workers(tmp_path: Path) -> None:
    """Also without shutting down the pool, and while a call is being made."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pypedream.executors import Job, Kit, Processes\n"
        "import os, time\n"
        "pool = Processes(1)\n"
        "print(pool.submit(Job(Kit(os.getpid).pack())).result().values[0])\n"
        "pool.submit(Job(Kit(time.sleep, {}, ('s',), ('s',)).pack(), [1], [(1000,)]))\n"
    )

    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=20,
    )

    assert done.stderr == ""
    assert gone([int(done.stdout)])


FORKING = """
import os, sys, time
from pypedream.executors import Job, Kit, Processes
from tests.executors import stages

pool = Processes(2)
pids = [pool.submit(Job(Kit(stages.pid).pack())).result().values[0]]
folder, how = sys.argv[1:]
pool.submit(Job(Kit(stages.touch_and_wait, dict(folder=folder, name="busy", how=how)).pack()))
if os.fork() == 0:
    time.sleep(30)
    os._exit(0)
while True:
    time.sleep(1)
"""


@pytest.mark.parametrize("how", ["sleep", "loop", "child"])
def test_workers_die_with_their_parent_though_it_has_forked(tmp_path: Path, how: str) -> None:
    """A child that a library forked holds all open files of the parent; that changes nothing."""
    with subprocess.Popen([sys.executable, "-c", FORKING, str(tmp_path), how]) as parent:
        pids = appeared(tmp_path / "busy")
        parent.kill()

        assert gone(pids, within_s=2)


USED_IN_A_CHILD = """
import os, sys
from pypedream.executors import Job, Kit, Processes

pool = Processes(1)
job = Job(Kit(os.getpid).pack())
first = pool.submit(job).result(20).values[0]
if (child := os.fork()) == 0:
    try:
        pool.submit(job)
    except RuntimeError as error:
        print(error, flush=True)
    sys.exit()  # with all that is done at the end of a process
os.waitpid(child, 0)
print(pool.submit(job).result(20).values[0] == first)
"""


def test_a_forked_child_of_the_parent_leaves_the_workers_alone() -> None:
    """The pool is not its own: it cannot use it, and does not end it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", USED_IN_A_CHILD],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "the pool belongs to another process: make one in this process",
        "True",
    ]


def test_a_module_that_runs_when_it_is_imported_ends_in_an_error(tmp_path: Path) -> None:
    """A worker that imports it does not start workers, which would import it in turn."""
    (tmp_path / "eager.py").write_text(
        "from pypedream.executors import Job, Kit, Processes\n"
        "def stage(): return 1\n"
        "pool = Processes(1)\n"
        "reply = pool.submit(Job(Kit(stage).pack())).result(20)\n"
    )
    code = (
        "import eager; error = eager.reply.error.error(); print(error, *error.__notes__, sep='\\n')"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )

    said, note = done.stdout.splitlines()
    assert done.stderr == ""
    assert said.startswith(
        "a module makes calls in worker processes while it is imported: put that"
    )
    assert note == "while a worker process loaded the call"
