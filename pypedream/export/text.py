"""The text of a module: its parts in order, with empty lines as formatters want them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pypedream.export.parts import Part, Rank, in_order
from pypedream.export.secrecy import without_secrets

if TYPE_CHECKING:
    from pypedream.export.gathering import Gathering

_NAME: Final = re.compile(r"[^\W\d]\w*")


def text_of(gathering: Gathering, title: str) -> str:
    """Put together what was gathered; what stands in the way is added to its problems."""
    if gathering.imports.own:
        gathering.add_paths()
    gathering.meanings.settle_values()
    ordered = in_order(gathering.parts)
    _check_names(gathering, ordered)
    without_secrets(gathering, ordered)
    gathering.imports.keep(_names_in(ordered))
    docstring = gathering.home.cells.docstring or title
    head = [_quoted(docstring)]
    if gathering.has_future:
        head.append("from __future__ import annotations")
    lines, own = gathering.imports.blocks()
    paths = [part for part in ordered if part.rank == Rank.PATH]
    path = "\n".join(part.text for part in paths)
    text = "\n\n".join(filter(None, [*head, *lines, path, *own]))
    before: Part | None = None
    for part in ordered[len(paths) :]:
        text += _between(before, part) + part.text
        before = part
    return text + "\n"


def _names_in(parts: list[Part]) -> set[str]:
    return {name for part in parts for name in _NAME.findall(part.text)}


def _between(before: Part | None, part: Part) -> str:
    if part.is_block or (before is not None and before.is_block):
        return "\n\n\n"
    is_list = before is not None and before.rank == part.rank and not before.members
    return "\n" if is_list and before is not None and before.is_short and part.is_short else "\n\n"


def _quoted(docstring: str) -> str:
    text = docstring.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}"""'


def _check_names(gathering: Gathering, ordered: list[Part]) -> None:
    """See that in the module each name means what it means in the session."""
    last = {name: part for part in ordered for name in sorted(part.binds)}
    for name, part in gathering.meanings.found.items():
        found = last.get(name)
        if found is not None and found is not part and not _is_inside(name, part):
            gathering.meanings.refuse_two(name, part, found)


def _is_inside(name: str, part: Part | None) -> bool:
    return part is not None and name not in part.binds
