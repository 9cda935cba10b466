"""What a pipeline is, in one line that another machine can compare with what it finds.

The first part is of the structure: stages, where their arguments come from, how they are called,
parameters and variables. The second is of the user's own code, as byte code, which is another one
in each minor version of Python: it is compared only if that is the same.
"""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from attrs import define, fields_dict

from pypedream.export.own_code import Neighbourhood, OwnCode
from pypedream.export.schema import is_hidden
from pypedream.parameters.annotations import name_of
from pypedream.stage import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pypedream.engine.links import Link
    from pypedream.export.portable import Portable
    from pypedream.parameters import Parameter
    from pypedream.pipeline import Pipeline

_LENGTH: Final = 15
_RULES: Final = "1"
"""The first digit of each digest: by which rules it was made. By others nothing is compared."""
_FORM: Final = re.compile(r"plan ([0-9a-f]{16}), code ([0-9a-f]{16}) \(Python (\d+\.\d+)\)")
# Where and whether a stage is called is the business of the machine that calls it.
_ELSEWHERE: Final = frozenset(
    {"tags", "cache", "version", "depends_on", "env", "executor", "workers", "chunk"}
    | {"cpus", "mem_gb", "gpus", "timeout_min"}
)
_POLICY: Final = tuple(name for name in fields_dict(Policy) if name not in _ELSEWHERE)
_OF_PARAMETER: Final = ("choices", "min", "max", "env", "secret", "is_computed")


@define(eq=False)
class Imprint:
    """The parts of a pipeline: of its structure and of its code, each name with what it is."""

    structure: dict[str, str]
    code: dict[str, str]
    has_texts: bool = True

    def without(self, names: Collection[str]) -> Imprint:
        """Return the same without what some of the parts are."""
        structure, code = (
            {name: "varies" if name in names else each for name, each in parts.items()}
            for parts in (self.structure, self.code)
        )
        return Imprint(structure, code, self.has_texts)

    def __str__(self) -> str:
        return f"plan {_digest(self.structure)}, code {_digest(self.code)} (Python {_python()})"


def fingerprint_of(pipeline: Pipeline, varies: Collection[str] = ()) -> str:
    """Return what a pipeline is: the same in every process and on every machine.

    Parameters
    ----------
    varies
        What does not count: "stage.argument", the name of a parameter, or that of a part of the
        code such as "constant TODAY".

    Returns
    -------
    "plan 0123456789abcdef, code 0123456789abcdef (Python 3.11)"
    """
    return str(imprint_of(pipeline, by_text=True).without(varies))


def mismatch(expected: str, pipeline: Pipeline, varies: Collection[str] = ()) -> str:
    """Say in one line how a pipeline differs from what was expected; "" if it does not.

    Parameters
    ----------
    expected
        A fingerprint; "" expects nothing.
    varies
        As it was given for that.
    """
    if not expected:
        return ""
    found = _FORM.fullmatch(expected)
    if found is None:
        return f'"{expected}" is no fingerprint of a pipeline'
    if found[1][0] != _RULES:  # another version of pypedream wrote it
        return ""
    one = imprint_of(pipeline, by_text=True).without(varies)
    wrong = []
    if found[1] != _digest(one.structure):
        wrong.append("its stages, inputs, parameters or variables are others")
    is_comparable = found[3] == _python() and one.has_texts
    if is_comparable and found[2] != _digest(one.code):
        wrong.append("the code of its stages, or what that uses, is another")
    return " and ".join(wrong)


def imprint_of(pipeline: Pipeline, *, by_text: bool = False) -> Imprint:
    """Return what a pipeline is, part by part.

    Parameters
    ----------
    by_text
        Whether constants and classes count by the statements that make them, which are the same
        on every machine, and not by what they are in this process.
    """
    walk = OwnCode(Neighbourhood(_home(pipeline)), by_text)
    structure = dict(_structure(pipeline, walk.portable))
    for function in _functions(pipeline):
        walk.walk(function)
    return Imprint(structure, walk.parts, walk.has_texts)


def _structure(pipeline: Pipeline, portable: Portable) -> Iterator[tuple[str, str]]:
    base = pipeline.blueprint
    yield "order", portable.say(base.order)
    for key in base.order:
        wired = base.wiring.wires[key]
        policy = [getattr(wired.stage.policy, name) for name in _POLICY]
        about = [base.definition.scopes.get(key, ""), policy, wired.stage.output_mapper]
        yield f"stage {key}", portable.say([*about, _sources(wired.over), wired.needs])
        if wired.files is not None:
            yield f"files of {key}", portable.say(wired.files.spec)
        for link in wired.links:
            yield f"{key}.{link.argument}", _link(link, portable)
        yield (
            f"condition of {key}",
            portable.say([_link(each, portable) for each in wired.condition]),
        )
    for name, definition in pipeline.parameters.definitions.items():
        yield name, _definition(definition, portable)
    for name, value in pipeline.variables.items():
        yield f"variable {name}", portable.say(value)


def _sources(over: Any) -> dict[str, str]:
    return dict(getattr(over, "sources", {}))


def _link(link: Link, portable: Portable) -> str:
    bind = None if link.input is None else link.input.bind
    said = [link.kind, link.name, link.output, link.is_required]
    if link.kind in ("immediate", "callback", "context") and bind is not None:
        source = bind.source.name if link.kind == "context" else bind.source
        said += [source, bind.mapper, bind.ready, bind.arguments]
    return portable.say(said)


def _definition(definition: Parameter, portable: Portable) -> str:
    kind = "" if definition.read_as is None else name_of(definition.read_as)
    rules = [getattr(definition, name) for name in _OF_PARAMETER]
    default = "hidden" if is_hidden(definition) else definition.default
    return portable.say([kind, rules, default])


def _functions(pipeline: Pipeline) -> Iterator[Callable[..., Any]]:
    """Give all that is called when a pipeline runs: of stages, conditions and mappers."""
    base = pipeline.blueprint
    for key in base.order:
        stage = base.wiring.wires[key].stage
        found: list[Any] = [stage.function, stage.output_mapper]
        found += [getattr(stage.policy, name) for name in ("when", "item_key", "retry_on")]
        for one in stage.inputs:
            found += [one.bind.mapper, one.bind.source if one.bind.kind == "callback" else None]
        when = stage.policy.when
        found += [getattr(when, "mapper", None), getattr(when, "source", None)]
        yield from (each for each in found if callable(each))


def _home(pipeline: Pipeline) -> str:
    """Return the name of the module that made the pipeline."""
    from pypedream.export.target import module_of

    return module_of(pipeline)


def _digest(parts: dict[str, str]) -> str:
    return _RULES + sha256(repr(sorted(parts.items())).encode()).hexdigest()[:_LENGTH]


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
