"""Text, bytes, and files that a stage reads or writes by itself."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from pypedream.formats.faults import IN_MEMORY, fault, reading, writing
from pypedream.formats.loader import Loader
from pypedream.formats.replacement import replace, replacing, replacing_folder


@frozen
class Text(Loader[str, str]):
    """A text, letter by letter: ends of lines are neither added nor changed.

    Parameters
    ----------
    encoding
        How letters become bytes.
    """

    encoding: str = "utf-8"

    def load(self, path: str | os.PathLike[str]) -> str:
        """Return the text."""
        with reading(path, "Text"), open(path, "rb") as file:
            return file.read().decode(self.encoding)

    def loads(self, data: bytes) -> str:
        """Return the text that *data* is."""
        try:
            return data.decode(self.encoding)
        except (UnicodeError, LookupError) as error:
            raise fault("cannot be read as Text", IN_MEMORY, "Text", error) from error

    def save(self, value: str, path: str | os.PathLike[str]) -> None:
        """Write the text."""
        with writing(path, "Text"):
            replace(path, self._encoded(value))

    def dumps(self, value: str) -> bytes:
        """Return the text as bytes."""
        with writing(IN_MEMORY, "Text"):
            return self._encoded(value)

    def empty(self) -> str:
        """Return the empty text."""
        return ""

    def _encoded(self, value: str) -> bytes:
        if not isinstance(value, str):
            raise TypeError(f"Text is for str, not for {type(value).__name__}")
        return value.encode(self.encoding)


@frozen
class Bytes(Loader[bytes, bytes]):
    """Bytes as they are."""

    def load(self, path: str | os.PathLike[str]) -> bytes:
        """Return the bytes."""
        with open(path, "rb") as file:
            return file.read()

    def loads(self, data: bytes) -> bytes:
        """Return *data*."""
        return data

    def save(self, value: bytes, path: str | os.PathLike[str]) -> None:
        """Write the bytes."""
        with writing(path, "Bytes"):
            replace(path, _checked(value))

    def dumps(self, value: bytes) -> bytes:
        """Return the bytes."""
        with writing(IN_MEMORY, "Bytes"):
            return value if type(value) is bytes else bytes(memoryview(_checked(value)))

    def empty(self) -> bytes:
        """Return no bytes."""
        return b""


@frozen
class PathOnly(Loader[str | os.PathLike[str], Path]):
    """The path itself: the stage opens the file on its own."""

    def load(self, path: str | os.PathLike[str]) -> Path:
        """Return *path*, which must exist."""
        os.stat(path)
        return Path(path)

    def save(self, value: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
        """See that *path* is there; a file or folder elsewhere is copied to it.

        Raises
        ------
        FileNotFoundError
            If the stage made nothing at *value*.
        """
        import shutil  # it takes long to load, and few need it

        with writing(path, "PathOnly"):
            source = Path(value)
            source.stat()
            if os.path.exists(path) and source.samefile(path):
                return
            if source.is_dir():
                with replacing_folder(path) as folder:
                    shutil.copytree(source, folder)
            else:
                with replacing(path) as beside:
                    shutil.copyfile(source, beside)


def _checked(value: bytes) -> bytes:
    if isinstance(value, str):
        raise TypeError("Bytes is for bytes, not for str; Text writes that")
    return value
