"""Exporting: from a pipeline to its flow file for Prefect 3, or to all reasons against it."""

from __future__ import annotations

import os
import shlex
import sys
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import ExportError
from pypedream.export import travel
from pypedream.export.given import given_rightly
from pypedream.export.hosting import hosted
from pypedream.export.mark import free_place, marked
from pypedream.export.outlining import outline_of
from pypedream.export.prefect.flow_file import flow_text, function_of
from pypedream.export.target import module_of
from pypedream.formats import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pypedream.export.outline import Outline
    from pypedream.pipeline import Pipeline


@frozen
class WrittenFlow:
    """A flow file that was written.

    Attributes
    ----------
    path
        The file.
    pipeline
        Name of the pipeline.
    function
        What the flow is called in the file.
    tasks
        How many tasks there are, those that list items not counted.
    notes
        What is to be known before it runs in Prefect.
    command
        How to run it once.
    """

    path: str
    pipeline: str
    function: str
    tasks: int
    notes: tuple[str, ...] = ()
    command: str = ""

    def __str__(self) -> str:
        tasks = "1 task" if self.tasks == 1 else f"{self.tasks} tasks"
        return "\n".join(
            [
                f"{self.path}: flow {self.function} with {tasks}",
                *(f"  note: {note}" for note in self.notes),
                f"  to run it once: {self.command}",
            ]
        )

    __repr__ = __str__


def to_prefect(
    pipeline: Pipeline,
    path: str | os.PathLike[str],
    *,
    maker: str = "",
    store: str | None = None,
    group_as_task: str | Iterable[str] = (),
    map_chunk: int | None = None,
    project_root: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> WrittenFlow:
    """Write the flow file of a pipeline; see `pypedream.Pipeline.to_prefect`.

    Parameters
    ----------
    maker
        Name of the function that made the pipeline, as "build()"; "" if it has a name itself.
    """
    __tracebackhide__ = True
    try:
        file = _named(path)
        given = _rightly(
            store=store,
            group_as_task=group_as_task,
            map_chunk=map_chunk,
            project_root=project_root,
        )
        outline, warnings = _outlined(pipeline, file, maker, given)
        text = marked(flow_text(outline))
        place = free_place(file, overwrite=overwrite, by="this export", text=text)
    except ExportError as error:
        raise ExportError(f'no flow is written for pipeline "{pipeline.name}": {error}') from None
    with replacing(place) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
    function = function_of(outline)
    return WrittenFlow(
        str(path),
        pipeline.name,
        function,
        len(outline.tasks),
        (*warnings, *_notes(outline)),
        f"python {shlex.quote(str(path))}",
    )


def _rightly(**arguments: Any) -> Mapping[str, Any]:
    found = given_rightly(**arguments)
    if found.mistakes:
        raise ExportError(_listed([*found.mistakes]))
    return found.values


def _named(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise ExportError(f'{path} is no name for a module: call it "flow.py"')
    return file


def _outlined(
    pipeline: Pipeline, file: Path, maker: str, given: Mapping[str, Any]
) -> tuple[Outline, list[str]]:
    """Return what the flow file is made from, and what will be different there.

    Raises
    ------
    ExportError
        If the pipeline cannot run there, with all reasons.
    """
    groups, root = given["group_as_task"], given["project_root"]
    pipeline = hosted(pipeline)
    outline_of(pipeline, group_as_task=groups)  # what is wrong with these is all that matters then
    beside = os.path.dirname(os.path.abspath(file))
    journey = travel.check(
        pipeline,
        host="prefect",
        store=given["store"] or "",
        map_chunk=given["map_chunk"],
        paths=(beside,) if root is None else (root, beside),
        file=file,
        group_as_task=groups,
        maker=maker,
    )
    if journey.reasons:
        raise ExportError(_listed([str(each) for each in journey.reasons]))
    module = sys.modules.get(module_of(pipeline))
    outline = outline_of(
        pipeline,
        journey.target,
        params=journey.params,
        group_as_task=groups,
        about=cleandoc(getattr(module, "__doc__", None) or ""),
        fingerprint=journey.fingerprint,
        varies=tuple(journey.varies),
        store=given["store"] or "",
        command=_command(file, journey.target, given),
        options={
            "map_chunk": given["map_chunk"],
            "project_root": None
            if root is None
            else Path(os.path.relpath(root, beside)).as_posix(),
        },
    )
    return outline, [str(each) for each in journey.warnings]


def _listed(reasons: list[str]) -> str:
    reasons = list(dict.fromkeys(reasons))
    if len(reasons) == 1:
        return reasons[0]
    return "\n".join([f"{len(reasons)} reasons", *(f"  {each}" for each in reasons)])


def _command(file: Path, target: str, given: Mapping[str, Any]) -> str:
    """Return the command line that writes the same file again."""
    words = ["python", "-m", "pypedream", "export", "prefect", target]
    for name, value in given.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                said = _said(each) if name == "project_root" else str(each)
                words += [f"--{name.replace('_', '-')}", said]
    return shlex.join([*words, "--out", _said(file)])


def _said(path: str | os.PathLike[str]) -> str:
    """Return a path as the file may say it: where it lies on this machine is nobody's business."""
    relative = Path(os.path.relpath(path))
    if relative.is_absolute() or relative.parts[:1] == ("..",):
        return Path(path).name if os.path.isabs(path) else Path(path).as_posix()
    return relative.as_posix()


def _notes(outline: Outline) -> list[str]:
    notes = [
        f'stage "{task.key}" uses "{name}": Prefect keeps others off it only with a limit for the'
        f" tag: prefect concurrency-limit create {shlex.quote(name)} 1"
        for task in outline.tasks.values()
        for name in task.policy.uses
    ]
    return list(dict.fromkeys(notes))
