"""The kinds of values that settings of training have."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Frozen(BaseModel):
    """Settings, which nothing changes, and which have no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


def listed(value: Any) -> Any:
    """One name may stand alone."""
    return (value,) if isinstance(value, str) else value
