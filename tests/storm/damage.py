"""Damage: files of a workspace are changed, cut or removed, and the next run has to cope."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.storm.kills import undisturbed
from tests.storm.lives import History

JUNK: tuple[Any, ...] = (None, True, -1, 1e300, "", "x", [], [1], {}, {"a": {}}, "\x00", "../..")
Damage = Callable[[Path, Random], None]


def flip(path: Path, chance: Random) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    rewrite(path, bytes(data))


def overwrite(path: Path, chance: Random) -> None:
    """Put other bytes in place of some."""
    data = path.read_bytes()
    start = chance.randrange(len(data) + 1)
    size = chance.choice((1, 16, 512, 4096))
    rewrite(
        path,
        data[:start] + chance.randbytes(len(data[start : start + size])) + data[start + size :],
    )


def cut(path: Path, chance: Random) -> None:
    """Keep only the beginning."""
    rewrite(path, path.read_bytes()[: chance.randrange(path.stat().st_size + 1)])


def empty(path: Path, chance: Random) -> None:
    """Keep nothing but the file."""
    rewrite(path, b"")


def fill(path: Path, chance: Random) -> None:
    """Put zeros in place of all."""
    rewrite(path, bytes(path.stat().st_size))


def remove(path: Path, chance: Random) -> None:
    """Remove the file."""
    path.unlink()


def replace(path: Path, chance: Random) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


def misuse(path: Path, chance: Random) -> None:
    """Put another value in place of one of those in a file of JSON."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    number = chance.randrange(len(lines))
    document = json.loads(lines[number])
    place, name = chance.choice(list(_places(document)))
    place[name] = chance.choice(JUNK)
    lines[number] = json.dumps(document)
    rewrite(path, "\n".join([*lines, ""]).encode())


def rewrite(path: Path, data: bytes) -> None:
    """Write a file that may not be written."""
    path.chmod(0o600)
    path.write_bytes(data)


BYTES = (flip, overwrite, cut, empty, fill, remove, replace)
KINDS: tuple[tuple[str, str, tuple[Damage, ...]], ...] = (
    ("blobs", "store/blobs/*/*", (flip, cut, empty, remove, replace)),
    ("index", "store/index.db*", BYTES),
    ("run.json", "runs/*/run.json", (*BYTES, misuse)),
    ("journal", "runs/*/journal.jsonl", (*BYTES, misuse)),
    ("results", "runs/*/results.jsonl", (*BYTES, misuse)),
    ("log", "runs/*/logs.jsonl", (*BYTES, misuse)),
)
FOLDERS = ("store", "store/blobs", "store/staging", "store/quarantine", "runs")


def damage(times: int, seed: int) -> Counter[str]:
    """Damage each kind of file so many times, and let a process resume or run."""
    chance, counts = Random(seed), Counter[str]()
    with TemporaryDirectory(prefix="storm-") as name:
        values, _ = undisturbed(Path(name, "undisturbed"))
        whole = Path(name, "whole")
        _make(whole)
        for what, act in _all(times, chance):
            history = History(Path(name, "damaged"), mode=chance.choice(("resume", "cached")))
            shutil.copytree(whole, history.folder)
            before = chance.getstate()
            detail = act(history.workspace)
            _see(history, f"{what} {detail}", values, counts)
            counts[what] += 1
            shutil.rmtree(history.folder)
            chance.setstate(before)
            chance.random()
    return counts


def _make(folder: Path) -> None:
    """Make a workspace in which all stages but some are done, with a log of the index."""
    from tests.storm.kills import at_stage

    history = History(folder)
    history.folder.mkdir()
    history.live(at_stage(history.folder, "waiting"))
    assert history.violations == []


def _all(times: int, chance: Random) -> Iterator[tuple[str, Callable[[Path], str]]]:
    for what, pattern, damages in KINDS:
        for _ in range(times):
            yield what, lambda path, p=pattern, d=damages: _damage_one(path, p, d, chance)
    for name in FOLDERS:
        yield "folders", lambda path, name=name: _put_file(path / name)


def _damage_one(workspace: Path, pattern: str, damages: tuple[Damage, ...], chance: Random) -> str:
    path = chance.choice(sorted(workspace.glob(pattern)))
    act = chance.choice(damages)
    act(path, chance)
    return f"{act.__name__} {path.name}"


def _put_file(folder: Path) -> str:
    shutil.rmtree(folder)
    folder.write_text("in the way")
    return folder.name


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    names = list(document) if isinstance(document, dict) else range(len(document))
    for name in names:
        yield document, name
        if isinstance(document[name], (dict, list)):
            yield from _places(document[name])


def _see(history: History, what: str, values: dict[str, str], counts: Counter[str]) -> None:
    life = history.live(is_damaged=True)
    said = life.said
    if "error" in said:
        counts["ended with one line"] += 1
        if not said["is_ours"] or said["error"].count("\n") > said["error"].startswith("PlanError"):
            _wrong("errors that are no clear line", f"{what}: {said['trace']}", counts, history)
    elif not said:
        _wrong("wrong ends", f"{what}: the process died", counts, history)
    elif said["values"] != values:
        _wrong("wrong values", what, counts, history)
    else:
        counts["ended with the right values"] += 1


def _wrong(what: str, detail: str, counts: Counter[str], history: History) -> None:
    counts[what] += 1
    print(f"{what}: {history.mode}: {detail}", flush=True)
