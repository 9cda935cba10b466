"""Picture: an outline as what the views draw, and as text for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream._lazy import view
from pypedream.log.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.export.outline import Outline, Task


def mermaid_text(outline: Outline) -> str:
    """Return the text of a Mermaid flowchart."""
    return f"{view('mermaid').to_mermaid(_description(outline))}\n"


def svg_text(outline: Outline) -> str:
    """Return the text of an SVG file, in ASCII with references in place of other letters."""
    text: str = view("svg").to_svg(_description(outline))
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def dot_text(outline: Outline) -> str:
    """Return the text of a graph for Graphviz, with a cluster for each included pipeline.

    Examples
    --------
    >>> from pypedream.export.outline import Outline, Task
    >>> tasks = {
    ...     "load": Task("load", stages=("load",)),
    ...     "total": Task("total", reads=("load",), stages=("total",)),
    ... }
    >>> print(dot_text(Outline("sum", "sums:flow", tasks)), end="")
    digraph {
      label="sum"
      labelloc=t
      node [shape=box, style=rounded, fontname="sans-serif"]
      n0 [label="load"]
      n1 [label="total"]
      n0 -> n1
    }
    """
    ids = {key: f"n{number}" for number, key in enumerate(outline.tasks)}
    lines = [
        f'label="{_label(outline.name)}"',
        "labelloc=t",
        'node [shape=box, style=rounded, fontname="sans-serif"]',
        *_members(outline, "", ids),
        *_edges(outline, ids),
    ]
    return "\n".join(["digraph {", *(f"  {line}" for line in lines), "}", ""])


def _members(outline: Outline, group: str, ids: dict[str, str]) -> Iterator[str]:
    """Yield the nodes of a group, then the clusters within it."""
    for key, task in outline.tasks.items():
        if task.group == group:
            shape = ', shape=box3d, style=""' if task.is_mapped or task.is_several else ""
            yield f'{ids[key]} [label="{_label(_name(task))}"{shape}]'
    for number, inner in enumerate(outline.groups):
        parent, _, name = inner.rpartition(".")
        if parent == group:
            yield f"subgraph cluster_{number} {{"
            yield f'  label="{_label(name)}"'
            yield from (f"  {line}" for line in _members(outline, inner, ids))
            yield "}"


def _edges(outline: Outline, ids: dict[str, str]) -> Iterator[str]:
    for source, target, is_read in _ways(outline):
        yield f"{ids[source]} -> {ids[target]}{'' if is_read else ' [style=dashed]'}"


def _ways(outline: Outline) -> Iterator[tuple[str, str, bool]]:
    """Yield each pair of tasks of which one waits for the other, and whether it reads it."""
    for key, task in outline.tasks.items():
        read = {outline.task_of(each).key for each in task.reads}
        for source in outline.needs(task):
            yield source, key, source in read


def _name(task: Task) -> str:
    return task.key.removeprefix(f"{task.group}.") if task.group else task.key


def _label(text: str) -> str:
    """Return any text such that Graphviz shows it between quotes as it is."""
    plain = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return plain.replace("&", "&amp;")  # it reads references, too


def _description(outline: Outline) -> Any:
    views = view("description")
    nodes = tuple(
        views.Node(
            key,
            key,
            group=task.group,
            about=task.about,
            over="" if task.over is None else str(task.over),
            is_mapped=task.is_mapped,
            is_bundle=task.is_several,
        )
        for key, task in outline.tasks.items()
    )
    edges = tuple(
        views.Edge(source, target, "value" if is_read else "order")
        for source, target, is_read in _ways(outline)
    )
    groups = tuple(
        views.Group(key, key.rpartition(".")[2], key.rpartition(".")[0]) for key in outline.groups
    )
    return views.Description(outline.name, "pipeline", outline.name, nodes, edges, groups)
