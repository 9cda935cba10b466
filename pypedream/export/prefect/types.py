"""Types: what a parameter accepts, as an annotation that Prefect checks and shows in its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.export.code import Bracket, call, literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.export.code import Code

_TYPES: Final = {
    "boolean": "bool",
    "integer": "int",
    "null": "None",
    "number": "float",
    "string": "str",
}
_MOMENTS: Final = {"date": "date", "date-time": "datetime", "time": "time"}
_RULES: Final = {
    "exclusiveMaximum": "lt",
    "exclusiveMinimum": "gt",
    "maxItems": "max_length",
    "maxLength": "max_length",
    "maximum": "le",
    "minItems": "min_length",
    "minLength": "min_length",
    "minimum": "ge",
    "multipleOf": "multiple_of",
    "pattern": "pattern",
}


@define
class Annotations:
    """Annotations of one file, and the names that have to be imported for them.

    Examples
    --------
    >>> annotations = Annotations()
    >>> print(annotations.of({"type": "integer", "minimum": 1}))
    Annotated[int, Field(ge=1)]
    >>> print(annotations.of({"type": ["null", "string"]}), annotations.of({"enum": ["a", "b"]}))
    str | None Literal["a", "b"]
    >>> sorted(annotations.names)
    ['Annotated', 'Field', 'Literal']
    """

    names: set[str] = Factory(set)

    def of(self, schema: Mapping[str, Any], *, may_be_none: bool = False) -> Code:
        """Return the annotation for a JSON schema; what it cannot say is left to the stages."""
        arms = {str(arm): arm for arm in self._arms(schema)}
        if "Any" in arms:
            return self._use("Any")
        if may_be_none or "None" in arms:
            arms.pop("None", None)
            arms["None"] = "None"
        return next(iter(arms.values())) if len(arms) == 1 else " | ".join(arms)

    def _arms(self, schema: Mapping[str, Any]) -> list[Code]:
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return [arm for each in schema[several] for arm in self._arms(each)]
        if "enum" in schema:
            return [self._literal(schema["enum"])]
        kinds = schema.get("type", "any")
        if isinstance(kinds, list):
            return [arm for kind in kinds for arm in self._arms({**schema, "type": kind})]
        return [self._ruled(self._type(kinds, schema), kinds, schema)]

    def _literal(self, values: list[Any]) -> Code:
        if not all(value is None or type(value) in (bool, int, str) for value in values):
            return self._use("Any")
        items = tuple(("", literal(each)) for each in values)
        return Bracket(f"{self._use('Literal')}[", items, "]")

    def _type(self, kind: str, schema: Mapping[str, Any]) -> str:
        if kind == "string" and schema.get("format") in _MOMENTS:
            return self._use(_MOMENTS[schema["format"]])
        if kind == "array":
            return f"list[{self.of(schema['items'])}]" if schema.get("items") else "list"
        if kind == "object":
            inner = schema.get("additionalProperties")
            return f"dict[str, {self.of(inner)}]" if isinstance(inner, dict) and inner else "dict"
        return _TYPES.get(kind) or self._use("Any")

    def _ruled(self, annotation: str, kind: str, schema: Mapping[str, Any]) -> Code:
        if kind in ("null", "boolean", "object") or annotation in ("Any", *_MOMENTS.values()):
            return annotation
        rules = {_RULES[name]: literal(schema[name]) for name in _RULES if name in schema}
        if not rules:
            return annotation
        parts = (("", annotation), ("", call(self._use("Field"), (), rules)))
        return Bracket(f"{self._use('Annotated')}[", parts, "]")

    def _use(self, name: str) -> str:
        self.names.add(name)
        return name
