"""The words of a command that takes a pipeline and stages: which is which.

A stage may bear any name, so a word is taken for a pipeline only if it looks like one: it ends with
".py", ".ipynb" or "/", or has a ":" in it. Only the first word can be. The command "run", which
takes modules by their bare names, also takes a word for a pipeline that names something which is
there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from os.path import isdir, isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen

from pypedream.cli import suggestions
from pypedream.cli.locate import pipeline_files, target_of
from pypedream.cli.mistakes import Refused
from pypedream.cli.options import debug, together
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

METAVAR = "[FILE.py|module:[name]] [STAGE]..."
RUN_METAVAR = "[FILE.py|module][:name] [STAGE]..."

_FOLDERS = (".", "..")


@frozen
class Words:
    """What was named.

    Attributes
    ----------
    target
        The pipeline; None for the usual one.
    stages
        Names of stages; empty for all.
    """

    target: str | None
    stages: tuple[str, ...]


def words_of(words: Sequence[str]) -> Words:
    """Tell the pipeline from the stages; stages may be a list with commas."""
    return _sorted(words, is_target)


def words_of_run(words: Sequence[str]) -> Words:
    """Tell the pipeline from the stages for "run"; what is neither is an unknown module."""
    found = _sorted(words, _is_place)
    if found.target is None and found.stages:
        try:
            target_of(None)
        except Refused:  # without a pipeline there are no stages
            return _sorted(words, bool)
    return found


def refuse_unknown(words: Words, stages: Collection[str]) -> None:
    """Refuse a first word that could be anything, and is not there.

    Raises
    ------
    Refused
        If it is no stage, either; the nearest one is named.
    """
    if words.target is None and words.stages and not meant_by(words.stages[0], stages):
        word = words.stages[0]
        files = [path.stem for path in pipeline_files(Path())]
        near = did_you_mean(word, [*stages, *files]) or f"; {there_are(stages)}"
        raise Refused(f"no file and no module {word}, and no stage{near}")


def stages_meant(words: Words, stages: Collection[str]) -> tuple[str, ...]:
    """Return the stages of a pipeline that were named; "fit" also means all of "fit@...".

    Raises
    ------
    Refused
        If the pipeline has no such stage, with the nearest name, or all that there are.
    """
    found: dict[str, None] = {}
    for word in words.stages:
        meant = meant_by(word, stages)
        if not meant:
            file = f'; did you mean "{word}.py"?' if isfile(f"{word}.py") else ""
            near = _writer(word, stages) or file or did_you_mean(word, stages)
            raise Refused(f'no stage "{word}"{near or f"; {there_are(stages)}"}')
        found.update(dict.fromkeys(meant))
    return tuple(found)


def _writer(word: str, stages: Collection[str]) -> str:
    """Return the end of a sentence that names the stage which writes a file, if a file is meant."""
    files = stages.items() if isinstance(stages, Mapping) else ()
    writers = (key for key, stage in files if stage.files and word in stage.files.outputs)
    return written_by(next(writers, None))


def written_by(stage: str | None) -> str:
    """Return the end of a sentence about a file in the place of a stage."""
    return "" if stage is None else f'; "{stage}" is the stage that writes it'


def meant_by(word: str, stages: Collection[str]) -> list[str]:
    """Return the stage of that name, or all those that a matrix made under it.

    Examples
    --------
    >>> meant_by("fit", ["load", "fit@ridge", "fit@lasso"])
    ['fit@ridge', 'fit@lasso']
    """
    return [word] if word in stages else [key for key in stages if key.startswith(f"{word}@")]


def is_target(word: str) -> bool:
    """Say whether a word looks like a file, a folder or a module with ":"."""
    return word.endswith((".py", ".ipynb", "/")) or ":" in word or word in _FOLDERS


def _sorted(words: Sequence[str], is_place: Callable[[str], bool]) -> Words:
    if not all(word.strip() for word in words):
        raise Refused('"" is no stage: without any word it would be all of them')
    first, *others = words or ("",)
    target = first if first and is_place(first) else None
    named = others if target else [first, *others]
    parts = (part.strip() for word in named for part in word.split(","))
    return Words(target, tuple(part for part in parts if part))


def _is_place(word: str) -> bool:
    """Say whether a word is a file, folder or module that can be found; nothing is imported."""
    path = Path(word)
    if is_target(word) or isfile(word) or isfile(f"{word}.py"):
        return True
    if isdir(word):
        return bool(pipeline_files(path)) or (path / "__init__.py").is_file()
    first = word.partition(".")[0]
    if not first.isidentifier() or first in sys.stdlib_module_names:
        return False
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(first, [str(Path.cwd()), *sys.path]) is not None


def _argument(metavar: str, sorted_by: Callable[[Sequence[str]], Words]) -> Callable[[F], F]:
    def taken(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Words:
        return sorted_by(given)

    argument = click.argument(
        "words",
        nargs=-1,
        metavar=metavar,
        callback=taken,
        shell_complete=suggestions.targets_and_stages,
    )
    return together(argument, debug)


words = _argument(METAVAR, words_of)
"""A pipeline and stages of it, each of which may be left out."""

run_words = _argument(RUN_METAVAR, words_of_run)
"""The same for "run"."""
