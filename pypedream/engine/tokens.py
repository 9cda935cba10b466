"""Tokens: all that a definition says, as one digest that is told in a moment.

Equal tokens are of equal definitions: of the same stages, whose code, helpers, files and policies
are the same, with the same parameters, under the same Python. Unequal ones say nothing: a comment
more, and the token is another one. So a token finds out quickly that a definition is the one of the
last time, and who needs to know what has changed asks for fingerprints.

Most functions refer to nothing of the user's. Their code object is all that they are. Of others the
fingerprint is told.
"""

from __future__ import annotations

import marshal
import os
import sys
from hashlib import sha256
from opcode import opmap
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from attrs import fields

from pypedream.formats.loader import options_of
from pypedream.stage import USUAL, Policy
from pypedream.store.packages import is_users
from pypedream.store.texts import may_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypedream.engine.table import StageTable
    from pypedream.files.spec import FileSpec
    from pypedream.files.stage_files import StageFiles
    from pypedream.parameters import Parameters, Variables
    from pypedream.stage import Stage

__all__ = ["Loaders", "Untold", "token_of"]

_FORMAT = "definition/1"
_MARSHAL = 2
"""The last format in which equal things have equal bytes."""

_PLAIN: Final = frozenset((str, int, float, bool, bytes, type(None)))
_IMPORTS: Final = opmap["IMPORT_NAME"]
_ENVIRONMENT = "PYPEDREAM_"
_PARTS: Final = ("", "engine", "files", "formats", "parameters", "store")


class Untold(Exception):
    """A definition holds something of which nothing can be told in a moment."""


def token_of(
    name: str,
    table: StageTable,
    parameters: Parameters,
    variables: Variables,
    options: Mapping[str, Any],
    loaders: Loaders | None = None,
) -> str:
    """Return what a pipeline is at this moment, as 64 hex digits.

    Parameters
    ----------
    loaders
        What an earlier call for the same stages knows of their loaders.

    Raises
    ------
    Untold
        If that cannot be told; the text says of what.
    """
    loaders = loaders or Loaders()
    told = [
        (_FORMAT, sys.version, name, _installed(), _environment(), _options(options)),
        [_stage(key, stage, table.scopes.get(key), loaders) for key, stage in table.stages.items()],
        _parameters(parameters),
        _others("the variables", dict(variables) if len(variables) else None),
    ]
    try:
        return sha256(marshal.dumps(told, _MARSHAL)).hexdigest()
    except ValueError as error:  # a constant that was put into code by hand
        raise Untold(str(error)) from error


def _installed() -> tuple[int, ...]:
    """Return what is another one after an update of pypedream, without loading anything."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return tuple([os.stat(os.path.join(home, part)).st_mtime_ns for part in _PARTS])


def _environment() -> tuple[tuple[str, str], ...]:
    ours = [each for each in os.environ.items() if each[0].upper().startswith(_ENVIRONMENT)]
    return tuple(sorted(ours))


def _options(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    for name, value in options.items():
        if type(value) not in _PLAIN:
            raise Untold(f"the option {name}")
    return tuple(sorted(options.items()))


def _stage(key: str, stage: Stage, scope: str | None, loaders: Loaders) -> tuple[Any, ...]:
    files = None if stage.files is None else _files(stage.files, loaders)
    besides = None
    if stage.inputs or stage.output_mapper is not None:
        besides = _others(f'the inputs of "{key}"', (stage.inputs, stage.output_mapper))
    types = _types(stage)
    if stage.policy is USUAL:
        return key, stage.name, scope, _code(stage.function), types, files, besides
    policy = _policy(key, stage.policy)
    return key, stage.name, scope, _code_by_policy(stage), types, files, besides, policy


def _types(stage: Stage) -> list[tuple[str, str]]:
    """Return the types that may be compared with those of other stages: not of what is read."""
    try:
        found = getattr(stage.function, "__annotations__", None)
    except Exception as error:  # from 3.14 on what is written there is run only now
        raise Untold(f'the annotations of "{stage.name}"') from error
    if not isinstance(found, dict):
        return []
    read = stage.files.spec.deps if stage.files is not None else ()
    return [(name, _type(each)) for name, each in found.items() if name not in read]


def _type(annotation: Any) -> str:
    kind = getattr(annotation, "__origin__", annotation)
    kind = kind if hasattr(annotation, "__metadata__") else annotation
    return f"{kind.__module__}.{kind.__qualname__}" if type(kind) is type else repr(kind)


def _code(function: Any) -> Any:
    """Return the code of a function, or its fingerprint if that says more."""
    if type(function) is FunctionType and _is_all_there_is(function):
        return "code", function.__code__, function.__defaults__
    from pypedream.store.identity import code_identity

    return "identity", code_identity(function).digest


def _code_by_policy(stage: Stage) -> Any:
    policy = stage.policy
    if policy.version is None and not policy.depends_on and not policy.env:
        return _code(stage.function)
    from pypedream.store.identity import stage_identity

    told = stage_identity(
        stage.function, version=policy.version, depends_on=policy.depends_on, env=policy.env
    )
    # What a version stands for may still have other arguments.
    return "identity", told.digest, _arguments(stage.function)


def _arguments(function: Any) -> Any:
    from pypedream.stage import arguments_of

    found = arguments_of(function)
    return sorted(found.names.items()), found.positional, found.takes_any, found.in_order


def _is_all_there_is(function: FunctionType) -> bool:
    """Say whether the code of a function is all that counts of it: nothing that it refers to."""
    if function.__dict__ or function.__closure__ or function.__kwdefaults__:
        return False
    if not all(type(each) in _PLAIN for each in function.__defaults__ or ()):
        return False
    return is_users(function) and _refers_to_nothing(function.__code__, function.__globals__)


def _refers_to_nothing(code: CodeType, space: Mapping[str, Any]) -> bool:
    if any(name in space for name in code.co_names):
        return False
    if _IMPORTS in code.co_code[::2] or any(map(may_name, code.co_consts)):
        return False
    inner = [each for each in code.co_consts if type(each) is CodeType]
    return all(_refers_to_nothing(each, space) for each in inner)


def _policy(key: str, policy: Policy) -> tuple[Any, ...]:
    values = [getattr(policy, each.name) for each in fields(Policy)]
    if all(type(each) in _PLAIN or _is_usual(each) for each in values):
        return tuple([each if type(each) in _PLAIN else "usual" for each in values])
    return (_others(f'the policy of "{key}"', values),)


def _is_usual(value: Any) -> bool:
    return value is Exception or (type(value) is tuple and not value)


def _files(files: StageFiles, loaders: Loaders) -> tuple[Any, ...]:
    spec = files.spec
    deps = [
        (name, dep.paths, dep.is_incremental, loaders.told(dep.loader))
        for name, dep in spec.deps.items()
    ]
    outs = [
        (
            (name, out.path, out.kind, out.is_cached, out.is_required, loaders.told(out.loader)),
            (out.x, out.y, out.template),
        )
        for name, out in spec.outs.items()
    ]
    whose = files.root, files.pipeline
    return whose, deps, outs, spec.is_single, spec.warnings, _params(spec)


def _params(spec: FileSpec) -> Any:
    if spec.params is None:
        return None
    argument, kind = spec.params
    return argument, kind.__qualname__, _others("parameters of a stage", spec.params_value)


class Loaders:
    """What loaders are, each that cannot change told once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def told(self, loader: Any) -> Any:
        """Return what a loader is."""
        known = self._known.get(id(loader))
        if known is not None:
            return known[1]
        told = _known_loader(loader)
        if told is None:
            return _others("a loader", loader)
        self._known[id(loader)] = (loader, told)  # which keeps it alive: the id is not used again
        return told


def _known_loader(loader: Any) -> Any:
    """Return what one of our loaders with plain options is; None of any other."""
    values, kind = options_of(loader), type(loader)
    if values is None or not all(type(each) in _PLAIN or each in (dict, list) for each in values):
        return None
    return kind.__module__, kind.__qualname__, [_option(each) for each in values]


def _option(value: Any) -> Any:
    return ("type", value.__name__) if isinstance(value, type) else value


def _parameters(parameters: Parameters) -> Any:
    definitions = parameters.definitions
    if not len(definitions):
        return None
    named = [os.environ.get(each.environment_name) for each in definitions.values()]
    about = [(each.name, each.rules, each.is_required) for each in definitions.values()]
    given = dict(parameters.given)
    return named, about, _others("the parameters", (parameters.root, given))


def _others(what: str, value: Any) -> str | None:
    """Return the digest of anything else, with the code of its classes."""
    if value is None:
        return None
    from pypedream.engine.calls import digest_of

    digest = digest_of(value)
    if not digest:
        raise Untold(what)
    return digest
