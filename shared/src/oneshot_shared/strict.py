"""Strict reading of TOML and JSON into models: an unknown key is an error that names the nearest known one."""

import json
import tomllib

from pydantic import BaseModel, ConfigDict, ValidationError

from oneshot_shared.errors import BadInput, nearest


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse[M: BaseModel](model: type[M], content: bytes, name: str) -> M:
    """Read TOML or JSON (by the name's ending) into a model. :raises BadInput: with the place and the nearest known key."""
    try:
        raw = json.loads(content) if name.endswith(".json") else tomllib.loads(content.decode())
    except (ValueError, UnicodeDecodeError) as error:
        raise BadInput(f"{name} cannot be read: {error}; mend that line") from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{name}: {_explain(model, error)}") from None


def _explain(model: type[BaseModel], error: ValidationError) -> str:
    first = min(
        error.errors(), key=lambda each: each["type"] != "extra_forbidden"
    )  # a misspelt key is also a missing one
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place!r} is missing; add it"
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{place}: {message} (it is {first['input']!r})" if place else message
    *parents, key = first["loc"]
    for part in parents:
        model = _field_model(model, part)
    known = sorted(model.model_fields)
    return f"unknown key {place!r}{nearest(str(key), known)}; known here: {', '.join(known)}"


def _field_model(model: type[BaseModel], part: str | int) -> type[BaseModel]:
    """The model below a field; list indices and unions lead to the model inside them."""
    if isinstance(part, int):
        return model
    kinds = [model.model_fields[part].annotation]
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        kinds.extend(getattr(kind, "__args__", ()))
    return model
