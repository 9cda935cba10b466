"""The nearest right name: what a mistyped name was probably meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMES = 10
_SHORTEST_START = 3
_ALIKE = 0.5


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that *name* most resembles, or None.

    Case is ignored, and so is the difference between ``-``, ``.``, blank and ``_``.

    Examples
    --------
    >>> nearest("lod", ["load", "clean"])
    'load'
    >>> nearest("Source-1", ["source_1", "source_2"])
    'source_1'
    >>> nearest("gpus", ["cpus_per_task", "gpus_per_node"])
    'gpus_per_node'
    >>> nearest("xyz", ["load", "clean"]) is None
    True
    """
    from difflib import get_close_matches  # 1 ms: only wanted when something is wrong

    by_plain = {_plain(candidate): candidate for candidate in candidates}
    plain = _plain(name)
    close = get_close_matches(plain, by_plain, n=1, cutoff=0.6)
    if not close and len(plain) >= _SHORTEST_START:
        close = [candidate for candidate in by_plain if candidate.startswith(f"{plain}_")]
    return by_plain[close[0]] if close else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest candidate, or "".

    Examples
    --------
    >>> 'no stage "lod"' + did_you_mean("lod", ["load"])
    'no stage "lod"; did you mean "load"?'
    """
    near = nearest(name, candidates)
    return f'; did you mean "{near}"?' if near is not None else ""


def did_you_mean_file(name: str, files: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest file, or ""; all may end alike.

    Examples
    --------
    >>> did_you_mean_file("row.json", ["rows.json", "metrics.json"])
    '; did you mean "rows.json"?'
    >>> did_you_mean_file("rows.json", ["metrics.json"])
    ''
    """
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, "", _stem(name))
    alike = []
    for each in files:
        matcher.set_seq1(_stem(each))
        if matcher.ratio() >= _ALIKE:
            alike.append(each)
    return did_you_mean(name, alike)


def there_are(names: Iterable[str]) -> str:
    """Return what there is to choose from, in a few words.

    Examples
    --------
    >>> there_are(["load", "clean"]), there_are(["load"]), there_are([])
    ('there are load, clean', 'there is only load', 'there is none')
    """
    listed = list(names)
    if not listed:
        return "there is none"
    more = ", ..." if len(listed) > _MOST_NAMES else ""
    verb = "there is only" if len(listed) == 1 else "there are"
    return f"{verb} {', '.join(listed[:_MOST_NAMES])}{more}"


def _stem(file: str) -> str:
    return file.lower().lstrip(".").partition(".")[0]


def _plain(name: str) -> str:
    return "".join("_" if letter in "-. " else letter for letter in name.lower())
