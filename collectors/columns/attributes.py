"""The attributes of a group of records as flat columns: who owns each, its name, its value.

What is decided by name is decided once for each distinct name, of which a group has some dozens.
What is decided by value runs over the column in C++; Python sees only values that the glance picked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors import messages
from collectors.columns.glance import needing_python
from collectors.columns.texts import TEXT, as_text, dumped, dumped_numbers, lengths, replaced, true
from collectors.values import clean
from unsnag.masking import is_secret_key, mask_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from collectors.columns.texts import Places

_MOST_FLAGS: Final = 1 << 25
_LONG_NUMBER: Final = 10**12
"""A whole number from here on may be a card's."""


class Attributes:
    """The attributes of all owners: spans or resources."""

    def __init__(self, lists: pa.ListArray, shown_as: Callable[[str], str]) -> None:
        """Read attributes; `shown_as` says what is written in place of a name."""
        items = lists.flatten()
        encoded, value = items.field("key").dictionary_encode(), items.field("value")
        self.owners = len(lists)
        self.owner: Places = pc.list_parent_indices(lists).to_numpy()
        self.code: Places = encoded.indices.to_numpy()
        self.keys = [messages.string(key) for key in encoded.dictionary.to_pylist()]
        self._shown_as = [shown_as(key) for key in self.keys]
        self.strings = as_text(value.field("string"))
        self.ints, self.doubles, self.bools = (value.field(kind) for kind in ("int", "double", "bool"))
        self.kept = np.ones(len(items), bool)
        """False for those that have a column of their own."""
        self.odd = np.zeros(self.owners, bool)
        """Which owners must be read record by record."""
        self._refuse_containers()
        self._refuse_names_twice()

    def _refuse_containers(self) -> None:
        plain = (true(column.is_valid()) for column in (self.strings, self.ints, self.doubles, self.bools))
        self.refuse(np.flatnonzero(~np.logical_or.reduce([*plain])))

    def _refuse_names_twice(self) -> None:
        number = {name: at for at, name in enumerate(dict.fromkeys(self._shown_as))}
        names = np.array([number[name] for name in self._shown_as], np.int64)
        pairs = self.owner * max(len(number), 1) + (names[self.code] if len(names) else 0)
        if self.owners * len(number) < _MOST_FLAGS and _are_distinct(pairs, self.owners * len(number)):
            return
        pairs = np.sort(pairs)
        self.odd[pairs[1:][pairs[1:] == pairs[:-1]] // max(len(number), 1)] = True

    def refuse(self, at: Places) -> None:
        """Leave the owners of some attributes to the other path."""
        self.odd[self.owner[at]] = True

    def places(self, wanted: Iterable[str]) -> Places:
        """Return where attributes of these names are."""
        names = frozenset(wanted)
        hits = [self.code == code for code, key in enumerate(self.keys) if key in names]
        return np.flatnonzero(np.logical_or.reduce(hits)) if hits else np.zeros(0, np.int64)

    def values(self, at: Places) -> list[Any]:
        """Return some values as Python has them."""
        where = pa.array(at)
        made: list[Any] = self.strings.take(where).to_pylist()
        for column in (self.ints, self.doubles, self.bools):
            taken = column.take(where)
            for i in np.flatnonzero(true(taken.is_valid())).tolist():
                made[i] = clean(taken[i].as_py())
        return made

    def texts(self, at: Places) -> pa.Array:
        """Return values as texts; the owner of one that is none, or empty, is left to the other path."""
        found = self.strings.take(pa.array(at))
        self.refuse(at[lengths(found) == 0])
        return found

    def column(self, at: Places, values: pa.Array) -> pa.Array:
        """Return values of some attributes as one column of the owners. The last wins; null is nothing."""
        fits, where = np.flatnonzero(true(values.is_valid())), np.full(self.owners, -1)
        where[self.owner[at[fits]]] = fits
        return values.take(pa.array(where, mask=where < 0))

    def named(self, *wanted: str) -> list[pa.Array]:
        """Return a column of texts for each of these names that is there at all."""
        return [self.column(at, self.texts(at)) for name in wanted if len(at := self.places((name,)))]

    def json_members(self) -> pa.Array:
        """Return what has no column of its own as the members of JSON objects, masked, without the braces."""
        prefixes = pa.array([f"{dumped(name)}:" for name in self._shown_as], TEXT)
        kept = np.flatnonzero(self.kept)
        entries = pc.binary_join_element_wise(
            prefixes.take(pa.array(self.code[kept])), self._json_values().take(pa.array(kept)), ""
        )
        counts = np.bincount(self.owner[kept], minlength=self.owners)
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), entries), ",")

    def _json_values(self) -> pa.Array:
        secret = np.array([is_secret_key(key) for key in self.keys] or [False], bool)[self.code]
        is_text = true(self.strings.is_valid())
        rows = np.flatnonzero(self.kept & is_text & (needing_python(self.strings) | secret))
        texts = replaced(self.strings, rows, [item[1:-1] for item in self._masked_texts(rows)])
        numbers = (pc.cast(self.ints, TEXT), dumped_numbers(self.doubles), pc.cast(self.bools, TEXT))
        made = pc.coalesce(
            pc.binary_join_element_wise('"', texts, '"', ""),
            *(column for column in numbers if column.null_count < len(column)),
            "null",
        )
        odd = self.kept & ((secret & ~is_text) | true(pc.greater_equal(self.ints, _LONG_NUMBER)))
        rows = np.flatnonzero(odd)
        return replaced(made, rows, self._masked(rows))

    def _masked(self, at: Places) -> list[str]:
        """Return some values as JSON, masked by their names and by themselves."""
        pairs = zip(self.code[at].tolist(), self.values(at), strict=True)
        return [dumped(mask_value(self.keys[code], value)) for code, value in pairs]

    def _masked_texts(self, at: Places) -> list[str]:
        """Return some texts as JSON, masked; each distinct one is looked at once."""
        pairs = [*zip(self.code[at].tolist(), self.strings.take(pa.array(at)).to_pylist(), strict=True)]
        made = {pair: dumped(mask_value(self.keys[pair[0]], pair[1])) for pair in set(pairs)}
        return [made[pair] for pair in pairs]


def _are_distinct(pairs: Places, most: int) -> bool:
    """Say whether numbers below `most` are distinct: flags cost a tenth of sorting."""
    flags = np.zeros(most, bool)
    flags[pairs] = True
    return int(np.count_nonzero(flags)) == len(pairs)
