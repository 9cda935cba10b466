"""The command ``repro`` where there is something to do, once it is known what was asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pypedream.engine.carry_out
import pypedream.engine.file_edges
import pypedream.engine.file_keeping
import pypedream.engine.keeping
import pypedream.engine.lookup
import pypedream.engine.request
import pypedream.engine.scheduler
import pypedream.engine.stage_locks
import pypedream.files.staging
import pypedream.log.capture
import pypedream.store.cache_store  # noqa: F401 - what is loaded here is loaded for good
from pypedream.cli.carry_out import carried_out, console, recording, said
from pypedream.cli.terminal import say
from pypedream.cli.values import completed, parameters_of

if TYPE_CHECKING:
    from pypedream.cli.load import Loaded
    from pypedream.engine.at_rest import Rest
    from pypedream.engine.run import Run
    from pypedream.parameters import Parameters


def bring(found: Loaded, rest: Rest, *, is_quiet: bool) -> int:
    """Do what ``repro`` does without options; return the exit code."""
    values = completed(parameters_of(found.pipeline, {}, None), is_asked=False)
    asked = {"cache": "cached", **recording(found, None)}
    run = brought(found, rest, values, asked, None if is_quiet else sinks(found, verbose=False))
    return said_brought(run, is_quiet=is_quiet)


def brought(
    found: Loaded,
    rest: Rest | None,
    values: Parameters,
    asked: dict[str, Any],
    shown: list[Any] | None,
) -> Run:
    """Run the pipeline, and write down that it is at rest, if it is.

    Parameters
    ----------
    shown
        What shows the run; None shows nothing.
    """
    asked = asked if shown is None else {**asked, "sinks": shown}
    run = carried_out(found.pipeline, partial(found.pipeline.run, values), asked)
    if rest is not None:
        rest.remember(run)
        found.keep()
    return run


def sinks(found: Loaded, *, verbose: bool) -> list[Any]:
    """Return what shows a run of the pipeline, with what its own options name."""
    own = found.pipeline.options.get("sinks", ())
    return [*own, console(found.pipeline.blueprint.order, verbose=verbose)]


def said_brought(run: Run, *, is_quiet: bool, as_json: bool = False, debug: bool = False) -> int:
    """Write how a run ended; return the exit code for it."""
    if not (is_quiet or as_json) and any(one.state == "ok" for one in run.stages.values()):
        say(*(f"note: {note}" for note in run.plan.notes), err=True)
    return said(run, is_quiet=is_quiet, as_json=as_json, debug=debug)
