"""Whether a pipeline can run in another system, as ``plan --for`` says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from pypedream.cli.mistakes import REFUSED, Refused
from pypedream.cli.options import together
from pypedream.cli.sources import maker_in, opened
from pypedream.cli.terminal import say, say_json, stdout_kept_free

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.engine.problem import Problem
    from pypedream.export.travel import Journey

_HOSTS: Final = {"airflow": "Airflow", "prefect": "Prefect"}
_ANY_FILE: Final = "flow.py"  # beside which the cells of a notebook would be a module
_OPTIONS: Final = ("schedule", "store", "project_root")

elsewhere = together(
    click.option(
        "--for", "host", type=click.Choice([*_HOSTS]), help="Say whether it can run there instead."
    ),
    click.option("--schedule", metavar="CRON", help="With --for: when it is to run there."),
    click.option("--store", metavar="URL", help="With --for: what keeps values between tasks."),
    click.option(
        "--project-root",
        type=click.Path(file_okay=False, exists=True),
        metavar="DIR",
        help="With --for: the folder that modules are imported from there.",
    ),
)


def taken_from(request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Take the options of this file out of all options; return the host and the others.

    Raises
    ------
    Refused
        If one of the others is given without a host.
    """
    host = request.pop("host")
    found = {name: request.pop(name) for name in _OPTIONS}
    alone = [f"--{name.replace('_', '-')}" for name, value in found.items() if value is not None]
    if host is None and alone:
        raise Refused(f"{alone[0]} means something only with --for: add --for airflow")
    return host, found


def say_whether(
    target: str | None, host: str, how: dict[str, Any], *, debug: bool, as_json: bool
) -> None:
    """Say all reasons why a pipeline cannot run in another system, and what differs there."""
    from pypedream.export.own_code import Neighbourhood  # which a plan without --for does not need
    from pypedream.export.target import module_of
    from pypedream.export.travel import check

    given = [] if how["project_root"] is None else [how["project_root"]]
    source = opened(target, _ANY_FILE, debug=debug, overwrite=True, paths=given)
    with stdout_kept_free(), source as (pipeline, _):
        own = Neighbourhood(module_of(pipeline)).root
        journey = check(
            pipeline,
            maker=maker_in(target),
            host=host,
            schedule=how["schedule"],
            store=how["store"] or "",
            paths=given or ([own] if own else []),
        )
    if as_json:
        say_json(journey_data(pipeline.name, host, journey))
    else:
        say(*_lines(pipeline.name, host, journey))
    if journey.reasons:
        raise click.exceptions.Exit(REFUSED)


def _lines(name: str, host: str, journey: Journey) -> Iterable[str]:
    where = _HOSTS[host]
    if not journey.reasons:
        yield f"{name}: can run in {where}, as {journey.target}"
    else:
        count = len(journey.reasons)
        yield f"{name}: cannot run in {where} as it is, for {_counted(count, 'reason')}"
        yield from (f"  {reason}" for reason in journey.reasons)
    yield from (f"  note: {warning}" for warning in journey.warnings)


def _counted(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"


def journey_data(name: str, host: str, journey: Journey) -> dict[str, Any]:
    """Return what became known of a pipeline as what JSON can hold."""
    from pypedream.export.outline import NO_DEFAULT

    params = {
        key: {"schema": dict(param.schema), "secret": param.is_secret}
        | ({} if param.default is NO_DEFAULT else {"default": param.default})
        for key, param in journey.params.items()
    }
    return {
        "pipeline": name,
        "for": host,
        "target": journey.target,
        "reasons": _documents(journey.reasons),
        "warnings": _documents(journey.warnings),
        "parameters": params,
        "fingerprint": journey.fingerprint,
        "varies": list(journey.varies),
    }


def _documents(problems: Iterable[Problem]) -> list[dict[str, str | None]]:
    return [
        {
            "what": problem.what,
            "where": None if problem.where is None else str(problem.where),
            "hint": problem.hint,
        }
        for problem in problems
    ]
