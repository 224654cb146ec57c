from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import otlp_json
from tests.client import mask_forms
from unsnag import glance, masking
from unsnag.encoding import encode
from unsnag.masking import mask_text, mask_value

MASKED = [
    ("card 4111 1111 1111 1111 charged", "card [masked: card] charged"),
    ("4111111111111111", "[masked: card]"),
    ("5555-5555-5555-4444", "[masked: card]"),
    ("amex 3782 822463 10005.", "amex [masked: card]."),
    ("mail anna.berg+x@example.co.uk!", "mail [masked: email]!"),
    ("<jörg@müller.example>", "<[masked: email]>"),
    ("call +49 170 1234567 now", "call [masked: phone] now"),
    ("+1 (555) 123-4567", "[masked: phone]"),
    ("(555) 123-4567", "[masked: phone]"),
    ("fax 212-555-0187", "fax [masked: phone]"),
    ("Tel. 030/12345678", "Tel. [masked: phone]"),
    ("+491701234567", "[masked: phone]"),
    ("Authorization: Bearer abc123def456", "Authorization: [masked: secret] [masked: token]"),
    ("sent Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def", "sent Bearer [masked: jwt]"),
    ("sent unsnag_0123456789ab_" + "aB3-_" * 8 + " to it", "sent [masked: token] to it"),
    ("password=hunter2&x=1", "password=[masked: secret]&x=1"),
    ("DB_PASSWORD: 'p w'", "DB_PASSWORD: [masked: secret]"),
    ('{"api_key": "abc"}', '{"api_key": [masked: secret]}'),
    ("https://bob:s3cret@host.example/x", "https://[masked: credentials]@host.example/x"),
    ("AKIAIOSFODNN7EXAMPLE", "[masked: aws-key]"),
    ("to DE89 3704 0044 0532 0130 00 today", "to [masked: iban] today"),
    ("to DE89370400440532013000 4111111111111111", "to [masked: iban] [masked: card]"),
    ("ASIAIOSFODNN7EXAMPLE", "[masked: aws-key]"),
    ("tel: 1234567890", "tel: [masked: phone]"),
    ("Cookie: a=b; c=d", "Cookie: [masked: secret]"),
    ("restore --password hunter2 --fast", "restore --password [masked: secret] --fast"),
    ("mysql -u root -phunter2 shop", "mysql -u root -p[masked: secret] shop"),
    ("amqp://bob:p@ss@mq/", "amqp://[masked: credentials]@mq/"),
    ('{"a": "{\\"password\\": \\"x\\"}"}', '{"a": "{\\"password\\": [masked: secret]}"}'),
    ("cpf 529.982.247-25", "cpf [masked: national-id]"),
    ("ghp_" + "a1B2" * 9, "[masked: token]"),
    ("sk-proj-" + "a1B2" * 9, "[masked: token]"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", "[masked: private-key] x"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE cut", "[masked: private-key]"),
]

CLEAN = [
    "order SO-2026-0001001 accepted",
    "order 20261122-000123 at 2026-11-22 10:22:33.123456",
    "2026-11-22T10:22:33.123456+01:00",
    "DE89 3704 0044 0532 0130 01",  # the check digits are wrong
    "GB29NWBK60161331926818",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "0af7651916cd43dd8448eb211c80319c",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "1732270000000000000 ns",
    "1732270000123",
    "4111111111111112",  # the check digit is wrong
    "SO-1001 1002 1003 1004",
    "10.123.45.67:8501 answered in 0.123456789 s",
    "192.168.100.200",
    "tokens=512, max_tokens: 4096",
    "Basic information failed",
    "bearer authentication failed",
    "item 1234-5678-9012 of 99",
    "amount 1234567890.12",
    "https://host.example:8080/path@v2",
    "+12 points",
    "part 555-123-4567",  # no exchange begins with 1
    "PO 0012345678901",
    "",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_what_must_not_be_shown_is_masked(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("password", "x", "[masked: secret]"),
        ("db.Password", 1234, "[masked: secret]"),
        ("x-api-key", "k", "[masked: secret]"),
        ("refresh_token", "t", "[masked: secret]"),
        ("set-cookie", "a=b", "[masked: secret]"),
        ("password", "", ""),
        ("password", None, None),
        ("has_password", True, True),
        ("max_tokens", 512, 512),
        ("unsnag.idempotency_key", "a" * 32, "a" * 32),
        ("n", 4111111111111111, "[masked: card]"),
        ("n", 4111111111111112, 4111111111111112),
        (
            "credentials",
            {"user": "bob", "note": "n"},
            {"user": "[masked: secret]", "note": "[masked: secret]"},
        ),
        (
            "mails",
            ["a@b.example", ("x", {"m": "c@d.example"})],
            ["[masked: email]", ["x", {"m": "[masked: email]"}]],
        ),
        ("by_mail", {"a@b.example": 1}, {"[masked: email]": 1}),
        ("header", {"name": "password", "value": "x"}, {"name": "password", "value": "[masked: secret]"}),
    ],
)
def test_a_fields_name_can_give_it_away(key: str, value: Any, expected: Any) -> None:
    assert mask_value(key, value) == expected
    assert mask_value(key, expected) == expected


def test_nesting_without_end_is_cut() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert masking.TOO_DEEP in json.dumps(mask_value("x", endless))


@pytest.mark.parametrize("form", mask_forms.FORMS, ids=lambda form: form.name)
def test_each_form_of_the_table_is_caught_or_not_as_it_says(form: mask_forms.Form) -> None:
    assert form.secret in form.text
    assert form.leaks() != form.is_caught
    assert glance.suspicious(form.text.encode()) or not form.is_caught


@pytest.mark.parametrize("text", mask_forms.KEPT)
def test_ids_and_numbers_of_orders_are_never_touched(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize("number", ["4111111111111111", 4111111111111111, "5555555555554444"])
def test_a_field_that_names_an_order_holds_no_card(number: str | int) -> None:
    for key in ("order_id", "invoice.number", "unsnag.correlation_id", "orderNo"):
        assert mask_value(key, number) == number
    assert mask_value("payment", number) == "[masked: card]"


def test_the_documents_table_is_the_one_that_was_tried() -> None:
    assert mask_forms.table() in mask_forms.PAGE.read_text(encoding="utf-8")


SECRETS = st.sampled_from(
    [
        "4111 1111 1111 1111",
        "4111111111111111",
        "378282246310005",
        "anna@example.com",
        "+49 170 1234567",
        "AKIAIOSFODNN7EXAMPLE",
        "password=hunter2",
        "ghp_" + "a1B2" * 9,
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "whsec_" + "a1B2" * 9,
        "--password hunter2",
        "1-800-555-0199",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh",
    ]
)
ROUGH = st.text(alphabet=st.sampled_from("ab01459-. +@:/=_([])\n\"'Tmasked tokenBearer eyJ"), max_size=60)


@given(st.text() | ROUGH)
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


NUMBERS = st.text(alphabet=st.sampled_from("0001234567899-. +()/"), max_size=40)
SHAPES = st.lists(
    st.sampled_from(
        ["+", "(", ")", "-", ".", " ", "/", "0", "+49", "212", "555", "0187", "4111", "378282", "a"]
    ),
    max_size=14,
).map("".join)


WORDS = st.lists(
    st.sampled_from(
        ["pass", "p-ass", "word", "pwd", "se", "cret", "secret=", "auth", "orization:", "cvv", "c_v", "key",
         "=x", ": ", "GOCSPX-", "sig=", "&", "ghp_", "glpat-", "xoxb-", "AKIA", "ASIA", "AIza", "eyJ", "npm_",
         "unsnag_0123456789ab_", "whsec_", "sk-", "a1B2c3D4e5F6g7H8i9J0", "A" * 16, "Bearer ", "basic ",
         "tel ", "fax: ", "mobile ", "ssn ", "-", " ", "/", '"', "089", "1234567890", "030 / 123", "\\u00"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(st.text(st.characters()) | ROUGH | NUMBERS | SHAPES | WORDS)
@settings(max_examples=1000)
def test_what_the_quick_look_lets_pass_no_rule_matches(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    flat = glance.flattened(raw)
    for rule in masking.RULES:
        if not glance.suspicious(raw) or not any(hint in flat for hint in rule.hints):
            assert rule.pattern.sub(rule.replace, text) == text


@given(st.sampled_from([*(text for text, _ in MASKED), "pa\u017f\u017fword=x", "toKen: x"]))
def test_the_quick_look_sees_each_secret(text: str) -> None:
    assert mask_text(text) != text
    assert glance.suspicious(text.encode())
    assert glance.suspicious(encode({"event": f"\n{text}", "n": 0.1234567890123456}))


FOR_SERVERS = [
    "`docker login -p …`", "`curl -u name:…`", "`curl --user name:…`",
    *(f"token: {vendor}" for vendor in (
        "Stripe webhooks", "Google access", "npm", "PyPI", "Hugging Face", "DigitalOcean", "Shopify",
        "Linear", "Docker", "Grafana", "Supabase", "Vault", "SendGrid",
    )),
    "Slack webhook", "Discord webhook", "phone `06 12 34 56 78`",
]  # fmt: skip
"""What a script's own look leaves to the server."""
SHORT: dict[str, str] = {
    "cvv": "737", "phone": "030 901820", "note": "fax 030 1234-567", "at": "phone 123-456-7",
    "id": "social security 123-45-6789", "ssn": "123-45-6789",
    "ahv": "756.1234.5678.97", "us": "212.555.0187",
    "test": "sk_test_a1B2c3D4e5F6", "mobile": "0151 1234567",
}  # fmt: skip


@pytest.mark.parametrize("key", SHORT)
def test_the_quick_look_of_a_script_sees_what_is_masked(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "_THOROUGH", [])
    fields = {key: SHORT[key]}
    assert glance.suspicious(encode(fields)) or masking.mask_fields(fields) == fields


def test_the_quick_look_of_a_script_leaves_out_only_some_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "_THOROUGH", [])
    assert [text for text, _ in MASKED if not glance.suspicious(text.encode())] == []
    caught = [form for form in mask_forms.FORMS if form.is_caught]
    assert [form.name for form in caught if not glance.suspicious(form.text.encode())] == FOR_SERVERS


@pytest.mark.parametrize("number", [0.1234567890123456, 523.1234567890123, 1e-30, -12.5, 1764482352])
def test_the_quick_look_lets_numbers_of_json_pass(number: float) -> None:
    assert not glance.suspicious(encode({"total": number, "order": "SO-123456789", "client": "212.17.1.9"}))


@given(st.text(alphabet="abc ,;!\n", max_size=20), SECRETS, st.text(alphabet="xyz ,;!\n", max_size=20))
def test_no_secret_survives_between_words(before: str, secret: str, after: str) -> None:
    masked = mask_text(f"{before} {secret} {after}")
    assert secret not in masked
    assert "[masked: " in masked


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text() | ROUGH, JSON | ROUGH | NUMBERS | SHAPES | st.integers(10**11, 10**20)))
@settings(max_examples=500)
def test_fields_that_the_quick_look_lets_pass_are_not_masked(fields: dict[str, Any]) -> None:
    if not glance.suspicious(encode(fields)):
        assert encode(masking.mask_fields(fields)) == encode(fields)


@given(st.text(), JSON)
def test_no_value_breaks_it(key: str, value: Any) -> None:
    once = mask_value(key, value)
    assert repr(mask_value(key, once)) == repr(once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sent unsnag_a1b2c3d4e5f6_" + "aB3-_" * 8, "sent [masked: token]"),  # no nine digits in a row
        ("called +49 170 1234567 2026-11-22 twice", "called [masked: phone] 2026-11-22 twice"),
        ("+49 170 1234567 2345 units", "[masked: phone] 2345 units"),
        ("+4917012345678 030 1234567", "[masked: phone] [masked: phone]"),
        ("no: 4111-1111-1111-1112, 4111-1111-1111-1111", "no: 4111-1111-1111-1112, [masked: card]"),
    ],
)
def test_what_stands_beside_a_secret_does_not_hide_it(text: str, expected: str) -> None:
    assert mask_text(text) == expected


def test_a_number_too_long_to_print_is_no_card() -> None:
    assert mask_value("n", 10**5000) == 10**5000


def test_long_names_are_not_remembered() -> None:
    before = masking._known_name.cache_info()
    assert masking.is_secret_key("x" * 1_000_000 + "_token")
    assert masking._known_name.cache_info() == before
    known = otlp_json._remembered.cache_info()
    otlp_json._known_entry("x" * 1_000_000, "v")
    assert otlp_json._remembered.cache_info() == known
