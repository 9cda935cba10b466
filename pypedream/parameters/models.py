"""Fields of a pydantic model, in the words of parameters; pydantic itself is not imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pypedream.parameters.annotations import arms, home_of
from pypedream.parameters.declared import Field
from pypedream.parameters.definition import Parameter
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LIMITS: Final = {"ge": "min", "le": "max"}
_NOTES: Final = {
    "gt": "over {}",
    "lt": "under {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "pattern": "like {}",
}
_LIBRARIES: Final = ("annotated_types", "pydantic", "pydantic_core", "pydantic_extra_types")
_MAKERS: Final = ("BeforeValidator", "PlainValidator", "WrapValidator")
_SECRETS: Final = {"SecretStr": str, "SecretBytes": bytes}


def fields_of_model(cls: Any) -> Iterator[Field]:
    """Yield the fields of a model.

    The model keeps the last word: it checks what a parameter cannot say, such as a pattern, and
    what a validator that runs before its type makes of a value is not checked twice.
    """
    converted = set(_converted(cls))
    for name, each in cls.model_fields.items():
        secret = next(filter(None, map(_wrapped, arms(each.annotation))), None)
        yield Field(
            name=name,
            attribute=name,
            argument=each.validation_alias if isinstance(each.validation_alias, str) else name,
            annotation=_annotation(each, secret),
            default=_default(each),
            is_computed=_is_computed(each),
            has_converter=secret is None and (name in converted or _is_own(each)),
            is_opened=secret is not None,
            metadata=_metadata(each, is_secret=secret is not None),
        )


def _converted(cls: Any) -> Iterator[str]:
    """Yield the fields with a validator of their own that sees a value before its type does."""
    for each in cls.__pydantic_decorators__.field_validators.values():
        if each.info.mode != "after":
            yield from cls.model_fields if "*" in each.info.fields else each.info.fields


def _is_own(each: Any) -> bool:
    """Say whether pydantic makes the values: of a type of its own, or by a function beside it."""
    makers = (kind for kind in map(type, each.metadata) if kind.__name__ in _MAKERS)
    return any(home_of(kind) in _LIBRARIES for kind in (*arms(each.annotation), *makers))


def _wrapped(kind: Any) -> type | None:
    is_theirs = home_of(kind) == "pydantic"
    return _SECRETS.get(getattr(kind, "__name__", "")) if is_theirs else None


def _annotation(each: Any, secret: type | None) -> Any:
    kind = each.annotation
    if secret is not None:
        kind = secret | None if type(None) in arms(kind) else secret
    declared = next((one for one in each.metadata if isinstance(one, Parameter)), None)
    return kind if declared is None else Annotated[kind, declared]


def _default(each: Any) -> Callable[[], Any] | None:
    if each.is_required() or _is_computed(each):
        return None
    return lambda: bare(each.get_default(call_default_factory=True))


def bare(value: Any) -> Any:
    """Return a value without pydantic's wrapping of secrets."""
    return value.get_secret_value() if _wrapped(type(value)) is not None else value


def _is_computed(each: Any) -> bool:
    return bool(getattr(each, "default_factory_takes_validated_data", False))


def _metadata(each: Any, *, is_secret: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"help": each.description} if each.description else {}
    if is_secret:
        said["secret"] = True
    limits = dict(_limits(each.metadata))
    is_whole = [arm for arm in arms(each.annotation) if arm is not type(None)] == [int]
    if is_whole:  # of whole numbers the next one says the same
        for name, step in (("gt", 1), ("lt", -1)):
            if name in limits:
                limits.setdefault("ge" if step > 0 else "le", limits.pop(name) + step)
    for name, key in _LIMITS.items():
        if name in limits:
            said[key] = limits[name]
    notes = [text.format(short(limits[name])) for name, text in _NOTES.items() if name in limits]
    return {**said, "note": ", ".join(notes)} if notes else said


def _limits(metadata: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for each in metadata:
        if home_of(type(each)) in _LIBRARIES:
            for name in (*_LIMITS, *_NOTES):
                limit = getattr(each, name, None)
                if limit is not None:
                    yield name, getattr(limit, "pattern", limit)
