"""What a parent sends to a worker: a job, and what it may rely on besides its arguments."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import frozen

if TYPE_CHECKING:
    from pypedream.executors.sharing import Wire

__all__ = ["LOADING", "MOST_KITS", "STALE", "Errand", "Surroundings"]

STALE: Final = 75
"""Exit code of a worker that has imported a module which has changed since."""
MOST_KITS: Final = 4
"""How many kits a worker keeps; its parent counts along."""


class Loading:
    """Whether this process is a worker that imports what a call needs; there is one, `LOADING`."""

    def __init__(self) -> None:
        self.is_on = False

    def __enter__(self) -> None:
        self.is_on = True

    def __exit__(self, *_: object) -> None:
        self.is_on = False


LOADING = Loading()


@frozen
class Surroundings:
    """What a function may rely on besides its arguments."""

    path: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    arguments: tuple[str, ...]

    @classmethod
    def of_this_process(cls) -> Surroundings:
        """Return what holds here and now."""
        try:
            folder = os.getcwd()
        except OSError:  # somebody removed it
            folder = ""
        arguments = tuple(map(str, getattr(sys, "argv", ())))
        return cls(tuple(map(str, sys.path)), folder, dict(os.environ), arguments)

    def enter(self) -> None:
        """Let it hold in this process."""
        sys.path[:] = self.path
        sys.argv[:] = self.arguments
        with suppress(OSError):
            os.chdir(self.folder)
        for name in os.environ.keys() - self.environment.keys():
            del os.environ[name]
        os.environ.update(self.environment)


class Errand(NamedTuple):
    """One job, as it is sent to a worker.

    Attributes
    ----------
    number
        Counts the jobs of one executor.
    kit_id, kit
        Which kit; the kit itself comes with the first of its jobs.
    calls
        The keys and values of the calls.
    forgotten
        Kits of which no job will come any more.
    surroundings
        If they have changed since the last job.
    """

    number: int
    kit_id: str
    kit: Wire | None
    calls: Wire
    forgotten: tuple[str, ...]
    surroundings: Surroundings | None
