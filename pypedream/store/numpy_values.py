"""How numpy's arrays and numbers are written down for a digest: dtype, shape and entries.

numpy is not imported: its classes come with the values. The bytes of an array count, so that a
nan with other bits is another value, and -0.0 is not 0.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypedream.store.encoding import joined, tagged, text

if TYPE_CHECKING:
    from pypedream.store.encoding import Encoding, Write


def writer(kind: type) -> Write | None:
    """Return how values of a class of numpy, or one derived from it, are written down."""
    names = {base.__name__ for base in kind.__mro__ if base.__module__.startswith("numpy")}
    if "MaskedArray" in names:
        return _write_masked
    if "ndarray" in names:
        return write_array
    if "generic" in names:
        return _write_number
    if "dtype" in names:
        return lambda encoding, value: joined(b"dtype", (_dtype(encoding, value),))
    if "Generator" in names or "RandomState" in names:
        return _write_random
    return _write_function if "ufunc" in names else None


def _write_function(encoding: Encoding, value: Any) -> bytes:
    """Write down where a function over arrays is found."""
    from pypedream.store.writers import write_apart

    return write_apart(encoding, value)


def write_array(encoding: Encoding, value: Any) -> bytes:
    """Write down an array; a view, or one in another memory layout, is the same array."""
    plain = _plain(value)
    shape = encoding.node(list(plain.shape))
    return joined(b"ndarray", (_dtype(encoding, plain.dtype), shape, _content(encoding, plain)))


def _write_masked(encoding: Encoding, value: Any) -> bytes:
    """Write down a masked array; what is under the mask does not count."""
    if value.dtype.names is not None:
        return joined(
            b"masked", [_write_masked(encoding, value[name]) for name in value.dtype.names]
        )
    mask = value.mask
    filled = value.filled(value.dtype.type()) if mask.any() else value.data
    full = mask if mask.shape else [bool(mask)]
    return joined(b"masked", (write_array(encoding, filled), encoding.node(full)))


def _write_number(encoding: Encoding, value: Any) -> bytes:
    kind = value.dtype
    return joined(b"number", (_dtype(encoding, kind), _content(encoding, value.reshape(()))))


def _write_random(encoding: Encoding, value: Any) -> bytes:
    state = value.bit_generator.state if hasattr(value, "bit_generator") else value.get_state()
    return joined(b"random", (encoding.node(state),))


def _plain(value: Any) -> Any:
    base: Any = next(base for base in type(value).__mro__ if base.__name__ == "ndarray")
    return value if type(value) is base else base.view(value, base)


def _dtype(encoding: Encoding, kind: Any) -> bytes:
    if kind.names is not None:
        fields = [(name, *kind.fields[name][1:2]) for name in kind.names]
        inside = [_dtype(encoding, kind.fields[name][0]) for name in kind.names]
        return joined(b"fields", (encoding.node([kind.itemsize, fields]), *inside))
    if kind.subdtype is not None:
        base, shape = kind.subdtype
        return joined(b"subarray", (_dtype(encoding, base), encoding.node(shape)))
    return text(b"dtype", f"{kind.kind}{kind.str}")


def _content(encoding: Encoding, plain: Any) -> bytes:
    kind = plain.dtype
    if kind.names is not None:  # there may be gaps between the fields, with anything in them
        return joined(b"columns", [_content(encoding, plain[name]) for name in kind.names])
    if kind.hasobject or kind.kind == "T":  # text of any length, which is kept elsewhere
        return write_objects(encoding, plain.ravel().tolist())
    if not plain.nbytes:
        return tagged(b"bytes", b"")
    if not plain.flags.c_contiguous:
        plain = plain.copy(order="C")
    return tagged(b"bytes", memoryview(plain.reshape(-1).view("u1")))


def write_objects(encoding: Encoding, values: list[Any]) -> bytes:
    """Write down entries that are Python objects; many texts take one step."""
    if set(map(type, values)) == {str}:
        lengths = ",".join(map(str, map(len, values)))
        return joined(b"texts", (text(b"lengths", lengths), text(b"", "".join(values))))
    return encoding.sequence(b"objects", values)
