"""Wiring: what every stage waits for and how its arguments are read, decided once.

The links of a stage become its `Wire`, in the form that costs a run least: most arguments are
return values of other stages and are taken straight from the run's results.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.deferred import Deferred
from pypedream.engine.links import Definition, Link, Linker, Names
from pypedream.errors import UnboundInputException
from pypedream.outputs import NOT_GIVEN, RETURN
from pypedream.stage import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    USUAL,
    Arguments,
    Stage,
    arguments_of,
    code_flags,
    mapped_over,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pypedream.engine.file_edges import FileEdges
    from pypedream.engine.problem import Problem
    from pypedream.files.stage_files import StageFiles
    from pypedream.over import Over
    from pypedream.places import Place

    Read = Callable[[Any], Any]
    Source = tuple[str, str, str]

_NOTHING: Final[list[Any]] = []
_UNUSUAL: Final = GENERATOR | COROUTINE | ASYNC_GENERATOR


@define(eq=False, repr=False)
class Shared:
    """A value that is read more than once, so that a change in place reaches another call.

    That is a call of another stage, or another attempt of one that is tried again.

    Attributes
    ----------
    kind, name, output
        Where it comes from: a stage's output or a parameter.
    readers
        Keys of the stages that read it.
    """

    kind: str
    name: str
    output: str
    readers: list[str] = Factory(list)


@define(eq=False, repr=False)
class Wire:
    """A stage with every argument's source decided.

    Attributes
    ----------
    needs
        Keys of the stages that must have ended before, each once.
    is_plain
        Whether a call takes nothing but the return values of `needs`, in their order, and needs
        nothing done before or after, except where it is guarded.
    others
        Pairs of argument and a function that reads the value from the run.
    condition
        Links of the stage's ``when``.
    logged
        Arguments that are part of every event of the stage.
    guarded
        Pairs of argument and the shared value that it reads.
    over
        What it is mapped over.
    files
        What it reads and writes.
    """

    key: str
    stage: Stage
    function: Callable[..., Any]
    arguments: Arguments
    needs: tuple[str, ...]
    is_plain: bool
    flags: int
    scope: str = ""
    others: list[tuple[str, Read]] = _NOTHING
    condition: list[Link] = _NOTHING
    logged: tuple[str, ...] = ()
    guarded: tuple[tuple[str, Shared], ...] = ()
    over: Over | None = None
    files: StageFiles | None = None
    _direct: list[tuple[str, str]] | None = None
    _links: list[Link] | None = None

    @property
    def is_by_name(self) -> bool:
        """Whether each argument is the return value of the stage of its name."""
        return self._direct is None

    @property
    def direct(self) -> list[tuple[str, str]]:
        """Pairs of argument and stage key: the stage's return value is the argument."""
        return [(key, key) for key in self.needs] if self._direct is None else self._direct

    @property
    def links(self) -> list[Link]:
        """Where each argument comes from."""
        if self._links is None:
            names = self.arguments.names
            self._links = [
                Link(argument, "stage", key, RETURN, None, not names[argument], (key,))
                for argument, key in self.direct
            ]
        return self._links

    @property
    def call(self) -> Callable[..., Any]:
        """What is called: the function, or what loads files for it and saves what it gives."""
        function = self.stage.function
        if self.files is None or self.over is not None:
            return function
        return self.files.call(function)

    @property
    def is_async(self) -> bool:
        """Whether the stage is awaited."""
        return bool(self.flags & (COROUTINE | ASYNC_GENERATOR))

    @property
    def place(self) -> Place | None:
        """Where the user wrote the stage."""
        return place_of(self.stage)


@define(eq=False, repr=False)
class Wiring:
    """All wires of a definition, and the mistakes that were found on the way.

    Attributes
    ----------
    shared
        The values that more than one argument reads.
    """

    wires: dict[str, Wire]
    problems: list[Problem]
    shared: list[Shared]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """From each stage to the stages that it waits for."""
        return {key: wire.needs for key, wire in self.wires.items()}


def wire(definition: Definition) -> Wiring:
    """Decide where every argument of every stage comes from."""
    problems: list[Problem] = []
    scopes = definition.scopes
    names, edges = names_and_edges(definition, problems)
    wires = {}
    for key, stage in definition.stages.items():
        arguments = arguments_of(stage.function)
        if not scopes and edges is None and _takes_only_stages(stage, arguments, names):
            wires[key] = _wire_plainly(key, stage, arguments)
        else:
            linker = Linker(key, stage, scopes.get(key, ""), names, problems, edges)
            wires[key] = _wire_stage(linker, arguments)
    return Wiring(wires, problems, _guard(wires))


def names_and_edges(
    definition: Definition, problems: list[Problem]
) -> tuple[Names, FileEdges | None]:
    """Return the names that arguments may bear, and what stages read and write, if any does."""
    names = Names.of(definition)
    if not definition.has_files:
        return names, None
    from pypedream.engine.file_edges import FileEdges

    edges = FileEdges.of(definition, problems)
    return names.with_groups(edges.groups), edges


def read_link(link: Link, run: Any) -> Any:
    """Return the value that *link* stands for in *run*; NOT_GIVEN if it has none."""
    return _reader(link)(run)


def bind(wired: Wire, run: Any) -> dict[str, Any]:
    """Return the arguments for a call of the stage.

    Parameters
    ----------
    wired
        The stage.
    run
        What holds ``values``, ``outputs``, ``parameters`` and ``variables`` of the run.

    Raises
    ------
    UnboundInputException
        If a required argument has no value. What a mapper of the user's raises comes as it is,
        with a note that names the argument.
    """
    values = run.values
    arguments = {argument: values[key] for argument, key in wired.direct if key in values}
    argument = ""
    try:
        for argument, read in wired.others:
            value = read(run)
            if value is not NOT_GIVEN:
                arguments[argument] = value
            else:
                _must_have_default(wired, argument)
    except Exception as error:
        from pypedream.log.ended import add_note

        add_note(error, f'while binding argument "{argument}" of stage "{wired.key}"')
        raise
    return arguments


def _must_have_default(wired: Wire, argument: str) -> None:
    if not wired.arguments.names.get(argument, False):
        raise UnboundInputException(f'argument "{argument}" has no value')


def _takes_only_stages(stage: Stage, arguments: Arguments, names: Names) -> bool:
    """Say whether every argument is a return value of the stage of its name."""
    if stage.inputs or stage.policy is not USUAL:
        return False
    wanted = arguments.names
    return names.others.isdisjoint(wanted) and wanted.keys() <= names.stages.keys()


def _wire_plainly(key: str, stage: Stage, arguments: Arguments) -> Wire:
    """Wire a stage that takes only return values: most are so, and this is all they cost."""
    function, needs = stage.function, tuple(arguments.names)
    flags = code_flags(function)
    is_plain = not (
        flags & _UNUSUAL
        or stage.output_mapper is not None
        or arguments.positional
        or not arguments.in_order
        or True in arguments.names.values()
    )
    return Wire(key, stage, function, arguments, needs, is_plain, flags)


def _wire_stage(linker: Linker, arguments: Arguments) -> Wire:
    stage, policy = linker.stage, linker.stage.policy
    links = list(linker.links(arguments))
    condition = linker.condition() if policy.when is not None else []
    after = linker.after() if policy.after else []
    return Wire(
        linker.key,
        stage,
        stage.function,
        arguments,
        _needs(links, condition, after),
        False,
        code_flags(stage.function),
        direct=[(link.argument, link.name) for link in links if linker.is_direct(link)],
        scope=linker.scope,
        others=[
            (link.argument, _reader(link))
            for link in links
            if link.kind != "default" and not linker.is_direct(link)
        ],
        condition=condition,
        over=mapped_over(policy),
        logged=tuple(one.as_arg for one in stage.inputs if one.logged),
        files=linker.files,
        links=links,
    )


def _needs(links: list[Link], condition: list[Link], after: list[str]) -> tuple[str, ...]:
    read = (key for link in (*links, *condition) for key in link.reads)
    return tuple(dict.fromkeys((*read, *after)))


def _reader(link: Link) -> Read:
    if link.kind == "stage":
        return partial(_read_output, link)
    if link.kind == "parameter":
        return partial(_read_key, link, "parameters")
    if link.kind == "variable":
        return partial(_read_key, link, "variables")
    if link.input is None:
        return _read_nothing
    return partial(_read_binding, link.input.bind)


def _read_output(link: Link, run: Any) -> Any:
    if link.input is None:
        value = run.values.get(link.name, NOT_GIVEN)
        return value.present() if isinstance(value, Deferred) else value
    outputs = run.stages_view.get(link.name, {})
    if link.output in outputs:
        return outputs[link.output]
    if link.is_required:
        raise UnboundInputException(f'stage "{link.name}" gave no output "{link.output}"')
    return _default_of(link)


def _default_of(link: Link) -> Any:
    """Return what the mapper of an explicit input gives when there is nothing to read."""
    mapper = link.input.bind.mapper if link.input is not None else None
    return getattr(mapper, "default", NOT_GIVEN)


def _read_key(link: Link, table: str, run: Any) -> Any:
    names = getattr(run, table)
    if link.is_required:
        return names[link.name]
    try:
        return names[link.name]
    except KeyError:  # there is none, or it was not set
        return _default_of(link)


def _read_binding(binding: Callable[[], Any], _: Any) -> Any:
    return binding()


def _read_nothing(_: Any) -> Any:
    return NOT_GIVEN


def _guard(wires: dict[str, Wire]) -> list[Shared]:
    """Mark the arguments whose value is read more than once; return these values."""
    first: dict[str | Source, Wire] = {}
    shared: dict[str | Source, Shared] = {}
    for wired in wires.values():
        sources = wired.needs if wired.is_by_name else [one for _, one in _read_by(wired)]
        is_repeated = wired.stage.policy.retries and wired.over is None
        for source in sources:
            is_second = first.setdefault(source, wired) is not wired or is_repeated
            if is_second and source not in shared:
                shared[source] = Shared(*_full(source))
    for source, one in [*shared.items()]:
        if one.kind == "stage" and one.name in wires and wires[one.name].files is not None:
            del shared[source]  # each reader loads its own
    for wired in wires.values() if shared else ():
        read = [(argument, shared[one]) for argument, one in _read_by(wired) if one in shared]
        wired.guarded = tuple(read)
        for _, one in read:
            one.readers.append(wired.key)
    return list(shared.values())


def _read_by(wired: Wire) -> Sequence[tuple[str, str | Source]]:
    """Return pairs of argument and source; a stage's return value goes by the stage's key."""
    read: list[tuple[str, str | Source]] = [*wired.direct]
    for link in wired.links:
        if link.kind == "stage" and link.input is not None:
            read.append((link.argument, link.name if link.output == RETURN else link[1:4]))
        elif link.kind == "parameter":
            read.append((link.argument, link[1:4]))
    return read


def _full(source: str | Source) -> Source:
    return ("stage", source, RETURN) if isinstance(source, str) else source
