"""Gone locks: those of stages that a pipeline had once, and has no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.files.locks import Locks
from pypedream.files.paths import WORKSPACE

if TYPE_CHECKING:
    from pypedream.engine.plan import Blueprint

__all__ = ["GoneLock", "gone_locks"]


@frozen
class GoneLock:
    """A lock whose stage is gone.

    Attributes
    ----------
    root
        The folder of the project that it is in.
    """

    stage: str
    root: str

    def __str__(self) -> str:
        return f'lock of "{self.stage}": the pipeline has no such stage; gc --locks removes it'

    def remove(self) -> None:
        """Remove it.

        Raises
        ------
        StoreError
            If it cannot be removed.
        """
        Locks(Path(self.root, WORKSPACE)).remove(self.stage)


def gone_locks(base: Blueprint) -> list[GoneLock]:
    """Return the locks of stages that a pipeline has no more; those of other pipelines stay."""
    name, stages = base.definition.name, base.definition.stages
    own = [each.files for each in stages.values() if each.files is not None]
    roots = dict.fromkeys(files.root for files in own if files.pipeline == name)
    return [
        GoneLock(lock.stage, root)
        for root in roots
        for lock in Locks(Path(root, WORKSPACE)).others(stages)
        if lock.pipeline == name
    ]
