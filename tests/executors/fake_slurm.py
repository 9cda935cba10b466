"""Commands of the names of Slurm's, which run jobs as processes of this machine, with no limits.

What submitit does is so done for real: it writes a script, gives it to ``sbatch`` and looks at what
``sacct`` says. State lies in files beside the commands.
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

FOR_LOGS = os.O_CREAT | os.O_WRONLY | os.O_APPEND
COMMANDS = ("sbatch", "srun", "sacct", "scancel")


def install(folder: Path) -> None:
    """Make the commands in *folder*, to be put on the path."""
    folder.mkdir()
    for name in COMMANDS:
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {name} {folder} "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)


def sbatch(folder: Path, script: str) -> None:
    number = str(os.getpid())  # of this command: no other job ever had it
    text = Path(script).read_text()
    (folder / f"{number}.script").write_text(text)
    last = re.search(r"--array=0-(\d+)", text)
    for index in [None] if last is None else range(int(last[1]) + 1):
        start(folder, script, number, index)
    print(f"Submitted batch job {number}")


def start(folder: Path, script: str, number: str, index: int | None) -> None:
    """Start a job, or one of an array; it writes where the script says."""
    name = number if index is None else f"{number}_{index}"
    environment = {
        **os.environ,
        "SLURM_JOB_ID": number,
        "SLURM_NTASKS": "1",
        "SLURM_JOB_NUM_NODES": "1",
        "SLURM_NODEID": "0",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_JOB_NODELIST": "localhost",
    }
    if index is not None:
        environment |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(index)}
    state = folder / f"{name}.state"
    state.write_text("RUNNING")
    text = Path(script).read_text()
    paths = re.findall(r"--(?:error|output)=(\S+)", text)[:2]  # of the script, in this order
    errors, output = (os.open(filled(path, environment), FOR_LOGS, 0o644) for path in paths)
    job = subprocess.Popen(
        ["sh", "-c", f'bash "{script}" && echo COMPLETED > "{state}" || echo FAILED > "{state}"'],
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )
    (folder / f"{name}.process").write_text(str(job.pid))


def filled(path: str, environment: Mapping[str, str]) -> str:
    """Return a path with the numbers of a job in their places; its folder is there then."""
    names = {
        "%j": "SLURM_JOB_ID",
        "%A": "SLURM_ARRAY_JOB_ID",
        "%a": "SLURM_ARRAY_TASK_ID",
        "%t": "SLURM_PROCID",
    }
    for place, name in names.items():
        path = path.replace(place, environment.get(name, "0"))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return path


def srun(folder: Path, *arguments: str) -> None:
    given = list(arguments)
    for option, stream in (("--output", 1), ("--error", 2)):
        place = given.index(option)
        path = filled(given[place + 1], os.environ)
        del given[place : place + 2]
        os.dup2(os.open(path, FOR_LOGS), stream)
    given.remove("--unbuffered")
    os.execv(given[0], given)


def sacct(folder: Path, *arguments: str) -> None:
    print("JobID|State|NodeList")
    for number in (value for option, value in pairwise(arguments) if option == "-j"):
        for state in [*folder.glob(f"{number}.state"), *folder.glob(f"{number}_*.state")]:
            print(f"{state.stem}|{state.read_text().strip()}|localhost")


def scancel(folder: Path, number: str) -> None:
    end(folder, number, "CANCELLED by 0")


def end(folder: Path, number: str, state: str) -> None:
    """End a job as Slurm would, which then says *state* of it."""
    (folder / f"{number}.state").write_text(state)
    os.killpg(int((folder / f"{number}.process").read_text()), signal.SIGKILL)


if __name__ == "__main__":
    {"sbatch": sbatch, "srun": srun, "sacct": sacct, "scancel": scancel}[sys.argv[1]](
        Path(sys.argv[2]), *sys.argv[3:]
    )
