"""Values that a test is to have again: written in it if they are small, else in files beside it.

A secret is never written. It is read from the environment when the test runs.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream import formats
from pypedream.engine.literals import Piece, literal
from pypedream.errors import ExportError
from pypedream.log.redaction import Redactor, is_secret_name
from pypedream.parameters.secret import Secret
from pypedream.store.packages import is_users_module

if TYPE_CHECKING:
    from pathlib import Path

_TELLING: Final = (str, bytes, Secret)
_ENDINGS: Final = {"text": "txt", "bytes": "bin", "series": "arrow"}


@define(eq=False)
class Inputs:
    """The values of one test; they are asked for first, and saved when all of them are known.

    Attributes
    ----------
    folder
        Name of the folder beside the test.
    redactor
        Knows the secrets of the run.
    imports
        The import lines that the values need.
    files
        From the name of each file to what the value is called, its serializer and the value.
    secrets
        From each variable of the environment to what it is for.
    hidden
        The values that are read from it.
    modules
        The user's modules that the files refer to; known once they are saved.
    """

    folder: str
    redactor: Redactor
    imports: set[str] = Factory(set)
    files: dict[str, tuple[str, str, Any]] = Factory(dict)
    secrets: dict[str, str] = Factory(dict)
    hidden: list[str] = Factory(list)
    modules: set[str] = Factory(set)

    def piece(self, what: str, name: str, value: Any, taken: frozenset[str] = frozenset()) -> Piece:
        """Return the Python that gives the value again.

        Parameters
        ----------
        what
            What the value is called in a message: ``argument "load"``.
        name
            What its file or variable is called.
        taken
            Names that mean something else in the test.

        Raises
        ------
        ExportError
            If it is a secret that is not text, or holds one.
        """
        if isinstance(value, Secret) or (is_secret_name(name) and _could_tell(value)):
            return self._secret(what, name, value, taken)
        hidden = _secret_key(value)
        if hidden is not None:
            raise ExportError(
                f'{what} holds "{hidden}", which sounds like a secret, and a test would show it:'
                " make it a Secret parameter of its own"
            )
        piece = literal(value)
        if piece is None or any(line.split()[-1] in taken for line in piece.needs()):
            return self._file(what, name, value)
        self.check(what, piece.on_one_line())
        self.imports |= piece.needs()
        return piece

    def save(self, folder: Path) -> None:
        """Write the files into a folder that does not exist yet.

        Raises
        ------
        ExportError
            If a value cannot be written, or not be read in another process; it names its type.
        """
        folder.mkdir()
        for file, (what, serializer, value) in self.files.items():
            path = folder / file
            try:
                formats.get(serializer).dump(value, path)
                if serializer == "pickle":
                    self._read(what, path)
            except ExportError:
                raise
            except Exception as error:
                text = " ".join(str(error).split())
                raise ExportError(
                    f"{what} is of type {_kind(value)}, which cannot be written:"
                    f" {type(error).__name__}: {text}"
                ) from error
            for each in [path] if path.is_file() else path.rglob("*"):
                if each.is_file() and (self.redactor or self.hidden):
                    self.check(what, each.read_bytes().decode(errors="replace"))

    def _secret(self, what: str, name: str, value: Any, taken: frozenset[str]) -> Piece:
        is_hidden = isinstance(value, Secret)
        held = value.reveal() if is_hidden else value
        if type(held) is not str:
            raise ExportError(
                f"{what} is a secret of type {_kind(held)}: a test reads secrets from the"
                " environment, and can do so only for text"
            )
        variable = name.upper()
        while variable in taken or variable in self.secrets or variable == "INPUTS":
            variable = f"SECRET_{variable}"
        self.secrets[variable] = what
        self.hidden.append(held)
        self.imports |= {"import os", "import pytest"}
        if not is_hidden:
            return Piece(variable)
        self.imports.add("from pypedream import Secret")
        return Piece(f"Secret({variable})")

    def _file(self, what: str, name: str, value: Any) -> Piece:
        serializer = formats.pick_serializer(value)
        ending = serializer.rpartition(".")[2]
        file = f"{name}.{_ENDINGS.get(ending, ending)}"
        number = 2
        while file.lower() in {each.lower() for each in self.files}:  # names may differ by case
            file = f"{name}_{number}.{_ENDINGS.get(ending, ending)}"
            number += 1
        self.files[file] = (what, serializer, value)
        self.imports |= {"from pathlib import Path", "from pypedream import formats"}
        return Piece(f'formats.get("{serializer}").load(INPUTS / "{file}")')

    def _read(self, what: str, path: Path) -> None:
        """See that a pickle can be read again, and by a process that has no such main module."""
        with path.open("rb") as file:
            classes = _Classes(file)
            classes.load()
        for module, name in classes.found:
            if module == "__main__":
                raise ExportError(
                    f'{what} is made with "{name}", which is defined in a notebook or script where'
                    " a test cannot import it from: move it to a module"
                )
            if name == Secret.__name__ and module == Secret.__module__:
                raise ExportError(f"{what} holds a secret, and a file would show it")
            if is_users_module(module):
                self.modules.add(module)

    def redacted(self, text: str) -> str:
        """Return *text* without the secrets of the run, and those that the test reads."""
        return Redactor(self.hidden).text(self.redactor.text(text))

    def check(self, what: str, text: str) -> None:
        """Raise if *text* has a secret in it."""
        if self.redacted(text) != text:
            raise ExportError(f"{what} holds the value of a secret, and a test would show it")


class _Classes(pickle.Unpickler):
    """Reads a pickle and keeps the modules and names that it refers to."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.found: list[tuple[str, str]] = []

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Find a class as always, and keep its name."""
        self.found.append((module_name, global_name))
        return super().find_class(module_name, global_name)


def _could_tell(value: Any) -> bool:
    return value is not None and type(value) not in (bool, int, float)


def _secret_key(value: Any) -> str | None:
    """Return the first key in plain containers that names a secret which is given."""
    seen: set[int] = set()
    waiting: list[Any] = [value] if isinstance(value, (dict, list, tuple)) else []
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        for key, content in each.items() if isinstance(each, dict) else ():
            if type(key) is str and type(content) in _TELLING and is_secret_name(key):
                return key
        members = each.values() if isinstance(each, dict) else each
        waiting.extend(one for one in members if isinstance(one, (dict, list, tuple)))
    return None


def _kind(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
