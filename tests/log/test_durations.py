import pytest

from pypedream.log.durations import duration_text


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (0.0, "<1 ms"),
        (0.00085, "<1 ms"),
        (0.001, "1 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.10 s"),
        (0.12, "0.12 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (184.2, "3 min 04 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (360000, "100 h 00 min"),
    ],
)
def test_a_duration_as_a_person_would_say_it(seconds, expected):
    """Two figures or so, and never sixty of a unit."""
    assert duration_text(seconds) == expected
