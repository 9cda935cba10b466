from __future__ import annotations

import asyncio

from pypedream.view.quiet import Quiet


def test_what_comes_after_a_click_is_seen():
    """What was typed before it may come after it; the last of it counts."""
    quiet, seen = Quiet(), []
    entered = {"rate": "0"}

    async def main() -> None:
        is_done = asyncio.Event()
        quiet.call(lambda: (seen.append(dict(entered)), is_done.set()))
        assert quiet.is_awaited
        await asyncio.sleep(0)
        for text in ("0.", "0.2", "0.25"):
            entered["rate"] = text
            quiet.disturb()
            await asyncio.sleep(0)
        assert seen == []
        await is_done.wait()

    asyncio.run(main())

    assert seen == [{"rate": "0.25"}]
    assert not quiet.is_awaited


def test_without_a_loop_it_is_called_at_once():
    """There is nobody who could hold anything back."""
    quiet, seen = Quiet(), []

    quiet.call(lambda: seen.append(quiet.is_awaited))

    assert seen == [False]


def test_nothing_is_called_that_was_not_asked_for():
    """Most of what is entered is followed by no click."""
    quiet, seen = Quiet(), []
    quiet.call(lambda: seen.append("once"))

    quiet.disturb()

    assert seen == ["once"]
