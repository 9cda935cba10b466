"""A failed call as a test: a file that pytest runs, and the values of the call beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import define

from pypedream.engine.literals import Piece
from pypedream.engine.pinned_function import call_of, check_imports
from pypedream.engine.pinned_inputs import Inputs
from pypedream.engine.pinned_module import Module
from pypedream.engine.pinned_source import Source
from pypedream.errors import ExportError, PypedreamError
from pypedream.files.stage_files import present
from pypedream.formats import replacing, replacing_folder
from pypedream.log.ended import said_by
from pypedream.stage import ASYNC_GENERATOR, COROUTINE, GENERATOR, arguments_of, code_flags
from pypedream.values import one_line

if TYPE_CHECKING:
    from pypedream.engine.failure import Failure
    from pypedream.engine.pinned_function import Call

_MOST_LETTERS: Final = 200
_COLLECT: Final = "async def collected(values):\n    return [one async for one in values]"


def write_test(failure: Failure, path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Write the failed call as a test; see `Failure.to_test`."""
    given = Path(path)
    try:
        target = _target(given, overwrite=overwrite)
        test = _Test.of(failure, target)
        test.write()
    except ExportError as error:
        text = f'no test is written for stage "{failure.stage}": {error}'
        raise ExportError(text) from error.__cause__
    return given


def _target(given: Path, *, overwrite: bool) -> Path:
    """Return where the test is to be, if it can be there."""
    target = Path(os.path.realpath(given))
    if target.suffix != ".py":
        raise ExportError(f'{given} is no name for a test: call it "test_<name>.py"')
    if not target.parent.is_dir():
        raise ExportError(f"there is no folder {given.parent}: make it first")
    for each in (target, _folder_of(target)):
        if each.exists() and (not overwrite or each.is_dir() != (each != target)):
            shown = given.with_name(each.name)
            raise ExportError(f"{shown} exists: give another path, or overwrite=True")
    return target


def _folder_of(target: Path) -> Path:
    return target.with_name(f"{target.stem}_inputs")


@define(eq=False)
class _Test:
    """One test while it is put together; nothing is written before all of it is known."""

    failure: Failure
    target: Path
    call: Call
    inputs: Inputs
    source: Source
    module: Module

    @classmethod
    def of(cls, failure: Failure, target: Path) -> _Test:
        """Find out what the test needs."""
        if failure.place is None and isinstance(failure.error, PypedreamError):
            raise ExportError(
                f"{type(failure.error).__name__} was raised by pypedream and not by its function,"
                " so calling that alone would not raise it"
            )
        inputs = Inputs(_folder_of(target).name, failure.redactor)
        return cls(failure, target, call_of(failure.function), inputs, Source(), Module(target))

    def write(self) -> None:
        """Write the file and the folder beside it, both or none."""
        name = self._name_of_function()
        taken = frozenset(self.source.meanings) | {name.partition(".")[0]}
        call = self._called(name, taken)
        constants = self._constants(taken)
        with replacing(self.target) as beside:
            if not self.inputs.files:
                text = self._text(call, constants)
                beside.write_text(text, encoding="utf-8", newline="\n")
                return
            with replacing_folder(_folder_of(self.target)) as folder:
                self.inputs.save(folder)
                text = self._text(call, constants)
                beside.write_text(text, encoding="utf-8", newline="\n")

    def _name_of_function(self) -> str:
        """Return how the test calls the function, which it imports or has as a copy."""
        origin = self.call.origin
        if origin is None:
            name = self.source.hide(self.source.add(self.call.function))
            origins = self.source.origins
        else:
            first, *others = origin.path.split(".")
            local = self.module.free_name(first)
            name, origins = ".".join([local, *others]), {local: origin}
        check_imports(origins.values())
        for origin in origins.values():
            if origin.file is not None and os.path.realpath(origin.file) == str(self.target):
                raise ExportError(f"{origin.file.name} is the file that has the function itself")
        for local, origin in origins.items():
            self.module.add(local, origin)
        self.module.lines.update(self.source.imports.values())
        self.module.own_lines.update(self.source.modules)
        self.module.add_roots(self.source.modules.values())
        return name

    def _called(self, name: str, taken: frozenset[str]) -> Piece:
        """Return the call with its arguments."""
        values = {each: present(one.value) for each, one in self.failure.inputs.items()}
        given = {**self.call.keywords, **values}
        first, rest = arguments_of(self.failure.function).split(given)
        by_position = arguments_of(self.failure.function).positional
        positional = [*self.call.first, *zip(by_position, first, strict=False)]
        members = [("", self._piece(each, value, taken)) for each, value in positional]
        for each, value in rest.items():
            if not each.isidentifier():
                raise ExportError(f'argument "{each}" has a name that cannot be written in a call')
            members.append((f"{each}=", self._piece(each, value, taken)))
        return Piece(f"{name}(", tuple(members), ")")

    def _piece(self, name: str, value: Any, taken: frozenset[str]) -> Piece:
        return self.inputs.piece(f'argument "{name}"', name, value, taken)

    def _constants(self, taken: frozenset[str]) -> list[str]:
        return [
            f"{name} = {piece.laid_out(0, before=len(name) + 3)}"
            for name, value in self.source.constants.items()
            for piece in [self.inputs.piece(f'"{name}", which is used,', name, value, taken)]
        ]

    # The text

    def _text(self, call: Piece, constants: list[str]) -> str:
        module, inputs = self.module, self.inputs
        flags = code_flags(self.failure.function)
        module.lines |= inputs.imports
        module.has_future = self.source.has_future
        if flags & (COROUTINE | ASYNC_GENERATOR):
            module.lines.add("import asyncio")
        module.add_roots(inputs.modules)
        module.check_names(self.source.meanings, self.source.imports)
        values = [f'{name} = os.environ.get("{name}")' for name in inputs.secrets]
        if inputs.files:
            values.insert(0, f'INPUTS = Path(__file__).parent / "{inputs.folder}"')
        collect = [_COLLECT] if flags & ASYNC_GENERATOR else []
        head = [self._docstring(), *module.header(), "\n".join([*values, *constants])]
        blocks = [*self.source.blocks, *collect, "\n".join(self._test(call, flags))]
        text = "\n\n\n".join(["\n\n".join(filter(None, head)), *blocks]) + "\n"
        inputs.check("what it needs", text)
        return text

    def _docstring(self) -> str:
        failure = self.failure
        item = "" if failure.item is None else f"[{failure.item}]"
        said = one_line(self.inputs.redacted(said_by(failure.error)), _MOST_LETTERS)
        what = f"{type(failure.error).__name__}: {said}".removesuffix(": ")
        end = "." if what[-1].isalnum() else ""
        lines = [f'The call of stage "{failure.stage}{item}" that failed with {what}{end}', ""]
        wide = max(map(len, failure.inputs), default=0)
        lines += [f"{each:<{wide}} <- {one.source}" for each, one in failure.inputs.items()]
        text = _safe(self.inputs.redacted("\n".join(lines)).rstrip())
        return f'"""{text}\n"""'

    def _test(self, call: Piece, flags: int) -> list[str]:
        failure = self.failure
        error = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(failure.error).__name__)
        name = re.sub(r"\W+", "_", f"test_{failure.stage}_does_not_raise_{error}").lower()
        variables = list(self.inputs.secrets)
        why = "a secret is not written down"
        skips = [
            f'@pytest.mark.skipif({each} is None, reason="set {each}: {why}")' for each in variables
        ]
        changed = [each for each, one in failure.inputs.items() if one.is_changed]
        notes = [
            f'    # "{each}" was changed in place during the call: this is how it was afterwards'
            for each in changed
        ]
        return [*skips, f"def {name}():", *notes, f"    # {self._hint()}", *_calling(call, flags)]

    def _hint(self) -> str:
        origin = self.call.origin
        if origin is None:
            return "to go on: fix the copy above, then take it over to where it comes from"
        if origin.file is None:
            return f"to go on: give {origin.path} what it can take"
        where = f"{origin.path} in {origin.file.name}"
        return f"to go on: fix {where}, then say here what it is to return"


def _calling(call: Piece, flags: int) -> list[str]:
    """Return the lines that make the call as a run makes it."""
    if not flags & (COROUTINE | ASYNC_GENERATOR | GENERATOR):
        return [f"    {call.laid_out(4, before=4)}"]
    line = f"    call = {call.laid_out(4, before=11)}"
    if flags & COROUTINE:
        return [line, "    asyncio.run(call)"]
    if flags & ASYNC_GENERATOR:
        return [line, "    asyncio.run(collected(call))"]
    return [line, "    list(call)"]


def _safe(text: str) -> str:
    """Return a text that can stand in a docstring."""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )
