"""Keys: which texts may name a value, on every file system and behind every URL."""

from __future__ import annotations

import re

from pypedream.errors import InvalidKey

__all__ = ["broken_letter", "broken_part", "checked_key"]

LONGEST = 255
_SHOWN = 40
_CONTROL = r"[\x00-\x1f\x7f]"
_SURROGATE = r"[\ud800-\udfff]"
_DRIVE = r"[A-Za-z]:"
_RESERVED = r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?"
_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")


def checked_key(key: object) -> str:
    r"""Return *key* if it may be one.

    Raises
    ------
    InvalidKey
        If not; the text names the rule.

    Examples
    --------
    >>> checked_key("runs/März/total")
    'runs/März/total'
    >>> checked_key("../secrets")
    Traceback (most recent call last):
      ...
    pypedream.errors.InvalidKey: "../secrets" cannot be a key: a part is ".."
    """
    if not isinstance(key, str):
        raise InvalidKey(f"{key!r} cannot be a key: a key is a text, not {type(key).__name__}")
    broken = _broken_rule(key) or next(filter(None, map(broken_part, key.split("/"))), None)
    if broken:
        shown = ascii(key[:_SHOWN])[1:-1] + ("..." if len(key) > _SHOWN else "")
        raise InvalidKey(f'"{shown}" cannot be a key: {broken}')
    return key


def _broken_rule(key: str) -> str | None:
    if not key:
        return "it is empty"
    if len(key) > LONGEST:
        return f"it has {len(key)} characters, more than {LONGEST}"
    if key.startswith("/"):
        return "it is an absolute path"
    if re.match(_DRIVE, key):
        return "it begins with a drive"
    return broken_letter(key)


def broken_letter(key: str) -> str | None:
    """Return which letter a key cannot have, as a phrase; None if all are well."""
    if "\\" in key:
        return "it has a backslash; parts are separated by /"
    if key.isprintable():  # as good as any is, and then no pattern is compiled
        return None
    if re.search(_CONTROL, key):
        return "it has a control character"
    if re.search(_SURROGATE, key):
        return "it has half a character (a lone surrogate)"
    return None


def broken_part(part: str) -> str | None:
    """Return why a text cannot be one part of a key, as a phrase; None if it can."""
    if part == "":
        return "a part between / is empty"
    if part in (".", ".."):
        return f'a part is "{part}"'
    if part[-1] in ". ":
        return f'"{part}" ends with a dot or a blank'
    if part[:3].lower() in _DEVICES and re.fullmatch(_RESERVED, part, re.IGNORECASE):
        return f'"{part}" is reserved by Windows'
    return None
