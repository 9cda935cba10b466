"""What one parameter is: its type, its rules, and whether a value obeys them."""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Any, NoReturn, get_args, get_origin

from attrs import NOTHING, Factory, evolve, field, frozen

from pypedream.errors import DefinitionError, ParameterError
from pypedream.parameters.accepting import accept, not_a
from pypedream.parameters.annotations import (
    SIMPLE,
    arms,
    choices_of,
    container_of,
    has_text_form,
    inferred,
    member_types,
    mentions_secret,
)
from pypedream.parameters.rules import is_among, obey, words
from pypedream.parameters.secret import MASK, Secret
from pypedream.parameters.sources import PREFIX
from pypedream.values import short

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@frozen(eq=False, repr=False)
class Parameter:
    """One parameter: what it is for, what it accepts, and what it is when nobody sets it.

    The rules (*choices*, *min*, *max*) hold for each member of a list, tuple or set. The default
    obeys them too; a default of None means that None is accepted.

    Parameters
    ----------
    type
        Any annotation. None: Python values are not checked, text is read as the default's type.
    default
        Left out: the parameter is required.
    choices
        The values that it may have. A Literal or an Enum as the type says this already.
    min, max
        The smallest and the largest value.
    help
        One line for the command line and the form.
    secret
        Whether the value is wrapped into a `Secret`. The type `Secret` says this already.
    env
        An environment variable that sets it, beside ``PYPEDREAM_PARAM_<NAME>``.
    name
        Its dotted name; filled in by the table that it is defined in.
    text_type
        What text is read as when no type is checked: a class converts the value itself.
    is_computed
        Whether a class computes the default from other values, when all of them are known.
    note
        What else a value has to be, in a few words: "over 0". The class that says it checks it.

    Raises
    ------
    DefinitionError
        If the type is a value; or, when it is defined in a table, if the rules contradict each
        other or the default breaks them.

    Examples
    --------
    >>> depth = Parameter(int, 3, min=1, max=20)
    >>> depth.check(5), depth.parse("7")
    (5, 7)
    """

    type: Any = None
    default: Any = Factory(lambda: NOTHING)  # attrs would read a plain NOTHING as "no default"
    choices: Collection[Any] | None = field(default=None, kw_only=True)
    min: Any = field(default=None, kw_only=True)
    max: Any = field(default=None, kw_only=True)
    help: str = field(default="", kw_only=True)
    secret: bool = field(default=False, kw_only=True)
    env: str | None = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)
    text_type: Any = field(default=None, kw_only=True)
    is_computed: bool = field(default=False, kw_only=True)
    note: str = field(default="", kw_only=True)
    _checked: Any = field(init=False)
    _read_as: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.type, (*SIMPLE, list, dict, set, tuple)):
            raise DefinitionError(
                f"the type of a parameter is {short(self.type)}, which is a value: "
                f"write Parameter(default={short(self.type)})"
            )
        is_secret = self.secret or isinstance(self.default, Secret)
        is_secret = is_secret or any(Secret in (arm, get_origin(arm)) for arm in arms(self.type))
        if is_secret and self.default is not NOTHING and self.default is not None:
            object.__setattr__(self, "default", Secret(self.default))
        object.__setattr__(self, "secret", is_secret)
        object.__setattr__(self, "_checked", self._checked_type())
        object.__setattr__(self, "_read_as", self._text_type())

    def __repr__(self) -> str:
        return f"Parameter({self.name}: {self.rules})" if self.name else f"Parameter({self.rules})"

    @property
    def is_required(self) -> bool:
        """Whether it must be set before a run."""
        return self.default is NOTHING and not self.is_computed

    @property
    def is_hidden(self) -> bool:
        """Whether its value, or something in it, is a secret."""
        return self.secret or mentions_secret(self.type)

    @property
    def read_as(self) -> Any:
        """The type that text is read as: the declared one, else the default's; None is any."""
        return self._read_as

    @property
    def environment_name(self) -> str:
        """The environment variable that sets it."""
        return self.env or PREFIX + self.name.upper().replace(".", "__")

    @property
    def rules(self) -> str:
        """What it accepts, in a few words: "int, 1 to 20"."""
        return ", ".join(words(self, self._read_as if self.type is None else self.type))

    def check(self, value: Any) -> Any:
        """Return *value* as this parameter has it: converted by its type, wrapped if secret.

        Raises
        ------
        ParameterError
            If the value does not fit; one line that names parameter, value and rule.
        """
        is_wrapped = self.secret or isinstance(value, Secret)
        is_hidden = is_wrapped or mentions_secret(self.type)
        bare = value.reveal() if isinstance(value, Secret) else value
        try:
            accepted = accept(bare, self._checked)
        except ParameterError as error:
            self._refuse(bare, not_a(self._checked) if is_hidden else error, is_hidden=is_hidden)
        if accepted is None and self.secret and not self._takes_none():
            self._refuse(None, ParameterError("is no secret"))
        for member in self._members(accepted):
            try:
                obey(member, self, is_hidden=is_hidden)
            except ParameterError as error:
                shown = bare if member is accepted else member
                self._refuse(shown, error, is_hidden=is_hidden)
        return Secret(accepted) if is_wrapped and accepted is not None else accepted

    def parse(self, text: str) -> Any:
        """Return the value that *text* stands for, checked.

        Raises
        ------
        ParameterError
            If the text is no such value; one line that names parameter, text and rule.
        """
        from pypedream.parameters.reading import read  # only what comes from outside is text

        try:
            value = read(text, self._read_as)
        except ParameterError as error:
            is_hidden = self.is_hidden
            self._refuse(text, not_a(self._read_as) if is_hidden else error, why=self._why())
        return self.check(value)

    def load(self, value: Any) -> Any:
        """Return a value that a file holds, checked; a file has texts for dates and paths.

        Raises
        ------
        ParameterError
            If the value does not fit; one line that names parameter, value and rule.
        """
        if not self._why() or not has_text_form(self._read_as):
            return self.check(value)
        try:
            return self.check(accept(value, self._read_as))
        except ParameterError as error:
            if isinstance(value, (str, list)):
                self._refuse(value, error, why=self._why())
            return self.check(value)

    def named(self, name: str) -> Parameter:
        """Return this parameter under its full name, its rules and its default made sure of.

        Raises
        ------
        DefinitionError
            If the rules contradict each other, or the default breaks them.
        """
        renamed = evolve(self, name=name)
        try:
            ruled = evolve(renamed, **renamed.settled_rules())
            is_set = ruled.default is not NOTHING
            return evolve(ruled, default=ruled.check(ruled.default)) if is_set else ruled
        except ParameterError as error:
            raise DefinitionError(f"{error} (in its definition)") from None

    def settled_rules(self) -> dict[str, Any]:
        """Return choices and bounds as values of the declared type.

        Raises
        ------
        ParameterError
            If one of them is no such value, or if they contradict each other.
        """
        element = self._element()
        low, high = (self._settled_limit(limit, element) for limit in (self.min, self.max))
        if low is not None and high is not None and low > high:
            self._refuse(low, ParameterError(f"is over the maximum {short(high)}"))
        if self.choices is None:
            return {"min": low, "max": high, "choices": choices_of(element)}
        if isinstance(self.choices, str) or not self.choices:
            raise ParameterError(f'parameter "{self.name}": choices are a list of values')
        given = self.choices
        if isinstance(given, (set, frozenset)):  # which has another order in each process
            given = sorted(given, key=repr)
        choices = tuple(self._settled(choice, element) for choice in given)
        return {"min": low, "max": high, "choices": choices}

    def masked(self, value: Any, limit: int = 80) -> str:
        """Return one line for *value*, without what is secret."""
        return MASK if self.is_hidden else short(value, limit)

    def _refuse(
        self, value: Any, error: ParameterError, *, is_hidden: bool = False, why: str = ""
    ) -> NoReturn:
        head = f'parameter "{self.name}": ' if self.name else ""
        shown = "None" if value is None else MASK if is_hidden else self.masked(value, 60)
        raise ParameterError(f"{head}{shown} {error}{why}") from None

    def _why(self) -> str:
        """Say why text is read as it is, when nobody declared that."""
        is_guess = self.type is None and self.text_type is None and self.default is not NOTHING
        return f", like its default {self.masked(self.default, 40)}" if is_guess else ""

    def _checked_type(self) -> Any:
        kind = object if self.type is None else _peeled(self.type, object)
        is_optional = self.default is None and kind is not object
        return kind | None if is_optional else kind

    def _text_type(self) -> Any:
        if self.text_type is not None:
            return self.text_type
        if self.type is not None:
            kind = _peeled(self.type, str)
            return kind | None if self.default is None else kind
        bare = self.default.reveal() if isinstance(self.default, Secret) else self.default
        examples = (self.choices or ()) if bare is NOTHING or bare is None else (bare,)
        kinds = list(dict.fromkeys(map(inferred, examples)))
        if len(kinds) == 1 and kinds[0] is not None:
            return kinds[0]
        return str if self.secret else None  # a password of digits is a text

    def _settled_limit(self, limit: Any, element: Any) -> Any:
        """Return a limit as the user wrote it, unless it is the text of a date or a number."""
        if limit is None:
            return None
        accepted = self._settled(limit, element)
        return accepted if isinstance(limit, str) else limit

    def _settled(self, value: Any, element: Any) -> Any:
        try:
            return accept(value, element)
        except ParameterError as error:
            self._refuse(value, error)

    def _element(self) -> Any:
        """Return the type of what the rules are about: the value, or each member of it."""
        kinds = [arm for arm in arms(self._checked) if arm is not NoneType]
        if len(kinds) != 1:
            return object
        if container_of(kinds[0]) in (None, dict):
            return kinds[0]
        return member_types(kinds[0], 1)[0]

    def _takes_none(self) -> bool:
        return self.default is None or NoneType in arms(self._checked)

    def _members(self, accepted: Any) -> Iterator[Any]:
        if self.choices is None and self.min is None and self.max is None:
            return
        is_whole = not isinstance(accepted, (list, tuple, set, frozenset))
        if accepted is None and self._takes_none():
            return
        yield from ((accepted,) if is_whole or is_among(accepted, self.choices) else accepted)


def _peeled(annotation: Any, bare: Any) -> Any:
    """Return a type without Secret around it; *bare* stands for a Secret of nothing special."""
    if not any(Secret in (arm, get_origin(arm)) for arm in arms(annotation)):
        return annotation
    kinds = [
        (*get_args(arm), bare)[0] if Secret in (arm, get_origin(arm)) else arm
        for arm in arms(annotation)
    ]
    return reduce(or_, kinds)
