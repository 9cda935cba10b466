"""How a run went, in its last lines: one when all is well, a screen when a stage failed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pypedream.cli import FAILED, INTERRUPTED, OK
from pypedream.cli.terminal import command_line, say, say_state
from pypedream.cli.workspaces import from_here, workspace_of
from pypedream.log.durations import duration_text
from pypedream.log.redaction import Redactor

if TYPE_CHECKING:
    from pypedream.engine.run import Run, StageRun

_DONE = ("ok", "reused")
_MOST_FAILURES = 5


def exit_code(run: Run) -> int:
    """Return what the process says of the run to the one that started it."""
    return {"ok": OK, "interrupted": INTERRUPTED}.get(run.state, FAILED)


def say_ending(run: Run, *, is_quiet: bool, debug: bool, held: str = "") -> None:
    """Write the last lines of a run: to stdout when it is ok, else to stderr.

    Parameters
    ----------
    held
        How a run of tables stands which is not completed though no step failed; "" else.
    """
    if held:
        rest = f"after {duration_text(run.duration_s)}, {_counts(run)}{_log_hint(run)}"
        say_state(held, rest, err=True)
    elif run.state == "ok":
        if not is_quiet:
            say_state("ok", f"in {duration_text(run.duration_s)}, {_counts(run)}{_log_hint(run)}")
    elif run.failure is None or run.state != "failed":
        rest = f"after {duration_text(run.duration_s)}, {_counts(run)}{_log_hint(run)}"
        say_state(run.state, f"{rest}{_resume_hint(run)}", err=True)
    else:
        from traceback import format_exception

        from pypedream.engine.failure import failure_screen  # there is seldom a failure

        hide = Redactor(run.parameters.secrets()).text
        if debug:
            say(*hide("".join(format_exception(run.failure.error))).splitlines(), err=True)
        say(*(hide(line) for line in failure_screen(run.failure)), err=True)
        say(*(hide(line) for line in _other_failures(run)), err=True)
        say(*_what_next(run, run.failure.stage), err=True)


def run_data(run: Run) -> dict[str, Any]:
    """Return a run as what JSON can hold, without secrets."""
    hide = Redactor(run.parameters.secrets()).text
    workspace = run.plan.options.workspace
    return {
        "run": run.id,
        "pipeline": run.pipeline,
        "state": run.state,
        "duration_s": run.duration_s,
        "stages": {
            key: {
                "state": stage.state,
                "duration_s": stage.duration_s,
                "attempts": stage.attempts,
                "reason": stage.reason,
                "error": hide(_error_text(stage.error)) if stage.error is not None else None,
                **_items(stage),
            }
            for key, stage in run.stages.items()
        },
        "parameters": run.parameters.redacted(),
        "workspace": None if workspace is None else str(Path(workspace).absolute()),
    }


def _items(stage: StageRun) -> dict[str, dict[str, int]]:
    """Return how many items of a mapped stage ended in each state; nothing for others."""
    counts = getattr(stage.items, "counts", None)
    return {} if counts is None else {"items": counts}


def _counts(run: Run) -> str:
    """Return "8 stages", or how many of them were done."""
    states = Counter(stage.state for stage in run.stages.values())
    done, total = sum(states[state] for state in _DONE), states.total()
    text = f"{done} of {total} stages"
    if done == total:
        text = "1 stage" if total == 1 else f"{total} stages"
    text = f"{text}, {states['reused']} reused" if states["reused"] else text
    failed = sum(stage.items_failed for stage in run.stages.values())
    return f"{text}, {failed:,} {'item' if failed == 1 else 'items'} failed" if failed else text


def _log_hint(run: Run) -> str:
    words = _log_words(run)
    return f"; log: {command_line(*words)}" if words else ""


def _resume_hint(run: Run) -> str:
    words = _log_words(run) if run.plan.options.checkpoint else []
    return f"; to go on: {command_line('resume', *words[1:])}" if words else ""


def _log_words(run: Run) -> list[str]:
    """Return the words of the command that shows the record; none if there is no record."""
    workspace = run.plan.options.workspace
    if workspace is None:
        return []
    if Path(workspace).absolute() == workspace_of(None).absolute():
        return ["log", run.id]
    return ["log", run.id, "--workspace", str(from_here(Path(workspace)))]


def _other_failures(run: Run) -> list[str]:
    others = run.failures[1 : 1 + _MOST_FAILURES]
    lines = [f"also failed: {one.label}: {_error_text(one.error)}" for one in others]
    more = len(run.failures) - 1 - len(others)
    return [*lines, f"and {more} more failed"] if more > 0 else lines


def _what_next(run: Run, stage: str) -> list[str]:
    words = _log_words(run)
    if not words:
        return ["next: fix it and run again; --debug shows the whole traceback"]
    record = Path(run.plan.options.workspace) / "runs" / run.id
    again = "fix it and run again"
    if run.plan.options.checkpoint:
        again = f"fix it, then {command_line('resume', *words[1:])}"
    return [
        f"record: {from_here(record)}",
        f"log: {command_line(*words, '--stage', stage)}",
        f"next: {again}",
    ]


def _error_text(error: BaseException) -> str:
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}".rstrip(": ")
