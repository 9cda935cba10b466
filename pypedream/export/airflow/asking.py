"""Asking: the parameters of a pipeline as those that Airflow asks for when it is triggered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from pypedream.export.outline import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.export.outline import Outline, Param

_OWN: Final = ("default", "description", "schema", "source", "self")
_PLAIN: Final = re.compile(r"[a-z][A-Za-z]*")
_RESERVED: Final = ("if", "else", "not")  # words of JSON schema that are Python's too


@frozen
class Asked:
    """One parameter in Airflow.

    Attributes
    ----------
    schema
        JSON schema that a value has to fit.
    default
        What it is if nothing else is said; `NO_DEFAULT` if that must be said.
    """

    schema: Mapping[str, Any]
    default: Any = NO_DEFAULT
    help: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether each key of the schema can be a keyword argument."""
        return all(_PLAIN.fullmatch(key) and key not in (*_OWN, *_RESERVED) for key in self.schema)


def asked_for(outline: Outline) -> dict[str, Asked]:
    """Return what Airflow asks for; of secrets it knows nothing."""
    return {name: _asked(each) for name, each in outline.params.items() if not each.is_secret}


def secrets_of(outline: Outline) -> dict[str, str]:
    """Return by which name each secret is read where a stage is called."""
    return {name: each.read_by for name, each in outline.params.items() if each.is_secret}


def _asked(param: Param) -> Asked:
    if not param.varies:
        return Asked(param.schema, param.default, param.help)
    return Asked(_or_nothing(param.schema), None, param.help)


def _or_nothing(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema that None fits too: it stands for the default of the day."""
    if not schema:
        return schema
    kind = schema.get("type")
    if isinstance(kind, (str, list)) and not {"enum", "const", "anyOf"} & schema.keys():
        kinds = [kind] if isinstance(kind, str) else kind
        return {**schema, "type": ["null", *(each for each in kinds if each != "null")]}
    return {"anyOf": [{"type": "null"}, schema]}
