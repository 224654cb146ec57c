"""What can be set, and what is refused. `server.layers` says where settings come from."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import ssl
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from access.authority import SessionLimits
from access.limits import Limits
from collectors.settings import CollectorSettings
from data import witness
from data.secrets import SecretFileError, check_private
from server import layers
from server.digest import WEEKDAYS  # noqa: TC001 - pydantic reads it while it runs
from server.layers import SettingsError
from server.logs import LogSettings
from server.openid.settings import OidcSettings  # noqa: TC001 - pydantic reads it while it runs
from server.service_settings import ServiceSettings
from unsnag import folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_CLIENT_SECRET: Final = "UNSNAG_OIDC_CLIENT_SECRET"  # noqa: S105 - the variable's name
ROOT: Final = Path(__file__).parent.parent
_OPTIONS: Final = {
    "host": "address to listen on (default 127.0.0.1); any other than this machine's own asks for sign-in",
    "port": "port to listen on (default 8501)",
    "data": "folder of the store (default data/var)",
    "spool": "folder that scripts write to (default /var/spool/unsnag and your state folder, both)",
    "config": "TOML file with more settings",
    "tls-cert": "certificate (PEM, with its chain): serve https",
    "tls-key": "its private key; nobody else may read the file",
}


class CaseSettings(BaseModel):
    """The section [cases]: how long things may take."""

    model_config = ConfigDict(extra="forbid")

    claim_minutes: float = Field(20, gt=0)
    verify_minutes: float = Field(15, gt=0)
    fixed_outside_days: float = Field(3, gt=0)
    untaken_minutes: float = Field(15, gt=0)
    expire_days: float = Field(14, gt=0)
    retry_lease_seconds: int = Field(60, ge=5)
    retry_leases: int = Field(3, ge=1)

    def limits(self) -> Limits:
        """Return the limits as the rules of cases take them."""
        return Limits(
            claim_s=int(self.claim_minutes * 60),
            verify_s=int(self.verify_minutes * 60),
            fixed_outside_s=int(self.fixed_outside_days * 86_400),
            untaken_s=int(self.untaken_minutes * 60),
            expire_s=int(self.expire_days * 86_400),
            retry_lease_s=self.retry_lease_seconds,
            retry_leases=self.retry_leases,
        )


class AccessSettings(BaseModel):
    """The section [access]: who may sign in, and how."""

    model_config = ConfigDict(extra="forbid")

    sign_in: bool | None = None
    """None: needed on any address but this machine's own, and wherever people were added."""
    public_url: str | None = None
    hosts: list[str] = []
    proxies: list[str] = []
    connections: int = Field(2000, ge=10)
    head_seconds: float = Field(10, gt=0, le=600)
    body_seconds: float = Field(20, gt=0, le=3600)
    body_bytes_per_second: float = Field(500, gt=0)
    session_hours: float = Field(12, gt=0, le=24 * 30)
    idle_minutes: float = Field(120, gt=0)
    requests_per_second: float = Field(100, gt=0)
    oidc: OidcSettings | None = None

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url is not None and (
            parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")
        ):
            raise ValueError(f"{url!r} is no address such as https://unsnag.example.com")
        return url.rstrip("/") if url else None

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy if proxy != "*" else "::/0", strict=False)
            except ValueError as error:
                raise ValueError(f"{proxy!r} is no address, no network and not *") from error
        return proxies

    def limits(self) -> SessionLimits:
        """Return how long sessions last."""
        return SessionLimits(timedelta(hours=self.session_hours), timedelta(minutes=self.idle_minutes))


_CHECKPOINTS: Final = "audit-checkpoints.jsonl"


class AuditSettings(BaseModel):
    """The section [audit]: where its checkpoints go, and who signs them."""

    model_config = ConfigDict(extra="forbid")

    checkpoints: Path | None = None
    """None: audit-checkpoints.jsonl in the data folder."""
    second_folder: Path | None = None
    """Another folder to which checkpoints go as well."""
    checkpoint_seconds: float = Field(60, ge=1)
    signing_key: Path | None = None


class StoreSettings(BaseModel):
    """The section [store]: what stands beside the store's file."""

    model_config = ConfigDict(extra="forbid")

    witness: Path | None = None
    """None: unsnag.witness in the data folder."""
    reserve_mb: float = Field(256, ge=0)


class BackupSettings(BaseModel):
    """The section [backup]: where backups go, how often, and how many are kept."""

    model_config = ConfigDict(extra="forbid")

    folder: Path | None = None
    address: str | None = Field(None, pattern=r"^s3://[^/]+")
    """At an object store that speaks S3. None as well as `folder`: none are made by themselves."""
    endpoint: str | None = Field(None, pattern=r"^https?://")
    """Of the object store; None: Amazon's."""
    region: str | None = None
    access_key: str | None = None
    """None: the SDK's own environment variables and files hold the key."""
    secret_key: SecretStr | None = None
    every_hours: float = Field(24, gt=0)
    keep: int = Field(7, ge=1)
    before_upgrade: bool = True

    @model_validator(mode="after")
    def _goes_to_one_place(self) -> BackupSettings:
        if self.folder is not None and self.address is not None:
            raise ValueError("backup.folder and backup.address are two places: give one of them")
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("backup.access_key and its secret_key go together: give both or none")
        return self


class RetentionSettings(BaseModel):
    """The section [retention]: how long each class of data is kept. None: for ever."""

    model_config = ConfigDict(extra="forbid")

    logs_days: float | None = Field(None, ge=7)
    spans_days: float | None = Field(None, ge=7)
    payload_days: float | None = Field(None, ge=7)
    cases_days: float | None = Field(None, ge=7)
    quarantine_days: float | None = Field(None, ge=7)
    every_hours: float = Field(24, gt=0)
    approved_by: str | None = Field(None, max_length=100)
    approved_on: date | None = None


class FlowFolderSettings(BaseModel):
    """The section [flows]: where the settings of flows stand."""

    model_config = ConfigDict(extra="forbid")

    folder: Path | None = None
    """None: flows in the data folder."""


class DigestSettings(BaseModel):
    """The section [digest]: where the digest of a weekly review is sent, and when."""

    model_config = ConfigDict(extra="forbid")

    urls: Path | None = None
    """A file with addresses of apprise, one a line, for the server's user alone. None: none is sent."""
    weekday: Literal[*WEEKDAYS] = "monday"  # type: ignore[valid-type]
    at: str = Field("08:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    retry_minutes: float = Field(10, gt=0)
    tries: int = Field(6, ge=1, le=100)

    @property
    def time(self) -> time:
        """When it is sent, in the business zone."""
        return time.fromisoformat(self.at)


class Settings(ServiceSettings):
    """All settings of the process."""

    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8501, ge=1, le=65535)
    data: Path = ROOT / "data" / "var"
    spool: Path | None = None
    """None: `spools` says which folders are followed."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    cases: CaseSettings = CaseSettings()
    access: AccessSettings = AccessSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()
    store: StoreSettings = StoreSettings()
    backup: BackupSettings = BackupSettings()
    retention: RetentionSettings = RetentionSettings()
    flows: FlowFolderSettings = FlowFolderSettings()
    digest: DigestSettings = DigestSettings()
    collectors: CollectorSettings = CollectorSettings()

    @model_validator(mode="after")
    def _nobody_unknown_from_elsewhere(self) -> Settings:
        if self.access.sign_in is False and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, and with access.sign_in = false anybody "
                "there could act. Leave sign-in on, or use 127.0.0.1."
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("--tls-cert and --tls-key go together: give both or none")
        if self.tls_cert and self.tls_key:
            _check_tls(self.tls_cert, self.tls_key)
        return self

    @property
    def spools(self) -> list[Path]:
        """The folders that scripts of this machine write to; the first is made where it is not there."""
        if chosen := self.spool or self.collectors.spool:
            return [chosen]
        usual = [Path(folders.user_spool()), Path(folders.SHARED)]
        before = ROOT / "data" / "var" / "spool"  # where scripts in the working copy wrote up to 0.1
        return [*dict.fromkeys(usual), *([before] if before.is_dir() else [])]

    @property
    def scheme(self) -> str:
        """How this process itself speaks: http or https."""
        return "https" if self.tls_cert else "http"

    @property
    def is_secure(self) -> bool:
        """Return whether browsers come by https, here or at a proxy in front."""
        return self.scheme == "https" or (self.access.public_url or "").startswith("https:")

    @property
    def url(self) -> str:
        """The address that people use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = socket.gethostname() if self.host in ("0.0.0.0", "::") else host  # noqa: S104 - compared
        return self.access.public_url or f"{self.scheme}://{shown}:{self.port}"

    @property
    def checkpoints(self) -> Path:
        """The file of the audit's checkpoints."""
        return self.audit.checkpoints or self.data / _CHECKPOINTS

    @property
    def second_checkpoints(self) -> Path | None:
        """The second file of the audit's checkpoints."""
        return self.audit.second_folder / _CHECKPOINTS if self.audit.second_folder else None

    @property
    def only_beside_the_store(self) -> bool:
        """Whether who can change the store can change every checkpoint of it."""
        return self.second_checkpoints is None and self.checkpoints.parent == self.data

    @property
    def witness(self) -> Path:
        """The file that remembers the last commit outside the store."""
        return self.store.witness or self.data / witness.FILE_NAME

    @property
    def flow_folder(self) -> Path:
        """The folder of the settings of flows."""
        return self.flows.folder or self.data / "flows"

    @property
    def upgrades(self) -> Path | None:
        """The folder for backups that are made before an upgrade; None where none are made."""
        return (self.backup.folder or self.data / "backups") if self.backup.before_upgrade else None


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Put the settings together.

    Raises:
        SettingsError: a value is wrong or a key is unknown; the message names it.
    """
    return chosen(vars(parser().parse_args(arguments)), environment)


def chosen(given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Put the settings together from options that were read already; `server.layers` says who wins.

    Raises:
        SettingsError: a value is wrong or a key is unknown; the message names it and where it came from.
    """
    options = [name for option in _OPTIONS if (name := option.replace("-", "_")) != "config"]
    secrets, texts = layers.from_secret_files(Settings, environment.get(layers.SECRETS))
    sources = [
        layers.from_options(given, options),
        layers.from_environment(Settings, environment),
        secrets,
    ]
    if config := given.get("config") or environment.get("UNSNAG_CONFIG"):
        sources.append(layers.from_file(Path(config)))
        _refuse_secret(sources[-1].values)
    values = layers.merged(sources)
    _take_secret(values, environment.get(_CLIENT_SECRET) or texts.get(_CLIENT_SECRET))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(layers.explained(error, sources)) from error


def _refuse_secret(values: Mapping[str, Any]) -> None:
    if "client_secret" in (_openid(values) or ()):
        raise SettingsError(
            f"access.oidc.client_secret does not belong into the config file. Give it as {_CLIENT_SECRET}."
        )
    backup = values.get("backup")
    if isinstance(backup, dict) and "secret_key" in backup:
        raise SettingsError(
            "backup.secret_key does not belong into the config file. Give it as UNSNAG_BACKUP__SECRET_KEY."
        )


def _take_secret(values: Mapping[str, Any], secret: str | None) -> None:
    """Put the OpenID client's secret in its place, where there is an OpenID client."""
    oidc = _openid(values)
    if oidc is not None and secret:
        oidc["client_secret"] = secret


def _openid(values: Mapping[str, Any]) -> dict[str, Any] | None:
    access = values.get("access")
    oidc = access.get("oidc") if isinstance(access, dict) else None
    return oidc if isinstance(oidc, dict) else None


def parser() -> argparse.ArgumentParser:
    """Return the reader of the options that start the server."""
    made = argparse.ArgumentParser(prog="app.py", description="Start Unsnag.")
    add_options(made)
    return made


def add_options(to: argparse.ArgumentParser) -> None:
    """Add the options that say where the store is and how the server is reached."""
    for name, words in _OPTIONS.items():
        to.add_argument(f"--{name}", help=f"{words}; also UNSNAG_{name.upper().replace('-', '_')}")


def _check_tls(cert: Path, key: Path) -> None:
    try:
        check_private(key)
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    except SecretFileError as error:
        raise ValueError(str(error)) from error
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"the certificate {cert} and the key {key} cannot be used: {error}") from error
