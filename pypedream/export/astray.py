"""Why another interpreter does not find the pipeline that is here, or finds another one."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pypedream.engine.problem import Problem
from pypedream.export.fingerprint import imprint_of
from pypedream.places import Place, is_interactive, is_library
from pypedream.store.functions import captured, innermost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pypedream.engine.wiring import Wire
    from pypedream.export.freshly import Found
    from pypedream.export.travel import Circumstances
    from pypedream.pipeline import Pipeline

_PARTS: Final = {"condition of ": "the condition", "files of ": "what is read or written"}
_STAGE: Final = re.compile(r"stage (.+)")
# A list or an object may have been filled since it was made, so only what cannot is compared.
_FIXED: Final = re.compile(r"'|\"|(int|float|complex|bool|NoneType) ")


def astray(
    pipeline: Pipeline, target: str, why: str, found: Found, how: Circumstances
) -> list[Problem]:
    """Return why a fresh interpreter does not have the pipeline that is here.

    Parameters
    ----------
    target
        Where it was looked for; "" if nobody knows where.
    why
        Why nobody knows.
    found
        What a fresh interpreter found there.
    """
    place = pipeline.blueprint.definition.place
    if not target:
        return [Problem(why, place), *_functions(pipeline)]
    hidden = [*_hidden(target, found, how)]
    if found.error:
        return [*hidden, _not_imported(pipeline, target, found, how)]
    return [*hidden, *_others(pipeline, target, found)]


def _functions(pipeline: Pipeline) -> Iterator[Problem]:
    """Give the functions that nothing can import, each with its stage."""
    for key, wired in pipeline.blueprint.wiring.wires.items():
        function = innermost(wired.function)
        name = getattr(function, "__name__", type(function).__name__)
        name = "its function" if name == "<lambda>" else name
        where = Place.of_function(wired.function)
        if is_interactive(where):
            yield Problem(f'stage "{key}": {name} is defined in this session', where)
        elif "<locals>" in getattr(function, "__qualname__", ""):
            outer = function.__qualname__.partition(".<locals>")[0]
            names = ", ".join(name for name, _ in captured(function))
            closes = f" and closes over {names}" if names else ""
            yield Problem(f'stage "{key}": {name} is nested in {outer}{closes}', where)


def _not_imported(pipeline: Pipeline, target: str, found: Found, how: Circumstances) -> Problem:
    module = target.partition(":")[0]
    is_target = found.missing and (
        module == found.missing or module.startswith(f"{found.missing}.")
    )
    place = pipeline.blueprint.definition.place if found.place is None else Place(*found.place)
    where = " nor in ".join(map(_shown, how.paths))
    looked = f"in {where} nor among what is installed" if where else "among what is installed"
    if found.missing:
        folder = _folder_of(found.missing)
        what = f"module {module} is neither {looked}"
        what = what if where else what.replace("neither", "not")
        if not is_target:
            what = f"{target} cannot be imported: module {found.missing} is neither {looked}"
            what = what if where else what.replace("neither", "not")
        hint = f"it is in {_shown(folder)} here: {_ways_to(folder, how)}" if folder else ""
        return Problem(what, place, hint or "install it where the tasks run")
    hint = ""
    if found.error.startswith(("FileNotFoundError", "NotADirectoryError")):
        hint = "there the current folder is another one: find files by Path(__file__).parent"
    return Problem(
        f"{target} cannot be imported in a fresh interpreter: {found.error}", place, hint
    )


def _ways_to(folder: str, how: Circumstances) -> str:
    beside = "write the file to that folder, " if how.file is not None else ""
    return f"{beside}give --project-root {_shown(folder)}, or install it"


def _folder_of(module: str) -> str:
    """Return the folder from which this session can import a module; "" if it cannot."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    try:
        spec = None if isinstance(loaded, str) else find_spec(module)
    except (ImportError, ValueError):
        spec = None
    file = loaded if isinstance(loaded, str) else getattr(spec, "origin", None)
    if not isinstance(file, str) or is_library(file):
        return ""
    levels = module.count(".") + (Path(file).name == "__init__.py")
    above = [*Path(os.path.abspath(file)).parents]
    return str(above[min(levels, len(above) - 1)])


def _hidden(target: str, found: Found, how: Circumstances) -> Iterator[Problem]:
    """Say that the file to be written would stand before a module that is needed."""
    if how.file is None:
        return
    name = how.file.stem
    better = how.file.with_name(f"{name}_dag.py")
    module = target.partition(":")[0]
    loaded = getattr(sys.modules.get(module), "__file__", None) or found.file
    if loaded and os.path.realpath(loaded) == os.path.realpath(how.file):
        yield Problem(
            f"{_shown(str(how.file))} is the module of the pipeline itself",
            None,
            f"write to {_shown(str(better))}",
        )
    elif name == module.partition(".")[0] or name in found.modules:
        yield Problem(
            f"{_shown(str(how.file))} would hide the module {name}, which {target} needs",
            None,
            f"write to {_shown(str(better))}",
        )


def _others(pipeline: Pipeline, target: str, found: Found) -> Iterator[Problem]:
    """Say how the pipeline that a fresh interpreter has is not the one that is here."""
    here = imprint_of(pipeline).without(found.varies)
    there = {
        name: "varies" if name in found.varies else each
        for name, each in {**found.structure}.items()
    }
    told: set[str] = set()
    wires = pipeline.blueprint.wiring.wires
    for name in _different(here.structure, there):
        stage = _STAGE.fullmatch(name)
        if stage is not None and (name not in there or name not in here.structure):
            told.add(stage[1])
            yield _lone_stage(stage[1], target, wires.get(stage[1]), found)
    for name in _different(here.structure, there):
        about = _about(name, pipeline)
        if about is not None and not told & {name, name.partition(".")[0], about[0]}:
            told.add(about[0])
            yield Problem(
                f"{about[1]} is another one in {target} as a fresh interpreter imports it",
                about[2],
                _ANEW,
            )
    yield from _other_code(here.code, found, target, pipeline, told)


_ANEW: Final = "the file was edited since, or this session changed it: import it anew"


def _different(here: dict[str, str], there: dict[str, str]) -> list[str]:
    names = dict.fromkeys([*here, *there])
    return [name for name in names if here.get(name) != there.get(name)]


def _lone_stage(key: str, target: str, wired: Wire | None, found: Found) -> Problem:
    if wired is None:
        return Problem(f'stage "{key}" is in {target} and not here', None, _ANEW)
    where = wired.place
    is_added = is_interactive(where) or (where is not None and where.file != found.file)
    hint = "add it in the module itself" if is_added else _ANEW
    return Problem(f'stage "{key}" is not in {target}', where, hint)


def _about(name: str, pipeline: Pipeline) -> tuple[str, str, Place | None] | None:
    """Return what a part of the structure is of, in words and with its place."""
    wires = pipeline.blueprint.wiring.wires
    own = pipeline.blueprint.definition.place
    for part, words in _PARTS.items():
        key = name.removeprefix(part)
        if key != name:
            return (key, f'{words} of stage "{key}"', wires[key].place) if key in wires else None
    if name == "order":
        return None
    stage = _STAGE.fullmatch(name)
    if stage is not None:
        key = stage[1]
        return key, f'stage "{key}"', wires[key].place if key in wires else own
    for key, wired in wires.items():
        if name.startswith(f"{key}.") and name not in pipeline.parameters.definitions:
            argument = name.removeprefix(f"{key}.")
            return name, f'argument "{argument}" of stage "{key}"', wired.place
    variable = name.removeprefix("variable ")
    is_variable = variable != name
    return name, f'variable "{variable}"' if is_variable else f'parameter "{name}"', own


def _other_code(
    here: dict[str, str], found: Found, target: str, pipeline: Pipeline, told: Iterable[str]
) -> Iterator[Problem]:
    if told:  # what is of other stages has other code, too
        return
    for name, said in here.items():
        there = found.code.get(name)
        is_known = there is not None and name not in found.varies
        is_function = name.startswith(("function ", "class "))
        if is_known and there != said and (is_function or _is_fixed(said, there)):
            place = _place_of(name, pipeline)
            yield Problem(f"{name} is another one in {target} as it is now", place, _ANEW)


def _is_fixed(here: str, there: Any) -> bool:
    return bool(_FIXED.match(here)) and bool(_FIXED.match(str(there)))


def _place_of(name: str, pipeline: Pipeline) -> Place | None:
    for wired in pipeline.blueprint.wiring.wires.values():
        function = innermost(wired.function)
        if name == f"function {getattr(function, '__qualname__', '')}":
            return wired.place
    return pipeline.blueprint.definition.place


def _shown(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith(".") else relative
