"""Columns of texts and ids: from bytes, to hex digits and JSON, with single rows replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from collectors import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Places = NDArray[np.integer[Any]]

TEXT: Final = pa.string()
_DIGITS: Final = np.array([b"%02x" % byte for byte in range(256)], dtype="S2")


def true(column: pa.Array) -> Flags:
    """Return a column of truth values as numpy has it; null is false."""
    flags: Flags = pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)
    return flags


def as_text(raw: pa.Array) -> pa.Array:
    """Return bytes as text, as `messages.string` does; Python repairs what is not UTF-8 or holds NUL."""
    try:
        made = pc.cast(raw, TEXT)
    except pa.ArrowInvalid:
        return _repaired(raw)
    return _repaired(raw) if pc.any(pc.match_substring(made, "\0")).as_py() else made


def _repaired(raw: pa.Array) -> pa.Array:
    return pa.array([None if item is None else messages.string(item) for item in raw.to_pylist()], TEXT)


def as_hex(raw: pa.Array, width: int) -> pa.Array:
    """Return ids as hex digits. All have `width` bytes."""
    offsets = np.frombuffer(raw.buffers()[1], np.int32)
    begin, end = offsets[raw.offset], offsets[raw.offset + len(raw)]
    digits = _DIGITS[np.frombuffer(raw.buffers()[2], np.uint8)[begin:end]].tobytes() if len(raw) else b""
    at = np.arange(len(raw) + 1, dtype=np.int32) * (2 * width)
    return pa.StringArray.from_buffers(len(raw), pa.py_buffer(at), pa.py_buffer(digits))


def lengths(column: pa.Array) -> Places:
    """Return the bytes of each text, 0 where there is none."""
    found: Places = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return found


def replaced(column: pa.Array, rows: Places, values: list[Any]) -> pa.Array:
    """Return the column with other values in these rows, which ascend."""
    if not values:
        return column
    mask = np.zeros(len(column), bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(values, column.type))


def converted(column: pa.Array, rows: Flags, convert: Callable[[str], str]) -> pa.Array:
    """Return the column with some of its texts converted."""
    at = np.flatnonzero(rows)
    return replaced(column, at, [convert(item) for item in column.take(pa.array(at)).to_pylist()])


def dumped(value: Any) -> str:
    """Return a value as JSON."""
    return orjson.dumps(value).decode()


def dumped_numbers(column: pa.Array) -> pa.Array:
    """Return floating-point numbers as JSON, null where there is none.

    Arrow writes 5.0 as 5, which is another type in the store; orjson writes a whole array at once.
    """
    known = column.drop_null().to_numpy()
    made = orjson.dumps(known, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    texts = made.split(",") if made else []
    for at in np.flatnonzero(~np.isfinite(known)).tolist():
        texts[at] = f'"{float(known[at])}"'
    where = np.cumsum(true(column.is_valid())) - 1
    return pa.array(texts, TEXT).take(pa.array(where, mask=true(column.is_null())))
