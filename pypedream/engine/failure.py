"""Failure: which stage broke, what it was called with, where each value came from, how to go on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream._lazy import shown_as
from pypedream.errors import PypedreamError, RunCancelled
from pypedream.log.ended import Ended, add_note, notes_of, said_by
from pypedream.log.redaction import Redactor
from pypedream.over import CROSS
from pypedream.places import (
    Place,
    is_in_ipython,
    is_library,
    is_ours,
    name_at_prompt,
    users_traceback,
)
from pypedream.stage import arguments_of
from pypedream.values import one_line, short

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping
    from os import PathLike
    from pathlib import Path
    from types import TracebackType

    from pypedream.engine.chunks import FailedItem
    from pypedream.engine.fan import Fan
    from pypedream.engine.run import Run
    from pypedream.engine.wiring import Wire
    from pypedream.executors.mishaps import Mishap
    from pypedream.parameters import Parameters


@frozen
class FailedInput:
    """One argument of the call that failed.

    Attributes
    ----------
    value
        The value as the stage got it.
    source
        Where it came from, in words: ``stage "load"``, ``parameter "b" (default)``.
    is_changed
        Whether it is known to have been changed in place while the stage ran. Only what other
        stages read too is looked at, so False may mean that nobody knows.
    """

    value: Any = field(repr=short)
    source: str
    is_changed: bool = False


@frozen(eq=False)
class Failure:
    """A call that failed.

    Attributes
    ----------
    stage
        Key of the stage.
    item
        Key of the item when the stage is mapped, otherwise None.
    error
        The stage's own exception.
    inputs
        From each argument to its value and where that came from.
    attempts
        How often the stage was called.
    traceback
        The frames of the user's code, from the stage's own on.
    redactor
        Hides the secrets of the run in a text.
    """

    stage: str
    error: BaseException
    inputs: Mapping[str, FailedInput]
    function: Callable[..., Any] = field(repr=False)
    attempts: int = 1
    item: int | str | None = None
    traceback: TracebackType | None = field(default=None, repr=False)
    redactor: Redactor = field(factory=lambda: Redactor(()), repr=False)

    @property
    def label(self) -> str:
        """The key of the stage, with that of the item: ``clean[north]``."""
        return self.stage if self.item is None else f"{self.stage}[{self.item}]"

    @property
    def place(self) -> Place | None:
        """The line of the stage's own function that raised; None when it never got there."""
        step = self.traceback
        return None if step is None else Place(step.tb_frame.f_code.co_filename, step.tb_lineno)

    @staticmethod
    def without(results: Any) -> Any:
        """Return what a mapped stage gave without the failures that ``on_error="collect"`` left.

        Lists and dicts keep their form, also within each other; an array of objects becomes a
        list. Anything else is returned as it is.

        Examples
        --------
        >>> Failure.without([1, Failure("load", ValueError(), {}, int), 3])
        [1, 3]
        """
        from pypedream.engine.collected import without_failures

        return without_failures(results)

    def replay(self) -> Any:
        """Call the stage's function once more with the same values, outside any run."""
        __tracebackhide__ = True
        from pypedream.files.stage_files import present

        values = {name: present(one.value) for name, one in self.inputs.items()}
        first, rest = arguments_of(self.function).split(values)
        return self.function(*first, **rest)

    def to_test(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a test that makes the failed call again, alone: it fails until the stage is fixed.

        The test imports the function. A function that cannot be imported, from a notebook or from
        inside another function, is copied with all that it refers to; fix the copy, then take it
        over. Small plain values are written in the test, others to files in the folder
        ``<name>_inputs`` beside it, as they are now. The test needs pytest and pypedream.

        Parameters
        ----------
        path
            The file: ``"test_growth.py"``. Its folder must exist.
        overwrite
            Whether a test that is there already is replaced, with its whole folder of inputs.

        Returns
        -------
        The path.

        Raises
        ------
        ExportError
            If the function cannot be had in a test, a value cannot be written, or the file exists.
            Then nothing is written. A secret is never written: the test reads it from the
            environment, and is skipped without it.
        """
        from pypedream.engine.pinned_test import write_test

        return write_test(self, path, overwrite=overwrite)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def __str__(self) -> str:
        return self.redactor.text("\n".join(failure_screen(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A stage that gets collected failures may be called in another process. The secrets that
        # the redactor knows do not travel: who calls the stage hides them in what it says.
        from pypedream.executors.mishaps import Mishap

        parts = (self.stage, Mishap.of(self.error), dict(self.inputs), self.function)
        return _travelled, (*parts, self.attempts, self.item)


def _travelled(
    stage: str,
    mishap: Mishap,
    inputs: dict[str, FailedInput],
    function: Callable[..., Any],
    attempts: int,
    item: int | str | None,
) -> Failure:
    """Return a failure as it was in the process that it comes from."""
    error = mishap.error()
    traceback = users_traceback(error.__traceback__)
    return Failure(stage, error, inputs, function, attempts, item, traceback)


def failure_of(
    wired: Wire,
    ended: Ended,
    arguments: Mapping[str, Any],
    parameters: Parameters,
    changed: Container[str] = (),
) -> Failure:
    """Describe a failed call."""
    assert ended.error is not None
    sources = {link.argument: source_of(link, parameters) for link in wired.links}
    inputs = {
        name: FailedInput(value, sources.get(name, "its default"), name in changed)
        for name, value in arguments.items()
    }
    function = wired.stage.function
    return Failure(
        wired.key,
        ended.error,
        inputs,
        function,
        ended.attempts,
        traceback=ended.traceback,
        redactor=Redactor(parameters.secrets()),
    )


def failure_of_item(fan: Fan, failed: FailedItem, parameters: Parameters) -> Failure:
    """Describe the failed call of one item of a mapped stage."""
    ended = Ended("failed", 0, failed.attempts, "", failed.error, failed.traceback)
    arguments, over = fan.arguments_of(failed.values), fan.wired.over
    failure = failure_of(fan.wired, ended, arguments, parameters)
    assert over is not None
    which = "an item" if over.how == CROSS else f"item {failed.key}"
    inputs = {
        name: evolve(one, source=f"{which} of {one.source}") if name in over.names else one
        for name, one in failure.inputs.items()
    }
    return evolve(failure, item=failed.key, inputs=inputs)


def source_of(link: Any, parameters: Parameters) -> str:
    """Say where the value of a link came from, with who set a parameter."""
    if link.kind != "parameter" or link.name not in parameters:
        return str(link)
    return f"{link} ({parameters.source(link.name)})"


def failure_lines(failure: Failure) -> list[str]:
    """Return the text of a failure: the stage, then a line for each of its inputs."""
    times = f" after {failure.attempts} attempts" if failure.attempts > 1 else ""
    lines = [f'stage "{failure.label}" failed{times}']
    return [*lines, *input_lines(failure), *_hints(failure)]


def input_lines(failure: Failure) -> list[str]:
    """Return a line for each input: its name, short value and source."""
    texts = {name: f"{name} = {short(one.value, 60)}" for name, one in failure.inputs.items()}
    wide = max(map(len, texts.values()), default=0)
    return [f"  {text:<{wide}}   <- {failure.inputs[name].source}" for name, text in texts.items()]


def failure_screen(failure: Failure) -> list[str]:
    """Return all that a person needs to see of a failure, in a dozen lines or two.

    What and where with the user's own source line, then the values that went in and where each
    came from. What the error says has its own lines, as a caret may point to a letter.
    """
    error = failure.error
    times = f" after {failure.attempts} attempts" if failure.attempts > 1 else ""
    first, *rest = _said_lines(failure)
    head = [f"{failure.label} failed{times}: {first}", *rest]
    inputs = input_lines(failure)
    if len(inputs) > _MOST_INPUTS:
        inputs = [*inputs[: _MOST_INPUTS - 1], f"  and {len(inputs) - _MOST_INPUTS + 1} more"]
    # of our own errors the text says it all, unless the user's code comes in
    frames = _frame_lines(failure.traceback, only_own=isinstance(error, PypedreamError))
    return [*head, *_note_lines(failure), *frames, *inputs, *_hints(failure)]


def _hints(failure: Failure) -> Iterator[str]:
    from pypedream.engine.collected import hints  # it knows what a Failure is

    return hints(failure)


def _said_lines(failure: Failure) -> list[str]:
    """Return the type of an error and what it says, of a long text the first and the last lines."""
    error = failure.error
    text = failure.redactor.text(said_by(error))  # first: a secret may have several lines
    lines = [line.rstrip() for line in text.expandtabs().splitlines() if line.strip()]
    if len(lines) <= 1:
        return [shown_error(error, _MOST_LETTERS)]
    first, rest = f"{type(error).__name__}: {one_line(lines[0], _MOST_LETTERS)}", lines[1:]
    untold = len(rest) - _MOST_FIRST - _MOST_LAST
    if untold > 1:
        rest[_MOST_FIRST:-_MOST_LAST] = [f"... {untold} more lines, in the text of the error"]
    return [first, *(f"    {_to_the_edge(line)}" for line in rest)]


def _to_the_edge(line: str) -> str:
    return line if len(line) <= _MOST_LETTERS else f"{line[: _MOST_LETTERS - 3]}..."


def _note_lines(failure: Failure) -> list[str]:
    """Return what was added to an error, as with `add_note`; what was added here is told anyway."""
    notes = notes_of(failure.error)
    own = (f'stage "{failure.label}" failed', "Traceback ")
    lines = [line for each in notes if not each.startswith(own) for line in each.splitlines()]
    return [f"  {one_line(line, _MOST_LETTERS)}" for line in lines[:_MOST_NOTES]]


_MOST_INPUTS = 5
_MOST_NOTES = 3
_MOST_LETTERS = 400
_MOST_FIRST, _MOST_LAST = 6, 3


def shown_error(error: BaseException, limit: int = 200) -> str:
    """Return an exception as one line: its type and what it says."""
    return f"{type(error).__name__}: {one_line(said_by(error), limit)}".removesuffix(": ")


def _frame_lines(traceback: TracebackType | None, *, only_own: bool = False) -> list[str]:
    """Show two of the user's frames, with source: the stage's own and the innermost.

    Where a library raises, the line to look at is the user's that called it; frames of libraries
    are shown only if there are no others.
    """
    from linecache import getline

    steps = []
    step = traceback
    while step is not None:
        if not is_ours(step.tb_frame.f_code.co_filename):
            steps.append((step.tb_frame.f_code, step.tb_lineno))
        step = step.tb_next
    own = [step for step in steps if not is_library(step[0].co_filename)]
    steps = own if own or only_own else steps
    shown = steps if len(steps) <= 2 else [steps[0], steps[-1]]  # noqa: PLR2004
    lines = []
    for code, line in shown:
        lines.append(f"  {Place(code.co_filename, line)} in {code.co_name}")
        source = getline(code.co_filename, line).strip()
        if source:
            lines.append(f"    {one_line(source, _WIDTH)}")
    return lines


_WIDTH = 90


def _resume(run: Run) -> str:
    """Return what to type to go on, with the name that the user's cells have for the pipeline."""

    def is_it(value: object) -> bool:
        is_one = type(value).__module__ == "pypedream.pipeline"  # others are not even asked
        return is_one and getattr(value, "last_run", None) is run

    return f"{name_at_prompt(is_it) or 'pipeline'}.resume()"


def raised_by(run: Run) -> BaseException | None:
    """Return what the caller of a run is to see raised; None when the run itself is the answer.

    It is the stage's own exception, without pypedream's frames, and with notes.
    """
    error = run.error
    if run.state == "cancelled":
        said = f'run {run.id} of pipeline "{run.pipeline}" was cancelled'
        cancelled = RunCancelled(f"{said}; to go on: {_resume(run)}")
        _show_in_ipython(cancelled, [f"RunCancelled: {cancelled}"])
        return cancelled
    if error is None:
        return None
    if run.state == "interrupted":
        explain_stop(run, error)
    elif run.failures:
        failure = stopped_by(run)
        if failure is None:
            return None
        hide = Redactor(run.parameters.secrets()).text
        go_on = f"to go on: fix it, then {_resume(run)}"
        add_note(error, hide("\n".join([*failure_lines(failure), go_on])))
        _show_in_ipython(error, [hide(line) for line in (*failure_screen(failure), go_on)])
    return error.with_traceback(users_traceback(error.__traceback__))


def stopped_by(run: Run) -> Failure | None:
    """Return the first failure that is to be raised; None when the run is returned with them all.

    What is no `Exception`, such as SystemExit, is raised whatever ``on_error`` says.
    """
    for failure in run.failures:
        is_error = isinstance(failure.error, Exception)
        if not is_error or run.plan.on_error_of(failure.stage) == "stop":
            return failure
    return None


def explain_stop(run: Run, error: BaseException) -> None:
    """Let the exception that ended *run*, or the wait for it, say so, and how to go on."""
    said = f"run {run.id} was {run.state}; to go on: {_resume(run)}"
    if run.state == "running":
        said = f"run {run.id} goes on; to end it: cancel()"
    add_note(error, said)
    frames = _frame_lines(users_traceback(error.__traceback__), only_own=True)
    _show_in_ipython(error, [type(error).__name__, *frames, said])


@frozen
class _Screen:
    """What IPython shows in place of a traceback; a class of its own so that it can be pickled."""

    lines: list[str]

    def __call__(self) -> list[str]:
        return self.lines


def _show_in_ipython(error: BaseException, lines: list[str]) -> None:
    """Let IPython show *lines* in place of a traceback with the engine's frames.

    IPython asks an exception for ``_render_traceback_``; without IPython nothing is set.
    """
    if is_in_ipython():
        with suppress(AttributeError, TypeError):  # as of a frozen dataclass
            error._render_traceback_ = _Screen(lines)  # type: ignore[attr-defined]
