"""What a provider says of itself (Discovery 1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from server.openid.addresses import is_safe
from server.openid.errors import ADMIN, OidcUnavailableError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Description(BaseModel):
    """What is read of the provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    code_challenge_methods_supported: list[str] = ["S256"]
    authorization_response_iss_parameter_supported: bool = False


def checked_description(found: Mapping[str, Any], issuer: str) -> Description:
    """Return the description; refuse one of somebody else, or one that would send us astray."""
    try:
        described = Description.model_validate(found)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise OidcUnavailableError(
            f"The provider's description of itself is incomplete: {wrong}. {ADMIN}"
        ) from None
    if described.issuer != issuer:
        raise OidcUnavailableError(
            f"The provider calls itself {shown(described.issuer)!r}, and access.oidc.issuer says "
            f"{shown(issuer)!r}. They must be equal to the last slash. {ADMIN}"
        )
    # A provider elsewhere must not point us at services of this machine.
    loopback = urlsplit(issuer).scheme == "http"
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe(getattr(described, name), loopback=loopback):
            raise OidcUnavailableError(f"The provider's {name} is not an https address. {ADMIN}")
    if "S256" not in described.code_challenge_methods_supported:
        raise OidcUnavailableError(f"The provider does not take PKCE with S256. {ADMIN}")
    return described
