"""A pipeline of tables as boxes of text: what comes in, and the steps in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.tabular.steps import StepKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.tabular.models import IngestFileSpec
    from pypedream.tabular.pipeline import Pipeline
    from pypedream.tabular.steps import StepDefinition

__all__ = ["boxes_of"]

_LEAST = 30


def boxes_of(pipeline: Pipeline) -> str:
    """Return a box for the files that are expected, and one for each step, in order.

    Examples
    --------
    >>> print(_drawn([["register", "schools  schools*.csv"], ["Sort", "sort on schools"]]))
    ┌────────────────────────────────┐
    │ register                       │
    │ schools  schools*.csv          │
    └───────────────┬────────────────┘
    ┌───────────────┴────────────────┐
    │ Sort                           │
    │ sort on schools                │
    └────────────────────────────────┘
    """
    return _drawn([_files(pipeline.name, pipeline.ingest_files), *map(_step, pipeline.steps)])


def _files(name: str, specs: Sequence[IngestFileSpec]) -> list[str]:
    wide = max(len(spec.name) for spec in specs)
    return [
        name,
        *(
            f"{spec.name:<{wide}}  {spec.source_pattern}{' (optional)' if spec.optional else ''}"
            for spec in specs
        ),
    ]


def _step(step: StepDefinition) -> list[str]:
    kind = "filter, " if step.kind is StepKind.FILTER else ""
    lines = [step.label, f"{kind}{step.step_id} on {', '.join(step.file_names)}"]
    if step.depends_on:
        verb = "is" if len(step.depends_on) == 1 else "are"
        lines.append(f"after {', '.join(step.depends_on)} {verb} complete")
    return lines


def _drawn(boxes: list[list[str]]) -> str:
    wide = max(_LEAST, *(len(line) for box in boxes for line in box)) + 2
    middle = wide // 2
    joint = (middle - 1) * "─", (wide - middle) * "─"
    lines = []
    for number, box in enumerate(boxes):
        is_first, is_last = number == 0, number == len(boxes) - 1
        lines.append(f"┌{'─' * wide}┐" if is_first else f"┌{'┴'.join(joint)}┐")
        lines += [f"│ {line:<{wide - 2}} │" for line in box]
        lines.append(f"└{'─' * wide}┘" if is_last else f"└{'┬'.join(joint)}┘")
    return "\n".join(lines)
