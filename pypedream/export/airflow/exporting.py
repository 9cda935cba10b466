"""Exporting: from a pipeline to its DAG file, or to all reasons why there can be none."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Factory, evolve, frozen

from pypedream.engine.problem import Problem
from pypedream.errors import ExportError
from pypedream.export import travel
from pypedream.export.airflow.dag_file import dag_id, dag_text, problems_in
from pypedream.export.airflow.settings import notes_on
from pypedream.export.given import given_rightly
from pypedream.export.hosting import hosted
from pypedream.export.mark import free_place, marked
from pypedream.export.outlining import outline_of
from pypedream.export.target import module_of
from pypedream.formats import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.export.export_cells import Sidecar
    from pypedream.export.outline import Outline
    from pypedream.export.travel import Journey
    from pypedream.pipeline import Pipeline


@frozen
class Order:
    """What is asked for.

    Attributes
    ----------
    path
        The DAG file, as the user names it.
    target
        Where the pipeline is found, as the user names it; "" finds it.
    schedule, store, group_as_task, map_chunk, project_root, dag_id
        As for `pypedream.Pipeline.to_airflow`.
    said_path
        How the file names itself; "" as it is named here.
    maker
        The function that makes the pipeline, "build()"; "" if it has a name itself.
    """

    path: str
    target: str = ""
    schedule: str | None = None
    store: str | None = None
    group_as_task: tuple[str, ...] = ()
    map_chunk: int | None = None
    project_root: str | None = None
    dag_id: str | None = None
    said_path: str = ""
    maker: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where Airflow imports from, besides what is installed."""
        beside = os.path.dirname(os.path.abspath(self.path))
        return (beside,) if self.project_root is None else (self.project_root, beside)

    @property
    def root_from_file(self) -> str | None:
        """The root of the project as the DAG file says it, which may lie anywhere else one day."""
        if self.project_root is None:
            return None
        folder = os.path.dirname(os.path.abspath(self.path))
        return Path(os.path.relpath(self.project_root, folder)).as_posix()

    def command(self, target: str) -> str:
        """Return the command line that writes the same file again."""
        given: list[tuple[str, Any]] = [
            ("--schedule", self.schedule),
            ("--store", self.store),
            *(("--group-as-task", group) for group in self.group_as_task),
            ("--map-chunk", self.map_chunk),
            ("--project-root", None if self.project_root is None else shown(self.project_root)),
            ("--dag-id", self.dag_id),
            ("--out", self.said_path or shown(self.path)),
        ]
        words = [word for name, each in given if each is not None for word in (name, str(each))]
        start = ["python", "-m", "pypedream", "export", "airflow", self.target or target]
        return shlex.join([*start, *words])


@frozen
class WrittenDag:
    """A DAG file that was written.

    Attributes
    ----------
    path
        The file.
    pipeline
        Name of the pipeline.
    dag_id
        What Airflow calls it.
    tasks
        How many tasks there are, those that list items not counted.
    schedule
        When it runs by itself; None if it does not.
    notes
        What is to be known before it runs in Airflow.
    command
        How to see later whether it is up to date.
    module
        The module of a notebook's marked cells that was written beside it; "" if there is none.
    """

    path: str
    pipeline: str
    dag_id: str
    tasks: int
    schedule: str | None = None
    notes: tuple[str, ...] = ()
    command: str = ""
    module: str = ""

    def __str__(self) -> str:
        tasks = "1 task" if self.tasks == 1 else f"{self.tasks} tasks"
        when = f', schedule "{self.schedule}"' if self.schedule else ""
        return "\n".join(
            [
                f'{self.path}: DAG "{self.dag_id}" with {tasks}{when}',
                *([f"{self.module}: the marked cells"] if self.module else []),
                *(f"  note: {note}" for note in self.notes),
                f"  to check it later: {self.command}",
            ]
        )

    __repr__ = __str__


@frozen
class Prepared:
    """A DAG file that can be written.

    Attributes
    ----------
    text
        All of it.
    outline
        What it was made from.
    notes
        What is to be known before it runs in Airflow.
    """

    text: str
    outline: Outline
    notes: tuple[str, ...] = Factory(tuple)


def to_airflow(
    pipeline: Pipeline,
    path: str | os.PathLike[str],
    *,
    group_as_task: str | Iterable[str] = (),
    project_root: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **asked: Any,
) -> WrittenDag:
    """Write the DAG file of a pipeline; see `pypedream.Pipeline.to_airflow`."""
    __tracebackhide__ = True
    kinds = given_rightly(
        path=path, project_root=project_root, group_as_task=group_as_task, **asked
    )
    if kinds.mistakes:
        raise ExportError(_refused(pipeline, list(kinds.mistakes)))
    return write(pipeline, Order(**kinds.values), overwrite=overwrite)


def write(
    pipeline: Pipeline, order: Order, *, overwrite: bool = False, sidecar: Sidecar | None = None
) -> WrittenDag:
    """Write the DAG file that is asked for.

    Parameters
    ----------
    overwrite
        Whether files that are someone's work may be replaced.
    sidecar
        The module that has the pipeline, if that is to be written too.

    Raises
    ------
    ExportError
        If there are reasons against it, with all of them. Nothing is written then.
    """
    __tracebackhide__ = True
    made = prepared(pipeline, order)
    try:
        place = free_place(order.path, overwrite=overwrite, by="this export", text=made.text)
        if sidecar is not None:
            sidecar.write(overwrite=overwrite)
    except ExportError as error:
        raise ExportError(_refused(pipeline, [str(error)])) from None
    with replacing(place) as beside:
        beside.write_text(made.text, encoding="utf-8", newline="\n")
    return WrittenDag(
        order.path,
        pipeline.name,
        dag_id(made.outline),
        len(made.outline.tasks),
        order.schedule,
        made.notes,
        f"python -m pypedream export airflow --check {shlex.quote(order.path)}",
        "" if sidecar is None else shown(str(sidecar.path)),
    )


def prepared(pipeline: Pipeline, order: Order) -> Prepared:
    """Return the text of the DAG file of a pipeline; nothing is written.

    Raises
    ------
    ExportError
        If there are reasons against it, with all of them.
    PlanError
        With all mistakes in the pipeline.
    """
    problems, pipeline = [*_problems_of(order)], hosted(pipeline)
    order = evolve(order, group_as_task=_groups(pipeline, order, problems))
    journey = travel.check(
        pipeline,
        host="airflow",
        schedule=order.schedule,
        store=order.store or "",
        map_chunk=order.map_chunk,
        paths=order.folders,
        file=order.path,
        group_as_task=order.group_as_task,
        maker=order.maker,
    )
    outline = _outline(pipeline, journey, order)
    problems += [*journey.reasons, *problems_in(outline)]
    if problems:
        raise ExportError(_refused(pipeline, list(dict.fromkeys(map(str, problems)))))
    notes = (*map(str, journey.warnings), *notes_on(outline))
    return Prepared(marked(dag_text(outline)), outline, tuple(dict.fromkeys(notes)))


def _groups(pipeline: Pipeline, order: Order, problems: list[Problem]) -> tuple[str, ...]:
    """Return the groups that can be one task; why others cannot is added to the problems."""
    outline_of(pipeline)  # what is wrong with the pipeline itself is all that matters then
    found: list[str] = []
    for group in order.group_as_task:
        try:
            outline_of(pipeline, group_as_task=[*found, group])
        except ExportError as error:
            problems.append(Problem(str(error)))
        else:
            found.append(group)
    return tuple(found)


def _outline(pipeline: Pipeline, journey: Journey, order: Order) -> Outline:
    return outline_of(
        pipeline,
        journey.target,
        params=journey.params,
        group_as_task=order.group_as_task,
        about=_docstring(pipeline),
        fingerprint=journey.fingerprint,
        varies=journey.varies,
        store=order.store or "",
        command=order.command(journey.target),
        options={
            "schedule": order.schedule,
            "map_chunk": order.map_chunk,
            "project_root": order.root_from_file,
            "dag_id": order.dag_id,
        },
    )


def _problems_of(order: Order) -> Iterator[Problem]:
    if not order.path.endswith(".py"):
        yield Problem(f"{order.path} is no name for a DAG file", None, "it ends with .py")
    folder = os.path.dirname(order.path)
    if folder and not os.path.isdir(folder):
        yield Problem(f"there is no folder {folder}", None, "make it first")
    if order.map_chunk is not None and order.map_chunk < 1:
        yield Problem(f"map_chunk={order.map_chunk}", None, "a task calls 1 item or more")
    if order.project_root is not None and not os.path.isdir(order.project_root):
        yield Problem(f"there is no folder {order.project_root}", None, "name one to import from")


def _refused(pipeline: Pipeline, reasons: list[str]) -> str:
    """Return the text of all reasons, a line for each if there are several."""
    head = f'no DAG file is written for pipeline "{pipeline.name}": '
    if len(reasons) == 1:
        return head + reasons[0]
    return "\n".join([f"{head}{len(reasons)} reasons", *(f"  {each}" for each in reasons)])


def _docstring(pipeline: Pipeline) -> str:
    """Return what the module that has the pipeline says of itself."""
    module = sys.modules.get(module_of(pipeline))
    return (getattr(module, "__doc__", None) or "").strip()


def shown(path: str) -> str:
    """Return a path as a file may say it: from here, or without the folders of this machine."""
    relative = Path(os.path.relpath(path))
    if relative.is_absolute() or relative.parts[:1] == ("..",):
        return Path(path).name if os.path.isabs(path) else Path(path).as_posix()
    return relative.as_posix()
