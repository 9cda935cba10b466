"""What a function visibly depends on and a fingerprint cannot see.

Found from names in the byte code of the function and its helpers, without running it. What a
library does inside is not looked at, and what is missing here may still exist.
"""

from __future__ import annotations

import builtins
import os
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from pypedream.places import Place
from pypedream.store.functions import BUILTIN
from pypedream.store.lookups import MISSING
from pypedream.store.packages import is_users, is_users_module
from pypedream.store.readings import contents_of_cells, follow_chain
from pypedream.store.references import about, placed_references
from pypedream.store.scan import ASSIGNED, CALLED, Reference
from pypedream.store.state import is_only_filled
from pypedream.store.texts import looked_up
from pypedream.store.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LISTS: Final = "lists a folder with"
_LISTING: Final = ("glob", "iterdir", "rglob")
# What is used, by the beginning of its full name: a dot at the end stands for all that follows.
_SEEN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("reads", ("os.environ", "os.getenv", "pandas.get_option")),
    ("opens a file with", ("builtins.open", "io.open", "os.open")),
    (
        "reads a file with",
        ("pandas.read_", "polars.read_", "polars.scan_", "numpy.load", "numpy.genfromtxt"),
    ),
    (_LISTS, ("os.listdir", "os.scandir", "os.walk", "glob.")),
    ("reads a database with", ("sqlite3.connect", "sqlalchemy.create_engine")),
    (
        "reads the clock with",
        (
            "time.time",
            "time.localtime",
            "time.gmtime",
            "time.ctime",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
            "pandas.Timestamp.now",
            "pandas.Timestamp.today",
        ),
    ),
    (
        "draws random numbers with",
        ("random.", "numpy.random.", "secrets.", "uuid.uuid1", "uuid.uuid4", "os.urandom"),
    ),
    ("looks up a name with", ("builtins.globals", "builtins.vars", "builtins.getattr")),
    ("runs text as code with", ("builtins.eval", "builtins.exec", "pandas.eval")),
    ("imports a module by name with", ("importlib.import_module", "builtins.__import__")),
    (
        "uses the network with",
        (
            "requests.",
            "urllib.request.",
            "http.client.",
            "socket.",
            "httpx.",
            "aiohttp.",
            "boto3.",
            "ftplib.",
        ),
    ),
    ("starts a program with", ("subprocess.", "os.system", "os.popen")),
)
_SEEDED: Final = (
    "random.Random",
    "numpy.random.default_rng",
    "numpy.random.RandomState",
    "numpy.random.SeedSequence",
    "numpy.random.MT19937",
    "numpy.random.PCG64",
    "numpy.random.PCG64DXSM",
    "numpy.random.Philox",
    "numpy.random.SFC64",
)
_HARMLESS: Final = ("numpy.random.Generator", "random.seed", "numpy.random.seed", "subprocess.PIPE")


def blind_spots(function: Any) -> list[str]:
    """Name what *function* and its helpers use that a fingerprint cannot see, and where.

    Examples
    --------
    >>> def load(): return open("data.csv")
    >>> [spot.partition(" (")[0] for spot in blind_spots(load)]
    ['opens a file with open']
    """
    walk = Walk()
    walk.run(function)
    used = [each for inner in walk.functions for each in _used(inner)]
    seeds = {name for name, _, _ in used if name.endswith("random.seed")}
    found = []
    for name, reference, place in used:
        said, start = _said(name, reference)
        if said and f"{name.rpartition('.')[0]}.seed" not in seeds:
            is_module = reference.kind == "import" and not reference.has_from
            shown = start.rstrip("._") if is_module else _short(name)
            found.append(f"{said} {shown} ({place})")
    return list(dict.fromkeys((*found, *_named_in_texts(walk), *_changed(walk))))


def _named_in_texts(walk: Walk) -> Iterator[str]:
    """Name what a library may look up because it stands in a text that is not in the code."""
    for function in walk.functions:
        code = function.__code__
        seen = {*code.co_varnames, *code.co_cellvars}
        seen |= {each.name for each in about(code).references}
        for title, value, place in _texts_of(function):
            for chain, _ in looked_up([value], code.co_names):
                name = chain.partition(".")[0]
                if name not in seen and _may_change(function.__globals__.get(name, MISSING)):
                    yield f"looks up {name}, named in the text {title} ({place})"


def _texts_of(function: FunctionType) -> Iterator[tuple[str, str, Place]]:
    """Give the texts that are constants of a function or defaults, and what they are called."""
    for each, place in _placed(function):
        if each.kind in ("global", "enclosing"):
            _, value, _ = follow_chain(_known_to(function, each).get(each.name), each)
            if isinstance(value, str):
                yield ".".join((each.name, *each.attributes)), value, place
    own, given = about(function.__code__), function.__defaults__ or ()
    defaults = dict(zip(reversed(own.arguments), reversed(given), strict=False))
    for name, value in {**defaults, **(function.__kwdefaults__ or {})}.items():
        if isinstance(value, str):
            yield name, value, Place(own.file, own.line)


def _may_change(value: Any) -> bool:
    """Say whether there is such a thing, and it is not of a library."""
    if isinstance(value, ModuleType):
        return is_users_module(value.__name__)
    if isinstance(value, (FunctionType, type)):
        return is_users(value)
    return value is not MISSING and not isinstance(value, BUILTIN)


def _changed(walk: Walk) -> Iterator[str]:
    """Name the state that the code makes; what it also reads somewhere is seen."""
    for function in walk.functions:
        for each, place in _placed(function):
            if each.use == ASSIGNED or _is_filled(walk, function, each):
                attributes = each.attributes[:-1] if each.use == CALLED else each.attributes
                kind = "global" if each.kind == "global" else "captured"
                yield f"changes the {kind} {'.'.join((each.name, *attributes))} ({place})"


def _is_filled(walk: Walk, function: FunctionType, reference: Reference) -> bool:
    if not reference.use:
        return False
    _, value, left = follow_chain(_known_to(function, reference).get(reference.name), reference)
    rest = reference.attributes[len(reference.attributes) - left :]
    return is_only_filled(value, rest, reference.use) and not walk.constants.has_met(value)


def _known_to(function: FunctionType, reference: Reference) -> Mapping[str, Any]:
    """Return the variables among which the name of a reference is."""
    return contents_of_cells(function) if reference.kind == "enclosing" else function.__globals__


def _placed(function: FunctionType) -> Iterator[tuple[Reference, Place]]:
    file = function.__code__.co_filename
    for each, line in placed_references(function.__code__):
        yield each, Place(file, line)


def _short(name: str) -> str:
    if name.startswith("os.environ"):
        return "os.environ"
    return "open" if name == "io.open" else name.removeprefix("builtins.").removeprefix("glob.")


def _said(name: str, reference: Reference) -> tuple[str, str]:
    """Return what is said of a name, and the beginning by which it was found; or nothing."""
    if name in _HARMLESS or (name in _SEEDED and not reference.is_bare_call):
        return "", ""
    if reference.kind == "attribute":
        return _LISTS if name in _LISTING else "reads a file with", name
    if name == "builtins.getattr" and reference.is_named:
        return "", ""
    found = (
        (said, start) for said, starts in _SEEN for start in starts if f"{name}.".startswith(start)
    )
    return next(found, ("", ""))


def _used(function: FunctionType) -> Iterator[tuple[str, Reference, Place]]:
    """Give the full names of what a function uses, and where."""
    enclosed = contents_of_cells(function)
    for each, place in _placed(function):
        if each.kind == "attribute":
            yield each.name, each, place
        elif each.kind == "import":
            for name in each.attributes:
                yield f"{each.name}.{name}", each, place
        elif each.use != ASSIGNED:
            known = enclosed if each.kind == "enclosing" else function.__globals__
            value = known.get(each.name, getattr(builtins, each.name, None))
            yield ".".join((_full_name(value), *each.attributes)), each, place


def _full_name(value: Any) -> str:
    if value is os.environ:
        return "os.environ"
    if isinstance(value, ModuleType):
        return value.__name__
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return ""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):  # random.random is a method of an object
        module = type(getattr(value, "__self__", None)).__module__
    # Where a name is written differs from where it is found: numpy.random._generator, pandas.io
    top = module.partition(".")[0]
    if top in ("numpy", "pandas", "polars"):
        return f"{top}.random.{name}" if ".random" in module else f"{top}.{name}"
    return f"{module.removeprefix('_')}.{name}"
