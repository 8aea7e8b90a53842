"""What a tool of MONAI Label writes beside a mask: the names of its labels, or what it thinks."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scalemai_core.errors import UsageError

_MAX_CODE = 255


class _Told(BaseModel):
    """Tools add keys of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Named(_Told):
    name: str = Field(max_length=200)
    idx: int | None = Field(default=None, ge=0, le=_MAX_CODE)


class _Params(_Told):
    label_info: tuple[_Named, ...] = Field(default=(), max_length=_MAX_CODE)


class LabelInfo(_Told):
    """A reviewer's word on a mask."""

    status: str = ""
    comment: str = ""

    @classmethod
    def of(cls, params: str) -> Self:
        """Read the form's field; raises UsageError."""
        try:
            return cls.model_validate(_Meta.model_validate_json(params).segmentationMeta)
        except ValidationError as error:
            raise UsageError("the label's info is not understood: send segmentationMeta") from error


class _Meta(_Told):
    segmentationMeta: dict[str, str | int | None] = {}  # noqa: N815 - the protocol's own name


def label_names(params: str) -> dict[int, str] | None:
    """What the codes of a saved mask mean, where the tool says so; raises UsageError."""
    try:
        told = _Params.model_validate_json(params or "{}")
    except ValidationError as error:
        raise UsageError("the label's params are not understood: send label_info") from error
    names = {one.idx: one.name for one in told.label_info if one.idx}
    return names or None
