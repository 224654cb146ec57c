"""What the routes about flows take and give."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from flows import kept
from server.api.shapes import Amount, Body, Time


class FlowFault(BaseModel):
    """What is wrong at a line of a settings file, or has no effect there."""

    line: int
    what: str
    advice: str


class FlowMoney(BaseModel):
    """Money at risk in one currency."""

    currency: str
    amount: Amount
    n: int


class Flow(BaseModel):
    """A flow that was seen in telemetry or has settings."""

    name: str
    state: Literal["valid", "refused", "none"] = Field(
        description="Of its settings. Refused: its file is broken, and the last good version counts."
    )
    owner: str | None
    contact: str | None
    criticality: Literal["critical", "high", "medium", "low"] | None
    units: int
    first_at: Time | None
    last_at: Time | None = Field(description="When something happened last.")
    touchless: float | None = Field(description="Percent of the units completed in the last 28 days.")
    completed: int = Field(description="Units completed in the last 28 days.")
    open_exceptions: int
    at_risk: list[FlowMoney]
    version: int | None = Field(description="The latest version of its settings.")
    file: str | None
    faults: list[FlowFault] = Field(description="Why its file is refused.")


class FlowDetail(Flow):
    """A flow with what its settings say."""

    settings: dict[str, Any] | None = Field(description="As they count; durations are seconds.")
    notes: list[FlowFault] = Field(
        description="Keys of a version that an earlier program took and that have no effect."
    )


class FlowSettingsText(BaseModel):
    """The settings of a flow as text."""

    flow: str
    version: int = Field(description="Give it as `expected` with the next change; 0: there are none yet.")
    text: str | None = Field(description="YAML; null: there are none.")
    file: str | None
    author: str | None
    saved_at: Time | None
    faults: list[FlowFault] = Field(description="Why the file on the disk is refused.")
    notes: list[FlowFault]


class FlowVersion(BaseModel):
    """A version of the settings of a flow; never changed."""

    flow: str
    version: int
    text: str | None
    file: str
    author: str = Field(description="A person, or `file`: it was changed on the disk.")
    saved_at: Time
    note: str | None


class FlowChange(Body):
    """New settings."""

    text: str = Field(max_length=300_000, description="YAML.")
    expected: int = Field(
        ge=0, le=10**9, description="The version that you saw: 409 if there is a newer one."
    )
    note: str | None = Field(None, max_length=kept.MOST_NOTE)


class FlowChanged(BaseModel):
    """What a change led to."""

    flow: str
    version: int
    file: str


class FlowLintRequest(Body):
    """A text to look at."""

    text: str = Field(max_length=300_000, description="YAML.")
    flow: str | None = Field(None, max_length=kept.MOST_NAME, description="The flow that it must name.")


class FlowLint(BaseModel):
    """What is wrong with a text, and what of it has no effect yet."""

    flow: str | None
    faults: list[FlowFault]
    notes: list[FlowFault]


class FlowProposal(BaseModel):
    """Settings made from what was observed; nothing is saved."""

    flow: str
    text: str
