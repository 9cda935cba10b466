"""Copies of files in the store, and files made from them."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.errors import MissingEntry, StoreError
from pypedream.files.blobs import FileBlobs, key_of
from pypedream.files.copying import copy
from pypedream.files.hashes import Digest, FileHashes, Member
from pypedream.files.locks import Lock, Locks, OutLock
from pypedream.files.pins import pinned_keys
from pypedream.files.staging import Staged
from pypedream.store import CacheStore, CorruptEntryWarning
from pypedream.store.entry import INLINE_BYTES, NO_METADATA, Entry

posix = pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
SMALL, LARGE = b"small", os.urandom(INLINE_BYTES + 1)


@pytest.fixture
def store(tmp_path: Path) -> CacheStore:
    return CacheStore(tmp_path / ".pypedream" / "store")


@pytest.fixture
def blobs(store: CacheStore) -> FileBlobs:
    return FileBlobs(store)


def keep(blobs: FileBlobs, root: Path, name: str) -> Digest:
    """Hash something and keep it, as a run does."""
    files = FileHashes(root / ".pypedream", root)
    digest = files.digest(name)
    assert digest is not None
    blobs.keep(root / name, digest, files.members(name) if digest.is_folder else ())
    return digest


def folder_in(root: Path) -> Path:
    (root / "out" / "deep").mkdir(parents=True)
    (root / "out" / "a.csv").write_bytes(SMALL)
    (root / "out" / "deep" / "b.bin").write_bytes(LARGE)
    (root / "out" / "deep" / "same.csv").write_bytes(SMALL)
    return root / "out"


@pytest.mark.parametrize("data", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_a_file_comes_back(tmp_path, blobs, data):
    """It has the same content, and nothing else is left beside it."""
    (tmp_path / "x").write_bytes(data)
    digest = keep(blobs, tmp_path, "x")
    (tmp_path / "x").write_bytes(b"other")

    blobs.restore(digest, tmp_path / "x")
    blobs.restore(digest, tmp_path / "new" / "x")

    assert (tmp_path / "x").read_bytes() == data
    assert (tmp_path / "new" / "x").read_bytes() == data
    assert blobs.has(digest)
    assert sorted(os.listdir(tmp_path)) == [".pypedream", "new", "x"]
    assert os.listdir(tmp_path / "new") == ["x"]


sizes = st.sampled_from([0, 1, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, 3 * INLINE_BYTES])
contents = st.builds(lambda size, letter: letter * size, sizes, st.sampled_from([b"a", b"\0"]))
trees = st.dictionaries(st.sampled_from(["a", "b.csv", "d/a", "d/e/f"]), contents, max_size=4)


@settings(max_examples=30)
@given(trees, trees)
def test_a_folder_comes_back_as_it_was(one, other):
    """Whatever is in it, and whatever is at its place: afterwards both have the same digest."""
    with TemporaryDirectory() as name:
        root = Path(name)
        for folder, files in (("one", one), ("other", other)):
            (root / folder).mkdir()
            for path, data in files.items():
                (root / folder / path).parent.mkdir(parents=True, exist_ok=True)
                (root / folder / path).write_bytes(data)
        blobs = FileBlobs(CacheStore(root / ".pypedream" / "store"))
        digest = keep(blobs, root, "one")

        blobs.restore(digest, root / "other")

        assert FileHashes(root / ".pypedream").digest("other") == digest
        found = {
            path.relative_to(root / "other").as_posix(): path.read_bytes()
            for path in (root / "other").rglob("*")
            if path.is_file()
        }
        assert found == one
        assert blobs.has(digest)


@posix
def test_a_restored_file_is_no_link(tmp_path, store, blobs):
    """To write to it changes nothing in the store."""
    (tmp_path / "x").write_bytes(LARGE)
    digest = keep(blobs, tmp_path, "x")
    (tmp_path / "x").unlink()
    blobs.restore(digest, tmp_path / "x")

    blob = Path(store.path(key_of(digest)))
    assert (tmp_path / "x").stat().st_nlink == 1
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").stat().st_ino != blob.stat().st_ino
    (tmp_path / "x").write_bytes(b"changed")
    assert blob.read_bytes() == LARGE
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444


@posix
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_whether_a_file_can_be_run(tmp_path, blobs, data):
    """That comes back as well, and follows the file that was kept last."""
    (tmp_path / "x").write_bytes(data)
    (tmp_path / "plain").write_bytes(b"")
    (tmp_path / "x").chmod(0o755)
    digest = keep(blobs, tmp_path, "x")
    blobs.restore(digest, tmp_path / "y")
    assert stat.S_IMODE((tmp_path / "y").stat().st_mode) & 0o111 != 0
    (tmp_path / "x").chmod(0o644)
    keep(blobs, tmp_path, "x")

    blobs.restore(digest, tmp_path / "y")
    blobs.restore(digest, tmp_path / "z")

    assert (tmp_path / "y").stat().st_mode & 0o111 == 0
    assert (tmp_path / "z").stat().st_mode == (tmp_path / "plain").stat().st_mode


def flip(store: CacheStore, key: str) -> None:
    """Change one bit of what the store has under a key."""
    entry = store.backend.find(key)
    assert entry is not None
    if entry.inline is not None:
        data = bytes([entry.inline[0] ^ 1]) + entry.inline[1:]
        query = "UPDATE entries SET inline = ? WHERE key = ?"
        store.backend.index.write(lambda index: index.execute(query, (data, key)))
        return
    blob = Path(store.path(key))
    blob.chmod(0o600)
    data = blob.read_bytes()
    blob.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def cut(store: CacheStore, key: str) -> None:
    blob = Path(store.path(key))
    blob.chmod(0o600)
    os.truncate(blob, 5)


def lose(store: CacheStore, key: str) -> None:
    Path(store.path(key)).unlink()


@pytest.mark.parametrize(
    "data, damage, reason",
    [
        (SMALL, flip, "changed"),
        (LARGE, flip, "changed"),
        (LARGE, cut, "truncated"),
        (LARGE, lose, "missing"),
    ],
    ids=["small-changed", "changed", "truncated", "missing"],
)
def test_a_damaged_copy(tmp_path, store, blobs, data, damage, reason):
    """It is found before the target is replaced, set aside, said, and can be made again."""
    (tmp_path / "x").write_bytes(data)
    digest = keep(blobs, tmp_path, "x")
    (tmp_path / "target").write_bytes(b"old")
    damage(store, key_of(digest))

    with (
        pytest.warns(CorruptEntryWarning, match=f"is {reason}"),
        pytest.raises(MissingEntry, match=f"has no good copy .*: it was {reason}"),
    ):
        blobs.restore(digest, tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == b"old"
    assert not blobs.has(digest)
    with pytest.raises(MissingEntry, match="has no copy"):
        blobs.restore(digest, tmp_path / "target")
    keep(blobs, tmp_path, "x")
    blobs.restore(digest, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == [".pypedream", "target", "x"]


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_damaged_copy_is_made_good(tmp_path, store, blobs, data):
    """Who keeps the same file again does not take a damaged copy for a good one."""
    (tmp_path / "x").write_bytes(data)
    digest = keep(blobs, tmp_path, "x")
    flip(store, key_of(digest))

    with pytest.warns(CorruptEntryWarning):
        keep(blobs, tmp_path, "x")

    assert [one.state for one in store.verify()] == ["ok"]
    blobs.restore(digest, tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == data


@pytest.mark.parametrize("name", ["a.csv", "deep/b.bin", ""], ids=["small", "large", "manifest"])
def test_a_damaged_part_of_a_folder(tmp_path, store, blobs, name):
    """The whole folder counts as absent, and what is at the target stays."""
    out = folder_in(tmp_path)
    digest = keep(blobs, tmp_path, "out")
    members = FileHashes(tmp_path / ".pypedream").members("out")
    key = next((f"file/{each.sha256}" for each in members if each.name == name), key_of(digest))
    (out / "new").touch()
    flip(store, key)

    with pytest.warns(CorruptEntryWarning), pytest.raises(MissingEntry, match=key):
        blobs.restore(digest, out)

    assert (out / "new").exists()
    assert not blobs.has(digest)
    assert sorted(os.listdir(tmp_path)) == [".pypedream", "out"]


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_file_that_changed_since_it_was_hashed(tmp_path, store, blobs, data):
    """It is not kept under a digest that is not its own."""
    (tmp_path / "x").write_bytes(data)
    digest = FileHashes(tmp_path / ".pypedream").digest("x")
    (tmp_path / "x").write_bytes(data[::-1])

    with pytest.raises(StoreError, match="x has changed since it was hashed: it is not kept"):
        blobs.keep(tmp_path / "x", digest)
    with pytest.raises(StoreError, match="x has changed since it was hashed: it is not kept"):
        blobs.keep(tmp_path / "x", Digest("0" * 64, 0, is_folder=True), [Member("a", "b", 1)])

    assert store.keys() == []


def test_what_was_written_a_moment_ago(tmp_path, store, blobs):
    """It is kept as it was written, whatever somebody has made of the file since."""
    digest = Digest(sha256(SMALL).hexdigest(), len(SMALL))
    (tmp_path / "x").write_bytes(b"by somebody else")

    blobs.keep(tmp_path / "x", digest, content=SMALL)
    blobs.restore(digest, tmp_path / "x")

    assert (tmp_path / "x").read_bytes() == SMALL
    assert not blobs.damage(digest)


def test_what_cannot_be_kept_or_made(tmp_path, blobs):
    """One line names the file."""
    with pytest.raises(StoreError, match=r"cannot read .*gone: No such file"):
        blobs.keep(tmp_path / "gone", Digest("0" * 64, 1))
    (tmp_path / "x").write_bytes(SMALL)
    digest = keep(blobs, tmp_path, "x")
    with pytest.raises(StoreError, match=r"cannot write .*x.y: "):
        blobs.restore(digest, tmp_path / "x" / "y")


def test_copies_are_values_like_others(tmp_path, store, blobs):
    """They can be listed, read, verified, and removed."""
    folder_in(tmp_path)
    digest = keep(blobs, tmp_path, "out")
    small = FileHashes(tmp_path / ".pypedream").digest("out/a.csv")

    assert len(store.keys()) == 3
    assert key_of(digest) in store
    assert store.get(key_of(small)) == SMALL
    assert [name for name, *_ in store.get(key_of(digest))] == [
        "a.csv",
        "deep/b.bin",
        "deep/same.csv",
    ]
    assert {one.state for one in store.verify()} == {"ok"}
    assert blobs.keys([digest]) == set(store.keys())
    store.delete(key_of(small), dry_run=False)
    assert not blobs.has(digest)


def test_what_locks_name_stays(tmp_path, store, blobs):
    """It is not deleted, however large or old it is; all else goes as always."""
    folder_in(tmp_path)
    (tmp_path / "x").write_bytes(LARGE[::-1])
    (tmp_path / "loose").write_bytes(LARGE[1:])
    pinned = [keep(blobs, tmp_path, name) for name in ("out", "x")]
    loose = keep(blobs, tmp_path, "loose")
    store["other"] = 1
    outs = {
        name: OutLock(digest.sha256, digest.size, is_folder=digest.is_folder)
        for name, digest in zip(("out", "x"), pinned, strict=True)
    }
    workspace = tmp_path / ".pypedream"
    Locks(workspace).write(Lock("stage", "0", outs=outs))
    Locks(workspace).write(Lock("b", "0", outs={"l": OutLock(loose.sha256, 1, cached=False)}))
    keys = pinned_keys(store, workspace)

    would = store.gc(max_size=0, dry_run=True, pinned=keys)
    pruned = store.gc(max_size=0, pinned=keys)

    assert set(would.keys) == set(pruned.keys) == {key_of(loose), "other"}
    assert pruned.kept == len(keys) == 4
    assert blobs.has_many([*pinned, loose]) == set(pinned)
    assert store.gc(max_age=0, keep_last=0, pinned=keys).keys == ()
    assert set(store.gc(keep_last=0).keys) == keys


def test_pinned_values_are_none_of_the_last(tmp_path, store):
    """Of the others as many are kept as is said; the size of those that are pinned counts."""
    for name in "abcd":
        store[name] = name * 10

    assert set(store.gc(keep_last=1, dry_run=True, pinned=["a", "b"]).keys) == {"c"}
    assert len(store.gc(max_size=36, dry_run=True, pinned=["a", "b"]).keys) == 1


def test_a_lock_that_cannot_be_read_keeps_all(tmp_path, store):
    """Nothing is taken for needless while nobody knows what is needed."""
    locks = Locks(tmp_path / ".pypedream")
    locks.write(Lock("stage", "0"))
    locks.path("stage").write_text("{")

    with pytest.raises(StoreError, match="is damaged"):
        pinned_keys(store, tmp_path / ".pypedream")


def test_a_copy_that_only_the_remote_store_has(tmp_path, blobs, store):
    """It is fetched when it is needed, and kept here."""
    folder_in(tmp_path)
    digest = keep(blobs, tmp_path, "out")
    near = CacheStore(tmp_path / "near", remote=store.location)

    FileBlobs(near).restore(digest, tmp_path / "again")

    assert FileHashes(tmp_path / ".pypedream").digest("again") == digest
    assert len(near.backend.keys()) == 3


def test_a_store_behind_a_url(tmp_path):
    """Copies can be in any store that there is."""
    pytest.importorskip("fsspec")
    store = CacheStore(f"memory://{tmp_path.name}")
    blobs = FileBlobs(store)
    folder_in(tmp_path)
    digest = keep(blobs, tmp_path, "out")

    assert blobs.has(digest)
    blobs.restore(digest, tmp_path / "again")
    assert FileHashes(tmp_path / ".pypedream").digest("again") == digest


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "a//b"])
def test_a_manifest_that_somebody_else_wrote(tmp_path, store, blobs, name):
    """No file is written outside of the folder."""
    manifest = f'[["{name}", "{"0" * 64}", 1]]'.encode()
    (tmp_path / "m").write_bytes(manifest)
    as_file = keep(blobs, tmp_path, "m")
    digest = Digest(as_file.sha256, 1, is_folder=True)
    size, now = len(manifest), time()
    entry = Entry(
        key_of(digest), digest.sha256, size, "json", NO_METADATA, now, now, inline=manifest
    )
    store.backend.add(entry, None, replace=True)

    with pytest.raises(StoreError, match="names a file outside of its folder"):
        blobs.restore(digest, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_several_files_come_back_together(tmp_path, blobs):
    """They are restored beside their targets first, and take their places with them."""
    (tmp_path / "x").write_bytes(LARGE)
    folder_in(tmp_path)
    digests = {name: keep(blobs, tmp_path, name) for name in ("x", "out")}
    (tmp_path / "x").write_bytes(b"other")

    with Staged(tmp_path, tmp_path / ".pypedream") as staged:
        for name, digest in digests.items():
            blobs.restore(digest, staged.path_for(name))
        staged.publish()

    files = FileHashes(tmp_path / ".pypedream")
    assert {name: files.digest(name) for name in digests} == digests


def test_a_store_that_may_only_be_read(tmp_path, store, blobs):
    """Files are made from it, and nothing in it changes."""
    (tmp_path / "x").write_bytes(LARGE)
    digest = keep(blobs, tmp_path, "x")
    store.close()

    readonly = FileBlobs(CacheStore(store.location, readonly=True))
    readonly.restore(digest, tmp_path / "y")

    assert (tmp_path / "y").read_bytes() == LARGE


@settings(max_examples=10)
@given(st.binary(max_size=100), st.sampled_from([0, 2**20, 2**20 + 1]))
def test_a_copy_is_what_its_digest_says(data, size):
    """The digest that copying gives is that of the copy, which is the same as the source."""
    with TemporaryDirectory() as name:
        source, target = Path(name, "source"), Path(name, "target")
        source.write_bytes(b"x" * size + data)
        digest = copy(source, target)

        assert target.read_bytes() == source.read_bytes()
        assert FileHashes(name, name).digest("target") == Digest(digest, size + len(data))
