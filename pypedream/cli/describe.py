"""The command ``describe``: the files and steps of a pipeline of tables, drawn as boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pypedream.cli import options
from pypedream.cli.load import loaded
from pypedream.cli.tables import tables_of
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.tabular.diagram import boxes_of

if TYPE_CHECKING:
    from pypedream.tabular.pipeline import Pipeline


@click.command("describe")
@options.target
@options.as_json
def command(*, target: str | None, debug: bool, as_json: bool) -> None:
    """Draw the files that are expected and the steps, in order; nothing is called."""
    with stdout_kept_free(is_wanted=as_json), loaded(target, debug=debug) as found:
        tables = tables_of(found.pipeline)
    if as_json:
        say_json(_data(tables))
    else:
        say(*boxes_of(tables).splitlines())


def _data(tables: Pipeline) -> dict[str, object]:
    return {
        "pipeline": tables.name,
        "files": [
            {"file": spec.name, "pattern": spec.source_pattern, "optional": spec.optional}
            for spec in tables.ingest_files
        ],
        "steps": [
            {
                "step": step.step_id,
                "label": step.label,
                "kind": str(step.kind),
                "files": list(step.file_names),
                "depends_on": list(step.depends_on),
            }
            for step in tables.steps
        ],
    }
