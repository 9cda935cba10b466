"""The bytes of a file of rows, as they are read: unpacked, hashed, and in an encoding like ASCII.

What follows looks for separators, quotes and line ends as single bytes. That is right for UTF-8
and for every encoding with one byte for each letter; a file in another one becomes UTF-8 while it
is read.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import zlib
from typing import IO, TYPE_CHECKING, Any

from attrs import define, field

from pypedream.tabular.problems import Problem, error_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["SourceBytes"]

_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OTHER_FORMS = {
    b"PK\x03\x04": "a zip archive, or a workbook of Excel",
    b"\xd0\xcf\x11\xe0": "a workbook of Excel",
    b"PAR1\x15": "a file of Parquet",
    b"%PDF-": "a PDF",
    b"\x1f\x8b": "packed twice",
    b"BZh91AY&SY": "packed by bzip2",
    b"\xfd7zXZ\x00": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"7z\xbc\xaf\x27\x1c": "an archive of 7-Zip",
}
_TAR, _TAR_AT = b"ustar", 257
_LOOK = 512
_NEAR = 1 << 16


@define
class SourceBytes:
    """A file that is open to be read once, from its beginning to its end.

    Attributes
    ----------
    encoding
        Of what `read` gives.
    size_bytes
        Of the file on disk.
    taken_bytes
        How much of the file on disk has been read.
    """

    path: Path
    encoding: str
    size_bytes: int = field(init=False)
    taken_bytes: int = field(default=0, init=False)
    _state: tuple[int, int] = field(init=False)
    _digest: Any = field(factory=hashlib.sha256, init=False)
    _raw: IO[bytes] = field(init=False)
    _unpacked: gzip.GzipFile | None = field(default=None, init=False)
    _decoder: codecs.IncrementalDecoder | None = field(default=None, init=False)
    _kept: bytes = field(default=b"", init=False)
    _line: int = field(default=1, init=False)

    def __enter__(self) -> SourceBytes:
        self._raw = open(self.path, "rb", buffering=0)
        try:
            self._begin()
        except BaseException:
            self._raw.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._raw.close()

    def _begin(self) -> None:
        self._state = self._seen()
        self.size_bytes = self._state[0]
        if self._bytes(len(_GZIP)) == _GZIP:
            self._unpacked = gzip.GzipFile(fileobj=_Taker(self))  # type: ignore[call-overload]
        self._raw.seek(0)
        self.encoding = codecs.lookup(self.encoding).name
        begin = self._next(_LOOK)
        self._check_form(begin)
        self._kept = self._after_mark(begin)
        if not _is_like_ascii(self.encoding):
            self._decoder = codecs.getincrementaldecoder(self.encoding)()
            self.encoding, self._kept = "utf-8", self._decoded(self._kept, is_last=False)

    def take(self, size: int) -> bytes:
        """Return the next bytes of the file on disk."""
        data = self._bytes(size)
        self._digest.update(data)
        self.taken_bytes += len(data)
        return data

    def read(self, size: int, *, to_line_end: bool = False) -> bytes:
        """Return about as many bytes as are asked for; none at the end.

        Parameters
        ----------
        to_line_end
            Whether they may be fewer, so that they end where a line does. Not all files are read
            in a way in which they do.

        Raises
        ------
        IngestError
            If the file cannot be unpacked or decoded.
        """
        if to_line_end and not (self._kept or self._unpacked or self._decoder):
            return self.take(self._to_line_end(size))
        kept, self._kept = self._kept, b""
        while True:
            data = self._next(max(size - len(kept), 1))
            kept += self._decoded(data, is_last=not data) if self._decoder else data
            if kept or not data:
                return kept

    def finish(self) -> str:
        """Return the SHA-256 of the file, which has been read to its end.

        Raises
        ------
        IngestError
            If it was written to meanwhile.
        """
        while self.take(1 << 20):  # behind what was packed there may be something
            pass
        if self._seen() != self._state or self.taken_bytes != self.size_bytes:
            raise self._refused("changed", "was written to while it was read: try again")
        digest: str = self._digest.hexdigest()
        return digest

    def _bytes(self, size: int) -> bytes:
        try:
            return self._raw.read(size)
        except OSError as error:  # of a disk, which does not say for what it was asked
            error.filename = str(self.path)
            raise

    def _to_line_end(self, size: int) -> int:
        """Return how many of the next bytes are whole lines; all if no line ends near their end."""
        place, look = self._raw.tell(), min(size, _NEAR)
        self._raw.seek(place + size - look)
        end = self._bytes(look).rfind(b"\n") + 1
        self._raw.seek(place)
        return size - look + end if end else size

    def _seen(self) -> tuple[int, int]:
        stat = os.stat(self.path)
        return stat.st_size, stat.st_mtime_ns

    def _next(self, size: int) -> bytes:
        if self._unpacked is None:
            return self.take(size)
        try:
            return self._unpacked.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._refused("unreadable", f"cannot be unpacked: {error}") from error

    def _check_form(self, begin: bytes) -> None:
        """Refuse what is known to be no text, by how it begins."""
        form = next((form for mark, form in _OTHER_FORMS.items() if begin.startswith(mark)), None)
        if begin.startswith(_TAR, _TAR_AT):
            form = "an archive of several files (tar)"
        if form is not None:
            raise self._refused(
                "unreadable", f"is {form}: unpack it or save it as CSV, or read it with preprocess="
            )

    def _after_mark(self, begin: bytes) -> bytes:
        """Return the first bytes without the mark that says how the file is encoded."""
        for mark, named in _MARKS.items():
            if begin.startswith(mark):
                if named == "utf-8" == self.encoding:
                    return begin[len(mark) :]
                if not self.encoding.startswith(named):
                    raise self._refused(
                        "encoding", f'begins as {named} does: give encoding="{named}"'
                    )
                return begin
        return begin

    def _decoded(self, data: bytes, *, is_last: bool) -> bytes:
        assert self._decoder is not None
        try:
            text = self._decoder.decode(data, is_last)
        except UnicodeDecodeError as error:
            reason = f"is not {error.encoding}: {error.reason}"
            raise self._refused("encoding", reason, self._line) from error
        self._line += text.count("\n")
        return text.encode("utf-8", "surrogatepass")

    def _refused(self, code: str, reason: str, line: int | None = None) -> Exception:
        problem = Problem(code, reason, file=self.path.name, line=line)
        return error_of(self.path.name, [problem])


@define
class _Taker:
    """What unpacks a file reads from it through this, so that the packed bytes are hashed."""

    source: SourceBytes

    def read(self, size: int = -1) -> bytes:
        return self.source.take(size)


def _is_like_ascii(encoding: str) -> bool:
    """Say whether a byte below 128 always stands for the character of that number."""
    if encoding == "utf-8":
        return True
    below = bytes(range(128))
    try:
        is_same = below.decode(encoding) == below.decode("ascii")
    except UnicodeDecodeError:
        return False
    pairs = (bytes((first, 0x41)) for first in range(128, 256))
    return is_same and all(len(pair.decode(encoding, "replace")) == len(pair) for pair in pairs)
