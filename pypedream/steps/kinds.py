"""Kinds: which class a plain configuration is of, and which name stands for a class.

A configuration from YAML or JSON says by one key what it is: ``{"type": "Train", "rate": 0.1}``.
The name is that of a class that is derived from the one which is expected, or its full name with
the module, which is imported if it need not have been until now.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from contextvars import ContextVar
from copy import copy
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from weakref import WeakValueDictionary

import pydantic
from pydantic_core import InitErrorDetails, PydanticCustomError

from pypedream.names import did_you_mean, there_are
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Kind", "aliases_of", "fields_of", "kind_of", "name_of", "unnamed", "wrong"]

_KNOWN: dict[str, WeakValueDictionary[str, type[Kind]]] = {}
"""From each short name to the classes that have it, by their full names; the newest is last."""
_KEYWORDS = ("discriminator_key", "version")
_NO_FIELD = ("extra_forbidden", "no_such_attribute")
_STATE = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__")
_WRITTEN: ContextVar[tuple[int, ...]] = ContextVar("pypedream.steps.written", default=())
"""What is being written down, each within the one before: ids of objects, and their fields."""
_FIELDS = 0
_IS_COMPARED: ContextVar[bool] = ContextVar("pypedream.steps.is_compared", default=False)


class Kind(pydantic.BaseModel):
    """A model whose plain form says by one key which class it is of.

    A class may choose another key for those derived from it: ``class Base(Step,
    discriminator_key="name")``. A field that has an alias may be given by either.
    """

    model_config = pydantic.ConfigDict(extra="forbid", validate_assignment=True)

    __pypedream_key__: ClassVar[str] = "type"

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()  # what the keywords say is taken when the model is whole

    def __new__(cls, /, *values: Any, **given: Any) -> Self:
        """Return an object of the class that is named, if one is."""
        if values:
            own = next((name for name in cls.__pydantic_fields__ if name != "infra"), "field")
            how = f"{cls.__name__}({own}=...)"
            if "__init__" in vars(cls):
                how += "; fields are declared in the class, as rate: float, and not in its __init__"
            raise TypeError(f"{cls.__name__} takes its fields by name: {how}")
        name = given.get(cls.__pypedream_key__)
        if isinstance(name, str) and name != cls.__name__:
            with suppress(PydanticCustomError):  # it is told when all is validated
                return super().__new__(cast("type[Self]", kind_of(cls, name)))
        return super().__new__(cls)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        if _IS_COMPARED.get():  # what is around it sees to it that there is an end
            return fields_of(self) == fields_of(other)
        token = _IS_COMPARED.set(True)
        try:
            return fields_of(self) == fields_of(other)
        except RecursionError:
            from pypedream.steps.equality import are_equal  # it knows of this module

            return are_equal(self, other)
        finally:
            _IS_COMPARED.reset(token)

    def __str__(self) -> str:
        return repr(self)

    __hash__ = None  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field; a value that is refused leaves everything as it was."""
        if name[:1] == "_":  # what is private is not validated
            super().__setattr__(name, value)
            return
        before = dict(vars(self)), copy(self.__pydantic_extra__), set(self.__pydantic_fields_set__)
        try:
            super().__setattr__(name, value)
        except pydantic.ValidationError:  # what breaks a rule of the whole has been set by then
            for each, was in zip(_STATE, before, strict=True):
                object.__setattr__(self, each, was)
            raise

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with other values for some fields, which must fit as any value must."""
        if update and self._is_frozen(update):  # nothing can be assigned
            own = {name: vars(self)[name] for name in type(self).__pydantic_fields__}
            given = {**own, **(self.__pydantic_extra__ or {}), **update}
            checked = type(self).model_validate(given)
            update = {name: getattr(checked, name) for name in update}
            return super().model_copy(update=update, deep=deep)
        # A rule of several fields is to see all of the new values.
        copied = super().model_copy(update=update, deep=deep)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied

    @classmethod
    def _is_frozen(cls, names: Iterable[str]) -> bool:
        """Say whether nothing may be assigned to one of these fields."""
        fields = cls.__pydantic_fields__
        return bool(cls.model_config.get("frozen")) or any(
            fields[name].frozen for name in names if name in fields
        )

    @classmethod
    def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
        super().__pydantic_init_subclass__()
        _allow_names(cls)
        if cls.__pydantic_complete__:
            # All variables of the function that it is defined in: they would travel with it.
            cls.__pydantic_parent_namespace__ = None
        for each in keywords.keys() - set(_KEYWORDS):
            if near := did_you_mean(each, _KEYWORDS):
                raise TypeError(f'class {cls.__name__} has a keyword "{each}"{near}')
        cls.__pypedream_key__ = keywords.get("discriminator_key") or cls.__pypedream_key__
        _check_keys(cls)
        same = _KNOWN.setdefault(cls.__name__, WeakValueDictionary[str, type[Kind]]())
        same.pop(_full_name(cls), None)
        same[_full_name(cls)] = cls

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _of_kind(cls, value: Any, handler: pydantic.ModelWrapValidatorHandler[Any]) -> Any:
        if isinstance(value, type) and issubclass(value, Kind):
            raise wrong(f"{value.__name__} is a class: write {value.__name__}(...)")
        value = cls._as_configuration(value)
        if isinstance(value, dict) and cls.__pypedream_key__ in value:
            value = dict(value)
            kind = kind_of(cls, value.pop(cls.__pypedream_key__))
            if kind is not cls:
                return kind.model_validate(value)
        elif isinstance(value, dict):
            cls._check_unnamed()
        try:
            return handler(value)
        except pydantic.ValidationError as error:
            raise _with_hints(cls, error) from None

    @classmethod
    def _as_configuration(cls, value: Any) -> Any:
        """Return what stands for a value in its place; a class may accept more than a dict."""
        return value

    @classmethod
    def _know_all(cls) -> None:
        """Import the classes of the library that a name may stand for."""

    @classmethod
    def _check_unnamed(cls) -> None:
        """Raise if a configuration that names no class cannot be of this one."""

    @pydantic.model_serializer(mode="wrap")
    def _named(
        self, handler: pydantic.SerializerFunctionWrapHandler, info: pydantic.SerializationInfo
    ) -> dict[str, Any]:
        """Write down all fields of the object's own class, and which class that is."""
        within = _WRITTEN.get()
        is_inside = within[-1:] == (id(self),)  # it is called again for its fields
        if not is_inside and id(self) in within:
            raise ValueError(f"{type(self).__name__} contains itself: no file can hold it")
        token = _WRITTEN.set((*within, _FIELDS if is_inside else id(self)))
        written: dict[str, Any]
        try:
            if is_inside:
                written = handler(self)
                return written
            written = self.__pydantic_serializer__.to_python(
                self,
                mode=info.mode,
                include=cast("Any", info.include),
                exclude=cast("Any", info.exclude),
                by_alias=info.by_alias,
                exclude_unset=info.exclude_unset,
                exclude_defaults=info.exclude_defaults,
                exclude_none=info.exclude_none,
                round_trip=info.round_trip,
                context=info.context,
            )
        finally:
            _WRITTEN.reset(token)
        return {self.__pypedream_key__: name_of(type(self)), **written}


def fields_of(value: pydantic.BaseModel) -> dict[str, Any]:
    """Return the fields of a model by name, without what it has computed once."""
    own, declared = vars(value), type(value).__pydantic_fields__
    if len(own) > len(declared):
        own = {name: own[name] for name in declared if name in own}
    return own | value.__pydantic_extra__ if value.__pydantic_extra__ else own


def _allow_names(cls: type[Kind]) -> None:
    """Let fields with aliases be given by their names as well, as a class is written down.

    The configuration of a model counts as its code: that of a class without aliases is left alone.
    """
    config = cls.model_config
    said = ("populate_by_name", "validate_by_name")
    aliases = [each.validation_alias for each in cls.__pydantic_fields__.values()]
    has_aliases = "alias_generator" in config or any(each is not None for each in aliases)
    if has_aliases and not any(name in config for name in said):
        config["populate_by_name"] = True
        cls.model_rebuild(force=True, raise_errors=False, _types_namespace={})


def _check_keys(cls: type[Kind]) -> None:
    """Raise if what a configuration may say of a field says something else there."""
    key, aliases = cls.__pypedream_key__, aliases_of(cls)
    if key in cls.__pydantic_fields__ or key in aliases:
        what = "a field" if key in cls.__pydantic_fields__ else "an alias"
        raise TypeError(
            f'{cls.__name__} cannot have {what} "{key}": that key says which'
            f' class a configuration is of; rename it, or choose another key by "class'
            f' {cls.__name__}(..., discriminator_key=...)"'
        )
    for alias, name in aliases.items():
        if alias in cls.__pydantic_fields__:
            raise TypeError(
                f'{cls.__name__} cannot have "{alias}" as an alias of its field "{name}": another'
                " field is called so, and a field may be given by its name as well"
            )


def aliases_of(kind: type[pydantic.BaseModel]) -> dict[str, str]:
    """Return from each other name by which a field may be given to the one that it has."""
    found: dict[str, str] = {}
    for name, declared in kind.__pydantic_fields__.items():
        alias = declared.validation_alias
        choices = alias.choices if isinstance(alias, pydantic.AliasChoices) else [alias]
        found |= {each: name for each in choices if isinstance(each, str) and each != name}
    return found


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def name_of(kind: type[Kind]) -> str:
    """Return the name that stands for a class: the short one, unless several have it."""
    others = [each for each in _called(kind.__name__) if each is not kind]
    is_alone = all(each.__module__ == kind.__module__ for each in others)
    return kind.__name__ if is_alone else _full_name(kind)


def kind_of(base: type[Kind], name: object) -> type[Kind]:
    """Return the class of a name that is *base* or derived from it.

    Raises
    ------
    PydanticCustomError
        If there is none, or several modules have one.
    """
    if not isinstance(name, str):
        raise wrong(f"{base.__pypedream_key__!r} must be the name of a class, not {name!r}")
    found = [each for each in _named_so(name) if issubclass(each, base)]
    if not found:
        base._know_all()
        found = [each for each in _named_so(name) if issubclass(each, base)]
    modules = sorted({each.__module__ for each in found})
    if len(modules) > 1:
        where = " and ".join(f'"{module}.{name}"' for module in modules)
        raise wrong(f'several classes are called "{name}": write {where}')
    if found:
        return found[-1]
    near = _unimported(name) or did_you_mean(name.rpartition(".")[2], _names(base))
    raise wrong(f'no {base.__name__} is called "{name}"{near or _all(base)}')


def _unimported(name: str) -> str:
    """Say why the module of a name could not be imported, if that is what is wrong."""
    module = name.rpartition(".")[0]
    if not module or module in sys.modules:
        return ""
    try:
        import_module(module)
    except ImportError as error:
        return f': its module "{module}" cannot be imported: {one_line(str(error))}'
    return ""


def unnamed(base: type[Kind]) -> PydanticCustomError:
    """Return the error for a configuration that does not say of which class it is."""
    key = base.__pypedream_key__
    return wrong(f'a {base.__name__} needs "{key}", the name of its class{_all(base)}')


def _named_so(name: str) -> Iterator[type[Kind]]:
    if "." not in name:
        yield from _called(name)
        return
    module, _, short = name.rpartition(".")
    if module not in sys.modules and not any(_full_name(each) == name for each in _called(short)):
        with suppress(ImportError):
            import_module(module)
    yield from (each for each in _called(short) if _full_name(each) == name)


def _called(name: str) -> list[type[Kind]]:
    """Return the classes of a short name, the newest last."""
    same = _KNOWN.get(name)
    return [] if same is None else list(same.values())


def _names(base: type[Kind]) -> list[str]:
    return [
        name
        for name, same in _KNOWN.items()
        if name[:1] != "_"
        and any(issubclass(each, base) and each is not base for each in same.values())
    ]


def _all(base: type[Kind]) -> str:
    names = _names(base)
    return f": {there_are(names)}" if names else ": import the module that defines it first"


def wrong(text: str) -> PydanticCustomError:
    """Return the error that says what is wrong with a configuration."""
    return PydanticCustomError("kind", "{text}", {"text": text})


def _with_hints(cls: type[Kind], error: pydantic.ValidationError) -> pydantic.ValidationError:
    """Return the error with the nearest name for each field that there is not."""
    lines = error.errors(include_url=False)
    if not any(line["type"] in _NO_FIELD and len(line["loc"]) == 1 for line in lines):
        return error
    return pydantic.ValidationError.from_exception_data(
        error.title, [_line(cls, line) for line in lines]
    )


def _line(cls: type[Kind], line: Mapping[str, Any]) -> InitErrorDetails:
    text, place = line["msg"], line["loc"]
    if line["type"] in _NO_FIELD and len(place) == 1:
        text = _no_field(cls, str(place[0]), is_set=line["type"] == "no_such_attribute")
    told = PydanticCustomError(line["type"], "{text}", {"text": text})
    return InitErrorDetails(type=told, loc=place, input=line["input"])


def _no_field(cls: type[Kind], name: str, *, is_set: bool) -> str:
    """Return what is told of a name that is given, or set, and that no field has."""
    fields, aliases = list(cls.__pydantic_fields__), aliases_of(cls)
    if name in fields:
        known = [f'as "{alias}"' for alias, field in aliases.items() if field == name]
        return f'{cls.__name__} gets its field "{name}" {known[0] if known else "by its alias"}'
    if is_set and name in aliases:
        return f'{cls.__name__} has no field "{name}": it is set as "{aliases[name]}"'
    near = did_you_mean(name, fields if is_set else [*fields, *aliases])
    return f'{cls.__name__} has no field "{name}"{near or f": {there_are(fields)}"}'
