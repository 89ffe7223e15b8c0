"""What `--json` prints: one document a command, every field present, every number a number."""

import json
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

_WIDE = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


def fields(message: Message) -> dict[str, Any]:
    """A message's fields by their proto names. Those left at their default are there too, unless they tell unset from it."""
    found = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return _numbered(message.DESCRIPTOR, found)


def _numbered(descriptor: Any, found: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 -- protobuf has two types for one
    """protobuf writes wide integers as text, which its JSON form says and nobody expects."""
    for field in descriptor.fields:
        if field.name in found:
            value = found[field.name]
            if field.message_type and field.message_type.GetOptions().map_entry:
                inner = field.message_type.fields_by_name["value"]
                found[field.name] = {key: _value(inner, each) for key, each in value.items()}
            else:
                found[field.name] = (
                    [_value(field, v) for v in value] if isinstance(value, list) else _value(field, value)
                )
    return found


def _value(field: FieldDescriptor, value: Any) -> Any:  # noqa: ANN401 -- JSON
    if field.cpp_type in _WIDE:
        return int(value)
    return _numbered(field.message_type, value) if field.message_type and isinstance(value, dict) else value


def show(document: object) -> None:
    """Print the command's document."""
    print(json.dumps(document, indent=2, ensure_ascii=False))
