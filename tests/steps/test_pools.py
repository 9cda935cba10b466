from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pydantic
import pytest

from pypedream import Pipeline, logger
from pypedream.errors import StageKilled, UnpicklableValue
from pypedream.steps import Chain, Func, Step
from pypedream.steps.backends import ProcessPool, ThreadPool
from tests.executors.alive import appeared
from tests.steps.configured import (
    Deadly,
    Fragile,
    Lists,
    Pid,
    Scale,
    Shift,
    Slow,
    Start,
    Talking,
    Tenfold,
    noted,
)

POOLS = ["ThreadPool", "ProcessPool"]


def by(backend: str, folder: Path, **fields: Any) -> dict[str, Any]:
    return {"backend": backend, "folder": folder, **fields}


@pytest.mark.parametrize("backend", POOLS)
def test_results_are_in_the_order_of_their_inputs(tmp_path: Path, backend: str) -> None:
    """Whoever is done first; each is kept, and computed once."""
    notes = tmp_path / "notes"
    step = Shift(infra=by(backend, tmp_path / "kept"), notes=str(notes))

    assert list(step.run_many(range(20))) == list(range(1, 21))
    assert list(step.run_many([3, 3, 25])) == [4, 4, 26]
    assert noted(notes) == sorted(map(str, [*range(20), 25]))


@pytest.mark.parametrize("backend", POOLS)
def test_a_single_run_is_a_batch_of_one(tmp_path: Path, backend: str) -> None:
    """With an input, and without."""
    assert Scale(infra=by(backend, tmp_path)).run(2) == 4
    assert Start(infra=by(backend, tmp_path)).run() == 5


def test_worker_processes_stay_for_the_next_step(tmp_path: Path) -> None:
    """None of them is this process."""
    step = Pid(infra=by("ProcessPool", tmp_path, max_jobs=1))

    pids = {step.run(value) for value in range(3)}

    assert len(pids) == 1
    assert os.getpid() not in pids


@pytest.mark.parametrize("backend", POOLS)
def test_no_more_are_at_work_than_are_allowed(tmp_path: Path, backend: str) -> None:
    """With one, the second begins after the first has ended."""
    step = Slow(infra=by(backend, tmp_path / "kept", max_jobs=1), notes=str(tmp_path / "notes"))
    list(step.run_many([1, 2]))

    first, second = sorted(
        int(path.name.rpartition("-")[2]) for path in (tmp_path / "notes").iterdir()
    )

    assert second - first >= 0.3e9


@pytest.mark.parametrize("backend", POOLS)
def test_an_error_leaves_what_went_well(tmp_path: Path, backend: str) -> None:
    """It is the user's own, with a line of his; what comes before it is kept."""
    step = Fragile(infra=by(backend, tmp_path))

    with pytest.raises(ValueError, match="bad 2") as raised:
        list(step.run_many([1, 2, 3]))

    assert [step.lookup(value).status for value in (1, 2)] == ["success", "error"]
    with pytest.raises(ValueError, match="bad 2"):
        step.run(2)
    files = []
    traceback = raised.value.__traceback__
    while traceback is not None:
        files.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    assert files[-1].endswith("configured.py")


@pytest.mark.parametrize("backend", POOLS)
def test_what_a_step_prints_is_printed_here(
    tmp_path: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also what worker processes print."""
    list(Talking(infra=by(backend, tmp_path)).run_many([1, 2]))

    assert sorted(capsys.readouterr().out.splitlines()) == ["heard 1", "heard 2"]


@pytest.mark.parametrize("backend", POOLS)
def test_a_batch_is_split_among_those_who_work(tmp_path: Path, backend: str) -> None:
    """Each gets a batch of its own; what is kept is not asked for again."""
    notes = tmp_path / "notes"
    step = Tenfold(infra=by(backend, tmp_path / "kept"), notes=str(notes))
    step.run(3)

    assert list(step.run_many(range(10))) == [10 * n for n in range(10)]
    assert noted(notes) == sorted(map(str, range(10)))


@pytest.mark.parametrize("backend", POOLS)
def test_a_pool_computes_the_steps_of_a_chain_together(tmp_path: Path, backend: str) -> None:
    """What a step within it keeps is kept there."""
    chain = Chain(
        steps=[Shift(by=1, infra={"backend": "Cached"}), Shift(by=2)],  # type: ignore[arg-type]
        infra=by(backend, tmp_path),
    )

    assert list(chain.run_many([1, 2, 3])) == [4, 5, 6]
    assert [chain[:1].lookup(n).cached() for n in (1, 2, 3)] == [True, True, True]


@pytest.mark.parametrize("backend", POOLS)
def test_mutable_results_are_not_shared(tmp_path: Path, backend: str) -> None:
    """Two results of one input are two objects."""
    step = Lists(infra=by(backend, tmp_path, keep_in_ram=True))

    first, second = step.run_many([1, 1])
    first.append(2)

    assert (second, step.run(1)) == ([1], [1])


def test_a_killed_worker_fails_its_item_only(tmp_path: Path) -> None:
    """What was computed before is kept, and a later run computes what is missing."""
    once = tmp_path / "killed"
    step = Deadly(infra=by("ProcessPool", tmp_path / "kept"), bad=7, once=str(once))
    again = step.clone(once="")

    with pytest.raises(StageKilled, match=r'step "Deadly": its process was killed') as killed:
        list(again.run_many(range(20)))

    assert "its input was 7" in killed.value.__notes__
    assert [step.lookup(n).status for n in range(8)] == [*["success"] * 7, None]
    once.touch()
    assert list(step.run_many(range(20))) == list(range(1, 21))


def test_what_cannot_be_pickled_says_which_backend_can_have_it(tmp_path: Path) -> None:
    """The error names the step, and threads take it."""
    value = Thread()

    with pytest.raises(UnpicklableValue, match='step "Given"') as raised:
        Given(infra=by("ProcessPool", tmp_path)).run(value)

    assert "ThreadPool" in "".join(raised.value.__notes__)
    assert Given(infra=by("ThreadPool", tmp_path)).run(value) == "given"


class Given(Step):
    def item_uid(self, value: object) -> str:
        return "one"

    def _run(self, value: object) -> str:
        return "given"


def test_what_a_function_of_a_step_holds_is_named_if_it_cannot_be_sent(tmp_path: Path) -> None:
    """By the step, its field and its name there."""
    lock = Lock()

    def guarded(value: int) -> int:
        with lock:
            return value

    step = Func(function=guarded, infra=by("ProcessPool", tmp_path))

    text = r'Func\.function\'s "lock" is of type _thread\.lock, .*: make it inside the step, or say'
    with pytest.raises(UnpicklableValue, match=text):
        step.run(1)


def test_a_class_takes_nothing_along_of_the_function_that_it_is_defined_in(
    tmp_path: Path,
) -> None:
    """Nothing but what it uses."""
    by_two, unused = 2, Lock()

    class Double(Step):
        def _run(self, value: int) -> int:
            return value * by_two

    assert Double(infra=by("ProcessPool", tmp_path)).run(4) == 8
    assert not unused.locked()


def test_who_takes_only_the_first_lets_end_what_was_begun(tmp_path: Path) -> None:
    """What is under way is kept; no result of the others is lost by that."""
    step = Slow(infra=by("ProcessPool", tmp_path / "kept"), notes=str(tmp_path / "notes"))
    results = iter(step.run_many(range(6)))

    assert next(results) == 1
    results.close()  # type: ignore[attr-defined]

    begun = noted(tmp_path / "notes")
    assert all(step.lookup(int(value)).cached() for value in begun)


def test_a_step_of_a_script_can_go_to_worker_processes(tmp_path: Path) -> None:
    """Its class travels with it, and the workers do not run the script again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pypedream.steps import Step\n"
        "print('once')\n"
        "class Square(Step):\n"
        "    power: int = 2\n"
        "    def _run(self, value):\n"
        "        return value ** self.power\n"
        "infra = {'backend': 'ProcessPool', 'folder': 'kept'}\n"
        "print(list(Square(infra=infra).run_many([1, 2, 3])))\n"
        "print(list(Square(infra={**infra, 'mode': 'read-only'}).run_many([3])))\n"
    )

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout == "once\n[1, 4, 9]\n[9]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt cannot be sent to one process")
@pytest.mark.parametrize("backend", POOLS)
def test_an_interrupt_leaves_what_was_done(tmp_path: Path, backend: str) -> None:
    """What is under way in worker processes ends at once; what was computed is found again."""
    notes = tmp_path / "notes"
    code = (
        "from tests.steps.configured import Slow\n"
        f"infra = {{'backend': {backend!r}, 'folder': {str(tmp_path / 'kept')!r}}}\n"
        f"step = Slow(infra=infra, notes={str(notes)!r}, seconds=0.5)\n"
        "list(step.run_many(range(100)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not notes.exists() or not list(notes.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.3)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert "KeyboardInterrupt" in errors
    step = Slow(infra=by("Cached", tmp_path / "kept"), seconds=0.5)
    first = noted(notes)[0]
    assert step.lookup(int(first)).cached()
    assert len(noted(notes)) < 100


def test_fields_are_validated() -> None:
    """A pool of none is refused, and None leaves the size to the machine."""
    assert (ProcessPool().max_jobs, ThreadPool().max_jobs) == (128, 128)
    assert ThreadPool(max_jobs=None).max_jobs is None
    for kind in (ProcessPool, ThreadPool):
        with pytest.raises(pydantic.ValidationError, match="greater than 0"):
            kind(max_jobs=0)
        with pytest.raises(pydantic.ValidationError, match=r"max_job.*max_jobs"):
            kind(max_job=3)  # type: ignore[call-arg]


def test_the_status_of_what_another_process_computes_is_running(tmp_path: Path) -> None:
    """It is a success when that one is done."""
    ready = tmp_path / "ready"
    code = (
        "import os, pathlib\n"
        "from tests.steps.test_pools import Watched\n"
        f"infra = {{'backend': 'ProcessPool', 'folder': {str(tmp_path / 'kept')!r}}}\n"
        f"Watched(infra=infra, folder={str(tmp_path)!r}).run(1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    step = Watched(infra=by("Cached", tmp_path / "kept"), folder=str(tmp_path))
    assert step.lookup(1).status is None or ready.exists()

    appeared(ready)
    status = step.lookup(1).status
    (tmp_path / "go").touch()

    assert process.wait(timeout=60) == 0
    assert (status, step.lookup(1).status) == ("running", "success")


class Watched(Step):
    folder: str = ""

    def _run(self, value: int) -> int:
        staged = Path(self.folder, "staged")
        staged.write_text(str(os.getpid()))
        staged.rename(Path(self.folder, "ready"))
        while not Path(self.folder, "go").exists():
            time.sleep(0.01)
        return value


@pytest.mark.parametrize("backend", POOLS)
def test_outside_of_a_run_nobody_is_told_what_was_kept(
    tmp_path: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even what a step within a chain keeps, whose worker cannot know that there is no run."""
    first = Silent(infra=by("Cached", tmp_path))
    chain = Chain(steps=[first, Silent()], infra=by(backend, tmp_path))

    assert chain.run(1) == 1
    assert capsys.readouterr() == ("", "")


class Silent(Step):
    def _run(self, value: int) -> int:
        return value


@pytest.mark.parametrize("backend", POOLS)
def test_within_a_stage_all_that_is_said_is_the_stages(tmp_path: Path, backend: str) -> None:
    """What a step prints or logs elsewhere has the name of the stage whose function runs it."""
    flow = Pipeline("talks")
    flow.stage(partial(talk, by(backend, tmp_path)), name="talk")

    run = flow.run()

    said = sorted((event.stage, event.event) for event in run.events if event.kind in KINDS)
    by_step = ("talk", f"Chatting: 2 computed by {backend}")
    assert said == [by_step, *(("talk", text) for text in SAID)]


KINDS = ("print", "log")
SAID = ("heard 1", "heard 2", "logged 1", "logged 2")


def talk(infra: dict[str, Any]) -> list[int]:
    return list(Chatting(infra=infra).run_many([1, 2]))  # type: ignore[arg-type]


class Chatting(Step):
    def _run(self, value: int) -> int:
        print(f"heard {value}")
        logger.info(f"logged {value}")
        return value


def test_workers_that_stay_see_a_module_that_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept under the new code is never computed by the old one."""
    source = (
        "from pypedream.steps import Step\n"
        "class Edited(Step):\n"
        "    def _run(self, value):\n"
        "        return value + {more}\n"
    )
    file = tmp_path / "edited_steps.py"
    file.write_text(source.format(more=1))
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_steps")
    infra = by("ProcessPool", tmp_path / "kept")
    before = module.Edited(infra=infra).run(5)

    file.write_text(source.format(more="100  # another length"))
    importlib.reload(module)

    assert (before, module.Edited(infra=infra).run(5)) == (6, 105)
    assert module.Edited(infra=by("Cached", tmp_path / "kept")).run(5) == 105


OF_A_SCRIPT = """
import sys
from pypedream.steps import Step

class Point:
    pass

class Make(Step):
    def _run(self, value):
        return Point()

if __name__ == "__main__":
    try:
        Make(infra={"backend": sys.argv[1], "folder": sys.argv[2]}).run(1)
    except Exception as error:
        print(error)
"""


OF_TWO_CELLS = """
import sys
from pypedream.steps import Chain, Step

if sys.argv[2] == "has":
    class Point:
        x = 1
    points = {1: Point()}

class Pick(Step):
    def _run(self, value):
        return globals()["points"][value]

class Shift(Step):
    by: int = 1

    def _run(self, value):
        return value.x + self.by

if __name__ == "__main__":
    kept = {"folder": sys.argv[1]}
    pick = Pick(infra=kept)
    try:
        pick.run(1)
        chain = Chain(steps=[pick, Shift(infra={**kept, "backend": "ProcessPool"})])
        print(chain.run(1))
    except Exception as error:
        print(error)
"""


def test_a_kept_result_whose_class_is_of_the_script_is_read_where_the_class_is(tmp_path):
    """A worker gets the value itself; a process without the class is told of what helps."""
    script = tmp_path / "script.py"
    script.write_text(OF_TWO_CELLS)

    def said(*arguments: str) -> str:
        command = [sys.executable, str(script), str(tmp_path / "kept"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert said("has") == "2\n"
    told = said("has not")
    assert "Can't get attribute 'Point'" in told
    assert "run here the script or cell that defines it, or put it into a module" in told


@pytest.mark.parametrize("backend, is_told", [("ThreadPool", False), ("ProcessPool", True)])
def test_a_result_whose_class_no_worker_has_is_told(tmp_path, backend, is_told):
    """With what to do; in this process its class is there."""
    script = tmp_path / "script.py"
    script.write_text(OF_A_SCRIPT)
    command = [sys.executable, str(script), backend, str(tmp_path / "kept")]

    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert ("Make: its result cannot be kept" in said) == is_told
    assert ("no classes of a script or a cell: put it into a module" in said) == is_told
