"""OTLP trace requests as nested Arrow arrays, decoded in Rust: no Python object a span.

The descriptors are our own. Texts are declared as bytes, so that one that is not UTF-8 costs a character and
not the request. Arrays and maps as values are not declared: they look like no value, and the spans that have
them are read one by one. A field that nothing stores is not declared, so nobody pays for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_MANY: Final = "*"
_MESSAGES: Final = {
    "Request": ("parts=1:Part*",),
    "Part": ("resource=1:Resource", "scopes=2:Scope*"),
    "Resource": ("attributes=1:KeyValue*",),
    "Scope": ("scope=1:ScopeName", "spans=2:Span*"),
    "ScopeName": ("name=1:bytes", "version=2:bytes", "attributes=3:bytes*"),
    "Span": (
        "trace_id=1:bytes",
        "span_id=2:bytes",
        "parent_span_id=4:bytes",
        "name=5:bytes",
        "kind=6:int32",
        "start=7:fixed64",
        "end=8:fixed64",
        "attributes=9:KeyValue*",
        "events=11:bytes*",
        "links=13:bytes*",
        "status=15:Status",
    ),
    "Status": ("message=2:bytes", "code=3:int32"),
    "KeyValue": ("key=1:bytes", "value=2:AnyValue"),
    "AnyValue": ("string=1:bytes", "bool=2:bool", "int=3:int64", "double=4:double"),
}
"""Of each message its fields: name, number, type, and a star where there are many."""


def _declare(message: descriptor_pb2.DescriptorProto, field: str) -> None:
    name, _, rest = field.rstrip(_MANY).partition("=")
    number, _, kind = rest.partition(":")
    label = _FIELD.LABEL_REPEATED if field.endswith(_MANY) else _FIELD.LABEL_OPTIONAL
    made = message.field.add(name=name, number=int(number), label=label)
    if kind in _MESSAGES:
        made.type, made.type_name = _FIELD.TYPE_MESSAGE, f".columns.{kind}"
    else:
        made.type = _FIELD.Type.Value(f"TYPE_{kind.upper()}")
    if message.name == "AnyValue":  # members of a oneof become columns with nulls: absent differs from zero
        made.oneof_index = 0


def _handler() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="unsnag_columns.proto", package="columns", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for field in fields:
            _declare(message, field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    request = pool.FindMessageTypeByName("columns.Request")
    return ptars.HandlerPool([request.file]).get_for_message(request)


_HANDLER: Final = _handler()


def decoded(bodies: Sequence[bytes]) -> pa.ListArray:
    """Return the parts of each body: a resource with its scopes.

    Raises:
        ValueError: a body is no request; which one is found by trying them alone.
    """
    return _HANDLER.list_to_record_batch(list(bodies)).column(0)
