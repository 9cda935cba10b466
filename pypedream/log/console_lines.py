"""Which lines the console shows for an event, in which colours and on which stream."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pypedream.log.durations import duration_text
from pypedream.log.encode import encode
from pypedream.log.ended import items_text
from pypedream.log.terminal import visible
from pypedream.log.warned import warned_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pypedream.log.events import Event

    # A stream, and pieces of text with the colour of each.
    Line = tuple[str, tuple[tuple[str, str | None], ...]]

__all__ = ["ASCII_SIGNS", "ConsoleLines", "pairs_of"]

WIDEST = 24
LONGEST_ERROR = 200
MOST_FAILED_ITEMS = 5

GREEN, RED, YELLOW, DIM = "32", "31", "33", "2"

_SIGNS = {
    "ok": ("✓", "[ok]", GREEN),
    "reused": ("✓", "[ok]", DIM),
    "skipped": ("-", "[--]", YELLOW),
    "blocked": ("-", "[--]", YELLOW),
}
_BAD_SIGN = ("✗", "[!!]", RED)
ASCII_SIGNS = {sign: ascii_sign for sign, ascii_sign, _ in (*_SIGNS.values(), _BAD_SIGN)}
_LEVEL_COLORS = {"warning": YELLOW, "error": RED, "critical": RED, "debug": DIM}

# Values of a log event that are shown in another way, or that say nothing to a reader.
_UNSHOWN = frozenset(["coerced", "exception", "exception_type", "logger", "shown", "stack"])


class ConsoleLines:
    """Makes lines of events; remembers how wide the longest name was, to align them.

    Parameters
    ----------
    stages
        The keys of the stages of the run, as far as they are known.
    most_failed_items
        Of how many items of a stage that failed there is a line each; None for all.
    """

    def __init__(
        self, stages: Iterable[str], *, most_failed_items: int | None = MOST_FAILED_ITEMS
    ) -> None:
        self._width = max([0, *(len(_label(stage, None)) for stage in stages)])
        self._most_failed_items = most_failed_items
        self._failed_items: Counter[str | None] = Counter()
        self._ways: dict[str, Callable[[Event], Iterator[Line]]] = {
            "print": self._print,
            "log": self._log,
            "warning": self._warning,
            "display": self._display,
            "stage.end": self._stage_end,
            "stage.skip": self._stage_end,
            "attempt.end": self._attempt_end,
        }

    def of(self, event: Event) -> Iterable[Line]:
        """Yield the lines for *event*; none if it is on the console already."""
        way = self._ways.get(event.kind)
        is_shown = event.data is not None and bool(event.data.get("shown"))
        return () if way is None or is_shown else way(event)

    def _print(self, event: Event) -> Iterator[Line]:
        yield self.spoken(event.stream or "stdout", event.stage, event.item, event.event)

    def _log(self, event: Event) -> Iterator[Line]:
        data = event.data or {}
        text = " ".join([f"{event.level}: {event.event}", *pairs_of(data)])
        extra = [data[key] for key in ("exception", "stack") if key in data]
        stream = "stdout" if event.level in ("debug", "info") else "stderr"
        yield from self._block(stream, event, "\n".join([text, *map(str, extra)]))

    def _warning(self, event: Event) -> Iterator[Line]:
        data = event.data or {}
        place = warned_at(data)
        label = str(data.get("category", "Warning")) if place else "warning"
        where = f" ({place})" if place else ""
        yield from self._block("stderr", event, f"{label}: {event.event}{where}")

    def _display(self, event: Event) -> Iterator[Line]:
        text = event.event if event.event != event.kind else "something was displayed"
        yield from self._block("stdout", event, text)

    def _stage_end(self, event: Event) -> Iterator[Line]:
        data = event.data or {}
        state = str(data.get("state", "ok"))
        if event.item is not None and state in _SIGNS:
            return  # the bar counts the items; a line each would be too much
        if state == "ok":
            text = duration_text(float(data.get("duration_s", 0.0)))
            attempts = data.get("attempts", 1)
            text += f" ({attempts} attempts)" if attempts != 1 else ""
        else:
            why = _error_text(data.get("error")) or str(data.get("reason", ""))
            text = f"{state}: {why}" if why else state
        items = data.get("items")
        text += f" ({items_text(items)})" if isinstance(items, dict) else ""
        sign, _, color = _SIGNS.get(state, _BAD_SIGN)
        label = self._aligned(event.stage, event.item)
        yield "stdout", ((sign, color), (f" {label}  {visible(text)}", None))

    def _attempt_end(self, event: Event) -> Iterator[Line]:
        data = event.data or {}
        if "retry_in_s" in data:
            error, delay = _error_text(data.get("error")), duration_text(data["retry_in_s"])
            text = f"attempt {event.attempt} failed: {error}; once more in {delay}"
            yield from self._block("stdout", event, text)
        elif event.item is not None and data.get("state") == "failed":
            yield from self._failed_item(event, _error_text(data.get("error")))

    def _failed_item(self, event: Event, error: str) -> Iterator[Line]:
        """Say which item failed: the stage's own line only counts them."""
        self._failed_items[event.stage] += 1
        most, count = self._most_failed_items, self._failed_items[event.stage]
        if most is None or count <= most:
            times = f" after {event.attempt} attempts" if (event.attempt or 1) > 1 else ""
            yield from self._block("stdout", event, f"failed{times}: {error}")
        elif count == most + 1:
            text = "more items failed; from here on they are only counted"
            yield self.spoken("stdout", event.stage, None, text, _LEVEL_COLORS[event.level])

    def _block(self, stream: str, event: Event, text: str) -> Iterator[Line]:
        """Yield each line of *text* as one of the event's stage."""
        color = _LEVEL_COLORS.get(event.level)
        for line in text.split("\n"):
            yield self.spoken(stream, event.stage, event.item, line, color)

    def spoken(
        self, stream: str, stage: str | None, item: object, text: str, color: str | None = None
    ) -> Line:
        """Return a line that a stage says; None for the run itself."""
        if stage is None:
            return stream, ((visible(text), color),)
        return stream, ((f"{self._aligned(stage, item)} | ", DIM), (visible(text), color))

    def _aligned(self, stage: str | None, item: object) -> str:
        label = _label(stage, item)
        self._width = max(self._width, len(label))
        return label.ljust(self._width)


def _label(stage: str | None, item: object) -> str:
    """Return the name of a stage, or of an item of it, in at most `WIDEST` characters."""
    label = visible(stage or "")
    if item is not None:
        label += visible(f"[{item}]")
    half = WIDEST // 2 - 1
    return label if len(label) <= WIDEST else f"{label[:half]}..{label[-half:]}"


def pairs_of(data: Mapping[str, Any]) -> list[str]:
    """Return "key=value" of each value of a log event that says something to a reader.

    Examples
    --------
    >>> pairs_of({"rows": 52, "name": "a b", "logger": "source"})
    ['rows=52', 'name="a b"']
    """
    return [f"{key}={_short(data[key])}" for key in data if key not in _UNSHOWN]


def _short(value: Any) -> str:
    """Return the value of ``key=value``: text without blanks as it is, all else as JSON."""
    if isinstance(value, str) and value and not any(sign in value for sign in ' "=\n'):
        return value
    return encode(value)


def _error_text(error: Any) -> str:
    """Return the first line of an error as a log has it."""
    if not isinstance(error, dict):
        return str(error or "")
    message = str(error.get("message", "")).partition("\n")[0]
    text = ": ".join(part for part in (str(error.get("type", "")), message) if part)
    return text if len(text) <= LONGEST_ERROR else text[:LONGEST_ERROR] + "..."
