"""The command ``ingest``: take in the files of a folder as a new run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream.cli import FAILED, OK, options
from pypedream.cli.console import Console
from pypedream.cli.load import loaded
from pypedream.cli.tables import tables_of
from pypedream.cli.terminal import command_line, say, say_json, say_state, stdout_kept_free
from pypedream.errors import IngestError

if TYPE_CHECKING:
    from datetime import datetime

    from pypedream.tabular.manifest import Manifest
    from pypedream.tabular.pipeline import Pipeline


@click.command("ingest")
@click.argument("folder", type=click.Path(path_type=Path))
@options.target
@click.option(
    "--run-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The date that all steps get; today by default.",
)
@click.option(
    "--on-error",
    type=click.Choice(["fail", "quarantine"]),
    help='After a row that is not right take in nothing, or with "quarantine" the others.',
)
@click.option(
    "--max-errors",
    type=float,
    metavar="N",
    help="With quarantine: keep a file out with more such rows; below 1 it is a share of them.",
)
@options.as_json
def command(
    folder: Path,
    *,
    target: str | None,
    debug: bool,
    run_date: datetime | None,
    on_error: str | None,
    max_errors: float | None,
    as_json: bool,
) -> int:
    """Take in the files of FOLDER as a new run of a pipeline of tables.

    All of them come in, or nothing does and every mistake is told. Exit codes: 0 ok, 1 a file is
    not as expected, 2 nothing can be ingested now.
    """
    refused: IngestError | None = None
    with stdout_kept_free(is_wanted=as_json), loaded(target, debug=debug) as found:
        tables = tables_of(found.pipeline)
        limit = int(max_errors) if max_errors is not None and max_errors >= 1 else max_errors
        how: dict[str, Any] = {"on_error": on_error, "max_errors": limit, **_console(tables)}
        day = None if run_date is None else run_date.date()
        try:
            manifest = tables.ingest(folder, run_date=day, **how)
        except IngestError as error:
            refused = error
    if refused is not None:
        return _say_refusal(refused, as_json=as_json)
    _say_run(manifest, as_json=as_json)
    return OK


def _console(tables: Pipeline) -> dict[str, object]:
    names = [spec.name for spec in tables.ingest_files]
    return {"sinks": [Console(names, is_verbose=False)], "progress": False}


def _say_run(manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        files = {name: dict(file.record) for name, file in manifest.files.items()}
        say_json({"run": manifest.run_id, "run_date": str(manifest.run_date), "files": files})
        return
    count = len(manifest.files)
    files_text = "1 file" if count == 1 else f"{count} files"
    say_state("ok", f"{files_text} came in as run {manifest.run_id}; next: {command_line('run')}")


def _say_refusal(error: IngestError, *, as_json: bool) -> int:
    if as_json:
        problems = [asdict(problem) for problem in error.problems]
        say_json({"error": str(error), "counts": error.counts, "problems": problems})
    text = str(error)
    for ours, theirs in _IN_WORDS_OF_THE_SHELL.items():
        text = text.replace(ours, theirs)
    say(*text.splitlines(), err=True)
    return FAILED


_IN_WORDS_OF_THE_SHELL = {
    'on_error="quarantine"': "--on-error quarantine",
    "see the error's .table": "--json has them",
}
