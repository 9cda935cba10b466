"""What the user did wrong, on the screen: what, where and the fix, and never a frame of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pypedream.errors import ExportError, ParameterError, PlanError, PypedreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

REFUSED = 2

# Where the library finds a mistake, options have the names that Python gives them.
_OPTIONS = {
    "only=:": "--only:",
    "until=:": "--until:",
    "from_=:": "--from:",
    "tags=:": "--tag:",
    "given=:": "--given:",
    "executor=": "--executor ",
    "workers=": "--workers ",
    "on_error=": "--on-error ",
}


class Refused(PypedreamError):
    """Something that cannot be done as asked; shown as lines, without a traceback."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))


def report(error: click.ClickException | PypedreamError, *, as_json: bool = False) -> int:
    """Say what is wrong, and return the exit code.

    Parameters
    ----------
    as_json
        Whether stdout is to have a JSON document; then the mistake is one.
    """
    from pypedream.cli.terminal import OutputError, let_go_of_stdout, say, say_json

    lines = lines_of(error)
    if as_json and not isinstance(error, OutputError):
        document: dict[str, Any] = {"error": "\n".join(lines).removeprefix("error: ")}
        if isinstance(error, PlanError):
            document |= {"pipeline": error.pipeline, "problems": problems_of(error)}
        try:
            say_json(document)
        except BrokenPipeError:  # nobody reads on; it is a mistake all the same
            let_go_of_stdout()
    say(*lines, err=True)
    return REFUSED


def lines_of(error: click.ClickException | PypedreamError) -> list[str]:
    """Return the text of a mistake: a line, or one for each of several."""
    if isinstance(error, PlanError):
        head, *_ = str(error).splitlines()
        return [head, *(f"  {_as_options(str(problem))}" for problem in error.problems)]
    if not isinstance(error, PypedreamError):
        return _lines_of_click(error)
    first, *more = str(error).splitlines() or [type(error).__name__]
    lines = [f"error: {first}", *more]
    if isinstance(error, ExportError):
        return [line.replace("overwrite=True", "--overwrite") for line in lines]
    return lines


def _lines_of_click(error: click.ClickException) -> list[str]:
    from click import UsageError  # it is loaded where something of it is raised

    if isinstance(error, UsageError):
        message = " ".join(error.format_message().split())
        path = error.ctx.command_path if error.ctx is not None else "python -m pypedream"
        return [f"error: {message} (see: {path} --help)"]
    first, *more = error.format_message().splitlines() or [""]
    return [f"error: {first}", *more]


def problems_of(error: PlanError) -> list[dict[str, str | None]]:
    """Return the mistakes of a pipeline as what JSON can hold."""
    return [
        {
            "what": problem.what,
            "where": str(where) if (where := getattr(problem, "where", None)) else None,
            "hint": getattr(problem, "hint", ""),
        }
        for problem in error.problems
    ]


def refusal(errors: Iterable[ParameterError]) -> Refused:
    """Return all mistakes in the values of parameters as one."""
    lines = [line for error in errors for line in str(error).splitlines()]
    if len(lines) == 1:
        return Refused(*lines)
    return Refused(f"{len(lines)} mistakes in the parameters", *(f"  {line}" for line in lines))


def _as_options(problem: str) -> str:
    """Write a problem with the names that the command line has for options."""
    for ours, theirs in _OPTIONS.items():
        if problem.startswith(ours):
            return theirs + problem.removeprefix(ours)
    return re.sub(r"given=\{[\"'](.+?)[\"']: \.\.\.\}", r"--given \1=JSON", problem)
