"""Description: what there is to draw of a pipeline, a plan or a run; all that the views know.

A description says nothing of how things look or where they are. It is made at one moment and
does not change. Its texts are as the user wrote them: views make them harmless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, frozen

from pypedream.log.durations import duration_text
from pypedream.outputs import RETURN

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_TOLD = 999  # items that are counted one by one


@frozen
class Argument:
    """One argument of a stage and where it comes from; or what else the stage waits for.

    Attributes
    ----------
    kind
        The kind of a `Link`, or "missing" when nothing gives it a value, or "after" or "when"
        for what is no argument.
    source
        Key of the stage, name of the parameter or variable, or a phrase.
    is_item
        Whether each call gets one item of it.
    """

    name: str
    kind: str
    source: str = ""
    output: str = RETURN
    is_item: bool = False

    def __str__(self) -> str:
        if self.kind in ("after", "when"):
            return f"{'if' if self.kind == 'when' else 'after'} {self.source}"
        if self.is_namesake:
            return self.name if self.kind == "stage" else f"{self.name} <- {self.kind}"
        return f"{self.name} <- {self._origin()}"

    @property
    def is_namesake(self) -> bool:
        """Whether it is the whole value of a stage, parameter or variable of the same name."""
        is_named = self.kind in ("stage", "parameter", "variable")
        return is_named and self.source == self.name and self.output == RETURN

    def _origin(self) -> str:
        if self.kind == "stage" and self.output != RETURN:
            return f'{self.source}["{self.output}"]'
        is_setting = self.kind in ("parameter", "variable")
        return f'{self.kind} "{self.source}"' if is_setting else self.source


@frozen
class Node:
    """One box of a picture: a stage, a parameter or a variable.

    Attributes
    ----------
    kind
        "stage", "parameter" or "variable".
    state
        What a plan decided or what became of it in a run; "" in a pipeline.
    note
        Why it is in that state, if that needs to be said.
    group
        Key of the group that it belongs to, or "".
    about
        First line of the docstring.
    over
        What the stage is mapped over, in words; or "".
    items_said
        How many items it has, and how many of them failed, in words; "" if that is not known.
    is_mapped
        Whether it is called once for each of several items.
    is_bundle
        Whether it stands for several stages.
    items
        From each state of an item to how many items of a mapped stage ended in it.
    share
        What part of it is done while it runs, from 0 to 1; None if that is not known.
    """

    key: str
    label: str
    kind: str = "stage"
    state: str = ""
    note: str = ""
    duration_s: float | None = None
    group: str = ""
    arguments: tuple[Argument, ...] = ()
    about: str = ""
    over: str = ""
    items_said: str = ""
    is_mapped: bool = False
    is_bundle: bool = False
    items: Mapping[str, int] = Factory(dict)
    share: float | None = None

    @property
    def name(self) -> str:
        """The label as it is within the group."""
        return self.label.removeprefix(f"{self.group}.") if self.group else self.label

    @property
    def status(self) -> str:
        """The state with its duration and reason, as a phrase; "" without a state."""
        took = duration_text(self.duration_s) if self.duration_s is not None else ""
        facts = ", ".join(part for part in (self.state, took) if part)
        return ": ".join(filter(None, (facts, self.items_said, self.note)))

    @property
    def count(self) -> str:
        """How many items there are, behind a times sign, or how many of them are done.

        It is "" when that is not known, and never longer than "999/999".
        """
        total = sum(self.items.values())
        done = total - self.items.get("pending", 0)
        if done == total:
            return f"\N{MULTIPLICATION SIGN}{total}" if total else ""
        return f"{done}/{total}" if total <= _MOST_TOLD else f"{100 * done // total} %"

    @property
    def items_text(self) -> str:
        """What became of the items: "998 ok, 2 failed"."""
        return ", ".join(f"{number} {state}" for state, number in self.items.items())

    @property
    def tooltip(self) -> str:
        """Everything that there is to say of it, line by line."""
        head = f"{self.label}: {self.status}" if self.status else self.label
        items = f"items: {self.items_text}" if self.items else ""
        about = filter(None, [self.about, self.over, items])
        return "\n".join([head, *about, *map(str, self.arguments)])


@frozen
class Edge:
    """A way of values, or only of waiting, between two boxes.

    Attributes
    ----------
    kind
        "value", "condition" (it decides whether the target runs) or "order" (the target waits for
        the source, and may read it).
    arguments
        Names of the arguments of the target that come this way.
    """

    source: str
    target: str
    kind: str = "value"
    arguments: tuple[str, ...] = ()


@frozen
class Group:
    """The stages that were included under one prefix.

    Attributes
    ----------
    key
        The whole prefix.
    label
        Its last part.
    parent
        Key of the group around it, or "".
    """

    key: str
    label: str
    parent: str = ""


@frozen
class Description:
    """What there is to draw.

    Attributes
    ----------
    subject
        "pipeline", "plan" or "run".
    headline
        The name, and in one phrase what is planned or what happened.
    nodes
        In the order of the run; stages that can never run, because they need each other, last.
    mistakes
        What keeps the pipeline from running, as text.
    """

    name: str
    subject: str
    headline: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()
    mistakes: tuple[str, ...] = ()

    @property
    def stages(self) -> list[Node]:
        """The nodes that are stages."""
        return [node for node in self.nodes if node.kind == "stage"]
