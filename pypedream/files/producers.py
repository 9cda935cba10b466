"""Producers: which stage writes which file, and two that would write one."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from attrs import frozen

from pypedream.files.globs import fixed_part, matches, may_match_in
from pypedream.files.paths import folded, is_folder, is_glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Clash", "Producers", "clashes"]


@frozen(eq=False, repr=False)
class Clash:
    """Two outputs that cannot both be.

    Attributes
    ----------
    stages, paths
        Who writes what; the stage may be the same.
    """

    stages: tuple[str, str]
    paths: tuple[str, str]

    @property
    def what(self) -> str:
        """What is wrong, in one line."""
        (one, other), (path, second) = self.stages, self.paths
        if path.rstrip("/") == second.rstrip("/"):
            who = f'stage "{one}" writes' if one == other else f'"{one}" and "{other}" both write'
            return f'{who} "{path}"{" twice" if one == other else ""}'
        if _key(path) == _key(second):
            return f'"{path}" of "{one}" and "{second}" of "{other}" are one file on some systems'
        return f'"{second}" of "{other}" is inside "{path}" of "{one}"'

    @property
    def hint(self) -> str:
        """The fix."""
        one, other = (stage.partition("@") for stage in self.stages)
        is_one_function = one[:2] == other[:2] and bool(one[1])
        inside = ', or put a parameter that differs into it: "{name}"' if is_one_function else ""
        return f"give one of them another path{inside}"

    def __str__(self) -> str:
        return f"{self.what}: {self.hint}"


def clashes(outputs: Iterable[tuple[str, str]]) -> list[Clash]:
    """Return every output that is the same as another, or inside it, in the order of paths.

    Parameters
    ----------
    outputs
        Stages and checked paths that they write.

    Examples
    --------
    >>> for clash in clashes([("b", "out/"), ("c", "out/y.csv"), ("a", "x.csv"), ("d", "x.csv")]):
    ...     print(clash)
    "out/y.csv" of "c" is inside "out/" of "b": give one of them another path
    "a" and "d" both write "x.csv": give one of them another path
    """
    found: list[Clash] = []
    around: list[tuple[list[str], str, str]] = []
    # What is inside a path follows it directly; of equal ones the one that was first stays first.
    for key, stage, path in sorted(
        ((_key(path), stage, path) for stage, path in outputs), key=lambda output: output[0]
    ):
        while around and key[: len(around[-1][0])] != around[-1][0]:
            around.pop()
        if around:
            _, other, outer = around[-1]
            found.append(Clash((other, stage), (outer, path)))
        if not around or around[-1][0] != key:
            around.append((key, stage, path))
    return found


class Producers:
    """The stages that write the files of a project.

    Parameters
    ----------
    outputs
        Stages and checked paths that they write; with no `clashes`.

    Examples
    --------
    >>> producers = Producers([("load", "data/raw.csv"), ("split", "data/parts/")])
    >>> producers.who("data/raw.csv"), producers.who("data/parts/1.csv"), producers.who("data/*")
    (('load',), ('split',), ('load',))
    >>> producers.who("data/"), producers.who("other.csv"), producers.alike("Data/raw.csv")
    (('split', 'load'), (), 'data/raw.csv')
    """

    def __init__(self, outputs: Iterable[tuple[str, str]]) -> None:
        self._outputs = {path.rstrip("/"): (stage, path) for stage, path in outputs}
        # With "/" at the end everything inside a folder is in one stretch of the order.
        self._order = sorted(f"{path}/" for path in self._outputs)
        self._by_folded = {folded(path): path for path in self._outputs}

    def who(self, path: str) -> tuple[str, ...]:
        """Return the stages that write a path, what it is inside of, or what is inside it.

        Parameters
        ----------
        path
            A checked path, or a glob.
        """
        found = self._of_glob(path) if is_glob(path) else self._of_path(path.rstrip("/"))
        return tuple(dict.fromkeys(self._outputs[each][0] for each in found))

    def alike(self, path: str) -> str | None:
        """Return an output that some systems take for *path*, which is written otherwise."""
        near = self._by_folded.get(folded(path.rstrip("/")))
        return None if near in (None, path.rstrip("/")) else self._outputs[str(near)][1]

    def _of_path(self, path: str) -> list[str]:
        return [*self._around(path), *self._inside(path)]

    def _of_glob(self, pattern: str) -> list[str]:
        fixed = fixed_part(pattern)
        inside = self._inside(fixed) if fixed else (each[:-1] for each in self._order)
        around = self._around(fixed) if fixed else ()
        return [*around, *(each for each in inside if self._may_match(pattern, each))]

    def _may_match(self, pattern: str, path: str) -> bool:
        if is_folder(self._outputs[path][1]):
            return may_match_in(pattern, path)
        return matches(pattern, path)

    def _around(self, path: str) -> Iterator[str]:
        """Yield the outputs that a path is, or is inside of."""
        while path:
            if path in self._outputs:
                yield path
            path = path.rpartition("/")[0]

    def _inside(self, path: str) -> Iterator[str]:
        start = bisect_left(self._order, f"{path}/")
        for place in range(start, len(self._order)):
            each = self._order[place]
            if not each.startswith(f"{path}/"):
                break
            if each != f"{path}/":
                yield each[:-1]


def _key(path: str) -> list[str]:
    return folded(path.rstrip("/")).split("/")
