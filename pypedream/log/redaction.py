"""What must not be read in any output: secret values, and values under names that say so.

Values are hidden in text before the text is encoded, cut or shown. A value of fewer than four
characters is not searched for: hiding every "a" would hide the log and tell the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from re import Match, Pattern

__all__ = ["HIDDEN", "Redactor", "is_secret_name"]

HIDDEN = "***"
SHORTEST = 4
MOST_NAMES = 4096

_SECRET_WORDS = frozenset(
    [
        "apikey",
        "authorization",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "privatekey",
        "pwd",
        "secret",
        "secrets",
    ]
)
_SECRET_ENDINGS = (
    ("token",),
    ("api", "key"),
    ("access", "key"),
    ("auth", "key"),
    ("private", "key"),
    ("encryption", "key"),
    ("signing", "key"),
)
_verdicts: dict[str, bool] = {}


class Redactor:
    """Hides a fixed set of values; it lives as long as the run that knows them.

    A redactor without a value to hide is falsy, so that a log can do without it.

    Parameters
    ----------
    values
        The secrets. Each line of a secret that has several is hidden on its own, and so are the
        forms that ``repr``, JSON and a URL give to it.

    Examples
    --------
    >>> Redactor(["hunter2"]).text("login with hunter2")
    'login with ***'
    """

    __slots__ = ("_pattern",)

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        self._pattern: Pattern[str] | None = _alternation(forms) if forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Return *text* with every secret replaced by ``***``."""
        return text if self._pattern is None else self._pattern.sub(_hide, text)

    def data(self, value: Any) -> Any:
        """Return *value* as plain JSON data, without secrets and without values of secret names.

        The value itself is not changed. What JSON has no form for becomes its repr.
        """
        from pypedream.log.encode import plain_value  # encode needs this module's names

        return plain_value(value, self)


def is_secret_name(name: str) -> bool:
    """Say whether a value of this name must be hidden whatever it is.

    Examples
    --------
    >>> [is_secret_name(name) for name in ("db_password", "apiKey", "n_tokens")]
    [True, True, False]
    """
    verdict = _verdicts.get(name)
    if verdict is None:
        if len(_verdicts) >= MOST_NAMES:  # names may be made up without end
            _verdicts.clear()
        verdict = _verdicts[name] = _sounds_secret(name)
    return verdict


def _sounds_secret(name: str) -> bool:
    words = _words(name)
    if not _SECRET_WORDS.isdisjoint(words):
        return True
    return any(tuple(words[-len(ending) :]) == ending for ending in _SECRET_ENDINGS)


def _words(name: str) -> list[str]:
    """Split at everything but letters and digits, and where camelCase starts a word."""
    import re  # only a name that was never seen before comes here

    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]


def _forms(value: str) -> Iterator[str]:
    """Every text in which *value* may turn up in a line."""
    from json import dumps
    from urllib.parse import quote

    for part in (value, *value.split("\n")):
        stripped = part.strip()
        if len(stripped) >= SHORTEST:
            yield stripped
            yield repr(stripped)[1:-1]
            yield ascii(stripped)[1:-1]
            yield dumps(stripped)[1:-1]
            yield dumps(stripped, ensure_ascii=False)[1:-1]
            yield quote(stripped, safe="", errors="replace")


def _alternation(forms: Iterable[str]) -> Pattern[str]:
    """One pattern for all: a loop of ``replace`` is hundreds of times slower."""
    import re

    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(re.escape(form) for form in longest_first))


def _hide(_: Match[str]) -> str:
    return HIDDEN
