"""The outputs of a stage are all old or all new."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from random import Random
from textwrap import dedent

import pytest

from pypedream.errors import DefinitionError, StoreError
from pypedream.files import journals, moves, staging
from pypedream.files.staging import Recovered, Staged, recover
from tests.files.kills import CALLS, killed_at

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no child comes off a process here")

HEAD = '{"version": 2, "host": "", "pid": 1, "start": ""}'
OLD = {"data/x.csv": "old", "m.json": "old", "out/a.csv": "old", "out/b.csv": "old"}
OURS = {".pypedream", ".pypedream/pending"}
NEW = {"data/x.csv": "new", "m.json": "new", "out/a.csv": "new", "deep/er/z": "new"}


def staged_in(root: Path) -> Staged:
    return Staged(root, root / ".pypedream")


def content(root: Path) -> dict[str, str]:
    """Return every file of a project, also those that should not be there."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.parts[-2:] != ("pending", journals.LOCK)
    }


def folders(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir()}


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def work(root: Path, *, is_published: bool = True) -> None:
    """Write what the stage gives."""
    with staged_in(root) as staged:
        staged.write("data/x.csv", b"new")
        for name in ("m.json", "deep/er/z"):
            staged.path_for(name, is_alone=name == "m.json").write_text("new")
        (staged.path_for("out/") / "a.csv").write_text("new")
        if is_published:
            staged.publish()


def test_outputs_are_in_place_together(tmp_path):
    """New ones replace old ones, folders as a whole, and nothing else is left."""
    work(written(tmp_path, OLD))

    assert content(tmp_path) == NEW
    assert folders(tmp_path) == {
        "data",
        "out",
        "deep",
        "deep/er",
        ".pypedream",
        ".pypedream/pending",
    }


def test_a_path_to_write_to(tmp_path):
    """It has the name of the target, is on the same file system, and private; a folder is there."""
    with staged_in(tmp_path) as staged:
        path, folder = staged.path_for("data/x.tar.gz"), staged.path_for("data/parts/")

        assert path.name == "x.tar.gz"
        assert not path.exists()
        assert folder.is_dir()
        assert path.parent.parent == tmp_path.resolve() / "data"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700 or os.name == "nt"
        assert staged.path_for("data/x.tar.gz") == path


def test_a_path_of_a_file_alone(tmp_path):
    """It is beside its target with the same ending, unless others may not see what is there."""
    written(tmp_path, {"data/x.tar.gz": "old", "data/secret.csv": "old", "v1.2/plain": "old"})
    (tmp_path / "data" / "secret.csv").chmod(0o600)

    with staged_in(tmp_path) as staged:
        path = staged.path_for("data/x.tar.gz", is_alone=True)
        secret = staged.path_for("data/secret.csv", is_alone=True)

        assert path.parent == tmp_path.resolve() / "data"
        assert path.name.startswith(".tmp-")
        assert path.name.endswith(".tar.gz")
        assert not path.exists()
        plain = staged.path_for("v1.2/plain", is_alone=True)
        assert plain.parent == tmp_path.resolve() / "v1.2"
        assert secret.name == "secret.csv" or os.name == "nt"


def unwritten(root: Path) -> None:
    with staged_in(root) as staged:
        staged.path_for("data/x.csv").write_text("new")
        staged.path_for("deep/y")
        staged.publish()


def test_what_is_not_published(tmp_path):
    """The old outputs stay and nothing new is left, not even a folder that was made."""
    before = folders(written(tmp_path, OLD))

    work(tmp_path, is_published=False)
    with pytest.raises(StoreError, match=r"^nothing was written for the output deep/y$"):
        unwritten(tmp_path)

    assert content(tmp_path) == OLD
    assert folders(tmp_path) - OURS == before


def test_an_output_that_changes_its_kind(tmp_path):
    """A file takes the place of a folder, and a folder that of a file."""
    written(tmp_path, {"a/x": "old", "b": "old"})

    with staged_in(tmp_path) as staged:
        staged.path_for("a").write_text("new")
        (staged.path_for("b/") / "x").write_text("new")
        staged.publish()

    assert content(tmp_path) == {"a": "new", "b/x": "new"}


def test_what_a_writer_leaves_beside(tmp_path):
    """Temporary files of a writer that failed are no output."""
    with staged_in(tmp_path) as staged:
        path = staged.path_for("x.csv")
        path.write_text("new")
        path.with_name("x.csv.lock").write_text("left")
        staged.publish()

    assert content(tmp_path) == {"x.csv": "new"}


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_the_mode_of_an_output(tmp_path):
    """It is that of the file it replaces, else that of any new file; what can be run stays so."""
    written(tmp_path, {"old": "", "run": "", "plain": ""})
    (tmp_path / "old").chmod(0o640)
    (tmp_path / "run").chmod(0o644)

    with staged_in(tmp_path) as staged:
        for name in ("old", "new", "run"):
            staged.path_for(name).write_text("new")
        staged.path_for("run").chmod(0o755)
        staged.publish()

    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("old", "run")}
    assert modes == {"old": 0o640, "run": 0o755}
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_run_writes_one_journal(tmp_path):
    """Its stages write to one file in turn, two at a time to two; in the end none is there."""
    pending, context = tmp_path / ".pypedream" / "pending", copy_context()

    def one_after_the_other() -> None:
        work(tmp_path)
        rewrite(tmp_path, ["m.json"])
        assert len(journals.left_in(pending)) == 1
        work(tmp_path, is_published=False)
        with staged_in(tmp_path) as staged:
            rewrite(tmp_path, ["m.json"])
            staged.path_for("x").write_text("new")
            assert len(journals.left_in(pending)) == 2
            assert recover(tmp_path / ".pypedream") == Recovered()
            staged.publish()

    with journals.used_again(context):
        context.run(one_after_the_other)
        assert len(journals.left_in(pending)) == 2
    assert content(tmp_path) == {**NEW, "x": "new"}
    context.run(work, tmp_path)

    assert journals.left_in(pending) == []


@forks
def test_a_journal_with_half_a_line_is_not_used_again(tmp_path):
    """A disk was full for a moment: what a crash leaves later is seen to all the same."""
    import resource

    pending, context = tmp_path / ".pypedream" / "pending", copy_context()
    kind = resource.RLIMIT_FSIZE
    soft, hard = resource.getrlimit(kind)

    def full_for_a_moment() -> None:
        with staged_in(tmp_path) as staged:
            (journal,) = journals.left_in(pending)
            resource.setrlimit(kind, (journal.stat().st_size + 9, hard))
            try:
                staged.path_for("m.json")
            finally:
                resource.setrlimit(kind, (soft, hard))

    with journals.used_again(context):
        with pytest.raises(StoreError, match="the disk is full"):
            context.run(full_for_a_moment)
        assert journals.left_in(pending) == []


def linked(link: Path, target: str) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


def test_an_output_behind_a_link(tmp_path):
    """What the link leads to is replaced, the link stays; out of the project none is followed."""
    root = tmp_path / "project"
    written(root, {"data/x.csv": "old"})
    linked(root / "x.csv", "data/x.csv")
    (root / "away").symlink_to(tmp_path)

    with staged_in(root) as staged:
        staged.path_for("x.csv").write_text("new")
        with pytest.raises(DefinitionError, match="leaves the project"):
            staged.path_for("away/y.csv")
        staged.publish()

    assert (root / "x.csv").is_symlink()
    assert (root / "data" / "x.csv").read_text() == "new"


def test_outputs_are_published_once(tmp_path):
    """Afterwards the object is of no more use, and says so."""
    staged = staged_in(tmp_path)
    staged.path_for("x").write_text("new")
    staged.publish()

    with pytest.raises(StoreError, match="published or discarded: stage them anew"):
        staged.path_for("y")


def all_old_or_all_new(root: Path) -> str:
    found, there = content(root), folders(root)
    if found == OLD:
        assert there - OURS == {"data", "out"}
        return "old"
    assert found == NEW
    return "new"


def killed_again(left: Path, end: str) -> None:
    """Kill whoever recovers at every call; the next one comes to the same end."""
    for k in range(1, 200):
        copy = left.with_name(f"{left.name} {k}")
        shutil.copytree(left, copy)
        is_killed = killed_at(k, lambda: recover(copy / ".pypedream"))  # noqa: B023 - called here
        recover(copy / ".pypedream")
        assert all_old_or_all_new(copy) == end
        if not is_killed:
            break


@forks
@pytest.mark.parametrize("is_torn", [False, True], ids=["in-its-place", "in-a-write"])
def test_killed_at_every_call(tmp_path, is_torn):
    """After `recover` all outputs are old or all are new; it is killed at every call, too."""
    ends: list[str] = []
    for k in range(1, 200):
        root = written(tmp_path / str(k), OLD)
        if not killed_at(k, lambda root=root: work(root), is_torn=is_torn):
            assert content(root) == NEW
            break
        shutil.copytree(root, tmp_path / f"{k} killed")
        recover(root / ".pypedream")
        ends.append(all_old_or_all_new(root))
        assert recover(root / ".pypedream") == Recovered()
        if k % 5 == 0:
            killed_again(tmp_path / f"{k} killed", ends[-1])
    assert ends == sorted(ends, reverse=True)
    assert "old" in ends
    assert is_torn or ("new" in ends and len(ends) > 25)


@forks
@pytest.mark.parametrize("is_journal_lost", [True, False], ids=["journal-lost", "journal-there"])
@pytest.mark.parametrize(
    "names, is_alone",
    [(["data/x.csv"], False), (list(OLD), False), (list(OLD), True)],
    ids=["one", "several", "several-alone"],
)
def test_power_is_lost_at_every_call(tmp_path, names, is_alone, is_journal_lost):
    """Of what was not flushed nothing is there; outputs are all old or all new all the same.

    That names come in order, as they do where metadata is journaled, is taken for granted.
    """
    ends = []
    for k in range(1, 200):
        root = written(tmp_path / str(k), OLD)
        flushed = {path.stat().st_ino for path in root.rglob("*")}
        writes = partial(rewrite, root, names, is_alone=is_alone)
        if not killed_at(k, writes, flushed=flushed):
            break
        for path in root.rglob("*"):
            is_kept = path.suffix == ".jsonl" and not is_journal_lost
            if path.is_file() and path.stat().st_ino not in flushed and not is_kept:
                os.truncate(path, 0)
        recover(root / ".pypedream")
        found = content(root)
        ends.append({found[name] for name in names})
        assert all(found[name] == "old" for name in set(OLD) - set(names))
    assert {"old"} in ends
    assert {"new"} in ends
    assert all(len(end) == 1 for end in ends)


def rewrite(root: Path, names: list[str], *, is_alone: bool = False) -> None:
    with staged_in(root) as staged:
        for name in names:
            staged.path_for(name, is_alone=is_alone).write_text("new")
        staged.publish()


def as_a_run(root: Path) -> None:
    """Let three stages write, one after the other, with one journal."""
    context = copy_context()
    with journals.used_again(context):
        context.run(rewrite, root, ["data/x.csv"], is_alone=True)
        context.run(rewrite, root, ["m.json", "out/a.csv"])
        context.run(rewrite, root, ["out/b.csv"])


@forks
def test_a_child_of_a_run_writes_a_journal_of_its_own(tmp_path):
    """That of its parent is locked by the parent, and used by it afterwards."""
    context = copy_context()
    with journals.used_again(context):
        context.run(work, tmp_path)
        assert not killed_at(10**6, lambda: context.run(rewrite, tmp_path, ["child"]))
        context.run(rewrite, tmp_path, ["m.json"])

    assert content(tmp_path) == {**NEW, "child": "new"}
    assert not journals.left_in(tmp_path / ".pypedream" / "pending")


@forks
@pytest.mark.parametrize("is_journal_lost", [True, False], ids=["journal-lost", "journal-there"])
def test_a_run_is_killed_at_every_call(tmp_path, is_journal_lost):
    """Each stage's outputs are all old or all new, those before it are new, and no more is left."""
    ends = []
    for k in range(1, 200):
        root = written(tmp_path / str(k), OLD)
        flushed = {path.stat().st_ino for path in root.rglob("*")}
        if not killed_at(k, lambda root=root: as_a_run(root), flushed=flushed):
            break
        for path in root.rglob("*.jsonl"):
            if is_journal_lost and path.stat().st_ino not in flushed:
                os.truncate(path, 0)
        recover(root / ".pypedream")
        found = content(root)
        ends.append([found[name] for name in ("data/x.csv", "m.json", "out/a.csv", "out/b.csv")])
        assert is_journal_lost or set(found) == set(OLD)
    new, old = ["new"], ["old"]
    assert all(end in (4 * old, new + 3 * old, 3 * new + old, 4 * new) for end in ends)
    assert len(ends) > 25
    assert not journals.left_in(root / ".pypedream" / "pending")


@forks
def test_one_file_is_in_place_in_one_step(tmp_path):
    """A stage with one file is killed at every call, and nothing was to be completed."""
    ends = set()
    for k in range(1, 100):
        root = written(tmp_path / str(k), {"x": "old"})
        if not killed_at(k, lambda root=root: rewrite(root, ["x"])):
            break
        assert recover(root / ".pypedream").completed == ()
        ends.add(content(root)["x"])
        assert set(content(root)) == {"x"}
    assert ends == {"old", "new"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=["ENOSPC", "EACCES"])
def test_every_call_fails(tmp_path, monkeypatch, number):
    """It is one clear error; the outputs are all old, or all new after `recover`."""
    failed = 0
    for k in range(1, 200):
        root = written(tmp_path / str(k), OLD)
        with monkeypatch.context() as patch:
            left = failing(patch, root, k, number)
            try:
                work(root)
                error = None
            except StoreError as caught:
                error = caught
        assert error is None or "\n" not in str(error)
        recover(root / ".pypedream")
        found = content(root)
        assert found in (OLD, NEW), (k, found)
        assert error is not None or found == NEW
        failed += error is not None
        if left[0] > 0:
            break
    assert failed > 10


def failing(patch: pytest.MonkeyPatch, root: Path, k: int, number: int) -> list[int]:
    """Let the k-th call for a file below *root* fail that is not the writer's own."""
    left = [k]

    def wrapped(call):
        def counted(target, *arguments, **options):
            # what removes is left out: it is tried again, and a disk that is full does not stop it
            if isinstance(target, int) or os.fspath(target).startswith(str(root)):
                left[0] -= 1
                if left[0] == 0:
                    raise OSError(number, os.strerror(number), str(target))
            return call(target, *arguments, **options)

        return counted

    for name in set(CALLS) - {"unlink", "rmdir"}:
        patch.setattr(os, name, wrapped(getattr(os, name)))
    return left


def test_a_stop_while_outputs_are_put_in_place(tmp_path, monkeypatch):
    """Ctrl-C between two of them leaves what `recover` completes."""
    written(tmp_path, OLD)
    calls = []

    def stopped(output: moves.Output, *, is_swap: bool) -> None:
        calls.append(output)
        if len(calls) == 2:
            raise KeyboardInterrupt
        moves.put_in_place(output, is_swap=is_swap)

    with monkeypatch.context() as patch:
        patch.setattr(staging, "put_in_place", stopped)
        with pytest.raises(KeyboardInterrupt):
            work(tmp_path)

    found = recover(tmp_path / ".pypedream")
    assert set(found.completed) == {"data/x.csv", "m.json", "deep/er/z", "out"}
    assert content(tmp_path) == NEW


def test_a_living_process_is_left_alone(tmp_path):
    """What another one is writing is not removed, whether that is a thread or a process."""
    written(tmp_path, OLD)
    code = dedent("""
        import sys
        from pathlib import Path
        from pypedream.files.staging import Staged

        root = Path(sys.argv[1])
        with Staged(root, root / ".pypedream") as staged:
            staged.path_for("m.json").write_text("theirs")
            print("written", flush=True)
            sys.stdin.read()
            staged.publish()
    """)
    command = [sys.executable, "-c", code, str(tmp_path)]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
        staged_in(tmp_path) as ours,
    ):
        assert other.stdout is not None
        assert other.stdout.readline() == "written\n"
        ours.path_for("data/x.csv").write_text("ours")

        assert recover(tmp_path / ".pypedream") == Recovered()

        ours.publish()
        other.communicate("", timeout=60)
    assert content(tmp_path) == {**OLD, "m.json": "theirs", "data/x.csv": "ours"}


@forks
def test_a_child_that_outlives_its_parent(tmp_path):
    """It holds the lock of a journal that was its parent's; what that left is recovered anyway."""
    written(tmp_path, OLD)
    reading, writing = os.pipe()

    def parent() -> None:
        staged = staged_in(tmp_path)
        staged.path_for("m.json").write_text("new")
        if os.fork() == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)

    assert not killed_at(10**6, parent)
    assert len(journals.left_in(tmp_path / ".pypedream" / "pending")) == 1

    found = recover(tmp_path / ".pypedream")

    os.close(writing)
    os.close(reading)
    assert found == Recovered(removed=("m.json",))
    assert content(tmp_path) == OLD


@forks
def test_several_recover_at_once(tmp_path):
    """Each output is put in place once, whoever comes first, and all wait until that is done."""
    for k in range(22, 36, 2):
        root = written(tmp_path / str(k), OLD)
        assert killed_at(k, lambda root=root: work(root))
        ends = ended_together([lambda root=root: recovered(root)] * 6)
        assert ends == [0] * 6


def recovered(root: Path) -> None:
    recover(root / ".pypedream")
    all_old_or_all_new(root)


def ended_together(works: list[Callable[[], object]]) -> list[int]:
    """Do each in a process of its own, all at the same time; return how they ended."""
    children = []
    for each in works:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                each()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]


@forks
def test_kills_at_any_time_while_others_recover(tmp_path):
    """Two sets of outputs are written, killed, and recovered by several, again and again."""
    chance = Random(1)
    written(tmp_path, {f"{name}/{number}": "0" for name in "abcd" for number in range(3)})

    def refill(folders: str, text: str) -> None:
        with Staged(tmp_path, tmp_path / ".pypedream", is_durable=False) as staged:
            for name in folders:
                for number in range(3):
                    path = staged.path_for(f"{name}/") / str(number)
                    path.write_text(text)
            staged.publish()

    killed = 0
    for turn in range(1, 25):
        children = []
        for pair in ("ab", "cd"):
            children.append(os.fork())
            if children[-1] == 0:
                refill(pair, str(turn))
                os._exit(0)
        time.sleep(chance.random() * 0.01)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            killed += os.waitpid(child, 0)[1] != 0
        assert ended_together([lambda: recover(tmp_path / ".pypedream")] * 3) == [0] * 3
        found = content(tmp_path)
        assert len(found) == 12, found
        for pair in ("ab", "cd"):
            assert len({found[name] for name in found if name[0] in pair}) == 1
    assert killed > 0


def test_a_journal_that_is_just_begun(tmp_path, monkeypatch):
    """One that is taken for what a crash left before it is locked is begun anew."""
    real, taken = journals._try_lock, []

    def slow(journal: int) -> bool | None:
        if not taken:
            taken.append(1)
            recover(tmp_path / ".pypedream")
        return real(journal)

    monkeypatch.setattr(journals, "_try_lock", slow)
    with staged_in(tmp_path):
        assert taken == [1]
        assert len(journals.left_in(tmp_path / ".pypedream" / "pending")) == 1


@forks
def test_a_journal_that_is_begun_while_it_is_recovered(tmp_path, monkeypatch):
    """It is gone when its lock is free: nobody goes on with one that is about to be removed."""
    real, pending = os.close, tmp_path / ".pypedream" / "pending"
    left = []

    def seen(descriptor: int) -> None:
        real(descriptor)
        left.append(len(journals.left_in(pending)))

    pending.mkdir(parents=True)
    (pending / "0000.jsonl").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "close", seen)
        recover(tmp_path / ".pypedream")

    assert left
    assert set(left) == {0}


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"version": 1}', "is of another version of pypedream: run that one once"),
        (
            f'{HEAD}\n{{"target": "../x", "number": 0, "made": [], "is_alone": false}}',
            "names what is outside of",
        ),
    ],
)
def test_a_journal_that_is_not_ours(tmp_path, line, message):
    """It is refused, and others are seen to all the same."""
    written(tmp_path, OLD)
    pending = tmp_path / ".pypedream" / "pending"
    pending.mkdir(parents=True)
    (pending / "0000.jsonl").write_text(f"{line}\n")
    (pending / "0001.jsonl").touch()

    with pytest.raises(StoreError, match=message):
        recover(tmp_path / ".pypedream")

    assert [path.name for path in journals.left_in(pending)] == ["0000.jsonl"]


def test_nothing_to_recover(tmp_path):
    """Where there is no workspace, none is made."""
    assert recover(tmp_path / ".pypedream") == Recovered()
    assert os.listdir(tmp_path) == []


@forks
def test_a_reader_finds_whole_files(tmp_path):
    """Whenever he comes, each file is an old or a new one, never a part or none."""
    written(tmp_path, {"x": "a" * 10**5, "y": "a" * 10**5})
    child = os.fork()
    if child == 0:
        for number in range(60):
            with Staged(tmp_path, tmp_path / ".pypedream", is_durable=False) as staged:
                for name in "xy":
                    staged.path_for(name).write_text("ab"[number % 2] * 10**5)
                staged.publish()
        os._exit(0)
    seen = set()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        seen.add((tmp_path / "x").read_text())
        time.sleep(0)
    assert seen <= {"a" * 10**5, "b" * 10**5}
