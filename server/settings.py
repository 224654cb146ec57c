"""Settings: command line, then environment, then the file named by --config, then defaults."""

from __future__ import annotations

import argparse
import ipaddress
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from collectors.settings import CollectorSettings
from data.errors import UnsnagError
from desk.lifecycle import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).parent.parent
_OPTIONS: Final = {
    "host": "address to listen on; without sign-in only this machine's own (default 127.0.0.1)",
    "port": "port to listen on (default 8501)",
    "data": "folder of the store (default data/var)",
    "spool": "folder that scripts write to (default data/var/spool)",
    "config": "TOML file with more settings",
}


class SettingsError(UnsnagError):
    """A setting is wrong."""


class DeskSettings(BaseModel):
    """The section [desk]: how long things may take."""

    model_config = ConfigDict(extra="forbid")

    claim_minutes: float = Field(20, gt=0)
    verify_minutes: float = Field(15, gt=0)
    retry_lease_seconds: int = Field(60, ge=5)
    retry_leases: int = Field(3, ge=1)

    def limits(self) -> Limits:
        """Return the limits as the desk's rules take them."""
        return Limits(
            claim_s=int(self.claim_minutes * 60),
            verify_s=int(self.verify_minutes * 60),
            retry_lease_s=self.retry_lease_seconds,
            retry_leases=self.retry_leases,
        )


class Settings(BaseModel):
    """All settings of the process."""

    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8501, ge=1, le=65535)
    data: Path = ROOT / "data" / "var"
    spool: Path = ROOT / "data" / "var" / "spool"
    zone: str = "UTC"
    desk: DeskSettings = DeskSettings()
    collectors: CollectorSettings = CollectorSettings()

    @field_validator("host")
    @classmethod
    def _only_this_machine(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError(
                f"{host} can be reached from other machines, and without sign-in anybody there could act. "
                "Use 127.0.0.1, and a tunnel to reach it from elsewhere."
            )
        return host

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone!r}: use a name such as Europe/Berlin") from error
        return zone


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine only."""
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
    given = vars(_parser().parse_args(arguments))
    chosen: dict[str, Any] = {
        name: given[name] or environment.get(f"UNSNAG_{name.upper()}") or None for name in _OPTIONS
    }
    config = chosen.pop("config")
    values = _file(Path(config)) if config else {}
    values |= {name: value for name, value in chosen.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_told(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="app.py", description="Start Unsnag.")
    for name, words in _OPTIONS.items():
        parser.add_argument(f"--{name}", help=f"{words}; also UNSNAG_{name.upper()}")
    return parser


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The config file {path} is not valid TOML: {error}.") from error


def _told(error: ValidationError) -> str:
    lines = [
        f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors()
    ]
    return "\n".join(["Some settings are wrong:", *lines])
