"""The table of who may do what. `docs/access.md` shows it, and a test walks every cell of it.

People climb a ladder: a viewer looks, an operator works the queue, an approver decides what an operator may
not, an admin says who is who. Services have roles of their own (sender, worker) and may be viewers or
operators; approving and saying who is who is for people. A role is given for everything, for one tenant,
for one flow, or for one flow of one tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
APPROVER: Final = "approver"
ADMIN: Final = "admin"
SENDER: Final = "sender"
WORKER: Final = "worker"

LADDER: Final = (VIEWER, OPERATOR, APPROVER, ADMIN)
SERVICE_ROLES: Final = (SENDER, WORKER, VIEWER, OPERATOR)
ANY: Final = "*"
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class ActRule:
    """What an act needs: one of `roles`, none of them for the system's own acts.

    If `whole`, the role must be given for everything.
    """

    name: str
    roles: frozenset[str]
    words: str
    whole: bool = False
    quiet: bool = False
    """Only what it changes is recorded, no intent and no decision."""


def _from(least: str, *others: str) -> frozenset[str]:
    return frozenset((*LADDER[LADDER.index(least) :], *others))


_RULES: Final = (
    ActRule("read", _from(VIEWER), "look at exceptions, units, traces, figures and sources", quiet=True),
    ActRule("case.claim", _from(OPERATOR), "claim an exception, or renew a claim"),
    ActRule("case.take_over", _from(OPERATOR), "take an exception over from its holder"),
    ActRule("case.ask", _from(OPERATOR), "ask the holder of an exception"),
    ActRule("case.release", _from(OPERATOR), "give a claimed exception back"),
    ActRule("case.retry", _from(OPERATOR), "ask for a retry"),
    ActRule("case.retry_unsafe", _from(APPROVER), "ask for a retry of a step that is not safe to replay"),
    ActRule("case.cancel_retry", _from(OPERATOR), "cancel a retry that no worker has taken"),
    ActRule("case.fixed_outside", _from(OPERATOR), "mark an exception as fixed outside"),
    ActRule("case.class", _from(OPERATOR), "name the class of an exception, also for its group"),
    ActRule("case.note", _from(OPERATOR), "write a note on an exception"),
    ActRule("case.snooze", _from(OPERATOR), "snooze an exception, or end its snooze"),
    ActRule("case.assign", _from(OPERATOR), "assign an exception to a person or a team"),
    ActRule("case.escalate", _from(OPERATOR), "escalate an exception to the next level, a person or a team"),
    ActRule("case.move", _from(OPERATOR), "move an exception to another group"),
    ActRule("group.merge", _from(OPERATOR), "merge groups, and end a merge", whole=True),
    ActRule("group.note", _from(OPERATOR), "write the note of a group, if the role reaches all of it"),
    ActRule("case.resolve", _from(OPERATOR), "close an exception with a reason"),
    ActRule("case.approve", _from(APPROVER), "approve what an automation asks"),
    ActRule("case.reject", _from(APPROVER), "reject what an automation asks, with a reason"),
    ActRule(
        "approval.read", _from(VIEWER, SENDER, WORKER), "ask what was decided about an approval", quiet=True
    ),
    ActRule("batch.freeze", _from(OPERATOR), "list what a batch would act on", quiet=True),
    ActRule("batch.run", _from(OPERATOR), "start, pause, resume and cancel a batch of acts"),
    ActRule("view.save", _from(VIEWER), "save, change and remove one's own views of the queue"),
    ActRule("view.share", _from(OPERATOR), "share views of the queue, change and remove shared ones"),
    ActRule("export", _from(VIEWER), "export the rows behind a figure"),
    ActRule("kpi.target", _from(APPROVER), "set the target and the owner of a figure", whole=True),
    ActRule("marker.set", _from(OPERATOR, SENDER), "mark a deploy or another change, and take a marker away"),
    ActRule("currency.rate", _from(OPERATOR), "set what a currency is worth", whole=True),
    ActRule("currency.report", _from(APPROVER), "choose the currency that money is reported in", whole=True),
    ActRule("week.comment", _from(OPERATOR), "comment on a figure of a week", whole=True),
    ActRule(
        "week.write",
        _from(OPERATOR),
        "write actions, decisions, wins, misses and notes of a week",
        whole=True,
    ),
    ActRule("week.freeze", _from(APPROVER), "freeze the figures of a week", whole=True),
    ActRule("quarantine.replay", _from(OPERATOR), "read a quarantined record again", whole=True),
    ActRule("quarantine.unmask", _from(APPROVER), "see a quarantined record unmasked", whole=True),
    ActRule("mapping.change", _from(APPROVER), "save, revert, switch off and apply a mapping", whole=True),
    ActRule("flow.settings", _from(APPROVER), "save the settings of a flow", whole=True),
    ActRule("audit.verify", _from(VIEWER), "check the audit's chain"),
    ActRule("audit.read", _from(APPROVER), "search the audit"),
    ActRule("audit.export", _from(APPROVER), "export the audit or an evidence pack"),
    ActRule("person.add", _from(ADMIN), "add a person", whole=True),
    ActRule("person.change", _from(ADMIN), "give roles, disable, enable, send a new link", whole=True),
    ActRule("token.change", _from(ADMIN), "add, rotate and revoke tokens", whole=True),
    ActRule("store.backup", _from(ADMIN), "make a backup, and read all of the store", whole=True),
    ActRule("store.restore", _from(ADMIN), "put a backup in the place of the store", whole=True),
    ActRule("store.purge", _from(ADMIN), "remove what is older than its policy says", whole=True),
    ActRule("store.hold", _from(APPROVER), "keep records of an ID or a flow from being removed", whole=True),
    ActRule(
        "store.accept", _from(ADMIN), "go on without commits that are missing from the store", whole=True
    ),
    ActRule("telemetry.send", frozenset((SENDER, WORKER)), "send telemetry", quiet=True),
    ActRule("retry.work", frozenset((WORKER,)), "lease retries and report how they went", quiet=True),
    ActRule("metrics", _from(VIEWER), "read the server's own figures", whole=True, quiet=True),
    ActRule("clock", frozenset(), "end what time ends: the system itself, nobody else", quiet=True),
)
ACTS: Final = {rule.name: rule for rule in _RULES}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role for a tenant and a flow; None: any."""

    role: str
    tenant: str | None = None
    flow: str | None = None

    @property
    def whole(self) -> bool:
        """Return whether it is given for everything."""
        return self.tenant is None and self.flow is None

    def covers(self, tenant: str | None, flow: str | None) -> bool:
        """Return whether something of this tenant and flow lies within it."""
        return self.tenant in (None, tenant) and self.flow in (None, flow)

    def __str__(self) -> str:
        """Return it as screens and the audit say it: `operator`, `viewer of acme/order-to-cash`."""
        return self.role if self.whole else f"{self.role} of {self.tenant or ANY}/{self.flow or ANY}"


EVERYTHING: Final = (Grant(ADMIN), Grant(SENDER), Grant(WORKER))
"""What everybody may in local mode."""


def granted_for(grants: Iterable[Grant], act: str) -> list[Grant]:
    """Return the grants whose role allows the act, on whatever they are given for."""
    return [grant for grant in grants if grant.role in ACTS[act].roles]


def granting(
    grants: Iterable[Grant], act: str, tenant: str | None = None, flow: str | None = None
) -> Grant | None:
    """Return the grant that allows an act on something of this tenant and flow, or None."""
    rule = ACTS[act]
    for grant in grants:
        if grant.role in rule.roles and (grant.whole if rule.whole else grant.covers(tenant, flow)):
            return grant
    return None


def anywhere(grants: Iterable[Grant], act: str) -> Grant | None:
    """Return a grant that allows the act on anything at all, or None."""
    rule = ACTS[act]
    fitting = (g for g in grants if g.role in rule.roles and (g.whole or not rule.whole))
    return next(fitting, None)


def scope(grants: Iterable[Grant], act: str = "read") -> tuple[str, ...] | None:
    """Return what the act reaches, as the store's statements take it; None: everything.

    Each text is tenant, U+001F, flow; `*` stands for any.
    """
    reached = granted_for(grants, act)
    if any(grant.whole for grant in reached):
        return None
    return tuple(f"{grant.tenant or ANY}{_SEPARATOR}{grant.flow or ANY}" for grant in reached)


def parts(place: str) -> tuple[str, str]:
    """Return tenant and flow of one text of a scope; `*` stands for any."""
    tenant, _, flow = place.partition(_SEPARATOR)
    return tenant, flow


def reaches(scope: Iterable[str] | None, tenant: str | None, flow: str) -> bool:
    """Return whether something lies within a scope, as the store's macro `in_scope` does."""
    if scope is None:
        return True
    places = {f"{ANY}{_SEPARATOR}{flow}"}
    if tenant is not None:
        places |= {f"{tenant}{_SEPARATOR}{ANY}", f"{tenant}{_SEPARATOR}{flow}"}
    return not places.isdisjoint(scope)
