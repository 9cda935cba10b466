"""What each stage was last run with, in files that git can track."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from pypedream.errors import StoreError
from pypedream.files.lock_names import name_of, stage_of
from pypedream.files.locks import (
    DepLock,
    Lock,
    Locks,
    OutLock,
    ParamLock,
    lock_in,
    text_of,
)

LOCK = Lock(
    "train@bert_swe",
    "0" * 64,
    code={"flow.train": "1" * 64, "flow.SCALE": "2" * 64},
    params={"rate": ParamLock("0.1"), "table": ParamLock("{...}", "3" * 64)},
    loaders={"rows": "4" * 64},
    deps={"data/x.csv": DepLock("5" * 64, 12), "raw": DepLock("6" * 64, 3, is_folder=True)},
    outs={"m.json": OutLock("7" * 64, 2, "metric", cached=False)},
)


def test_the_text_of_a_lock(tmp_path):
    """It is sorted, ends with a newline, and says nothing of the machine."""
    lock = evolve(
        LOCK, code={"b": "x", "a": "y"}, loaders={}, deps={}, params={"ö": ParamLock("é")}
    )

    assert Locks(tmp_path).write(lock)

    path = tmp_path / "locks" / "train@bert_swe.json"
    assert path.read_text(encoding="utf-8") == dedent("""\
        {
          "code": {
            "a": "y",
            "b": "x"
          },
          "deps": {},
          "key": "0000000000000000000000000000000000000000000000000000000000000000",
          "loaders": {},
          "outs": {
            "m.json": {
              "cached": false,
              "kind": "metric",
              "sha256": "7777777777777777777777777777777777777777777777777777777777777777",
              "size": 2
            }
          },
          "params": {
            "ö": {
              "shown": "é"
            }
          },
          "stage": "train@bert_swe",
          "version": 1
        }
        """)
    assert os.listdir(tmp_path / "locks") == ["train@bert_swe.json"]


def test_a_lock_that_says_nothing_new(tmp_path):
    """It is not written, also if git has changed the ends of its lines."""
    locks = Locks(tmp_path)
    locks.write(LOCK)
    path = locks.path(LOCK.stage)
    for data in (path.read_bytes(), path.read_bytes().replace(b"\n", b"\r\n")):
        path.write_bytes(data)
        os.utime(path, (1, 1))

        assert not locks.write(evolve(LOCK, code=dict(reversed(LOCK.code.items()))))
        assert path.stat().st_mtime == 1
        assert locks.read(LOCK.stage) == LOCK
    assert locks.write(evolve(LOCK, key="1" * 64))


texts = st.text(max_size=8)
numbers = st.integers(0, 2**70)
parts = {
    "code": st.dictionaries(texts, texts, max_size=3),
    "params": st.dictionaries(texts, st.builds(ParamLock, texts, texts), max_size=3),
    "loaders": st.dictionaries(texts, texts, max_size=3),
    "deps": st.dictionaries(texts, st.builds(DepLock, texts, numbers, st.booleans()), max_size=3),
    "outs": st.dictionaries(
        texts, st.builds(OutLock, texts, numbers, texts, st.booleans(), st.booleans()), max_size=3
    ),
}


@given(st.builds(Lock, texts, texts, **parts))
def test_a_lock_that_was_written_can_be_read(lock):
    """Whatever is in it comes back, in a text that depends on nothing else."""
    assert lock_in(text_of(lock)) == lock
    assert text_of(lock_in(text_of(lock))) == text_of(lock)


@given(st.builds(Lock, texts, texts, **parts))
def test_a_lock_is_written_as_json_writes_it(lock):
    """Sorted, with an indentation of two, and with letters of every language as they are."""
    text = text_of(lock).decode("utf-8", "surrogatepass")

    again = json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
    assert text == f"{again}\n"


odd = st.text(st.sampled_from("aAbB.%@/\\ ~:*é\u0301ßcon1\0\n\ud800"), min_size=1, max_size=8)
names = st.one_of(odd, st.text(min_size=1, max_size=100), st.sampled_from(["con", "NUL.x", "aux"]))


@given(names, names)
def test_the_names_of_files(one, other):
    """Each is safe everywhere and leads back to its stage; no two differ by capitals only."""
    name = name_of(one)

    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.@=+%~ABCDEF")
    assert not name.startswith(".")
    assert name.partition(".")[0] not in ("con", "nul", "aux", "prn", "com1", "lpt1")
    assert len(name) <= 180
    assert stage_of(name) == one or name.startswith("~")
    if one != other:
        assert name.lower() != name_of(other).lower()


@given(st.sets(names, max_size=6))
def test_all_locks(stages):
    """They come by stage, in order, whatever the stages are called."""
    with TemporaryDirectory() as folder:
        locks = Locks(folder)
        for stage in stages:
            locks.write(Lock(stage, "0"))

        assert list(locks.all()) == sorted(stages)
        assert all(locks.read(stage) == Lock(stage, "0") for stage in stages)
        assert {path.name for path in Path(folder).iterdir()} == ({"locks"} if stages else set())


def test_a_stage_without_a_lock(tmp_path):
    """There is none, and to look makes nothing."""
    locks = Locks(tmp_path / "none")

    assert locks.read("a") is None
    assert locks.all() == {}
    assert not locks.remove("a")
    assert os.listdir(tmp_path) == []


def test_a_lock_is_removed(tmp_path):
    """Then there is none."""
    locks = Locks(tmp_path)
    locks.write(LOCK)

    assert locks.remove(LOCK.stage)
    assert locks.all() == {}


def test_a_folder_in_the_place_of_a_lock_is_told_once(tmp_path):
    """It can be neither read nor replaced."""
    locks = Locks(tmp_path)
    locks.path(LOCK.stage).mkdir(parents=True)

    with pytest.raises(StoreError, match=r"^cannot read .*\.json: Is a directory$"):
        locks.write(LOCK)


CONFLICT = 'keep one side of it, or delete the file: "repro" writes it anew'
FIX = 'take it from git, or delete it: "repro" writes it anew'


def damaged(change):
    document = json.loads(text_of(LOCK))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "text, message",
    [
        (text_of(LOCK)[:99], f"is damaged in line 3: {FIX}"),
        (b"[]", f"is damaged: {FIX}"),
        (b"\xff{}", f"is damaged: {FIX}"),
        (damaged(lambda lock: lock.pop("key")), f"is damaged: {FIX}"),
        (damaged(lambda lock: lock.update(key=3)), f"is damaged: {FIX}"),
        (damaged(lambda lock: lock["deps"].update(x=1)), f"is damaged: {FIX}"),
        (damaged(lambda lock: lock["outs"]["m.json"].update(size="2")), f"is damaged: {FIX}"),
        (damaged(lambda lock: lock["outs"]["m.json"].pop("sha256")), f"is damaged: {FIX}"),
        (
            damaged(lambda lock: lock.update(stage="b")),
            f'is of the stage "b", not of "train@bert_swe": {FIX}',
        ),
        (
            damaged(lambda lock: lock.update(version=2)),
            "was written by a later pypedream: update pypedream",
        ),
        (
            text_of(LOCK).replace(b'  "deps"', b'<<<<<<< HEAD\n  "deps"'),
            f"has a conflict of git in it: {CONFLICT}",
        ),
    ],
)
def test_a_lock_that_cannot_be_read(tmp_path, text, message):
    """One clear line names the file and the fix."""
    locks = Locks(tmp_path)
    locks.write(LOCK)
    path = locks.path(LOCK.stage)
    path.write_bytes(text)

    with pytest.raises(StoreError) as caught:
        locks.read(LOCK.stage)

    assert str(caught.value) == f"{path} {message}"


def test_all_locks_that_cannot_be_read(tmp_path):
    """Each is named, and what is no lock is left alone."""
    locks = Locks(tmp_path)
    for stage in ("a", "b", "c"):
        locks.write(Lock(stage, "0"))
    locks.path("a").write_text("{")
    locks.path("c").rename(locks.path("d"))
    (tmp_path / "locks" / "README.md").touch()
    (tmp_path / "locks" / ".tmp-1.json").touch()

    with pytest.raises(StoreError) as caught:
        locks.all()

    first, second = str(caught.value).splitlines()
    assert first == f"{locks.path('a')} is damaged in line 1: {FIX}"
    assert second == f'{locks.path("d")} is of the stage "c" by what is in it: {FIX}'


@pytest.mark.parametrize("text", [b"", b"\0" * 300], ids=["empty", "zeros"])
def test_a_lock_that_was_being_written_when_power_was_lost(tmp_path, text):
    """It counts as none: the stage runs again."""
    locks = Locks(tmp_path)
    locks.write(LOCK)
    locks.path(LOCK.stage).write_bytes(text)

    assert locks.read(LOCK.stage) is None
    assert locks.all() == {}


def test_what_a_later_version_adds(tmp_path):
    """As long as its number is the same, what is not known here is left out."""
    later = damaged(lambda lock: (lock.update(new=1), lock["outs"]["m.json"].update(new=1)))

    assert lock_in(later) == LOCK
