"""Bytes from which any value could be told apart: each thing with a tag and a length.

Nothing that differs from process to process comes in: no address, no hash, no order of a set.
"""

from __future__ import annotations

from functools import lru_cache, partial
from hashlib import sha256
from types import CodeType, EllipsisType, NoneType, NotImplementedType
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.errors import UnhashableInput
from pypedream.store.bytecode import behaviour
from pypedream.store.functions import CALLABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Write = Callable[["Encoding", Any], bytes]

_VERSION: Final = b"pypedream/value/1"
_LONG = 4_096  # a longer content is replaced by its sha256, so that nothing is kept twice


def digest_of(encoded: bytes) -> str:
    """Return the digest of a value that is written down."""
    return sha256(_VERSION + encoded).hexdigest()


def tagged(tag: bytes, content: Any) -> bytes:
    """Write down one content, bytes or a buffer, with its tag and its length."""
    size = len(content)
    if size > _LONG:
        return b"%b#%d:%b" % (tag, size, sha256(content).digest())
    return b"%b=%d:%b" % (tag, size, content)


def text(tag: bytes, content: str) -> bytes:
    """Write down text; halves of surrogate pairs are allowed."""
    encoded = content.encode("utf-8", "surrogatepass")
    size = len(encoded)  # written out, as it is called for each name
    return tagged(tag, encoded) if size > _LONG else b"%b=%d:%b" % (tag, size, encoded)


@lru_cache(maxsize=10_000)
def label(name: str) -> bytes:
    """Write down a name, of which there are few and each comes again and again."""
    return text(b"", name)


def joined(tag: bytes, parts: Iterable[bytes]) -> bytes:
    """Write down several things that are written down already, in this order."""
    content = b"".join(parts)
    size = len(content)
    return tagged(tag, content) if size > _LONG else b"%b=%d:%b" % (tag, size, content)


def name_of(kind: type) -> str:
    """Return the full name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


@define(eq=False, repr=False)
class Encoding:
    """One walk through a value; it lives as long as that.

    Attributes
    ----------
    strict
        Whether a type that is not known is an error.
    unknown
        What to do with values of types that are not known, if not what *strict* says.
    function
        How functions and classes are written down, if not by their own identity.
    met
        What is told of the class of each object that has fields.
    has_cycles
        Whether a value may contain itself.
    """

    strict: bool = False
    unknown: Write | None = None
    function: Callable[[Any], bytes] | None = None
    met: Callable[[type], None] | None = None
    has_cycles: bool = False
    known: dict[int, tuple[bytes, object]] = Factory(dict)
    within: dict[int, int] = Factory(dict)

    def encode(self, value: Any) -> bytes:
        """Write down a whole value."""
        try:
            return self.node(value)
        except RecursionError:
            raise UnhashableInput(type(value), "is nested too deeply to have a digest") from None

    def node(self, value: Any) -> bytes:
        """Write down one value and what is in it."""
        scalar = SCALARS.get(type(value))
        if scalar is not None:
            return scalar(value)
        number = id(value)
        if number in self.known:
            return self.known[number][0]
        if number in self.within:
            if self.has_cycles:
                return text(b"cycle", str(self.within[number]))
            raise UnhashableInput(type(value), "contains itself, so it has no digest")
        self.within[number] = len(self.within)
        try:
            encoded = self._writer(value)(self, value)
        finally:
            del self.within[number]
        self.known[number] = (encoded, value)  # which keeps it alive: the id is not used again
        return encoded

    def sequence(self, tag: bytes, values: Iterable[Any]) -> bytes:
        """Write down values in their order."""
        return joined(tag, map(self.node, values))

    def unordered(self, tag: bytes, values: Iterable[Any]) -> bytes:
        """Write down values whose order does not count."""
        members = list(values)
        if any(isinstance(member, CALLABLES) for member in members):
            members.sort(key=_order)  # their hashes are addresses, and they are numbered in a walk
        return joined(tag, sorted(map(self.node, members)))

    def mapping(self, tag: bytes, content: Any) -> bytes:
        """Write down keys and values; the order of the keys does not count."""
        keys = sorted((self.node(key), place) for place, key in enumerate(content))
        values = list(content.values())
        return joined(
            tag, (part for key, place in keys for part in (key, self.node(values[place])))
        )

    def record(self, tag: bytes, kind: type, fields: Mapping[str, Any]) -> bytes:
        """Write down an object by its class and fields."""
        if self.met is not None:
            self.met(kind)
        return joined(tag, (text(b"class", name_of(kind)), self.mapping(b"fields", fields)))

    def callable(self, value: Any) -> bytes:
        """Write down a function or a class by its code."""
        if self.function is not None:
            return self.function(value)
        from pypedream.store.identity import code_identity

        return text(b"code", code_identity(value).digest)

    def _writer(self, value: Any) -> Write:
        from pypedream.store.writers import write_unknown, writer_of

        return writer_of(value) or self.unknown or write_unknown


def _order(value: Any) -> tuple[str, bytes]:
    code = getattr(value, "__code__", None)
    does = behaviour(code) if isinstance(code, CodeType) else b""
    return str(getattr(value, "__qualname__", "")), does


def _number(tag: bytes) -> Callable[[Any], bytes]:
    def write(value: Any) -> bytes:
        return tagged(tag, b"%x" % value)

    return write


def _float(value: float) -> bytes:
    return tagged(b"float", value.hex().encode())  # every nan gives "nan"


def _complex(value: complex) -> bytes:
    return tagged(b"complex", _float(value.real) + _float(value.imag))


def _single(tag: bytes) -> Callable[[Any], bytes]:
    encoded = tagged(tag, b"")
    return lambda _: encoded


SCALARS: Final[dict[type, Callable[[Any], bytes]]] = {
    int: _number(b"int"),
    bool: _number(b"bool"),
    float: _float,
    complex: _complex,
    str: partial(text, b"str"),
    bytes: partial(tagged, b"bytes"),
    NoneType: _single(b"none"),
    EllipsisType: _single(b"ellipsis"),
    NotImplementedType: _single(b"notimplemented"),
}
