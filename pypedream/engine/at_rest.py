"""At rest: to see quickly that a pipeline with files has nothing to do, as nothing has changed.

What a plan decides follows from the definition, from the files that stages read and wrote, from
their locks and from what the store keeps. A run that has left all stages up to date writes down
what these were. Where they still are so, a plan would take over every result, and none is made:

::

    .pypedream/rest/<pipeline>@<file>     a token of the definition, and a digest of the state of
                                          all files

In doubt it is not at rest, and a plan decides. What is remembered here decides nothing by itself:
without it, all goes the long way.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from pypedream.engine.tokens import Loaders, Untold, token_of
from pypedream.errors import PypedreamError, StoreError
from pypedream.files.hashes import FileHashes
from pypedream.files.lock_names import name_of
from pypedream.files.paths import WORKSPACE
from pypedream.store.marks import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pypedream.engine.run import Run
    from pypedream.engine.table import StageTable
    from pypedream.parameters import Parameters, Variables

__all__ = ["Rest"]

FOLDER = "rest"
STORE = "store"
_PENDING = "pending"
_WORKSPACE_IS_ELSEWHERE = "PYPEDREAM_WORKSPACE"
_DONE = ("ok", "reused")
_KEY = 64
_VERSION = 1


class _Memo(NamedTuple):
    """What is remembered of a pipeline that was at rest.

    Attributes
    ----------
    token
        What the definition was.
    paths
        All files that count: those that stages read and wrote, and their locks.
    state
        What was in them.
    globs
        From each pattern to the files that it matched.
    keys
        Of the results that the store keeps.
    mark
        How the index of the store looked; None if it had been written just before.
    """

    token: str
    paths: Sequence[str]
    state: str
    globs: Mapping[str, Sequence[str]]
    keys: str
    mark: Any


class Rest:
    """A pipeline as it is now, to be compared with how it was when all was up to date.

    It has to be asked before anything else is done: what functions change while they run would be
    taken for how they were.

    Parameters
    ----------
    name, table, parameters, variables, options
        Of the pipeline.
    file
        Where it is made. Another file may have a pipeline of the same name.

    Attributes
    ----------
    took_s
        How long it took to see whether it holds.
    """

    def __init__(
        self,
        name: str,
        table: StageTable,
        parameters: Parameters,
        variables: Variables,
        options: Mapping[str, Any],
        file: str = "",
    ) -> None:
        self.table = table
        self.took_s = 0.0
        self._own = name, table, parameters, variables, options, Loaders()
        self._name, self._options, self._file = name, options, file
        self._token = ""
        self._holds: bool | None = None

    @property
    def root(self) -> str:
        """The one project that all stages with files are of; "" if there are none, or several."""
        roots = {one.files.root for one in self.table.stages.values() if one.files is not None}
        is_usual = "workspace" not in self._options and not os.environ.get(_WORKSPACE_IS_ELSEWHERE)
        return roots.pop() if len(roots) == 1 and is_usual else ""

    def holds(self) -> bool:
        """Say whether everything is as it was when all was up to date; it is looked at once."""
        if self._holds is None:
            started = perf_counter()
            self._holds = self._looked()
            self.took_s = perf_counter() - started
        return self._holds

    def _looked(self) -> bool:
        root = self.root
        if not root:
            return False
        hashes = FileHashes(os.path.join(root, WORKSPACE), root)
        self._token = self._told(hashes)
        memo = _read(self._memo(root)) if self._token else None
        if memo is None or memo.token != self._token:
            return False
        try:
            if _are_pending(root):
                return False
            states = [(path, hashes.state(path)) for path in memo.paths]
            is_same = _digest(states) == memo.state and _globs_hold(root, memo)
        except (PypedreamError, OSError):  # a plan says what is wrong
            return False
        if not is_same or not self._is_kept(root, memo):
            return False
        hashes.save()
        return True

    def remember(self, run: Run) -> None:
        """Write down that all is up to date, if it is after this run and can be told quickly."""
        from pypedream.engine.resting import Unsettled, calls_of, globs_of, states_of

        plan, root = run.plan, self.root
        if not self._token or not _is_whole(run, os.path.join(root, WORKSPACE)):
            return
        try:
            told = calls_of(plan)
            states, globs = states_of(plan, told), globs_of(plan, root)
        except (Unsettled, PypedreamError, OSError):  # it is not at rest, or cannot be told quickly
            return
        keys = "".join(call.key for call in told.values())
        mark = _as_read(mark_of(os.path.join(root, WORKSPACE, STORE)))
        is_same = self._told(FileHashes(os.path.join(root, WORKSPACE), root)) == self._token
        if is_same and _are_in_store(root, keys):
            state = _digest(states.items())
            self._write(root, _Memo(self._token, [*states], state, globs, keys, mark))

    def _told(self, hashes: FileHashes) -> str:
        """Return what tells a definition, with the files that set its parameters; "" if nothing."""
        try:
            told = [token_of(*self._own), *map(hashes.state, self._params_files())]
        except Untold:
            return ""
        except Exception:  # noqa: BLE001 - what is the user's may raise anything when it is looked at
            return ""  # and a plan says what
        return sha256(" ".join(told).encode()).hexdigest()

    def _params_files(self) -> tuple[str, ...]:
        """Return the files that may override parameters of stages, if these have any."""
        if not any(one.files and one.files.spec.params for one in self.table.stages.values()):
            return ()
        from pypedream.files.params import FILES

        return FILES

    def _memo(self, root: str) -> str:
        file = self._file.removeprefix(os.path.join(root, ""))
        return os.path.join(root, WORKSPACE, FOLDER, name_of(f"{self._name}@{file}"))

    def _is_kept(self, root: str, memo: _Memo) -> bool:
        """Say whether the store has all results; if nobody has changed it, it does."""
        location = os.path.join(root, WORKSPACE, STORE)
        mark = _as_read(mark_of(location))
        if mark is not None and mark == memo.mark:
            return True
        if not _are_in_store(root, memo.keys):
            return False
        if mark is not None:
            self._write(root, memo._replace(mark=mark))
        return True

    def _write(self, root: str, memo: _Memo) -> None:
        from pathlib import Path

        from pypedream.formats.replacement import replace
        from pypedream.store.disk import make_folder

        document, path = {"version": _VERSION, **memo._asdict()}, self._memo(root)
        # Nobody needs it: if it cannot be written, the next time goes the long way.
        with suppress(OSError):
            make_folder(Path(path).parent, is_shared=False)
            replace(path, json.dumps(document).encode("ascii"))


def _read(path: str) -> _Memo | None:
    """Return what is remembered; None if nothing is, or if any of it is damaged."""
    with suppress(OSError, ValueError, TypeError):
        with open(path, "rb") as file:  # to open it as ASCII would load a codec
            document = json.loads(file.read())
        if isinstance(document, dict) and document.pop("version", None) == _VERSION:
            memo = _Memo(**document)
            return memo if _is_sound(memo) else None
    return None


def _is_sound(memo: _Memo) -> bool:
    texts = (memo.token, memo.state, memo.keys)
    is_listed = isinstance(memo.paths, list) and isinstance(memo.globs, dict)
    return is_listed and {type(each) for each in (*texts, *memo.paths)} == {str}


def _are_pending(root: str) -> bool:
    """Say whether somebody is writing outputs, or a crash has left some.

    A run that goes on holds its journal also while its stages compute, and then writes nothing.
    """
    folder = os.path.join(root, WORKSPACE, _PENDING)
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".jsonl")]
    except FileNotFoundError:
        return False
    if not names:
        return False
    from pypedream.files.journals import has_ended  # mostly there is none

    return not all(has_ended(os.path.join(folder, name)) for name in names)


def _is_whole(run: Run, workspace: str) -> bool:
    """Say whether a run has left every stage done, and kept what they gave."""
    options, states = run.plan.options, {stage.state for stage in run.stages.values()}
    is_usual = run.plan.selection.is_everything and not run.plan.reuse.values
    is_kept = str(options.workspace) == workspace and not options.allow_missing
    return is_usual and is_kept and run.state == "ok" and states.issubset(_DONE)


def _as_read(mark: Any) -> Any:
    """Return a mark as it comes back from JSON."""
    return None if mark is None else [each and [*each] for each in mark]


def _digest(states: Iterable[tuple[str, str]]) -> str:
    return sha256("".join([f"{path}\0{state}\n" for path, state in states]).encode()).hexdigest()


def _globs_hold(root: str, memo: _Memo) -> bool:
    if not memo.globs:
        return True
    from pathlib import Path

    from pypedream.files.globs import expanded

    return all(expanded(Path(root), each) == found for each, found in memo.globs.items())


def _are_in_store(root: str, keys: str) -> bool:
    from pypedream.store.results import Results

    wanted = [keys[start : start + _KEY] for start in range(0, len(keys), _KEY)]
    results = Results(os.path.join(root, WORKSPACE), readonly=True)
    try:
        found = results.find_many(wanted)
    except StoreError:
        return False
    finally:
        results.close()
    # what is known from a lock only, a run keeps
    return all(key in found and found[key].about.get("run") for key in wanted)
