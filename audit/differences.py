"""What stands in the store beside what the audit says: exceptions, and what people and tokens may do.

The chain proves that no entry was altered. A row that somebody changed behind the product has no entry at
all, so the rows are compared with the last entries about them. Each of both looks is one statement, so
nothing can change between what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from data.nouns import noun

if TYPE_CHECKING:
    from audit.trail import Entries

MOST: Final = 200
"""How many differences of each kind are named; how many there are is counted in any case."""
GIVING: Final = ("person added", "roles given", "first admin", "token added")
"""Verbs of entries that say which roles somebody has from then on."""
DISABLED: Final = "person disabled"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is other than the audit says, as a sentence, and whose it is."""

    text: str
    flow: str | None = None
    tenant: str | None = None
    is_access: bool = False
    """It is about a person or a token."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An exception as it stands in the store, and as the last entry about it says; see the statement."""

    case_id: str
    tenant: str | None
    flow: str | None
    state: str | None
    holder: str | None
    version: int | None
    seq: int | None
    recorded_state: str | None
    recorded_holder: str | None
    recorded_version: int | None
    total: int

    def text(self) -> str:
        """Return what differs, as a sentence."""
        if self.seq is None:
            return f"Exception {self.case_id} stands in the store, and no entry of the audit knows it."
        if self.state is None:
            return f"Exception {self.case_id} is missing: entry {self.seq} says {self.recorded_state}."
        pairs: list[tuple[str, object, object]] = [("state", self.state, self.recorded_state)]
        if self.recorded_version is not None:
            pairs += [
                ("holder", self.holder or "none", self.recorded_holder or "none"),
                ("version", self.version, self.recorded_version),
            ]
        found = [
            f"its {name} is {now}, entry {self.seq} says {then}" for name, now, then in pairs if now != then
        ]
        return f"Exception {self.case_id}: {'; '.join(found)}."


@dataclass(frozen=True, slots=True)
class HolderRow:
    """A person or a token with the roles in the store, and as the last entries about them say."""

    holder: str
    roles: list[str]
    recorded_roles: list[str]
    seq: int | None
    state: str | None
    last_change: str | None
    changed_by: int | None
    total: int

    def text(self) -> str:
        """Return what differs, as a sentence."""
        kind, _, name = self.holder.partition(":")
        found = []
        if self.roles != self.recorded_roles:
            says = (
                f"entry {self.seq} gave {_listed(self.recorded_roles)}" if self.seq else "no entry gave any"
            )
            found.append(f"the store has {_listed(self.roles)}, {says}")
        if (self.state == "disabled") != (self.last_change == DISABLED):
            by = (
                f"entry {self.changed_by} says {self.last_change}" if self.changed_by else "no entry says why"
            )
            found.append(f"the state is {self.state}, {by}")
        return f"{kind.capitalize()} {name}: {'; '.join(found)}."


def differences(store: Entries) -> tuple[Difference, ...]:
    """Return what is other than the audit says: exceptions first, then people and tokens.

    At most `MOST` of each kind are named; a last one says how many more there are.
    """
    cases = [_case_row(row) for row in store.query("audit/case_differences", {"limit": MOST})]
    found = [Difference(row.text(), row.flow, row.tenant) for row in cases]
    asked = {"limit": MOST, "gives": list(GIVING)}
    holders = [_holder_row(row) for row in store.query("audit/access_differences", asked)]
    found += [Difference(row.text(), is_access=True) for row in holders]
    left = sum(rows[0].total - len(rows) for rows in (cases, holders) if rows)
    return (*found, *([Difference(f"{left:,} more differ.")] if left else []))


def _listed(roles: list[str]) -> str:
    return ", ".join(roles) or "no role"


_case_row: Any = noun(CaseRow)
_holder_row: Any = noun(HolderRow)
