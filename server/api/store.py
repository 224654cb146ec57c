"""Routes about the store itself: its last commit, and what is missing from it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from access.authority import OWNER
from data.clock import aware
from data.remote import is_remote
from server import backups, losses
from server.api import shapes
from server.api.callers import CallerContext, Context, Key
from server.api.problems import BadRequestError

if TYPE_CHECKING:
    from server.context import ServerContext

router = APIRouter(prefix="/api/v1/store", tags=["store"])


class StoreState(BaseModel):
    """The last commit of the store, and why it does not write, where it does not."""

    commit: int
    committed_at: datetime | None
    records: int
    acts: int
    missing_commits: int | None = Field(description="Acknowledged and gone; null where nothing is missing.")
    reasons: list[str]


class BackupBody(shapes.Body):
    """Where to make a backup."""

    folder: str | None = Field(
        None, max_length=1000, description="For commands on the server's machine; else the configured one."
    )


class MadeBackup(BaseModel):
    """A backup or an export that was made, read again and compared."""

    folder: str
    made_at: datetime
    commit: int
    rows: int
    bytes: int


class CopyState(BaseModel):
    """How far the export that runs is, or the backup that is sent; nulls while there is none."""

    what: str | None = Field(None, description="The table or file that was done last.")
    done: int | None = Field(None, description="Rows of an export, bytes of a backup.")
    total: int | None = None


class CheckedStore(BaseModel):
    """What is wrong with the store, as sentences."""

    problems: list[str]


class AcceptBody(shapes.Body):
    """Why to go on."""

    reason: str = Field(min_length=3, max_length=400)


class AcceptedLoss(BaseModel):
    """What was missing."""

    missing: str


@router.get("", response_model=StoreState)
def get_store_state(ctx: Context) -> Any:
    """Return the number of the last commit, and whether acknowledged commits are missing."""
    mark, loss = ctx.store.last_commit(), ctx.store.loss
    return StoreState(
        commit=mark.number,
        committed_at=aware(mark.time) if mark.number else None,
        records=mark.records,
        acts=mark.acts,
        missing_commits=loss.commits if loss else None,
        reasons=ctx.store.troubles(),
    )


@router.post("/accept", response_model=AcceptedLoss)
def accept_missing_commits(ctx: CallerContext, body: AcceptBody, key: Key) -> Any:
    """Go on without the acknowledged commits that are missing; for admins, recorded in the audit."""
    return AcceptedLoss(missing=losses.accept(ctx, body.reason, key))


@router.post("/backups", response_model=MadeBackup)
def make_backup(ctx: CallerContext, body: BackupBody | None = None) -> Any:
    """Copy the store as it is now to a folder of the server's machine, and compare the copy with it.

    Without a folder it goes where the settings say. For admins; recorded in the audit.
    """
    return _answer(backups.make(ctx, _destination(ctx, body.folder if body else None)))


@router.post("/exports", response_model=MadeBackup)
def export_store(ctx: CallerContext, body: BackupBody | None = None) -> Any:
    """Write all of the store as it is now as Parquet, with its schema, to a folder of the server's machine.

    Without a folder it goes where the settings say. For admins; recorded in the audit.
    """
    destination = _destination(ctx, body.folder if body else None)
    if is_remote(destination):
        raise BadRequestError("An export goes to a folder. Send its files to an object store from there.")
    return _answer(backups.export(ctx, destination))


@router.get("/exports", response_model=CopyState)
def get_export_state(ctx: CallerContext) -> Any:
    """Return how far the export that runs is, or the backup that is sent; for admins."""
    running = backups.progress(ctx)
    return running or CopyState()


def _answer(made: backups.Backup) -> MadeBackup:
    held = made.manifest
    return MadeBackup(
        folder=made.place,
        made_at=datetime.fromisoformat(held.made_at),
        commit=held.commit,
        rows=held.rows,
        bytes=held.bytes,
    )


@router.get("/check", response_model=CheckedStore)
def check_store(ctx: CallerContext) -> Any:
    """Read every row of the store and its whole audit, and return what is wrong; for admins."""
    return CheckedStore(problems=backups.check_store(ctx))


def _destination(ctx: ServerContext, folder: str | None) -> str:
    """Return where a backup goes.

    Raises:
        BadRequestError: no folder is set, or a caller from elsewhere names one.
    """
    if folder is None:
        place = ctx.settings.backup.address or ctx.settings.backup.folder
        if place is None:
            raise BadRequestError("No folder is set. Set backup.folder in the config file.")
        return str(place)
    if ctx.actor.credential != OWNER:
        raise BadRequestError(
            "Only a command on the server's machine may name a folder: `python app.py backup FOLDER` or "
            "`export FOLDER`."
        )
    return folder
