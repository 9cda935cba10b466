"""The head of a test file: its imports, in the order in which formatters want them."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.engine.literals import Piece
from pypedream.errors import ExportError
from pypedream.places import is_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pypedream.engine.pinned_function import Origin

_FOLDERS_UP: Final = 4
_OWN: Final = frozenset(
    (
        *("INPUTS", "Decimal", "Path", "Secret", "asyncio", "collected", "datetime", "formats"),
        *(
            "file",
            "module",
            "module_from_spec",
            "os",
            "pytest",
            "spec",
            "spec_from_file_location",
            "sys",
        ),
    )
)


@define(eq=False)
class Module:
    """What a test file begins with.

    Attributes
    ----------
    target
        Where the file is to be.
    lines
        Import lines for what is installed.
    own
        From each name to where the user's own function or class is imported from.
    own_lines
        Import lines for modules of the user.
    roots
        Folders from which the user's own modules are imported.
    """

    target: Path
    lines: set[str] = Factory(set)
    own: dict[str, Origin] = Factory(dict)
    own_lines: set[str] = Factory(set)
    roots: set[Path] = Factory(set)
    has_future: bool = field(default=False)

    def free_name(self, name: str) -> str:
        """Return a name for a function that means nothing else here and is no test itself."""
        is_free = name not in _OWN and not name.lower().startswith("test")
        return name if is_free else f"stage_{name}"

    def add(self, local: str, origin: Origin) -> None:
        """Import something under a local name."""
        first = origin.path.partition(".")[0]
        if origin.file is None and origin.module == "builtins":
            return
        if origin.file is None:
            self.lines.add(_from(origin.module, first, local))
            return
        self.own[local] = origin
        if origin.root is not None:
            self.roots.add(origin.root)

    def add_roots(self, modules: Iterable[str]) -> None:
        """See that modules of the user can be imported."""
        for name in modules:
            file = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(file, str) and not is_library(file):
                parts = len(name.split(".")) - (Path(file).name != "__init__.py")
                self.roots.add(Path(file).absolute().parents[parts])

    def check_names(self, meanings: Mapping[str, Any], imports: Mapping[str, str]) -> None:
        """See that no name of the copied source means something else in the test.

        Raises
        ------
        ExportError
            If one does.
        """
        for name in meanings:
            is_used = name in {line.split()[-1] for line in self.header_lines()} | {"INPUTS"}
            if name in _OWN and is_used and imports.get(name) not in self.header_lines():
                raise ExportError(f'"{name}" means something else in a test: rename it')

    def header_lines(self) -> set[str]:
        """Return all import lines of what is installed."""
        lines = set(self.lines)
        if self.roots:
            lines.add("import sys")
        if self.roots or self._by_path():
            lines.add("from pathlib import Path")
        if self._by_path():
            lines.add("import sys")
            lines.add("from importlib.util import module_from_spec, spec_from_file_location")
        return lines

    def header(self) -> list[str]:
        """Return the blocks of the head, in order."""
        future = ["from __future__ import annotations"] if self.has_future else []
        paths = [self._on_path(each) for each in sorted(self.roots)]
        own = [
            _from(each.module, each.path.partition(".")[0], local)
            for local, each in self.own.items()
            if each.root is not None
        ]
        return [
            *future,
            *sections(self.header_lines()),
            "\n".join(paths),
            *sections({*own, *self.own_lines}),
            *(self._loaded(file, names) for file, names in self._by_path().items()),
        ]

    def _by_path(self) -> dict[Path, dict[str, str]]:
        files: dict[Path, dict[str, str]] = defaultdict(dict)
        for local, each in self.own.items():
            if each.root is None and each.file is not None:
                files[each.file][local] = each.path.partition(".")[0]
        return files

    def _loaded(self, file: Path, names: Mapping[str, str]) -> str:
        name = "".join(letter if letter.isalnum() else "_" for letter in file.stem)
        return "\n".join(
            [
                f"file = {self._folder(file)}",
                f'spec = spec_from_file_location("loaded_{name}", file)',
                "module = module_from_spec(spec)",
                "sys.modules[spec.name] = module",
                "spec.loader.exec_module(module)",
                *(f"{local} = module.{first}" for local, first in names.items()),
            ]
        )

    def _on_path(self, root: Path) -> str:
        folder = Piece(f"str({self._folder(root)})")
        line = Piece("sys.path.insert(", (("", Piece("0")), ("", folder)), ")")
        return line.laid_out(0, before=0)

    def _folder(self, folder: Path) -> str:
        """Return a folder or file as seen from the test, so that both can move together."""
        here = self.target.parent
        try:
            parts = Path(os.path.relpath(os.path.realpath(folder), here)).parts
        except ValueError:  # on another drive
            parts = (os.pardir,) * (_FOLDERS_UP + 1)
        ups = parts.count(os.pardir)
        if ups > _FOLDERS_UP or ups >= len(here.parts) - 1:
            return f'Path("{folder.as_posix()}")'
        start = f"Path(__file__).parents[{ups}]" if ups else "Path(__file__).parent"
        below = "/".join(parts[ups:])
        return f'{start} / "{below}"' if below else start


def _from(module: str, name: str, local: str) -> str:
    return f"from {module} import {name}" + (f" as {local}" if local != name else "")


def sections(lines: Iterable[str]) -> list[str]:
    """Return imports of Python itself and of others, each sorted."""
    parts: dict[bool, list[str]] = {True: [], False: []}
    merged = _merged(lines)
    for line in merged:
        if any(other.startswith(f"{line}.") for other in merged):
            continue  # to import xml.etree is to import xml
        top = line.split()[1].partition(".")[0]
        parts[top in sys.stdlib_module_names].append(line)
    return ["\n".join(parts[True]), "\n".join(parts[False])]


def _merged(lines: Iterable[str]) -> list[str]:
    """Sort imports, with all that comes from one module on one line."""
    plain, members = set(), defaultdict(set)
    for line in lines:
        words = line.split(" import ")
        if line.startswith("import ") or " as " in line:
            plain.add(line)
        else:
            members[words[0]].update(words[1].split(", "))
    froms = {
        f"{start} import {', '.join(sorted(each, key=_rank))}" for start, each in members.items()
    }
    return sorted(
        plain | froms, key=lambda line: (line.startswith("from"), line.split()[1].lower(), line)
    )


def _rank(name: str) -> tuple[int, str]:
    """Order constants before classes and these before functions."""
    is_constant = name.isupper() and len(name) > 1
    return (0 if is_constant else 1 if name[:1].isupper() else 2, name)
