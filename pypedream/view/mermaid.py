"""Mermaid: a pipeline, a plan or a run as text that GitHub, GitLab and JupyterLab draw.

The ids are ours and every name is written as a label, with each character that could mean
something as its number, so no name can become a part of the diagram's own text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypedream.log.terminal import visible
from pypedream.view.describing import describe
from pypedream.view.looks import look_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.view.describing import Subject
    from pypedream.view.description import Description, Edge, Node

_HARMLESS = frozenset(" ,=/")


def to_mermaid(subject: Subject, *, parameters: bool = False) -> str:
    """Return the text of a Mermaid flowchart, with a subgraph for each included pipeline.

    Parameters
    ----------
    subject
        A pipeline, a plan or a run.
    parameters
        Whether to show parameters and variables as well.

    Raises
    ------
    TypeError
        If *subject* is nothing that can be drawn.

    Examples
    --------
    >>> from pypedream import Pipeline
    >>> flow = Pipeline("sum")
    >>> @flow.stage
    ... def load(): ...
    >>> @flow.stage
    ... def total(load): ...
    >>> print(to_mermaid(flow))
    flowchart TD
      n0["load"]:::stage
      n1["total"]:::stage
      n0 --> n1
      classDef stage fill:#4570a5,color:#fff,stroke:none
    """
    description = describe(subject, parameters=parameters)
    ids = {node.key: f"n{number}" for number, node in enumerate(description.nodes)}
    nodes = {node.key: node for node in description.nodes}
    lines = [
        *_members(description, "", ids),
        *(_edge(edge, nodes[edge.source], ids) for edge in description.edges),
        *_classes(description),
    ]
    return "\n".join(["flowchart TD", *(f"  {line}" for line in lines)])


def _members(description: Description, group: str, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the nodes of a group, then the groups within it."""
    for node in description.nodes:
        if node.group == group:
            yield _node(node, ids[node.key])
    for number, inner in enumerate(description.groups):
        if inner.parent == group:
            yield f'subgraph g{number}["{label_of(inner.label)}"]'
            yield from (f"  {line}" for line in _members(description, inner.key, ids))
            yield "end"


def _node(node: Node, name: str) -> str:
    look = look_of(node.state, node.kind)
    said = ", ".join(filter(None, (node.name, node.over, node.items_said)))
    label = label_of(f"{look.sign} {said}") or " "
    shape = f'["{label}"]' if node.kind == "stage" else f'(["{label}"])'
    if node.over:  # with a double edge: it is called many times
        shape = f'[["{label}"]]'
    return f"{name}{shape}:::{node.state or node.kind}"


def _edge(edge: Edge, source: Node, ids: Mapping[str, str]) -> str:
    """Write an edge; what it is called on the other side is said where the names differ."""
    start, end = ids[edge.source], ids[edge.target]
    said = edge.arguments if source.kind == "stage" else ()
    names = ", ".join(name for name in said if name != source.name)
    label = label_of("if" if edge.kind == "condition" else names)
    if edge.kind == "value":
        return f'{start} -- "{label}" --> {end}' if label else f"{start} --> {end}"
    return f'{start} -. "{label}" .-> {end}' if label else f"{start} -.-> {end}"


def _classes(description: Description) -> Iterator[str]:
    kinds = dict.fromkeys((node.state, node.kind) for node in description.nodes)
    for state, kind in kinds:
        look = look_of(state, kind)
        stroke = "#aab4c0,stroke-dasharray:4 3" if look.is_faint else "none"
        yield f"classDef {state or kind} fill:{look.fill},color:#fff,stroke:{stroke}"


def label_of(text: str) -> str:
    """Return any text such that Mermaid shows it between quotes as it is.

    Mermaid reads labels as Markdown too, so "_" and "." stay only within words.

    Examples
    --------
    >>> label_of('a "b"'), label_of("__init__"), label_of("fill_gaps")
    ('a #34;b#34;', '#95;#95;init#95;#95;', 'fill_gaps')
    """
    line = visible(text).strip()
    neighbours = zip(f" {line}", line, f"{line[1:]} ", strict=False)
    return "".join(
        letter
        if letter.isalnum()
        or letter in _HARMLESS
        or (letter in "_." and before.isalnum() and after.isalnum())
        else f"#{ord(letter)};"
        for before, letter, after in neighbours
    )
