"""What every section of a config file is made of, and the kinds of numbers in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
)

from isolet_nn.config.bounds import MOST
from isolet_nn.errors import Problem


class Section(BaseModel):
    """Base of every section: no unknown keys, no coerced types, immutable values."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


class RuleError(ValueError):
    """What a validator of a whole file finds wrong at one of its keys."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class ByName:
    """Sections told apart by ``name``; ``schedule: cosine`` stands for ``{name: cosine}``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        names = tuple(name for section in sections_of(source) for name in names_of(section))
        sections = Annotated[source, Field(discriminator="name")]
        shorthand = BeforeValidator(_written_out, json_schema_input_type=sections | Literal[names])
        return handler.generate_schema(Annotated[sections, shorthand])


def _written_out(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


BY_KEY = "by key "
"""Begins the tag of a section that a key of its own tells from others: no key is called so."""
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
"""Names that can be part of a folder's name on any system."""
NoSign = AfterValidator(abs)
"""Makes 0.0 of -0.0, so that equal settings are written the same."""
Rate = Annotated[float, Field(ge=0.0, lt=1.0), NoSign]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0), NoSign]
Count = Annotated[int, Field(ge=1, le=MOST)]
Size = Annotated[int, Field(ge=1)]
"""How large a network is: memory, which is known once the data is, bounds it."""
Folds = Annotated[int, Field(ge=2, le=MOST)]


def sections_of(annotation: Any) -> list[type[Section]]:
    """The section models inside a field's annotation (a union has several)."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in sections_of(part)]


def names_of(section: type[Section]) -> tuple[str, ...]:
    """The values that the section's ``name`` key may take, if it is a Literal."""
    field = section.model_fields.get("name")
    return get_args(field.annotation) if field else ()
