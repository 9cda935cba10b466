"""Both sides of a function: the files that its arguments say, and those that its return says.

Paths are as they are annotated here; what overrides them comes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import DefinitionError
from pypedream.files.annotations import DEPS, Output
from pypedream.files.checks import checked, loader_mistakes, missing, type_mistakes, word
from pypedream.files.reading import Said, fields_of, is_typed_dict, mentions, read
from pypedream.files.scope import Missing
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.files.reading import Subject
    from pypedream.files.report import Report
    from pypedream.files.scope import Scope

RETURN = "return"
"""The name of the one output of a function whose return is annotated directly."""


@frozen(eq=False, repr=False)
class Side:
    """One value that is a file.

    Attributes
    ----------
    name
        The argument, the field, or "return".
    annotation
        What stands beside its type.
    path
        The path as it is annotated, in its normal form; None for a `PlaceholderDep`, and where it
        is wrong.
    kind
        Its type.
    is_required
        Whether a function has to return it.
    """

    name: str
    annotation: Any
    path: Any
    kind: Any
    is_required: bool = True


def reads(subject: Subject, report: Report) -> Iterator[Side]:
    """Yield the files that arguments are read from."""
    for name in subject.arguments:
        if name not in subject.annotations:
            continue
        where = argument(name)
        annotation, found = _beside(where, subject.annotations[name], subject.scope, report)
        if annotation is not None and annotation.kind in DEPS:
            yield _side(name, where, annotation, found, report)
        elif annotation is not None:
            report.wrong(where, f"{word(annotation)} is for what is returned; write Dep")
    for name in subject.variadic:
        if mentions(subject.annotations.get(name), subject.scope):
            hint = "write one argument with Annotated[list[...], Dep([...], loader)]"
            report.wrong(argument(name), f"* and ** take no files: {hint}")


def writes(subject: Subject, report: Report, *, has_deps: bool) -> Iterator[Side]:
    """Yield the files that are written: of the fields of a TypedDict, or of what is returned.

    A TypedDict without any is a plain value, unless the function reads files.
    """
    if "return" not in subject.annotations:
        return
    where = output(RETURN)
    annotation, found = _beside(where, subject.annotations["return"], subject.scope, report)
    if annotation is not None:
        if isinstance(annotation, Output):
            yield _side(RETURN, where, annotation, found, report)
        else:
            report.wrong(where, f"{word(annotation)} is for arguments; write Out")
    elif is_typed_dict(found.kind) and (has_deps or mentions(found.kind, subject.scope)):
        yield from _fields(found.kind, report)
    elif has_deps and isinstance(found.kind, Missing) and found.kind.name.isidentifier():
        report.doubtful(where, f"if {found.kind.name} says Out: {missing(found.kind)}")


def argument(name: str) -> str:
    """Return what an argument is called in a message."""
    return f'argument "{name}"'


def output(name: str) -> str:
    """Return what an output is called in a message."""
    return "what is returned" if name == RETURN else f'field "{name}"'


def _fields(table: Any, report: Report) -> Iterator[Side]:
    if "<locals>" in table.__qualname__:
        report.wrong(
            "",
            f"the TypedDict {table.__name__} is defined inside a function: move it to the top of"
            " its module",
        )
    for name, written, scope, is_required in fields_of(table):
        where = output(name)
        annotation, found = _beside(where, written, scope, report)
        if isinstance(annotation, Output):
            said = found.is_required
            yield _side(
                name, where, annotation, found, report, is_required if said is None else said
            )
        elif annotation is not None:
            report.wrong(where, f"{word(annotation)} is for arguments; write Out")
        elif not found.files:
            report.wrong(
                where,
                f"TypedDict field missing Out annotation: write {name}: Annotated[type,"
                f' Out("...", loader)] in {table.__name__}',
            )


def _side(
    name: str, where: str, annotation: Any, found: Said, report: Report, is_required: bool = True
) -> Side:
    path = None
    if annotation.kind != "placeholder":
        try:
            path = checked(annotation.path, annotation)
        except DefinitionError as error:
            report.wrong(where, str(error))
    for mistake in loader_mistakes(annotation):
        report.wrong(where, mistake)
    for mistake in type_mistakes(annotation, path, found.kind):
        report.wrong(where, mistake)
    return Side(name, annotation, path, found.kind, is_required)


def _beside(where: str, written: Any, scope: Scope, report: Report) -> tuple[Any, Said]:
    """Return the one annotation of a file, or None; and all that was said."""
    try:
        found = read(written, scope)
    except Exception as error:  # noqa: BLE001 - the user's own code is in it; the reason is told
        reason = one_line(str(error)) or type(error).__name__
        report.wrong(where, f"the annotation cannot be read: {reason}")
        return None, Said(Missing("?"), (Missing("?"),))
    mistake = _mistake(found, scope)
    if mistake:
        report.wrong(where, mistake)
        return None, found
    return (found.files[0] if found.files else None), found


def _mistake(found: Said, scope: Scope) -> str:
    """Say why what was read is not one annotation of a file, if it is any."""
    if not found.files:
        if isinstance(found.kind, Missing) and found.kind.name.endswith("Annotated"):
            return missing(found.kind)
        is_inside = not isinstance(found.kind, type) and mentions(found.kind, scope)
        return "write Annotated[...] around the whole type, not within it" if is_inside else ""
    if len(found.files) > 1:
        names = [word(each) for each in found.files]
        return f"one value is one file; here are {', '.join(names[:-1])} and {names[-1]}"
    return _mistake_of(found.files[0], found.kind)


def _mistake_of(first: Any, kind: Any) -> str:
    if isinstance(first, Missing):
        return missing(first)
    if isinstance(first, type):
        return f"{first.__name__} says no file: write {first.__name__}(...)"
    if kind is first:
        return f"{word(first)}(...) stands beside a type: write Annotated[type, {word(first)}(...)]"
    return ""
