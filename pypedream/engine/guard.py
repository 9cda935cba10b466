"""The mutation guard: notices that a stage changed an input in place that others read too.

Only values with more than one reader are looked at. The digest of a value is taken when its first
reader gets it, and compared after each reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define

from pypedream.engine.mutation import copied, digest
from pypedream.errors import MutationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pypedream.context import Attempt
    from pypedream.engine.wiring import Shared, Wire

_UNKNOWN: Final = object()


@define(eq=False)
class Guard:
    """Watches the shared inputs of one run.

    Attributes
    ----------
    mode
        "warn", "error" or "copy".
    digests
        From a shared value to its digest; None when it cannot be changed.
    active
        From a shared value to the stages that are reading it just now.
    changed
        From a stage that failed to the arguments that are not what they were before its call.
    tell
        Is told of a stage's output that was changed: its key, the value, and which output.
    """

    mode: str
    digests: dict[Shared, object] = Factory(dict)
    active: dict[Shared, set[str]] = Factory(dict)
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
                known = digests[shared] = digest(arguments[argument])
            if known is not None:
                return True
        return False

    def before(self, wired: Wire, arguments: dict[str, Any]) -> None:
        """Take the digest of each shared input, or replace it by a copy."""
        for argument, shared in wired.guarded:
            if argument not in arguments:
                continue
            if self.mode == "copy":
                arguments[argument] = copied(arguments[argument])
                continue
            if shared not in self.digests:  # it is taken from the value that comes first
                self.digests[shared] = digest(arguments[argument])
            if self.digests[shared] is not None:
                self.active.setdefault(shared, set()).add(wired.key)

    def after(self, wired: Wire, arguments: Mapping[str, Any], attempt: Attempt) -> None:
        """Compare each shared input with its digest.

        Raises
        ------
        MutationError
            If one was changed and the mode is "error".
        """
        if self.mode == "copy":
            return
        for argument, shared in wired.guarded:
            before = self.digests.get(shared)
            if argument not in arguments or before is None:
                continue
            now = digest(arguments[argument])
            beside = self.active[shared] - {wired.key}
            self.active[shared].discard(wired.key)
            if now != before:
                self.digests[shared] = now  # the next reader is not to be blamed for this
                if self.tell is not None and shared.kind == "stage":
                    self.tell(shared.name, arguments[argument], shared.output)
                self._report(wired, argument, shared, beside, attempt)

    def left(self, wired: Wire, arguments: Mapping[str, Any]) -> None:
        """Forget a stage that failed: what is changed from now on is not its doing."""
        for argument, shared in wired.guarded:
            self.active.get(shared, set()).discard(wired.key)
            before = self.digests.get(shared)
            if argument not in arguments or before is None:
                continue
            if digest(arguments[argument]) != before:
                self.changed.setdefault(wired.key, set()).add(argument)

    def _report(
        self, wired: Wire, argument: str, shared: Shared, beside: set[str], attempt: Attempt
    ) -> None:
        kind, name = shared.kind, shared.name
        others = [key for key in shared.readers if key != wired.key]
        who = f'stage "{wired.key}"'
        if beside:
            who += f" (or {_listed(sorted(beside))}, which ran at the same time)"
        text = (
            f'{who} changed its input "{argument}" ({kind} "{name}") in place, and'
            f" {_listed(others)} {'reads' if len(others) == 1 else 'read'} it too: copy it"
            ' first, or run with mutation="copy"'
        )
        if self.mode == "error":
            raise MutationError(text)
        data = {"category": "mutation", "argument": argument, "source": name, "readers": others}
        attempt.log.add("warning", text, attempt=attempt, level="warning", data=data)


def _listed(keys: list[str]) -> str:
    shown = [f'"{key}"' for key in keys[:3]]
    if len(keys) > len(shown):
        shown.append(f"{len(keys) - len(shown)} more")
    return ", ".join(shown)
