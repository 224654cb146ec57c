"""Settings: who wins, and what is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.settings import SettingsError, is_loopback, load

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_line_wins_over_the_environment_over_the_file_over_defaults(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text('port = 1111\nzone = "Europe/Berlin"\n')
    environment = {"UNSNAG_CONFIG": str(config)}
    assert load([], {}).port == 8501
    assert load([], environment).port == 1111
    assert load([], environment | {"UNSNAG_PORT": "2222"}).port == 2222
    assert load(["--port", "3333"], environment | {"UNSNAG_PORT": "2222"}).port == 3333
    assert load([], environment).zone == "Europe/Berlin"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])  # noqa: S104 - for people
def test_without_sign_in_an_address_that_others_can_reach_is_refused(tmp_path: Path, host: str) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsign_in = false\n")
    assert not is_loopback(host)
    assert load(["--host", host], {}).host == host  # sign-in is on by itself
    with pytest.raises(SettingsError, match="anybody there could act"):
        load(["--host", host, "--config", str(config)], {})


def test_a_certificate_needs_its_key_and_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("no key")
    with pytest.raises(SettingsError, match="go together"):
        load(["--tls-key", str(key)], {})
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load(["--tls-cert", str(key), "--tls-key", str(key)], {})
    key.chmod(0o600)
    with pytest.raises(SettingsError, match="cannot be used"):
        load(["--tls-cert", str(key), "--tls-key", str(key)], {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machines_own_addresses_are_taken(host: str) -> None:
    assert load(["--host", host], {}).host == host


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "prot"),
        ("port = 'x'", "port"),
        ("port = 70000", "port"),
        ("zone = 'Mars/Olympus'", "no time zone"),
        ("[desk]\nclaim_minutes = -1", "desk.claim_minutes"),
        ("[access]\npublic_url = 'unsnag'", "access.public_url"),
        ("[access]\nsession_hours = 0", "access.session_hours"),
        ("[access]\npassword = 'x'", "access.password"),
        ("[access]\nproxies = ['proxy.example']", "access.proxies: 'proxy.example' is no address"),
        ("[access]\nhead_seconds = 0", "access.head_seconds"),
        ("[collectors.otlp]\nsender_share = 1.5", "collectors.otlp.sender_share"),
        ("[collectors.otlp]\nmax_receiving = 0", "collectors.otlp.max_receiving"),
        ("[collectors.otlp]\nmax_held_mb = 8", "max_held_mb = 8 is less than one body may have"),
        ("[access]\nbody_seconds = -1", "access.body_seconds"),
        ("[access]\nbody_bytes_per_second = 0", "access.body_bytes_per_second"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, words: str) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load(["--config", str(config)], {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(["--config", str(tmp_path / "none.toml")], {})
