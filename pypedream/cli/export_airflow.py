"""The command ``export airflow``: a pipeline as a DAG file, and whether one is up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from pypedream.cli import options
from pypedream.cli.mistakes import Refused
from pypedream.cli.sources import maker_in, opened, said
from pypedream.cli.terminal import say, say_json, stdout_kept_free

if TYPE_CHECKING:
    from pypedream.export.airflow.exporting import Order

DIFFERENT = 1
_ASKED = ("schedule", "store", "group_as_task", "map_chunk", "project_root", "dag_id")


@click.command("airflow", short_help="Write a DAG file for Airflow.")
@options.target
@click.option("--out", metavar="FILE.py", help="The DAG file to write.")
@click.option("--schedule", metavar="CRON", help='When it runs by itself: "@daily", "0 6 * * *".')
@click.option("--store", metavar="URL", help="Where large values are kept between tasks.")
@options.in_tasks
@click.option("--project-root", metavar="DIR", help="A folder that workers import from.")
@click.option("--dag-id", metavar="ID", help="What Airflow calls it.")
@click.option("--overwrite", is_flag=True, help="Replace FILE.py also if it was changed by hand.")
@click.option("--check", metavar="FILE.py", help="Say whether a DAG file is up to date.")
@click.option("--airflow-python", metavar="PATH", help="The Python that has Airflow, to --check.")
@options.as_json
def airflow(
    target: str | None,
    debug: bool,
    out: str | None,
    check: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Write a pipeline as a DAG file for Airflow 2.9 and later, and 3.x.

    The file imports nothing but Airflow; its tasks import the pipeline where they run. With
    --check nothing is written: the file is compared with a new export, by default with the options
    that it says it was made with, and where Airflow is at hand with what that reads in it. The
    exit code is 1 if anything differs.
    """
    asked = {name: how[name] for name in _ASKED}
    if check is not None:
        if out is not None:
            raise Refused("--out and --check exclude each other: choose one")
        _check(check, target, asked, how["airflow_python"], debug=debug, as_json=as_json)
        return
    if out is None:
        raise Refused("name the file to write: --out dags/flow.py")
    from pypedream.export.airflow.exporting import Order, write

    order = Order(out, said(target), **asked, maker=maker_in(target))
    may = {"debug": debug, "overwrite": how["overwrite"]}
    with stdout_kept_free(), opened(target, out, **may, paths=order.folders) as (pipeline, sidecar):
        written = write(pipeline, order, overwrite=how["overwrite"], sidecar=sidecar)
    if as_json:
        say_json(asdict(written))
    else:
        say(*str(written).splitlines())


def _check(
    file: str,
    target: str | None,
    asked: dict[str, Any],
    python: str | None,
    *,
    debug: bool,
    as_json: bool,
) -> None:
    from pypedream.export.airflow.checking import checked
    from pypedream.export.airflow.exporting import prepared

    order = _order(file, target, asked)
    source = opened(order.target or None, file, debug=debug, overwrite=True, paths=order.folders)
    with stdout_kept_free(), source as (pipeline, sidecar):
        findings = checked(file, prepared(pipeline, order), python, sidecar)
    if as_json:
        say_json({**asdict(findings), "is_good": findings.are_good})
    else:
        say(*str(findings).splitlines())
    if not findings.are_good:
        click.get_current_context().exit(DIFFERENT)


def _order(file: str, target: str | None, asked: dict[str, Any]) -> Order:
    """Return what a DAG file was made with, unless the command line says otherwise."""
    from pypedream.errors import ExportError
    from pypedream.export.airflow.checking import command_in
    from pypedream.export.airflow.exporting import Order

    try:
        made = airflow.make_context("airflow", command_in(file)).params
    except click.UsageError as error:
        raise Refused(f"the command in {file} is none: {error.format_message()}") from None
    except ExportError:
        if target is None:
            raise
        made = {}
    named = made.get("target") or "" if target is None else said(target)
    given = {name: each for name, each in asked.items() if each not in (None, ())}
    before = {name: made[name] for name in _ASKED if name in made}
    own = {"said_path": made.get("out") or "", "maker": maker_in(named)}
    return Order(file, named, **{**before, **given, **own})
