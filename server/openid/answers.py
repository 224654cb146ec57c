"""What the browser brings back, and what a code that is refused means (RFC 6749)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from server.openid.comparing import equal
from server.openid.errors import ADMIN, AGAIN, LATER, OidcRefusedError, OidcUnavailableError

if TYPE_CHECKING:
    from data.errors import UnsnagError
    from server.openid.provider import Begun


def each_once(query: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the query as a mapping; refuse one that says anything twice."""
    if isinstance(query, Mapping):
        # A multi-dictionary is a mapping as well, which would show only the last of two.
        query = getattr(query, "multi_items", query.items)()
    pairs = list(query)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        raise OidcRefusedError(f"The provider's answer says something twice. {AGAIN}")
    return dict(pairs)


def check_state(begun: Begun, answer: Mapping[str, str]) -> None:
    """Refuse an answer to another sign-in than the one that was begun."""
    if not equal(answer.get("state", ""), begun.state):
        raise OidcRefusedError(f"This answer does not belong to the sign-in that was begun here. {AGAIN}")


_BUSY: Final = ("temporarily_unavailable", "server_error")
_DECLINED: Final = {
    "access_denied": "The sign-in was declined at the provider, by you or by a rule there. "
    "Try again, or ask an admin of the provider for access.",
    "login_required": "The provider wants you to sign in there first. Do so and try again.",
    "interaction_required": "The provider wants to ask you something first. Try again.",
    "account_selection_required": "The provider wants you to choose an account first. Try again.",
    "consent_required": "The provider wants your consent first. Try again.",
}
_MISCONFIGURED: Final = (
    "invalid_client", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type",
    "unsupported_response_type",
)  # fmt: skip


def code_of(answer: Mapping[str, str]) -> str:
    """Return the code of an answer.

    The provider's own description is not shown: the person who made the link can write it.

    Raises:
        OidcUnavailableError: the provider is busy or does not accept the request.
        OidcRefusedError: the provider did not sign the person in, or its answer has no code.
    """
    error = answer.get("error")
    if error in _BUSY:
        raise OidcUnavailableError(f"The provider is busy or out of order. {LATER}")
    if error in _MISCONFIGURED:
        raise OidcUnavailableError(
            f"The provider does not accept how it was asked ({error}): what is registered there and the "
            f"section [access.oidc] differ. {ADMIN}"
        )
    if error is not None:
        raise OidcRefusedError(_DECLINED.get(error, f"The provider did not sign you in. {AGAIN}"))
    if not answer.get("code"):
        raise OidcRefusedError(f"The provider's answer carries no code. {AGAIN}")
    return answer["code"]


def not_redeemed(status: int, answer: Mapping[str, Any] | None) -> UnsnagError:
    """Return what a refused code means."""
    error = (answer or {}).get("error")
    if error == "invalid_grant":
        return OidcRefusedError(f"This answer was used already, or came too late. {AGAIN}")
    if error in ("invalid_client", "unauthorized_client"):
        return OidcUnavailableError(
            "The provider does not know us: access.oidc.client_id or UNSNAG_OIDC_CLIENT_SECRET is wrong. "
            f"{ADMIN}"
        )
    reason = f"status {status}, {error}" if error in _MISCONFIGURED else f"status {status}"
    return OidcUnavailableError(f"The provider did not complete the sign-in ({reason}). {LATER}")
