"""Which statements give a pipeline its stages, and its settings.

A stage is in the table of its pipeline, so each is looked for by where it or its function was
written, then by its key. What is in the table and not in a statement is a reason not to write the
module.
"""

from __future__ import annotations

import ast
from functools import cached_property
from types import MethodType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.export.parts import Part, Rank
from pypedream.places import Place
from pypedream.stage import Stage
from pypedream.store.functions import innermost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypedream.export.cells import Statement
    from pypedream.export.gathering import Gathering
    from pypedream.pipeline import Pipeline

_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_ADDING: Final = ("stage", "register")
_SETTINGS: Final = ("parameters", "variables", "options", "name")


@define(eq=False)
class Registering:
    """The search for the stages of one pipeline.

    Attributes
    ----------
    made
        The part that makes the pipeline.
    """

    gathering: Gathering
    pipeline: Pipeline
    name: str
    made: Part
    found: dict[int, tuple[int, Part]] = Factory(dict)

    def parts(self) -> list[Part]:
        """Take in the statements; return their parts in the order of the stages."""
        definition = self.pipeline.blueprint.definition
        settings = self._settings()
        for number, (key, stage) in enumerate(definition.stages.items()):
            statement = (
                self._included(key, stage) if key in definition.scopes else self._of(key, stage)
            )
            if statement is None:
                continue
            part = self.gathering.part(Rank.PIPELINE, statement)
            part.stages.append(key)
            if part is not self.made:
                self.found.setdefault(id(part), (number, part))
        ordered = sorted(self.found.values(), key=lambda each: each[0])
        return [*settings, *(part for _, part in ordered)]

    @cached_property
    def adding(self) -> list[tuple[Statement, set[str | None]]]:
        """The statements that add stages, with the keys; None stands for one that is computed."""
        found = []
        for statement in self.gathering.home.cells.statements:
            keys = set(self._keys(statement.node))
            if keys:
                found.append((statement, keys))
        return found

    # One stage

    def _of(self, key: str, stage: Stage) -> Statement | None:
        cells = self.gathering.home.cells
        written = cells.at(Place.of_function(innermost(stage.function)))
        adding = {id(statement): keys for statement, keys in self.adding}
        for statement in (cells.at(stage.place), written):
            keys = adding.get(id(statement), set())
            if statement is not None and (_adds(keys, key) or None in keys):
                return self._checked(stage, statement)
        for statement, keys in reversed(self.adding):
            if _adds(keys, key):
                return self._checked(stage, statement)
        found = self._made_with(written)
        if found is None:
            self._refuse(key, stage)
        return found

    def _checked(self, stage: Stage, statement: Statement) -> Statement:
        """See that a statement adds the function that the stage has."""
        if isinstance(statement.node, _FUNCTION):
            self.gathering.meanings.check_source(stage.function, statement)
            return statement
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Call) and self._is_adding(node.func) and node.args:
                self._hold(node.args[0], stage, statement)
        return statement

    def _hold(self, given: ast.expr, stage: Stage, statement: Statement) -> None:
        """See that the name of a function means the one that was added, if it was set anew."""
        if not isinstance(given, ast.Name):
            return
        gathering = self.gathering
        value = gathering.home.namespace.get(given.id)
        if value is stage.function or isinstance(value, Stage) or not callable(value):
            return
        written = gathering.home.cells.at(Place.of_function(innermost(stage.function)))
        if written is not None and given.id in written.binds:
            gathering.meanings.hold(given.id, stage.function, written, statement)

    def _made_with(self, written: Statement | None) -> Statement | None:
        """Return the statement that makes the pipeline together with its stages, or fills it.

        Parameters
        ----------
        written
            Where the function of the stage is: within one that fills the pipeline, perhaps.
        """
        made = self.made.statement
        handing = list(self._handing())
        for statement, called in handing:
            if written is not None and called in written.binds:
                return statement
        if made is not None and self._makes_stages(made):
            return made
        return handing[0][0] if handing else None

    def _handing(self) -> Iterator[tuple[Statement, str]]:
        """Give the statements that hand the pipeline to a function, the last first."""
        namespace = self.gathering.home.namespace
        for statement in reversed(self.gathering.home.cells.statements):
            call = getattr(statement.node, "value", None)
            if not isinstance(call, ast.Call) or self._is_adding(call.func):
                continue
            given = [*call.args, *(each.value for each in call.keywords)]
            names = [each.id for each in given if isinstance(each, ast.Name)]
            if any(namespace.get(name) is self.pipeline for name in names):
                yield statement, getattr(call.func, "id", "")

    def _makes_stages(self, made: Statement) -> bool:
        call = getattr(made.node, "value", None)
        if not isinstance(call, ast.Call):
            return True
        called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        called = call.func.id if isinstance(call.func, ast.Name) else called
        has_stages = any(each.arg in ("stages", None) for each in call.keywords)
        is_direct = self.gathering.home.namespace.get(called) is type(self.pipeline)
        is_direct = is_direct or called == type(self.pipeline).__name__
        return not is_direct or has_stages or len(call.args) > 2  # noqa: PLR2004 - stages come third

    def _refuse(self, key: str, stage: Stage) -> None:
        place = stage.place or Place.of_function(stage.function)
        gathering = self.gathering
        if place is not None and place.file == "<timed exec>":
            magic = gathering.home.cells.under_magic(getattr(stage.function, "__name__", key))
            if magic is not None:
                what = f'stage "{key}" is defined under {magic[0]}, which hides its source'
                gathering.refuse(what, magic[1], "take the magic off and run the cell again")
                return
        what = f'no statement is known that adds stage "{key}"'
        gathering.refuse(what, place, f"add it with @{self.name}.stage in a cell")

    # Pipelines within it

    def _included(self, key: str, stage: Stage) -> Statement | None:
        namespace = self.gathering.home.namespace
        within: Statement | None = None
        for statement in reversed(self.gathering.home.cells.statements):
            for call in self._calls(statement.node, "include"):
                other = _value(call.args[0], namespace) if call.args else None
                if other is None:
                    return statement
                prefix = next((_value(e.value, namespace) for e in call.keywords), None) or ""
                rest = key.removeprefix(f"{prefix}.") if prefix else key
                if prefix and rest == key:
                    continue
                if other.blueprint.definition.stages.get(rest) is stage:
                    return statement
                within = within or statement
        where = stage.place if within is None else within.place
        self.gathering.refuse(
            f'stage "{key}" is not what the included pipeline has by now',
            where,
            "run its cells again, from the pipeline on",
        )
        return None

    def _calls(self, node: ast.AST, method: str) -> Iterator[ast.Call]:
        for each in ast.walk(node):
            if isinstance(each, ast.Call) and self._is_method(each.func, method):
                yield each

    def _settings(self) -> list[Part]:
        """Take in what sets attributes of the pipeline: ``flow.parameters = ...``."""
        last: dict[str, Statement] = {}
        made = self.made.statement
        for statement in self.gathering.home.cells.statements:
            node = statement.node
            for target in node.targets if isinstance(node, ast.Assign) else ():
                is_later = made is not None and statement.number > made.number
                for name in _SETTINGS:
                    if is_later and self._is_method(target, name):
                        last[name] = statement
        return [self.gathering.part(Rank.PIPELINE, each) for each in last.values()]

    # What an expression is

    def _is_method(self, node: ast.AST, name: str) -> bool:
        """Say whether an expression is an attribute of the pipeline: ``flow.stage``."""
        if not isinstance(node, ast.Attribute) or node.attr != name:
            return False
        owner = node.value
        namespace = self.gathering.home.namespace
        return isinstance(owner, ast.Name) and namespace.get(owner.id) is self.pipeline

    def _is_adding(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):  # flow.stage("name", retries=2)(function)
            return self._is_adding(node.func)
        if isinstance(node, ast.Name):
            held = self.gathering.home.namespace.get(node.id)
            if not isinstance(held, MethodType) or held.__self__ is not self.pipeline:
                return False
            return held.__name__ in _ADDING
        return any(self._is_method(node, name) for name in _ADDING)

    def _keys(self, statement: ast.stmt) -> Iterator[str | None]:
        """Give the keys of the stages that a statement adds when it is carried out."""
        waiting: list[tuple[ast.AST, bool]] = [(statement, True)]
        while waiting:
            node, is_top = waiting.pop()
            if isinstance(node, _FUNCTION):
                for each in node.decorator_list:
                    if self._is_adding(each):
                        yield self._key(each, node.name) if is_top else None
                continue
            if isinstance(node, ast.Call) and self._is_adding(node.func):
                yield self._key(node, None)
                continue
            is_top = is_top and node is statement and not isinstance(node, (ast.For, ast.While))
            waiting.extend((each, is_top) for each in ast.iter_child_nodes(node))

    def _key(self, node: ast.expr, function: str | None) -> str | None:
        """Return the key of a stage; of the stages of a matrix what comes before their values."""
        key = self._key_of_one(node, function)
        while isinstance(node, ast.Call):
            if key and any(each.arg == "matrix" for each in node.keywords):
                return f"{key}@"
            node = node.func
        return key

    def _key_of_one(self, node: ast.expr, function: str | None) -> str | None:
        namespace = self.gathering.home.namespace
        calls = [node]
        while isinstance(calls[-1], ast.Call):
            calls.append(calls[-1].func)
        for call in calls[:-1]:
            assert isinstance(call, ast.Call)
            given = [each.value for each in call.keywords if each.arg == "name"]
            named = [_value(each, namespace) for each in (*call.args[:1], *given)]
            texts = [each for each in named if isinstance(each, str)]
            if texts:
                return texts[-1]
            if given:
                return None
            if function is None and named and named[0] is not None:
                kind = type(named[0]).__name__
                first: Any = named[0]
                key = first.name if isinstance(first, Stage) else getattr(first, "__name__", kind)
                return str(key)
        return function


def _adds(keys: set[str | None], key: str) -> bool:
    return key in keys or f"{key.partition('@')[0]}@" in keys


def _value(node: ast.expr, namespace: Any) -> Any:
    """Return what a constant or a name is; None for all else."""
    if isinstance(node, ast.Constant):
        return node.value
    return namespace.get(node.id) if isinstance(node, ast.Name) else None
