"""Stage: a function with a place in a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, fields_dict, frozen

from pypedream._lazy import shown_as
from pypedream.errors import DefinitionError
from pypedream.names import nearest, there_are
from pypedream.places import Place, calling_place, is_library
from pypedream.values import said, with_what_is_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypedream.files.stage_files import StageFiles
    from pypedream.inputs import Input, InputBinding
    from pypedream.over import Over
    from pypedream.protocols import OutputMapper

# As in `inspect`, which is not imported for three numbers.
COROUTINE: Final = 0x80
GENERATOR: Final = 0x20
ASYNC_GENERATOR: Final = 0x200
_VARIADIC_KEYWORDS: Final = 0x08


def _names(value: Any) -> tuple[str, ...]:
    """Return one or several names; what is no name at all is for the plan to find."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,)
    # A set has another order in each process.
    return tuple(sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)


def _names_of_resources(value: Any) -> tuple[str, ...]:
    """Return one or several names; a mapping would lose its values, so it is none."""
    return (value,) if isinstance(value, Mapping) else _names(value)  # type: ignore[return-value]


def _one_or_several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def _over(value: Any) -> Any:
    if value is None:
        return None
    from pypedream.over import over_of  # few stages are mapped

    return over_of(value)


@frozen(repr=False)
class Policy:
    """How a stage is called; every field is a keyword of `Stage` and ``pipeline.stage``.

    Attributes
    ----------
    retries
        How often a failed call is repeated.
    retry_delay_s
        Seconds before the first retry.
    backoff
        Factor by which each further delay grows.
    jitter
        Whether each delay is drawn between half of it and all of it, so that stages which failed
        together do not come back together.
    retry_on
        Exception class, tuple of them, or a function of the exception: what is worth a retry.
    timeout_s
        Seconds one call may take; of a mapped stage, each item. Async stages are stopped, and
        others in processes of their own; the plan says where it cannot be enforced.
    after
        Stages that must have ended before, without giving a value.
    when
        The stage is skipped unless this holds: the name of a parameter, variable or stage, an
        `InputBinding`, or a function whose arguments are bound by name like a stage's.
    tags
        Words by which ``run(tags=...)`` selects stages.
    cache
        Whether a kept result is taken over instead of calling the function, as in `Options`; None
        leaves it to the run.
    version
        Stands for the code in what the result depends on: while it is the same, changes of the
        code do not count.
    depends_on
        What the result depends on besides: functions, modules, paths of files or folders.
    env
        Names of environment variables that the result depends on.
    executor
        Where the stage is called, as in `Options`; None leaves it to the run.
    workers
        How many calls of the stage may be made at the same time; None leaves it to the run.
    over
        The stage is mapped: it is called once for each item of this argument, and what it returns
        is a list, or a dict where the argument is a mapping. Several names are zipped; see
        `pypedream.patterns` for other ways. A mapping names the source of each argument:
        ``over={"file": "files"}``.
    item_key
        Function of an item that gives its key, by which logs and errors call it. By default it is
        the key in a mapping, and the position elsewhere.
    collect
        What the results of a mapped stage become: "list", "numpy" or "xarray".
    chunk
        How many items are called between two decisions; None aims at 50 ms.
    on_error
        What a failure of this stage does, as in `Options`; None leaves it to the run. So of one
        stage a failure can stop a run that goes on past others, or the other way round.
    uses
        Names of resources that the stage has for itself while it runs: "gpu:0", "file:x.db"; or of
        which there are several by the option ``limits``. A mapped stage needs one of each for each
        item that is called at the same time.
    priority
        Where several run side by side: of the stages that could start, those with the highest do
        first. Of equal ones those do that the longest way to the end of the pipeline begins with.
    cpus, mem_gb, gpus, timeout_min
        What one call needs, for executors that give out such things.
    """

    retries: int = 0
    retry_delay_s: float = 0.0
    backoff: float = 2.0
    jitter: bool = True
    retry_on: Any = Exception
    timeout_s: float | None = None
    after: tuple[str, ...] = field(default=(), converter=_names)
    when: str | InputBinding | Callable[..., object] | None = None
    tags: tuple[str, ...] = field(default=(), converter=_names)
    cache: str | None = None
    version: str | None = None
    depends_on: tuple[Any, ...] = field(default=(), converter=_one_or_several)
    env: tuple[str, ...] = field(default=(), converter=_names)
    executor: Any = None
    workers: int | None = None
    over: Over | None = field(default=None, converter=_over)
    item_key: Callable[..., Any] | None = None
    collect: str = "list"
    chunk: int | None = None
    on_error: str | None = None
    uses: tuple[str, ...] = field(default=(), converter=_names_of_resources)
    priority: float = 0
    cpus: float | None = None
    mem_gb: float | None = None
    gpus: float | None = None
    timeout_min: float | None = None

    __repr__ = with_what_is_set


_OF_STAGE: Final = ("inputs", "output_mapper", "name")
_OF_REGISTER: Final = ("params", "matrix", "dep_path_overrides", "out_path_overrides")
"""What may be said of a stage, and of one with files, besides its policy."""
_OTHER_WORDS: Final = {"map": "over", "outputs": "output_mapper", "retry": "retries"}
"""What is meant by words that are nearer to an option that means something else."""

USUAL: Final = Policy()
"""The policy of a stage for which nothing else was said."""


def policy_of(keywords: dict[str, Any], name: str) -> Policy:
    """Return the policy that *keywords* describe for the stage *name*.

    Raises
    ------
    DefinitionError
        If a keyword is not a field of `Policy`.
    """
    known = fields_dict(Policy)
    for keyword in keywords:
        if keyword not in known:
            hint = _near_option(keyword, known)
            raise DefinitionError(
                f'stage "{name}": no option "{keyword}"{hint} ({calling_place()})'
            )
    return Policy(**keywords)


def _near_option(keyword: str, known: Iterable[str]) -> str:
    near = _OTHER_WORDS.get(keyword) or nearest(keyword, (*known, *_OF_STAGE, *_OF_REGISTER))
    if near is None:
        return f": {there_are(known)}"
    return f'; did you mean "{near}"{", of register()" if near in _OF_REGISTER else ""}?'


def mapped_over(policy: Policy) -> Over | None:
    """Return what a stage is mapped over; None also if what was said is nothing of that kind."""
    over: Any = policy.over
    if over is None:
        return None
    from pypedream.over import Over

    return over if isinstance(over, Over) else None


@frozen(init=False, eq=False, repr=False)
class Stage:
    """A function and where its arguments come from; a description that any pipeline may hold.

    Parameters
    ----------
    function
        Any callable. It stays as it is and can be called as before.
    inputs
        Where arguments come from. What is not named here is bound by its name in the pipeline:
        to the stage of that name, else the parameter, else the variable, else the default.
    output_mapper
        From the return value to named outputs; without it there is one, "return".
    name
        The key under which a pipeline registers it; the function's name if left out.
    policy
        Fields of `Policy`: ``retries=2``, ``after="load"``, ``tags="slow"``, ...

    Raises
    ------
    DefinitionError
        If *function* is no function or a stage already, an input is not an `Input`, or an
        option is unknown.

    Examples
    --------
    >>> double = Stage(lambda x: 2 * x, name="double")
    >>> double(4)
    8
    """

    function: Callable[..., Any]
    inputs: tuple[Input, ...]
    output_mapper: OutputMapper | None
    name: str
    policy: Policy
    place: Place | None
    files: StageFiles | None = None

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Iterable[Input] = (),
        output_mapper: OutputMapper | None = None,
        *,
        name: str | None = None,
        **policy: Any,
    ) -> None:
        is_function = type(function) is FunctionType
        if not is_function and not _can_be_stage(function):
            raise DefinitionError(_no_function(function, name))
        if not name:
            name = getattr(function, "__name__", type(function).__name__)
        self.__attrs_init__(
            function,
            _checked_inputs(inputs, name) if inputs else (),
            output_mapper,
            name,
            policy_of(policy, name) if policy else USUAL,
            calling_place() if inputs or policy or not is_function else None,
        )

    def with_inputs(self, inputs: Iterable[Input]) -> Stage:
        """Return the same stage with other inputs."""
        return self._as(inputs=tuple(inputs))

    def with_policy(self, policy: Policy) -> Stage:
        """Return the same stage with another policy."""
        return self._as(policy=policy)

    def with_name(self, name: str) -> Stage:
        """Return the same stage under another name."""
        return self._as(name=name)

    def with_files(self, files: StageFiles) -> Stage:
        """Return the same stage with files."""
        return self._as(files=files)

    def _as(self, **changed: Any) -> Stage:
        stage = Stage.__new__(Stage)
        stage.__attrs_init__(**{name: getattr(self, name) for name in _FIELDS} | changed)
        return stage

    __repr__ = with_what_is_set

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return shown_as(self, include, exclude)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, outside any pipeline."""
        return self.function(*args, **kwargs)


def place_of(stage: Stage) -> Place | None:
    """Return where the user wrote *stage*: its function, else where the stage was made."""
    place = Place.of_function(stage.function)
    if place is None or (stage.place is not None and is_library(place.file)):
        return stage.place
    return place


_FIELDS: Final = ("function", "inputs", "output_mapper", "name", "policy", "place", "files")


def _can_be_stage(given: object) -> bool:
    return callable(given) and not isinstance(given, Stage) and not _is_class_of_steps(given)


def _is_class_of_steps(given: object) -> bool:
    return isinstance(given, type) and hasattr(given, "__pypedream_call__")


def _no_function(given: object, name: str | None) -> str:
    whose = f'stage "{name}"' if name else "a stage"
    if isinstance(given, Stage):
        return f"{whose} is made of a Stage: give it the function itself ({calling_place()})"
    if isinstance(given, type):
        fix = f"write {given.__name__}(...)"
        return f"{whose} is made of the class {given.__name__}: {fix} ({calling_place()})"
    return f"{whose} needs a function, and {said(given)} cannot be called ({calling_place()})"


def _checked_inputs(inputs: Iterable[Input], name: str) -> tuple[Input, ...]:
    from pypedream.inputs import Input

    if isinstance(inputs, (Input, str)) or not isinstance(inputs, Iterable):
        raise DefinitionError(
            f'stage "{name}": inputs= takes a list: inputs=[param(...), ...] ({calling_place()})'
        )
    checked = tuple(inputs)
    for one in checked:
        if not isinstance(one, Input):
            raise DefinitionError(
                f'stage "{name}": inputs= holds {said(one)}, which is no Input: write param(...),'
                f" var(...), dependency(...), immediate(...) or Input(...) ({calling_place()})"
            )
    return checked


@define(eq=False, repr=False)
class Arguments:
    """What a function can be called with.

    Attributes
    ----------
    names
        From each argument's name to whether it has a default.
    positional
        Names that can only be given by position.
    takes_any
        Whether it takes keywords beyond *names*.
    in_order
        Whether it certainly takes all of *names* by position, in this order.
    """

    names: dict[str, bool]
    positional: tuple[str, ...] = ()
    takes_any: bool = False
    in_order: bool = False

    def split(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return which of *values* are given by position, and which by name."""
        rest = dict(values)
        return [rest.pop(name) for name in self.positional if name in rest], rest


def arguments_of(function: Callable[..., Any]) -> Arguments:
    """Read the arguments of *function*.

    A plain function is read from its code object: `inspect.signature` costs as much as a
    hundred and eighty calls of the function.
    """
    if type(function) is not FunctionType or function.__dict__:
        return _arguments_by_inspection(function)
    code = function.__code__
    count, known = code.co_argcount, code.co_varnames
    names = dict.fromkeys(known[:count], False)
    if function.__defaults__:
        for name in known[count - len(function.__defaults__) : count]:
            names[name] = True
    if code.co_kwonlyargcount:
        keyword_defaults = function.__kwdefaults__ or {}
        for name in known[count : count + code.co_kwonlyargcount]:
            names[name] = name in keyword_defaults
    positional = known[: code.co_posonlyargcount] if code.co_posonlyargcount else ()
    takes_any = bool(code.co_flags & _VARIADIC_KEYWORDS)
    return Arguments(names, positional, takes_any, not code.co_kwonlyargcount)


def _arguments_by_inspection(function: Callable[..., Any]) -> Arguments:
    from inspect import Parameter, signature

    try:
        found = signature(_without_questions(function)).parameters.values()
    except ValueError:  # some builtins do not say what they take
        return Arguments({}, (), takes_any=True)
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    settled = function.keywords if isinstance(function, partial) else ()
    named = [one for one in found if one.kind not in variadic and one.name not in settled]
    return Arguments(
        {one.name: one.default is not one.empty for one in named},
        tuple(one.name for one in found if one.kind is Parameter.POSITIONAL_ONLY),
        any(one.kind is Parameter.VAR_KEYWORD for one in found),
    )


def _without_questions(function: Any) -> Callable[..., Any]:
    """Return what can be inspected in place of an object that has its own idea of equality.

    An object that can be called may say by a method of its class whose arguments it takes.
    """
    kind = type(function)
    told = getattr(kind, "__pypedream_call__", None)
    if told is not None:
        return told(function)  # type: ignore[no-any-return]
    if not isinstance(kind.__eq__, FunctionType) or not isinstance(kind.__call__, FunctionType):
        return function  # type: ignore[no-any-return]
    return MethodType(kind.__call__, function)


def may_name_files(function: Any) -> bool:
    """Say whether annotations of *function* may say which files it reads and writes.

    Most are plain classes, which say nothing; to read the others takes longer than all the rest.
    """
    if type(function) is not FunctionType:
        return True
    try:
        annotations = function.__annotations__
    except Exception:  # noqa: BLE001 - a name in them is not there
        return True
    for name in annotations:
        each = annotations[name]
        if type(each) is not type and (type(each) is not str or each not in _PLAIN_NAMES):
            return True
    return False


_PLAIN_NAMES: Final = frozenset(
    (
        "Any",
        "bool",
        "bytes",
        "dict",
        "float",
        "int",
        "list",
        "None",
        "object",
        "set",
        "str",
        "tuple",
    )
)


def code_flags(function: Callable[..., Any]) -> int:
    """Return the flags of the code that runs when *function* is called; 0 if unknown."""
    if type(function) is FunctionType:
        return function.__code__.co_flags
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):  # an object may answer to every name
        called = type(function).__call__ if callable(function) else None
        code = getattr(called, "__code__", None)
    return code.co_flags if isinstance(code, CodeType) else 0
