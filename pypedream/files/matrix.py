"""Matrices: one function registered as several stages, one for each combination of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from pypedream.errors import DefinitionError, ParameterError, PipelineConfigError
from pypedream.files.paths import checked_path, folded
from pypedream.files.templates import partly_filled
from pypedream.names import did_you_mean, there_are
from pypedream.parameters.table import Parameters
from pypedream.values import said, short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pypedream.files.stage_files import StageFiles

__all__ = ["Variant", "of_variant", "variants"]

_PLAIN = (str, bool, int, float)


@frozen
class Variant:
    """One combination.

    Attributes
    ----------
    name
        What stands behind the "@" in the name of its stage.
    values
        By name of the matrix.
    texts
        The same as they stand in names and paths.
    """

    name: str
    values: Mapping[str, Any]
    texts: Mapping[str, str]


def variants(stage: str, matrix: Any) -> list[Variant]:
    """Return all combinations of the values of a matrix, the last name changing fastest.

    Parameters
    ----------
    stage
        The name of the stage, for messages.
    matrix
        By name a list of texts, numbers or members of an Enum; or a dict from text to any value.

    Raises
    ------
    PipelineConfigError
        With one line for each mistake.

    Examples
    --------
    >>> [each.name for each in variants("train", {"model": ["bert", "swe"], "rate": [0.1]})]
    ['bert_0.1', 'swe_0.1']
    """
    mistakes: list[str] = []
    if not isinstance(matrix, Mapping) or not matrix:
        mistakes.append(f"matrix={short(matrix, 60)} is no dict from names to lists of values")
        matrix = {}
    axes = {name: dict(_axis(name, values, mistakes)) for name, values in matrix.items()}
    found = []
    if not mistakes:
        for texts in product(*axes.values()):
            named = dict(zip(axes, texts, strict=True))
            values = {name: axes[name][text] for name, text in named.items()}
            found.append(Variant("_".join(texts), values, named))
        mistakes.extend(_same(found))
    if mistakes:
        raise PipelineConfigError("\n".join(f'stage "{stage}": {line}' for line in mistakes))
    return found


def _axis(name: Any, values: Any, mistakes: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield each value of a name with its text."""
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        mistakes.append(f"matrix: {name!r} is no name of a parameter")
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        mistakes.append(f'matrix: "{name}" is {said(values)}: give a list of values')
        return
    given = values.items() if isinstance(values, Mapping) else [(each, each) for each in values]
    seen: set[str] = set()
    for key, value in given:
        plain = key.value if isinstance(key, Enum) else key
        if not isinstance(plain, _PLAIN):
            hint = f'give a dict: {{"{name}": {{"a name": value}}}}'
            mistakes.append(f'matrix: "{name}" has {short(key, 40)}, which gives no name; {hint}')
            continue
        text = str(plain)
        broken = _broken(text)
        if broken:
            mistakes.append(f'matrix: "{name}" has {short(key, 40)}, {broken}')
        elif text in seen:
            mistakes.append(f'matrix: "{name}" has "{text}" twice')
        seen.add(text)
        yield text, value
    if not given:
        mistakes.append(f'matrix: "{name}" has no values')


def _broken(text: str) -> str:
    """Return why a text can be no part of a file's name; or ""."""
    try:
        is_one = checked_path(text) == text and not any(letter in text for letter in "/@*?[")
    except DefinitionError as error:
        return f"which cannot be in the name of a file: {str(error).rpartition(': ')[2]}"
    return "" if is_one else 'which cannot be in a name: leave out "/", "@" and wildcards'


def _same(found: list[Variant]) -> Iterator[str]:
    seen: dict[str, Variant] = {}
    for each in found:
        other = seen.setdefault(folded(each.name), each)
        if other is not each:
            where = "" if other.name == each.name else " on systems that ignore case"
            yield f'matrix: two combinations are called "{each.name}"{where}: rename a value'


def of_variant(
    files: StageFiles | None, variant: Variant, arguments: Collection[str], stage: str
) -> tuple[StageFiles | None, dict[str, Any]]:
    """Return the files of one variant, and the arguments that the matrix gives values.

    Each name of the matrix fills ``{name}`` in paths, the field of the parameters of that name, or
    the argument.

    Raises
    ------
    PipelineConfigError
        If a name is used nowhere, or a value is none for its field.
    """
    params = None if files is None else files.spec.params_value
    fields = Parameters.from_class(params) if params is not None else {}
    in_params = {name: value for name, value in variant.values.items() if name in fields}
    taken = set() if files is None else {*files.spec.deps, *(files.spec.params or ())[:1]}
    bound = {
        name: value
        for name, value in variant.values.items()
        if name in arguments and name not in taken and name not in fields
    }
    in_paths = () if files is None else files.spec.names
    known = dict.fromkeys([*fields, *(each for each in arguments if each not in taken), *in_paths])
    for name in variant.values:
        if name not in (*in_params, *bound, *in_paths):
            near = did_you_mean(name, known) or (f"; {there_are(known)}" if known else "")
            raise PipelineConfigError(
                f'stage "{stage}": matrix: "{name}" is used nowhere: no path has {{{name}}}, and no'
                f" argument or field of the parameters is called so{near}"
            )
    if files is None:
        return None, bound
    if in_params:
        assert isinstance(fields, Parameters)
        try:
            params = fields.with_values(in_params, source="matrix").instance()
        except ParameterError as error:
            lines = (f'stage "{stage}": {line}' for line in str(error).splitlines())
            raise PipelineConfigError("\n".join(lines)) from None
    texts = {name: text for name, text in variant.texts.items() if name not in in_params}
    texts |= {name: text for name, text in variant.texts.items() if _is_opaque(variant, name)}
    return evolve(files, spec=_filled(files, params, texts)), bound


def _is_opaque(variant: Variant, name: str) -> bool:
    """Say whether a value has another name than its own text."""
    value = variant.values[name]
    value = value.value if isinstance(value, Enum) else value
    return str(value) != variant.texts[name]


def _filled(files: StageFiles, params: Any, texts: Mapping[str, str]) -> Any:
    spec = files.spec
    deps = {k: evolve(dep, paths=partly_filled(dep.paths, texts)) for k, dep in spec.deps.items()}
    outs = {k: evolve(out, path=partly_filled(out.path, texts)) for k, out in spec.outs.items()}
    return evolve(spec, deps=deps, outs=outs, params_value=params)
