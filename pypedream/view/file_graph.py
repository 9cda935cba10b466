"""File graph: the files of a pipeline and the stages between them, as text or for a drawing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import Factory, define

from pypedream.files.templates import texts_of
from pypedream.view.mermaid import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.pipeline import Pipeline

__all__ = ["FileGraph", "file_graph"]


@define
class FileGraph:
    """The files that stages read and write.

    Attributes
    ----------
    name
        Name of the pipeline.
    reads, writes
        By stage, in the order of a run.
    """

    name: str
    reads: dict[str, list[str]] = Factory(dict)
    writes: dict[str, list[str]] = Factory(dict)

    def text(self) -> str:
        """Return a line a stage: what it reads, its name, what it writes."""
        return "\n".join(
            " -> ".join(filter(None, (", ".join(read), key, ", ".join(self.writes[key]))))
            for key, read in self.reads.items()
        )

    def mermaid(self) -> str:
        """Return the text of a Mermaid flowchart; stages are boxes, files are round."""
        ids = self._ids()
        lines = [f'{ids["stage", key]}["{label_of(key)}"]' for key in self.reads]
        lines += [
            f'{ids[kind, path]}(["{label_of(path)}"])' for kind, path in ids if kind == "file"
        ]
        lines += [f"{ids[start]} --> {ids[end]}" for start, end in self._edges()]
        return "\n".join(["flowchart TD", *(f"  {line}" for line in lines)])

    def dot(self) -> str:
        """Return a graph for Graphviz."""
        ids = self._ids()
        shapes = {"file": "ellipse", "stage": "box"}
        lines = [
            f"{number} [label={_quoted(name)}, shape={shapes[kind]}]"
            for (kind, name), number in ids.items()
        ]
        lines += [f"{ids[start]} -> {ids[end]}" for start, end in self._edges()]
        inside = "\n".join(f"  {line}" for line in lines)
        return f"digraph {_quoted(self.name)} {{\n{inside}\n}}"

    def _ids(self) -> dict[tuple[str, str], str]:
        files = [
            path for each in (self.reads, self.writes) for some in each.values() for path in some
        ]
        named = [("stage", key) for key in self.reads]
        named += [("file", path) for path in dict.fromkeys(files)]
        return {each: f"n{number}" for number, each in enumerate(named)}

    def _edges(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        for key in self.reads:
            yield from ((("file", path), ("stage", key)) for path in self.reads[key])
            yield from ((("stage", key), ("file", path)) for path in self.writes[key])


def file_graph(pipeline: Pipeline) -> FileGraph:
    """Return the files of a pipeline; stages without files are left out."""
    base, graph = pipeline.blueprint, FileGraph(pipeline.name)
    for key in base.order:
        files = base.wiring.wires[key].files
        if files is not None:
            deps = files.spec.deps.values()
            graph.reads[key] = [path for dep in deps for path in texts_of(dep.paths or ())]
            graph.writes[key] = files.outputs
    return graph


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
