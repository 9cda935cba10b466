"""What a CacheStore promises, wherever it keeps its entries."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pypedream.errors import DuplicateKey, FormatError, InvalidKey, MissingEntry
from pypedream.formats import Serializer, register
from pypedream.store import CacheStore

ODD_KEYS = [
    "a/b",
    "a/b/c",
    "März/größe",
    "日本",
    "x.artifact.json",
    "xpersist_metadata_store",
    "index.db",
    "A",
    "a",
    "with blank",
    "100%",
    "%41",
    "a~b",
    "~",
    "-",
    "a*?<>|b",
    "ü" * 200,
    "long-" + "x" * 250,
    ".hidden",
]


def test_what_is_put_is_there(store, open_store):
    """A value is found under its key, also by another store on the same place."""
    returned = store.put("foo", [1, 2, 3])

    assert returned == [1, 2, 3]
    assert open_store().get("foo") == [1, 2, 3]
    assert store["foo"] == [1, 2, 3]


def test_a_store_is_like_a_mapping(store):
    """Items are set, counted, listed and deleted as in a dict."""
    store["b"], store["a"] = 1, 2

    assert (store.keys(), list(store), len(store)) == (["a", "b"], ["a", "b"], 2)
    assert "a" in store
    assert "c" not in store
    assert 1 not in store
    del store["a"]
    assert store.keys() == ["b"]


@pytest.mark.parametrize(
    "value",
    [None, 0, "", "text\r\nü", b"", b"\x00\xff", {"a": [1, {"b": None}]}, "x" * 100_000],
    ids=lambda value: repr(value)[:12],
)
def test_values_come_back_as_they_were(store, open_store, value):
    """Small and large ones, with nothing said about how."""
    store["value"] = value

    assert open_store()["value"] == value
    assert type(open_store()["value"]) is type(value)


def test_arrays_come_back_as_they_were(store, open_store):
    """Values that do not fit into an entry are files of their own."""
    np = pytest.importorskip("numpy")
    array = np.arange(30_000.0).reshape(3, -1)

    store["array"] = array

    assert np.array_equal(open_store()["array"], array)


def test_keys_are_exact(store, open_store):
    """Keys that look like files, paths or other keys are listed as they are."""
    for number, key in enumerate(ODD_KEYS):
        store[key] = number

    assert open_store().keys() == sorted(ODD_KEYS)
    assert [open_store()[key] for key in ODD_KEYS] == list(range(len(ODD_KEYS)))


def test_a_bad_key_is_refused(store):
    """Nothing is written for a key that would leave the store."""
    with pytest.raises(InvalidKey, match=r'a part is "\.\."'):
        store.put("../x", 1)

    assert store.keys() == []


def test_an_absent_key_is_a_key_error(store):
    """The text names the nearest key."""
    store["temperature"] = 1

    with pytest.raises(KeyError, match='has no "temperatur"; did you mean "temperature"'):
        store.get("temperatur")
    with pytest.raises(MissingEntry, match='has no "x"'):
        store.get_artifact("x")
    with pytest.raises(MissingEntry, match='has no "x"'):
        del store["x"]
    with pytest.raises(MissingEntry, match='has no "x"'):
        store.delete("x")
    with pytest.raises(MissingEntry, match='has no "x"'):
        store.path("x")
    with pytest.raises(KeyError, match='has no "7"'):
        store.get(7)


def test_skip_keeps_what_is_there_and_returns_it(store):
    """The caller gets the value that is stored, not the one that is not."""
    store.put("a", "first")

    assert store.put("a", "second") == "first"
    assert store["a"] == "first"


def test_overwrite_replaces(open_store):
    """The value, its metadata and the way it was written."""
    open_store().put("a", "first", additional_metadata={"n": 1})

    assert open_store(on_duplicate_key="overwrite").put("a", [2]) == [2]

    assert open_store()["a"] == [2]
    assert open_store().get_artifact("a").additional_metadata == {}


def test_raise_error_raises(open_store):
    """A duplicate is also a ValueError, and the first value stays."""
    store = open_store(on_duplicate_key="raise_error")
    store.put("a", 1)

    with pytest.raises(DuplicateKey, match='has "a" already'):
        store.put("a", 2)
    with pytest.raises(ValueError, match='has "a" already'):
        store["a"] = 2

    assert store["a"] == 1


def test_an_unknown_policy_is_refused():
    """The text names the nearest one."""
    with pytest.raises(ValueError, match='did you mean "overwrite"'):
        CacheStore("memory://x", on_duplicate_key="overwrit")


def test_delete_is_dry_by_default(store):
    """Only dry_run=False deletes; the answer says whether it did."""
    store["a"] = 1

    assert store.delete("a") is False
    assert "a" in store
    assert store.delete("a", dry_run=False) is True
    assert "a" not in store


def test_an_artifact_tells_how_a_value_was_stored(store, open_store):
    """Serializer, arguments, metadata and time, with a time zone."""
    store.put("a", {"b": 1}, "json", {"indent": 2}, {"unit": "ppm"})

    artifact = open_store().get_artifact("a")

    assert (artifact.key, artifact.serializer) == ("a", "json")
    assert artifact.dump_kwargs == {"indent": 2}
    assert artifact.additional_metadata == {"unit": "ppm"}
    assert timedelta(0) <= datetime.now(UTC) - artifact.created_at < timedelta(minutes=1)


def test_get_needs_no_arguments(store, open_store):
    """What was said when a value was written is known when it is read."""
    store.put("a", "größe", "text", {"encoding": "utf-16"})

    assert open_store()["a"] == "größe"
    assert open_store().get_artifact("a").load_kwargs == {"encoding": "utf-16"}


def test_get_may_be_told_how(store):
    """Another serializer and other arguments read the same bytes."""
    store.put("a", "[1]", "text")

    assert store.get("a", "json") == [1]
    assert store.get("a", "auto") == "[1]"
    assert store.get("a", serializer="bytes") == b"[1]"
    store.put("b", "\xe4", "text")
    assert store.get("b", load_kwargs={"encoding": "latin-1"}) == "\xc3\xa4"


def test_metadata_must_be_json(store):
    """What JSON cannot hold is refused before anything is stored."""
    with pytest.raises(TypeError, match="additional_metadata must be what JSON can hold"):
        store.put("a", 1, additional_metadata={"x": object()})

    assert "a" not in store


def test_a_value_that_cannot_be_written_leaves_nothing(store):
    """The error names the key: the path of a copy that is gone would help nobody."""
    with pytest.raises(FormatError, match=r'^the value for "a", written as json .* of type set'):
        store.put("a", {1, 2}, "json")

    assert store.keys() == []
    assert store.put("a", 1) == 1


def test_a_value_that_cannot_be_read_stays(store):
    """The error names the key, and what it was read as."""
    store["a"] = "no number"

    with pytest.raises(FormatError, match=r'^the value for "a", read as json'):
        store.get("a", "json")

    assert store["a"] == "no number"


def test_a_returned_value_is_the_callers_own(store, open_store):
    """Changing it does not change what comes next, from memory or not."""
    np = pytest.importorskip("numpy")
    store["list"], store["array"] = [1], np.zeros(2000)

    for _ in range(3):
        store["list"].append(2)
        store["array"][:] = 7
        store.once("list", list).append(3)

    assert store["list"] == [1]
    assert store["array"].sum() == 0


def test_a_batch_stores_as_much(store, open_store):
    """What is put in a block is there afterwards, even if the block fails."""

    def fill() -> None:
        with store.batch():
            for number in range(20):
                store[f"n{number:02}"] = number
            assert store["n03"] == 3
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fill()

    assert len(open_store()) == 20


def test_once_computes_once(store):
    """The second call finds the value, even None."""
    calls: list[int] = []

    def compute() -> None:
        calls.append(1)

    assert store.once("a", compute) is None
    assert store.once("a", compute) is None
    assert len(calls) == 1


def test_a_failed_computation_stores_nothing(store):
    """The error is the caller's own, and the next call may compute."""
    with pytest.raises(ZeroDivisionError):
        store.once("a", lambda: 1 / 0)

    assert store.once("a", lambda: 2, wait_timeout=1) == 2


def test_the_path_of_a_value(store):
    """It names the place, and the file of a large value."""
    store["a"], store["large"] = 1, "x" * 9000

    assert store.path("a").startswith(store.location)
    assert "/blobs/" in store.path("large").replace("\\", "/")


def test_a_seed_call_is_a_call() -> None:
    """Names, order and defaults are those that users of xpersist know."""

    def known(function: Any) -> list[tuple[str, Any]]:
        parameters = inspect.signature(function).parameters.values()
        return [
            (each.name, each.default)
            for each in parameters
            if each.kind is each.POSITIONAL_OR_KEYWORD and each.name != "self"
        ]

    none = inspect.Parameter.empty
    assert known(CacheStore) == [
        ("path", "/tmp"),
        ("readonly", False),
        ("on_duplicate_key", "skip"),
        ("storage_options", None),
    ]
    assert known(CacheStore.get) == [("key", none), ("serializer", None), ("load_kwargs", None)]
    assert known(CacheStore.put) == [
        ("key", none),
        ("value", none),
        ("serializer", "auto"),
        ("dump_kwargs", None),
        ("additional_metadata", None),
    ]
    assert known(CacheStore.delete) == [("key", none), ("dry_run", True)]
    assert known(CacheStore.get_artifact) == [("key", none)]
    assert known(CacheStore.keys) == []


def test_what_a_serializer_of_the_users_raises_is_raised_with_a_note(store, tmp_path):
    """Its error stays what it is, and a note names the key."""

    def fail(value, path):
        raise RuntimeError("out of paper")

    register("paper", Serializer("paper", dump=fail, load=open))

    with pytest.raises(RuntimeError, match="out of paper") as caught:
        store.put("a", 1, "paper")

    assert caught.value.__notes__ == ['this is the value for "a", written as paper']
