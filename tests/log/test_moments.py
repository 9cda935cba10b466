from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pypedream.log.moments import DIGITS, Moments

START = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 4 * 10**18), st.integers(0, 10**14))
def test_the_text_of_a_moment_is_its_time(start_wall_ns, us):
    """On the wall and since the start, to the microsecond."""
    moments = Moments(0, start_wall_ns)

    low, high, wall, wall_us, since, since_us = moments.window_at(us)

    assert low <= us < high
    when = START + timedelta(microseconds=start_wall_ns // 1000 + us)
    assert f"{wall}{DIGITS[us - wall_us]}" == when.strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert f"{since}{DIGITS[us - since_us]}" == f"{us // 10**6}.{us % 10**6:06d}"


@given(st.integers(0, 4 * 10**18), st.integers(0, 10**14))
def test_a_window_holds_for_all_that_is_in_it(start_wall_ns, us):
    """Its first and its last microsecond have the same window."""
    moments = Moments(0, start_wall_ns)
    window = moments.window_at(us)

    assert moments.window_at(window[0]) == window
    assert moments.window_at(window[1] - 1) == window
    assert moments.window == window
