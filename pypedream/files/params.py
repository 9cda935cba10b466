"""The parameters of one stage: which argument takes them, their value, and what overrides it.

A class of parameters is a `StageParams`, or any pydantic model, attrs class or dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from pypedream.errors import ParameterError
from pypedream.files.reading import is_stage_params, read
from pypedream.names import did_you_mean, there_are
from pypedream.parameters.annotations import is_config_class
from pypedream.parameters.refusals import in_short
from pypedream.parameters.table import Parameters
from pypedream.store.fields import fields_of_class
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.files.reading import Subject
    from pypedream.files.report import Report

FILES: Final = ("params.yaml", "params.yml", "params.json", "params.toml")
"""Files that may override parameters, beside the project file; a project has one of them."""

_USUAL = "params"
_DATA: Final = frozenset(
    (
        ".csv",
        ".feather",
        ".gz",
        ".h5",
        ".hdf5",
        ".html",
        ".ipc",
        ".jpg",
        ".json",
        ".jsonl",
        ".md",
        ".nc",
        ".npy",
        ".npz",
        ".parquet",
        ".pdf",
        ".pickle",
        ".pkl",
        ".png",
        ".pt",
        ".pth",
        ".rds",
        ".sqlite",
        ".svg",
        ".toml",
        ".tsv",
        ".txt",
        ".xls",
        ".xlsx",
        ".xml",
        ".yaml",
        ".yml",
        ".zarr",
        ".zip",
    )
)

_NO_FIELD = ("Extra inputs are not permitted", "unexpected keyword argument")
"""What classes say of a name that is no field: pydantic's, and all others."""


def params_of(subject: Subject, given: Any, report: Report) -> tuple[tuple[str, type] | None, Any]:
    """Return the argument that takes parameters and their class, and their value.

    Parameters
    ----------
    subject
        The function.
    given
        What was registered: an instance, a class, or a mapping of fields. None stands for the
        default of the argument that is annotated with a `StageParams`, or those of the class.

    Returns
    -------
    None twice if no argument takes any.
    """
    known = _classes(subject)
    argument = _argument(subject, known, given, report)
    if argument is None:
        return None, None
    kind = known.get(argument) or (given if isinstance(given, type) else type(given))
    given = subject.default_of(argument) if given is None else given
    value = _value(argument, kind, given, report)
    for name, path in _paths_in(value, argument):
        report.doubtful(
            "",
            f"{name} is a path, {short(path, 60)}: write it as Dep or Out, so that the content of"
            " the file counts",
        )
    return (argument, type(value) if is_config_class(type(value)) else kind), value


def _classes(subject: Subject) -> dict[str, type]:
    """Return the arguments that are annotated with a class of parameters."""
    known: dict[str, type] = {}
    for name in subject.arguments:
        with suppress(Exception):  # what cannot be read is told where files are read
            kind = read(subject.annotations.get(name), subject.scope).kind
            if is_config_class(kind):
                known[name] = kind
    return known


def _argument(
    subject: Subject, known: Mapping[str, type], given: Any, report: Report
) -> str | None:
    ours = [name for name, kind in known.items() if is_stage_params(kind)]
    if given is None:
        fitting = ours
    else:
        kind = given if isinstance(given, type) else type(given)
        fitting = [name for name, each in known.items() if issubclass(kind, each)]
        fitting = fitting or ours or [name for name in subject.arguments if name == _USUAL]
        if not fitting:
            hint = "add an argument such as params: Params"
            report.wrong(
                "", f"params={short(given, 60)} is given, and no argument takes it: {hint}"
            )
    if len(fitting) > 1:
        names = " and ".join(fitting)
        report.wrong("", f"one argument takes the parameters of a stage; here are {names}")
    return fitting[0] if fitting else None


def _value(argument: str, kind: type, given: Any, report: Report) -> Any:
    where = f'argument "{argument}"'
    if isinstance(given, kind) and is_config_class(type(given)):
        return given
    if isinstance(given, type) and issubclass(given, kind):
        kind, given = given, None
    if not (given is None or isinstance(given, Mapping)) or not is_config_class(kind):
        wanted = f"a {kind.__name__}" if is_config_class(kind) else "an instance of StageParams"
        report.wrong(where, f"params is {wanted}, not {short(given, 60)}")
        return None
    try:
        return kind(**(given or {}))
    except (TypeError, ValueError) as error:
        hint = "" if given else f": register(..., params={kind.__name__}(...))"
        is_name = any(each in str(error) for each in _NO_FIELD)
        unknown = [*_unknown(given or {}, kind)] if is_name else []
        for each in unknown or [f"{kind.__name__}: {in_short(error)}{hint}"]:
            report.wrong(where, each)
        return None


def fields_by_name(params: Any) -> dict[str, Any]:
    """Return what an instance of a class of parameters holds; nothing of None."""
    names = fields_of_class(type(params)) or ()
    return {name: getattr(params, name, None) for name in names}


def _paths_in(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a value that look like paths of data."""
    if isinstance(value, PurePath) or (isinstance(value, str) and _is_path(value)):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _paths_in(each, f"{name}[{key!r}]")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _paths_in(each, name)
    elif is_config_class(type(value)):
        for field, each in fields_by_name(value).items():
            yield from _paths_in(each, f"{name}.{field}")


def _is_path(text: str) -> bool:
    path = PurePath(text.replace("\\", "/"))
    return len(path.parts) > 1 and path.suffix.lower() in _DATA and "://" not in text


def overrides_for(root: Path, names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what ``params.yaml`` (or .yml, .json, .toml) in *root* sets, by stage.

    Parameters
    ----------
    root
        The folder of the project.
    names
        For each stage its parameters: an instance, or a class; None if it has none.

    Returns
    -------
    By stage the fields that the file has; empty without a file. `with_overrides` checks the values.

    Raises
    ------
    ParameterError
        If there are two such files, one cannot be read, or with one line for each stage and field
        that is not there.
    MissingExtra
        If it is YAML and PyYAML is not installed.
    """
    from pypedream.parameters.sources import read_file

    found = [name for name in FILES if (root / name).is_file()]
    if not found:
        return {}
    if len(found) > 1:
        raise ParameterError(f"{' and '.join(found)} are both in {root}: keep one of them")
    mistakes = []
    overrides: dict[str, dict[str, Any]] = {}
    for stage, values in read_file(root / found[0]).items():
        wrong = [f'stage "{stage}"{each} ({found[0]})' for each in _misplaced(stage, values, names)]
        if values and not wrong:
            overrides[stage] = dict(values)
        mistakes.extend(wrong)
    if mistakes:
        raise ParameterError("\n".join(mistakes))
    return overrides


def with_overrides(value: Any, overrides: Mapping[str, Any], *, stage: str, source: str) -> Any:
    """Return the parameters of a stage with some fields set to other values, as a file holds them.

    Parameters
    ----------
    value
        An instance, which stays as it is, or a class, for its defaults.
    overrides
        By field; for a nested class a mapping of some of its fields.
    stage, source
        What messages call the stage, and where the values come from: "params.yaml".

    Raises
    ------
    ParameterError
        With one line for each mistake.
    """
    if not overrides:
        return value
    try:
        return Parameters.from_class(value).with_data(overrides, source=source).instance()
    except ParameterError as error:
        lines = (f'stage "{stage}": {line}' for line in str(error).splitlines())
        raise ParameterError("\n".join(lines)) from None


def _misplaced(stage: Any, values: Any, names: Mapping[str, Any]) -> Iterator[str]:
    """Say why an entry of a file is not that of a stage, after the stage's name."""
    if stage not in names:
        yield f" is not there{did_you_mean(str(stage), names) or f'; {there_are(names)}'}"
    elif values is not None and not isinstance(values, Mapping):
        yield f": fields with values are needed, not {short(values, 40)}"
    elif names[stage] is None:
        yield " takes no params"
    else:
        kind = names[stage] if isinstance(names[stage], type) else type(names[stage])
        yield from (f": {each}" for each in _unknown(values or {}, kind))


def _unknown(values: Iterable[Any], kind: type) -> Iterator[str]:
    fields = fields_of_class(kind) or []
    for name in values:
        if name not in fields:
            near = did_you_mean(str(name), fields) or f"; {there_are(fields)}"
            yield f'{kind.__name__} has no field "{name}"{near}'
