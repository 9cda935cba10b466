from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from pypedream.errors import IngestError
from pypedream.tabular.source_bytes import SourceBytes

TEXT = "id,name\n1,café\n2,日本\n" * 50


def read(path: Path, encoding: str = "utf-8", size: int = 7) -> tuple[bytes, str, str]:
    """Return all bytes of a file, their encoding and the digest."""
    with SourceBytes(path, encoding) as source:
        parts = list(iter(lambda: source.read(size), b""))
        return b"".join(parts), source.encoding, source.finish()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_is_read_is_utf8(tmp_path: Path, encoding: str) -> None:
    """Encodings that are not like ASCII become UTF-8; a mark at the beginning goes."""
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))

    data, found, digest = read(path, encoding)

    assert data.decode(found) == TEXT
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "iso8859-15", "cp850", "ascii"])
def test_encodings_of_one_byte_stay(tmp_path: Path, encoding: str) -> None:
    """What has one byte for each letter is read as it is, and rows are decoded one by one."""
    path = tmp_path / "a.csv"
    path.write_bytes("id\né\n".encode(encoding, "replace"))

    assert read(path, encoding)[:2] == (path.read_bytes(), codecs.lookup(encoding).name)


@pytest.mark.parametrize("encoding", ["shift_jis", "gbk", "big5", "utf-7"])
def test_encodings_of_several_bytes_become_utf8(tmp_path: Path, encoding: str) -> None:
    """A byte that looks like a separator may be half of a letter there."""
    path = tmp_path / "a.csv"
    text = "id|表\n1|日本\n" if encoding == "shift_jis" else "id|a\n1|b\n"
    path.write_bytes(text.encode(encoding))

    data, found, _ = read(path, encoding)

    assert (data.decode(), found) == (text, "utf-8")


def test_a_packed_file_is_unpacked(tmp_path: Path) -> None:
    """By its first bytes and not by its name; the digest is that of the file on disk."""
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(TEXT.encode()))

    data, _, digest = read(path)

    assert data == TEXT.encode()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [1, 5, 11, 12, 100, 1 << 20])
def test_what_is_read_may_end_where_a_line_does(tmp_path: Path, size: int) -> None:
    """If one ends in it; together it is the file, whose digest is that of all of it."""
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode() + b"no line end")

    with SourceBytes(path, "utf-8") as source:
        parts = list(iter(lambda: source.read(size, to_line_end=True), b""))
        digest = source.finish()

    assert b"".join(parts) == path.read_bytes()
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(part.endswith(b"\n") or b"\n" not in part for part in parts[1:])


@pytest.mark.parametrize(
    "data, encoding, match",
    [
        (TEXT.encode("utf-16"), "utf-8", 'give encoding="utf-16"'),
        (TEXT.encode("utf-32"), "utf-8", 'give encoding="utf-32"'),
        (TEXT.encode("utf-8-sig"), "cp1252", 'give encoding="utf-8"'),
        (TEXT.encode("utf-16")[:-1], "utf-16", "is not utf-16"),
        (gzip.compress(TEXT.encode())[:-9], "utf-8", "cannot be unpacked"),
        (b"\x1f\x8bnonsense" * 9, "utf-8", "cannot be unpacked"),
    ],
    ids=["utf-16", "utf-32", "utf-8 mark", "half a letter", "cut off", "not packed"],
)
def test_what_cannot_be_read_says_so(
    tmp_path: Path, data: bytes, encoding: str, match: str
) -> None:
    """An error names the file, and the encoding to give."""
    path = tmp_path / "a.csv"
    path.write_bytes(data)

    with pytest.raises(IngestError, match=f"a.csv: 1 problem.*\n.*{match}"):
        read(path, encoding)


def zipped() -> bytes:
    """Return an archive with a file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.csv", TEXT)
    return made.getvalue()


def tarred() -> bytes:
    """Return a packed archive with a file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return made.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "data, what",
    [
        (zipped(), "a zip archive, or a workbook of Excel"),
        (tarred(), r"an archive of several files \(tar\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of Excel"),
        (gzip.compress(gzip.compress(TEXT.encode())), "packed twice"),
        (bz2.compress(TEXT.encode()), "packed by bzip2"),
        (lzma.compress(TEXT.encode()), "packed by xz"),
        (b"PAR1\x15\x04", "a file of Parquet"),
    ],
    ids=["zip", "tar", "xls", "twice", "bzip2", "xz", "parquet"],
)
def test_what_is_no_text_is_told_what_it_is(
    tmp_path: Path, data: bytes, what: str, encoding: str
) -> None:
    """In every encoding, as some would make letters of anything."""
    path = tmp_path / "a.csv"
    path.write_bytes(data)

    with pytest.raises(IngestError, match=f"is {what}: unpack it or save it as CSV, or read"):
        read(path, encoding)


def test_a_disk_that_cannot_be_read_is_not_told_as_a_damaged_file(tmp_path: Path) -> None:
    """What the system says comes as it is, with the file, also while that is unpacked."""
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(os.urandom(1 << 20)))

    with SourceBytes(path, "latin-1") as source:
        source.read(10)
        with open(tmp_path / "other", "wb") as unreadable:
            os.dup2(unreadable.fileno(), source._raw.fileno())
        with pytest.raises(OSError, match=r"Bad file descriptor: '.*a\.csv'$"):
            list(iter(lambda: source.read(1 << 20), b""))


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    """Half of one state and half of another would be neither."""
    path = tmp_path / "a.csv"
    path.write_text(TEXT, encoding="utf-8")

    with SourceBytes(path, "utf-8") as source:
        source.read(10)
        path.write_text(TEXT * 2, encoding="utf-8")
        with pytest.raises(IngestError, match="was written to while it was read"):
            source.finish()
