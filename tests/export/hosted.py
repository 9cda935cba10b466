"""A host for tests: it carries out an outline task by task, and knows nothing but texts.

What one task hands to the next goes through JSON, as it does where a database is between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from pypedream import Pipeline
from pypedream.engine.host import Host
from pypedream.export.hand_over import Carrier
from pypedream.export.outline import Outline, Task
from pypedream.export.outlining import outline_of
from pypedream.export.remote import Remote, chunks


@frozen
class Outcome:
    """What the tasks came to: results by stage, and why others have none."""

    values: dict[str, Any]
    skipped: dict[str, str]


@define
class TestHost:
    """Carries out a pipeline task by task."""

    __test__ = False

    pipeline: Pipeline
    store: str = ""
    map_chunk: int | None = None
    group_as_task: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(factory=dict)
    owner: str = ""
    run_id: str = "manual__2026-11-01T00:00:00+00:00"
    handles: dict[str, Any] = field(factory=dict)
    skipped: dict[str, str] = field(factory=dict)
    events: list[Any] = field(factory=list)

    def carry_out(self) -> Outcome:
        outline = outline_of(self.pipeline, "m:flow", group_as_task=self.group_as_task)
        for task in outline.tasks.values():
            self._carry_out(outline, task)
        return Outcome(self._results(outline), self.skipped)

    def _remote(self) -> Remote:
        host = Host(self.run_id)
        about = {"store": self.store}
        sinks = (self.events.append,)
        return Remote(about, self.pipeline, self.values, host, sinks, self.owner)

    def _carry_out(self, outline: Outline, task: Task) -> None:
        upstream = {key: self.handles[outline.task_of(key).key] for key in task.reads}
        remote = self._remote()
        if task.is_mapped:
            total, ended = remote.items(task.key, upstream)
            pieces = chunks(total, self.map_chunk)
            parts = [remote.stage(task.key, upstream, piece).handle for piece in pieces]
            handed: Any = [ended.handle, parts]
        elif task.is_several:
            ended = remote.group(task.stages, upstream)
            handed = ended.handle
        else:
            ended = remote.stage(task.key, upstream)
            handed = ended.handle
        remote.close()
        if ended.handle is None:
            self.skipped[task.key] = ended.why
        self.handles[task.key] = json.loads(json.dumps(handed))

    def _results(self, outline: Outline) -> dict[str, Any]:
        stages = {stage: task for task in outline.tasks.values() for stage in task.stages}
        upstream = {stage: self.handles[task.key] for stage, task in stages.items()}
        remote = self._remote()
        try:
            return remote.given(upstream)
        finally:
            remote.close()


__all__ = ["Carrier", "Outcome", "TestHost"]
