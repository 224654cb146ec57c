"""Settings: who wins, and what is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access.limits import Limits
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
        ("[cases]\nclaim_minutes = -1", "cases.claim_minutes"),
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
        (
            "[access.oidc]\nissuer = 'https://login.example.com'\nclient_id = 'u'\nnew_people = 'everybody'",
            "'everybody' is no role of people. Choose one of: viewer, operator, approver, admin",
        ),
        (
            "[access.oidc]\nissuer = 'https://login.example.com'\nclient_id = 'u'\nnew_people = 'sender'",
            "access.oidc.new_people: 'sender' is no role of people",
        ),
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


def test_a_variable_names_section_and_key(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsession_hours = 1\nidle_minutes = 7\n[cases]\nclaim_minutes = 3\n")
    environment = {
        "UNSNAG_CONFIG": str(config),
        "UNSNAG_ACCESS__SESSION_HOURS": "2",
        "UNSNAG_ACCESS__HOSTS": '["a.example", "b.example"]',
        "UNSNAG_COLLECTORS__OTLP__MAX_BODY_MB": "8",
        "UNSNAG_ZONE": "Europe/Berlin",
        "UNSNAG_TOKEN": "of the command line, no setting",
    }
    found = load([], environment)
    assert (found.access.session_hours, found.access.idle_minutes) == (2, 7)
    assert found.access.hosts == ["a.example", "b.example"]
    assert (found.collectors.otlp.max_body_mb, found.zone) == (8, "Europe/Berlin")
    assert found.cases.claim_minutes == 3


def test_secret_files_lie_between_environment_and_config_file(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    issuer = "issuer = 'https://login.example.com'\nclient_id = 'unsnag'"
    config.write_text(f"[access]\nsession_hours = 1\nidle_minutes = 1\n[access.oidc]\n{issuer}\n")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "UNSNAG_OIDC_CLIENT_SECRET").write_text("from a file\n")
    (secrets / "unsnag_access__session_hours").write_text("2")
    (secrets / "UNSNAG_ACCESS__IDLE_MINUTES").write_text("2")
    environment = {"UNSNAG_SECRETS": str(secrets), "UNSNAG_ACCESS__IDLE_MINUTES": "3"}
    access = load(["--config", str(config)], environment).access
    assert access.oidc is not None
    assert access.oidc.client_secret is not None
    assert access.oidc.client_secret.get_secret_value() == "from a file"
    assert (access.session_hours, access.idle_minutes) == (2, 3)
    named = environment | {"UNSNAG_OIDC_CLIENT_SECRET": "from the environment"}
    oidc = load(["--config", str(config)], named).access.oidc
    assert oidc is not None
    assert oidc.client_secret is not None
    assert oidc.client_secret.get_secret_value() == "from the environment"
    with pytest.raises(SettingsError, match="UNSNAG_SECRETS"):
        load([], {"UNSNAG_SECRETS": str(tmp_path / "none")})


def test_the_section_cases_may_be_called_desk_as_earlier_versions_did(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[desk]\nclaim_minutes = 3\n")
    assert load(["--config", str(config)], {}).cases.claim_minutes == 3
    config.write_text("[desk]\nclaim_minutes = -3\n")
    with pytest.raises(SettingsError, match=r"cases\.claim_minutes"):
        load(["--config", str(config)], {})
    config.write_text("[desk]\nclaim_minutes = 3\n[cases]\nclaim_minutes = 3\n")
    with pytest.raises(SettingsError, match="its old name"):
        load(["--config", str(config)], {})


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--port", "x"], {}, r"port: .*\(--port\)"),
        ([], {"UNSNAG_PORT": "x"}, r"port: .*\(UNSNAG_PORT\)"),
        (
            [],
            {"UNSNAG_ACCESS__SESSION_HOURS": "0"},
            r"access.session_hours: .*UNSNAG_ACCESS__SESS",
        ),
        ([], {"UNSNAG_ACCESS__PASSWORD": "x"}, r"access.password: .*\(UNSNAG_ACCESS__PASSWORD\)"),
        ([], {"UNSNAG_ACCES__HOSTS": "[]"}, "UNSNAG_ACCES__HOSTS names no section"),
        ([], {"UNSNAG_ACCESS__PROXIES": "[127"}, "UNSNAG_ACCESS__PROXIES cannot be read: a list .* JSON"),
        ([], {"UNSNAG_ACCESS__PROXIES": '["x"]'}, r"access.proxies: 'x' is no.*\(UNSNAG_ACCESS__PROXIES\)"),
        ([], {"UNSNAG_ACCESS": "x"}, "UNSNAG_ACCESS cannot be read"),
    ],
)
def test_the_source_of_a_wrong_setting_is_named(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        load(arguments, environment)


def test_the_file_of_a_wrong_setting_is_named_unless_the_environment_wins(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsession_hours = 0\n")
    environment = {"UNSNAG_CONFIG": str(config)}
    with pytest.raises(SettingsError, match=rf"access.session_hours: .*\(in {config}\)"):
        load([], environment)
    assert load([], environment | {"UNSNAG_ACCESS__SESSION_HOURS": "3"}).access.session_hours == 3


def test_every_time_of_the_section_cases_reaches_the_rules(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text(
        "[cases]\nclaim_minutes = 1\nverify_minutes = 2\nfixed_outside_days = 3\nuntaken_minutes = 4\n"
        "expire_days = 5\nretry_lease_seconds = 6\nretry_leases = 7\n"
    )
    day = 86_400
    assert load(["--config", str(config)], {}).cases.limits() == Limits(
        claim_s=60, verify_s=120, fixed_outside_s=3 * day, untaken_s=240, expire_s=5 * day,
        retry_lease_s=6, retry_leases=7,
    )  # fmt: skip
