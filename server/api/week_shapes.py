"""What the routes about the weekly review take and give."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from kpis.review import pack
from server.api.shapes import Amount, Body, Time

Text = Annotated[str, Field(min_length=1, max_length=4_000)]
KpiId = Annotated[str, Field(max_length=40)]
Section = Literal[
    "promises", "scoreboard", "shape", "moved", "hurts", "money", "backlog", "wins", "decisions"
]


class Restated(BaseModel):
    """What a figure of a frozen week would be now."""

    value: float | str | None
    n: int
    definition_version: int
    reason: str
    """late records, another definition, or late records or changed SQL: `macros_hash` is another, or null."""


class WeekFigure(BaseModel):
    """A figure of a week."""

    id: str
    name: str
    value: float | str | None
    """Money is a decimal string."""
    unit: str
    n: int
    in_flight: int | None
    previous: float | str | None
    target: float | None
    owner: str | None
    definition_version: int
    sql_hash: str
    """SHA-256 of the statement that made it."""
    macros_hash: str | None
    """SHA-256 of the macros that the statement reads; null in a week that an earlier version froze."""
    comment: str | None
    better: str
    """up or down."""
    previous_n: int
    floor: int
    """With fewer than this the figure says little."""
    note: str
    restated: Restated | None


class Week(BaseModel):
    """A week of the review."""

    week: str
    state: str
    """draft or frozen."""
    zone: str
    frozen_at: Time | None = None
    frozen_by: str | None = None
    data_as_of: Time | None = None
    hash: str | None = None
    """It binds the week to the one that was frozen before; the audit has it too."""
    intact: bool | None = None
    """False: this week, or one that was frozen before it, was altered."""


class MoneyOfWeek(BaseModel):
    """Money in one currency; without one: units whose value is not known."""

    currency: str | None
    at_start: Amount
    came: Amount
    """What came at risk in the week, less what was closed without proof: the rest of the sum."""
    automatic: Amount
    people: Amount
    still_open: Amount
    units_at_start: int
    units_automatic: int
    units_people: int
    units_open: int


class OldCase(BaseModel):
    """An exception that was open at the end of the week."""

    case_id: str
    correlation_id: str
    flow: str
    step: str
    title: str
    opened_at: Time
    seconds: float


class Backlog(BaseModel):
    """What was open at the end of the week."""

    open: int
    inflow: int
    outflow: int
    expired: int
    ages: dict[str, int]
    backlog_days: float | None
    oldest: list[OldCase]


class Review(BaseModel):
    """What a week states beside its figures."""

    began: str | None
    """The first week with records."""
    compared: bool
    """Whether the week before is covered by records."""
    trends: dict[str, list[pack.WeekPoint]]
    shape: list[pack.ShapeOfWeek]
    moved: list[pack.Moved]
    """Figures off target or clearly moved, at most five, with what each flow and segment contributes."""
    hurts: list[pack.Hurt]
    money: list[MoneyOfWeek]
    backlog: Backlog


class Action(BaseModel):
    """An action: what somebody promised in a review."""

    id: str
    version: int
    week: str
    text: str
    owner: str
    due_on: date | None
    kpi: str | None
    """The figure that it should move."""
    state: str
    """open, done or dropped."""
    note: str | None
    created_by: str
    created_at: Time
    changed_by: str
    changed_at: Time


class Entry(BaseModel):
    """A win, a miss or a decision."""

    id: str
    week: str
    kind: str
    text: str
    why: str | None
    kpi: str | None
    actor: str
    written_at: Time


class ReviewNote(BaseModel):
    """The note on a section."""

    section: str
    text: str
    actor: str
    written_at: Time


class WeekInFull(Week):
    """A week with its review."""

    figures: list[WeekFigure]
    review: Review | None
    """None: the week was frozen by a version that kept figures only."""
    promises: list[Action]
    """Actions of earlier weeks that are open, or ended since this week began; overdue ones first."""
    actions: list[Action]
    """What was promised in this review."""
    entries: list[Entry]
    notes: list[ReviewNote]
    uncommented: list[str]
    """Figures that moved and have no comment: the week cannot be frozen yet."""


class Frozen(BaseModel):
    """That a week was frozen."""

    week: str
    hash: str


class CommentRequest(Body):
    """A comment on a figure."""

    kpi: KpiId
    text: Text


class Comment(CommentRequest):
    """The comment that counts."""

    week: str
    actor: str


class ActionRequest(Body):
    """What is promised, by whom, until when, and which figure it should move."""

    text: Text
    owner: Annotated[str, Field(min_length=1, max_length=200)]
    due_on: date | None = None
    kpi: KpiId | None = None


class ActionEnd(Body):
    """How an action ended; to drop it takes a reason."""

    state: Literal["done", "dropped"]
    note: Annotated[str | None, Field(max_length=4_000)] = None


class ActionReopened(Body):
    """Why an action is open again."""

    note: Annotated[str | None, Field(max_length=4_000)] = None


class EntryRequest(Body):
    """A win, a miss or a decision."""

    kind: Literal["win", "miss", "decision"]
    text: Text
    why: Annotated[str | None, Field(max_length=4_000)] = None
    kpi: KpiId | None = None


class EntryRemoved(BaseModel):
    """That an entry was removed."""

    week: str
    id: str


class NoteRequest(Body):
    """The note on a section; an empty text removes it."""

    section: Section
    text: Annotated[str, Field(max_length=4_000)]


class NoteWritten(NoteRequest):
    """The note that counts."""

    week: str
    actor: str
