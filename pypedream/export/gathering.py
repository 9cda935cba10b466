"""What a pipeline needs of all that a notebook holds, followed from name to name.

What a name stands for now decides, as it does when a stage is called; the text is that of the
statement which made it. What can be imported is imported.
"""

from __future__ import annotations

import ast
import builtins
import sys
from types import CodeType, FunctionType, GenericAlias, ModuleType, UnionType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field

from pypedream.engine.literals import literal
from pypedream.engine.pinned_function import origin_of
from pypedream.engine.pinned_source import import_line, is_builtin
from pypedream.engine.problem import Problem
from pypedream.export import constants
from pypedream.export.cells import bound_by
from pypedream.export.imports import IMPORTS, Imports
from pypedream.export.magics import magics_in
from pypedream.export.needs import Needs, compiled, needs_of
from pypedream.export.parts import Part, Rank
from pypedream.export.registering import Registering
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
    from pypedream.export.home import Home

_DEFINED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SET: Final = (ast.Assign, ast.AnnAssign)
_PATHS: Final = ("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir")
_HINTS: Final = (type, ModuleType, GenericAlias, UnionType)
_DISPLAY: Final = "from IPython.display import display"


@define(eq=False)
class Gathering:
    """The parts of one module while they are found.

    Attributes
    ----------
    home
        Where the pipeline is at home.
    imports
        What the module imports.
    parts
        Its statements.
    problems
        All reasons why it cannot be written.
    groups
        The number of each pipeline, by its id: those that it includes come before it.
    pipelines
        All that are written.
    hidden
        Parameters whose defaults are left out, because they are secrets.
    meanings
        From each name to the part that gives it its value; None for what is imported.
    held
        What names mean that mean something else by now.
    holders
        The statements that use such a name, by their ids.
    open
        Names that are being looked up, with who else waits for their parts.
    written
        The parts by the id of their statement.
    """

    home: Home
    imports: Imports = Factory(Imports)
    parts: list[Part] = Factory(list)
    problems: list[Problem] = Factory(list)
    groups: dict[int, int] = Factory(dict)
    pipelines: list[Pipeline] = Factory(list)
    hidden: list[str] = Factory(list)
    meanings: dict[str, Part | None] = Factory(dict)
    held: dict[str, Any] = Factory(dict)
    holders: set[tuple[int, str]] = Factory(set)
    open: dict[str, list[list[Part]]] = Factory(dict)
    written: dict[int, Part] = Factory(dict)
    has_future: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.has_future = self.home.cells.has_future

    # Pipelines

    def add_pipeline(self, pipeline: Pipeline, name: str) -> Part | None:
        """Take in a pipeline with all its stages; None if it is imported."""
        statement = self.home.statement_of(pipeline, name)
        if statement is None:
            self.refuse(
                f'no statement that makes pipeline "{pipeline.name}" is known',
                pipeline.blueprint.definition.place,
                f"write {name} = Pipeline(...) at the top of a cell",
            )
            return None
        if isinstance(statement.node, IMPORTS):
            self.imports.add_as_written(statement, name, self.home.namespace)
            return None
        if id(pipeline) in self.groups or id(statement) in self.written:
            return self.part(Rank.PIPELINE, statement)  # another name for it
        self.groups[id(pipeline)] = -1
        self.pipelines.append(pipeline)
        made = self.part(Rank.PIPELINE, statement)
        self.meanings[name] = made
        self.open.pop(name, None)
        added = Registering(self, pipeline, name, made)
        found = added.parts()
        group = self.groups[id(pipeline)] = 1 + max(self.groups.values())
        for number, each in enumerate([made, *found]):
            each.position = (group, number)
            each.rank = Rank.PIPELINE
        made.members += found
        return made

    def add_paths(self) -> None:
        """Take in what tells Python where the user's modules are: ``sys.path.append("src")``."""
        for statement in self.home.cells.statements:
            call = getattr(statement.node, "value", None)
            if isinstance(call, ast.Call) and ast.unparse(call.func) in _PATHS:
                self.part(Rank.PATH, statement)

    # Statements

    def part(self, rank: Rank, statement: Statement, text: str | None = None) -> Part:
        """Take in a statement, and all that it needs."""
        known = self.written.get(id(statement))
        if known is not None:
            return known
        part = Part(
            rank,
            statement.text if text is None else text,
            (statement.number,),
            statement.binds,
            statement,
        )
        self.written[id(statement)] = part
        self.parts.append(part)
        self.follow(part, statement)
        return part

    def follow(self, part: Part, statement: Statement) -> None:
        """Take in what the names of a statement stand for."""
        try:
            needs = needs_of(statement, has_future=self.has_future)
        except SyntaxError as error:
            what = f"this cannot stand in a module ({error.msg})"
            if "await" in str(error.msg) or "await" in statement.source:
                what = "there is an await outside of any function, which only a notebook allows"
            self.refuse(what, statement.place, "put it in an async stage")
            return
        if "get_ipython" in needs.references:
            for each in magics_in(statement):
                self.refuse(*each)
            needs.references.pop("get_ipython")
        for name, references in needs.references.items():
            if name not in statement.binds:
                self._need(part, name, references, needs)
            elif name in needs.at_once and isinstance(statement.node, _SET):
                self._need_earlier(part, name, statement)
        for name in needs.hints:
            self._hint(name, part)

    def _need(self, part: Part, name: str, references: list[Reference], needs: Needs) -> None:
        found = self.meaning(name, references, part)
        needed = part.before if name in needs.at_once else part.later
        if name in self.open:
            self.open[name].append(needed)
        elif found is not None and found is not part:
            needed.append(found)

    def _need_earlier(self, part: Part, name: str, statement: Statement) -> None:
        """Take in what a name meant before a statement set it anew: ``load = timed(load)``."""
        earlier = [
            each
            for each in self.home.cells.statements
            if name in each.binds and each.number < statement.number
        ]
        if earlier and isinstance(earlier[-1].node, IMPORTS):
            self.imports.add_as_written(earlier[-1], name, self.home.namespace)
        elif earlier:
            part.before.append(self.part(Rank.HELPER, earlier[-1]))

    def _hint(self, name: str, part: Part) -> None:
        """Take along what an annotation names, if it can be had; nothing needs it."""
        value = self.home.namespace.get(name, MISSING)
        if isinstance(value, _HINTS) or type(value).__module__ == "typing":
            found = self.meaning(name, [], part)
            if found is not None and found is not part:
                part.later.append(found)

    # Names

    def meaning(self, name: str, references: list[Reference], user: Part) -> Part | None:
        """Return the part that gives a name its value; None for what is imported or built in."""
        value = self.home.namespace.get(name, MISSING)
        if name in self.meanings:
            self._check_held(name, value, user)
            return self.meanings[name]
        is_stand_in = hasattr(builtins, name) and is_of_ipython(value)
        if value is MISSING or is_builtin(name, value) or is_stand_in:
            self._of_nobody(name, user)
            return None
        self.meanings[name] = None
        waiting = self.open[name] = []
        part = self._meaning(name, value, references, user)
        self.meanings[name] = part
        self.open.pop(name, None)
        if part is not None:
            for needed in waiting:
                needed.append(part)
        return part

    def _of_nobody(self, name: str, user: Part) -> None:
        """Say what becomes of a name that is not the user's: a builtin, of Python or of IPython."""
        value = getattr(builtins, name, MISSING)
        if name == "display" and value is not MISSING:
            self.imports.add(_DISPLAY)
        elif value is MISSING:
            magic = self.home.cells.under_magic(name)
            if magic is not None:
                self._refuse_magic(name, *magic)
            else:
                where = None if user.statement is None else user.statement.place
                self.refuse(f'"{name}" has no value', where, "run the cell that gives it one")

    def _meaning(
        self, name: str, value: Any, references: list[Reference], user: Part
    ) -> Part | None:
        statement = self.home.cells.binders.get(name)
        if isinstance(value, Pipeline):
            return self.add_pipeline(value, name)
        if self._is_imported(name, value, statement, references):
            return None
        if isinstance(value, ModuleType) and statement is not None:
            return self.part(Rank.CONSTANT, statement)  # a try that imports
        if isinstance(value, CALLABLES):
            return self._callable(name, value, statement, user)
        return self._value(name, value, statement, references)

    def _is_imported(
        self, name: str, value: Any, statement: Statement | None, references: list[Reference]
    ) -> bool:
        """Take in the import of a name, if it is one."""
        if statement is not None and isinstance(statement.node, ast.ImportFrom):
            self.imports.add_as_written(statement, name, self.home.namespace)
            return True
        is_written = statement is not None and not isinstance(statement.node, ast.Import)
        if isinstance(value, ModuleType) and not is_written:
            self.imports.add_module(name, value, references, self.home.cells)
            return True
        return self._is_from_star(name, value)

    def _is_from_star(self, name: str, value: Any) -> bool:
        """Write the import of one name in place of one of all names."""
        for module in self.home.cells.stars():
            if getattr(sys.modules.get(module), name, MISSING) is value:
                self.imports.add(f"from {module} import {name}")
                return True
        return False

    def _callable(
        self, name: str, value: Any, statement: Statement | None, user: Part
    ) -> Part | None:
        written = self.home.cells.at(Place.of_function(innermost(value)))
        if written is not None and name in written.binds:
            statement = written
        if statement is None:
            self._from_elsewhere(name, value, user)
            return None
        if isinstance(statement.node, (*_DEFINED, *_SET)):
            self.check_source(value, statement)
        return self.part(Rank.HELPER, statement)

    def _from_elsewhere(self, name: str, value: Any, user: Part) -> None:
        """Import what no cell makes, if it can be."""
        magic = self.home.cells.under_magic(name)
        if magic is not None:
            self._refuse_magic(name, *magic)
            return
        origin = origin_of(value)
        if origin is not None and _is_importable(origin):
            self.imports.add(import_line(origin, name))
            return
        place = Place.of_function(value) or (user.statement.place if user.statement else None)
        self.refuse(
            f'the source of "{name}" is not known', place, "write it in a cell or in a module"
        )

    def _refuse_magic(self, name: str, magic: str, place: Place) -> None:
        self.refuse(
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
            found = list(_codes(compiled(statement, has_future=self.has_future)))
        except SyntaxError:
            return  # which is told when the statement is followed
        same = about(code).digest
        if not any(each.co_name == code.co_name and about(each).digest == same for each in found):
            self.refuse(
                f'the text of "{code.co_name}" was changed after it was loaded',
                statement.place,
                "load it again",
            )

    # Values

    def _value(
        self, name: str, value: Any, statement: Statement | None, references: list[Reference]
    ) -> Part | None:
        if constants.sounds_secret(name, value):
            self.refuse(
                f'"{name}" sounds like a secret, and a module would show it',
                None if statement is None else statement.place,
                "make it a Secret parameter",
            )
            return None
        if statement is not None and _tries_to_import(statement, name):
            return self.part(Rank.CONSTANT, statement)
        rank = Rank.PARAMETERS if isinstance(value, (Parameters, Variables)) else Rank.CONSTANT
        expression = constants.assigned_expression(statement, name)
        if expression is not None and statement is not None:
            namespace = self.home.namespace
            is_kept = _is_kept_by_code(value, references)
            if is_kept or constants.gives(expression, value, namespace):
                return self.part(rank, statement)
        if statement is not None and self._sets_all(statement):
            return self.part(rank, statement)
        piece = literal(value)
        if piece is not None:
            return self._as_literal(name, piece, statement)
        what, hint = constants.why_not(value)
        place = None if statement is None else statement.place
        self.refuse(f'"{name}" {what}', place, hint)
        return None

    def _sets_all(self, statement: Statement) -> bool:
        """Say whether a statement that sets several names still gives them what they are."""
        namespace = self.home.namespace
        values = {name: namespace.get(name, MISSING) for name in statement.binds}
        is_last = all(self.home.cells.binders.get(name) is statement for name in values)
        return is_last and constants.sets(statement.node, values, namespace)

    def _as_literal(self, name: str, piece: Any, statement: Statement | None) -> Part:
        for line in piece.needs():
            self.imports.add(line)
        comments = "" if statement is None else "".join(statement.comments)
        text = f"{comments}{name} = {piece.laid_out(0, before=len(name) + 3)}"
        number = -1 if statement is None else statement.number
        part = Part(Rank.CONSTANT, text, (number,), frozenset({name}))
        self.parts.append(part)
        return part

    def hold(self, name: str, value: Any, statement: Statement, user: Statement) -> None:
        """Let a name mean what it meant when it was used, and not what it was set to later."""
        part = self.part(Rank.HELPER, statement)
        before = self.meanings.setdefault(name, part)
        if before is not part:
            self.refuse_two(name, part, before)
        self.held[name] = value
        self.holders.add((id(user), name))

    def _check_held(self, name: str, value: Any, user: Part) -> None:
        """See that a name which means what it meant before is used for nothing else."""
        is_holder = (id(user.statement), name) in self.holders
        if not is_holder and self.held.get(name, value) is not value:
            binder = self.home.cells.binders.get(name)
            other = None if binder is None else Part(Rank.HELPER, "", statement=binder)
            self.refuse_two(name, self.meanings[name], other)

    # Problems

    def refuse_two(self, name: str, first: Part | None, second: Part | None) -> None:
        """Say that one name stands for two things."""
        parts = [each for each in (first, second) if each is not None and each.statement]
        places = [str(each.statement.place) for each in parts if each.statement is not None]
        where = f": {' and '.join(places)}" if places else ""
        self.refuse(f'"{name}" means two things in the module{where}', None, "rename one")

    def refuse(self, what: str, where: Place | None, hint: str) -> None:
        """Add a reason, once."""
        problem = Problem(what, where, hint)
        if problem not in self.problems:
            self.problems.append(problem)


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
