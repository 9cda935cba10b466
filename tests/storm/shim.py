"""The library that makes calls of the system fail, and how a process gets it.

It has to be loaded before everything else, so whoever wants it starts itself again with it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from attrs import frozen

MAKE, WRITE, READ, SYNC, NAME, LOOK = 1, 2, 4, 8, 16, 32
CHANGES = MAKE | WRITE | SYNC | NAME
_VARIABLE = "STORM_FAULTS"


@frozen
class Fault:
    """What happens at the k-th of some calls.

    Attributes
    ----------
    calls
        Which kinds of calls are counted.
    way
        0: it fails. 1: it and all later ones do. 2: it writes a part. 3: the process is killed in
        its place. 4: killed when a part is written.
    """

    name: str
    calls: int
    way: int = 0
    number: int = 0


KILLS = (Fault("killed", CHANGES, 3), Fault("killed in a write", WRITE, 4))
FAULTS = (
    Fault("ENOSPC", MAKE | WRITE | SYNC, 1, errno.ENOSPC),
    Fault("EIO", CHANGES | READ | LOOK, 0, errno.EIO),
    Fault("EACCES", MAKE | NAME | LOOK, 0, errno.EACCES),
    Fault("short write", WRITE, 2),
)


def why_not() -> str:
    """Return why there can be no faults here; "" if there can."""
    if sys.platform != "linux":
        return "calls of the system can be made to fail on Linux only"
    return "" if shutil.which("cc") else "there is no C compiler"


def start_with_faults(arguments: list[str]) -> None:
    """Start this program again with the library, unless it has it."""
    if _VARIABLE in os.environ:  # it is loaded and stays so; others are not to get it
        shutil.rmtree(os.environ.pop(_VARIABLE))
        del os.environ["LD_PRELOAD"]
        return
    folder = mkdtemp(prefix="storm-")
    library = Path(folder, "faults.so")
    source = Path(__file__).with_name("faults.c")
    command = ["cc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    os.environ.update({_VARIABLE: folder, "LD_PRELOAD": str(library)})
    os.execv(sys.executable, [sys.executable, "-m", "tests.storm", *arguments])


def arming(fault: Fault, folder: Path, k: int, report: int) -> Callable[[], Any]:
    """Return what lets the k-th call for a file in *folder* go wrong in the calling process.

    Parameters
    ----------
    report
        The descriptor to which that call is told.
    """
    library, root = ctypes.CDLL(None), os.fsencode(folder)

    def arm() -> Any:
        kinds, way, number = fault.calls, fault.way, fault.number
        library.faults_arm(root, kinds, way, number, ctypes.c_long(k), report)
        return library.faults_disarm

    return arm
