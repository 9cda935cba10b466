from __future__ import annotations

import os
import signal
import sqlite3
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pypedream.errors import StoreError
from pypedream.store import CacheStore
from pypedream.store.disk import Staging
from pypedream.store.index import _is_on_network
from pypedream.store.location import folder_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


def modes(root: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}


@posix
def test_a_folder_is_for_its_owner(folder):
    """Folders 0700, files 0600, and blobs that nobody writes to again."""
    store = CacheStore(folder)
    store["a"], store["large"] = 1, "x" * 20_000

    assert modes(folder) <= {0o600, 0o444}
    assert all(
        stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in [folder, *folder.rglob("*")]
        if path.is_dir()
    )


@posix
def test_no_file_has_more_rights_than_the_umask_leaves(folder):
    """The umask holds for blobs as well."""
    before = os.umask(0o077)
    try:
        CacheStore(folder)["large"] = "x" * 20_000
    finally:
        os.umask(before)

    assert modes(folder) <= {0o600, 0o400}


@posix
def test_a_shared_folder_is_for_a_group(folder):
    """Who asks for it gets it, whatever his umask."""
    store = CacheStore(folder, shared=True)
    store["large"] = "x" * 20_000

    assert stat.S_IMODE(folder.stat().st_mode) == 0o2775
    for name in ("index.db", "index.lock", "index.db-wal"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o664


@posix
def test_the_default_is_a_folder_of_ones_own_among_temporary_files(tmp_path, monkeypatch):
    """A folder that everybody writes to holds a private one."""
    everybodys = tmp_path / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    monkeypatch.setattr("tempfile.tempdir", str(everybodys))

    own = everybodys / f"pypedream-{os.getuid()}"
    assert folder_of("/tmp") == own
    assert folder_of(tmp_path) == tmp_path
    if os.geteuid() == 0:  # somebody else was there first
        own.mkdir()
        os.chown(own, 12345, -1)
        with pytest.raises(StoreError, match="belongs to another user"):
            CacheStore()


def test_a_blob_is_never_a_hard_link(folder):
    """Nobody has another name for it."""
    store = CacheStore(folder)
    store["large"] = "x" * 20_000

    assert Path(store.path("large")).stat().st_nlink == 1


def test_equal_contents_are_kept_once(folder):
    """And as long as one key needs them."""
    store = CacheStore(folder)
    store["a"] = store["b"] = "x" * 20_000
    assert store.path("a") == store.path("b")

    del store["a"]
    assert store["b"] == "x" * 20_000
    del store["b"]

    assert list(folder.glob("blobs/*/*")) == []


def test_an_overwritten_blob_goes(folder):
    """What no key names takes no room."""
    store = CacheStore(folder, on_duplicate_key="overwrite")
    store["a"] = "x" * 20_000
    store["a"] = "y" * 20_000

    assert len(list(folder.glob("blobs/*/*"))) == 1


DAMAGES = {
    "garbage": lambda path: path.write_bytes(b"garbage" * 5000),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "middle": lambda path: path.write_bytes(
        path.read_bytes()[:4096] + b"\xff" * 8192 + path.read_bytes()[12288:]
    ),
    "empty": lambda path: path.write_bytes(b""),
    "header": lambda path: path.write_bytes(b"\0" * 100 + path.read_bytes()[100:]),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_index_is_set_aside(folder, how):
    """A new one is begun; nothing raises and no wrong value comes back."""
    store = CacheStore(folder)
    for number in range(50):
        store[f"k{number}"] = f"{number}" * 1000
    store.close()
    DAMAGES[how](folder / "index.db")

    other = CacheStore(folder, on_duplicate_key="overwrite")
    for number in range(50):
        value = other.once(f"k{number}", lambda number=number: f"{number}" * 1000)
        assert value == f"{number}" * 1000
        other.put(f"k{number}", "new")

    assert other["k7"] == "new"
    assert len(other) == 50
    if how != "empty":
        assert list(folder.glob("index.db.damaged-*"))


def test_an_index_that_is_damaged_while_it_is_open(folder):
    """The same process goes on with a new one."""
    store = CacheStore(folder)
    store["a"] = 1
    store.backend.index.write(lambda index: index.execute("DROP TABLE entries"))

    assert store.put("b", 2) == 2
    assert store.keys() == ["b"]
    assert list(folder.glob("index.db.damaged-*"))


def test_a_folder_that_is_deleted_while_it_is_open(folder):
    """Values are stored in the new one, not in what has no name any more."""
    import shutil

    store = CacheStore(folder)
    store["a"] = 1
    shutil.rmtree(folder)
    CacheStore(folder)

    assert store.put("b", 2) == 2
    assert CacheStore(folder).keys() == ["b"]


def test_a_flipped_bit_in_the_index_is_no_wrong_value(folder):
    """Each entry has a checksum of its own."""
    store = CacheStore(folder)
    store["a"] = "abcdefgh" * 100
    store.close()
    index = folder / "index.db"
    whole = index.read_bytes()
    first = whole.index(b"abcdefgh")
    for place in [*range(first - 250, first, 3), first + 5, first + 700]:
        index.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        other = CacheStore(folder, on_corrupt=lambda *_: None)
        try:
            value = other.get("a")
        except (KeyError, StoreError):
            value = None
        other.close()
        assert value in (None, "abcdefgh" * 100)
        index.write_bytes(whole)


def test_a_place_that_cannot_be_a_store(tmp_path):
    """One line with the place and the reason."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(StoreError, match=r"cannot write the store .*file"):
        CacheStore(tmp_path / "file")


@pytest.mark.parametrize(
    "kind, is_network",
    [("ext4", False), ("nfs4", True), ("cifs", True), ("lustre", True)],
)
def test_network_file_systems_are_known(tmp_path, kind, is_network):
    """The innermost mount decides; there, the index has a rollback journal."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"none / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n", encoding="utf-8")

    assert _is_on_network(tmp_path / "store/index.db", str(mounts)) is is_network


def test_the_index_has_a_write_ahead_log(folder):
    """Readers do not wait for writers."""
    CacheStore(folder)["a"] = 1

    with sqlite3.connect(folder / "index.db") as index:
        assert index.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    index.close()


def test_a_forked_child_uses_the_store(folder):
    """It opens the index for itself, and its parent goes on."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    store = CacheStore(folder)
    store["a"] = 1

    child = os.fork()
    if child == 0:
        store["b"] = store["a"] + 1
        os._exit(0)
    os.waitpid(child, 0)

    assert store["b"] == 2
    assert store.put("c", 3) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_does_not_wait_for_a_thread_of_its_parent(folder):
    """The thread that was just at work does not exist in it."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    store = CacheStore(folder)
    store["a"] = 1
    held, over = threading.Event(), threading.Event()

    def work(_: sqlite3.Connection) -> None:
        held.set()
        over.wait(10)

    thread = threading.Thread(target=lambda: store.backend.index.read(work, None))
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        store["b"] = store["a"] + 1
        os._exit(0)
    _, status = os.waitpid(child, 0)
    over.set()
    thread.join()

    assert status == 0
    assert store["b"] == 2


def test_a_batch_that_overwrites_leaves_no_blobs(folder):
    """They go when the batch is over."""
    store = CacheStore(folder, on_duplicate_key="overwrite")
    with store.batch():
        for letter in "abc":
            store["a"] = letter * 20_000
            assert store["a"] == letter * 20_000

    assert len(list(folder.glob("blobs/*/*"))) == 1


def test_others_see_a_claim_that_is_made_in_a_batch(folder):
    """A lease does not wait for the end of the batch, nor does it lose what was put before."""
    store, other = CacheStore(folder), CacheStore(folder)
    with store.batch():
        store["a"] = 1
        with store.claim("b"):
            assert other.backend.lease("b") is not None
            assert other["a"] == 1
        assert store.once("c", lambda: 3) == 3

    assert other.keys() == ["a", "c"]


def test_a_claim_that_is_given_back_in_a_batch(folder):
    """Who waited for it finds what was kept with it, before the batch ends and not sooner."""
    store, other = CacheStore(folder), CacheStore(folder)
    with (claim := store.claim("a")) as is_ours:
        assert is_ours
        with store.batch():
            store["a"] = 1
            assert "a" not in other
            claim.release()
            assert other["a"] == 1
            with other.claim("a", wait_timeout=0) as is_free:
                assert is_free
        claim.release()  # once more, as the block does: nothing is left to be given back
    assert store.backend.leases() == []


def test_a_full_disk_in_a_batch(folder):
    """What was put before is there, and the store can be used afterwards."""
    store = CacheStore(folder)
    store["a"] = 1
    pages = store.backend.index.read(lambda i: i.execute("PRAGMA page_count").fetchone()[0], 0)
    store.backend.index.read(lambda i: i.execute(f"PRAGMA max_page_count={pages + 5}"), None)

    def fill() -> None:
        with store.batch():
            for number in range(1000):
                store[f"k{number}"] = "x" * 5000

    with pytest.raises(StoreError, match="full"):
        fill()

    assert store["a"] == 1
    store.close()
    assert CacheStore(folder).put("b", 2) == 2


def test_what_is_read_in_a_batch_that_fails_is_not_remembered(folder):
    """The disk is full when the batch is committed: what was in it is gone, also for its reader."""
    store = CacheStore(folder)
    store["a"] = 1
    fails = sqlite3.OperationalError("disk is full")

    def end() -> None:
        with store.batch():
            store["b"] = 2
            assert [store["b"], store["b"], store["b"]] == [2, 2, 2]
            connection = store.backend.index._connection
            store.backend.index._connection = Failing(connection, fails)

    with pytest.raises(StoreError, match="disk is full"):
        end()

    assert "b" not in store
    assert store["a"] == 1


class Failing:
    """A connection that cannot commit once."""

    def __init__(self, connection, error):
        self.connection, self.error = connection, error

    def execute(self, query, *values):
        if query == "COMMIT" and self.error is not None:
            error, self.error = self.error, None
            raise error
        return self.connection.execute(query, *values)

    def __getattr__(self, name):
        return getattr(self.connection, name)


def test_a_changed_inline_content_is_compared_again(folder):
    """That the digest is known does not make the bytes of an entry right."""
    from attrs import evolve

    store = CacheStore(folder, on_corrupt=lambda *_: None)
    store["a"] = "content"
    assert store["a"] == "content"
    entry = store.backend.find("a")
    store.backend.add(evolve(entry, key="b", inline=b"Content"), None, replace=True)

    assert store.get_many(["a", "b"]) == {"a": "content"}
    assert "b" not in store


@pytest.fixture
def megabytes_are_large(monkeypatch):
    """Take files from 1 MB on for large."""
    monkeypatch.setattr("pypedream.store.contents._ALWAYS_VERIFIED", 1024 * 1024)


def read_files(monkeypatch):
    """Return a list to which the names of files are added that are hashed from now on."""
    from pypedream.store import contents

    hashed = []
    digest_of = contents.digest_of
    monkeypatch.setattr(
        contents, "digest_of", lambda path: (hashed.append(path), digest_of(path))[1]
    )
    return hashed


def test_what_this_process_has_written_is_not_read_to_compare_it(
    folder, megabytes_are_large, monkeypatch
):
    """It was hashed on its way to the disk."""
    numpy = pytest.importorskip("numpy")
    hashed = read_files(monkeypatch)
    store = CacheStore(folder)
    store["a"] = numpy.arange(300_000)

    mapped = store.get("a", load_kwargs={"mmap_mode": "r"})

    assert isinstance(mapped, numpy.memmap)
    assert mapped[-1] == 299_999
    assert (store["a"] == mapped).all()
    assert hashed == []


def test_a_large_file_that_was_changed_is_compared(folder, megabytes_are_large, monkeypatch):
    """Though this process has written it."""
    numpy = pytest.importorskip("numpy")
    hashed = read_files(monkeypatch)
    store = CacheStore(folder, on_corrupt=lambda *_: None)
    store["a"] = numpy.arange(300_000)
    blob = Path(store.path("a"))
    content = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(content[:-1] + b"x")

    assert "a" in store
    assert store.get_many(["a"]) == {}
    assert hashed == [blob]


def test_threads_that_come_at_once_share_a_staging_folder(tmp_path):
    """Nothing is left of it when the store is closed."""
    threads, together = 8, threading.Barrier(8)

    def write(staging):
        together.wait()
        with staging.path() as path:
            path.write_bytes(b"x")

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(100):
            staging = Staging(tmp_path)
            list(pool.map(write, [staging] * threads))
            staging.close()

    assert list(tmp_path.iterdir()) == []
