"""A rubric as agents write one: criteria in whatever shape can be understood, weights in whatever unit."""

import re
from collections.abc import Mapping
from typing import Any

from oneshot_shared.errors import BadInput
from oneshot_shared.task import Criterion

FORM = (
    'give a list of criteria such as [{"id": "json_output", "weight": 0.5, "description": "list --json prints one JSON array", '
    '"decided_by": "judge"}]'
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "A short name, such as json_output."},
        "weight": {"type": "number", "description": "Its share of the score; all sum to 1."},
        "description": {
            "type": "string",
            "description": "What holds when it is met in full, and what a partial score is for; a judge who sees the diff and the test results "
            "must be able to decide it.",
        },
        "decided_by": {"type": "string", "enum": ["judge", "tests"]},
        "tests": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Where tests decide: fail_to_pass, pass_to_pass or test ids.",
        },
    },
    "required": ["id", "weight", "description"],
}
_MOST = 50
_ID_LENGTH = 40
_GROUPS = ("criterion", "criteria", "rubric", "items")


def read(value: object) -> tuple[dict[str, Any], ...]:
    """Criteria as `task.Criterion` has them, whose weights sum to 1. :raises BadInput: with the form that is understood."""
    given = _items(value)
    if not given:
        return ()
    if len(given) > _MOST:
        raise BadInput(f"it has {len(given)} criteria; at most {_MOST} are allowed")
    weights = _shares([_weight(each) for each in given])
    ids: set[str] = set()
    criteria = []
    for each, weight in zip(given, weights, strict=True):
        criterion = _criterion(each, weight, ids)
        ids.add(criterion.id)
        criteria.append(criterion)
    return tuple(criterion.model_dump() for criterion in criteria)


def _items(value: object) -> list[dict[str, Any]]:
    if value in (None, "", [], (), {}):
        return []
    if isinstance(value, Mapping):
        if group := next((key for key in _GROUPS if isinstance(value.get(key), list | Mapping)), None):
            return _items(value[group])
        if "description" in value:
            return _items([value])
        value = [_keyed(key, each) for key, each in value.items()]
    if not isinstance(value, list | tuple):
        raise BadInput(FORM)
    return [_item(each) for each in value]


def _keyed(key: str, value: object) -> dict[str, Any]:
    """A criterion out of a mapping from ids."""
    if isinstance(value, Mapping):
        return {"id": key, **value}
    return {"id": key, "description": value if isinstance(value, str) else key.replace("_", " "), "weight": value}


def _item(value: object) -> dict[str, Any]:
    if isinstance(value, str) and value.strip():
        return {"description": value}
    if isinstance(value, Mapping):
        return dict(value)
    raise BadInput(f"a criterion is {value!r}; {FORM}")


def _weight(given: Mapping[str, Any]) -> float | None:
    value = given.get("weight")
    if isinstance(value, str):
        number = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*%?\s*", value)
        value = float(number[1]) if number else None
        if number is None and "weight" in given and given.get("description") != given["weight"]:
            raise BadInput(f"the weight {given['weight']!r} is no number; {FORM}")
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | float) or not 0 < value < 1e9:
        raise BadInput(f"the weight {value!r} is not allowed; give a number above 0")
    return float(value)


def _shares(weights: list[float | None]) -> list[float]:
    """Weights that sum to 1; one that is missing is taken for their mean."""
    known = [weight for weight in weights if weight is not None]
    mean = sum(known) / len(known) if known else 1.0
    full = [mean if weight is None else weight for weight in weights]
    total = sum(full)
    if abs(total - 1) <= 1e-6:  # as task.Rubric has it
        return full
    shares = [max(round(weight / total, 4), 0.0001) for weight in full]
    largest = shares.index(max(shares))
    shares[largest] = round(shares[largest] + 1 - sum(shares), 4)
    return shares


def _criterion(given: Mapping[str, Any], weight: float, taken: set[str]) -> Criterion:
    words = next(
        (given[key] for key in ("description", "criterion", "text", "name", "title", "id") if given.get(key)), None
    )
    if not isinstance(words, str) or not words.strip():
        raise BadInput(f"a criterion has no description; {FORM}")
    how = str(given.get("decided_by") or given.get("judged_by") or given.get("type") or "")
    tests = given.get("tests") or []
    tests = tests if isinstance(tests, list | tuple) else [tests]
    tests = [each for each in tests if isinstance(each, str)]
    by_tests = "test" in how.lower() or (not how and bool(tests))
    return Criterion(
        id=_id(str(given.get("id") or given.get("name") or words), taken),
        weight=weight,
        description=" ".join(words.split()),
        decided_by="tests" if by_tests else "judge",
        tests=(tests or ["fail_to_pass"]) if by_tests else [],
    )


def _id(text: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_ID_LENGTH].strip("_") or "criterion"
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    return found
