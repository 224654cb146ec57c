"""One hostile record of a MiB through the collectors and the client; secrets at any place of a long text."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import content
from collectors import plaintext, tracebacks, values
from tests.collectors import rows
from tests.patterns import hostile
from traces import fingerprint
from unsnag import classification, masking
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

SECRETS: Final = {
    "card": "4111 1111 1111 1111",
    "plain card": "4111111111111111",
    "email": "anna@example.com",
    "phone": "+49 170 1234567",
    "local phone": "(555) 123-4567",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh",
    "long jwt": f"eyJ{'a1B2' * 3000}.{'c3D4' * 9000}.{'e5F6' * 50}",
    "bearer": "Bearer abc123def456",
    "aws-key": "AKIAIOSFODNN7EXAMPLE",
    "token": "ghp_" + "a1B2" * 9,
    "long token": "ghp_" + "a1B2" * 50_000,
    "credentials": "https://bob:s3cret@host.example/x",
    "secret": "password=hunter2",
    "quoted secret": "api_key: '" + "no one may know " * 3000 + "'",
    "private-key": f"-----BEGIN PRIVATE KEY-----\n{'MIIE' * 40_000}\n-----END PRIVATE KEY-----",
}
HIDDEN: Final = {
    "bearer": "abc123def456",
    "credentials": "s3cret",
    "secret": "hunter2",
    "quoted secret": "no one",
}
"""What must not be left of a secret, where it is not the whole of it."""
FILLERS: Final = ("word ", "\n", "; ", "'x' ", "über 12 ", "eyJ ", "( ", "-- ", ". ")
LONG: Final = (
    "+1 ",
    " +" + "1" * 45,
    "eyJ-",
    "eyJaaaaaaaa.",
    "a@a.",
    "password='",
    "1111 ",
    "-----BEGIN PRIVATE KEY-----",
    " ",
    "://a:",
)
MASKING_LIMIT_S: Final = hostile.LIMIT_S * len(masking.RULES)
RECORD_LIMIT_S: Final = 2 * MASKING_LIMIT_S
"""A record's text is also parsed, measured and written; before, one took minutes."""


def is_soon(took: float, limit: float) -> bool:
    """Say whether a time is within its limit, or within as many plain searches where the machine is slow."""
    return took < limit or took < limit / hostile.LIMIT_S * hostile.pace(hostile.MIB)


def placed(filler: str, secret: str, offset: int) -> str:
    """Return a MiB of filler with the secret at about `offset`, between spaces."""
    text = filler * (hostile.MIB // len(filler))
    return f"{text[:offset].rstrip('(+')} {secret} {text[offset:]}"


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(sorted(SECRETS)),
    filler=st.sampled_from(FILLERS),
    offset=st.integers(0, hostile.MIB)
    | st.builds(
        lambda windows, shift: max(0, windows * masking.WINDOW + shift),
        st.integers(0, 5),
        st.integers(-70_000, 70_000),
    )
    | st.builds(
        lambda windows, shift: max(0, windows * masking.WINDOW + shift),
        st.integers(0, 5),
        st.integers(-60, 60),
    ),
)
def test_a_secret_at_any_place_of_a_long_text_is_masked(kind: str, filler: str, offset: int) -> None:
    masked = mask_text(placed(filler, SECRETS[kind], offset))
    assert HIDDEN.get(kind, SECRETS[kind]) not in masked
    assert masked.count("[masked: ") == 1
    assert len(masked) >= hostile.MIB - 2 * len(filler), "text around the secret was lost"


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("window", [1, 2])
def test_a_secret_across_a_windows_end_is_masked_as_in_a_short_text(kind: str, window: int) -> None:
    secret = SECRETS[kind]
    alone = mask_text(f"word {secret} word")
    for shift in sorted({0, 1, 2, len(secret) // 2, len(secret) - 1, len(secret)}):
        before = ("word " * masking.WINDOW)[: window * masking.WINDOW - shift - 1] + " "
        assert mask_text(f"{before}{secret} word") == before + alone.removeprefix("word ")


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*SECRETS.values(), *hostile.REPEATED, *FILLERS]), min_size=1, max_size=8))
def test_windows_mask_what_one_search_of_the_whole_text_masks(parts: list[str]) -> None:
    piece = "".join(parts)
    text = piece * (600_000 // len(piece) + 1)
    for rule in masking.RULES:
        assert masking._apply(rule, text) == rule.pattern.sub(rule.replace, text)


@pytest.mark.parametrize("unit", LONG)
def test_masking_a_mib_takes_what_its_rules_may_take(unit: str) -> None:
    text = unit * (hostile.MIB // len(unit))
    took = hostile.cost(mask_text, text, MASKING_LIMIT_S, times=3)
    assert is_soon(took, MASKING_LIMIT_S)


READERS: Final[dict[str, Callable[[str], Any]]] = {
    "plaintext.read": plaintext.read,
    "plaintext.continues": lambda text: plaintext.continues(text, ["x"]),
    "tracebacks.read": tracebacks.read,
    "tracebacks.read after its head": lambda text: tracebacks.read(
        f'{tracebacks.HEAD}\n  File "a", line 1, in f\n{text}'
    ),
    "values.iso_micros": lambda text: values.iso_micros(text, UTC),
    "fingerprint": lambda text: fingerprint.fingerprint(
        flow="f", step="s", error_type=text, message=text, stacktrace=text
    ),
    "title": lambda text: content.title(
        error_class="infrastructure", step="s", dependency=None, error_type=text, message=text
    ),
    "classify": lambda text: classification.classify(text, text),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_of_hostile_text_takes_no_longer_than_a_record_may(reader: str) -> None:
    for text in hostile.repeated(hostile.MIB // 4):
        took = hostile.cost(READERS[reader], text, RECORD_LIMIT_S / 4, times=3)
        assert is_soon(took, RECORD_LIMIT_S / 4), text[:50]
    for text in hostile.begun(hostile.MIB // 32):
        took = hostile.cost(READERS[reader], text, RECORD_LIMIT_S / 32, times=3)
        assert is_soon(took, RECORD_LIMIT_S / 32), text[:50]


@pytest.mark.parametrize("unit", LONG)
@pytest.mark.parametrize("field", ["event", "timestamp", "exception", "level"])
def test_a_hostile_record_through_the_collectors(field: str, unit: str) -> None:
    text = f"x{unit * (hostile.MIB // len(unit))}y"
    line = orjson.dumps({"event": "x", "level": "error", "timestamp": "2026-01-01T00:00:00Z"} | {field: text})
    took = hostile.cost(lambda _: rows.read(line).batch(), "", RECORD_LIMIT_S, times=3)
    assert is_soon(took, RECORD_LIMIT_S)


HOOKED: Final = """
    import logging, sys, time
    import unsnag
    unsnag.init(flow="f", service="s")
    logging.basicConfig(level="INFO", stream=sys.stderr)
    unit = {unit!r}
    text = unit * ((1 << 20) // len(unit))
    began = time.process_time()
    logging.getLogger("shop").warning("%s", text)
    unsnag.flush()
    print(time.process_time() - began)
"""


@pytest.mark.parametrize("unit", LONG)
def test_a_hostile_message_through_the_clients_hook(run_script: Callable[..., Ran], unit: str) -> None:
    ran = run_script(HOOKED.format(unit=unit))
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert any(log.get("logger") == "shop" for log in ran.logs)
    assert is_soon(float(ran.stdout.split()[-1]), RECORD_LIMIT_S)
