"""Random tables of a store, from one number for each business ID: a failing world shrinks to few.

What is random obeys what the intake keeps true: a failure opens or repeats an exception, a success that
covers the failed part ends it, and nothing else happens at the same moment in one flow.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

FLOWS: Final = ("orders", "invoices", "claims")
CURRENCIES: Final = ("EUR", "EUR", "USD", "JPY")
CLASSES: Final = ("business", "data", "infrastructure")
CODES: Final = ("fixed_upstream", "data_corrected", "duplicate", "written_off")
STEPS: Final = ("check", "ship")
Tables = dict[str, list[dict[str, Any]]]


@dataclass
class Case:
    """An exception while its life is made up."""

    row: dict[str, Any]
    step: str
    number: int = 1
    is_open: bool = True
    claimed: bool = False
    verified: bool = False
    code: str | None = None
    opened: datetime | None = None
    triaged: datetime | None = None
    people: datetime | None = None
    dues: tuple[datetime | None, datetime | None] = (None, None)


@dataclass
class World:
    """Makes the tables around the edges of a few weeks."""

    edges: list[datetime]
    tables: Tables = field(default_factory=lambda: defaultdict(list))
    record: int = 0

    def add(self, seed: int) -> None:
        """Add a business ID in one or two tenants and one to three flows."""
        chance = random.Random(seed)
        name = f"SO-{len(self.tables['unit'])}"
        for tenant in chance.choice((("acme",), ("globex",), (None,), ("acme", "globex"), ("acme", None))):
            context = {
                "segment": chance.choice(("big", "small", None)),
                "business_unit": chance.choice(("north", None)),
                "customer": chance.choice(("c1", None, None)),
                **_money(chance),
            }
            flows = chance.sample(FLOWS, chance.choice((1, 1, 2, 3)))
            known = chance.randrange(len(flows))
            for place, flow in enumerate(flows):
                is_known = place == known or chance.random() < 0.5
                given = context if is_known else dict.fromkeys(context)
                of = {"correlation_id": name, "tenant": tenant, "flow": flow}
                Part(self, chance, of, context, place).live(given)

    def next_record(self) -> int:
        """Return a number that no record has."""
        self.record += 1
        return self.record


def _money(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.3:
        return {"value_amount": None, "value_currency": None}
    amount = Decimal(chance.randrange(1, 9_000_000)).scaleb(-4)
    return {"value_amount": amount, "value_currency": chance.choice(CURRENCIES)}


class Part:
    """One flow of a business ID: what happens in it, one thing after the other."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        of: dict[str, Any],
        context: dict[str, Any],
        place: int,
    ) -> None:
        self.world, self.chance, self.context = world, chance, context
        self.of = of
        self.trace = "/".join(map(str, of.values()))
        self.place = place
        self.cases: list[Case] = []
        self.signals: list[tuple[datetime, str]] = []
        self.errors: list[datetime] = []
        self.human: list[datetime] = []
        self.routings: list[dict[str, Any]] = []
        self.failed_attempts = 0
        self.recorded = self.now = world.edges[0]

    def live(self, given: dict[str, Any]) -> None:
        """Make up everything that happens, and write the rows."""
        times = self._times()
        opened = times[0]
        for self.now, after in pairwise([*times[1:], times[-1] + timedelta(hours=1)]):
            late = (after - self.now) / 2 if self.chance.random() < 0.3 else timedelta()
            self.recorded = self.now + late
            self._happen()
        self._attempts(opened)
        for case in self.cases:
            self._finish(case)
        self._unit(opened, given)

    def _times(self) -> list[datetime]:
        """Return distinct moments; some are exactly an edge of a week."""
        first, last = self.world.edges[0], self.world.edges[-1]
        minutes = int((last - first) / timedelta(minutes=1))
        clock = first + timedelta(minutes=self.chance.randrange(minutes), seconds=self.place)
        # Many end at about the same time: the busiest hour has to be one of the business zone.
        busy = self.world.edges[2] + timedelta(hours=30)
        found = [clock]
        for _ in range(self.chance.choice((0, 1, 1, 2, 3, 5, 9))):
            later = clock + timedelta(minutes=1 + int(self.chance.expovariate(1 / 1500)))
            if clock < busy and self.chance.random() < 0.3:
                later = busy + timedelta(minutes=self.chance.randrange(90), seconds=self.place)
            between = [edge for edge in self.world.edges if clock < edge < later]
            if between and self.place == 0 and self.chance.random() < 0.4:
                later = between[0]
            found.append(later)
            clock = later
        return found

    def _happen(self) -> None:
        still = [case for case in self.cases if case.is_open]
        chosen = self.chance.choice(still) if still else None
        events = [
            self._success,
            self._success,
            self._fail,
            self._fail,
            self._unproven,
            self._went_on,
            self._step,
        ]
        if chosen is not None and self.chance.random() < 0.6:
            acts = (self._act, self._act, self._act, self._resolve, self._expire, self._escalate)
            self.chance.choice(acts)(chosen)
        else:
            self.chance.choice(events)()

    def _signal(self, outcome: str, *, withdrawn: bool = False) -> None:
        row = {
            "trace_id": self.trace, "record_id": self.world.next_record(), **self.of, "time": self.now,
            "outcome": outcome, "part": self.chance.choice(("shop", None)), "final": True,
            "continues": False, "change": 1, "recorded_at": self.recorded,
        }  # fmt: skip
        self.world.tables["unit_signal"].append(row)
        if withdrawn:
            self.world.tables["unit_signal"].append({**row, "change": -1})
        else:
            self.signals.append((self.now, outcome))

    def _success(self) -> None:
        if self.chance.random() < 0.1:
            # Records that came later took it to another unit.
            self._signal("success", withdrawn=True)
            return
        self._signal("success")
        if self.chance.random() < 0.15:
            return  # the end of another part: it proves nothing that failed here
        for case in self.cases:
            if case.is_open:
                by = "person" if case.people else self.chance.choice(("automatic", "retry"))
                self._close(case, "recovered", by=by)
            elif case.code in ("fixed_upstream", "data_corrected") and not case.verified:
                case.verified = True
                case.row |= {"verified_at": self.now}
                self._episode(case, "verified")

    def _fail(self) -> None:
        self._signal("failed")
        self.errors.append(self.now)
        step = self.chance.choice(STEPS)
        known = next((case for case in self.cases if case.step == step and "note" not in case.row), None)
        if known is None:
            if self.chance.random() < 0.8:
                self._open(step)
        elif not known.is_open:
            self._reopen(known)

    def _unproven(self) -> None:
        self._signal("completed_unproven")
        self._open("look", note="needs a look", value_amount=None, value_currency=None)
        self.errors.append(self.now)

    def _went_on(self) -> None:
        outcome, note = self.chance.choice(
            (("completed_with_errors", "the script went on after this error"), ("partial", "partial"))
        )
        self._signal(outcome)
        self.errors.append(self.now)
        self._open(f"on {len(self.cases)}", note=note)

    def _step(self) -> None:
        if self.chance.random() < 0.3:
            self.human.append(self.now)
        else:
            mode = self.chance.choice(("manual", "auto", "automatic", "other"))
            self.routings.append({"stated_at": self.now, "mode": mode})
            if mode == "manual":
                self.human.append(self.now)

    def _open(self, step: str, **more: Any) -> None:
        if any(case.step == step and case.is_open for case in self.cases):
            return
        row = {
            "id": f"{self.trace}/{len(self.cases)}", **self.of, "version": 1, "severity": "medium",
            "class": self.chance.choice(CLASSES), "step": step, "title": "-", "message": "-",
            "fingerprint": "f", **_money(self.chance), "occurrences": 1, "attempts": 0,
            "opened_at": self.now, "first_seen": self.now, "last_seen": self.now, "updated_at": self.now,
            "segment": self.context["segment"], "business_unit": self.context["business_unit"], **more,
        }  # fmt: skip
        case = Case(row, step, opened=self.now)
        self.cases.append(case)
        self._begin(case)

    def _reopen(self, case: Case) -> None:
        case.number += 1
        case.is_open, case.verified, case.claimed, case.code = True, False, False, None
        case.opened, case.triaged, case.people = self.now, None, None
        gone = ("resolved_at", "verified_at", "resolution_code", "recovered_by", "people_at")
        case.row |= dict.fromkeys(gone)
        self._begin(case)

    def _begin(self, case: Case) -> None:
        self._episode(case, "opened")
        triage = self.now + timedelta(hours=self.chance.randrange(1, 90))
        due = triage + timedelta(hours=self.chance.randrange(0, 90))
        case.dues = (triage, due) if self.chance.random() < 0.8 else (None, due)

    def _episode(self, case: Case, change: str, how: str | None = None, by: str | None = None) -> None:
        triage, due = case.dues
        closing = {} if change != "closed" else {
            "how": how, "code": case.code, "recovered_by": by, "people_at": case.people,
            "triaged_at": case.triaged, "triage_due_at": triage, "due_at": due,
        }  # fmt: skip
        self.world.tables["case_episode"].append({
            "case_id": case.row["id"], "episode": case.number, "change": change, "time": self.now,
            "rule": "2", "recorded_at": self.recorded, **closing,
        })  # fmt: skip

    def _close(self, case: Case, how: str, by: str | None = None) -> None:
        case.is_open = False
        case.verified = how == "recovered"
        case.row |= {
            "resolved_at": self.now, "verified_at": self.now if case.verified else None,
            "recovered_by": by, "resolution_code": case.code,
        }  # fmt: skip
        self._episode(case, "closed", how, by)
        if how != "resolved":
            self._entry(case, how, "system", how)

    def _entry(self, case: Case, verb: str, kind: str, state: str | None, **more: Any) -> None:
        self.world.tables["audit"].append({
            "time": self.now, "actor": "ann", "actor_type": kind, "kind": "effect", "verb": verb,
            "case_id": case.row["id"], "to_state": state, "details": json.dumps(more),
        })  # fmt: skip

    def _act(self, case: Case) -> None:
        if not case.claimed and self.chance.random() < 0.6:
            case.claimed = True
            self._entry(case, "claimed", "human", "claimed")
        else:
            verb, state = self.chance.choice((
                ("retried", "retrying"), ("fixed_outside", "verifying"), ("noted", None),
                ("released", "open"), ("edited", "claimed"), ("renewed", "claimed"),
                ("retried by a service", "retrying"),
            ))  # fmt: skip
            is_service = verb == "retried by a service"
            if verb in ("released", "edited", "renewed") and not case.claimed:
                return
            case.claimed = state == "claimed"
            self._entry(case, verb.split()[0], "service" if is_service else "human", state)
            if verb in ("noted", "released", "renewed") or is_service:
                return
            if verb in ("retried", "fixed_outside", "edited"):
                case.people = self.now
        case.triaged = case.triaged or self.now

    def _resolve(self, case: Case) -> None:
        case.code = self.chance.choice(CODES)
        case.triaged = case.triaged or self.now
        if case.code in ("fixed_upstream", "data_corrected"):
            case.people = self.now
        self._entry(case, "resolved", "human", "resolved", code=case.code)
        self._close(case, "resolved")

    def _expire(self, case: Case) -> None:
        self._close(case, "expired")

    def _escalate(self, case: Case) -> None:
        self._entry(case, "escalated", self.chance.choice(("human", "system")), None)

    def _attempts(self, opened: datetime) -> None:
        for step in STEPS[: self.chance.choice((0, 1, 2))]:
            clock, dependency = opened, self.chance.choice(("gateway", None))
            tries = self.chance.choice((1, 1, 2, 3))
            for number in range(1, tries + 1):
                ended = clock + timedelta(seconds=self.chance.randrange(1, 90_000))
                is_error = number < tries or self.chance.random() < 0.2
                self.world.tables["attempt"].append({
                    "record_id": self.world.next_record(), "correlation_id": self.of["correlation_id"],
                    "flow": self.of["flow"], "step": step, "attempt": number, "trace_id": self.trace,
                    "started_at": clock + (ended - clock) / 2, "ended_at": ended,
                    "outcome": "error" if is_error else "ok",
                    "error_class": self.chance.choice(CLASSES) if is_error else None,
                    "dependency": dependency if is_error else None,
                    "retry_id": "R" if number > 1 and self.chance.random() < 0.3 else None,
                })  # fmt: skip
                if is_error:
                    self.errors.append(ended)
                    self.failed_attempts += 1
                clock = ended

    def _finish(self, case: Case) -> None:
        last = next(one for one in reversed(self.world.tables["case_episode"])
                    if one["case_id"] == case.row["id"] and one["change"] != "verified")  # fmt: skip
        triage, due = case.dues
        state = "claimed" if case.claimed else "open"
        self.world.tables["exception_case"].append({
            **case.row, "state": state if case.is_open else last["how"], "episodes": case.number,
            "people_at": case.people, "triaged_at": case.triaged, "triage_due_at": triage, "due_at": due,
        })  # fmt: skip

    def _unit(self, opened: datetime, given: dict[str, Any]) -> None:
        good = [time for time, how in self.signals if how in ("success", "completed_unproven")]
        bad = [time for time, how in self.signals if how not in ("success", "completed_unproven")]
        self.world.tables["unit"].append({
            **self.of, **given, "opened_at": opened, "first_seen": opened, "last_seen": self.now,
            "outcome": max(self.signals, default=(None, None))[1],
            "completed_at": max(good, default=None), "first_completed_at": min(good, default=None),
            "failed_at": max(bad, default=None), "first_failed_at": min(bad, default=None),
            "first_error_at": min(self.errors, default=None), "errors": 0, "attempts": 0,
            "failed_attempts": self.failed_attempts, "human_times": sorted(self.human) or None,
            "human_at": min(self.human, default=None), "routings": self.routings or None,
        })  # fmt: skip
        self.world.tables["unit_trace"].append({
            **self.of, "trace_id": self.trace, "first_seen": opened, "last_seen": self.now, "joined": False,
        })  # fmt: skip


def tables(seeds: list[int], edges: list[datetime], order: int) -> Tables:
    """Return the rows of each table, in a random order."""
    world = World(edges)
    for seed in seeds:
        world.add(seed)
    found = dict(world.tables)
    entries = sorted(found.get("audit", []), key=lambda one: (one["time"], one["case_id"]))
    found["audit"] = [{"seq": number, **one} for number, one in enumerate(entries, 1)]
    shuffled = random.Random(order)
    for rows in found.values():
        shuffled.shuffle(rows)
    return found
