"""Every error that pypedream raises, as one tree.

::

    PypedreamError
      DefinitionError (ValueError)        a pipeline that cannot be what it says
        PlanError                         all mistakes that planning found, together
        PipelineConfigError               registering or including what cannot be
        PipelineClassError (TypeError)    a class of pipelines that cannot be what it says
      ParameterError (ValueError)         values that the parameters do not accept
      MapError (ValueError)               items that a stage cannot be mapped over
      MapStopped (RuntimeError)           a mapped stage whose run stopped before its last item
      UnboundInputException (ValueError)  an argument that got no value
        UndefinedInputException (LookupError)  the source has no such value
      InvalidParameterException (KeyError, AttributeError)   a name that is not a parameter
        UndefinedParameterException          a parameter that has no value yet
      UndefinedVariableException (KeyError, AttributeError)  a name that is not a variable
      NoResult (KeyError)               a stage that has no result in this run
      StageTimeout (TimeoutError)         a stage that ran longer than it may
      StageKilled (RuntimeError)          a stage whose process was ended
      StepError (RuntimeError)            a step that cannot be made as it is configured
        BatchProtocolError                a batch that does not give one result for each input
      MutationError (ValueError)          a stage that changed another stage's input
      RunCancelled (RuntimeError)         a run that was told to stop
      ExitPipeline                        raised by a stage to end its run early
      StoreError (OSError)                the workspace or the store cannot be read or written
        ReadOnlyStore                     a store that was opened to be read only
        CorruptEntry                      an entry of a store that is damaged
        UnsafePayload                     a pickle that somebody else may have written
        DuplicateKey (ValueError)         a key that the store has already
        InvalidKey (ValueError)           a text that cannot be a key
        Locked                            what another process or thread is at
        ManifestError                     what is known of a run of tables is damaged
        WorkspaceError                    a workspace in which no run can be recorded
      MissingEntry (KeyError)             a key that the store does not have
      MissingFile (FileNotFoundError)     a file that a stage reads is not there
      RevisionError (LookupError)         a revision of git that cannot be read
      FormatError (ValueError)            a file or a value that a format cannot read or write
      IdentityError (ValueError)          rows that cannot get an id, or not the one they have
      IngestError (ValueError)            files of rows that are not what was said of them
      LedgerError (ValueError)            rows of a file that are missing, or come from nowhere
      NotRegistered (KeyError)            a name that a registry does not know
      ExportError (ValueError)            a pipeline or call that cannot be written as asked
      HandOverError (RuntimeError)        a value that cannot come from one task to another
      UnhashableInput (TypeError)         a value that has no fingerprint
      UnpicklableValue (TypeError)        a value that cannot be sent to another process
      ForeignError (RuntimeError)         an exception that could not leave its process
      ExecutorError (RuntimeError)        an executor that cannot make calls
      TableRunError (RuntimeError)        a run of tables that cannot go on as asked
        NoTableRun (LookupError)          a run of tables that is not there
        MissingRows (FileNotFoundError)   a file of such a run that somebody has removed
      FilterValidationError (ValueError)  a filter that gave what are not rows of its file
      QuarantineError (ValueError)        what cannot be quarantined
      PathOutsideRun (ValueError)         a path where a step may not write
      MissingExtra (ImportError)          an optional dependency that is not installed

A stage's own exception is never wrapped: it is raised as it is, with notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pypedream.protocols import ProblemLike

__all__ = [
    "BatchProtocolError",
    "CorruptEntry",
    "DefinitionError",
    "DuplicateKey",
    "ExecutorError",
    "ExitPipeline",
    "ExportError",
    "FilterValidationError",
    "ForeignError",
    "FormatError",
    "HandOverError",
    "IdentityError",
    "IngestError",
    "InvalidKey",
    "InvalidParameterException",
    "LedgerError",
    "Locked",
    "ManifestError",
    "MapError",
    "MapStopped",
    "MissingEntry",
    "MissingExtra",
    "MissingFile",
    "MissingRows",
    "MutationError",
    "NoResult",
    "NoTableRun",
    "NotRegistered",
    "ParameterError",
    "PathOutsideRun",
    "PipelineClassError",
    "PipelineConfigError",
    "PlanError",
    "PypedreamError",
    "QuarantineError",
    "ReadOnlyStore",
    "RevisionError",
    "RunCancelled",
    "StageKilled",
    "StageTimeout",
    "StepError",
    "StoreError",
    "TableRunError",
    "UnboundInputException",
    "UndefinedInputException",
    "UndefinedParameterException",
    "UndefinedVariableException",
    "UnhashableInput",
    "UnpicklableValue",
    "UnreadableResult",
    "UnsafePayload",
    "WorkspaceError",
]


class PypedreamError(Exception):
    """Base of all errors that pypedream itself raises."""


class DefinitionError(PypedreamError, ValueError):
    """A pipeline, stage or input is defined in a way that cannot work.

    The text says where the user wrote it, so IPython shows that and no traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class PipelineConfigError(DefinitionError):
    """A stage or a pipeline cannot be registered or included as asked."""


class PipelineClassError(DefinitionError, TypeError):
    """A class of pipelines says something that no pipeline can be."""


class PlanError(DefinitionError):
    """A pipeline cannot run; ``problems`` holds every mistake, not only the first.

    Attributes
    ----------
    problems
        One entry a mistake: what is wrong, where the user wrote it, and the fix.
    """

    def __init__(self, pipeline: str, problems: Sequence[ProblemLike]) -> None:
        self.pipeline = pipeline
        self.problems = tuple(problems)
        super().__init__(pipeline, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
        head = f'pipeline "{self.pipeline}" cannot run: {mistakes}'
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


class _ReadableKeyError(KeyError):
    """A KeyError whose text is shown as it is; the builtin shows its repr."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ParameterError(PypedreamError, ValueError):
    """Values do not fit the parameters; the text lists each of them."""


class UnboundInputException(PypedreamError, ValueError):
    """An argument of a stage has no value when the stage is called."""


class UndefinedInputException(PypedreamError, LookupError):
    """The source of an argument does not hold the value that is asked for."""


class InvalidParameterException(PypedreamError, _ReadableKeyError, AttributeError):
    """A name is not among the parameters of the pipeline; read as an item or an attribute."""


class UndefinedParameterException(InvalidParameterException):
    """A parameter is declared but has no value yet."""


class UndefinedVariableException(PypedreamError, _ReadableKeyError, AttributeError):
    """A name is not among the variables of the pipeline; read as an item or an attribute."""


class NoResult(PypedreamError, _ReadableKeyError):
    """A stage has no result in a run: it failed, did not run, or was not kept."""


class StageTimeout(PypedreamError, TimeoutError):
    """A stage ran longer than its ``timeout_s``."""


class MapError(PypedreamError, ValueError):
    """A stage is mapped over something that has no items, or not as many as another."""


class MapStopped(PypedreamError, RuntimeError):
    """A run stopped before all items of a mapped stage were called."""


class StageKilled(PypedreamError, RuntimeError):
    """The process that ran a stage was ended from outside, or ended itself.

    Attributes
    ----------
    signal
        Number of the signal that ended it; None when it exited.
    exit_code
        What it exited with; None when a signal ended it.
    index
        Which call of its job was being made, counted from 0; None when nobody knows.
    pid
        Its number, if it was on this host; None when nobody knows.
    """

    def __init__(
        self,
        text: str,
        *,
        signal: int | None = None,
        exit_code: int | None = None,
        index: int | None = None,
        pid: int | None = None,
    ) -> None:
        self.signal = signal
        self.exit_code = exit_code
        self.index = index
        self.pid = pid
        super().__init__(text)


class StepError(PypedreamError, RuntimeError):
    """A step cannot be made as it is configured, or what is to be read of it is not kept."""


class BatchProtocolError(StepError):
    """A ``_run_batch`` does not yield one result for each input that it took."""


class MutationError(PypedreamError, ValueError):
    """A stage changed an input in place that another stage reads as well."""


class RunCancelled(PypedreamError, RuntimeError):
    """A run ended because it was told to stop."""


class ExitPipeline(PypedreamError):
    """Raise this in a stage to end the run early, without a failure."""


class StoreError(PypedreamError, OSError):
    """The workspace or the store cannot be read or written."""


class ReadOnlyStore(StoreError):
    """A store that was opened with ``readonly=True`` is asked to change.

    Attributes
    ----------
    location
        The folder or URL of the store.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__(location)

    def __str__(self) -> str:
        return f"the store {self.location} is read-only: open it without readonly=True to change it"


class CorruptEntry(StoreError):
    """An entry of a store is damaged, so that even what it was cannot be read.

    Attributes
    ----------
    key
        The key, as far as it is known.
    file
        Where the damage is.
    """

    def __init__(self, key: str, file: str) -> None:
        self.key = key
        self.file = file
        super().__init__(key)

    def __str__(self) -> str:
        return f'the entry "{self.key}" is damaged in {self.file}: delete it or put it again'


class UnreadableResult(StoreError):
    """The kept result of a stage cannot be read any more; another run computes it again."""


class UnsafePayload(StoreError):
    """A value can only be read by running code that somebody else may have written.

    Attributes
    ----------
    key
        Whose value it is.
    location
        The folder or URL of the store.
    """

    def __init__(self, key: str, location: str, reason: str) -> None:
        self.key = key
        self.location = location
        self.reason = reason
        super().__init__(key)

    def __str__(self) -> str:
        return f'"{self.key}" is a pickle, and reading one runs code: {self.reason}'


class DuplicateKey(StoreError, ValueError):
    """A key is in the store already, and ``on_duplicate_key="raise_error"`` is set."""


class InvalidKey(StoreError, ValueError):
    """A text cannot be a key of a store; the message names the rule."""


class MissingEntry(PypedreamError, _ReadableKeyError):
    """A store has no value for a key."""


class MissingFile(PypedreamError, FileNotFoundError):
    """A file that a stage reads is not there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f'there is no file "{path}"')


class RevisionError(PypedreamError, LookupError):
    """A revision of git cannot be read."""


class FormatError(PypedreamError, ValueError):
    """A format cannot read a file, or cannot write a value; the cause is chained.

    Attributes
    ----------
    path
        The file, as it was given.
    format
        Name of the format, such as "CSV".
    line
        The line of the file, counted from 1, where the format has lines and knows it.
    """

    def __init__(
        self, text: str, *, path: str = "", format_name: str = "", line: int | None = None
    ) -> None:
        self.path = path
        self.format = format_name
        self.line = line
        super().__init__(text)


class IdentityError(PypedreamError, ValueError):
    """Rows cannot get ids: a key is missing or is that of two rows, or they cannot be compared."""


class LedgerError(PypedreamError, ValueError):
    """The rows of a file do not add up from one stage to the next."""


_PROBLEM = ("file", "line", "row", "column", "value", "code", "rule", "reason", "record")
_NUMBERS = ("line", "row")


class IngestError(PypedreamError, ValueError):
    """Files of rows are not what was said of them; nothing of them was taken in.

    The text names the first mistakes, so IPython shows that and no traceback.

    Attributes
    ----------
    problems
        What is wrong, in the order of the file: each has ``file``, ``line``, ``row``, ``column``,
        ``value``, ``code``, ``rule``, ``reason`` and ``record``. The first 10,000, if there are
        more.
    counts
        How many there are in all, by code.
    """

    def __init__(
        self,
        text: str,
        *,
        problems: Sequence[Any] = (),
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self.problems = tuple(problems)
        self.counts = dict(counts or {})
        super().__init__(text)

    @property
    def table(self) -> Any:
        """The problems as a frame of polars, one in each row."""
        from importlib import import_module

        polars = import_module("polars")
        kinds = dict.fromkeys(_PROBLEM, polars.String) | dict.fromkeys(_NUMBERS, polars.Int64)
        rows = [[getattr(each, name) for name in _PROBLEM] for each in self.problems]
        return polars.DataFrame(rows, schema=kinds, orient="row")

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class NotRegistered(PypedreamError, _ReadableKeyError):
    """A registry has no entry of this name."""


class ExportError(PypedreamError, ValueError):
    """A pipeline, or a failed call, cannot be written in the form that is asked for.

    The text says where and why, so IPython shows that and no traceback.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class HandOverError(PypedreamError, RuntimeError):
    """A value of a stage cannot come to the stage that reads it, in another task of a host."""


class UnhashableInput(PypedreamError, TypeError):
    """A value has no fingerprint that would be the same in another process.

    Attributes
    ----------
    kind
        The class of the value.
    """

    def __init__(self, kind: type, reason: str) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(kind, reason)

    def __str__(self) -> str:
        return f"a value of type {self.kind.__module__}.{self.kind.__qualname__} {self.reason}"


class UnpicklableValue(PypedreamError, TypeError):
    """A value cannot be sent to another process, or back from there.

    Attributes
    ----------
    kind
        The class of the value.
    index
        Which of the items that were to be sent together it is, from 0 on; None if that is not
        known, or it is none.
    """

    def __init__(self, text: str, *, kind: type | None = None) -> None:
        self.kind = kind
        self.index: int | None = None
        super().__init__(text)


class ForeignError(PypedreamError, RuntimeError):
    """An exception was raised in another process and could not be sent back as it is.

    Attributes
    ----------
    kind
        Name of its class, with the module.
    """

    def __init__(self, text: str, *, kind: str = "") -> None:
        self.kind = kind
        super().__init__(text)


class ExecutorError(PypedreamError, RuntimeError):
    """An executor cannot make calls: it was shut down, or its workers cannot be started."""


class MissingExtra(PypedreamError, ImportError):
    """An optional dependency is needed and not installed."""


class TableRunError(PypedreamError, RuntimeError):
    """A run of tables cannot go on as asked."""


class NoTableRun(TableRunError, LookupError):
    """There is no run of tables of that name, or none that is to go on."""


class MissingRows(TableRunError, FileNotFoundError):
    """A file in which a run of tables has rows is not there any more."""


class FilterValidationError(PypedreamError, ValueError):
    """A filter gave something else than rows of the file that it got."""


class QuarantineError(PypedreamError, ValueError):
    """Rows cannot be quarantined as asked."""


class PathOutsideRun(PypedreamError, ValueError):
    """A step may not write there: the path is outside its run, or belongs to pypedream."""


class Locked(StoreError):
    """Another process or thread is at it.

    Attributes
    ----------
    pid
        The process that has the lock; None when that is not known.
    """

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class ManifestError(StoreError):
    """What is known of a run of tables cannot be read."""


class WorkspaceError(StoreError):
    """No run can be recorded in the workspace: it cannot be written."""
