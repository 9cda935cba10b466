"""The promises of a place for entries that users do not see: races, leases, damage."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep, time

import pytest

from pypedream.errors import CorruptEntry
from pypedream.store import CacheStore, CorruptEntryWarning, claims
from pypedream.store.backend import Lease
from pypedream.store.claims import claim_free
from pypedream.store.owner import Owner, this_process


def lease(token: str, *, owner: Owner | None = None, lasts_s: float = 30) -> Lease:
    return Lease(token, owner or this_process(), time() + lasts_s)


def gone() -> Owner:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return Owner(this_process().host, process.pid, "1")


def damage(store, key, how):
    """Change what is stored under *key* behind the store's back."""
    backend = store.backend
    entry = backend.find(key)
    if backend.is_local:
        blob = backend.blob(entry)
        blob.chmod(0o600)
        content = how(blob.read_bytes())
        blob.unlink() if content is None else blob.write_bytes(content)
        return
    path = backend._blob(entry.digest)
    content = how(backend._fs.cat_file(path))
    backend._fs.rm_file(path)
    if content is not None:
        backend._fs.pipe_file(path, content)


DAMAGES = {
    "changed": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "truncated": lambda content: content[:-1],
    "missing": lambda content: None,
}


@pytest.mark.parametrize("size", [9_000, 2_000_000], ids=["small", "large"])
@pytest.mark.parametrize("reason", DAMAGES)
def test_damage_is_a_miss(store, open_store, reason, size):
    """No wrong value comes back; the entry is set aside, and can be stored again."""
    store["a"] = "x" * size
    damage(store, "a", DAMAGES[reason])
    seen = []
    other = open_store(on_corrupt=lambda entry, why: seen.append((entry.key, why)))

    with pytest.raises(KeyError, match='has no "a"'):
        other.get("a")

    assert seen == [("a", reason)]
    assert other.keys() == []
    assert other.put("a", "y" * size) == "y" * size
    assert open_store()["a"] == "y" * size


def test_damage_is_reported_by_a_warning(store, open_store):
    """Unless the user has another place for it."""
    store["a"] = "x" * 9000
    damage(store, "a", DAMAGES["changed"])

    with pytest.warns(CorruptEntryWarning, match='stored value of "a" is changed'):
        assert open_store().once("a", lambda: "new") == "new"


def test_a_damaged_value_is_put_again(store, open_store):
    """For "skip" it does not count as being there."""
    store["a"] = "x" * 9000
    damage(store, "a", DAMAGES["truncated"])

    with pytest.warns(CorruptEntryWarning):
        assert open_store().put("a", "new") == "new"


def test_verify_tells_of_every_entry(store):
    """What is whole, what is missing and what is damaged; nothing is changed."""
    for name in ("changed", "missing", "truncated", "whole"):
        store[name] = name * 3000
    store["small"] = 1
    for name, how in DAMAGES.items():
        damage(store, name, how)

    assert [(one.key, one.state) for one in store.verify()] == [
        ("changed", "corrupt"),
        ("missing", "missing"),
        ("small", "ok"),
        ("truncated", "corrupt"),
        ("whole", "ok"),
    ]
    assert len(store) == 5


def damage_entry(store, key):
    backend = store.backend
    if backend.is_local:
        backend.index.write(
            lambda index: index.execute("UPDATE entries SET serializer = 'x' WHERE key = ?", (key,))
        )
    else:
        path = backend._entry_path(key)
        backend._fs.pipe_file(path, backend._fs.cat_file(path)[:-20])


def test_a_damaged_entry_is_an_error_that_names_the_file(store, open_store):
    """It is in the store, listed, reported, and can be deleted or put again."""
    store["a"], store["b"] = 1, 2
    damage_entry(store, "a")
    damage_entry(store, "b")
    other = open_store()

    with pytest.raises(CorruptEntry, match=r'"a" is damaged in .*(index.db|a.json)') as caught:
        other.get("a")
    with pytest.raises(CorruptEntry, match='"a" is damaged'):
        other.get_artifact("a")

    assert caught.value.file.startswith(other.location)
    assert "a" in other
    assert other.keys() == ["a", "b"]
    assert [one.state for one in other.verify()] == ["corrupt", "corrupt"]
    assert other.put("a", 3) == 3
    assert other.once("b", lambda: 4) == 4
    assert other["a"] == 3


def test_sixteen_who_create_one_key_have_one_winner(open_store):
    """All of them return the value that is stored."""
    stores = [open_store() for _ in range(16)]
    ready = threading.Barrier(16)

    def put(number: int) -> int:
        ready.wait()
        result: int = stores[number].put("a", number)
        return result

    with ThreadPoolExecutor(16) as pool:
        returned = list(pool.map(put, range(16)))

    assert set(returned) == {open_store()["a"]}


def test_sixteen_who_take_one_lease_have_one_winner(open_store):
    """Free, or left by a process that is gone."""
    backends = [open_store().backend for _ in range(16)]
    ready = threading.Barrier(16)

    def take(number: int, instead_of: Lease | None) -> bool:
        ready.wait()
        return backends[number % 16].take("a", lease(f"{number}"), instead_of)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(16), [None] * 16)) == 1
        there = backends[0].lease("a")
        assert sum(pool.map(take, range(16, 32), [there] * 16)) == 1
        assert int(backends[0].lease("a").token) >= 16


def test_a_lease_is_renewed_and_released_by_its_token_only(store):
    """Whoever lost it changes nothing."""
    backend = store.backend
    ours = lease("ours", lasts_s=1)
    assert backend.take("a/b", ours, None)

    backend.release("a/b", "theirs")
    backend.renew("a/b", lease("theirs", lasts_s=99))
    assert backend.leases() == [ours]
    longer = lease("ours", lasts_s=99)
    backend.renew("a/b", longer)
    assert backend.lease("a/b") == longer
    backend.release("a/b", "ours")

    assert backend.lease("a/b") is None
    assert backend.leases() == []


def test_several_leases_are_taken_renewed_and_given_back_together(store):
    """Those that somebody else has are left alone."""
    backend, theirs = store.backend, lease("theirs")
    backend.take("b", theirs, None)

    assert backend.take_free(["a", "b", "c"], lease("ours")) == {"a", "c"}
    longer = lease("ours", lasts_s=99)
    backend.renew_all(["a", "c"], longer)
    assert [backend.lease(name) for name in "abc"] == [longer, theirs, longer]
    backend.release_all(["a", "c"], "ours")

    assert backend.leases() == [theirs]


@pytest.mark.parametrize(
    "left",
    [lambda: lease("x", owner=gone()), lambda: lease("x", lasts_s=-1)],
    ids=["gone", "expired"],
)
def test_a_lease_that_nobody_holds_is_taken_over(store, left):
    """At once, if its process is gone or its time is over."""
    store.backend.take("a", left(), None)
    start = monotonic()

    assert store.once("a", lambda: 1) == 1

    assert monotonic() - start < 2


def test_what_is_free_can_be_claimed_without_waiting(store):
    """What somebody works at is left to him; what nobody works at any more is not."""
    store.backend.take("theirs", lease("x", owner=Owner("another machine", 1, "")), None)
    store.backend.take("left", lease("y", owner=gone()), None)

    with claim_free(store.backend, ["a", "theirs", "left"]) as held:
        assert held == {"a", "left"}
        with claim_free(store.backend, ["a", "b"]) as others:
            assert others == {"b"}

    assert [each.token for each in store.backend.leases()] == ["x"]


def test_claims_of_a_long_computation_are_renewed_together(folder, monkeypatch):
    """As long as it lasts, and no longer."""
    store = CacheStore(folder)
    monkeypatch.setattr(claims, "_RENEWED_AFTER_S", 0.0)

    with claim_free(store.backend, ["a", "b"]):
        before = [store.backend.lease(name).until for name in "ab"]
        sleep(2.5)
        after = [store.backend.lease(name).until for name in "ab"]

    assert all(late > early for early, late in zip(before, after, strict=True))
    assert store.backend.leases() == []


def test_waiting_is_bounded(store):
    """Who does not want to wait longer computes as well."""
    store.backend.take("a", lease("x", owner=Owner("another machine", 1, "")), None)
    start = monotonic()

    assert store.once("a", lambda: 1, wait_timeout=0.2) == 1

    assert 0.2 <= monotonic() - start < 5


def test_eight_threads_compute_once(open_store):
    """The others wait, and get the same value."""
    stores = [open_store() for _ in range(8)]
    calls = []

    def compute() -> int:
        calls.append(1)
        sleep(0.1)
        return len(calls)

    with ThreadPoolExecutor(8) as pool:
        returned = list(pool.map(lambda each: each.once("a", compute), stores))

    assert returned == [1] * 8
    assert stores[0].backend.leases() == []


def test_gc_deletes_what_was_not_used_for_longest(store, open_store):
    """By size, by age, and never the last few."""
    for name in "abcd":
        store[name] = name * 10_000
        sleep(0.002)
    store.backend.touch(store.backend.find("a"), time() + 10)

    assert store.gc(max_size=25_000, dry_run=True).keys == ("b", "c")
    assert store.gc(keep_last=1, dry_run=True).keys == ("b", "c", "d")
    assert store.gc(max_age=0, keep_last=3, dry_run=True).keys == ("b",)
    assert store.gc(max_age=3600, dry_run=True).keys == ()
    assert len(store) == 4
    pruned = store.gc(max_size=25_000)

    assert (pruned.keys, pruned.kept) == (("b", "c"), 2)
    assert pruned.freed_bytes >= 20_000
    assert open_store().keys() == ["a", "d"]
    assert open_store()["a"] == "a" * 10_000


def test_gc_waits_for_nobody(store):
    """While somebody computes, it says so and deletes nothing."""
    store["a"] = 1
    with store.claim("b"), pytest.raises(OSError, match="is being written to by process"):
        store.gc(keep_last=0)

    assert store.keys() == ["a"]
    assert store.gc(keep_last=0).keys == ("a",)
    with pytest.raises(ValueError, match="max_size=-1 is negative"):
        store.gc(max_size=-1)


def test_use_is_recorded_at_most_hourly(store, monkeypatch):
    """Reading again and again writes nothing; reading much later does."""

    def used_after_reading(later_s: float) -> float:
        monkeypatch.setattr("pypedream.store.opened.time", lambda: begun + later_s)
        assert store["a"] == 1
        (entry,) = store.backend.scan()
        used: float = entry.used
        return used - begun

    store["a"] = 1
    begun = time()

    assert used_after_reading(3000) < 1
    assert used_after_reading(4000) == pytest.approx(4000)
    assert used_after_reading(7000) == pytest.approx(4000)
    assert used_after_reading(9000) == pytest.approx(9000)


def test_many_entries_at_once(store):
    """Those that there are, more than fit into one query as well."""
    with store.batch():
        for number in range(3):
            store[f"k{number}"] = number
    wanted = [f"k{number}" for number in range(1200)] if store.backend.is_local else ["k2", "k0"]

    found = store.backend.find_many([*wanted, "k0"])

    assert found == {key: store.backend.find(key) for key in wanted if key in store}
    assert len(found) in (2, 3)
    assert store.backend.find_many([]) == {}


def test_many_values_at_once(store):
    """In the order of the keys; what is not there or damaged is left out."""
    store["a"], store["b"], store["large"], store["none"] = 1, "two", "x" * 9000, None
    store["damaged"] = "y" * 9000
    damage(store, "damaged", DAMAGES["changed"])

    with pytest.warns(CorruptEntryWarning, match="damaged"):
        found = store.get_many(["none", "b", "damaged", "nothing", "a", "large", "a"])

    assert list(found.items()) == [("none", None), ("b", "two"), ("a", 1), ("large", "x" * 9000)]
    assert "damaged" not in store


def test_what_was_read_is_looked_for_again(store, open_store):
    """However often it was read before, a change of anybody's is seen at once."""
    other = open_store(on_duplicate_key="overwrite")
    other["a"], other["b"] = 1, 2
    for _ in range(3):
        assert (store["a"], store.get_many(["a", "b"])) == (1, {"a": 1, "b": 2})

    other["a"] = 3
    assert (store["a"], store.get_many(["a"])) == (3, {"a": 3})
    other.delete("a", dry_run=False)
    assert (store.get_many(["a", "b"]), "a" in store) == ({"b": 2}, False)
    for _ in range(3):
        assert store["b"] == 2
    store.delete("b", dry_run=False)
    assert "b" not in store
    store["b"] = 4
    assert (store["b"], other["b"]) == (4, 4)
