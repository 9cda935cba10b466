"""Whether a pipeline can run elsewhere: all reasons why not, and what will be different there."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, evolve, frozen

from pypedream.engine.problem import Problem
from pypedream.engine.request import in_project
from pypedream.errors import ExportError, ParameterError
from pypedream.export.astray import astray
from pypedream.export.elsewhere import differences_there
from pypedream.export.exchanged import exchanged
from pypedream.export.freshly import CONSTANT, PLACE, Found
from pypedream.export.hosting import hosted
from pypedream.export.outline import NO_DEFAULT
from pypedream.export.own_code import Neighbourhood
from pypedream.export.portable import folders_of_machine
from pypedream.export.schema import params_of
from pypedream.export.storable import values_that_stay
from pypedream.export.store_named import problems_of_store
from pypedream.export.target import fresh, module_of, target_of
from pypedream.export.text_modules import texts_loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pypedream.export.outline import Param
    from pypedream.export.text_modules import TextModule
    from pypedream.pipeline import Pipeline

HOSTS: Final = {"airflow": "Airflow", "prefect": "Prefect"}
"""What can run a pipeline, and what it is called."""


@define
class Journey:
    """What became known of a pipeline that is to run elsewhere.

    Attributes
    ----------
    reasons
        Why it cannot; empty if it can.
    warnings
        What will be different there.
    params
        Its parameters by dotted name.
    fingerprint
        What it is, to be compared where it is called; "" if nothing could import it.
    varies
        What is another value each time that it is imported, or on another machine, and does not
        count for the fingerprint: "stage.argument", the name of a parameter, or that of a part of
        the code such as "default of day in load".
    target
        Where it is found: "module:name"; "" if nowhere.
    """

    reasons: list[Problem] = Factory(list)
    warnings: list[Problem] = Factory(list)
    params: Mapping[str, Param] = Factory(dict)
    fingerprint: str = ""
    varies: tuple[str, ...] = ()
    target: str = ""

    def insist(self, pipeline: str, host: str = "airflow") -> None:
        """Raise all reasons at once, if there are any.

        Raises
        ------
        ExportError
            With a line for each.
        """
        if self.reasons:
            lines = "".join(f"\n  {reason}" for reason in self.reasons)
            name = HOSTS.get(host, host)
            raise ExportError(f'pipeline "{pipeline}" cannot run in {name} as it is:{lines}')


@frozen
class Circumstances:
    """How a pipeline is to run elsewhere; the attributes are the options of `check`."""

    host: str = "airflow"
    schedule: Any = None
    store: str = ""
    map_chunk: int | None = None
    paths: tuple[str, ...] = ()
    file: Path | None = None
    group_as_task: tuple[str, ...] = ()
    maker: str = ""

    @property
    def host_name(self) -> str:
        """What people call the host."""
        return HOSTS.get(self.host, self.host)


def check(
    pipeline: Pipeline,
    target: str = "",
    *,
    host: str = "airflow",
    schedule: Any = None,
    store: str = "",
    map_chunk: int | None = None,
    paths: Iterable[str | os.PathLike[str]] = (),
    file: str | os.PathLike[str] | None = None,
    group_as_task: Iterable[str] = (),
    maker: str = "",
) -> Journey:
    """Return all that stands against running a pipeline elsewhere, and what will be different.

    The pipeline itself is not run; its module is imported in fresh interpreters.

    Parameters
    ----------
    target
        Where it is found: "module:name"; "" finds it.
    host
        What is to run it: "airflow" or "prefect".
    schedule
        When it is to run by itself; None never does.
    store
        Folder or URL of the store for values between tasks; "" if there is none.
    map_chunk
        How many items of a mapped stage are one task.
    paths
        Folders that the host imports from besides what is installed.
    file
        The file that is to be written; its folder is among those that the host imports from.
    group_as_task
        Prefixes of included pipelines that are one task each.
    maker
        Name of the function that made the pipeline, as "build()"; "" if it has a name itself.

    Returns
    -------
    Also with mistakes in the pipeline itself, which are among the reasons.

    Raises
    ------
    ExportError
        If the module asks this itself when a fresh interpreter imports it.
    """
    path = None if file is None else Path(os.path.abspath(file))
    folders = [os.path.abspath(each) for each in paths]
    if path is not None and str(path.parent) not in folders:
        folders.insert(0, str(path.parent))
    groups = tuple(group_as_task)
    how = Circumstances(host, schedule, store, map_chunk, tuple(folders), path, groups, maker)
    return _checked(hosted(pipeline), target, how)


def _checked(pipeline: Pipeline, target: str, how: Circumstances) -> Journey:
    base = pipeline.blueprint
    place = base.definition.place
    if base.problems:
        return Journey(_told([*base.problems], texts_loaded()), target=target)
    journey, texts = Journey(target=target), texts_loaded()
    found, why = Found(), ""
    try:
        journey.target = target or target_of(pipeline, how.paths, maker=how.maker)
    except ExportError as error:
        why = str(error)
    else:
        found = fresh(journey.target, how.paths, texts)
    varies = {**_places(pipeline, how), **found.varies}
    journey.varies = tuple(name for name in varies if not name.startswith(CONSTANT))
    journey.fingerprint = found.fingerprint(journey.varies)
    journey.reasons += astray(pipeline, journey.target, why, found, how)
    try:
        parameters = in_project(base).definition.parameters
    except ParameterError as error:
        parameters = pipeline.parameters
        journey.reasons += [Problem(line, place) for line in str(error).splitlines()]
    journey.params, problems = params_of(parameters, varies, place)
    journey.reasons += problems
    if how.schedule is not None:
        journey.reasons += _required(journey.params, pipeline)
    journey.reasons += [*values_that_stay(base), *problems_of_store(how.store)]
    crossing, may_cross = exchanged(base, module_of(pipeline), _task_of(pipeline, how))
    journey.reasons += [*crossing, *_executors(pipeline, how)]
    journey.warnings += [*differences_there(pipeline, journey.params, varies, how)]
    journey.warnings += may_cross
    journey.reasons = _told(journey.reasons, texts)
    journey.warnings = _told(journey.warnings, texts)
    return journey


def _told(problems: list[Problem], texts: Mapping[str, TextModule]) -> list[Problem]:
    """Return problems with the place that the user knows in place of one in a text."""
    for one in texts.values():
        problems = [evolve(each, where=one.place(each.where)) for each in problems]
    return problems


def _places(pipeline: Pipeline, how: Circumstances) -> dict[str, str]:
    """Return the parameters whose default is a place that is another one on each machine."""
    root = Neighbourhood(module_of(pipeline)).root
    folders = {*folders_of_machine(), *how.paths, *([root] if root else [])}
    known = tuple(each for folder in folders for each in (folder + os.sep, folder + "/"))
    return {
        name: PLACE
        for name, definition in pipeline.parameters.definitions.items()
        if isinstance(definition.default, (str, PurePath))
        and f"{definition.default}{os.sep}".startswith(known)
    }


def _required(params: Mapping[str, Param], pipeline: Pipeline) -> Iterator[Problem]:
    for name, param in params.items():
        if param.default is NO_DEFAULT and not param.is_secret:
            yield Problem(
                f'parameter "{name}" has to be set, and nobody is there to set it when a schedule'
                " starts a run",
                pipeline.blueprint.definition.place,
                "give it a default, or leave out the schedule",
            )


def _executors(pipeline: Pipeline, how: Circumstances) -> Iterator[Problem]:
    """Give each executor that is an object: it is there only in this session."""
    hint = f"leave out executor=: {how.host_name} calls each stage in a task of its own"
    own = pipeline.options.get("executor")
    if own is not None and not isinstance(own, str):
        kind = type(own).__name__
        place = pipeline.blueprint.definition.place
        yield Problem(f"executor= is an object of type {kind}, which is only here", place, hint)
    for key, wired in pipeline.blueprint.wiring.wires.items():
        one = wired.stage.policy.executor
        if one is not None and not isinstance(one, str):
            kind = type(one).__name__
            what = f'stage "{key}": executor= is an object of type {kind}, which is only here'
            yield Problem(what, wired.place, hint)


def _task_of(pipeline: Pipeline, how: Circumstances) -> Any:
    scopes = pipeline.blueprint.definition.scopes

    def task_of(key: str) -> str:
        scope = f"{scopes.get(key, '')}."
        return next((group for group in how.group_as_task if scope.startswith(f"{group}.")), key)

    return task_of
