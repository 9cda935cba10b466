"""Where a step keeps what it computed, and what is written beside that for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.store.location import FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["StepPaths"]

_STEPS = "steps"
_DIGITS = 12
_LONGEST = 60


@frozen
class StepPaths:
    """The folders of one step.

    Attributes
    ----------
    base_folder
        The folder of its ``infra``.
    step_uid
        A readable name with the first digits of the step's identity.
    """

    base_folder: Path
    step_uid: str

    @classmethod
    def of(cls, folder: Path, names: Sequence[str], count: int, position: bytes) -> StepPaths:
        """Return the paths for a position after some steps.

        Parameters
        ----------
        names
            The names of the steps up to there; the last one is enough if there are many.
        """
        readable = "+".join(names)
        if len(names) < count or len(readable) > _LONGEST:
            readable = f"{count}-steps-to-{names[-1]}"[:_LONGEST]
        return cls(folder, f"{readable}-{position.hex()[:_DIGITS]}")

    @property
    def start(self) -> str:
        """What the keys of the step's results in the store begin with."""
        return f"step/{self.step_uid}/"

    @property
    def step_folder(self) -> Path:
        """The folder with the step's configuration and the logs of its jobs."""
        return self.base_folder / _STEPS / self.step_uid

    @property
    def cache_folder(self) -> Path:
        """The folder of the store, which has the results of all steps with the same folder."""
        return self.base_folder / FOLDER
