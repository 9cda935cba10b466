"""Where another interpreter finds a pipeline, and what a fresh one finds there.

A target is "module:name", or "module:name()" for a function that makes the pipeline.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

import pypedream
from pypedream.errors import ExportError
from pypedream.export.fingerprint import fingerprint_of, mismatch
from pypedream.export.hosting import named
from pypedream.store.packages import is_users_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from subprocess import Popen
    from types import ModuleType

    from pypedream.export.freshly import Found, Question
    from pypedream.export.text_modules import TextModule
    from pypedream.pipeline import Pipeline

__all__ = ["fingerprint_of", "fresh", "mismatch", "module_of", "target_of"]

# This very pypedream, and nothing else of the folder that it is in.
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); import pypedream; sys.path.pop(0);"
    " from pypedream.export.freshly import main; main()"
)
_PATIENCE_S: Final = 600
_DAYS: Final = 40


def target_of(
    pipeline: Pipeline, folders: Iterable[str | os.PathLike[str]] = (), *, maker: str = ""
) -> str:
    """Return "module:name" for a pipeline that is loaded.

    Parameters
    ----------
    folders
        Where the other interpreter imports from besides what is installed: the folder of the file
        that is written, the root of the project. A module in one of them is called by its place
        there. Without any, it is called as it was imported.
    maker
        Name of the function that made it, as "build()"; "" for a pipeline that has a name itself.

    Raises
    ------
    ExportError
        If no module has it, or only one that no other interpreter can import; with the way out.
    """
    known, why = [*folders], ""
    for module, names in _homes(pipeline, maker):
        try:
            return f"{_importable(module, known)}:{names[0]}"
        except ExportError as error:
            why = why or f'pipeline "{pipeline.name}" is defined in {error}'
    if why:
        raise ExportError(why)
    raise ExportError(
        f'pipeline "{pipeline.name}" has no name at the top of a module, so nothing can import it:'
        " write flow = Pipeline(...) there, or name the function that makes it: module:function()"
    )


def fresh(
    target: str,
    paths: Iterable[str | os.PathLike[str]] = (),
    texts: Mapping[str, TextModule] | None = None,
) -> Found:
    """Import a target in fresh interpreters, and say what is found there.

    There are three: in the second it is 40 days later, in the third the environment variables that
    the user's code asks for are others, so that what differs is known to be another value each
    time, or on another machine. The current folder and ``PYTHONPATH`` are not imported from.

    Parameters
    ----------
    paths
        Folders to import from, before what is installed.
    texts
        Modules that are only a text yet, by name.

    Raises
    ------
    ExportError
        If this interpreter is such a one, as the module itself asks when it is imported.
    """
    from pypedream.export.freshly import Question, refuse_while_answering

    refuse_while_answering()
    folders = [os.path.abspath(each) for each in paths]
    now = Question("", target, folders, texts=texts or {})
    first, *others = _answers([now, evolve(now, days=_DAYS), evolve(now, is_elsewhere=True)])
    return first if first.error else first.compared(*others)


def module_of(pipeline: Pipeline) -> str:
    """Return the name of the module whose code made a pipeline; ``__main__`` if it is none."""
    definition = pipeline.blueprint.definition
    file = None if definition.place is None else definition.place.file
    own = [str(getattr(each.function, "__module__", "")) for each in definition.stages.values()]
    named = [(name, sys.modules[name]) for name in own if name in sys.modules]
    for name, module in (*named, *sys.modules.copy().items()):
        if file is not None and _file(module) == file:
            return name
    return next((name for name, _ in named if is_users_module(name)), "__main__")


def _answers(questions: list[Question]) -> list[Found]:
    """Ask each question in an interpreter of its own, all at the same time."""
    import subprocess  # what is needed only here, so that each task is spared of it
    from concurrent.futures import ThreadPoolExecutor
    from tempfile import TemporaryDirectory

    root = str(Path(pypedream.__file__).parents[1])
    with TemporaryDirectory() as folder:
        asked = []
        for number, question in enumerate(questions):
            here = Path(folder, f"here_{number}")
            here.mkdir()
            process = subprocess.Popen(  # noqa: S603 - Python itself
                [sys.executable, "-B", "-E", "-P", "-c", _START, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=here,
            )
            asked.append((process, evolve(question, answer=str(Path(folder, str(number))))))
        with ThreadPoolExecutor(len(asked)) as threads:
            return [*threads.map(_answer, asked)]


def _answer(asked: tuple[Popen[bytes], Question]) -> Found:
    """Give an interpreter its question, and wait for the answer."""
    import pickle
    from subprocess import TimeoutExpired

    from pypedream.export.freshly import Found

    process, question = asked
    try:
        _, said = process.communicate(pickle.dumps(question), timeout=_PATIENCE_S)
    except TimeoutExpired:
        process.kill()
        process.communicate()
        return Found(error=f"the import took more than {_PATIENCE_S} s")
    answer = Path(question.answer)
    if answer.exists():
        found: Found = pickle.loads(answer.read_bytes())  # noqa: S301 - ours
        return found
    last = said.decode(errors="replace").strip().splitlines()[-1:]
    return Found(error=": ".join([f"the interpreter ended with code {process.returncode}", *last]))


def _homes(pipeline: Pipeline, maker: str) -> Iterator[tuple[ModuleType, list[str]]]:
    """Give the modules that have a pipeline, the one that made it first, with its names there."""
    made, wanted = module_of(pipeline), named(pipeline)
    if maker:
        yield from ((sys.modules[name], [maker]) for name in (made,) if name in sys.modules)
        return
    for name, module in sorted(sys.modules.items(), key=lambda each: each[0] != made):
        space = getattr(module, "__dict__", None) or {}
        names = [key for key, value in list(space.items()) if value is wanted]
        if names and not name.startswith("pypedream."):
            yield module, sorted(names, key=lambda each: each[0] == "_")


def _importable(module: ModuleType, folders: list[str | os.PathLike[str]]) -> str:
    """Return the name by which another interpreter can import a module."""
    file = _file(module)
    spec = getattr(module, "__spec__", None)
    if file is None:
        raise ExportError(
            "a notebook or at a prompt, which nothing else can import: write it as a module by"
            ' flow.to_module("flow.py"), or mark its cells with #| export and export the notebook'
        )
    within = [each for each in (_dotted(file, folder) for folder in folders) if each]
    if within:
        return min(within, key=len)
    if module.__name__ == "__main__":
        own = getattr(spec, "name", "") or Path(file).stem
        return _identifier(own.removesuffix(".__main__"), file)
    name = getattr(spec, "name", module.__name__)
    if name.startswith("pypedream_file_"):
        name = Path(file).stem
    return _identifier(name, file)


def _identifier(name: str, file: str) -> str:
    if not all(part.isidentifier() for part in name.split(".")):
        better = re.sub(r"\W", "_", Path(file).stem)
        raise ExportError(f"{file}, which cannot be imported by its name: call it {better}.py")
    return name


def _dotted(file: str, folder: str | os.PathLike[str]) -> str:
    """Return the name of a module by its place in a folder; "" if it is not there."""
    base, path = os.path.realpath(folder), os.path.realpath(file)
    if not path.startswith(os.path.join(base, "")):
        return ""
    parts = list(Path(path).relative_to(base).with_suffix("").parts)
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def _file(module: ModuleType) -> str | None:
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None
