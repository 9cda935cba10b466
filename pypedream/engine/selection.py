"""Selection: which stages of a pipeline a run is asked to carry out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from pypedream import graph
from pypedream.engine.problem import Problem
from pypedream.values import said

if TYPE_CHECKING:
    from pypedream.engine.wiring import Wire

SELECTION = ("only", "until", "from_", "tags", "given")


@frozen(eq=False, repr=False)
class Selection:
    """Which stages to carry out; without any of these, all.

    Attributes
    ----------
    only
        These and no others.
    until
        These and all that they need.
    from_
        These and all that needs them.
    tags
        Those that bear one of these tags.
    given
        From stage to the value to take in place of calling it.
    """

    only: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    given: Mapping[str, Any] = Factory(dict)

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows the run."""
        return not (self.only or self.until or self.from_ or self.tags or self.given)

    def __str__(self) -> str:
        parts = [
            f"{name}={', '.join(value)}"
            for name, value in (
                ("only", self.only),
                ("until", self.until),
                ("from_", self.from_),
                ("tags", self.tags),
            )
            if value
        ]
        return "; ".join(parts)


def selection_of(asked: Mapping[str, Any], problems: list[Problem]) -> Selection:
    """Return the selection that *asked* describes, by the names of its attributes.

    What cannot be read becomes a problem. A list that turned out empty is one too: it must not
    come to mean "all stages".
    """
    read: dict[str, Any] = {}
    for option, value in asked.items():
        if value is None:
            continue
        if option == "given":
            read[option] = _read_given(value, problems)
        else:
            read[option] = tuple(_read_names(option, value, problems))
    return Selection(**read)


def _read_names(option: str, value: Any, problems: list[Problem]) -> list[str]:
    kind = "tag" if option == "tags" else "stage"
    is_list = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    names = list(value) if is_list else [value]
    if not names:
        problems.append(
            Problem(f"{option}=: the list is empty", None, f"name a {kind} or leave it out")
        )
    problems.extend(_no_name(option, kind, name) for name in names if not isinstance(name, str))
    texts = [name for name in names if isinstance(name, str)]
    return sorted(texts) if isinstance(value, (set, frozenset)) else texts


def _read_given(value: Any, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        what = f"given=: it takes the values by stage, not {said(value)}"
        problems.append(Problem(what, None, 'write given={"stage": value}'))
        return {}
    bad = [name for name in value if not isinstance(name, str)]
    problems.extend(_no_name("given", "stage", name) for name in bad)
    return {name: value[name] for name in value if isinstance(name, str)}


def _no_name(option: str, kind: str, given: Any) -> Problem:
    own = getattr(given, "__name__", None)
    hint = f'write "{own}"' if isinstance(own, str) else ""
    return Problem(f"{option}=: it takes the name of a {kind}, not {said(given)}", None, hint)


def select(
    selection: Selection, wires: Mapping[str, Wire], children: Mapping[str, list[str]]
) -> set[str]:
    """Return the keys that all parts of *selection* admit; unknown names are passed over."""
    chosen = set(wires)
    needs = {key: wire.needs for key, wire in wires.items()}
    if selection.only:
        chosen &= set(selection.only)
    if selection.until:
        chosen &= _ancestors(selection, needs)
    if selection.from_:
        chosen &= graph.reach([key for key in selection.from_ if key in wires], children)
    if selection.tags:
        tags = set(selection.tags)
        chosen &= {key for key, wire in wires.items() if tags.intersection(wire.stage.policy.tags)}
    return chosen


def _ancestors(selection: Selection, needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Collect what *until* needs; a given stage is not called, so it needs nothing."""
    open_needs = {key: () if key in selection.given else needed for key, needed in needs.items()}
    return graph.reach([key for key in selection.until if key in needs], open_needs)
