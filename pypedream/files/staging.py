"""Staging: all outputs of a stage are written beside their targets, and then take their places.

::

    data/.tmp-<id>-0.csv          what is to become data/x.csv
    data/.tmp-<id>-0/x.csv        the same, with whatever its writer leaves, of a writer of the user
    data/.tmp-<id>-0-old          what was at the place of that output, if one is a folder
    .pypedream/pending/<id>.jsonl which targets there are, a line each, and that all are complete
    .pypedream/pending/lock       locked by who recovers

The last line of that journal decides: a crash before it leaves the old outputs, one after it the
new ones, as soon as `recover` has been there. The journal is locked while its process lives. The
outputs are on the disk before that line is, and that line before the first output is in place.
A run says in the same file when all is done, and goes on with the next stage and the next numbers.

Each file takes its place in one step, so a reader finds the old one or the new one. Who reads two
may find one of each, if he comes while they are being put in place; a folder is not there for a
moment. Stages see neither, as they begin when what they read is in place.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from pypedream.errors import StoreError
from pypedream.files.hashes import Digest, FileHashes
from pypedream.files.journals import alone, begun, left_in, taken
from pypedream.files.moves import (
    Output,
    clear_after,
    complete,
    finish,
    is_for_all,
    make_holder,
    missing_folders,
    put_in_place,
    remove,
)
from pypedream.files.paths import inner_path, is_folder, real_place
from pypedream.formats.replacement import write_all
from pypedream.store.disk import told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Recovered", "Staged", "recover"]

PENDING = "pending"
"""The folder of a workspace for journals of outputs that are not all in place."""


@frozen(repr=False)
class Recovered:
    """What became of outputs that a crash had left.

    Attributes
    ----------
    completed
        Paths of those that were complete, and are in place now.
    removed
        Paths of those that were not, as far as they had been written; what was there before them
        is still there.
    """

    completed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Staged:
    """The outputs of one call of a stage, until all of them are in place or none is.

    Use it as a context: what is not published when the block ends is removed.

    Parameters
    ----------
    root
        The folder of the project.
    workspace
        Where the journal is written.
    is_durable
        Whether the outputs reach the disk before they take their places. Without it, a loss of
        power may leave something else than old or new outputs; a crash of the process does not.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> root = Path(mkdtemp())
    >>> with Staged(root, root / ".pypedream") as staged:
    ...     _ = staged.path_for("data/x.csv").write_text("a,b")
    ...     _ = staged.path_for("metrics.json").write_text("{}")
    ...     staged.publish()
    >>> (root / "data" / "x.csv").read_text()
    'a,b'
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        workspace: str | os.PathLike[str],
        *,
        is_durable: bool = True,
    ) -> None:
        self._root = os.fspath(root)
        self._outputs: dict[str, Output] = {}
        self._flushed: set[str] = set()
        self._workspace, self._is_durable = workspace, is_durable
        self._is_over = False
        with told(workspace):
            self._journal = begun(os.path.join(workspace, PENDING))
        self._real_root = self._journal.real(self._root)

    def __enter__(self) -> Staged:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_over:
            self.discard()

    def path_for(self, target: str, *, is_alone: bool = False) -> Path:
        """Return where to write an output: a name that is free, or an empty folder.

        Parameters
        ----------
        target
            The checked path of the output; "/" at its end says that it is a folder. Where it is a
            symbolic link, what that leads to is replaced.
        is_alone
            Whether the writer leaves nothing beside it and needs no more of its name than the
            ending. Otherwise its name is that of the target, in a folder of its own.

        Raises
        ------
        DefinitionError
            If a symbolic link on the way leads out of the project.
        StoreError
            If nothing can be written there.
        """
        return Path(self._output(target, is_alone=is_alone).path)

    def write(self, target: str, data: bytes) -> Digest:
        """Write an output that is one file, of which the content is known; return what it is.

        Raises
        ------
        DefinitionError, StoreError
            As `path_for`.
        """
        output = self._output(target, is_alone=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        with told(f"{self._root}/{target}"):
            descriptor = os.open(output.path, flags, 0o666)
            try:
                write_all(descriptor, data)
                if self._is_durable:
                    os.fsync(descriptor)
                    self._flushed.add(output.name)
            finally:
                os.close(descriptor)
        return Digest(sha256(data).hexdigest(), len(data))

    def digest(self, place: Path) -> Digest | None:
        """Return what has been written at a place that was given; None if nothing was."""
        hashes = FileHashes(self._workspace, self._real_root, is_new=True)
        return hashes.digest(inner_path(os.fspath(place), self._real_root))

    def _output(self, target: str, *, is_alone: bool) -> Output:
        """Return what is staged for a target, with the folder in which it is to be written."""
        if self._is_over:
            raise StoreError("these outputs are published or discarded: stage them anew")
        real = real_place(self._root, self._real_root, target)
        name = inner_path(real, self._real_root)
        with told(f"{self._root}/{target}"):
            output = self._outputs.get(name)
            self._flushed.discard(name)
            if output is None:
                made = missing_folders(self._real_root, os.path.dirname(real))
                is_alone = is_alone and not made and is_for_all(real)
                output = self._outputs[name] = self._told_of(name, made, is_alone=is_alone)
            if not output.is_alone:
                make_holder(output.beside)
                if is_folder(target) and not os.path.isdir(output.path):
                    os.mkdir(output.path)
        return output

    def publish(self) -> None:
        """Put all outputs in place.

        Raises
        ------
        StoreError
            If one was not written, or cannot be put in place. Then the old ones stay; if some are
            in place already, `recover` does the rest.
        """
        outputs = [(each, self._finished(each)) for each in self._outputs.values()]
        try:
            if len(outputs) > 1 or any(is_swap for _, is_swap in outputs):
                self._say_that_all_are_there(len(outputs))
            for output, is_swap in outputs:
                with told(output.target):
                    put_in_place(output, is_swap=is_swap)
        except BaseException:
            self._leave([*self._outputs.values()])
            raise
        with told(self._journal.path):
            for output, is_swap in outputs:
                clear_after(output, is_swap=is_swap)
            self._end()

    def discard(self) -> None:
        """Remove what was written; what was there before stays."""
        with told(self._journal.path):
            remove([*self._outputs.values()])
            self._end()

    def _finished(self, output: Output) -> bool:
        """See to it that an output can be put in place; say whether something is in its way."""
        is_to_be_flushed = self._is_durable and output.name not in self._flushed
        with told(output.target):
            try:
                return finish(output, is_durable=is_to_be_flushed)
            except FileNotFoundError:
                if os.path.lexists(output.path):
                    raise
                raise StoreError(f"nothing was written for the output {output.name}") from None

    def _told_of(self, name: str, made: list[str], *, is_alone: bool) -> Output:
        """Write down an output before anything is made for it."""
        journal = self._journal
        number, about = journal.count, {"target": name, "made": made, "is_alone": is_alone}
        journal.count += 1
        journal.say({"number": number, **about})
        return Output.of(self._real_root, name, journal.id, number, made, is_alone=is_alone)

    def _end(self) -> None:
        self._journal.end()
        self._is_over = True

    def _say_that_all_are_there(self, count: int) -> None:
        """Say so before the first is in place; one that replaces a file needs no word."""
        with told(self._journal.path):
            self._journal.say({"complete": count})
            if self._is_durable:
                self._journal.flush()

    def _leave(self, outputs: list[Output]) -> None:
        """Give up if no output is in place; else `recover` does the rest."""
        self._is_over = True
        is_untouched = all(
            os.path.lexists(each.path) and not os.path.lexists(each.old) for each in outputs
        )
        if is_untouched:
            self._journal.remove()  # from now on nobody takes them for complete
            remove(outputs)
        else:
            self._journal.close()


def recover(
    workspace: str | os.PathLike[str], root: str | os.PathLike[str] | None = None
) -> Recovered:
    """Put outputs in place that a crash left complete, and remove those that it did not.

    What a living process is at is left alone. It may be called at any time; of several who come at
    once one does it while the others wait.

    Parameters
    ----------
    root
        The folder of the project; by default the one that the workspace is in.

    Raises
    ------
    StoreError
        If something cannot be put in place; whatever else can be, is.
    """
    folder = Path(workspace, PENDING)
    if not left_in(folder):
        return Recovered()
    real_root = os.path.realpath(Path(workspace).parent if root is None else root)
    with told(folder), alone(folder):
        return _recovered(folder, real_root)


def _recovered(folder: Path, root: str) -> Recovered:
    completed: list[str] = []
    removed: list[str] = []
    failed: StoreError | None = None
    for path in left_in(folder):
        try:
            with told(path), taken(path) as found:
                if found is not None:
                    is_complete, outputs = _outputs_in(*found, root)
                    names = _completed(outputs) if is_complete else remove(outputs)
                    (completed if is_complete else removed).extend(names)
        except StoreError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return Recovered(tuple(completed), tuple(removed))


def _outputs_in(
    journal: str, records: Sequence[dict[str, Any]], root: str
) -> tuple[bool, list[Output]]:
    """Return whether the outputs of a journal are complete, and the outputs."""
    outputs = [
        Output.of(
            root,
            record["target"],
            journal,
            record["number"],
            record["made"],
            is_alone=record["is_alone"],
        )
        for record in records
        if "target" in record
    ]
    names = [name for output in outputs for name in (output.name, *output.made)]
    if any(os.path.isabs(name) or ".." in name.split("/") for name in names):
        raise StoreError(f"the journal {journal} names what is outside of {root}: delete it")
    return bool(records) and records[-1].get("complete") == len(outputs), outputs


def _completed(outputs: list[Output]) -> list[str]:
    for output in outputs:
        complete(output)
    return [output.name for output in outputs]
