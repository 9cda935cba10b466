"""The command ``show``: a pipeline as a tree, as Mermaid text or as a picture; or a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pypedream import view
from pypedream.cli import options, suggestions
from pypedream.cli.load import loaded
from pypedream.cli.mistakes import Refused
from pypedream.cli.show_run import is_name_of_run, show_run
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.log.terminal import Screen

if TYPE_CHECKING:
    from pypedream.pipeline import Pipeline

TO_STDOUT = "-"
_WIDTH = 100


@click.command("show")
@click.argument(
    "target",
    required=False,
    metavar=f"[{options.TARGET}|RUN]",
    shell_complete=suggestions.targets_and_runs,
)
@options.debug
@click.option("--mermaid", is_flag=True, help="Print the text of a Mermaid diagram.")
@click.option(
    "--svg",
    is_flag=False,
    flag_value=TO_STDOUT,
    metavar="[FILE]",
    help="Print an SVG picture, or write it to FILE.",
)
@options.workspace
@options.as_json
def command(
    target: str | None,
    debug: bool,
    mermaid: bool,
    svg: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Show the stages of a pipeline and what each of them needs; nothing is called.

    Or show how a recorded run went. RUN is an id, the beginning of one, "last", or "last~1" for
    the one before the last; a file or module of that name wins.
    """
    if sum(map(bool, (mermaid, svg, as_json))) > 1:
        raise Refused("--mermaid, --svg and --json exclude each other: choose one")
    if svg not in (None, TO_STDOUT) and not str(svg).lower().endswith(".svg"):
        raise Refused(
            f"--svg {svg}: a picture is written to a FILE.svg; to show {svg}: show {svg} --svg"
        )
    if target is not None and is_name_of_run(target):
        if mermaid or svg is not None:
            raise Refused(f"--mermaid and --svg draw a pipeline, and {target} is a run")
        show_run(target, workspace, as_json=as_json)
        return
    screen = Screen(sys.stdout)
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        if as_json:
            document = _data(found.pipeline)
        elif mermaid:
            text = view.to_mermaid(found.pipeline)
        elif svg is not None:
            text = _picture(found.pipeline)
        else:
            text = _tree(found.pipeline, screen)
    if as_json:
        say_json(document)
    elif svg in (None, TO_STDOUT):
        say(*text.splitlines())
    else:
        _save(text, str(svg))


def _tree(pipeline: Pipeline, screen: Screen) -> str:
    width = screen.width() if screen.is_terminal else _WIDTH
    return view.tree_text(pipeline, ascii=not screen.has_glyphs, width=width)


def _picture(pipeline: Pipeline) -> str:
    """Return an SVG picture in ASCII, with references in place of other letters."""
    return view.to_svg(pipeline).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _save(text: str, file: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {file}: {error.strerror}") from None
    say(f"wrote {file}")


def _data(pipeline: Pipeline) -> dict[str, Any]:
    """Return what the picture shows as what JSON can hold."""
    description = view.describe(pipeline)
    return {
        "pipeline": description.name,
        "stages": [
            {
                "stage": node.key,
                "about": node.about,
                "inputs": [
                    {"argument": each.name, "kind": each.kind, "source": each.source}
                    for each in node.arguments
                ],
            }
            for node in description.stages
        ],
        "edges": [
            {"from": edge.source, "to": edge.target, "kind": edge.kind}
            for edge in description.edges
        ],
        "problems": list(description.mistakes),
    }
