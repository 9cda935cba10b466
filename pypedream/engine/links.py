"""Links: where each argument of a stage comes from, found by binding or by name.

What cannot be linked becomes a `Problem`. Nothing of the user's is called here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from attrs import Factory, define, evolve, frozen

from pypedream import context
from pypedream.engine.problem import Problem
from pypedream.inputs import (
    Input,
    InputBinding,
    dependency,
    key_read_by,
    param,
    stage_read_by,
    var,
)
from pypedream.names import did_you_mean, nearest, there_are
from pypedream.outputs import NOT_GIVEN, RETURN
from pypedream.stage import Arguments, Stage, arguments_of, mapped_over, place_of
from pypedream.values import said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from pypedream.engine.file_edges import FileEdges
    from pypedream.files.stage_files import StageFiles
    from pypedream.mappers import DependencyInputMapper, KeyedInputMapper
    from pypedream.parameters import Parameters, Variables
    from pypedream.places import Place


@frozen(eq=False, repr=False)
class Definition:
    """What a pipeline holds.

    Attributes
    ----------
    stages
        From key to stage, in order of definition.
    scopes
        From the key of an included stage to the prefix under which it was included.
    place
        Where the user made the pipeline.
    has_files
        Whether any stage may read or write files.
    """

    name: str
    stages: Mapping[str, Stage]
    parameters: Parameters
    variables: Variables
    scopes: Mapping[str, str] = Factory(dict)
    place: Place | None = None
    has_files: bool = False


class Link(NamedTuple):
    """Where one argument comes from.

    Attributes
    ----------
    argument
        Name of the argument.
    kind
        "stage", "parameter", "variable", "immediate", "context", "callback" or "default".
    name
        Key of the stage, name of the parameter or variable, or what else tells the source.
    output
        Which output of the stage.
    input
        The explicit Input, or None when the argument was bound by its name.
    is_required
        Whether the stage cannot be called without it.
    reads
        Keys of the stages that are read to get the value.
    """

    argument: str
    kind: str
    name: str
    output: str = RETURN
    input: Input | None = None
    is_required: bool = True
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "stage":
            of = "" if self.output == RETURN else f'output "{self.output}" of '
            return f'{of}stage "{self.name}"'
        if self.kind in ("parameter", "variable"):
            return f'{self.kind} "{self.name}"'
        return self.name


@frozen(eq=False, repr=False)
class Names:
    """The names that arguments may bear, in order; they are asked for once an argument.

    Attributes
    ----------
    groups
        Groups of parameters that are called like the stages that they belong to: an argument of
        that name means the stage.
    """

    stages: Mapping[str, Stage]
    parameters: Mapping[str, None]
    variables: Mapping[str, None]
    others: frozenset[str]
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, definition: Definition) -> Names:
        """Collect the names of a definition; nested parameters count with their dots."""
        parameters = definition.parameters
        settable: dict[str, None] = dict.fromkeys([*parameters, *parameters.definitions])
        variables: dict[str, None] = dict.fromkeys(definition.variables)
        return cls(definition.stages, settable, variables, frozenset([*settable, *variables]))

    def with_groups(self, groups: Iterable[str]) -> Names:
        """Return the same, knowing which groups of parameters are those of stages."""
        return evolve(self, groups=frozenset(groups))

    def by_kind(self) -> tuple[tuple[str, Collection[str]], ...]:
        """Return the names of each kind."""
        return (
            ("stage", self.stages),
            ("parameter", self.parameters),
            ("variable", self.variables),
        )

    def all(self) -> list[str]:
        """Return the names of all kinds."""
        return [*self.stages, *self.parameters, *self.variables]


@define(eq=False, repr=False)
class Linker:
    """Finds the links of one stage; mistakes go to *problems*.

    Attributes
    ----------
    scope
        The prefix under which the stage was included, "" for one of the pipeline's own.
    edges
        What stages read and write, if any does.
    part
        Which part of the stage is looked at, when it is not its function: "when=: ".
    """

    key: str
    stage: Stage
    scope: str
    names: Names
    problems: list[Problem]
    edges: FileEdges | None = None
    part: str = ""

    @property
    def files(self) -> StageFiles | None:
        """What the stage reads and writes, if it does."""
        return None if self.edges is None else self.edges.files.get(self.key)

    def is_direct(self, link: Link) -> bool:
        """Say whether a link is the return value of a stage as the run holds it."""
        if link.kind != "stage" or link.input is not None:
            return False
        return self.edges is None or link.name not in self.edges.files

    def links(self, arguments: Arguments) -> Iterator[Link]:
        """Yield a link for each argument that gets a value."""
        taken = self._taken(arguments)
        if self.stage.files is not None:
            taken = dict(taken)
            yield from self._of_files(self.stage.files, taken)
        if not self.stage.inputs:
            for name, has_default in taken.items():
                link = self._of_argument(name, is_required=not has_default)
                if link is not None:
                    yield link
            return
        explicit = self._explicit(arguments)
        for name, has_default in taken.items():
            one = explicit.pop(name, None)
            if one is not None:
                link = self._bound(one, is_required=not has_default)
            else:
                link = self._of_argument(name, is_required=not has_default)
            if link is not None:
                yield link
        for one in explicit.values():
            link = self._bound(one, is_required=True)
            if link is not None:
                yield link

    def _of_files(self, files: StageFiles, taken: dict[str, bool]) -> Iterator[Link]:
        """Yield the links of what annotations bind, and take these arguments out.

        What an `Input` binds is bound otherwise.
        """
        if self.files is None:  # its paths cannot be made, which is told already
            for argument in (*files.spec.deps, *(files.spec.params or ())[:1]):
                taken.pop(argument, None)
            return
        assert self.edges is not None
        files = self.files
        bound = {one.as_arg for one in self.stage.inputs if one.bind.kind != "file"}
        if files.spec.params is not None and files.spec.params[0] not in bound:
            taken.pop(files.spec.params[0], None)
            yield Link(files.spec.params[0], "parameter", self.key)
        for argument, dep in files.spec.deps.items():
            if argument in bound:
                continue
            taken.pop(argument, None)
            ref = files.ref(argument)
            reads = () if dep.is_incremental else self.edges.producers_of(self.key, dep)
            one = Input(argument, InputBinding("file", ref), place=self.stage.place)
            yield Link(argument, "file", str(ref), input=one, reads=reads)

    def condition(self) -> list[Link]:
        """Return the links of the stage's ``when``; [] without one."""
        when: Any = self.stage.policy.when
        self.part = "when=: "
        found: list[Link | None] = []
        if isinstance(when, str):
            found = [self._named(when)]
        elif isinstance(when, InputBinding):
            found = [self._bound(Input("when", when, place=self.stage.place), is_required=True)]
        elif callable(when):
            named = arguments_of(when).names.items()
            found = [self._by_name(name, is_required=not default) for name, default in named]
            # what is called without arguments has to be called all the same
            found = found or [Link("", "default", "nothing", is_required=False)]
        self.part = ""
        return [link for link in found if link is not None]

    def after(self) -> list[str]:
        """Return the keys of the stages that this one waits for without reading them."""
        keys = []
        self.part = "after=: "
        given: tuple[Any, ...] = self.stage.policy.after
        for name in given:
            full = self._full(name, self.names.stages) if isinstance(name, str) else None
            if full is None:
                self._no_stage(name)
            else:
                keys.append(full)
        self.part = ""
        return keys

    def _taken(self, arguments: Arguments) -> dict[str, bool]:
        """Return the arguments, with those that only ``over=`` names if any keyword is taken."""
        over = mapped_over(self.stage.policy)
        if over is None or not arguments.takes_any:
            return arguments.names
        given: tuple[Any, ...] = over.names
        named = [name for name in given if isinstance(name, str)]
        return {**dict.fromkeys(named, False), **arguments.names}

    def _explicit(self, arguments: Arguments) -> dict[str, Input]:
        explicit: dict[str, Input] = {}
        for one in self.stage.inputs:
            if one.bind.kind == "file":
                continue  # its annotation says so as well
            if one.as_arg in explicit:
                hint = f"remove one; the other is at {explicit[one.as_arg].place}"
                self._problem(f'argument "{one.as_arg}" is bound twice', one, hint)
            elif one.as_arg not in arguments.names and not arguments.takes_any:
                near = did_you_mean(one.as_arg, arguments.names)
                hint = "" if near else f"it takes {', '.join(arguments.names) or 'none'}"
                self._problem(f'its function has no argument "{one.as_arg}"{near}', one, hint)
            else:
                explicit[one.as_arg] = one
        return explicit

    def _of_argument(self, name: str, *, is_required: bool) -> Link | None:
        """Return the link of an argument; one that is mapped over may be called otherwise."""
        over = mapped_over(self.stage.policy)
        source = over.source(name) if over is not None else name
        if source == name or not isinstance(source, str):  # the latter is for `check_over`
            return self._by_name(name, is_required=is_required)
        if not self._kinds(source):
            self.part = "over=: "
            self._unknown(source)
            self.part = ""
            return None
        link = self._by_name(source, is_required=True)
        return None if link is None else link._replace(argument=name)

    def _by_name(self, name: str, *, is_required: bool) -> Link | None:
        kinds = self._kinds(name)
        if len(kinds) > 1:
            self._ambiguous(name, list(kinds))
            return None
        for kind, full in kinds.items():
            reads = (full,) if kind == "stage" else ()
            return Link(name, kind, full, RETURN, None, is_required, reads)
        if not is_required:
            return Link(name, "default", "its default", is_required=False)
        self._missing(name)
        return None

    def _named(self, name: str) -> Link | None:
        """Return the link of a condition that is given by name."""
        if self._kinds(name):
            return self._by_name(name, is_required=True)
        self._unknown(name)
        return None

    def _unknown(self, name: str) -> None:
        near = did_you_mean(name, self.names.all())
        self._problem(f'no parameter, variable or stage "{name}"{near}')

    def _kinds(self, name: str) -> dict[str, str]:
        """Return what bears a name, kind by kind, in the innermost scope that has any."""
        scope = self.scope
        while True:
            full = f"{scope}.{name}" if scope else name
            kinds = {kind: full for kind, names in self.names.by_kind() if full in names}
            if full in self.names.groups:
                kinds.pop("parameter", None)
            if kinds or not scope:
                return kinds
            scope = scope.rpartition(".")[0]

    def _bound(self, one: Input, *, is_required: bool) -> Link | None:
        stage_mapper = stage_read_by(one.bind)
        if stage_mapper is not None:
            return self._from_stage(one, stage_mapper, is_required)
        parameter = key_read_by(one.bind, context.PARAMETERS)
        if parameter is not None:
            return self._from_key(one, parameter, "parameter", self.names.parameters)
        variable = key_read_by(one.bind, context.VARIABLES)
        if variable is not None:
            return self._from_key(one, variable, "variable", self.names.variables)
        return self._opaque(one)

    def _from_stage(
        self, one: Input, mapper: DependencyInputMapper, is_required: bool
    ) -> Link | None:
        key = self._full(mapper.from_stage, self.names.stages)
        if key is None and mapper.is_required:
            self._no_stage(mapper.from_stage, one)
            return None
        if key is None:
            return Link(one.as_arg, "context", "context.STAGES", input=one)
        if mapper.is_required and not self._has_output(key, mapper.from_output, one):
            return None
        required = is_required if mapper.required is None else mapper.required
        required = required and mapper.default is NOT_GIVEN
        return Link(one.as_arg, "stage", key, mapper.from_output, one, required, (key,))

    def _has_output(self, key: str, output: str, one: Input) -> bool:
        """Say whether a stage may have an output; that it has not is a mistake of the input."""
        from pypedream.mappers import outputs_of

        named = outputs_of(self.names.stages[key].output_mapper)
        if output == RETURN or named is None or output in named:
            return True
        near = did_you_mean(output, named)
        hint = f"it has {', '.join(named)}" if named else "it has no output_mapper"
        self._problem(f'stage "{key}" has no output "{output}"{near}', one, "" if near else hint)
        return False

    def _from_key(
        self, one: Input, mapper: KeyedInputMapper, kind: str, names: Collection[str]
    ) -> Link | None:
        full = self._full(mapper.from_key, names)
        if full is None and mapper.is_required:
            near = did_you_mean(mapper.from_key, names)
            hint = "" if near else there_are(names)
            what = f'{self._of(one)}no {kind} "{mapper.from_key}"{near}'
            self._problem(what, one, hint)
            return None
        name = full or mapper.from_key
        return Link(one.as_arg, kind, name, input=one, is_required=mapper.is_required)

    def _opaque(self, one: Input) -> Link:
        bind = one.bind
        if bind.kind == "immediate":
            return Link(one.as_arg, "immediate", "the definition", input=one)
        if bind.kind == "callback":
            called = getattr(bind.source, "__name__", type(bind.source).__name__)
            name = "a callback" if called == "<lambda>" else f"callback {called}"
            return Link(one.as_arg, "callback", name, input=one)
        reads: tuple[str, ...] = ()
        if bind.source is context.STAGES and not self.stage.policy.after:
            reads = self._declared_before()
        name = bind.source.name
        is_own = name.startswith("pypedream.")
        shown = f"context.{name[10:]}" if is_own else f'context variable "{name}"'
        return Link(one.as_arg, "context", shown, input=one, reads=reads)

    def _declared_before(self) -> tuple[str, ...]:
        """Return what an opaque mapper of STAGES may read: all stages above this one."""
        keys = list(self.names.stages)
        return tuple(keys[: keys.index(self.key)])

    def _full(self, name: str, names: Collection[str]) -> str | None:
        """Return the full name that *name* means within the scope: the innermost there is."""
        scope = self.scope
        while scope:
            full = f"{scope}.{name}"
            if full in names:
                return full
            scope = scope.rpartition(".")[0]
        return name if name in names else None

    def _of(self, one: Input) -> str:
        return "" if self.part else f'argument "{one.as_arg}": '

    def _problem(self, what: str, one: Input | None = None, hint: str = "") -> None:
        place = one.place if one is not None and one.place else place_of(self.stage)
        self.problems.append(Problem(f'stage "{self.key}": {self.part}{what}', place, hint))

    def _no_stage(self, name: object, one: Input | None = None) -> None:
        argument = "" if one is None else self._of(one)
        if not isinstance(name, str):
            own = getattr(name, "__name__", None)
            hint = f'write "{own}"' if isinstance(own, str) else ""
            self._problem(f"it takes the name of a stage, not {said(name)}", one, hint)
            return
        near = did_you_mean(name, self.names.stages)
        hint = "" if near else there_are(self.names.stages)
        self._problem(f'{argument}no stage "{name}"{near}', one, hint)

    def _ambiguous(self, name: str, kinds: list[str]) -> None:
        both = " and of a ".join(kinds)
        which = " or ".join(f'{SHORTHANDS[kind].__name__}("{name}")' for kind in kinds)
        hint = f"rename one, or say which by inputs=[{which}]"
        self._problem(f'argument "{name}" is the name of a {both}', None, hint)

    def _missing(self, name: str) -> None:
        nested = [
            f'{SHORTHANDS[kind].__name__}("{full}")'
            for kind, names in self.names.by_kind()
            for full in names
            if full.endswith(f".{name}")
        ]
        near = "" if nested else self._did_you_mean(name)
        hint = f'add a stage or parameter "{name}", an Input, or a default'
        if len(nested) == 1:
            hint = f"bind it by inputs=[{nested[0]}]"
        what = f'nothing gives its argument "{name}" a value{near}'
        self._problem(what, None, "" if near else hint)

    def _did_you_mean(self, name: str) -> str:
        """Name the nearest source of an argument; of one that is mapped over, how to say so."""
        near, over = nearest(name, self.names.all()), mapped_over(self.stage.policy)
        if near is not None and over is not None and {name, near} & {*over.names}:
            return f'; did you mean over={{"{name}": "{near}"}}?'
        return did_you_mean(name, self.names.all())


SHORTHANDS: Final[dict[str, Callable[..., Input]]] = {
    "stage": dependency,
    "parameter": param,
    "variable": var,
}
