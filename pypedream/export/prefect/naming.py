"""Naming: what stages and parameters are called in a flow file."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Final

from attrs import Factory, define

from pypedream.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN: Final = frozenset(
    {
        *("Annotated", "Any", "Field", "Literal", "NO_CACHE", "PIPELINE", "ROOT", "os", "sys"),
        *("date", "datetime", "time", "flow", "task", "unmapped", "outcome", "parameters"),
        *("run_group", "run_item", "run_items", "run_stage", "worth_repeating"),
    }
)
"""Names that the file has for itself."""

# Prefect keeps the first two for itself; it makes a model of pydantic of the parameters, in which
# the others are what each model has.
_TAKEN: Final = frozenset(
    {
        *("return_state", "wait_for", "self"),
        *("construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw"),
        *("schema", "schema_json", "update_forward_refs", "validate", "args", "kwargs"),
    }
)
_LONGEST: Final = 32
_OTHER: Final = re.compile(r"[^0-9A-Za-z_]")


@define
class Variables:
    """The variables of a flow, each with a name of its own."""

    _taken: set[str] = Factory(set)

    def name(self, wanted: str, end: str = "") -> str:
        """Return a short name like the one that is wanted, and that nothing else has."""
        plain = found = identifier(wanted)[:_LONGEST] + end
        number = 2
        while found in self._taken or found in OWN:
            found, number = f"{plain}_{number}", number + 1
        self._taken.add(found)
        return found


def identifier(name: str) -> str:
    """Return a name as an identifier of Python.

    Examples
    --------
    >>> identifier("model.depth"), identifier("class"), identifier("2nd"), identifier("_x")
    ('model_depth', 'class_', 'n2nd', 'x_')
    """
    plain = _OTHER.sub("_", name)
    if plain.startswith("_"):
        plain = f"{plain.lstrip('_')}_"
    if not plain[0].isalpha():
        plain = f"n{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) or keyword.issoftkeyword(plain) else plain


def names_of_parameters(names: Iterable[str]) -> Mapping[str, str]:
    """Return what the parameters are called as arguments of the flow.

    Raises
    ------
    ExportError
        If two would be called the same.

    Examples
    --------
    >>> names_of_parameters(["source", "model.depth", "json"])
    {'source': 'source', 'model.depth': 'model_depth', 'json': 'json_'}
    """
    found: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in names:
        plain = identifier(name)
        is_taken = plain in OWN or plain in _TAKEN or plain.startswith("model_validate")
        plain = f"{plain}_" if is_taken else plain
        if plain in owners:
            raise ExportError(
                f'parameters "{owners[plain]}" and "{name}" would both be "{plain}" in a flow of'
                " Prefect: rename one of them"
            )
        found[name] = plain
        owners[plain] = name
    return found
