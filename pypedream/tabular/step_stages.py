"""Steps as stages: what a run of a pipeline calls for a step, and where its arguments come from."""

from __future__ import annotations

from copy import copy
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.context import LOG, STAGE
from pypedream.errors import TableRunError
from pypedream.inputs import Input, InputBinding
from pypedream.stage import Stage
from pypedream.tabular.astro_file import AstroFile
from pypedream.tabular.identity_stage import staged_identities
from pypedream.tabular.services import FILES, QUARANTINED, STATS, TABLES
from pypedream.tabular.step_calls import StepCall, context_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.tabular.steps import StepContext, StepDefinition
    from pypedream.tabular.table_run import TableRun

__all__ = ["CONTEXT", "is_clear", "resource_of", "stage_of"]

CONTEXT, _FILES = "ctx", "files"


def stage_of(step: StepDefinition, after: tuple[str, ...], *, is_optional: bool) -> Stage:
    """Return the stage that calls a step.

    Parameters
    ----------
    after
        The steps that have to have ended before it.
    is_optional
        Whether a file of it need not be there.
    """
    return Stage(
        _function_of(step),
        _inputs_of(step),
        name=step.step_id,
        after=after,
        uses=tuple(resource_of(name) for name in step.file_names),
        when=_condition_of(step) if step.depends_on or is_optional else None,
        tags=(str(step.kind),),
        cache="off",
    )


def resource_of(name: str) -> str:
    """Return the resource that a step has for itself while it is at a file."""
    return f"file:{name}"


def _function_of(step: StepDefinition) -> Any:
    def call(**arguments: Any) -> Any:
        return _call(step, arguments)

    function: Any = call
    function.__name__ = function.__qualname__ = getattr(step.fn, "__name__", step.step_id)
    function.__doc__ = step.fn.__doc__
    function.__wrapped__ = step.fn  # where the user wrote it
    function.__signature__ = signature(step.fn) if step.is_by_name else _USUAL
    return function


_USUAL = Signature([Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in (CONTEXT, _FILES)])


def _inputs_of(step: StepDefinition) -> list[Input]:
    context = Input(CONTEXT, InputBinding.contextual(TABLES, _ContextOf(step.step_id)))
    if not step.is_by_name:
        return [context, Input(_FILES, InputBinding.contextual(FILES, _FilesOf(step)))]
    files = [
        Input(spec.ingest_name, InputBinding.contextual(FILES, _FileOf(spec)))
        for spec in step.file_specs
    ]
    return [context, *files] if CONTEXT in signature(step.fn).parameters else files


def _condition_of(step: StepDefinition) -> Callable[[], bool]:
    """Return what is asked when the turn of a step comes; its name is in the plan."""

    def what_it_needs_is_complete() -> bool:
        return is_clear(_running(TABLES.get()).hindrance(step))

    return what_it_needs_is_complete


def is_clear(hindrance: str) -> bool:
    """Say whether nothing hinders a step; what does goes to its log."""
    log, attempt = LOG.get(), STAGE.get()
    if hindrance and log is not None:
        log.add("log", hindrance, attempt=attempt)
    return not hindrance


def _call(step: StepDefinition, arguments: Mapping[str, Any]) -> Any:
    run = _running(TABLES.get())
    context = arguments.get(CONTEXT) or context_of(run, step.step_id)
    given = arguments.values() if step.is_by_name else arguments[_FILES]
    files = {each.name: each for each in given if isinstance(each, AstroFile)}
    call = StepCall(run, step, files, context)
    number = run.enter()
    try:
        call.begin(number)
        return _carried_out(call, arguments)
    finally:
        run.leave()


def _carried_out(call: StepCall, arguments: Mapping[str, Any]) -> Any:
    step, context = call.step, call.context
    try:
        STATS.set(context.stats)
        QUARANTINED.set(context.quarantine)
        with staged_identities(context.run_directory, context.step_id):
            if step.is_by_name:
                value = step.fn(**arguments)
            else:
                value = step.fn(context, [*call.files.values()])
        call.commit(value)
    except BaseException as error:
        call.fail(error)
        raise
    return value


def _running(run: Any) -> TableRun:
    if run is None:
        raise TableRunError(
            "no run of tables is carried out here: a step is called by run() of its own pipeline,"
            ' with the executor "serial" or "threads"'
        )
    found: TableRun = run
    return found


@frozen
class _ContextOf:
    """From the run to what a step gets to know."""

    step_id: str

    def __call__(self, run: Any) -> StepContext:
        return context_of(_running(run), self.step_id)


@frozen
class _FilesOf:
    """From the files of the run to those of a step."""

    step: StepDefinition

    def __call__(self, files: Mapping[str, AstroFile]) -> list[AstroFile]:
        return [_FileOf(spec)(files) for spec in self.step.file_specs]


@frozen
class _FileOf:
    """From the files of the run to one of them, as a class names it."""

    spec: Any

    def __call__(self, files: Mapping[str, AstroFile]) -> AstroFile:
        file = copy(files[self.spec.ingest_name])
        file.spec = self.spec
        return file
