"""Asked before: what a recorded run was asked to do, so that another process can ask it again.

Words and numbers are in ``run.json``. Values that were set or given may be anything, so they are
kept in the store; a secret is not, and has to be set again.
"""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.engine.selection import SELECTION
from pypedream.errors import StoreError
from pypedream.parameters import Secret
from pypedream.store.corruption import Damaged
from pypedream.store.results import Unstorable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.engine.plan import Plan
    from pypedream.parameters import Parameters
    from pypedream.store.results import Results

_OPTIONS = (
    *("workers", "on_error", "mutation", "capture", "keep", "cache", "checkpoint", "limits"),
    "allow_missing",
    "progress",
)
"""Those that are words or numbers; executors and sinks are objects."""

_DEEPEST = 20


@frozen(eq=False, repr=False)
class AskedBefore:
    """What a recorded run was asked to do.

    Attributes
    ----------
    values
        From the name of each parameter that was set to its value.
    lost
        From the name of a parameter or a given stage whose value is not there to why.
    hidden
        Those of them that were secrets, which are never kept.
    """

    values: dict[str, Any]
    selection: dict[str, Any]
    options: dict[str, Any]
    lost: dict[str, str]
    hidden: frozenset[str]


def asked_of(plan: Plan) -> dict[str, Any]:
    """Return what a plan was asked for, as what JSON can hold."""
    options = {name: getattr(plan.options, name) for name in _OPTIONS}
    if isinstance(plan.options.executor, str):
        options["executor"] = plan.options.executor
    names = {name: list(getattr(plan.selection, name)) for name in SELECTION}
    set_ = list(plan.parameters.settings)
    hidden = sorted(secret_names(plan.parameters).intersection(set_))
    asked = {"set": set_, "hidden": hidden, "selection": names, "options": options}
    asked["resumes"] = plan.reuse.resumes
    return {**asked, "seal": _seal(asked)}


def is_whole(asked: Mapping[str, Any]) -> bool:
    """Say whether what is recorded is what was recorded.

    Who resumes a run must not quietly do something else than was asked for.
    """
    return bool(asked) and asked.get("seal") == _seal(asked)


def _seal(asked: Mapping[str, Any]) -> int:
    whole = {name: value for name, value in asked.items() if name != "seal"}
    return crc32(json.dumps(whole, sort_keys=True, default=str).encode())


def keep_values(results: Results, run: str, plan: Plan, tell: Callable[[str], object]) -> None:
    """Keep the values that a run was given.

    Parameters
    ----------
    tell
        Is told of each value that cannot be kept.
    """
    hidden, texts = secret_names(plan.parameters), plan.parameters.secrets()
    values = {name: value for name, value in plan.parameters.settings.items() if name not in hidden}
    for kind, named in (("parameter", values), ("given", plan.selection.given)):
        for name, value in named.items():
            if holds_secret(value, texts):
                tell(f'the value of {kind} "{name}" is not kept: it holds a secret')
                continue
            try:
                results.keep(_key(run, kind, name), value, {"run": run, kind: name}, 0.0)
            except Unstorable as error:
                tell(f'the value of {kind} "{name}" cannot be kept to resume with: {error}')


def asked_before(asked: Mapping[str, Any], run: str, results: Results) -> AskedBefore:
    """Return what a run was asked to do.

    Parameters
    ----------
    asked
        What its ``run.json`` says of that.
    """
    hidden = frozenset(asked.get("hidden", []))
    found = AskedBefore({}, {}, dict(asked.get("options", {})), {}, hidden)
    for name, names in asked.get("selection", {}).items():
        if name != "given" and names:
            found.selection[name] = tuple(names)
    for name in asked.get("set", []):
        _read(results, _key(run, "parameter", name), name, found.values, found.lost)
    given: dict[str, Any] = {}
    for name in asked.get("selection", {}).get("given", []):
        _read(results, _key(run, "given", name), name, given, found.lost)
    if given:
        found.selection["given"] = given
    if isinstance(found.options.get("keep"), list):
        found.options["keep"] = tuple(found.options["keep"])
    return found


def secret_names(parameters: Parameters) -> set[str]:
    """Return the names of the parameters that hold or contain a secret."""
    texts = parameters.secrets()
    return {name for name, value in parameters.settings.items() if holds_secret(value, texts)} | {
        name for name, one in parameters.definitions.items() if getattr(one, "secret", False)
    }


def holds_secret(value: Any, texts: Iterable[str], seen: frozenset[int] = frozenset()) -> bool:
    """Say whether a secret, or the text of one, is somewhere in a value."""
    from pypedream.store.fields import fields_of

    if isinstance(value, Secret):
        return True
    if isinstance(value, (str, bytes)):
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        return any(secret in text for secret in texts)
    if id(value) in seen or len(seen) > _DEEPEST:
        return False
    inside: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inside = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inside = value
    elif not isinstance(value, type) and not callable(value):
        inside = fields_of(value).values()
    return any(holds_secret(each, texts, seen | {id(value)}) for each in inside)


def _key(run: str, kind: str, name: str) -> str:
    return f"of-run/{run}/{kind}-{sha256(name.encode()).hexdigest()[:32]}"


def _read(
    results: Results, key: str, name: str, values: dict[str, Any], lost: dict[str, str]
) -> None:
    found = results.find(key)
    if found is None:
        lost[name] = "was not kept"
        return
    try:
        values[name] = results.load(found)
    except Damaged as damage:
        lost[name] = f"is {damage.reason}"
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever reading an old value may raise
        lost[name] = f"cannot be read ({type(error).__name__})"
