"""Defining steps: what a pipeline of tables may say of itself, with all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from inspect import iscoroutinefunction, isgeneratorfunction, signature
from typing import TYPE_CHECKING, Any

from pypedream.errors import DefinitionError, PipelineClassError
from pypedream.names import did_you_mean, there_are
from pypedream.places import calling_place
from pypedream.stage import arguments_of
from pypedream.tabular.astro_file import AstroFileSpec
from pypedream.tabular.models import ExecutionMode, IngestFileSpec, StepExecutionMode
from pypedream.tabular.polars_library import pl
from pypedream.tabular.steps import StepDefinition, StepKind, slugify_step_label
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_class", "step_of"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST = 200  # it is the name of folders, and most systems have none of more than 255 letters
_ALIKE = 0.9
_SIZES = ("large_file_threshold_bytes", "ingest_batch_size", "run_batch_size")


def check_class(kind: type) -> None:
    """Check what a class of pipelines says.

    Raises
    ------
    PipelineClassError
        With a line for each mistake.
    """
    specs, wrong = getattr(kind, "ingest_files", None), []
    if not (isinstance(specs, (list, tuple)) and specs):
        wrong.append("ingest_files= is a list of one IngestFileSpec or more")
        specs = ()
    others = [each for each in specs if not isinstance(each, IngestFileSpec)]
    wrong += [f"ingest_files= holds {said(each)}, which is no IngestFileSpec" for each in others]
    names = [each.name for each in specs if isinstance(each, IngestFileSpec)]
    wrong += [f'two of ingest_files= are called "{name}"' for name in _repeated(names)]
    wrong += _wrong_sizes(kind) + _misspelt(kind)
    for name, modes in (
        ("execution_mode", ExecutionMode),
        ("step_execution_mode", StepExecutionMode),
    ):
        if getattr(kind, name) not in list(modes):
            words = " or ".join(f'"{mode}"' for mode in modes)
            wrong.append(f"{name}={getattr(kind, name)!r} is not {words}")
    if wrong:
        where = calling_place()
        raise PipelineClassError(
            "\n".join(f"class {kind.__name__}: {one} ({where})" for one in wrong)
        )


def step_of(
    label: str,
    fn: Any,
    files: Iterable[Any] | None,
    *,
    step_id: str | None,
    depends_on: Sequence[str] | None,
    kind: StepKind,
    names: Sequence[str],
    before: Sequence[StepDefinition],
) -> StepDefinition:
    """Return a step, or tell all that is wrong with it.

    Parameters
    ----------
    files
        Classes of files, or their names; None for those that arguments of *fn* are called after.
    names
        The names of all files of the pipeline.
    before
        The steps that are registered already.

    Raises
    ------
    DefinitionError
        With a line for each mistake, all at the line of the user's that registers the step.
    """
    is_by_name = files is None
    for name, given in (("files", files), ("depends_on", depends_on)):
        if given is not None and not isinstance(given, (type, Iterable)):
            where = calling_place()
            raise DefinitionError(f'step "{label}": {name}={said(given)} is no list ({where})')
    key = step_id if step_id is not None else slugify_step_label(str(label))
    specs = _specs_by_name(fn, names) if files is None else _specs(files)
    needs = (depends_on,) if isinstance(depends_on, str) else tuple(depends_on or ())
    wrong = _wrong_label(label, key, before) + _wrong_function(fn, kind, is_by_name=is_by_name)
    wrong += _wrong_files(specs, names, is_by_name=is_by_name) + _wrong_needs(key, needs, before)
    if wrong:
        where = calling_place()
        raise DefinitionError("\n".join(f'step "{label}": {one} ({where})' for one in wrong))
    return StepDefinition(key, label, fn, tuple(specs), needs, StepKind(kind), is_by_name)


def _wrong_sizes(kind: type) -> list[str]:
    found = []
    for name in (*_SIZES, "max_parallel_workers"):
        value = getattr(kind, name)
        is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if not (is_count or (value is None and name not in _SIZES)):
            found.append(f"{name}={value!r} is not a whole number from 1 up")
    return found


def _misspelt(kind: type) -> list[str]:
    """Tell what is nearly called as something that a class may say, which nobody would look at."""
    known = [*_SIZES, "max_parallel_workers", "execution_mode", "step_execution_mode"]
    own = [name for name in vars(kind) if name[:1] != "_" and not hasattr(kind.__base__, name)]
    found = []
    for name in own:
        from difflib import get_close_matches  # most classes have nothing of their own

        if near := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            found.append(f'it has "{name}"; did you mean "{near[0]}"?')
    return found


def _wrong_label(label: object, key: Any, before: Sequence[StepDefinition]) -> list[str]:
    if not (isinstance(label, str) and label.strip()):
        return [f"a step has a label, not {said(label)}"]
    if not (isinstance(key, str) and _ID.fullmatch(key)):
        return [f"step_id={key!r} has other letters than A-Z, a-z, 0-9, '.', '_' and '-'"]
    if len(key) > _LONGEST:
        return [f'its id has {len(key)} letters, and {_LONGEST} are the most: step_id="..."']
    # Ids are names of folders, and some systems see no difference between "A" and "a".
    same = (step.label for step in before if step.step_id.casefold() == key.casefold())
    other = next(same, None)
    if other is None:
        return []
    return [f'"{other}" has the id "{key}" already: give another label, or step_id="..."']


def _wrong_function(fn: Any, kind: StepKind, *, is_by_name: bool) -> list[str]:
    if kind not in list(StepKind):
        return [f"kind={kind!r} is not StepKind.STEP or StepKind.FILTER"]
    is_expression = isinstance(fn, pl.Expr)
    if not callable(fn) and not (is_expression and kind == StepKind.FILTER):
        what = "a function or an expression" if kind == StepKind.FILTER else "a function"
        given = "an expression: add_filter takes out rows by one" if is_expression else said(fn)
        return [f"it takes {what}, not {given}"]
    if iscoroutinefunction(fn) or isgeneratorfunction(fn):
        return ["its function is async or yields, and so would do nothing when it is called"]
    if is_by_name or is_expression:
        return []
    gets = ("the frame",) if kind == StepKind.FILTER else ("ctx", "files")
    if _takes(fn, gets):
        return []
    how = " and ".join(gets)
    return [f"its function is called with {how}, and {said(fn)} takes {_arguments(fn)}"]


def _takes(fn: Any, arguments: tuple[str, ...]) -> bool:
    try:
        asked = signature(fn)
    except (TypeError, ValueError):  # some functions written in C do not say what they take
        return True
    try:
        asked.bind(*arguments)
    except TypeError:
        return False
    return True


def _arguments(fn: Any) -> str:
    return ", ".join(signature(fn).parameters) or "nothing"


def _wrong_files(specs: list[Any], names: Sequence[str], *, is_by_name: bool) -> list[str]:
    if not specs:
        if is_by_name:
            return [f"no argument is called after a file: {there_are(names)}"]
        return ["files= is empty: name the files that it reads and writes"]
    found = []
    for spec in specs:
        name = getattr(spec, "ingest_name", None)
        if isinstance(spec, IngestFileSpec):
            found.append(f'files= holds the IngestFileSpec of "{spec.name}": write "{spec.name}"')
        elif not isinstance(name, str):
            found.append(f"files= holds {said(spec)}, which has no ingest_name")
        elif name not in names:
            near = did_you_mean(name, names) or f": {there_are(names)}"
            found.append(f'there is no file "{name}" in ingest_files{near}')
    named = [str(getattr(spec, "ingest_name", "")) for spec in specs]
    return found + [f'files= names "{name}" twice' for name in _repeated(named)]


def _wrong_needs(
    key: object, needs: tuple[Any, ...], before: Sequence[StepDefinition]
) -> list[str]:
    there = [step.step_id for step in before]
    found = []
    for need in needs:
        if need == key:
            found.append("it depends on itself")
        elif need not in there:
            near = did_you_mean(str(need), there) or f": {there_are(there)}"
            found.append(f'depends_on names "{need}", which is no step before it{near}')
    return found


def _specs(files: Iterable[Any]) -> list[Any]:
    given = [files] if isinstance(files, (str, type)) else list(files)
    return [_named(each) if isinstance(each, str) else each for each in given]


def _specs_by_name(fn: Any, names: Sequence[str]) -> list[Any]:
    asked = arguments_of(fn).names if callable(fn) else {}
    return [_named(name) for name in asked if name in names]


def _named(name: str) -> type[AstroFileSpec]:
    return type("FileSpec", (AstroFileSpec,), {"ingest_name": name})


def _repeated(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    found = []
    for name in names:
        if name.casefold() in seen:
            found.append(name)
        seen.add(name.casefold())
    return found
