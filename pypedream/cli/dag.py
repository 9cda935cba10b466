"""The command ``dag``: what comes before what, by stages or by files."""

from __future__ import annotations

import sys

import click

from pypedream import view
from pypedream.cli import options
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.terminal import say, stdout_kept_free
from pypedream.log.terminal import Screen

_WIDTH = 100


@click.command("dag")
@options.target
@click.option("--files", is_flag=True, help="Show files, and the stages between them.")
@click.option("--mermaid", is_flag=True, help="Print the text of a Mermaid diagram.")
@click.option("--dot", is_flag=True, help="Print a graph for Graphviz.")
def command(*, target: str | None, debug: bool, files: bool, mermaid: bool, dot: bool) -> None:
    """Show which stage comes before which; nothing is called.

    With --files a line a stage: what it reads, the stage, what it writes.
    """
    if mermaid and dot:
        raise Refused("--mermaid and --dot exclude each other: choose one")
    screen = Screen(sys.stdout)
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        if files:
            from pypedream.view.file_graph import file_graph

            graph = file_graph(found.pipeline)
            plain = graph.text() or "no stage reads or writes a file"
            text = graph.mermaid() if mermaid else graph.dot() if dot else plain
        elif mermaid:
            text = view.to_mermaid(found.pipeline)
        elif dot:
            from pypedream.export.exporters import BUILT_IN
            from pypedream.export.writing import text_by

            text = text_by(BUILT_IN["graphviz"], found.pipeline).text
        else:
            width = screen.width() if screen.is_terminal else _WIDTH
            text = view.tree_text(found.pipeline, ascii=not screen.has_glyphs, width=width)
    say(*text.splitlines())
