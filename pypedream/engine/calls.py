"""Calls: what the result of a stage depends on, and the key that stands for all of it.

A stage is called again when its code or one of its inputs is not what it was. What another stage
gave counts by what it is and not by how it came about: a change that leaves it the same goes no
further.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field, frozen

from pypedream import context
from pypedream.deferred import Deferred
from pypedream.engine.remembered import Remembered
from pypedream.errors import PypedreamError, UnhashableInput
from pypedream.log.redaction import Redactor
from pypedream.outputs import NOT_GIVEN, RETURN
from pypedream.stage import USUAL
from pypedream.store.identity import CodeIdentity, code_identity, stage_identity
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pypedream.engine.links import Link
    from pypedream.engine.stage_locks import StageLocks
    from pypedream.engine.wiring import Wire
    from pypedream.files.hashes import Digest
    from pypedream.files.keeping import KeptFiles
    from pypedream.files.spec import FileSpec
    from pypedream.files.stage_files import FileRef
    from pypedream.files.written import Written, WrittenFile
    from pypedream.parameters import Parameters
    from pypedream.stage import Stage
    from pypedream.store import CacheStore
    from pypedream.store.encoding import Encoding
    from pypedream.store.results import Result

NOTHING = "nothing"
"""Stands for what a stage that was skipped did not give."""

_MOST_PARTS = 100
_SHOWN = 20
_READ = 2_000
_NOT_SET = "not set"
_FORMAT = "call/1"


@frozen(repr=False)
class Told:
    """What one input of a call is.

    Attributes
    ----------
    source
        Where it comes from, in words: 'parameter "rate"'.
    digest
        Equal for equal values. Where that cannot be told before the call it is empty, or begins
        with a question mark and tells no more than from where the value comes.
    shown
        The value in a few letters, for messages.
    parts
        From each file that it is read from to the digest of that, "" if it is not there; from each
        field of the parameters of a stage to its value in a few letters.
    """

    source: str
    digest: str
    shown: str = ""
    parts: Mapping[str, str] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the value can be told before the call."""
        return bool(self.digest) and self.digest[0] != "?"

    def about(self) -> list[Any]:
        """Return the same as what JSON can hold."""
        said: list[Any] = [self.source, self.digest, self.shown]
        return said if self.parts is None else [*said, dict(self.parts)]

    @classmethod
    def from_about(cls, about: Sequence[Any]) -> Told:
        """Return what `about` described."""
        source, digest, shown = map(str, about[:3])
        parts = {str(name): str(each) for name, each in about[3].items()} if about[3:] else None
        return cls(source, digest, shown, parts)


@frozen(repr=False)
class Call:
    """One call of a stage, before it is made.

    Attributes
    ----------
    key
        Equal for calls that give the same; "" if that cannot be told before the call.
    inputs
        What each argument is, and each value that its condition reads.
    unknown
        Why there is no key, as a phrase.
    """

    key: str
    code: CodeIdentity
    inputs: Mapping[str, Told]
    unknown: str = ""

    def about(self) -> dict[str, Any]:
        """Return what is recorded of the call, as what JSON can hold."""
        code = {
            "digest": self.code.digest,
            "parts": dict(self.code.parts),
            "places": dict(self.code.places),
            "values": dict(self.code.values),
        }
        inputs = {name: told.about() for name, told in self.inputs.items()}
        return {"key": self.key, "code": code, "inputs": inputs}


def call_from(about: Mapping[str, Any]) -> Call:
    """Return the call that `Call.about` described.

    Raises
    ------
    LookupError, TypeError, ValueError, AttributeError
        If it describes none.
    """
    code, inputs = about["code"], about["inputs"]
    parts = {name: str(digest) for name, digest in code["parts"].items()}
    places = {
        name: (str(words), str(file), int(line))
        for name, (words, file, line) in code["places"].items()
    }
    values = {name: str(value) for name, value in code["values"].items()}
    told = {name: Told.from_about(each) for name, each in inputs.items()}
    identity = CodeIdentity(str(code["digest"]), parts, places, values)
    return Call(str(about["key"]), identity, told)


@define(eq=False, repr=False)
class Calls:
    """Tells the calls of one plan.

    Attributes
    ----------
    digests
        From each stage whose result is known to what that is.
    taken
        From each stage whose result the plan takes over to the call that gave it.
    remembered
        What earlier plans of the pipeline found out.
    stages
        The stages of the pipeline, by key: their mappers name outputs.
    files
        Tells what is in files.
    locks
        Tells what their stages were last run with.
    written
        From each stage whose result is known to the files that it wrote, if it did.
    read
        From each argument that is read from files to what was in these when its call was told.
    secrets
        The texts that nobody may see.
    """

    parameters: Parameters
    digests: dict[str, str] = Factory(dict)
    taken: dict[str, Call] = Factory(dict)
    remembered: Remembered = Factory(Remembered)
    stages: Mapping[str, Stage] = Factory(dict)
    files: KeptFiles | None = None
    locks: StageLocks | None = None
    written: dict[str, Written] = Factory(dict)
    read: dict[FileRef, Mapping[str, Digest | None]] = Factory(dict)
    _values: dict[str, str | None] = field(factory=dict, init=False)
    _contents: dict[FileRef, tuple[Mapping[str, Digest | None], Told]] = field(
        factory=dict, init=False
    )
    secrets: list[str] = field(init=False)
    _hide: Callable[[str], str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.secrets = self.parameters.secrets()
        self._hide = Redactor(self.secrets).text

    def look_at_files(
        self, store: Callable[[], CacheStore], *, allow_missing: bool = False
    ) -> StageLocks:
        """Let files count, of which *store* returns what has copies; return their locks."""
        from pypedream.engine.stage_locks import StageLocks
        from pypedream.files.keeping import KeptFiles

        known = {} if self.files is None else self.files.known
        self.files = KeptFiles(store, known, allow_missing)
        self.locks = self.locks or StageLocks(self)
        return self.locks

    def of(self, wired: Wire) -> Call:
        """Return the call of a stage; what the stages that it reads gave must be known."""
        code = self._whole_code_of(wired)
        inputs = None if wired.files is None else self._inputs(wired)  # which look at files: once
        digests = _digests_of(inputs) if inputs is not None else self._digests(wired)
        known = self.remembered.calls.get(wired.key)
        if known is not None and known[0] is code and known[1] == digests:
            return known[2]
        call = _call(code, self._inputs(wired) if inputs is None else inputs)
        self.remembered.calls[wired.key] = (code, digests, call)
        return call

    def last(self, wired: Wire) -> Call:
        """Return the call of a stage as the plan or the run has told it, without another look."""
        taken, known = self.taken.get(wired.key), self.remembered.calls.get(wired.key)
        return taken or (self.of(wired) if known is None else known[2])

    def _digests(self, wired: Wire) -> tuple[str, ...]:
        """Return what tells the calls of a stage from each other, while its code is the same."""
        digests = self.digests
        if wired.is_by_name and not wired.condition:
            return tuple([digests.get(need, NOTHING) for need in wired.needs])
        found = []
        for link in (*wired.links, *wired.condition):
            kind = link.kind
            if kind == "stage":
                found.append(digests.get(link.name, NOTHING))
            elif kind == "parameter":
                value = self._parameter(link.name)
                found.append(_NOT_SET if value is None else value)
            elif kind != "default":
                found.append(self._told(link, wired.scope).digest)
        return tuple(found)

    def _whole_code_of(self, wired: Wire) -> CodeIdentity:
        """Return what all the code of a stage is; the same object while nothing of it changes."""
        code, besides = code_of(wired), _besides(wired)
        if not besides:
            return code
        known = self.remembered.codes.get(wired.key)
        if known is None or known[0] is not code or known[1] != besides:
            known = self.remembered.codes[wired.key] = code, besides, _with(code, besides, wired)
        return known[2]

    def _inputs(self, wired: Wire) -> dict[str, Told]:
        scope = wired.scope
        given = [(link.argument, link) for link in wired.links if link.kind != "default"]
        given += [(f"when {number}", link) for number, link in enumerate(_asked(wired))]
        return {name: self._told(link, scope) for name, link in given}

    def _told(self, link: Link, scope: str) -> Told:
        source = str(link)
        if link.kind == "stage":
            digest = self.digests.get(link.name, _default_of(link))
            return Told(source, self._output(link, digest))
        if link.kind == "parameter":
            value = self._parameter(link.name)
            digest = _default_of(link) if value is None else value
            return Told(source, digest, self._shown(link.name), self._fields(link.name))
        if link.kind == "file":
            return self._content(link)
        if link.kind == "immediate":
            assert link.input is not None
            value, mapper = link.input.bind.source, link.input.bind.mapper
            if mapper is None:
                return Told(source, identity_of(value), self._short(value))
            return Told(source, self._opaque(link, scope), self._short(value))
        return Told(source, self._opaque(link, scope))

    def _content(self, link: Link) -> Told:
        """Return what is in the files that an argument is read from; each counts by its path."""
        from pypedream.engine.files_read import files_read

        assert link.input is not None
        assert self.files is not None
        ref = link.input.bind.source
        if ref.dep.is_incremental:
            # it is what the stage makes, and no input of it
            return Told(str(link), "what was there before")
        made = {path: one for key in link.reads for path, one in self._written_by(key, ref.root)}
        owned = [path for key in link.reads for path in self._owned_by(key, ref.root)]
        found = files_read(ref, made, self.files.seen(ref.root), owned)
        before = self._contents.get(ref)
        if before is not None and before[0] == found:
            return before[1]
        told = {path: digest.sha256 if digest else "" for path, digest in found.items()}
        read = [(path, digest or NOTHING) for path, digest in told.items()]
        digest = _digest_of_texts(
            digest_of_loader(ref.dep.loader), type(ref.dep.paths).__name__, *read
        )
        self.read[ref] = found
        parts = told if len(told) <= _MOST_PARTS else None
        self._contents[ref] = found, Told(str(link), digest, parts=parts)
        return self._contents[ref][1]

    def lost(self, wired: Wire, kept: Result) -> str:
        """Return an output that is not there and cannot be made again from the store; or ""."""
        from pypedream.files.written import MARK, Written

        about = kept.about.get(MARK)
        if about is None or wired.files is None or self.files is None:
            return ""
        written = self.written[wired.key] = Written.from_about(about, wired.files)
        return self.files.lost(wired.files.root, written)

    def moved(self, wired: Wire) -> str:
        """Return a file that is not what it was when the call of a stage was told; or ""."""
        assert wired.files is not None
        assert self.files is not None
        hashes = self.files.hashes(wired.files.root)
        for link in wired.links:
            if link.kind == "file" and link.input is not None:
                for path, digest in self.read.get(link.input.bind.source, {}).items():
                    if hashes.digest(path) != digest:
                        return path
        return ""

    def _written_by(self, key: str, root: str) -> Iterator[tuple[str, WrittenFile]]:
        """Yield the files that a stage wrote by their paths in the project *root*."""
        from pypedream.files.paths import seen_from

        written = self.written.get(key)
        if written is None:
            return
        home = root if written.files is None else written.files.root
        for one in written.all:
            path = seen_from(root, home, one.path)
            if path is not None:
                yield path, one

    def _owned_by(self, key: str, root: str) -> Iterator[str]:
        """Yield the folders that a stage wrote as a whole by their paths in the project *root*."""
        from pypedream.files.paths import seen_from

        files = self.written[key].files if key in self.written else None
        for folder in files.folders if files is not None else ():
            path = seen_from(root, files.root, folder) if files is not None else None
            if path is not None:
                yield path

    def _output(self, link: Link, digest: str) -> str:
        """Return what one output of a stage is; its mapper decides which part of the value."""
        if link.output == RETURN or not digest:
            return digest and f"{digest} {link.output}"
        stage = self.stages.get(link.name)
        mapper = stage.output_mapper if stage is not None else None
        is_ours = type(mapper).__module__.startswith("pypedream.")
        text = f"{digest} {link.output} {digest_of(mapper)}"
        return text if is_ours else f"?{text}"  # one of the user's may read anything

    def _parameter(self, name: str) -> str | None:
        """Return what a parameter is, "" if that cannot be told, None if it is not set."""
        if name not in self._values:
            try:
                self._values[name] = identity_of(self.parameters[name])
            except PypedreamError:
                self._values[name] = None
        return self._values[name]

    def _fields(self, name: str) -> dict[str, str] | None:
        """Return the parameters of a stage, each as it is shown; None of any other parameter."""
        stage = self.stages.get(name)
        if stage is None or stage.files is None or stage.files.spec.params is None:
            return None
        inner = [each for each in self.parameters.definitions if each.startswith(f"{name}.")]
        return {each: self._shown(each) for each in inner} if len(inner) <= _MOST_PARTS else None

    def _shown(self, name: str) -> str:
        try:
            return self._short(self.parameters[name])
        except PypedreamError:
            return "not set"

    def hidden(self, text: str) -> str:
        """Return a text without the secrets that are in it."""
        return self._hide(text)

    def _short(self, value: Any) -> str:
        text = self._hide(short(value, _READ))  # first: a part of a secret is one as well
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 9]}...{text[-6:]}"

    def _opaque(self, link: Link, scope: str) -> str:
        """Return what can be told of an input that may read anything, to compare two of them."""
        bind = link.input.bind if link.input is not None else None
        source = getattr(bind, "source", None)
        about = [scope, link.kind, link.name, digest_of(getattr(bind, "mapper", None))]
        if isinstance(source, ContextVar):
            about.append(source.name)
        elif source is not None:
            about.append(digest_of(source))
        if source is context.PARAMETERS:
            about += [f"{name} {self._parameter(name)}" for name in self.parameters]
        about += [f"{key} {self.digests.get(key, NOTHING)}" for key in link.reads]
        return f"?{sha256(repr(about).encode()).hexdigest()}"


def unlike_any() -> str:
    """Return what a value is of which nothing can be told: no other is the same."""
    return os.urandom(16).hex()


def read_by(wired: Wire) -> Iterator[str]:
    """Yield the stages whose results a stage reads; it may wait for others."""
    for link in (*wired.links, *wired.condition):
        yield from link.reads


def code_of(wired: Wire) -> CodeIdentity:
    """Return what the function of a stage is, with what the user says that it depends on."""
    function, policy = wired.stage.function, wired.stage.policy
    if policy is USUAL:
        return code_identity(function)
    return stage_identity(
        function, version=policy.version, depends_on=policy.depends_on, env=policy.env
    )


def _besides(wired: Wire) -> dict[str, str]:
    """Return what else counts as code of a stage: its mapper, condition, items and outputs."""
    mapper, when = wired.stage.output_mapper, wired.stage.policy.when
    besides = {} if mapper is None else {"output_mapper": digest_of(mapper)}
    if callable(when):
        besides["when="] = digest_of(when)
    if wired.over is not None:  # the same items may go together in another way
        over, collect = wired.over, wired.stage.policy.collect
        besides["over="] = digest_of((over.names, over.how, over.depth, collect))
    if wired.files is not None:
        besides["outputs"] = _digest_of_outputs(wired.files.spec)
    return besides


def _with(code: CodeIdentity, besides: dict[str, str], wired: Wire) -> CodeIdentity:
    values = code.values
    if wired.files is not None:
        values = {**values, "outputs": _outputs_shown(wired.files.spec)}
    digest = _digest_of_texts(code.digest, besides)
    return CodeIdentity(digest, {**code.parts, **besides}, code.places, values)


def _digests_of(inputs: Mapping[str, Told]) -> tuple[str, ...]:
    return tuple([told.digest for told in inputs.values()])


def _call(code: CodeIdentity, inputs: Mapping[str, Told]) -> Call:
    unknown = next((told.source for told in inputs.values() if not told.is_known), "")
    if unknown:
        return Call("", code, inputs, f"it reads {unknown}")
    told = sorted([(name, each.digest) for name, each in inputs.items()])
    return Call(_digest_of_texts(_FORMAT, code.digest, told), code, inputs)


@lru_cache(maxsize=10_000)
def _outputs_shown(spec: FileSpec) -> str:
    from pypedream.files.outputs_shown import outputs_shown

    return outputs_shown(spec)


def _digest_of_outputs(spec: FileSpec) -> str:
    from pypedream.formats.loader import is_built_in  # stages without files need no loaders

    is_ours = all(is_built_in(out.loader) for out in spec.outs.values())
    return _digest_of_known(spec) if is_ours else _digest_of_written(spec)


@lru_cache(maxsize=10_000)  # each call is told several times, and nothing of this changes
def _digest_of_known(spec: FileSpec) -> str:
    return _digest_of_written(spec)


def _digest_of_written(spec: FileSpec) -> str:
    """Return what is written; "" if it cannot be told of a loader."""
    outs = [
        (name, out.path, out.kind, out.is_cached, digest_of_loader(out.loader))
        for name, out in spec.outs.items()
    ]
    return _digest_of_texts(*outs)


def _digest_of_texts(*parts: Any) -> str:
    """Return the digest of what is made of texts, which any Python writes down alike."""
    return sha256(repr(parts).encode()).hexdigest()


def _default_of(link: Link) -> str:
    """Return what an argument is when its source gives nothing."""
    mapper = link.input.bind.mapper if link.input is not None else None
    default = getattr(mapper, "default", NOT_GIVEN)
    return NOTHING if default is NOT_GIVEN else digest_of(default)


def _asked(wired: Wire) -> list[Link]:
    return [link for link in wired.condition if link.kind != "default"]


def _write_apart(encoding: Encoding, value: Any) -> bytes:
    from pypedream.store.writers import write_apart  # for what is no plain value

    return write_apart(encoding, value)


def identity_of(value: Any) -> str:
    """Return what an argument or a result is; "" if it cannot be told.

    The items of such a dict have an order: a stage may fold them, or be called for each.
    """
    if isinstance(value, Deferred):
        return value.identity
    digest = digest_of(value)
    is_ordered = isinstance(value, dict) and len(value) > 1
    return f"{digest} in order {digest_of([*value])}" if digest and is_ordered else digest


_OPTIONS: Final = frozenset((str, int, float, bool, type(None), type))
_of_loaders: dict[Any, str] = {}


def digest_of_loader(loader: Any) -> str:
    """Return what a loader is; of one that comes with pypedream it is told once."""
    from pypedream.formats.loader import options_of  # stages without files need no loaders

    options = options_of(loader)
    if options is None:
        return digest_of(loader)
    kinds = tuple(map(type, options))
    if not _OPTIONS.issuperset(kinds):
        return digest_of(loader)
    key = type(loader), kinds, options  # True is no 1 here
    if key not in _of_loaders:
        _of_loaders[key] = digest_of(loader)
    return _of_loaders[key]


def digest_of(value: Any) -> str:
    """Return what a value is; "" if it cannot be told."""
    from pypedream.store.encoding import Encoding
    from pypedream.store.encoding import digest_of as digested
    from pypedream.store.functions import CALLABLES
    from pypedream.store.packages import is_users

    kinds: dict[type, None] = {}
    try:
        if isinstance(value, CALLABLES):
            return code_identity(value).digest
        encoding = Encoding(unknown=_write_apart, met=kinds.setdefault)
        digest = digested(encoding.encode(value))
        own = [code_identity(kind).digest for kind in kinds if is_users(kind)]
    except UnhashableInput:
        return ""
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - what a class of the user's raises when it is looked at
        return ""
    # Who reads an object may call its methods: they are part of what it is.
    return digest if not own else _digest_of_texts(digest, sorted(own))
