"""Tables of settings that are checked as a whole: every fault is told, all in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import UnionType
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from rgaviz.errors import SeveralFaults, quoted, unknown_name


class Unmet(ValueError):
    """A rule that does not hold; says what is wanted."""


class Table(BaseModel):
    """A table of a recipe: frozen, and strict: an int is also a float, a list is a tuple, nothing else is converted.

    Attributes:
        title: its name in a recipe.

    Raises:
        RgavizError: keys that there are not, or impossible values; all faults at once.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    title: ClassVar[str] = ""

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            told = error.errors(include_url=False)
            faults = dict.fromkeys(fault for each in told for fault in self._faults(each, values))
            raise SeveralFaults(*faults) from None

    def changed(self, **values: Any) -> Self:
        """Another table with these values, checked like a new one."""
        return type(self)(**{**dict(self), **values})

    @classmethod
    def _faults(cls, error: Any, values: dict[str, Any]) -> tuple[str, ...]:
        if error["type"] == "string_unicode" and not error["loc"]:  # a key of bytes that are no text
            return (str(unknown_name(error["input"], cls.model_fields, f"recipe key {cls.title}.*")),)
        if not error["loc"]:  # a rule about several keys, which names them itself
            return error["ctx"]["error"].args
        return (cls._fault(error, str(error["loc"][0]), values),)

    @classmethod
    def _fault(cls, error: Any, name: str, values: dict[str, Any]) -> str:
        if error["type"] == "extra_forbidden":
            return str(unknown_name(name, cls.model_fields, f"recipe key {cls.title}.*"))
        said = f"{cls.title}.{name} = {quoted(plain(values[name]))}"
        if error["type"] != "value_error":
            return f"{said} is not {described(cls.model_fields[name])}."
        broken = error["ctx"]["error"]
        return f"{said} must be {broken}." if isinstance(broken, Unmet) else str(broken)


def must(holds: Callable[[Any], bool], wanted: str) -> AfterValidator:
    """A rule for a value, and what is wanted in words."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise Unmet(wanted)
        return value

    return AfterValidator(check)


def named(key: str, options: Callable[[], Iterable[str]]) -> AfterValidator:
    """A name out of a registry, which is only looked at when there is a name to look up."""

    def check(value: str) -> str:
        if value not in (known := options()):
            raise ValueError(str(unknown_name(value, known, key)))
        return value

    return AfterValidator(check)


def plain(value: Any) -> Any:
    """A value as TOML has it."""
    return list(value) if isinstance(value, tuple) else value


def described(field: FieldInfo) -> str:
    """The kind of a field's values in words."""
    hint: Any = field.annotation
    while get_origin(hint) in (Union, UnionType, Annotated):
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        return f"a list of {get_args(hint)[0].__name__}"
    return {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}.get(
        hint, str(hint)
    )
