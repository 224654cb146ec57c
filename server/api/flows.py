"""Routes about flows: what is known of each, and its settings with their versions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path

from data import paging
from data.nouns import shallow
from flows import kept, lint, proposal, seen
from server import flow_files, flow_views
from server.api import flow_shapes, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import Paging, page

if TYPE_CHECKING:
    from flows.seen import SeenFlow

router = APIRouter(prefix="/api/v1", tags=["flows"])

Name = Annotated[str, Path(min_length=1, max_length=kept.MOST_NAME)]


@router.get("/flows", response_model=shapes.Listed[flow_shapes.Flow])
def list_flows(ctx: Context, asked: Paging) -> Any:
    """List the flows seen in telemetry or with settings: critical ones first, then by open exceptions."""
    found = paging.cut(flow_views.listed(ctx), asked.wanted, seen.place)
    return asked.page(found, [_shown(one) for one in found.items])


@router.post("/flows/lint", response_model=flow_shapes.FlowLint)
def lint_flow_settings(body: flow_shapes.FlowLintRequest, _ctx: Context) -> Any:
    """Return what is wrong with the text of a settings file, line by line. Nothing is saved."""
    found = lint.lint(body.text, body.flow)
    return shallow(found) | {"flow": found.settings.flow if found.settings else None}


@router.get("/flows/{name:path}/settings/versions", response_model=shapes.Listed[flow_shapes.FlowVersion])
def list_flow_versions(name: Name, ctx: Context) -> Any:
    """List the versions of the settings of a flow, the newest first."""
    flow_views.of_name(ctx, name)
    found = kept.versions(ctx.reading, name)
    return page(len(found), found)


@router.get("/flows/{name:path}/settings/proposal", response_model=flow_shapes.FlowProposal)
def propose_flow_settings(name: Name, ctx: Context) -> Any:
    """Return settings made from what was observed of a flow. Nothing is saved."""
    flow_views.of_name(ctx, name)
    return {"flow": name, "text": proposal.propose(ctx.reading, name, ctx.actor.name)}


@router.get("/flows/{name:path}/settings", response_model=flow_shapes.FlowSettingsText)
def get_flow_settings(name: Name, ctx: Context) -> Any:
    """Return the settings of a flow as text, with the version to name in a change."""
    found = flow_views.of_name(ctx, name)
    text = found.version.text if found.version else None
    known = shallow(found.version) if found.version else {"version": 0, "author": None, "saved_at": None}
    shown = {"flow": name, "text": text, "file": found.file, "faults": found.faults}
    return known | shown | {"notes": lint.lint(text, kept=True).notes if text else []}


@router.put("/flows/{name:path}/settings", response_model=flow_shapes.FlowChanged)
def save_flow_settings(name: Name, body: flow_shapes.FlowChange, ctx: CallerContext, key: Key) -> Any:
    """Save the settings of a flow as a new version, and write its file."""
    return flow_files.save(ctx, name, body.text, body.expected, body.note, key=key)


@router.get("/flows/{name:path}", response_model=flow_shapes.FlowDetail)
def get_flow(name: Name, ctx: Context) -> Any:
    """Return a flow with what its settings say."""
    found = flow_views.of_name(ctx, name)
    text = found.version.text if found.version else None
    settings = found.settings.model_dump(mode="json", by_alias=True) if found.settings else None
    return _shown(found) | {"settings": settings, "notes": lint.lint(text, kept=True).notes if text else []}


def _shown(one: SeenFlow) -> dict[str, Any]:
    """Return a flow as REST gives it."""
    return {
        **shallow(one.arrived),
        **shallow(one, ("name", "state", "file", "touchless", "completed", "open_exceptions")),
        **shallow(one, ("owner", "contact", "criticality", "faults")),
        "at_risk": [asdict(money) for money in one.at_risk],
        "version": one.version.version if one.version else None,
    }
