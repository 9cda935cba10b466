"""What the names of a notebook stand for, and how a module gives them the same meaning.

A name is imported, or defined by the statement that did so last, or set to its value.
"""

from __future__ import annotations

import ast
import builtins
import sys
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.engine.literals import literal
from pypedream.engine.pinned_function import origin_of
from pypedream.engine.pinned_source import import_line, is_builtin
from pypedream.export import constants
from pypedream.export.cells import bound_by
from pypedream.export.imports import IMPORTS
from pypedream.export.needs import compiled
from pypedream.export.parts import Part, Rank
from pypedream.parameters import Parameters, Variables
from pypedream.pipeline import Pipeline
from pypedream.places import Place
from pypedream.store.functions import CALLABLES, innermost
from pypedream.store.lookups import MISSING
from pypedream.store.readings import is_of_ipython
from pypedream.store.references import about
from pypedream.store.scan import ASSIGNED, Reference
from pypedream.store.state import is_only_filled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.engine.pinned_function import Origin
    from pypedream.export.cells import Statement
    from pypedream.export.gathering import Gathering

SETTING: Final = (ast.Assign, ast.AnnAssign)
_DEFINED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DISPLAY: Final = "from IPython.display import display"


@define(eq=False)
class Meanings:
    """What names stand for in one module.

    Attributes
    ----------
    gathering
        Gets the parts.
    found
        From each name to the part that gives it its value; None for what is imported.
    uses
        How each name is used.
    open
        Names that are being looked up, with the lists that wait for their parts.
    held
        What names mean that mean something else by now.
    holders
        The statements that use such a name, by their ids.
    kept
        Values that are written as they were made, because code only fills them.
    """

    gathering: Gathering
    found: dict[str, Part | None] = Factory(dict)
    uses: dict[str, list[Reference]] = Factory(dict)
    open: dict[str, list[list[Part]]] = Factory(dict)
    held: dict[str, Any] = Factory(dict)
    holders: set[tuple[int, str]] = Factory(set)
    kept: dict[str, tuple[Any, Part]] = Factory(dict)

    def need(self, name: str, references: list[Reference], user: Part, needed: list[Part]) -> None:
        """Find the part that gives a name its value, and add it to those that are *needed*."""
        self.uses.setdefault(name, []).extend(references)
        part = self._part(name, references, user)
        if name in self.open:
            self.open[name].append(needed)
        elif part is not None and part is not user:
            needed.append(part)

    def settle(self, name: str, part: Part | None) -> None:
        """Say what a name means, also to those who wait for it."""
        self.found[name] = part
        for needed in self.open.pop(name, []):
            if part is not None:
                needed.append(part)

    def _part(self, name: str, references: list[Reference], user: Part) -> Part | None:
        value = self.gathering.home.namespace.get(name, MISSING)
        if name in self.open:
            return None
        if name in self.found:
            self._check_held(name, value, user)
            return self.found[name]
        is_stand_in = hasattr(builtins, name) and is_of_ipython(value)
        if value is MISSING or is_builtin(name, value) or is_stand_in:
            self._of_nobody(name, user)
            return None
        self.open[name] = []
        self.settle(name, self._meaning(name, value, references, user))
        return self.found[name]

    def _of_nobody(self, name: str, user: Part) -> None:
        """Say what becomes of a name that is not the user's: a builtin, of Python or of IPython."""
        value = getattr(builtins, name, MISSING)
        if name == "display" and value is not MISSING:
            self.gathering.imports.add(_DISPLAY)
        elif value is MISSING:
            magic = self.gathering.home.cells.under_magic(name)
            if magic is not None:
                self._refuse_magic(name, *magic)
            else:
                where = None if user.statement is None else user.statement.place
                self.gathering.refuse(
                    f'"{name}" has no value', where, "run the cell that gives it one"
                )

    def _meaning(
        self, name: str, value: Any, references: list[Reference], user: Part
    ) -> Part | None:
        statement = self.gathering.home.cells.binders.get(name)
        if isinstance(value, Pipeline):
            return self.gathering.add_pipeline(value, name)
        if self._is_imported(name, value, statement, references):
            return None
        if isinstance(value, ModuleType) and statement is not None:
            return self.gathering.part(Rank.CONSTANT, statement)  # a try that imports
        if isinstance(value, CALLABLES):
            return self._callable(name, value, statement, user)
        return self._value(name, value, statement, references)

    def _is_imported(
        self, name: str, value: Any, statement: Statement | None, references: list[Reference]
    ) -> bool:
        """Take in the import of a name, if it is one."""
        if statement is not None and isinstance(statement.node, ast.ImportFrom):
            self.gathering.imports.add_as_written(statement, name, self.gathering.home.namespace)
            return True
        is_written = statement is not None and not isinstance(statement.node, ast.Import)
        if isinstance(value, ModuleType) and not is_written:
            self.gathering.imports.add_module(name, value, references, self.gathering.home.cells)
            return True
        return self._is_from_star(name, value)

    def _is_from_star(self, name: str, value: Any) -> bool:
        """Write the import of one name in place of one of all names."""
        for module in self.gathering.home.cells.stars:
            if getattr(sys.modules.get(module), name, MISSING) is value:
                self.gathering.imports.add(f"from {module} import {name}")
                return True
        return False

    def _callable(
        self, name: str, value: Any, statement: Statement | None, user: Part
    ) -> Part | None:
        written = self.gathering.home.cells.at(Place.of_function(innermost(value)))
        if written is not None and name in written.binds:
            statement = written
        if statement is None:
            self._from_elsewhere(name, value, user)
            return None
        if isinstance(statement.node, (*_DEFINED, *SETTING)):
            self.check_source(value, statement)
        return self.gathering.part(Rank.HELPER, statement)

    def _from_elsewhere(self, name: str, value: Any, user: Part) -> None:
        """Import what no cell makes, if it can be."""
        magic = self.gathering.home.cells.under_magic(name)
        if magic is not None:
            self._refuse_magic(name, *magic)
            return
        origin = origin_of(value)
        if origin is not None and _is_importable(origin):
            self.gathering.imports.add(import_line(origin, name))
            return
        place = Place.of_function(value) or (user.statement.place if user.statement else None)
        self.gathering.refuse(
            f'the source of "{name}" is not known', place, "write it in a cell or in a module"
        )

    def _refuse_magic(self, name: str, magic: str, place: Place) -> None:
        self.gathering.refuse(
            f'"{name}" is defined under {magic}, which hides its source',
            place,
            "take the magic off and run the cell again",
        )

    def check_source(self, function: Any, statement: Statement) -> None:
        """See that the text of a function is what the function does."""
        inner = innermost(function)
        if not isinstance(inner, FunctionType) or inner.__code__.co_filename != statement.file:
            return
        code = inner.__code__
        if not statement.first <= code.co_firstlineno <= statement.last:
            return
        try:
            found = list(_codes(compiled(statement, has_future=self.gathering.has_future)))
        except SyntaxError:
            return  # which is told when the statement is followed
        same = about(code).digest
        if not any(each.co_name == code.co_name and about(each).digest == same for each in found):
            self.gathering.refuse(
                f'the text of "{code.co_name}" was changed after it was loaded',
                statement.place,
                "load it again",
            )

    # Values

    def _value(
        self, name: str, value: Any, statement: Statement | None, references: list[Reference]
    ) -> Part | None:
        if constants.sounds_secret(name, value):
            self.gathering.refuse(
                f'"{name}" sounds like a secret, and a module would show it',
                None if statement is None else statement.place,
                "make it a Secret parameter",
            )
            return None
        if statement is not None and self._is_written_so(name, value, statement, references):
            is_setting = isinstance(value, (Parameters, Variables))
            rank = Rank.PARAMETERS if is_setting else Rank.CONSTANT
            part = self.gathering.part(rank, statement)
            self.kept[name] = value, part
            return part
        part = Part(Rank.CONSTANT, "", (-1,), frozenset({name}))
        if statement is not None:
            part.position = (statement.number,)
        self.gathering.parts.append(part)
        self._set_to_value(part, name, value, statement)
        return part

    def _is_written_so(
        self, name: str, value: Any, statement: Statement, references: list[Reference]
    ) -> bool:
        """Say whether the user's own line gives the value, or what code makes of it later."""
        if _tries_to_import(statement, name):
            return True
        expression = constants.assigned_expression(statement, name)
        if expression is None:
            return self._sets_all(statement)
        is_kept = _is_kept_by_code(value, references)
        return is_kept or constants.gives(expression, value, self.gathering.home.namespace)

    def _set_to_value(self, part: Part, name: str, value: Any, statement: Statement | None) -> None:
        """Write a value down, or say why it cannot be."""
        piece = literal(value)
        if piece is not None and all(map(self._can_import, piece.needs())):
            for line in piece.needs():
                self.gathering.imports.add(line)
            comments = "" if statement is None else "".join(statement.comments)
            part.text = f"{comments}{name} = {piece.laid_out(0, before=len(name) + 3)}"
            return
        what, hint = constants.why_not(value)
        place = None if statement is None else statement.place
        self.gathering.refuse(f'"{name}" {what}', place, hint)

    def _can_import(self, line: str) -> bool:
        """Say whether the name that an import gives means nothing else in the session."""
        first, _, name = line.partition(" import ")
        module = import_module(first.split()[1])
        imported = getattr(module, name) if name else module
        held = self.gathering.home.namespace.get(name or module.__name__, imported)
        return held is imported

    def settle_values(self) -> None:
        """Write down what is read as well as filled, when all that uses it is known."""
        for name, (value, part) in self.kept.items():
            statement = part.statement
            uses = self.uses[name]
            if statement is not None and not self._is_written_so(name, value, statement, uses):
                self._set_to_value(part, name, value, statement)

    def _sets_all(self, statement: Statement) -> bool:
        """Say whether a statement that sets several names still gives them what they are."""
        namespace = self.gathering.home.namespace
        values = {name: namespace.get(name, MISSING) for name in statement.binds}
        is_last = all(self.gathering.home.cells.binders.get(name) is statement for name in values)
        return is_last and constants.sets(statement.node, values, namespace)

    def hold(self, name: str, value: Any, statement: Statement, user: Statement) -> None:
        """Let a name mean what it meant when it was used, and not what it was set to later."""
        part = self.gathering.part(Rank.HELPER, statement)
        before = self.found.setdefault(name, part)
        if before is not part:
            self.refuse_two(name, part, before)
        self.held[name] = value
        self.holders.add((id(user), name))

    def _check_held(self, name: str, value: Any, user: Part) -> None:
        """See that a name which means what it meant before is used for nothing else."""
        is_holder = (id(user.statement), name) in self.holders
        if not is_holder and self.held.get(name, value) is not value:
            binder = self.gathering.home.cells.binders.get(name)
            other = None if binder is None else Part(Rank.HELPER, "", statement=binder)
            self.refuse_two(name, self.found[name], other)

    def refuse_two(self, name: str, first: Part | None, second: Part | None) -> None:
        """Say that one name stands for two things."""
        parts = [each for each in (first, second) if each is not None and each.statement]
        places = [str(each.statement.place) for each in parts if each.statement is not None]
        where = f": {' and '.join(places)}" if places else ""
        self.gathering.refuse(f'"{name}" means two things in the module{where}', None, "rename one")


def _tries_to_import(statement: Statement, name: str) -> bool:
    """Say whether a name stands in for something that is not installed here."""
    is_conditional = isinstance(statement.node, (ast.Try, ast.If))
    imports = [each for each in ast.walk(statement.node) if isinstance(each, IMPORTS)]
    return is_conditional and any(bound_by(one) == name for each in imports for one in each.names)


def _is_importable(origin: Origin) -> bool:
    is_found = origin.file is None or origin.root is not None
    return is_found and origin.module != "__main__" and "." not in origin.path


def _codes(code: CodeType) -> Iterable[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _is_kept_by_code(value: Any, references: list[Reference]) -> bool:
    """Say whether code only fills a container or sets a variable: so it is as it was made."""
    return bool(references) and all(
        each.use == ASSIGNED or is_only_filled(value, each.attributes, each.use)
        for each in references
    )
