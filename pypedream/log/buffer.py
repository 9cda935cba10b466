"""The ``buffer`` of a router: bytes that a stage writes are decoded and routed as well."""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Any

from pypedream.log.output import captured

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypedream.log.router import Router

__all__ = ["RoutedBytes"]


class RoutedBytes:
    """Stands in for the stream of bytes beneath a router; lives as long as the router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._decoders = _Decoders()

    def __getattr__(self, name: str) -> Any:
        if name == "_router":  # a copy in the making has nothing yet
            raise AttributeError(name)
        beneath = self._beneath
        return getattr(self._router if beneath is None else beneath, name)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write *data* and return the number of bytes."""
        beneath, attempt = self._beneath, captured()
        if attempt is None and beneath is not None:
            return int(beneath.write(data))
        content = bytes(memoryview(data))
        encoding = getattr(self._router, "encoding", None) or "utf-8"
        self._router.write(self._decoders.decode(content, attempt, encoding))
        return len(content)

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Write each of *lines*."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring what was written to where it goes."""
        self._router.flush()
        if self._beneath is not None:
            self._beneath.flush()

    def close(self) -> None:
        """Flush; the stream beneath belongs to the process."""
        self.flush()

    def detach(self) -> RoutedBytes:
        """Return this object; it stays what it is."""
        return self

    @property
    def _beneath(self) -> Any:
        return getattr(self._router.target, "buffer", None)


class _Decoders(local):
    """For each thread the bytes of a character that is not complete yet."""

    _attempt: object = None
    _decoder: Any = None

    def decode(self, content: bytes, attempt: object, encoding: str) -> str:
        """Return the text of *content*; bytes that are no text become escapes."""
        from codecs import getincrementaldecoder

        if self._decoder is None or attempt is not self._attempt:
            self._attempt = attempt
            self._decoder = getincrementaldecoder(encoding)("backslashreplace")
        return str(self._decoder.decode(content))
