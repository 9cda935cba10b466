"""Jobs of submitit: on this machine, and with commands that act as Slurm's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pydantic
import pytest

from pypedream import Parameters, Pipeline, Secret
from pypedream.errors import ExecutorError, StageKilled, StageTimeout
from pypedream.steps import dispatch
from pypedream.steps.backends import Auto, LocalProcess, Slurm, SubmititDebug
from tests.executors import fake_slurm
from tests.executors.alive import gone, is_alive
from tests.steps.configured import (
    Deadly,
    Fragile,
    Pid,
    Shift,
    Slow,
    Talking,
    Tenfold,
    noted,
)

pytest.importorskip("submitit")

PATIENCE_S = 200


def by(backend: str, folder: Path, **fields: Any) -> dict[str, Any]:
    return {"backend": backend, "folder": folder, **fields}


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands are on the path."""
    place = tmp_path / "slurm"
    fake_slurm.install(place)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return place


def until(path: Path, count: int) -> None:
    """Wait until a folder has so many files."""
    end = time.monotonic() + PATIENCE_S
    while not path.is_dir() or len(list(path.iterdir())) < count:
        assert time.monotonic() < end, f"{path} never had {count}"
        time.sleep(0.01)


def test_items_are_computed_by_jobs_of_this_machine(tmp_path: Path) -> None:
    """Each job has a process of its own, and what it computed is kept."""
    step = Pid(infra=by("LocalProcess", tmp_path))

    first, second = step.run_many([1, 2])

    assert len({first, second, os.getpid()}) == 3
    assert list(step.run_many([1, 2])) == [first, second]
    assert step.lookup(1).job().state == "FINISHED"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # submitit leaves files open here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_job_is_debugged_in_this_process(tmp_path: Path) -> None:
    """What a step raises is raised here, and nobody is asked at a prompt."""
    assert Pid(infra=by("SubmititDebug", tmp_path)).run(1) == os.getpid()
    with pytest.raises(ValueError, match="bad 2"):
        list(Fragile(infra=by("SubmititDebug", tmp_path)).run_many([1, 2, 3]))


def test_slurm_is_refused_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one line that names what works; Auto takes this machine."""
    monkeypatch.setenv("PATH", str(tmp_path))
    step = Shift(infra=by("Slurm", tmp_path / "kept", partition="dev"))

    with pytest.raises(ExecutorError, match='no srun on this machine; "Auto"') as raised:
        step.run(1)

    assert isinstance(raised.value, RuntimeError)
    assert "\n" not in str(raised.value)
    assert step.clone(infra=by("Auto", tmp_path / "kept", partition="dev")).run(1) == 2
    assert step.run(1) == 2


def test_all_items_of_a_run_are_one_array(tmp_path: Path, commands: Path) -> None:
    """Slurm is asked once, with what the configuration asks for."""
    infra = by(
        "Slurm",
        tmp_path / "kept",
        job_name="shifts",
        timeout_min=7,
        nodes=1,
        tasks_per_node=1,
        cpus_per_task=2,
        gpus_per_node=1,
        mem_gb=1.5,
        constraint="fast",
        partition="dev",
        account="lab",
        qos="high",
        additional_parameters={"mail-type": "END"},
    )
    step = Shift(infra=infra)  # type: ignore[arg-type]

    assert list(step.run_many([1, 2, 3])) == [2, 3, 4]

    (script,) = commands.glob("*.script")
    asked = [line.partition("--")[2] for line in script.read_text().splitlines()]
    assert "array=0-2%3" in asked
    for line in (
        "job-name=shifts",
        "time=7",
        "nodes=1",
        "ntasks-per-node=1",
        "cpus-per-task=2",
        "gpus-per-node=1",
        "mem=1536MB",
        "constraint=fast",
        "partition=dev",
        "account=lab",
        "qos=high",
        "mail-type=END",
    ):
        assert line in asked
    assert [str(step.lookup(n).job().job_id).partition("_")[2] for n in (1, 2, 3)] == [*"012"]
    assert Auto()._cluster() == "slurm"


@pytest.mark.parametrize("use_srun", [True, False])
def test_a_script_may_call_srun(tmp_path: Path, commands: Path, use_srun: bool) -> None:
    """Or leave that out."""
    assert Shift(infra=by("Slurm", tmp_path / "kept", use_srun=use_srun)).run(1) == 2

    (script,) = commands.glob("*.script")
    assert ("\nsrun " in script.read_text()) is use_srun


@pytest.mark.parametrize(
    "count, fields, lots",
    [
        (5, {}, [1, 1, 1, 1, 1]),
        (5, {"max_jobs": 2}, [3, 2]),
        (5, {"min_items_per_job": 2}, [2, 2, 1]),
        (5, {"min_items_per_job": 10}, [5]),
        (300, {"min_items_per_job": 2}, [3] * 100),
        (5, {"min_items_per_job": 2, "max_jobs": 1}, [5]),
    ],
    ids=["one each", "few jobs", "two each", "all in one", "128 jobs", "one job"],
)
def test_items_are_put_together_into_jobs(
    count: int, fields: dict[str, Any], lots: list[int]
) -> None:
    """As many as are asked for at least, and no more jobs than are allowed."""
    size = Slurm(**fields)._lot(count)

    assert [min(size, count - begin) for begin in range(0, count, size)] == lots


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # submitit leaves files open here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_job_of_several_items_makes_one_batch(tmp_path: Path) -> None:
    """And an item that is kept is in none."""
    notes = tmp_path / "notes"
    step = Tenfold(infra=by("SubmititDebug", tmp_path / "kept", max_jobs=1), notes=str(notes))
    step.run(2)

    assert list(step.run_many([1, 2, 3])) == [10, 20, 30]
    assert noted(notes) == ["1", "2", "3"]


def test_the_log_of_a_job_has_what_it_printed(tmp_path: Path) -> None:
    """It lies in the folder of the step, and the job leads to it."""
    step = Talking(infra=by("LocalProcess", tmp_path))
    step.run(1)

    job, paths = step.lookup(1).job(), step.lookup(1).paths

    assert "heard 1" in job.stdout()
    assert paths.step_folder in Path(job.paths.stdout).parents
    assert step.clone().lookup(2).job() is None
    assert Talking(infra=by("Cached", tmp_path)).lookup(1).job().job_id == job.job_id


def test_within_a_stage_what_a_job_prints_is_the_stages(tmp_path: Path) -> None:
    """It comes as the job says it."""
    flow = Pipeline("talks")
    flow.stage(partial(talk, by("LocalProcess", tmp_path)), name="talk")

    run = flow.run()

    said = [(event.stage, event.event) for event in run.events if event.kind == "print"]
    assert said == [("talk", "heard 1")]


def talk(infra: dict[str, Any]) -> int:
    result: int = Talking(infra=infra).run(1)  # type: ignore[arg-type]
    return result


def test_what_a_job_says_on_its_way_has_no_secret_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file by which it comes is as free of them as the log of the run."""
    heard: list[Any] = []
    monkeypatch.setattr(dispatch, "say", lambda rows: heard.extend(row[4] for row in rows))
    flow = Pipeline("talks", Parameters.define(word=Secret("swordfish")))
    flow.stage(partial(whisper, by("LocalProcess", tmp_path)), name="whisper")

    flow.run()

    assert any("heard" in text for text in heard)
    assert not any("swordfish" in text for text in heard)


def whisper(infra: dict[str, Any], word: Secret) -> None:
    Talking(infra=infra).run(word.reveal())  # type: ignore[arg-type]


def test_an_error_in_a_job_is_the_users_own(tmp_path: Path) -> None:
    """The other items of the job are computed and kept."""
    step = Fragile(infra=by("LocalProcess", tmp_path, max_jobs=1))

    with pytest.raises(ValueError, match="bad 2"):
        list(step.run_many([1, 2, 3]))

    assert [step.lookup(value).status for value in (1, 2, 3)] == ["success", "error", "success"]


def test_what_a_killed_job_had_done_is_kept(tmp_path: Path) -> None:
    """The error names the step and the log of the job; the rest is computed by the next run."""
    once = tmp_path / "killed"
    infra = by("LocalProcess", tmp_path / "kept", max_jobs=1)
    step = Deadly(infra=infra, bad=3, once=str(once))  # type: ignore[arg-type]

    with pytest.raises(StageKilled, match=r'step "Deadly": its job ended before .*; see .*\.err'):
        list(step.run_many([1, 2, 3, 4]))

    assert [step.lookup(n).status for n in (1, 2, 3, 4)] == ["success", "success", None, None]
    assert list(step.run_many([1, 2, 3, 4])) == [2, 3, 4, 5]


@pytest.mark.cluster
def test_a_job_that_takes_too_long_is_a_timeout(tmp_path: Path, commands: Path) -> None:
    """What it had done until then stays."""
    infra = by("Slurm", tmp_path / "kept", max_jobs=1)
    notes = tmp_path / "notes"
    code = (
        "from tests.steps.test_jobs import expire\n"
        f"expire({str(tmp_path / 'kept')!r}, {str(notes)!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    until(notes, 2)
    (state,) = commands.glob("*.state")

    fake_slurm.end(commands, state.stem, "TIMEOUT")
    _, errors = process.communicate(timeout=PATIENCE_S)

    assert f"{StageTimeout.__name__}: " in errors
    assert "more with timeout_min=" in errors
    assert Slow(infra=infra, seconds=1.0).lookup(1).cached()  # type: ignore[arg-type]


def expire(folder: str, notes: str) -> None:
    infra = by("Slurm", Path(folder), max_jobs=1)
    list(Slow(infra=infra, notes=notes, seconds=1.0).run_many([1, 2, 3]))  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_job_outlives_who_sent_it_and_is_waited_for(tmp_path: Path) -> None:
    """The next one computes nothing that a job of before is still at."""
    notes, folder = tmp_path / "notes", tmp_path / "kept"
    infra = by("LocalProcess", folder, max_jobs=1)
    code = (
        "from tests.steps.test_jobs import by, Path, Slow\n"
        f"infra = by('LocalProcess', Path({str(folder)!r}), max_jobs=1)\n"
        f"list(Slow(infra=infra, notes={str(notes)!r}, seconds=1.5).run_many([1, 2]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    step = Slow(infra=infra, notes=str(notes), seconds=1.5)  # type: ignore[arg-type]
    until(notes, 1)
    job = step.lookup(2).job()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert is_alive(int(job.job_id))
    assert step.lookup(2).status == "running"

    assert list(step.run_many([1, 2])) == [2, 3]

    assert noted(notes) == ["1", "2"]


@pytest.mark.cluster
@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt cannot be sent to one process")
def test_an_interrupt_ends_the_jobs(tmp_path: Path) -> None:
    """What they had done is kept."""
    notes, folder = tmp_path / "notes", tmp_path / "kept"
    code = (
        "from tests.steps.test_jobs import by, Path, Slow\n"
        f"infra = by('LocalProcess', Path({str(folder)!r}), max_jobs=1)\n"
        f"list(Slow(infra=infra, notes={str(notes)!r}, seconds=1.5).run_many(range(99)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    until(notes, 2)
    step = Slow(infra=by("LocalProcess", folder), seconds=1.5)
    job = step.lookup(1).job()

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)

    assert "KeyboardInterrupt" in errors
    assert gone([int(job.job_id)], within_s=60)
    assert step.lookup(0).cached()
    assert len(noted(notes)) < 10


def test_several_tasks_of_one_job_give_one_result(tmp_path: Path) -> None:
    """As for a training that is spread over processes."""
    assert Shift(infra=by("LocalProcess", tmp_path, tasks_per_node=2)).run(1) == 2


def test_fields_are_validated() -> None:
    """Each backend has the fields that it can make use of, and no other."""
    for kind in (LocalProcess, SubmititDebug, Slurm, Auto):
        backend = kind()
        assert (backend.max_jobs, backend.min_items_per_job, backend.mem_gb) == (128, 1, None)
        for fields in ({"max_jobs": 0}, {"min_items_per_job": 0}):
            with pytest.raises(pydantic.ValidationError, match="greater than 0"):
                kind(**fields)
        with pytest.raises(pydantic.ValidationError, match="timeout_min"):
            kind(timeout_mins=3)  # type: ignore[call-arg]
    with pytest.raises(pydantic.ValidationError, match="partition"):
        LocalProcess(partition="dev")  # type: ignore[call-arg]
    assert isinstance(Auto(), Slurm)
