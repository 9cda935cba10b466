"""The proof that a module gives what the session's own functions give.

Both run in fresh interpreters with the same parameters, and the fingerprints of what each stage
gave are compared; so are its code, its options and its inputs. Where nothing can send the session's
functions to another interpreter, they run in this one. A stage that gives something else each time
is found out by a second run.
"""

from __future__ import annotations

import builtins
import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from copy import copy
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from attrs import define, frozen

import pypedream
from pypedream.errors import ExportError
from pypedream.executors.wholes import dumped_as_a_whole
from pypedream.export.account import UNKNOWN, Account, describe, request_for, results_of
from pypedream.export.fresh import START, Order
from pypedream.log.redaction import Redactor
from pypedream.parameters.secret import Secret
from pypedream.places import is_in_ipython, users_traceback
from pypedream.store.identity import changes
from pypedream.store.packages import is_users_module
from pypedream.values import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from pypedream.export.home import Home
    from pypedream.pipeline import Pipeline
    from pypedream.store.identity import CodeIdentity

_LAST_LINES: Final = 12
_DISPLAYING: Final = "package IPython: not used is now"
EQUAL, VARYING, UNCOMPARED = "equal", "varies", "not compared"

_OTHERS: Final = {VARYING: "other results in each run", UNCOMPARED: "not to be compared"}


@frozen
class Proof:
    """What was compared of a module and of the session that it comes from.

    Attributes
    ----------
    stages
        From each stage to "equal", "varies" (it gives something else each time, whoever calls it)
        or "not compared" (what it gives has no fingerprint, or it was not called).
    is_fresh
        Whether the session's functions ran in an interpreter of their own, too.
    """

    stages: Mapping[str, str]
    is_fresh: bool

    @property
    def equal(self) -> list[str]:
        """The stages that gave the same."""
        return [key for key, each in self.stages.items() if each == EQUAL]

    def __str__(self) -> str:
        where = "in fresh interpreters" if self.is_fresh else "in a fresh interpreter and here"
        count = len(self.stages)
        stages = "1 stage" if count == 1 else f"{count} stages"
        text = f"{len(self.equal)} of {stages} gave equal results {where}"
        for word, why in _OTHERS.items():
            names = ", ".join(key for key, each in self.stages.items() if each == word)
            text += f"; {why}: {names}" if names else ""
        return text


@define(eq=False)
class Proving:
    """One proof while it goes on.

    Attributes
    ----------
    file
        The module as it will be, in its folder.
    target
        Where it will be.
    values
        Parameters.
    request
        What else `Pipeline.run` takes.
    hidden
        Parameters whose defaults do not count.
    """

    pipeline: Pipeline
    home: Home
    file: Path
    target: Path
    values: Mapping[str, Any]
    request: Mapping[str, Any]
    hidden: tuple[str, ...]

    def carry_out(self) -> Proof:
        """Run both and compare them.

        Raises
        ------
        ExportError
            If they differ, or if one of them cannot run; it says where.
        """
        module = self._module()
        self._compare_code(describe(self.pipeline, self.hidden), module)
        results, is_fresh = self._session()
        if results.error:
            raise ExportError(
                f"the pipeline itself fails: {results.error}: mend it, set parameters, or"
                f" write it with check=False{_shown(results)}"
            )
        if module.error:
            raise ExportError(
                f"the module fails where the session does not: {module.error}{_shown(module)}"
            )
        return Proof(_verdicts(results, self._varying(results, module)), is_fresh)

    def _module(self) -> Account:
        """Run the module as it will be, in its folder."""
        module = self._in_fresh(
            self._pickled(self._asked("")),
            file=str(self.file),
            shown=str(self.target),
            name=self.home.name,
            variable=self.home.names_of(self.pipeline)[0],
            paths=[str(self.target.parent)],
        )
        if module.error and not module.codes:
            hint = self._hint(module.missing)
            raise ExportError(f"it cannot be imported: {module.error}{hint}{_shown(module)}")
        return module

    def _varying(self, results: Account, module: Account) -> set[str]:
        """Return the stages that give something else each time, also in the session."""
        different = _different(results, module)
        if not different:
            return set()
        again, _ = self._session()
        varying = set(_different(results, again))
        left = [key for key in different if key not in varying]
        if left:
            raise ExportError(f'stage "{left[0]}" gives something else in the module{_and(left)}')
        return varying

    def _hint(self, missing: str) -> str:
        """Say where a module of the user's is that is not found from the new file."""
        file = getattr(sys.modules.get(missing), "__file__", None)
        if not isinstance(file, str) or not is_users_module(missing):
            return ""
        folder = Path(file).parents[Path(file).name == "__init__.py"]
        return f": write the module to {folder}, where {missing} is"

    def _compare_code(self, own: Account, module: Account) -> None:
        found: list[str] = []
        for key in dict.fromkeys([*own.codes, *module.codes]):
            if key not in module.codes:
                found.append(f'stage "{key}" is not in the module')
            elif key not in own.codes:
                found.append(f'stage "{key}" is in the module and not in the session')
            else:
                differences = _differences(own.codes[key], module.codes[key])
                if differences:
                    found.append(f'stage "{key}" is another one: {"; ".join(differences)}')
                found += _changed(f'stage "{key}"', own.settings[key], module.settings[key])
        for name in dict.fromkeys([*own.parameters, *module.parameters]):
            if own.parameters.get(name) != module.parameters.get(name):
                way_out = _BESIDE if name.startswith("parameter ") else ""
                found.append(f"{name} is another one in the module{way_out}")
        if found:
            raise ExportError("\n  ".join(found))

    def _session(self) -> tuple[Account, bool]:
        """Run the session's functions, elsewhere if they can be sent there."""
        bare = copy(self.pipeline)
        bare.last_run = bare.last_runs = None
        bare.options = {
            name: each for name, each in bare.options.items() if name not in ("sinks", "workspace")
        }
        whole = self._whole(bare)
        if whole is not None:
            account = self._in_fresh(whole, paths=[each or os.getcwd() for each in sys.path])
            if not account.error:  # else it may need what is only in this session
                return account, True
        return self._here(bare), False

    def _whole(self, bare: Pipeline) -> bytes | None:
        if find_spec("cloudpickle") is None:
            return None
        name = self.home.name
        by_value = name if name != "__main__" and name in sys.modules else None
        try:
            return dumped_as_a_whole((bare, self._asked("")), by_value, lambda _: True)
        except Exception:  # noqa: BLE001 - pickles fail in many ways, and then it runs here
            return None

    def _here(self, bare: Pipeline) -> Account:
        account = Account()
        with TemporaryDirectory() as folder:
            request = self._asked(folder)
            try:
                with _nothing_shown():
                    account.results = results_of(bare.run(request.pop("parameters"), **request))
            except Exception as error:  # noqa: BLE001 - the user is told
                error.with_traceback(users_traceback(error.__traceback__))
                account.error = self._redacted(one_line(f"{type(error).__name__}: {error}", 200))
        return account

    def _asked(self, folder: str) -> dict[str, Any]:
        return request_for(self.values, self.request, folder)

    def _pickled(self, request: dict[str, Any]) -> bytes:
        try:
            return pickle.dumps(request)
        except Exception as error:
            raise ExportError(
                f"what the run is given cannot be sent to a fresh interpreter ({error}): give other"
                " parameters, or check=False"
            ) from error

    def _in_fresh(self, request: bytes, *, paths: list[str], **module: str) -> Account:
        with TemporaryDirectory() as folder:
            answer = Path(folder, "answer")
            workspace = Path(folder, "workspace")
            order = Order(
                str(answer),
                paths,
                self.hidden,
                request,
                str(workspace),
                hasattr(builtins, "display"),
                **module,
            )
            environment = dict(os.environ)
            environment.pop("PYPEDREAM_WORKSPACE", None)
            root = str(Path(pypedream.__file__).parents[1])
            done = subprocess.run(  # noqa: S603 - Python itself
                [sys.executable, "-B", "-P", "-c", START, root],
                input=pickle.dumps(order),
                capture_output=True,
                check=False,
                env=environment,
            )
            if answer.exists():
                account: Account = pickle.loads(answer.read_bytes())  # noqa: S301 - ours
                account.error = self._redacted(account.error)
                account.said = self._redacted(account.said)
                return account
        said = done.stderr.decode(errors="replace")
        error = f"the interpreter ended with code {done.returncode}"
        return Account(error=error, said=self._redacted(said))

    def _redacted(self, text: str) -> str:
        given = [each.reveal() for each in self.values.values() if isinstance(each, Secret)]
        return Redactor([*self.pipeline.parameters.secrets(), *map(str, given)]).text(text)


def _nothing_shown() -> AbstractContextManager[object]:
    """Keep what stages display out of the cell."""
    if not is_in_ipython():
        return nullcontext()
    capture: AbstractContextManager[object] = import_module(
        "IPython.utils.capture"
    ).capture_output()
    return capture


_BESIDE = "; if it is a place beside the file, write the module to the same folder"


def _differences(before: CodeIdentity | None, after: CodeIdentity | None) -> list[str]:
    """Name what differs in the code, but not that ``display`` is imported by now."""
    if before is None or after is None:
        return []
    return [each for each in changes(before, after) if not each.startswith(_DISPLAYING)]


def _changed(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = [name for name in before if before[name] != after.get(name)]
    return [f"{what} has another {', '.join(names)} in the module"] if names else []


def _different(first: Account, second: Account) -> list[str]:
    return [key for key, each in first.results.items() if second.results.get(key) != each]


def _verdicts(results: Account, varying: set[str]) -> dict[str, str]:
    def verdict(key: str, mark: str) -> str:
        if key in varying:
            return VARYING
        return UNCOMPARED if mark.startswith(UNKNOWN) else EQUAL

    return {key: verdict(key, mark) for key, mark in results.results.items()}


def _and(stages: list[str]) -> str:
    more = ", ".join(f'"{key}"' for key in stages[1:])
    return f", and so do {more}" if more else ""


def _shown(account: Account) -> str:
    lines = account.said.rstrip().splitlines()[-_LAST_LINES:]
    return "".join(f"\n    {line}" for line in lines)
