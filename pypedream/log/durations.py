"""Durations as people read them."""

from __future__ import annotations

__all__ = ["duration_text"]

# Up to how many seconds, the factor, and the form. The limits are where rounding would reach the
# next unit: 59.96 s is a minute.
_SHORT = (
    (0.001, 1000, "<1 ms"),
    (0.0995, 1000, "{:.0f} ms"),
    (9.995, 1, "{:.2f} s"),
    (59.95, 1, "{:.1f} s"),
)
MINUTE, HOUR = 60, 3600


def duration_text(seconds: float) -> str:
    """Return a duration as a person would say it.

    Examples
    --------
    >>> [duration_text(seconds) for seconds in (0.0004, 0.012, 0.12, 12.34, 184, 3720)]
    ['<1 ms', '12 ms', '0.12 s', '12.3 s', '3 min 04 s', '1 h 02 min']
    """
    for limit, factor, form in _SHORT:
        if seconds < limit:
            return form.format(seconds * factor)
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    minutes = round(seconds / MINUTE)
    return f"{minutes // MINUTE} h {minutes % MINUTE:02d} min"
