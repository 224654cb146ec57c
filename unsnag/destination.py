"""Where lines go: to a server at an address, or into a folder that the server of this machine follows.

The more particular name wins:

1. ``OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`` and ``..._TRACES_ENDPOINT``, each for its signal.
2. ``UNSNAG_URL``, the server, with ``UNSNAG_TOKEN``.
3. ``OTEL_EXPORTER_OTLP_ENDPOINT``, which every OpenTelemetry program on the machine reads.
4. No address: the spool folder.

The token goes to ``UNSNAG_URL`` only, and ``OTEL_EXPORTER_OTLP_HEADERS`` to the OTEL addresses only: each is
a secret between two parties.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from unsnag import folders
from unsnag.conventions import ENV_SERVER, ENV_SPOOL, ENV_TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATHS: Final = {"LOGS": "v1/logs", "TRACES": "v1/traces"}


class Endpoint(NamedTuple):
    """An address that takes one signal."""

    url: str
    headers: Mapping[str, str]


class Destination(NamedTuple):
    """Where the lines of a process go."""

    spool: str
    logs: Endpoint | None
    traces: Endpoint | None

    @property
    def mode(self) -> int:
        """What others may do in the folder, where it has to be made: nothing in the user's own."""
        return 0o700 if self.spool == folders.user_spool() else 0o777

    @property
    def is_remote(self) -> bool:
        """Say whether lines are sent to an address."""
        return self.logs is not None or self.traces is not None

    @property
    def url(self) -> str:
        """The address, for people."""
        endpoint = self.logs or self.traces
        return "" if endpoint is None else re.sub(r"/v1/(logs|traces)$", "", endpoint.url)

    @property
    def outbox(self) -> str:
        """The folder in which lines wait until they are sent: one for each user and address."""
        addresses = "\n".join(each.url for each in (self.logs, self.traces) if each)
        name = re.sub(r"[^\w.-]+", "-", self.url.partition("://")[2])[:60].strip("-.")
        mark = hashlib.sha256(addresses.encode("utf-8", "replace")).hexdigest()[:8]
        return os.path.join(self.spool, f"outbox{folders.user_mark()}", f"{name}-{mark}")  # noqa: PTH118


def read(spool: str | os.PathLike[str] | None, environment: Mapping[str, str] = os.environ) -> Destination:
    """Return where lines go; `spool` is what the script itself says."""
    chosen = spool or environment.get(ENV_SPOOL) or folders.default_spool(environment)
    folder = os.path.abspath(chosen)  # noqa: PTH100 - pathlib costs 10 ms of a script's start
    logs, traces = (_endpoint(signal, environment) for signal in _PATHS)
    return Destination(folder, logs or _beside(traces, "logs"), traces or _beside(logs, "traces"))


def _endpoint(signal: str, environment: Mapping[str, str]) -> Endpoint | None:
    if particular := environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "").strip():
        return Endpoint(particular, pairs(environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")))
    if server := environment.get(ENV_SERVER, "").strip():
        return Endpoint(f"{server.rstrip('/')}/{_PATHS[signal]}", bearer(environment.get(ENV_TOKEN)))
    if base := environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip():
        headers = pairs(environment.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
        return Endpoint(f"{base.rstrip('/')}/{_PATHS[signal]}", headers)
    return None


def _beside(other: Endpoint | None, signal: str) -> Endpoint | None:
    """Return the address of a signal beside that of the other one, if that one has the usual path."""
    base, found, _ = ("", "", "") if other is None else other.url.rpartition("/v1/")
    return Endpoint(f"{base}/v1/{signal}", other.headers) if other is not None and found else None


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token.strip()}"} if token and token.strip() else {}


def pairs(text: str) -> dict[str, str]:
    """Read ``key=value,key=value`` with values percent-encoded."""
    if not text:
        return {}
    from urllib.parse import unquote  # noqa: PLC0415 - 5 ms that most scripts never need

    split = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(key.strip()): unquote(value.strip()) for key, _, value in split if key.strip()}
