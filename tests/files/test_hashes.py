"""What is in a file, without reading it again and again."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypedream.errors import DefinitionError, StoreError
from pypedream.files import hashes
from pypedream.files.hashes import Digest, FileHashes, Member, manifest_of, members_in

needs_ctime = pytest.mark.skipif(sys.platform == "win32", reason="no time of change there")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def opened(root: Path) -> FileHashes:
    return FileHashes(root / ".pypedream")


def later() -> int:
    """Return a time at which nothing counts as written just before."""
    return time.time_ns() + 10**10


def pretend(root: Path, digest: str) -> None:
    """Let every remembered digest be another one, so that one can see whether a file was read."""
    memo = root / ".pypedream" / hashes.MEMO
    rows = {path: (*row[:5], digest) for path, row in hashes._read(memo).items()}
    memo.write_bytes(hashes._text_of(rows))


def test_the_digest_of_a_file(tmp_path):
    """It is the SHA-256 of its content, and comes with the size."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("a,b\n")

    assert opened(tmp_path).digest("data/x.csv") == Digest(sha256("a,b\n"), 4)
    assert opened(tmp_path).digest("data/y.csv") is None
    assert opened(tmp_path).digest("data/x.csv/z") is None


def test_a_file_that_stays_is_read_once(tmp_path, monkeypatch):
    """Another process finds its digest in the workspace."""
    (tmp_path / "x").write_text("a")
    first = opened(tmp_path)
    monkeypatch.setattr(hashes, "time_ns", later)
    first.digest("x")
    first.save()
    pretend(tmp_path, "remembered")

    assert opened(tmp_path).digest("x") == Digest("remembered", 1)


def test_what_is_remembered_is_read_once(tmp_path, monkeypatch):
    """However many ask in one process; what another one has saved since is seen."""
    monkeypatch.setattr(hashes, "time_ns", later)
    for name in "xy":
        (tmp_path / name).write_text(name)
    first = opened(tmp_path)
    first.digest("x")
    first.save()
    one, other = opened(tmp_path), opened(tmp_path)
    for each in (one, other):
        each.digest("x")
    assert one._known is other._known

    other.digest("y")
    other.save()
    pretend(tmp_path, "remembered")

    assert opened(tmp_path).digest("y") == Digest("remembered", 1)


def test_a_file_written_just_before_is_read_again(tmp_path):
    """Within two seconds it may be written to once more, and look the same."""
    (tmp_path / "x").write_text("a")
    first = opened(tmp_path)
    first.digest("x")
    first.save()
    pretend(tmp_path, "remembered")

    assert opened(tmp_path).digest("x") == Digest(sha256("a"), 1)


def test_nothing_is_written_unless_asked(tmp_path):
    """To ask for a digest makes no workspace, nor does saving when nothing was hashed."""
    (tmp_path / "x").write_text("a")
    files = opened(tmp_path)
    files.save()
    files.digest("x")

    assert os.listdir(tmp_path) == ["x"]


def rewritten(path: Path, text: str) -> None:
    path.write_text(text)


def rewritten_in_secret(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path, text: str) -> None:
    before = path.stat()
    new = path.with_name("new")
    new.write_text(text)
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def touched(path: Path, text: str) -> None:
    os.utime(path)


def dated(path: Path, text: str) -> None:
    os.utime(path, (1, 1))


def grown(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def made_anew(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def swapped(path: Path, text: str) -> None:
    other = path.with_name("y" if path.name == "x" else "x")
    path.rename(path.with_name("new"))
    other.rename(path)
    path.with_name("new").rename(other)


EDITS = [
    rewritten,
    rewritten_in_secret,
    replaced,
    touched,
    dated,
    grown,
    made_anew,
    swapped,
]
edits = st.tuples(
    st.sampled_from(EDITS), st.sampled_from("xy"), st.sampled_from("abc"), st.sampled_from("nse")
)


@needs_ctime
@settings(max_examples=40)
@given(st.lists(edits, min_size=1, max_size=6))
def test_no_edit_goes_unseen(some):
    """Whatever is done to a file, and whoever asks next, the digest is that of its content."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        # no entry counts as fresh: only what the system tells of a file shows an edit
        patch.setattr(hashes, "time_ns", later)
        root = Path(name)
        for each in "xy":
            (root / each).write_text(each)
        files = opened(root)
        for edit, path, text, who_asks in some:
            time.sleep(0.005)  # a tick of the clock of the file system
            edit(root / path, text)
            for each in "xy":
                found = files.digest(each)
                content = (root / each).read_text()
                assert found == Digest(sha256(content), len(content))
            if who_asks != "s":
                files.save()
            if who_asks == "n":
                files = opened(root)


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_a_damaged_memo(tmp_path, monkeypatch, place):
    """A bit that flipped, anywhere in it, makes no digest wrong; the memo is made anew."""
    monkeypatch.setattr(hashes, "time_ns", later)
    for name in ("x", "y"):
        (tmp_path / name).write_text(name)
    files = opened(tmp_path)
    digests = [files.digest("x"), files.digest("y")]
    files.save()
    memo = tmp_path / ".pypedream" / hashes.MEMO
    data = bytearray(memo.read_bytes())
    data[place % len(data)] ^= 1
    memo.write_bytes(data)

    files = opened(tmp_path)
    assert [files.digest("x"), files.digest("y")] == digests
    files.save()
    assert set(hashes._read(memo)) == {"x", "y"}


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"{}", b"x\n{}"])
def test_a_memo_that_is_none(tmp_path, content):
    """What a crash may leave counts for nothing."""
    (tmp_path / ".pypedream").mkdir()
    (tmp_path / ".pypedream" / hashes.MEMO).write_bytes(content)
    (tmp_path / "x").write_text("a")

    assert opened(tmp_path).digest("x") == Digest(sha256("a"), 1)


def test_several_who_remember(tmp_path, monkeypatch):
    """What one saved stays when another one saves, and the memo is whole at any time."""
    monkeypatch.setattr(hashes, "time_ns", later)
    names = [f"f{number}" for number in range(40)]
    for name in names:
        (tmp_path / name).write_text(name)

    def work(some: list[str]) -> None:
        files = opened(tmp_path)
        for name in some:
            assert files.digest(name) == Digest(sha256(name), len(name))
            files.save()

    one, other = opened(tmp_path), opened(tmp_path)
    one.digest("f1")
    other.digest("f2")
    one.save()
    other.save()
    assert set(hashes._read(tmp_path / ".pypedream" / hashes.MEMO)) == {"f1", "f2"}
    threads = [Thread(target=work, args=[names[start::4]]) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hashes._read(tmp_path / ".pypedream" / hashes.MEMO)
    assert [path.name for path in (tmp_path / ".pypedream").iterdir()] == [hashes.MEMO]


def test_the_digest_of_a_folder(tmp_path):
    """It is that of its manifest: every file by name; a file more or less makes it another."""
    folder = tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.csv").write_text("bb")
    (folder / "deep" / "a.csv").write_text("a")
    files = opened(tmp_path)
    members = [Member("b.csv", sha256("bb"), 2), Member("deep/a.csv", sha256("a"), 1)]

    found = files.digest("out/")

    assert found == files.digest("out")
    assert found == Digest(hashlib.sha256(manifest_of(members)).hexdigest(), 3, is_folder=True)
    assert files.members("out") == members == members_in(manifest_of(members[::-1]))
    (folder / "b.csv").rename(folder / "c.csv")
    assert files.digest("out") != found
    (folder / "c.csv").rename(folder / "b.csv")
    assert files.digest("out") == found
    (folder / "deep" / "a.csv").unlink()
    assert files.digest("out") != found


def test_what_is_no_part_of_a_folder(tmp_path):
    """Files that are being written, and what file managers leave, do not change its digest."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").touch()
    files = opened(tmp_path)
    found = files.digest("out")
    for name in (".tmp-0123.csv", ".DS_Store"):
        (tmp_path / "out" / name).touch()

    assert files.digest("out") == found


names = st.text(st.sampled_from('a"\\\n é/\udcff'), min_size=1, max_size=5)
members = st.lists(st.builds(Member, names, names, st.integers(0, 10)), max_size=4)


@given(members, members)
def test_a_manifest_says_all(one, other):
    """Two are equal exactly if the files are, and it can be read back."""
    in_order = sorted(one, key=lambda member: (member.name, member.sha256, member.size))

    assert members_in(manifest_of(one)) == in_order
    assert (manifest_of(one) == manifest_of(other)) == (Counter(one) == Counter(other))


def linked(link: Path, target: str) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


def test_a_link_that_comes_to_lead_elsewhere(tmp_path, monkeypatch):
    """It is followed within the project and refused when it leads out, also if it is known."""
    monkeypatch.setattr(hashes, "time_ns", later)
    root = tmp_path / "project"
    root.mkdir()
    (root / "a").write_text("same")
    (tmp_path / "away").write_text("same")
    linked(root / "x", "a")
    files = opened(root)
    assert files.digest("x") == Digest(sha256("same"), 4)

    (root / "x").unlink()
    (root / "x").symlink_to("../away")

    with pytest.raises(DefinitionError, match='"x" leaves the project'):
        files.digest("x")


def test_a_folder_with_links(tmp_path):
    """A circle and a link that leads nowhere are said, not followed."""
    (tmp_path / "out").mkdir()
    linked(tmp_path / "out" / "again", "../out")
    with pytest.raises(StoreError, match="leads back to a folder that it is in: remove the link"):
        opened(tmp_path).digest("out")
    (tmp_path / "out" / "again").unlink()
    (tmp_path / "out" / "gone").symlink_to("missing")
    with pytest.raises(StoreError, match="gone leads nowhere: remove the link"):
        opened(tmp_path).digest("out")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_file(tmp_path):
    """A pipe is refused and not waited for."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(StoreError, match="pipe is neither a file nor a folder"):
        opened(tmp_path).digest("pipe")


def test_a_large_file(tmp_path):
    """It is hashed in parts, to the same digest."""
    data = os.urandom(2 * hashes._BLOCK + 1)
    (tmp_path / "x").write_bytes(data)

    assert opened(tmp_path).digest("x") == Digest(hashlib.sha256(data).hexdigest(), len(data))
