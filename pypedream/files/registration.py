"""From a function and what is said when it is registered to its `FileSpec`, or every mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.files.checks import ending_doubts
from pypedream.files.clashing import clashing
from pypedream.files.reading import stage_params_are_loaded
from pypedream.files.report import Report
from pypedream.files.sides import RETURN, Side, output, reads, writes
from pypedream.files.spec import FileDep, FileOut, FileSpec
from pypedream.places import Place

if TYPE_CHECKING:
    from pypedream.files.reading import Subject

_GIVEN_ELSEWHERE = ("placeholder", "incremental")
"""The kinds of annotations whose path depends on more than what they say."""


def registered(
    function: Any, subject: Subject | None, *, params: Any, deps: Any, outs: Any, name: str
) -> FileSpec | None:
    """Return what *function* reads and writes; None if that is nothing.

    Parameters
    ----------
    function
        What is registered.
    subject
        What it calls in the end; None if that is not written in Python.
    params, deps, outs
        Parameters and paths that are given.
    name
        What the stage is called; "" is like the function.

    Raises
    ------
    PipelineConfigError
        With one line for each mistake.
    """
    report = Report(name or _called(function), Place.of_function(function))
    if subject is None:
        report.wrong("", "nothing in it says which files it reads and writes: register a function")
        report.close()
        return None
    inputs = list(reads(subject, report))
    outputs = list(writes(subject, report, has_deps=bool(inputs)))
    of, to = _paths(inputs, outputs, deps, outs, report)
    chosen, value = _params_of(subject, params, report)
    if inputs or outputs or chosen or report.mistakes:
        _check_home(function, subject, report)
        report.close()
    for side in outputs:
        for doubt in ending_doubts(to[side.name], side.annotation.loader):
            report.doubtful(output(side.name), doubt)
    spec = FileSpec(
        deps={side.name: _dep(side, of[side.name]) for side in inputs},
        outs={side.name: _out(side, to[side.name]) for side in outputs},
        params=chosen,
        is_single=any(side.name == RETURN for side in outputs),
        params_value=value,
        warnings=tuple(report.warnings),
    )
    for line in clashing(spec.deps, spec.outs):
        report.wrong("", line)
    report.close()
    return spec if spec.deps or spec.outs or spec.params else None


def _paths(
    inputs: list[Side], outputs: list[Side], deps: Any, outs: Any, report: Report
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the path of each argument and of each output, which is mostly as it is annotated."""
    kinds = {side.annotation.kind for side in (*inputs, *outputs)}
    if deps is None and outs is None and kinds.isdisjoint(_GIVEN_ELSEWHERE):
        return {one.name: one.path for one in inputs}, {one.name: one.path for one in outputs}
    from pypedream.files.incremental import with_paths_of_outputs
    from pypedream.files.overriding import dep_paths, out_paths

    to, of = out_paths(outputs, outs, report), dep_paths(inputs, deps, report)
    return with_paths_of_outputs(inputs, outputs, of, to, deps, report), to


def _params_of(subject: Subject, given: Any, report: Report) -> tuple[tuple[str, type] | None, Any]:
    if given is None and not stage_params_are_loaded():
        return None, None  # as of most functions: nobody can have written such a class
    from pypedream.files.params import params_of

    return params_of(subject, given, report)


def _called(function: Any) -> str:
    while hasattr(function, "func"):  # a partial
        function = function.func
    return getattr(function, "__name__", None) or type(function).__name__


def _check_home(function: Any, subject: Subject, report: Report) -> None:
    """Refuse what cannot be found by its name in its module, so in no other process either."""
    name = subject.function.__name__
    if name == "<lambda>" or "<locals>" in subject.function.__qualname__:
        what = "a lambda" if name == "<lambda>" else "a function that is defined inside another"
        report.wrong("", f"cannot pickle {what}: move it to the top of its module")
    elif "<locals>" in getattr(type(function), "__qualname__", ""):
        kind = type(function).__name__
        report.wrong("", f"cannot pickle a {kind}: move its class to the top of its module")


def _dep(side: Side, path: Any) -> FileDep:
    return FileDep(path, side.annotation.loader, side.annotation.kind == "incremental")


def _out(side: Side, path: Any) -> FileOut:
    annotation = side.annotation
    kind = annotation.kind
    drawn = (annotation.x, annotation.y, annotation.template) if kind == "plot" else ()
    return FileOut(path, annotation.loader, kind, annotation.cache, side.is_required, *drawn)
