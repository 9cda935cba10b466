"""What a pipeline needs of all that a notebook holds, followed from name to name.

What a name stands for now decides, as it does when a stage is called; the text is that of the
statement which made it. What can be imported is imported.
"""

from __future__ import annotations

import ast
from types import GenericAlias, ModuleType, UnionType
from typing import TYPE_CHECKING, Final

from attrs import Factory, define, field

from pypedream.engine.problem import Problem
from pypedream.export.imports import IMPORTS, Imports
from pypedream.export.magics import magics_in
from pypedream.export.meanings import SETTING, Meanings
from pypedream.export.needs import Needs, needs_of
from pypedream.export.parts import Part, Rank
from pypedream.export.registering import Registering
from pypedream.store.lookups import MISSING

if TYPE_CHECKING:
    from pypedream.export.cells import Statement
    from pypedream.export.home import Home
    from pypedream.pipeline import Pipeline
    from pypedream.places import Place
    from pypedream.store.scan import Reference

_PATHS: Final = ("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir")
_HINTS: Final = (type, ModuleType, GenericAlias, UnionType)


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
    written
        The parts by the id of their statement.
    meanings
        What names stand for.
    """

    home: Home
    imports: Imports = Factory(Imports)
    parts: list[Part] = Factory(list)
    problems: list[Problem] = Factory(list)
    groups: dict[int, int] = Factory(dict)
    pipelines: list[Pipeline] = Factory(list)
    hidden: list[str] = Factory(list)
    written: dict[int, Part] = Factory(dict)
    meanings: Meanings = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.meanings = Meanings(self)

    @property
    def has_future(self) -> bool:
        """Whether annotations are not evaluated."""
        return self.home.cells.has_future

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
        self.meanings.settle(name, made)
        found = Registering(self, pipeline, name, made).parts()
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
            elif name in needs.at_once and isinstance(statement.node, SETTING):
                self._need_earlier(part, name, statement)
        for name in needs.hints:
            self._hint(name, part)

    def _need(self, part: Part, name: str, references: list[Reference], needs: Needs) -> None:
        needed = part.before if name in needs.at_once else part.later
        self.meanings.need(name, references, part, needed)

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
            self.meanings.need(name, [], part, part.later)

    # Problems

    def refuse(self, what: str, where: Place | None, hint: str) -> None:
        """Add a reason, once."""
        problem = Problem(what, where, hint)
        if problem not in self.problems:
            self.problems.append(problem)
