"""The command ``list``: the stages of a pipeline and the files that they read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pypedream.cli import options
from pypedream.cli.load import loaded
from pypedream.cli.tables import has_tables, say_runs
from pypedream.cli.terminal import say, say_json, stdout_kept_free
from pypedream.files.templates import texts_of
from pypedream.parameters.display import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.engine.wiring import Wire
    from pypedream.pipeline import Pipeline

_HEADING = ("stage", "needs", "reads", "writes")


@click.command("list")
@options.target
@options.as_json
def command(*, target: str | None, debug: bool, as_json: bool) -> None:
    """List the stages in the order of a run, with what each needs, reads and writes.

    Of a pipeline of tables it lists the runs: how far they are, and how many rows came in. Nothing
    is called. A mistake in the pipeline is no reason to list nothing.
    """
    with stdout_kept_free(), loaded(target, debug=debug) as found:
        tables = found.pipeline if has_tables(found.pipeline) else None
        stages = [stage_data(wired) for wired in wires_of(found.pipeline)]
        problems = [str(problem) for problem in found.pipeline.blueprint.problems]
    if tables is not None:
        say_runs(tables, as_json=as_json)
        return
    if as_json:
        say_json({"pipeline": found.pipeline.name, "stages": stages, "problems": problems})
    elif not stages:
        say(f'pipeline "{found.pipeline.name}" has no stages')
    else:
        say(*table([_HEADING, *map(_row, stages)]).splitlines())
    if not as_json:
        say(*(f"problem: {problem}" for problem in problems), err=True)


def wires_of(pipeline: Pipeline) -> Iterator[Wire]:
    """Yield the stages of a pipeline, wired, in the order of a run; those in a loop come last."""
    base = pipeline.blueprint
    wires = base.wiring.wires
    for key in dict.fromkeys((*base.order, *wires)):
        yield wires[key]


def stage_data(wired: Wire) -> dict[str, Any]:
    """Return what a stage needs, reads and writes as what JSON can hold."""
    spec = wired.files.spec if wired.files is not None else None
    return {
        "stage": wired.key,
        "needs": list(wired.needs),
        "deps": {}
        if spec is None
        else {name: list(texts_of(dep.paths or ())) for name, dep in spec.deps.items()},
        "outs": []
        if spec is None
        else [
            {"path": path, "kind": out.kind, "cached": out.is_cached, "field": name}
            for name, out in spec.outs.items()
            for path in texts_of(out.path)
        ],
    }


def _row(stage: dict[str, Any]) -> tuple[str, ...]:
    reads = [path for paths in stage["deps"].values() for path in paths]
    writes = [
        out["path"] if out["kind"] in ("out", "directory") else f"{out['path']} ({out['kind']})"
        for out in stage["outs"]
    ]
    return stage["stage"], *(", ".join(each) for each in (stage["needs"], reads, writes))
