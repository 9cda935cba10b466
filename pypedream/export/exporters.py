"""Exporters: the forms that a pipeline can be written in, ours and those of other packages.

An exporter is given an `Outline` and returns a text; where that goes, and whether a file may be
replaced, is not its business. Other packages offer theirs as entry points of the group
``pypedream.exporters``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol
from warnings import warn

from attrs import frozen

from pypedream.errors import NotRegistered
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.metadata import EntryPoint

    from pypedream.export.outline import Outline

GROUP: Final = "pypedream.exporters"
"""The group of entry points."""


class Exporter(Protocol):
    """Writes a pipeline in another form.

    Attributes
    ----------
    name
        What it is called: ``python -m pypedream export NAME``.
    summary
        What it writes, in a line.
    suffix
        What its files end with: ".yaml".
    needs_target
        Whether what it writes imports the pipeline; then the pipeline is refused, with all
        reasons, unless a fresh interpreter finds the same one at `Outline.target`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def suffix(self) -> str: ...  # noqa: D102
    @property
    def needs_target(self) -> bool: ...  # noqa: D102

    def write(self, outline: Outline) -> str:
        """Return the text, the same for the same outline.

        Raises
        ------
        ExportError
            If it cannot be written in this form, with all reasons.
        """


@frozen
class BuiltIn:
    """An exporter of ours, whose module is imported when it writes.

    Attributes
    ----------
    home
        Where its function is: "module:function".
    """

    name: str
    summary: str
    suffix: str
    home: str
    needs_target: bool = False

    def write(self, outline: Outline) -> str:
        """Return the text."""
        module, _, function = self.home.partition(":")
        text: str = getattr(import_module(f"pypedream.export.{module}"), function)(outline)
        return text


BUILT_IN: Final[dict[str, Exporter]] = {
    each.name: each
    for each in (
        BuiltIn(
            "airflow", "Write a DAG file for Airflow.", ".py", "airflow.dag_file:dag_text", True
        ),
        BuiltIn("prefect", "Write a flow for Prefect.", ".py", "prefect.flow_file:flow_text", True),
        BuiltIn("dvc", "Write a dvc.yaml for DVC.", ".yaml", "dvc:dvc_text"),
        BuiltIn("mermaid", "Write a Mermaid diagram.", ".mmd", "picture:mermaid_text"),
        BuiltIn("graphviz", "Write a graph for Graphviz.", ".dot", "picture:dot_text"),
        BuiltIn("svg", "Write an SVG picture.", ".svg", "picture:svg_text"),
    )
}


def exporter(name: str) -> Exporter:
    """Return the exporter of this name; of other packages only its own is imported.

    Raises
    ------
    NotRegistered
        If there is none, or it cannot be used; the text says why.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    others = offered()
    if name not in others:
        known = [*BUILT_IN, *others]
        near = did_you_mean(name, known) or f"; {there_are(known)}"
        raise NotRegistered(f'no exporter is called "{name}"{near}')
    made, trouble = _loaded(others[name])
    if made is None:
        raise NotRegistered(trouble)
    return made


def exporters(tell: Callable[[str], None] = warn) -> dict[str, Exporter]:
    """Return all exporters by name, those of other packages last.

    Parameters
    ----------
    tell
        Is called with a line for each one of another package that cannot be used; by default it
        is a warning.
    """
    found = dict(BUILT_IN)
    for name, entry in offered().items():
        made, trouble = _loaded(entry)
        if made is None:
            tell(trouble)
        else:
            found[name] = made
    return found


def offered() -> dict[str, EntryPoint]:
    """Return the entry points of other packages, by name; nothing of them is imported."""
    from importlib.metadata import entry_points  # some ms, and seldom wanted

    return {each.name: each for each in entry_points(group=GROUP) if each.name not in BUILT_IN}


def _loaded(entry: EntryPoint) -> tuple[Exporter | None, str]:
    """Return an exporter of another package; or None and what is wrong with it, in a line."""
    package = entry.dist.name if entry.dist is not None else entry.value
    trouble = f'the exporter "{entry.name}" of {package} cannot be used: '
    try:
        made: Any = entry.load()
        if isinstance(made, type) or not hasattr(made, "write"):
            made = made()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is theirs
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return None, trouble + said
    missing = [each for each in ("name", "summary", "suffix", "write") if not hasattr(made, each)]
    if missing:
        return None, f"{trouble}it has no {' and no '.join(missing)}"
    if made.name != entry.name:
        return None, f'{trouble}it calls itself "{made.name}"'
    return made, ""
