"""Commands of the names of Slurm's, which run jobs as processes of this machine, with no limits.

What submitit does is so done for real: it writes a script, gives it to ``sbatch`` and looks at what
``sacct`` says. State lies in files beside the commands.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

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
    state = folder / f"{number}.state"
    (folder / f"{number}.script").write_text(Path(script).read_text())
    state.write_text("RUNNING")
    job = subprocess.Popen(
        ["sh", "-c", f'bash "{script}" && echo COMPLETED > "{state}" || echo FAILED > "{state}"'],
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (folder / f"{number}.process").write_text(str(job.pid))
    print(f"Submitted batch job {number}")


def srun(folder: Path, *arguments: str) -> None:
    given = list(arguments)
    for option, stream in (("--output", 1), ("--error", 2)):
        place = given.index(option)
        path = given[place + 1].replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
        del given[place : place + 2]
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream)
    given.remove("--unbuffered")
    os.execv(given[0], given)


def sacct(folder: Path, *arguments: str) -> None:
    print("JobID|State|NodeList")
    for number in (value for option, value in pairwise(arguments) if option == "-j"):
        state = folder / f"{number}.state"
        if state.exists():
            print(f"{number}|{state.read_text().strip()}|localhost")


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
