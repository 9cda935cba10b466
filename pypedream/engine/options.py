"""Options: how a run is carried out, as opposed to what it computes.

Each may be given to the run, to the pipeline or as an environment variable, in this order of
precedence: ``run(workers=4)``, ``Pipeline(workers=4)``, ``PYPEDREAM_WORKERS=4``, the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import fields_dict, frozen

from pypedream.errors import DefinitionError
from pypedream.executors.recognition import REMOTE_NAMES
from pypedream.names import did_you_mean, there_are
from pypedream.places import calling_place
from pypedream.values import with_what_is_set, written

if TYPE_CHECKING:
    from collections.abc import Callable


@frozen(repr=False)
class Options:
    """How a run is carried out.

    Attributes
    ----------
    executor
        "serial" calls one stage after the other in the thread that called ``run``; "threads"
        calls independent stages side by side, "processes" does so in processes of their own.
        "dask", "ray" and "slurm" use what these offer. Or an object with ``submit(call)`` that
        returns a future.
    workers
        How many threads or processes; None means one for each processor. Of async stages, how many
        are awaited at the same time; None sets no limit, but 64 items of a mapped one.
    on_error
        "stop": after a failure no new stage starts, and the stage's own exception is raised.
        "continue": stages that do not depend on a failed one go on, and so do the other items of
        a mapped one; the run is returned. "collect": so, and an item that failed is no failure of
        its stage: what stands for it among the results is the `Failure`.
    mutation
        What to do when a stage changes an input in place that another stage also reads:
        "warn", "error" (the stage fails), "copy" (each reader gets a copy), "off".
    capture
        True: what stages print and log becomes events, also from threads that they start.
        "stage": only from the stage's own thread and tasks. False: nothing is captured.
    sinks
        Where events go besides memory and console: objects with ``emit(event)``, or functions.
    keep
        Which results the run holds: "all", "ends" (stages that no other reads), or names.
        Others are released as soon as their last reader has run.
    workspace
        Folder for the record of the run; None writes nothing. A relative one is below the folder
        that is the current one when it is given, and stays there.
    cache
        Whether results that are kept in the workspace are taken over. "off": every stage is
        called. "cached": only stages whose code or inputs are not those of a kept result.
        "force": every stage is called, and what it gives replaces what is kept. "read-only":
        nothing is called that has no kept result, and nothing is kept. "retry": as "cached", and
        errors that are kept are tried again.
    checkpoint
        Whether results are kept in the workspace as they come, so that a run can be resumed after
        its process is gone.
    limits
        Of resources that stages use, how many there are: ``{"db": 4}``; of others there is one.
        As text "db=4,gpu=2". Each limit has a precedence of its own.
    allow_missing
        Whether a file that is not there counts as what the lock of a stage says that it was, as
        in a clone without its data: it is no reason to call a stage then.
    progress
        What the console shows. None: what stages print and log. True: also a line for each
        stage, and for each of the first five of its items that failed. False: nothing. In a
        notebook the run has a view under its cell instead, unless it is False.
    """

    executor: Any = "serial"
    workers: int | None = None
    on_error: str = "stop"
    mutation: str = "warn"
    capture: bool | str = True
    sinks: tuple[Any, ...] = ()
    keep: str | tuple[str, ...] = "all"
    workspace: Any = None
    cache: str = "off"
    checkpoint: bool = True
    limits: Mapping[str, int] | None = None
    allow_missing: bool = False
    progress: bool | None = None

    __repr__ = with_what_is_set


NAMES = tuple(fields_dict(Options))
ENVIRONMENT = "PYPEDREAM_"
_USUAL = Options()


def options_of(*layers: Mapping[str, Any]) -> Options:
    """Return the options that *layers* of accepted ones give; the first has precedence.

    Of limits each has: who says how many there are of one resource says nothing of the others.
    """
    chosen: dict[str, Any] = {}
    for layer in reversed(layers):
        limits = {**(chosen.get("limits") or {}), **(layer.get("limits") or {})}
        chosen.update(layer)
        if limits:
            chosen["limits"] = limits
    return Options(**chosen) if chosen else _USUAL


def accepted(given: Mapping[str, Any], mistakes: list[str], *, source: str = "") -> dict[str, Any]:
    """Return those of the given options that have a value which they accept, as they keep it.

    Parameters
    ----------
    mistakes
        Gets a line for each of the others.
    source
        Where the values come from; each line begins with it.
    """
    taken = {}
    for name, value in given.items():
        fits, rule, words = _RULES[name]
        if fits(value):
            taken[name] = _settled(name, value)
        else:
            near = did_you_mean(value, words) if isinstance(value, str) else ""
            mistakes.append(f"{source}{name}={written(value)} is not {rule}{near}")
    return taken


def own_options(given: Mapping[str, Any], pipeline: str) -> dict[str, Any]:
    """Return the options of a pipeline, as it keeps them.

    Raises
    ------
    DefinitionError
        If a name is no option, or a value is not one that the option accepts.
    """
    for name in given:
        if name not in NAMES:
            hint = did_you_mean(name, NAMES) or f": {there_are(NAMES)}"
            what = f'pipeline "{pipeline}": no option "{name}"{hint}'
            raise DefinitionError(f"{what} ({calling_place()})")
    mistakes: list[str] = []
    taken = accepted(given, mistakes, source=f'pipeline "{pipeline}": ')
    if mistakes:
        raise DefinitionError("\n".join(f"{one} ({calling_place()})" for one in mistakes))
    return taken


def options_from_environment(environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Any]:
    """Return the options that environment variables give, as values.

    A variable whose text its option does not accept is a line in *mistakes*.
    """
    found: dict[str, Any] = {}
    for name in NAMES:
        variable = ENVIRONMENT + name.upper()
        text = environ.get(variable)
        if text and name == "sinks":
            mistakes.append(f"environment {variable}: sinks are objects, and text names none")
        elif text:
            source = f"environment {variable}: "
            found.update(accepted({name: _read(name, text)}, mistakes, source=source))
    return found


def _read(name: str, text: str) -> Any:
    if name == "workers":
        return int(text) if text.isdecimal() else text
    if name == "keep" and text not in ("all", "ends"):
        return tuple(part.strip() for part in text.split(","))
    if name == "limits":
        return limits_in(text) or text
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if name in ("capture", "checkpoint", "allow_missing", "progress"):
        return words.get(text.lower(), text)
    return text


def limits_in(text: str) -> dict[str, int] | None:
    """Return the limits that a text such as "db=4,gpu=2" gives; None if it is not of that form."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, count = (one.strip() for one in part.rpartition("="))
        if not (name and count.isdecimal() and is_count(int(count))):
            return None
        found[name] = int(count)
    return found


def _settled(name: str, value: Any) -> Any:
    if name == "sinks":
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if name == "keep" and not isinstance(value, str):
        return tuple(value)
    if name == "limits" and value is not None:
        return dict(value)
    if name == "workspace" and value is not None:
        return _seen_from_anywhere(value)
    return value


def _seen_from_anywhere(folder: str | os.PathLike[str]) -> str:
    """Return the folder that is meant now, as a cell may change to another one before a run."""
    path = os.path.expanduser(os.fspath(folder))
    return path if os.path.isabs(path) or "://" in path else os.path.join(os.getcwd(), path)


def is_executor(value: Any) -> bool:
    """Say whether *value* names an executor or is one."""
    if isinstance(value, str):
        return value in _EXECUTORS
    return callable(getattr(value, "submit", None))


def is_count(value: Any) -> bool:
    """Say whether *value* is a whole number from 1 up, or None."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value is None or (is_whole and value > 0)


def _are_sinks(value: Any) -> bool:
    sinks = value if isinstance(value, (list, tuple)) else (value,)
    return all(
        (callable(sink) or hasattr(sink, "emit")) and not isinstance(sink, type) for sink in sinks
    )


def _is_keep(value: Any) -> bool:
    if isinstance(value, str):
        return value in _KEEP
    is_list = isinstance(value, (list, tuple, set, frozenset))
    return is_list and all(isinstance(one, str) for one in value)


def _are_limits(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, Mapping):
        return False
    counts = value.values()
    return all(isinstance(name, str) for name in value) and all(
        count is not None and is_count(count) for count in counts
    )


def _is_path(value: Any) -> bool:
    return value is None or isinstance(value, (str, os.PathLike))


def _is_word(words: tuple[str, ...], *others: bool | None) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if isinstance(value, str):
            return value in words
        return any(value is other for other in others)

    return fits


SERIAL, THREADS = "serial", "threads"
HERE = (SERIAL, THREADS)
"""The executors that call stages in this process."""
_EXECUTORS = (*HERE, *REMOTE_NAMES)
_NAMED = ", ".join(f'"{name}"' for name in _EXECUTORS)
EXECUTOR_RULE = f"{_NAMED} or an object with submit(call)"
_KEEP = ("all", "ends")
ON_ERROR = ("stop", "continue", "collect")
_MUTATION = ("warn", "error", "copy", "off")
_CAPTURE = ("stage",)
CACHE = ("off", "cached", "force", "read-only", "retry")

_RULES: dict[str, tuple[Callable[[Any], bool], str, tuple[str, ...]]] = {
    "executor": (
        is_executor,
        EXECUTOR_RULE,
        _EXECUTORS,
    ),
    "workers": (is_count, "a whole number from 1 up", ()),
    "on_error": (_is_word(ON_ERROR), '"stop", "continue" or "collect"', ON_ERROR),
    "mutation": (_is_word(_MUTATION), '"warn", "error", "copy" or "off"', _MUTATION),
    "capture": (_is_word(_CAPTURE, True, False), 'True, "stage" or False', _CAPTURE),
    "sinks": (_are_sinks, "an object with emit(event), a function or a list of these", ()),
    "keep": (_is_keep, '"all", "ends" or a list of stages', _KEEP),
    "workspace": (_is_path, "a folder or None", ()),
    "cache": (_is_word(CACHE), " or ".join(f'"{word}"' for word in CACHE), CACHE),
    "checkpoint": (_is_word((), True, False), "True or False", ()),
    "limits": (
        _are_limits,
        'a mapping from resources to how many there are, from 1 up: {"db": 4}',
        (),
    ),
    "allow_missing": (_is_word((), True, False), "True or False", ()),
    "progress": (_is_word((), True, False, None), "True, False or None", ()),
}
