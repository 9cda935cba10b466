"""Slurm by submitit: its executors for one machine, and commands that act as Slurm's."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from pypedream.errors import ExecutorError, StageKilled, StageTimeout
from pypedream.executors.slurm import Slurm
from tests.executors import fake_slurm
from tests.executors.elsewhere import (
    add,
    die,
    divide,
    hang,
    job_of,
    leave,
    shift,
    spoil,
    talk,
    tell_secret,
    texts,
    wait_for_rows,
    where,
)

submitit = pytest.importorskip("submitit")
np = pytest.importorskip("numpy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def local(folder: Path) -> Slurm:
    return Slurm(submitit.LocalExecutor(folder=folder))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands are on the path."""
    place = tmp_path / "slurm"
    fake_slurm.install(place)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return place


def test_a_job_runs_as_a_process_of_its_own(local: Slurm) -> None:
    """Values come back in order, and what is said arrives once."""
    job, rows = job_of(shift, items=(1, 2), by=10)
    loud, heard = job_of(talk)

    assert local.submit(job).result().values == [11, 12]
    assert local.submit(loud).result().rows == []
    assert rows == []
    assert texts(heard) == ["printed it", "to stderr it", "logged it", "careful it"]


def test_an_exception_is_the_users_own(local: Slurm) -> None:
    """The type and the line of the user's function come back."""
    mishap = local.submit(job_of(divide, by=0)[0]).result().error

    assert mishap is not None
    error = mishap.error()
    assert isinstance(error, ZeroDivisionError)
    assert traceback.extract_tb(error.__traceback__)[-1].line == "return 1 / by"


def test_a_killed_job_says_where_its_log_is(local: Slurm, folder: Path) -> None:
    """What it said arrives, and the error names the file that submitit wrote."""
    job, rows = job_of(die)
    several, _ = job_of(leave, items=(0, 1, 2, 3))

    with pytest.raises(StageKilled, match='stage "die": its job ended before its calls') as killed:
        local.submit(job).result()
    with pytest.raises(StageKilled) as left:
        local.submit(several).result()

    assert texts(rows) == ["last words"]
    path = Path(str(killed.value).rpartition("see ")[2])
    assert path.parent == folder
    assert path.exists()
    assert left.value.index == 2


@pytest.mark.cluster
def test_submitit_keeps_its_files_and_nothing_of_ours_stays(local: Slurm, folder: Path) -> None:
    """The folder holds what submitit writes; segments and shared kits are gone."""
    rows = np.zeros(200_000)
    job, _ = job_of(spoil, rows=rows)

    values = [local.submit(job).result().values[0] for _ in range(2)]
    shared = [path.name for path in folder.iterdir() if path.name.startswith("kit-")]
    local.shutdown()

    assert [value[0] for value in values] == [1, 1]
    assert len(shared) == 1
    endings = {path.name.partition("_")[2] for path in folder.iterdir()}
    assert endings == {"0_log.err", "0_log.out", "0_result.pkl", "submitted.pkl"}


def test_jobs_that_are_sent_together_are_one_array(commands: Path, folder: Path) -> None:
    """Slurm is asked once, and each job has its own result and log."""
    slurm = Slurm(submitit.AutoExecutor(folder=folder / "%j", cluster="slurm"))

    with slurm.together():
        futures = [slurm.submit(job_of(shift, items=(n,), by=10)[0]) for n in range(3)]

    assert [future.result().values for future in futures] == [[10], [11], [12]]
    assert len(list(commands.glob("*.script"))) == 1
    numbers = [future.call.submitted.job_id for future in futures]
    assert [number.partition("_")[2] for number in numbers] == ["0", "1", "2"]


def test_an_array_that_is_refused_says_why(tmp_path: Path, folder: Path) -> None:
    """The error is one line with what submitit said."""
    slurm = Slurm(submitit.AutoExecutor(folder=folder, cluster="local"))

    with pytest.raises(ExecutorError, match=r"take an array of jobs: .*Nesting"):  # noqa: SIM117
        with slurm.together(), slurm.together():
            pass


@pytest.mark.cluster
def test_cancel_ends_the_job(local: Slurm) -> None:
    """A cancelled job's process is gone soon."""
    job, rows = job_of(hang)
    future = local.submit(job)
    wait_for_rows(future, rows)

    future.cancel()

    with pytest.raises(CancelledError, match='stage "hang" was cancelled'):
        future.result()
    assert future.call.submitted._process.wait(timeout=30) is not None


@pytest.mark.cluster
@pytest.mark.parametrize("signal_delay_s", [2, 0], ids=["warned", "killed"])
def test_a_job_that_takes_too_long_is_a_timeout(folder: Path, signal_delay_s: int) -> None:
    """The error names the option that gives it more time, and where the log is."""
    executor = submitit.LocalExecutor(folder=folder)
    executor.update_parameters(signal_delay_s=signal_delay_s)
    job, rows = job_of(hang, resources={"timeout_min": 0.1})

    with pytest.raises(StageTimeout, match=r"time limit; give .* more with timeout_min=; see /"):
        Slurm(executor).submit(job).result()

    assert texts(rows)[0] == "begun"


def test_resources_are_asked_for_on_a_copy(folder: Path) -> None:
    """What one job needs does not become a parameter of the user's executor."""
    executor = submitit.AutoExecutor(folder=folder, cluster="local")
    executor.update_parameters(timeout_min=7)
    slurm = Slurm(executor)

    variant = slurm._variant({"cpus": 2, "mem_gb": 4, "gpus": 1, "timeout_min": 1.5})

    assert executor._executor.parameters == {"timeout_min": 7}
    assert variant._executor.parameters == {
        "cpus_per_task": 2,
        "mem_gb": 4,
        "gpus_per_node": 1,
        "timeout_min": 2,
    }
    assert slurm._variant({"gpus": 1, "mem_gb": 4, "cpus": 2, "timeout_min": 1.5}) is variant


def test_what_submitit_does_not_know_is_one_clear_line(folder: Path) -> None:
    """A resource of another engine is refused by name, before anything is submitted."""
    slurm = Slurm(submitit.AutoExecutor(folder=folder, cluster="local"))

    with pytest.raises(ExecutorError, match=r'stage "add": submitit does not take it: .*licences'):
        slurm.submit(job_of(add, resources={"licences": 1}, a=1)[0])


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # submitit leaves files open here
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_debug_executor_makes_the_calls_here(folder: Path) -> None:
    """One job after the other in this process, pickled as for a cluster."""
    debug = Slurm(submitit.DebugExecutor(folder=folder), workers=4)
    job, heard = job_of(tell_secret, word="open sesame")

    assert debug.workers == 1
    assert debug.submit(job_of(where)[0]).result().values == [where()]
    assert debug.submit(job).result().error is None
    assert texts(heard) == ["the word is open sesame"]


def test_without_slurm_the_way_to_try_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a laptop ``executor="slurm"`` says what to write in its place."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ExecutorError, match=r"no srun .*submitit\.LocalExecutor\(folder="):
        Slurm.in_folder(tmp_path)


def test_slurm_needs_a_folder_that_all_see(commands: Path) -> None:
    """Without a workspace there is no such folder."""
    with pytest.raises(ExecutorError, match=r"needs a folder that all machines share: say work"):
        Slurm.in_folder(None)


@pytest.fixture
def slurm(commands: Path, tmp_path: Path) -> Iterator[Slurm]:
    slurm = Slurm.in_folder(tmp_path / "workspace")
    yield slurm
    slurm.shutdown(wait=False)


def test_jobs_are_given_to_slurm(slurm: Slurm, commands: Path, tmp_path: Path) -> None:
    """A job's needs are in the script that sbatch gets, and its log comes while it runs."""
    needs = {"cpus": 4, "mem_gb": 2, "timeout_min": 30, "partition": "long", "slurm_qos": "low"}
    job, rows = job_of(talk, resources=needs)

    reply = slurm.submit(job).result()

    assert reply.error is None
    assert texts(rows) == ["printed it", "to stderr it", "logged it", "careful it"]
    [script] = commands.glob("*.script")
    asked = script.read_text()
    for option in ("cpus-per-task=4", "mem=2GB", "time=30", "partition=long", "qos=low"):
        assert f"#SBATCH --{option}\n" in asked
    assert (tmp_path / "workspace" / "slurm").stat().st_mode & 0o077 == 0


@pytest.mark.cluster
def test_a_slurm_executor_takes_the_same_names(commands: Path, folder: Path) -> None:
    """The user's own SlurmExecutor is asked in its own words."""
    slurm = Slurm(submitit.SlurmExecutor(folder=folder))
    needs = {"cpus": 4, "mem_gb": 2, "timeout_min": 30, "partition": "long"}

    values = slurm.submit(job_of(add, resources=needs, a=1)[0]).result().values

    assert values == [1]
    [script] = commands.glob("*.script")
    assert "#SBATCH --mem=2GB\n#SBATCH --nodes=1\n" in script.read_text()
    assert "#SBATCH --partition=long\n" in script.read_text()


@pytest.mark.cluster
@pytest.mark.parametrize(
    "state, error, text",
    [
        (
            "OUT_OF_MEMORY",
            StageKilled,
            "its job ran out of memory; give the stage more with mem_gb=",
        ),
        ("TIMEOUT", StageTimeout, "its job reached its time limit; give the stage more with time"),
        ("NODE_FAIL", StageKilled, "its job ended before its calls did"),
        ("CANCELLED by 17", StageKilled, "its job was cancelled"),
    ],
)
def test_what_slurm_says_of_a_job_is_said(
    slurm: Slurm, commands: Path, state: str, error: type[Exception], text: str
) -> None:
    """Why Slurm ended a job, what helps, and where its log is."""
    job, rows = job_of(hang)
    future = slurm.submit(job)
    wait_for_rows(future, rows)
    number = future.call.submitted.job_id
    fake_slurm.end(commands, number, state)

    with pytest.raises(error, match=f'stage "hang": {text}.*see .*{number}_0_log.err'):
        future.result()


@pytest.mark.cluster
def test_cancel_tells_slurm(slurm: Slurm, commands: Path) -> None:
    """A cancelled job is cancelled with scancel."""
    job, rows = job_of(hang)
    future = slurm.submit(job)
    wait_for_rows(future, rows)

    future.cancel()

    number: Any = future.call.submitted.job_id
    assert (commands / f"{number}.state").read_text().startswith("CANCELLED")
