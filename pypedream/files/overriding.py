"""Paths that are given at registration, in place of those that are annotated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pypedream.errors import DefinitionError
from pypedream.files.annotations import as_texts
from pypedream.files.checks import checked, type_mistakes
from pypedream.files.sides import Side, argument, output
from pypedream.names import did_you_mean, there_are
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pypedream.files.report import Report

_SHAPES: Final[dict[Any, str]] = {
    str: "one path",
    list: "a list of paths",
    tuple: "a tuple of paths",
}


def dep_paths(sides: Iterable[Side], given: Any, report: Report) -> dict[str, Any]:
    """Return the path of each argument: the one given, else the annotated one."""
    known = {side.name: side for side in sides}
    paths = _overridden("dep_path_overrides", known, given, argument, report)
    for name, side in known.items():
        if side.annotation.kind == "placeholder" and name not in _names(given):
            hint = f'register(..., dep_path_overrides={{"{name}": "..."}})'
            report.wrong(argument(name), f"PlaceholderDep requires override: write {hint}")
    return paths


def out_paths(sides: Iterable[Side], given: Any, report: Report) -> dict[str, Any]:
    """Return the path of each output: the one given, else the annotated one."""
    known = {side.name: side for side in sides}
    return _overridden("out_path_overrides", known, given, output, report)


def _overridden(
    option: str,
    known: Mapping[str, Side],
    given: Any,
    called: Callable[[str], str],
    report: Report,
) -> dict[str, Any]:
    paths = {name: side.path for name, side in known.items()}
    if given is None:
        return paths
    if not isinstance(given, Mapping):
        report.wrong("", f"{option} is a dict from names to paths, not {short(given, 40)}")
    for name in _names(given):
        if name not in known:
            near = did_you_mean(str(name), known) or f"; {there_are(known)}"
            report.wrong("", f'{option} has no "{name}" to override{near}')
            continue
        try:
            paths[name] = _given(known[name], given[name])
        except DefinitionError as error:
            report.wrong(called(name), f"{error} (in {option})")
            continue
        for mistake in type_mistakes(known[name].annotation, paths[name], known[name].kind):
            report.wrong(called(name), mistake)
    return paths


def _names(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Mapping) else []


def _given(side: Side, path: Any) -> Any:
    path = as_texts(path)
    if type(path) not in _SHAPES:
        raise DefinitionError(f"a path is a text, not {short(path, 40)}")
    if side.path is not None and type(path) is not type(side.path):
        there, here = _SHAPES[type(side.path)], _SHAPES[type(path)]
        raise DefinitionError(f"{there} is overridden by {there}, not by {here}: {short(path, 40)}")
    if isinstance(side.path, tuple) and len(path) != len(side.path):
        raise DefinitionError(f"{len(side.path)} paths are overridden by as many, not {len(path)}")
    return checked(path, side.annotation)
