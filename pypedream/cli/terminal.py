"""What a command writes: safe for every terminal, pipe and encoding, as what runs write is."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, redirect_stdout
from math import isfinite
from typing import TYPE_CHECKING, Any, TextIO

from pypedream.errors import PypedreamError
from pypedream.log.terminal import Screen, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

GREEN, RED = "32", "31"
_PROGRAM = ("python", "-m", "pypedream")


class OutputError(PypedreamError):
    """The output cannot be written, as on a full disk."""


def say(*lines: str, err: bool = False) -> None:
    """Write lines; what could do anything to a terminal is escaped, and what it cannot show."""
    if lines:
        with _written(is_output=not err):
            screen = Screen(sys.stderr if err else sys.stdout)
            screen.write("".join(f"{visible(line)}\n" for line in lines))


def say_state(state: str, rest: str, *, err: bool = False) -> None:
    """Write a line that begins with how something went, in colour if there are colours."""
    screen = Screen(sys.stderr if err else sys.stdout)
    word = screen.paint(visible(state), GREEN if state == "ok" else RED)
    with _written(is_output=not err):
        screen.write(f"{word} {visible(rest)}\n")


def say_json(document: Any) -> None:
    """Write one JSON document to stdout, in ASCII so that it fits any encoding."""
    from json import dumps

    text = dumps(_strict(document), indent=2, allow_nan=False) + "\n"
    with _written(is_output=True):
        sys.stdout.write(text)
        sys.stdout.flush()


def let_go_of_stdout() -> None:
    """Let what is left in the buffer go nowhere, or the interpreter complains as it ends."""
    _let_go(sys.stdout)


def _let_go(stream: TextIO) -> None:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def _written(*, is_output: bool) -> Iterator[None]:
    """Turn a failure to write to stdout into one line on stderr.

    Raises
    ------
    OutputError
        If it cannot be written. That nobody reads on, BrokenPipeError, is no such failure, and of
        no account on stderr.
    """
    try:
        yield
    except BrokenPipeError:
        if is_output:
            raise
        _let_go(sys.stderr)
    except OSError as error:
        if not is_output:
            raise
        let_go_of_stdout()
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot write the output: {reason}") from None


def _strict(value: Any) -> Any:
    """Return *value* with text for the numbers that JSON does not have."""
    if isinstance(value, dict):
        return {name: _strict(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(member) for member in value]
    return repr(value) if isinstance(value, float) and not isfinite(value) else value


def ask(question: str, *, is_secret: bool = False) -> str:
    """Ask on stderr, as stdout may go elsewhere, and return what is typed; "" for nothing.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C and Ctrl-D.
    """
    import click

    encoding = getattr(sys.stderr, "encoding", None) or "ascii"
    fitting = visible(question).encode(encoding, "backslashreplace").decode(encoding)
    try:
        answer: str = click.prompt(
            fitting, default="", show_default=False, hide_input=is_secret, err=True
        )
    except click.Abort:
        raise KeyboardInterrupt from None
    return answer


def is_person_there() -> bool:
    """Say whether somebody looks at this: a terminal, and not that of an automaton."""
    is_automaton = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return not is_automaton and sys.stdin is not None and sys.stdin.isatty()


def can_ask() -> bool:
    """Say whether somebody can answer: a kernel gives `!` a terminal, but no keys to it."""
    return "JPY_PARENT_PID" not in os.environ and is_person_there()


def command_line(*words: str, program: tuple[str, ...] = _PROGRAM) -> str:
    """Return a command as it is typed into the shell of this system."""
    if os.name == "nt":
        from subprocess import list2cmdline

        return list2cmdline([*program, *words])
    from shlex import join

    return join([*program, *words])


@contextmanager
def stdout_kept_free(*, is_wanted: bool = True) -> Iterator[None]:
    """Send to stderr what user code prints meanwhile, and what processes write that it starts."""
    if not is_wanted:
        yield
        return
    with redirect_stdout(sys.stderr), _descriptor_redirected(sys.__stdout__):
        yield


@contextmanager
def _descriptor_redirected(stdout: Any) -> Iterator[None]:
    try:
        number, target = stdout.fileno(), sys.stderr.fileno()
        stdout.flush()
        saved = os.dup(number)
    except (AttributeError, OSError, ValueError):  # no files of the system
        yield
        return
    os.dup2(target, number)
    try:
        yield
    finally:
        os.dup2(saved, number)
        os.close(saved)
