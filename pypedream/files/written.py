"""What a stage wrote: which files, and what was in them; the same for the same content."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from pypedream.deferred import Deferred

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pypedream.files.keeping import KeptFiles
    from pypedream.files.stage_files import StageFiles

MARK = "files"
"""Is recorded with a result that is kept as what `Written.about` says."""


@frozen(eq=False, repr=False)
class WrittenFile:
    """A file or folder that a stage wrote.

    Attributes
    ----------
    path
        Its path in the project; "/" at the end says that it is a folder.
    sha256
        Digest of its content, of a folder that of its manifest.
    size
        Bytes.
    is_cached
        Whether the store keeps it; git keeps the others.
    """

    path: str
    sha256: str
    size: int
    is_cached: bool = True


@frozen(eq=False, repr=False)
class Written(Deferred):
    """All files that one call of a stage wrote, by the field of what it returned.

    Equal content makes it equal, whenever and by which code it was written. Its value is what was
    in the files then, loaded when it is asked for.

    Attributes
    ----------
    files
        How they are loaded.
    kept
        What has copies of them; None takes them as they are.
    contents
        What is in small files by their paths, until copies of them are kept.
    """

    fields: Mapping[str, tuple[WrittenFile, ...]] = field(hash=False)
    files: StageFiles | None = field(default=None, eq=False, repr=False)
    kept: KeptFiles | None = field(default=None, eq=False, repr=False)
    contents: dict[str, bytes] = field(factory=dict, eq=False, repr=False)

    def present(self) -> Any:
        """Return what the stage gave, as its readers get it: loaded from the files.

        Of a file that was written anew since, the copy is loaded that the store has.

        Raises
        ------
        UnreadableResult
            If there is none.
        """
        assert self.files is not None
        return self.files.load(self) if self.kept is None else self.kept.load(self, self.files)

    def metrics(self) -> Any:
        """Return the part of it that is metrics: small, to be compared between runs."""
        assert self.files is not None
        outs = self.files.spec.outs
        fields = {name: each for name, each in self.fields.items() if outs[name].kind == "metric"}
        if not fields:
            return None
        return evolve(self, fields=fields).present()

    @property
    def identity(self) -> str:
        """What was written: equal for equal content under equal paths."""
        told = sorted((one.path, one.sha256) for one in self.all)
        return sha256(repr(told).encode()).hexdigest()

    @property
    def all(self) -> Iterator[WrittenFile]:
        """Every file, in the order of the fields."""
        for files in self.fields.values():
            yield from files

    @property
    def digests(self) -> dict[str, str]:
        """From each path to the digest of its content."""
        return {one.path: one.sha256 for one in self.all}

    def about(self) -> dict[str, Any]:
        """Return the same as what JSON can hold."""
        return {
            name: [[one.path, one.sha256, one.size, one.is_cached] for one in files]
            for name, files in self.fields.items()
        }

    @classmethod
    def from_about(
        cls,
        about: Mapping[str, Any],
        files: StageFiles | None = None,
        kept: KeptFiles | None = None,
    ) -> Written:
        """Return what `about` described.

        Raises
        ------
        TypeError, ValueError, AttributeError
            If it describes nothing of the kind.
        """
        fields = {
            str(name): tuple(WrittenFile(*one) for one in written)
            for name, written in about.items()
        }
        return cls(fields, files, kept)
