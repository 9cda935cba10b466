"""Functions that do nothing, each with its own name and code: the stages of the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Stages = dict[str, Callable[..., Any]]


def chain(length: int, *, annotated: bool = False) -> Stages:
    """Return functions s0, s1, ..., each bound by name to the one before; s0 takes x."""
    names = ["x", *(f"s{number}" for number in range(length))]
    return _functions(dict(zip(names[1:], names, strict=False)), annotated=annotated)


def fan_out(width: int, *, annotated: bool = False) -> Stages:
    """Return a function source, which takes x, and functions s0, s1, ..., which all take that."""
    readers = {f"s{number}": "source" for number in range(width)}
    return _functions({"source": "x", **readers}, annotated=annotated)


def _functions(reads: dict[str, str], *, annotated: bool) -> Stages:
    """Return for each name a function that takes and returns one argument."""
    kind, result = (": int", " -> int") if annotated else ("", "")
    lines = [f"def {name}({one}{kind}){result}: return {one}" for name, one in reads.items()]
    namespace: dict[str, Any] = {"__name__": "benchmark_stages"}
    # Without this module's __future__: annotations are to be types, as most people write them.
    exec(compile("\n".join(lines), "<stages>", "exec", dont_inherit=True), namespace)
    return {name: namespace[name] for name in reads}
