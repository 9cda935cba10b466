"""Values that are shown, or compared with those of a revision, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.cli.terminal import say, say_json
from pypedream.parameters.display import table
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pypedream.files.metrics import Compared

NONE = "there are none"

_LONGEST = 40


def say_values(found: Mapping[str, Mapping[str, Any]], what: str, *, as_json: bool) -> None:
    """Write values by file or stage; *what* heads the first column."""
    rows = [
        (where, name, _text(value)) for where, each in found.items() for name, value in each.items()
    ]
    if as_json:
        say_json({where: dict(each) for where, each in found.items()})
    elif rows:
        say(*table([(what, "name", "value"), *rows]).splitlines())
    else:
        say(NONE)


def say_compared(found: Sequence[Compared], what: str, revision: str, *, as_json: bool) -> None:
    """Write what is not as it was in a revision."""
    if as_json:
        say_json({"revision": revision, "changes": [_data(one) for one in found]})
    elif found:
        heading = (what, "name", revision, "now", "change")
        rows = [
            (one.where, one.name, _text(one.old), _text(one.new), _change(one)) for one in found
        ]
        say(*table([heading, *rows]).splitlines())
    else:
        say(f"the same as in {revision}")


def _data(one: Compared) -> dict[str, Any]:
    return {
        "where": one.where,
        "name": one.name,
        "old": one.old,
        "new": one.new,
        "change": one.change,
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) and len(value) <= _LONGEST else short(value, _LONGEST)


def _change(one: Compared) -> str:
    return "" if one.change is None else f"{one.change:+.6g}"
