"""LookupHandle: what is kept of a step for one input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pypedream.errors import StepError
from pypedream.steps.cache import Cache, cache_of, is_error
from pypedream.steps.cache_dict import CacheDict
from pypedream.steps.identity import item_identity, uid_of
from pypedream.steps.program import program_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypedream.steps.paths import StepPaths
    from pypedream.steps.program import Boundary
    from pypedream.steps.step import Step
    from pypedream.store.entry import Entry

__all__ = ["LookupHandle", "handle_of"]


class LookupHandle:
    """What is kept of a step for one input: to look at, and to remove.

    A step that keeps nothing has one as well; nothing is cached then.

    Attributes
    ----------
    uid
        What stands for the input at this step: 64 hex digits; "" for a step that keeps nothing.
    """

    def __init__(
        self,
        paths: StepPaths | None = None,
        uid: str = "",
        inner: Sequence[LookupHandle] = (),
        *,
        readonly: bool = False,
    ) -> None:
        self._paths = paths
        self.uid = uid
        self._inner = tuple(inner)
        self._readonly = readonly

    @property
    def paths(self) -> StepPaths:
        """Where the step keeps results.

        Raises
        ------
        StepError
            If it keeps none.
        """
        if self._paths is None:
            raise StepError(
                'this step keeps nothing: give it infra={"backend": ..., "folder": ...}'
            )
        return self._paths

    @property
    def cache_dict(self) -> CacheDict:
        """What the step keeps, as a mapping from the `uid` of an input to the value.

        Raises
        ------
        StepError
            If it keeps nothing.
        """
        return CacheDict(self._cache, self.paths.start)

    @property
    def status(self) -> Literal["success", "error", "running"] | None:
        """What there is: "success", "error", "running" while somebody computes it, or None.

        A job whose sender is gone computes it, too, as long as it is at work.
        """
        if self._paths is None:
            return None
        return self._seen() or ("running" if self._has_live_job(self._paths) else None)

    def _seen(self) -> Literal["success", "error", "running"] | None:
        """Return what the store says."""
        entry = self._entry()
        if entry is not None:
            return "error" if is_error(entry) else "success"
        return "running" if self._cache.is_running(self._key) else None

    def _has_live_job(self, paths: StepPaths) -> bool:
        from pypedream.steps.job_notes import live_jobs

        return bool(live_jobs(paths, [self._key]))

    def cached(self) -> bool:
        """Say whether a result or an error is kept."""
        return self._paths is not None and self._entry() is not None

    def result(self) -> Any:
        """Return the result that is kept, or raise the error that is.

        Raises
        ------
        StepError
            If nothing is kept.
        """
        folder = self.paths.cache_folder
        entry = self._entry()
        if entry is None:
            raise StepError(f"no result is kept for this input in {folder}: run the step first")
        return self._cache.value(entry)

    def job(self) -> Any:
        """Return the job of submitit that computes the result, or did so last; None without one.

        It leads to what the job printed: ``job.stdout()``.
        """
        if self._paths is None:
            return None
        from pypedream.steps.job_notes import job_of

        return job_of(self._paths, self._key)

    def clear_cache(self, recursive: bool = True) -> None:
        """Remove the result that is kept for this input.

        Parameters
        ----------
        recursive
            Remove what the steps within a chain keep for it as well.
        """
        if self._paths is not None:
            cache_of(self.paths.base_folder).remove([self._key])
        for handle in self._inner if recursive else ():
            handle.clear_cache()

    @property
    def _key(self) -> str:
        return self.paths.start + self.uid

    def _entry(self) -> Entry | None:
        return self._cache.find([self._key]).get(self._key)

    @property
    def _cache(self) -> Cache:
        return cache_of(self.paths.base_folder, readonly=self._readonly)

    def __repr__(self) -> str:
        kept = self._seen() if self._paths is not None else "keeps nothing"
        return f"<LookupHandle {self.uid[:12]}: {kept}>"


def handle_of(step: Step, value: Any) -> LookupHandle:
    """Return the handle on what a step keeps for an input."""
    program = program_of(step)
    if not program.boundaries:
        return LookupHandle()
    program.locate()
    identity = item_identity(program.namer, value)
    handles = [_handle(each, identity) for each in program.boundaries]
    if program.boundaries[-1].end < len(program.leaves):
        return LookupHandle(inner=handles)
    last = program.boundaries[-1]
    return _handle(last, identity, handles[:-1])


def _handle(
    boundary: Boundary, identity: bytes, inner: Sequence[LookupHandle] = ()
) -> LookupHandle:
    uid = uid_of(boundary.position, identity)
    return LookupHandle(boundary.paths, uid, inner, readonly=boundary.is_readonly)
