"""Patterns: stages that are called for many items, that fold them, or that choose what to call.

Each function returns a `Stage`, for ``Pipeline(stages={...})`` or ``flow.stage(...)``. `zip`,
`cross` and `nest` also say just how items go together: ``@flow.stage(over=cross("a", "b"))``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from functools import reduce as fold
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, overload

from attrs import define

from pypedream.errors import DefinitionError, MapError
from pypedream.inputs import Input, InputBinding
from pypedream.log.logger import logger
from pypedream.names import did_you_mean, there_are
from pypedream.outputs import NOT_GIVEN
from pypedream.over import CROSS, NEST, ZIP, Over, over_of, refuse_what_has_no_items
from pypedream.places import calling_place
from pypedream.stage import ASYNC_GENERATOR, COROUTINE, Stage, code_flags
from pypedream.values import said, short

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["branch", "broadcast", "cross", "map", "nest", "reduce", "switch", "zip"]

_CASE = "case"


def map(function: Callable[..., Any], over: Any = None, **options: Any) -> Stage:  # noqa: A001
    """Return a stage that is called once for each item of an argument.

    Parameters
    ----------
    function
        Gets one item a call, and its other arguments as they are.
    over
        The argument, several that are zipped, from argument to the name of its source, or what
        `zip`, `cross` or `nest` return. By default the first argument.
    options
        As for `Stage`: ``name=``, ``inputs=``, ``retries=``, ``collect=``, ``chunk=``, ...

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, patterns
    >>> flow = Pipeline("squares", Parameters.define(numbers=[1, 2, 3]))
    >>> flow.stage(patterns.map(lambda n: n * n, over={"n": "numbers"}, name="squares"))(4)
    16
    >>> flow.run()["squares"]
    [1, 4, 9]
    """
    if over is None:
        names = list(signature(function).parameters)
        if not names:
            raise DefinitionError(f"map: the function takes no argument ({calling_place()})")
        over = names[0]
    return Stage(function, over=over, **options)


@overload
def zip(  # noqa: A001
    function: Callable[..., Any], /, *, over: Any, **options: Any
) -> Stage: ...
@overload
def zip(*names: Any) -> Over: ...  # noqa: A001
def zip(*first: Any, over: Any = None, **options: Any) -> Any:  # noqa: A001
    """Take the first items of several arguments together, then the second ones, and so on.

    ``zip("name", "size")`` says so for ``over=``; ``zip(function, over=("name", "size"))`` returns
    the stage.
    """
    return _over_or_stage(ZIP, first, over, options)


@overload
def cross(function: Callable[..., Any], /, *, over: Any, **options: Any) -> Stage: ...
@overload
def cross(*names: Any) -> Over: ...
def cross(*first: Any, over: Any = None, **options: Any) -> Any:
    """Take each item of one argument with each item of the others.

    ``cross("rate", "depth")`` says so for ``over=``; ``cross(function, over=("rate", "depth"))``
    returns the stage. The results are lists within lists, the last argument innermost, with a dict
    in place of a list for an argument that is a mapping; or with ``collect="numpy"`` an array with
    an axis for each argument, with ``collect="xarray"`` one whose axes bear their names and items.
    ``cross("rate", {"file": "files"})`` names the source of an argument that is called otherwise.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, patterns
    >>> flow = Pipeline("table", Parameters.define(a=[1, 2], b=[10, 20, 30]))
    >>> @flow.stage(over=patterns.cross("a", "b"))
    ... def product(a, b):
    ...     return a * b
    >>> flow.run()["product"]
    [[10, 20, 30], [20, 40, 60]]
    """
    return _over_or_stage(CROSS, first, over, options)


@overload
def nest(
    function: Callable[..., Any], /, *, over: Any, depth: int = ..., **options: Any
) -> Stage: ...
@overload
def nest(*names: Any, depth: int = ...) -> Over: ...
def nest(*first: Any, over: Any = None, depth: int = 2, **options: Any) -> Any:
    """Take the items of the items of an argument, down to *depth* levels.

    The results have the same levels: for a list of lists a list of lists.
    """
    given: object = depth
    if not isinstance(given, int) or depth < 1:
        raise DefinitionError(f"nest: depth={given!r} is no number of levels ({calling_place()})")
    found = _over_or_stage(NEST, first, over, options, depth)
    spec: Any = found.policy.over if isinstance(found, Stage) else found
    if len(spec.names) != 1:
        raise DefinitionError(f"nest takes one argument ({calling_place()})")
    return found


def reduce(
    function: Callable[..., Any], over: str, initial: Any = NOT_GIVEN, **options: Any
) -> Stage:
    """Return a stage that folds the items of an argument into one value, from the first on.

    Parameters
    ----------
    function
        Takes what it gave before and the next item; further arguments are bound by name.
    over
        Name of the stage, parameter or variable that has the items. An iterator is read as it is
        folded; of a mapping the values are.
    initial
        What comes before the first item. Without it that is the first item.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, patterns
    >>> flow = Pipeline("total", Parameters.define(numbers=[1, 2, 3]))
    >>> stage = patterns.reduce(lambda total, n: total + n, over="numbers", initial=0, name="total")
    >>> flow.stage(stage) is stage
    True
    >>> flow.run()["total"]
    6
    """
    if not isinstance(over, str):
        raise DefinitionError(f"reduce: over={over!r} is not a name ({calling_place()})")
    return Stage(_Fold(_plain(function, "reduce"), over, initial), **options)


def branch(
    when: str | Callable[..., Any],
    then: Callable[..., Any],
    otherwise: Callable[..., Any] | None = None,
    **options: Any,
) -> Stage:
    """Return a stage that calls one of two functions.

    Parameters
    ----------
    when
        A name whose value decides, or a function whose arguments are bound by name.
    then, otherwise
        What is called if it holds and if not; without *otherwise* the stage gives None then.
        What either of them takes is bound by name.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, patterns
    >>> parameters = Parameters.define(rows=5, is_quick=True)
    >>> flow = Pipeline("fit", parameters, progress=False)
    >>> fit = patterns.branch("is_quick", then=lambda rows: rows, otherwise=lambda rows: rows ** 2)
    >>> flow.stage(fit, name="fit") is fit
    True
    >>> flow.run()["fit"], flow.run(is_quick=False)["fit"]
    (5, 25)
    """
    cases = {True: _plain(then, "branch")}
    if otherwise is not None:
        cases[False] = _plain(otherwise, "branch")
    options.setdefault("name", getattr(then, "__name__", "branch"))
    choice = _Choice("branch", _checked_on(when, "branch"), cases, None, is_truth=True)
    return Stage(choice, **options)


def switch(
    on: str | Callable[..., Any],
    cases: Mapping[Any, Callable[..., Any]],
    default: Callable[..., Any] | None = None,
    **options: Any,
) -> Stage:
    """Return a stage that calls the function of one of several cases.

    Parameters
    ----------
    on
        A name whose value decides, or a function whose arguments are bound by name.
    cases
        From value to what is called for it.
    default
        What is called for every other value. Without it such a value is an error.
    """
    if not isinstance(cases, Mapping):
        raise DefinitionError(
            f"switch: cases= takes a mapping from value to function, not {said(cases)}"
            f" ({calling_place()})"
        )
    plain = {case: _plain(function, "switch") for case, function in cases.items()}
    other = None if default is None else _plain(default, "switch")
    options.setdefault("name", on if isinstance(on, str) else getattr(on, "__name__", "switch"))
    return Stage(_Choice("switch", _checked_on(on, "switch"), plain, other), **options)


def broadcast(
    functions: Mapping[str, Callable[..., Any]] | Iterable[Callable[..., Any]],
    over: str,
    **options: Any,
) -> Stage:
    """Return a stage that gives one value to several functions, each as an item of its own.

    Parameters
    ----------
    functions
        From name to function, or functions that have different names.
    over
        Name of the stage, parameter or variable whose value each gets as its first argument;
        further arguments are bound by name.

    Returns
    -------
    A mapped stage; it gives a dict from name to what the function returned.

    Examples
    --------
    >>> from pypedream import Parameters, Pipeline, patterns
    >>> flow = Pipeline("summary", Parameters.define(numbers=[1, 2, 6]))
    >>> flow.stage(patterns.broadcast([min, max, sum], over="numbers", name="summary")).name
    'summary'
    >>> flow.run()["summary"]
    {'min': 1, 'max': 6, 'sum': 9}
    """
    named = _named(functions)
    function = _Broadcast(named, over)
    names = {name: name for name in named}
    inputs = [Input(_CASE, InputBinding.immediate(names)), *options.pop("inputs", ())]
    return Stage(function, inputs, over=_CASE, **{"name": "broadcast", **options})


def _over_or_stage(
    how: str, first: tuple[Any, ...], over: Any, options: dict[str, Any], depth: int = 1
) -> Any:
    is_stage = len(first) == 1 and callable(first[0])
    given = over_of(over if is_stage else first[0] if len(first) == 1 else first)
    if not isinstance(given, Over) or (over is not None and not is_stage):
        raise DefinitionError(
            f'{how}: write {how}("first", "second"), or {how}(function, over=("first", "second"))'
            f" ({calling_place()})"
        )
    if options and not is_stage:
        named = ", ".join(options)
        raise DefinitionError(
            f"{how}: {named} is for the stage: write it beside over= ({calling_place()})"
        )
    spec = Over(given.names, how, depth, given.sources)
    return Stage(first[0], over=spec, **options) if is_stage else spec


def _plain(function: Any, pattern: str) -> Callable[..., Any]:
    """Return *function* if the pattern can call it."""
    if isinstance(function, Stage) or not callable(function):
        raise DefinitionError(
            f"{pattern} takes functions, and {said(function)} is none ({calling_place()})"
        )
    if code_flags(function) & (COROUTINE | ASYNC_GENERATOR):
        name = function.__name__
        raise DefinitionError(
            f"{pattern}: {name} is async: write it as a stage with when= ({calling_place()})"
        )
    return function  # type: ignore[no-any-return]


def _checked_on(on: Any, pattern: str) -> str | Callable[..., Any]:
    return on if isinstance(on, str) else _plain(on, pattern)


def _named(functions: Any) -> dict[str, Callable[..., Any]]:
    if isinstance(functions, Mapping):
        return {str(name): _plain(one, "broadcast") for name, one in functions.items()}
    if callable(functions) or isinstance(functions, str):
        raise DefinitionError(f"broadcast takes several functions in a list ({calling_place()})")
    named: dict[str, Callable[..., Any]] = {}
    for one in functions:
        name = getattr(_plain(one, "broadcast"), "__name__", type(one).__name__)
        if name in named:
            raise DefinitionError(
                f'broadcast: two functions are called "{name}": give a dict from name to function'
                f" ({calling_place()})"
            )
        named[name] = one
    return named


def _parameters(function: Callable[..., Any], skip: int = 0) -> list[Parameter]:
    """Return the named arguments of a function after the first ones; [] if it does not say."""
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    try:
        found = signature(function).parameters.values()
    except ValueError:  # some builtins do not say what they take
        return []
    return [one for one in [*found][skip:] if one.kind not in variadic]


def _union(first: Iterable[str], groups: Iterable[list[Parameter]]) -> Signature:
    """Return a signature with all these arguments; one has a default where it has everywhere."""
    found = {name: Parameter(name, Parameter.KEYWORD_ONLY) for name in first}
    for group in groups:
        for one in group:
            known = found.get(one.name)
            if known is None or known.default is not Parameter.empty:
                found[one.name] = Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default)
    return Signature(list(found.values()))


def _called(function: Callable[..., Any], values: Mapping[str, Any], *first: Any) -> Any:
    """Call *function* with those of *values* that it takes."""
    taken = _parameters(function, len(first))
    return function(*first, **{one.name: values[one.name] for one in taken if one.name in values})


@define(eq=False)
class _Fold:
    """Folds the items of one argument."""

    function: Callable[..., Any]
    over: str
    initial: Any

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", "reduce"))

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    @property
    def __signature__(self) -> Signature:
        return _union([self.over], [_parameters(self.function, 2)])

    def __call__(self, **values: Any) -> Any:
        items = values.pop(self.over)
        refuse_what_has_no_items(self.over, items)
        items = iter(items.values() if isinstance(items, Mapping) else items)
        initial = next(items, NOT_GIVEN) if self.initial is NOT_GIVEN else self.initial
        if initial is NOT_GIVEN:
            raise MapError(f'"{self.over}" has no items, and there is no initial= to begin with')
        return fold(partial(self.function, **values), items, initial)


@define(eq=False)
class _Choice:
    """Calls the function of one of several cases."""

    pattern: str
    on: str | Callable[..., Any]
    cases: dict[Any, Callable[..., Any]]
    default: Callable[..., Any] | None
    is_truth: bool = False

    @property
    def __name__(self) -> str:
        return self.pattern

    @property
    def __signature__(self) -> Signature:
        asked = [self.on] if isinstance(self.on, str) else []
        called = [*self.cases.values(), *([self.default] if self.default is not None else [])]
        if callable(self.on):
            called.append(self.on)
        return _union(asked, [_parameters(one) for one in called])

    def __call__(self, **values: Any) -> Any:
        value = values[self.on] if isinstance(self.on, str) else _called(self.on, values)
        case = bool(value) if self.is_truth else value
        function = self.cases.get(case, self.default)
        if function is None and self.is_truth:
            logger.info(f"{self.pattern}: {short(case)}, so nothing")
            return None
        if function is None:
            near = did_you_mean(case, self.cases) if isinstance(case, str) else ""
            raise MapError(f"no case for {short(case)}{near or ': ' + there_are(list(self.cases))}")
        logger.info(f"{self.pattern}: {short(case)}, so {self._called_what(case)}")
        return _called(function, values)

    def _called_what(self, case: Any) -> str:
        """Return the name of the function of a case, or its place if it has none of its own."""
        is_default = case not in self.cases
        name = getattr(self.default if is_default else self.cases[case], "__name__", "<lambda>")
        if name != "<lambda>":
            return str(name)
        if self.is_truth:
            return "then" if case else "otherwise"
        return "default" if is_default else "its case"


@define(eq=False)
class _Broadcast:
    """Calls the function of one name with a value that all get."""

    functions: dict[str, Callable[..., Any]]
    over: str

    @property
    def __name__(self) -> str:
        return "broadcast"

    @property
    def __signature__(self) -> Signature:
        groups = [_parameters(one, 1) for one in self.functions.values()]
        return _union([_CASE, self.over], groups)

    def __call__(self, **values: Any) -> Any:
        function = self.functions[values.pop(_CASE)]
        return _called(function, values, values.pop(self.over))
