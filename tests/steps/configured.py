"""Steps that worker processes find by their names."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pypedream.steps import Step


def note(folder: str, value: Any) -> None:
    """Leave a mark that a computation was made: one file for each, whoever makes it."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{value}-{os.getpid()}-{time.monotonic_ns()}").touch()


def noted(folder: Path) -> list[str]:
    """The values for which computations were made, one for each."""
    return sorted(path.name.partition("-")[0] for path in folder.iterdir())


class Start(Step):
    value: int = 5

    def _run(self) -> int:
        return self.value


class Scale(Step):
    factor: float = 2.0

    def _run(self, value: float) -> float:
        return value * self.factor


class Shift(Step):
    by: int = 1
    notes: str = ""

    def _run(self, value: int) -> int:
        if self.notes:
            note(self.notes, value)
        return value + self.by

    def _exclude_from_cls_uid(self) -> list[str]:
        return ["notes"]


class Slow(Shift):
    seconds: float = 0.3

    def _run(self, value: int) -> int:
        time.sleep(self.seconds)
        return super()._run(value)


class Fragile(Shift):
    bad: int = 2

    def _run(self, value: int) -> int:
        if value == self.bad:
            raise ValueError(f"bad {value}")
        return super()._run(value)


class Talking(Step):
    def _run(self, value: int) -> int:
        print(f"heard {value}")
        return value


class Pid(Step):
    seconds: float = 0.0

    def _run(self, value: int) -> int:
        time.sleep(self.seconds)
        return os.getpid()


class Deadly(Shift):
    """Ends the process that computes one of the values, a moment after the one before."""

    bad: int = 2
    once: str = ""

    def _run(self, value: int) -> int:
        time.sleep(0.1)
        if value == self.bad and not (self.once and Path(self.once).exists()):
            if self.once:
                Path(self.once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._run(value)

    def _exclude_from_cls_uid(self) -> list[str]:
        return ["notes", "once"]


class Tenfold(Step):
    """Computes several at a time."""

    notes: str = ""

    def _run_batch(self, values: Iterable[int]) -> Iterator[int]:
        for value in values:
            if self.notes:
                note(self.notes, value)
            yield value * 10

    def _exclude_from_cls_uid(self) -> list[str]:
        return ["notes"]


class Lists(Step):
    def _run(self, value: int) -> list[int]:
        return [value]
