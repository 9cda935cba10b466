"""No secret is written: a parameter whose default is one has to be set before a run instead."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from pypedream.log.redaction import Redactor, is_secret_name
from pypedream.parameters.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pypedream.export.gathering import Gathering
    from pypedream.export.parts import Part
    from pypedream.parameters import Parameter, Parameters

_SIMPLE = ("str", "int", "float", "bool", "bytes")


def without_secrets(gathering: Gathering, parts: list[Part]) -> None:
    """Take the values of secrets out of the text; what still has one is a problem."""
    definitions = dict(_secret_definitions(gathering))
    texts = [text for each in definitions.values() for text in _texts(each.default)]
    redactor = Redactor(texts)
    for part in parts:
        if part.statement is not None and definitions:
            part.text = _rewritten(gathering, part, definitions)
        if redactor.text(part.text) != part.text:
            where = None if part.statement is None else part.statement.place
            gathering.refuse(
                "this holds the value of a secret, and a module would show it",
                where,
                "give the parameter no default",
            )


def hidden_names(parameters: Parameters, last_names: Collection[str]) -> tuple[str, ...]:
    """Return the full names of parameters whose defaults were taken out, by their last names."""
    return tuple(
        name
        for name, each in parameters.definitions.items()
        if _is_hidden(name, each) and name.rpartition(".")[2] in last_names
    )


def _secret_definitions(gathering: Gathering) -> Iterator[tuple[str, Parameter]]:
    for pipeline in gathering.pipelines:
        for name, each in pipeline.parameters.definitions.items():
            if _is_hidden(name, each):
                yield name.rpartition(".")[2], each


def _is_hidden(name: str, definition: Parameter) -> bool:
    if definition.is_required or definition.is_computed or definition.default in (None, ""):
        return False
    is_text = isinstance(definition.default, (str, bytes))
    return definition.secret or (is_text and is_secret_name(name.rpartition(".")[2]))


def _texts(default: Any) -> list[str]:
    bare = default.reveal() if isinstance(default, Secret) else default
    return [bare if isinstance(bare, str) else str(bare)]


def _rewritten(gathering: Gathering, part: Part, definitions: dict[str, Parameter]) -> str:
    """Return the text of a part with a required parameter in place of each default that tells."""
    tree = ast.parse(part.text)
    replaced: list[tuple[ast.expr, str]] = []
    for node in ast.walk(tree):
        for name, value in _settings_in(node):
            definition = definitions.get(name)
            segment = ast.get_source_segment(part.text, value) or ""
            if definition is not None and _tells(value, segment, definition):
                replaced.append((value, _required(definition)))
                gathering.imports.add("from pypedream import Parameter")
                gathering.hidden.append(name)
    text = part.text
    for value, written in sorted(replaced, key=lambda each: -_offset(part.text, each[0])):
        start = _offset(part.text, value)
        segment = ast.get_source_segment(part.text, value) or ""
        text = text[:start] + written + text[start + len(segment) :]
    return text


def _settings_in(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Give what a call or a dict sets by name."""
    if isinstance(node, ast.Call):
        yield from ((each.arg, each.value) for each in node.keywords if each.arg)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value.rpartition(".")[2], value


def _tells(value: ast.expr, segment: str, definition: Parameter) -> bool:
    """Say whether a default is written in the text, or asked for when the module is imported."""
    for node in ast.walk(value):
        called = getattr(node, "func", None)
        name = getattr(called, "attr", getattr(called, "id", ""))
        if name in ("getpass", "input"):
            return True
        if isinstance(node, ast.Constant) and str(node.value) in _texts(definition.default):
            return True
    return Redactor(_texts(definition.default)).text(segment) != segment


def _required(definition: Parameter) -> str:
    kind = getattr(definition.type, "__name__", "")
    given = [kind] if kind in _SIMPLE and isinstance(definition.type, type) else []
    if not given and not definition.secret:
        given = [type(definition.default).__name__]
    if definition.secret:
        given.append("secret=True")
    if definition.help:
        given.append(f"help={definition.help!a}")
    if definition.env:
        given.append(f"env={definition.env!a}")
    return f"Parameter({', '.join(given)})"


def _offset(text: str, node: ast.expr) -> int:
    lines = text.splitlines(keepends=True)
    before = sum(map(len, lines[: node.lineno - 1]))
    return before + len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
