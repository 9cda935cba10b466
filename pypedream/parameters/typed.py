"""From a class to parameters: one for each field that an attrs class, dataclass or model takes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from attrs import NOTHING, evolve

from pypedream.errors import DefinitionError
from pypedream.parameters.annotations import (
    arms,
    container_of,
    is_config_class,
    is_model,
    plain,
    text_form,
)
from pypedream.parameters.declared import Field
from pypedream.parameters.definition import Parameter
from pypedream.parameters.groups import Child, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_METADATA = ("choices", "env", "help", "max", "min", "note", "secret")


def group_of(cls: type, prefix: str = "", default: Any = NOTHING) -> Group:
    """Return the group whose parameters are the fields of *cls*.

    Parameters
    ----------
    cls
        An attrs class, a dataclass or a pydantic model.
    prefix
        What stands before the names: "model." for a nested class.
    default
        An instance whose values are the defaults; without it the class's own defaults are.

    Raises
    ------
    DefinitionError
        If it is no such class, an annotation cannot be resolved, or a default breaks its rules.
    """
    if not is_config_class(cls):
        name = getattr(cls, "__name__", repr(cls))
        raise DefinitionError(f"{name} is no attrs class, no dataclass and no pydantic model")
    children: dict[str, Child] = {}
    fields = list(_fields(cls))
    for field in fields:
        children[field.name] = _child(field, prefix + field.name, default)
    return Group(
        children,
        cls,
        attributes={each.name: each.attribute for each in fields if each.attribute != each.name},
        arguments={each.name: each.argument for each in fields if each.argument},
        opened=frozenset(each.name for each in fields if each.is_opened),
    )


def _fields(cls: type) -> Iterator[Field]:
    if is_model(cls):
        from pypedream.parameters.models import fields_of_model

        return fields_of_model(cls)
    hints = _hints(cls)
    if hasattr(cls, "__attrs_attrs__"):
        return _fields_of_attrs(cls, hints)
    return _fields_of_dataclass(cls, hints)


def _fields_of_attrs(cls: Any, hints: Mapping[str, Any]) -> Iterator[Field]:
    for each in cls.__attrs_attrs__:
        if not each.init:
            continue
        factory = getattr(each.default, "factory", None)
        is_computed = factory is not None and each.default.takes_self
        is_missing = each.default is NOTHING or is_computed
        yield Field(
            name=each.alias,
            attribute=each.name,
            annotation=hints.get(each.name, each.type),
            default=None if is_missing else factory or _constant(each.default),
            is_computed=is_computed,
            has_converter=each.converter is not None,
            metadata=each.metadata,
        )


def _fields_of_dataclass(cls: Any, hints: Mapping[str, Any]) -> Iterator[Field]:
    from dataclasses import MISSING, fields

    _refuse_init_only(cls, {each.name for each in fields(cls)})
    for each in fields(cls):
        if not each.init:
            continue
        default = None if each.default is MISSING else _constant(each.default)
        factory = None if each.default_factory is MISSING else each.default_factory
        yield Field(
            name=each.name,
            attribute=each.name,
            annotation=hints.get(each.name),
            default=factory or default,
            is_computed=False,
            has_converter=False,
            metadata=each.metadata,
        )


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _refuse_init_only(cls: Any, names: set[str]) -> None:
    from dataclasses import MISSING

    for name, each in cls.__dataclass_fields__.items():
        is_init_only = "INITVAR" in str(getattr(each, "_field_type", ""))  # not in fields()
        if is_init_only and each.default is MISSING and name not in names:
            raise DefinitionError(
                f"{cls.__name__}.{name} is an InitVar without a default, which cannot be read back"
                " from an instance: make it a field"
            )


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise DefinitionError(_unresolved(cls, error)) from error


def _unresolved(cls: type, error: Exception) -> str:
    """Find the field to blame: Python names only what it did not find."""
    for owner in cls.__mro__:
        for name, annotation in _written(owner).items():
            lone = {"__annotations__": {name: annotation}, "__module__": owner.__module__}
            try:
                get_type_hints(type(owner.__name__, (), lone), None, dict(vars(owner)))
            except (NameError, AttributeError, TypeError, SyntaxError) as reason:
                written = str(annotation).strip("'\"")
                return (
                    f'the type of {cls.__name__}.{name} is "{written}", which cannot be'
                    f" resolved: {reason}. Define it at the top of its module or cell"
                )
    return f"the annotations of {cls.__name__} cannot be resolved: {error}"


def _written(owner: type) -> Mapping[str, Any]:
    """Return the annotations of one class as they stand in the code."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(owner, format=Format.STRING)
    written: dict[str, Any] = vars(owner).get("__annotations__", {})
    return written


def _child(field: Field, name: str, instance: Any) -> Child:
    default = _default(field, instance)
    kind = plain(field.annotation)
    if is_config_class(kind) and not field.has_converter and not field.is_computed:
        if default is NOTHING:
            return group_of(kind, f"{name}.")
        if isinstance(default, kind):
            return group_of(type(default), f"{name}.", default)
    return _parameter(field, default).named(name)


def _default(field: Field, instance: Any) -> Any:
    if instance is not NOTHING:
        from pypedream.parameters.models import bare

        value = getattr(instance, field.attribute)
        return bare(value) if field.is_opened else value
    return NOTHING if field.default is None else field.default()


def _parameter(field: Field, default: Any) -> Parameter:
    declared = _declared(field.annotation)
    said: dict[str, Any] = {key: field.metadata[key] for key in _METADATA if key in field.metadata}
    if default is not NOTHING:
        said["default"] = default
    kind = None if field.annotation is Any else field.annotation
    if field.has_converter:
        return evolve(declared, text_type=_text_type(kind), is_computed=field.is_computed, **said)
    return evolve(declared, type=kind, is_computed=field.is_computed, **said)


def _declared(annotation: Any) -> Parameter:
    """Return the Parameter in ``Annotated[int, Parameter(min=1)]``, or one that says nothing."""
    if get_origin(annotation) is Annotated:
        for each in get_args(annotation)[1:]:
            if isinstance(each, Parameter):
                return each
    return Parameter()


def _text_type(annotation: Any) -> Any:
    """Return how text reaches a converter: as a number or a list, but a date still as text."""
    if annotation is None:
        return None
    is_text = container_of(annotation) is None and any(map(text_form, arms(annotation)))
    return str if is_text else annotation
