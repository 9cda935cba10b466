"""The mutation guard: notices that a stage changed an input in place that others read too.

Only values that are read more than once are looked at: by several stages, or by one that is tried
again. The digest of a value is taken when its first reader gets it, and compared after each reader.
To read an iterator is to change it, so whoever gets one after its first reader is told of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.engine.mutation import copied, digest
from pypedream.engine.one_shot import is_at_its_start
from pypedream.errors import MutationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.context import Attempt
    from pypedream.engine.wiring import Shared, Wire

_UNKNOWN: Final = object()
_ITERATOR: Final = object()


@define(eq=False)
class Guard:
    """Watches the shared inputs of one run.

    Attributes
    ----------
    mode
        "warn", "error" or "copy".
    digests
        From a shared value to its digest; None when it cannot be changed, and a mark in place of
        that of a stage's iterator.
    read
        The iterators that a stage was called with.
    active
        From a shared value to the stages that are reading it just now.
    told
        Kind and name of each input that was said to be changed.
    changed
        From a stage that failed to the arguments that are not what they were before its call.
    tell
        Is told of a stage's output that was changed: its key, the value, and which output.
    """

    mode: str
    digests: dict[Shared, object] = Factory(dict)
    read: set[Shared] = Factory(set)
    active: dict[Shared, set[str]] = Factory(dict)
    told: set[tuple[str, str]] = Factory(set)
    changed: dict[str, set[str]] = Factory(dict)
    tell: Callable[[str, Any, str], object] | None = None

    def concerns(self, wired: Wire, arguments: Mapping[str, Any]) -> bool:
        """Say whether the stage gets a shared input that it could change."""
        if self.mode == "copy":
            return True
        digests = self.digests
        for argument, shared in wired.guarded:
            known = digests.get(shared, _UNKNOWN)
            if known is _UNKNOWN:
                known = digests[shared] = _digest(shared, arguments[argument])
            if known is not None:
                return True
        return False

    def before(self, wired: Wire, arguments: dict[str, Any], attempt: Attempt) -> None:
        """Take the digest of each shared input, or replace it by a copy.

        Raises
        ------
        MutationError
            If one cannot be copied. With the mode "error" also if it is not what it was: an
            iterator that was read, or what an attempt that failed has changed.
        """
        changed = self.changed.get(wired.key, ()) if attempt.number > 1 else ()
        for argument, shared in wired.guarded:
            if argument not in arguments:
                continue
            if self.mode == "copy":
                arguments[argument] = copied(arguments[argument])
                continue
            if shared not in self.digests:  # it is taken from the value that comes first
                self.digests[shared] = _digest(shared, arguments[argument])
            if self.digests[shared] is _ITERATOR:
                self._note_reader(wired, shared, arguments[argument], attempt)
            elif argument in changed:
                what = f'"{argument}" ({shared.kind} "{shared.name}")'
                self._say(attempt, said_of_retry(f'stage "{attempt.stage}"', attempt, what))
            if self.digests[shared] is not None:
                self.active.setdefault(shared, set()).add(wired.key)

    def after(
        self,
        wired: Wire,
        arguments: Mapping[str, Any],
        attempt: Attempt,
        *,
        has_failed: bool = False,
    ) -> None:
        """Compare each shared input with its digest.

        A stage that failed has its own exception, whatever the mode.

        Raises
        ------
        MutationError
            If one was changed and the mode is "error".
        """
        if self.mode == "copy":
            return
        for argument, shared in wired.guarded:
            before = self.digests.get(shared)
            if argument not in arguments or before is None or before is _ITERATOR:
                continue
            others = [key for key in shared.readers if key != wired.key]
            if not (others or has_failed):
                continue  # nobody is to read it again
            now = digest(arguments[argument])
            beside = self.active[shared] - {wired.key}
            self.active[shared].discard(wired.key)
            if now == before:
                continue
            self.digests[shared] = now  # the next reader is not to be blamed for this
            if has_failed:
                self.changed.setdefault(wired.key, set()).add(argument)
            if self.tell is not None and shared.kind == "stage":
                self.tell(shared.name, arguments[argument], shared.output)
            if others:
                self.told.add((shared.kind, shared.name))
                text = _said_of_change(wired.key, argument, shared, others, beside)
                data = {"argument": argument, "source": shared.name, "readers": others}
                self._say(attempt, text, {"category": "mutation"} | data, may_raise=not has_failed)

    def left(self, wired: Wire) -> None:
        """Forget a stage that was not called: what is changed from now on is not its doing."""
        for _, shared in wired.guarded:
            self.active.get(shared, set()).discard(wired.key)

    def _note_reader(self, wired: Wire, shared: Shared, value: Any, attempt: Attempt) -> None:
        if shared not in self.read or is_at_its_start(value):
            self.read.add(shared)
            return
        text = (
            f'stage "{wired.key}": what stage "{shared.name}" gave is an iterator that was read'
            " already, and gives what is left, if anything: return a list"
        )
        self._say(attempt, text)

    def _say(
        self,
        attempt: Attempt,
        text: str,
        data: dict[str, Any] | None = None,
        *,
        may_raise: bool = True,
    ) -> None:
        if self.mode == "error" and may_raise:
            raise MutationError(text)
        attempt.log.add("warning", text, attempt=attempt, level="warning", data=data)


def _said_of_change(
    key: str, argument: str, shared: Shared, others: list[str], beside: set[str]
) -> str:
    who = f'stage "{key}"'
    if beside:
        who += f" (or {_listed(sorted(beside))}, which ran at the same time)"
    return (
        f'{who} changed its input "{argument}" ({shared.kind} "{shared.name}") in place, and'
        f" {_listed(others)} {'reads' if len(others) == 1 else 'read'} it too: copy it"
        ' first, or run with mutation="copy"'
    )


def said_of_retry(who: str, attempt: Attempt, what: str) -> str:
    """Say that an attempt gets an argument as the one before has left it."""
    return (
        f"{who}: attempt {attempt.number} gets {what} as it was left by the one before, which"
        ' changed it in place: copy it first, or run with mutation="copy"'
    )


def _digest(shared: Shared, value: Any) -> object | None:
    found = digest(value)
    is_iterator = found is None and shared.kind == "stage" and isinstance(value, Iterator)
    return _ITERATOR if is_iterator else found


def _listed(keys: list[str]) -> str:
    shown = [f'"{key}"' for key in keys[:3]]
    if len(keys) > len(shown):
        shown.append(f"{len(keys) - len(shown)} more")
    return ", ".join(shown)
