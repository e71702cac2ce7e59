"""What every part of a plan is made of: ids, texts, durations, and a strict base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from lineside.domain.errors import InputError
from lineside.domain.remembering import once_each
from lineside.domain.units import DAY, format_duration, parse_duration

WRITTEN: Final = "written"
"""Key of the validation context that says that a person wrote the plan: a duration then needs a unit."""
LONGEST_DURATION: Final = 100 * 366 * DAY

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="A stable id: lower case, digits, '_'.")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$", description="A language, such as 'de' (ISO 639-1).")]


def _duration(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except (InputError, OverflowError) as error:
            raise ValueError(
                "not a duration: write a number and a unit (ns us ms s min h d), such as '30 s'"
            ) from error
    if (info.context or {}).get(WRITTEN) or isinstance(value, bool):
        raise ValueError("a duration needs a unit (ns us ms s min h d), such as '30 s'")
    return value


_WRITTEN_FORM = (
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(ns|us|ms|s|min|h|d)\s*$", "examples": ["30 s"]}),
)
Duration = Annotated[int, Field(ge=0, le=LONGEST_DURATION), *_WRITTEN_FORM]
"""Nanoseconds, written as '500 ms' or '10 min'."""
PositiveDuration = Annotated[int, Field(gt=0, le=LONGEST_DURATION), *_WRITTEN_FORM]
"""Nanoseconds, more than none, written as '500 ms' or '10 min'."""


class PlanModel(BaseModel):
    """Base of every part of a plan: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class Named(PlanModel):
    """Something with a stable id beside the name people use, so that renaming breaks nothing."""

    id: Id = Field(description="A stable id: lower case, digits, '_'; never changed.")
    name: str = Field("", description="The name people use; empty: the id.")

    @property
    def label(self) -> str:
        """The name people use, or the id where none is given."""
        return self.name or self.id


_N = TypeVar("_N", bound=Named)


def by_id(items: tuple[_N, ...], wanted: str) -> _N:
    """Return the item of that id, the first where there are several; raises `KeyError` where there is none."""
    return _by_ids(items)[wanted]


@once_each()
def _by_ids(items: tuple[_N, ...]) -> Mapping[str, _N]:
    return {item.id: item for item in reversed(items)}
