"""Revisions: what files, locks and outputs of a project were, as its git and its store know."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pypedream.errors import MissingEntry, RevisionError, StoreError
from pypedream.files.locks import LOCKS, lock_in
from pypedream.files.paths import WORKSPACE
from pypedream.names import did_you_mean, there_are

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from pypedream.files.locks import Lock

__all__ = ["HEAD", "Revision"]

HEAD = "HEAD"
_TIMEOUT_S = 60


class Revision:
    """A revision of the git repository that a project is in; nothing of it is checked out.

    Parameters
    ----------
    root
        The folder of the project, which may be one within the repository.
    name
        As git takes it: "HEAD", "main~2", a tag, the beginning of an id.

    Raises
    ------
    RevisionError
        If there is no git, no repository, or no such revision.
    """

    def __init__(self, root: Path, name: str = HEAD) -> None:
        self._root = root
        self.name = name
        if name.startswith("-"):
            raise RevisionError(f'no revision "{name}"')
        if shutil.which("git") is None:
            raise RevisionError("git is not installed: what was before is known from it alone")
        # what comes first is the one that is wrong
        self._git("rev-parse", "--git-dir", wrong=f"{root} is in no git repository: git init")
        found = self._commit(name)
        if found is None:
            raise RevisionError(f'git knows no revision "{name}"{self._near(name)}')
        self._id = found
        self._prefix = self._git("rev-parse", "--show-prefix").decode().strip()

    def content(self, path: str) -> bytes | None:
        """Return what was in a file; None if it was not there."""
        return self.contents([path])[path]

    def contents(self, paths: Iterable[str]) -> dict[str, bytes | None]:
        """Return what was in files, by path; None for what was not there or was a folder."""
        wanted = list(dict.fromkeys(paths))
        if not wanted:
            return {}
        asked = "".join(f"{self._id}:{self._prefix}{path}\n" for path in wanted)
        answer = self._git("cat-file", "--batch", given=asked.encode())
        return dict(zip(wanted, _blobs(answer), strict=True))

    def output(self, path: str, store: Any) -> bytes | None:
        """Return what a file was that a stage wrote or read, from the store or from git."""
        for lock in self.locks.values():
            for said in (lock.outs.get(path), lock.deps.get(path)):
                content = kept_content(store, said.sha256) if said is not None else None
                if content is not None:
                    return content
        return self.content(path)

    @cached_property
    def locks(self) -> dict[str, Lock]:
        """The locks of the stages by name; one that cannot be read is left out."""
        folder = f"{WORKSPACE}/{LOCKS}/"
        listed = self._git("ls-tree", "-z", "--name-only", self._id, "--", folder)
        names = [name.decode() for name in listed.split(b"\0") if name.endswith(b".json")]
        found = {}
        for text in self.contents(names).values():
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                lock = lock_in(text or b"")
                found[lock.stage] = lock
        return dict(sorted(found.items()))

    def others(self, *, with_history: bool = False) -> list[str]:
        """Return the ids of the tips of all branches and tags, this one first.

        Parameters
        ----------
        with_history
            Whether to add every commit that changed a lock.
        """
        listed = self._git("for-each-ref", "--format=%(objectname)")
        if with_history:
            listed += self._git("log", "--all", "--format=%H", "--", f"{WORKSPACE}/{LOCKS}/")
        return list(dict.fromkeys([self._id, *listed.decode().split()]))

    def _commit(self, name: str) -> str | None:
        done = self._asked("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return None if done.returncode else done.stdout.decode().strip()

    def _near(self, name: str) -> str:
        """Return the end of a sentence that says what could be meant by a name."""
        if self._commit(HEAD) is None:
            return ": commit first"
        base = re.split("[~^]", name, maxsplit=1)[0]
        if base != name and base and self._commit(base) is not None:
            return f': what is known of "{base}" does not go back so far'
        listed = self._git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags")
        names = [HEAD, *listed.decode().splitlines()]
        return did_you_mean(name, names) or f"; {there_are(names)}"

    def _git(self, *words: str, given: bytes | None = None, wrong: str = "") -> bytes:
        done = self._asked(*words, given=given)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise RevisionError(wrong or f"git: {said[-1] if said else 'failed'}")
        return done.stdout

    def _asked(self, *words: str, given: bytes | None = None) -> CompletedProcess[bytes]:
        from subprocess import TimeoutExpired, run

        try:
            return run(  # noqa: S603 - git, with words that are not the user's own
                ["git", "-C", str(self._root), *words],  # noqa: S607
                input=given or b"",
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, TimeoutExpired) as error:
            raise RevisionError(f"git cannot be asked: {error}") from None


def _blobs(answer: bytes) -> Iterator[bytes | None]:
    """Yield the contents in what ``git cat-file --batch`` says."""
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        head = answer[at:end].rsplit(b" ", 2)
        at = end + 1
        is_there = len(head) == 3 and head[2].isdigit()  # noqa: PLR2004 - id, kind, size
        if not is_there:
            yield None
            continue
        size = int(head[2])
        yield answer[at : at + size] if head[1] == b"blob" else None
        at += size + 1


def kept_content(store: Any, sha256: str) -> bytes | None:
    """Return the content of a file that the store has a copy of; None if it has none."""
    from pypedream.store.corruption import Damaged

    try:
        entry = store.backend.find(f"file/{sha256}")
        if entry is None:
            return None
        if entry.inline is not None:
            return bytes(entry.inline)
        with store.contents.file(entry) as path:
            content: bytes = path.read_bytes()
            return content
    except (MissingEntry, StoreError, Damaged):
        return None
