"""Parameters as JSON schema: what each accepts, its default as JSON has it, and the way back.

A host of workflows keeps the values of a run as JSON. So a default is written as what JSON has,
and it is written only if `Parameter.load` makes the very same value of it again.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from attrs import NOTHING, evolve

from pypedream.engine.problem import Problem
from pypedream.errors import ExportError, ParameterError
from pypedream.export.json_form import NotJson, json_form, loaded
from pypedream.export.outline import NO_DEFAULT, Param
from pypedream.files.params import FILES
from pypedream.log.redaction import is_secret_name
from pypedream.parameters.annotations import (
    arms,
    choices_of,
    container_of,
    is_config_class,
    mentions_secret,
    name_of,
    plain,
    text_form,
    unboxed,
)
from pypedream.parameters.changes import Changes
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pypedream.parameters import Parameter, Parameters
    from pypedream.places import Place

Schema = dict[str, Any]

_TYPES: Final[dict[Any, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    NoneType: "null",
}
_FORMATS: Final[dict[Any, str]] = {datetime: "date-time", date: "date", time: "time"}
_NUMBERS: Final = ("integer", "number")


def params_of(
    parameters: Parameters, varies: Collection[str] = (), where: Place | None = None
) -> tuple[dict[str, Param], list[Problem]]:
    """Return all parameters as another system needs them, and what cannot be written of them.

    Parameters
    ----------
    varies
        Names of those whose default is another one each time that the module is imported.
    where
        Where the user defined them.
    """
    params: dict[str, Param] = {}
    problems: list[Problem] = []
    for name, definition in parameters.definitions.items():
        try:
            if parameters.source(name) in FILES:  # what is said there is the default of a project
                definition = evolve(definition, default=parameters[name])  # noqa: PLW2901
            params[name] = param_of(definition, varies=name in varies)
        except ExportError as error:
            problems.append(Problem(str(error), where))
    return params, problems


def param_of(definition: Parameter, *, varies: bool = False) -> Param:
    """Return one parameter as another system needs it.

    Parameters
    ----------
    varies
        Whether its default is another one each time that the module is imported.

    Raises
    ------
    ExportError
        If JSON cannot hold its default, or no value of it.

    Examples
    --------
    >>> from pypedream import Parameter
    >>> depth = param_of(Parameter(int, 3, min=1, name="depth"))
    >>> depth.schema, depth.default
    ({'type': 'integer', 'minimum': 1}, 3)
    """
    name, text = definition.name, " ".join(definition.help.split())
    if is_hidden(definition):
        schema = {"type": "string"}
        read_by = definition.environment_name
        return Param(name, schema, NO_DEFAULT, text, is_secret=True, read_by=read_by)
    schema = schema_of(definition)
    if definition.is_computed:
        schema, default = _or_null(schema), None
    else:
        default = _default(definition)
    return Param(name, schema, default, text, varies=varies)


def is_hidden(definition: Parameter) -> bool:
    """Say whether a value of the parameter may be written nowhere: by its type, or by its name."""
    if definition.secret or mentions_secret(definition.type):
        return True
    is_text = definition.read_as in (str, None) and isinstance(definition.default, (str, NoneType))
    is_text = is_text or (definition.default is NOTHING and definition.read_as in (str, None))
    return is_text and is_secret_name(definition.name.rpartition(".")[2])


def schema_of(definition: Parameter) -> Schema:
    """Return what a parameter accepts, as JSON schema.

    Raises
    ------
    ExportError
        If no value of JSON is one of its values.
    """
    kind = object if definition.read_as is None else definition.read_as
    members = [_ruled(_schema(arm), arm, definition) for arm in arms(kind) if arm is not NoneType]
    known = [each for each in members if each is not None]
    if members and not known:
        raise ExportError(
            f'parameter "{definition.name}" is of type {name_of(kind)}, and nothing in JSON is'
            f" one: take a number or a text, and make a {name_of(kind)} of it in a stage"
        )
    schema = _any_of(known)
    takes_none = definition.default is None or NoneType in arms(kind)
    return _or_null(schema) if takes_none else schema


def values_from(
    parameters: Parameters, conf: Mapping[str, Any], *, source: str = "conf"
) -> dict[str, Any]:
    """Return what `Pipeline.run` takes for values that another system holds as JSON.

    Parameters
    ----------
    conf
        Values by name or dotted name; a group may be a mapping. None for what is computed, or was
        not given, leaves it as it is.
    source
        Where they come from, for messages.

    Raises
    ------
    ParameterError
        With one line for each name that there is not, and each value that is refused.
    """
    definitions = parameters.definitions
    changes = Changes(definitions, dict(parameters.root.groups()))
    for name, value in conf.items():
        definition = definitions.get(name)
        if definition is not None and is_hidden(definition):
            variable = definition.environment_name
            changes.mistakes.append(
                f'parameter "{name}" is secret, and {source} can be read by others: set {variable}'
                f" where the stages are called ({source})"
            )
        elif not (value is None and definition is not None and definition.is_computed):
            changes.put(name, value, source, _load)
    if changes.mistakes:
        raise ParameterError("\n".join(changes.mistakes))
    parameters.with_values(changes.values, source=source)  # a class may refuse them as a whole
    return dict(changes.values)


def _load(definition: Parameter, value: Any) -> Any:
    return loaded(definition, value)


def _default(definition: Parameter) -> Any:
    default = definition.default
    if default is NOTHING:
        return NO_DEFAULT
    try:
        form = json_form(default)
        if _is_same(loaded(definition, form), default):
            return form
        why = f"JSON has {short(form, 60)} for it, of which nothing makes the same again"
        kind = type(unboxed(default))
        if is_config_class(kind):
            raise ExportError(
                f'parameter "{definition.name}" does not say that it is a {kind.__name__}: define'
                f" it by Parameter({kind.__name__}, {kind.__name__}(...))"
            )
    except NotJson as error:
        why = f"{error}, which JSON does not have"
    except ParameterError as error:
        why = f"as JSON it would be refused: {error}"
    raise ExportError(
        f'parameter "{definition.name}": its default {definition.masked(default, 60)} cannot be'
        f" written down: {why}; take a number, a text or a list, and make of it in a stage what"
        " is needed"
    )


def _is_same(value: Any, default: Any) -> bool:
    default = unboxed(default)
    try:
        return type(value) is type(default) and bool(value == default)
    except (TypeError, ValueError):  # an array has no single truth value
        return False


def _schema(kind: Any) -> Schema | None:
    """Return the schema of one type; None if JSON has no value for it."""
    kind = plain(kind)
    if kind in _TYPES or kind is object:
        return {} if kind is object else {"type": _TYPES[kind]}
    choices = choices_of(kind)
    if choices is not None:
        return _among(choices)
    if container_of(kind) is not None:
        return _container(kind)
    if text_form(kind) is not None:
        return {"type": "string", **({"format": _FORMATS[kind]} if kind in _FORMATS else {})}
    if is_config_class(kind) or get_origin(kind) is dict:
        return {"type": "object"}
    return None if isinstance(kind, type) else {}


def _container(kind: Any) -> Schema:
    target, arguments = container_of(kind), get_args(kind)
    if target is dict:
        inner = schema_of_type(arguments[1]) if arguments else {}
        return {"type": "object", **({"additionalProperties": inner} if inner else {})}
    schema: Schema = {"type": "array"}
    if target is tuple and arguments and arguments[-1] is not ...:
        return {**schema, "minItems": len(arguments), "maxItems": len(arguments)}
    inner = schema_of_type(arguments[0]) if arguments else {}
    return {**schema, **({"items": inner} if inner else {})}


def schema_of_type(annotation: Any) -> Schema:
    """Return the schema of a type without rules; {} accepts anything."""
    known = [each for each in map(_schema, arms(annotation)) if each is not None]
    return _any_of(known)


def _among(choices: Iterable[Any]) -> Schema | None:
    forms = []
    for each in choices:
        try:
            forms.append(json_form(each))
        except NotJson:
            continue
    if not forms:
        return None
    kinds = {_TYPES.get(type(form)) for form in forms}
    kind = kinds.pop() if len(kinds) == 1 else None
    return {**({"type": kind} if kind else {}), "enum": forms}


def _ruled(schema: Schema | None, kind: Any, definition: Parameter) -> Schema | None:
    """Return a schema with choices and bounds, which are those of the members of a list."""
    if schema is None:
        return None
    if schema.get("type") == "array" and not _is_whole(definition):
        inner = _ruled(schema.get("items", {}), object, definition)
        return {**schema, "items": inner} if inner else schema
    if definition.choices is not None and "enum" not in schema:
        return _among(definition.choices) or schema
    if definition.choices is not None and get_origin(plain(kind)) is not Literal:
        return _among(definition.choices)
    default = None if definition.default is NOTHING else definition.default  # which is an Enum
    if isinstance(default, Enum) and kind is object:
        return _among(type(default))
    found = dict(schema)
    for rule, limit in (("minimum", definition.min), ("maximum", definition.max)):
        is_number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if is_number and schema.get("type") in _NUMBERS:
            found[rule] = unboxed(limit)
    return found


def _is_whole(definition: Parameter) -> bool:
    """Say whether the choices are lists themselves."""
    return any(isinstance(each, (list, tuple, set)) for each in definition.choices or ())


def _any_of(schemas: list[Schema]) -> Schema:
    distinct = [each for n, each in enumerate(schemas) if each not in schemas[:n]]
    if not distinct or {} in distinct:
        return {}
    if len(distinct) == 1:
        return distinct[0]
    if all(each.keys() == {"type"} for each in distinct):
        return {"type": [each["type"] for each in distinct]}
    return {"anyOf": distinct}


def _or_null(schema: Schema) -> Schema:
    """Return a schema that also accepts null, which comes first: a form shows the other."""
    if not schema:
        return schema
    if "anyOf" in schema:
        return {"anyOf": [{"type": "null"}, *schema["anyOf"]]}
    found = dict(schema)
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        found["type"] = ["null", *(each for each in kinds if each != "null")]
    if "enum" in schema and None not in schema["enum"]:
        found["enum"] = [*schema["enum"], None]
    return found
