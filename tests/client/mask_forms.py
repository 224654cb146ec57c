"""The forms of secrets and personal data that are tried, and whether masking catches each.

`python -m tests.client.mask_forms` writes the list of docs/security.md again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from unsnag.glance import be_thorough
from unsnag.masking import mask_text

be_thorough()
PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
_TABLE: Final = re.compile(r"(?<=<!-- forms -->\n).*?(?=<!-- /forms -->)", re.DOTALL)
_HEX: Final = "0123456789abcdef"
_WORD: Final = "a1B2c3D4e5F6"


class Form(NamedTuple):
    """A text, the part of it that must not be shown, and whether it is caught."""

    name: str
    text: str
    secret: str
    is_caught: bool = True

    def leaks(self) -> bool:
        """Say whether the secret is still there once the text is masked."""
        return self.secret in mask_text(self.text)


def _secrets() -> list[Form]:
    pw = "hunter2!Xy"
    return [
        Form("`password=…`", f"login password={pw} ok", pw),
        Form("`password: …`", f"password: {pw}", pw),
        Form("`DB_PASSWORD='…'`", f"DB_PASSWORD='{pw}'", pw),
        Form('`"password": "…"` in JSON', f'{{"password": "{pw}"}}', pw),
        Form('`\\"password\\": \\"…\\"` in a JSON string', f'{{"body": "{{\\"password\\": \\"{pw}\\"}}"}}', pw),
        Form("the same, nested twice", f'"{{\\\\\\"api_key\\\\\\": \\\\\\"{pw}\\\\\\"}}"', pw),
        Form("`<password>…</password>`", f"<auth><password>{pw}</password></auth>", pw),
        Form("`password%3D…` in an encoded address", f"next=%2Flogin%3Fpassword%3D{pw}", pw),
        Form("`passphrase=…`", f"passphrase={pw}", pw),
        Form("`pwd=…`", f"Server=db;Uid=sa;Pwd={pw};", pw),
        Form("`secret: …`", f"client_secret: {pw}", pw),
        Form("`private_key=…`", f"private_key={pw}", pw),
        Form("`credentials=…`", f"credentials={pw}", pw),
        Form("`--password …`", f"restore --password {pw} --fast", pw),
        Form("`--db-password …`", f"restore --db-password '{pw}'", pw),
        Form("`--password=…`", f"restore --password={pw}", pw),
        Form("`--token …`", f"deploy --token {pw}", pw),
        Form("`--api-key …`", f"deploy --api-key {pw}", pw),
        Form("`mysql -p…`", f"mysql -u root -p{pw} shop", pw),
        Form("`mysqldump … -p…`", f"mysqldump --single-transaction -p{pw} shop", pw),
        Form("`sshpass -p …`", f"sshpass -p {pw} ssh host", pw),
        Form("`docker login -p …`", f"docker login -u bob -p {pw} registry", pw),
        Form("`curl -u name:…`", f"curl -s -u bob:{pw} https://x.example", pw),
        Form("`curl --user name:…`", f"curl --user bob:{pw} https://x.example", pw),
        Form("`psql postgres://name:…@host`", f"postgres://bob:{pw}@db/shop", pw),
        Form("an address whose password holds `@`", "amqp://bob:p@ss4wd@mq:5672/", "ss4wd"),
        Form("`redis://:…@host`", f"redis://:{pw}@cache:6379/0", pw),
        Form("`mongodb+srv://name:…@host`", f"mongodb+srv://bob:{pw}@m.example/", pw),
        Form("`jdbc:…?user=…&password=…`", f"jdbc:mysql://db/shop?user=bob&password={pw}", pw),
        Form("`AccountKey=…`", f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={_WORD}==;", _WORD),
        Form("`SharedAccessKey=…`", f"Endpoint=sb://x/;SharedAccessKey={_WORD}=", _WORD),
        Form("`SharedAccessSignature=…`", f"BlobEndpoint=x;SharedAccessSignature={_WORD}", _WORD),
        Form("a password behind the word alone", f"the password is {pw}", pw, is_caught=False),
        Form("a password behind `PASSWORD` and a space", f"PASSWORD {pw}", pw, is_caught=False),
        Form("name and value apart in text", f'{{"name": "password", "value": "{pw}"}}', pw, is_caught=False),
        Form("`pin=…`, `otp=…`", "otp=493817", "493817", is_caught=False),
        Form("`redis-cli -a …`", f"redis-cli -a {pw} ping", pw, is_caught=False),
        Form("a secret in Base64", "cGFzc3dvcmQ9aHVudGVyMg", "cGFzc3dvcmQ9aHVudGVyMg", is_caught=False),
        Form("40 characters of an AWS secret key alone", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
             "wJalrXUtnFEMI", is_caught=False),
    ]  # fmt: skip


def _headers() -> list[Form]:
    long = _WORD * 4
    return [
        Form("`Authorization: Bearer …`", f"Authorization: Bearer {long}", long),
        Form("`Bearer …` alone", f"sent Bearer {long}", long),
        Form("`Authorization: Basic …`", "Authorization: Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI"),
        Form("`Basic …` alone", "sent Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI"),
        Form("`Proxy-Authorization: …`", f"Proxy-Authorization: {long}", long),
        Form("`Authorization: Digest …`", f'Authorization: Digest username="bob", response="{long}"', long),
        Form("`Authorization: AWS4-HMAC-SHA256 …`",
             f"Authorization: AWS4-HMAC-SHA256 Credential=A, Signature={long}", long),
        Form("`Cookie: …`", f"Cookie: lang=en; sid={long}", long),
        Form("`Set-Cookie: …`", f"Set-Cookie: sid={long}; HttpOnly", long),
        Form('`"Cookie": "…"` in JSON', f'{{"Cookie": "sid={long}"}}', long),
        Form("`X-Api-Key: …`", f"X-Api-Key: {long}", long),
        Form("`X-Auth-Token: …`", f"X-Auth-Token: {long}", long),
        Form("`?key=…`", f"GET /maps?q=x&key={long}", long),
        Form("`?access_token=…`", f"GET /me?access_token={long}", long),
        Form("`&sig=…`", f"GET /blob?se=2026&sig={long}", long),
        Form("`X-Amz-Signature=…`", f"GET /o?X-Amz-Signature={long}&x=1", long),
        Form("`X-Goog-Signature=…`", f"GET /o?X-Goog-Signature={long}", long),
        Form("`?code=…` of a sign-in", f"GET /callback?code={long}", long, is_caught=False),
        Form("`session_id=…`", f"session_id={long}", long, is_caught=False),
    ]  # fmt: skip


def _tokens() -> list[Form]:
    hexes = _HEX * 5
    begins = {
        "AWS key id": "AKIA" + "IOSFODNN7EXAMPLE", "GitHub": "ghp_" + _WORD * 3,
        "GitHub, fine-grained": "github_pat_" + _WORD * 3, "GitLab": "glpat-" + _WORD * 2,
        "Slack": "xoxb-" + _WORD * 2, "Stripe": "sk_live_" + _WORD * 2, "Stripe webhooks": "whsec_" + _WORD * 3,
        "OpenAI": "sk-proj-" + _WORD * 3, "Google API": "AIza" + (_WORD * 3)[:35],
        "Google client secret": "GOCSPX-" + _WORD * 2, "Google access": "ya29." + _WORD * 4,
        "npm": "npm_" + _WORD * 3, "PyPI": "pypi-" + _WORD * 5, "Hugging Face": "hf_" + _WORD * 3,
        "DigitalOcean": "dop_v1_" + hexes[:64], "Shopify": "shpat_" + hexes[:32],
        "Linear": "lin_api_" + _WORD * 3, "Docker": "dckr_pat_" + _WORD * 2,
        "Grafana": "glsa_" + (_WORD * 3)[:32] + "_" + hexes[:8], "Supabase": "sbp_" + hexes[:40],
        "Vault": "hvs." + _WORD * 3, "SendGrid": "SG." + (_WORD * 2)[:22] + "." + (_WORD * 4)[:43],
        "Unsnag": "unsnag_0123456789ab_" + _WORD * 3,
    }  # fmt: skip
    found = [Form(f"token: {name}", f"used {token} for it", token) for name, token in begins.items()]
    slack = "T0001/B0002/" + _WORD * 2
    return [
        *found,
        Form("JSON Web Token", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF_123", "eyJzdWIi"),
        Form("private key (PEM)", "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----", "MIIEvQ"),
        Form("Slack webhook", f"POST https://hooks.slack.com/services/{slack}", slack),
        Form("Discord webhook", f"POST https://discord.com/api/webhooks/123456789/{_WORD * 5}", _WORD * 5),
        Form("Telegram bot token", f"123456789:AA{_WORD * 3}", _WORD * 3, is_caught=False),
        Form("Azure client secret", "abc8Q~" + _WORD * 3, _WORD * 3, is_caught=False),
        Form("32 hexadecimal digits alone (Twilio, Mailchimp)", hexes[:32], hexes[:32], is_caught=False),
    ]


def _personal() -> list[Form]:
    card, nbsp = "4111 1111 1111 1111", "\u00a0"
    return [
        Form("card, 16 digits", "card 4111111111111111", "4111111111111111"),
        Form("card with spaces", f"card {card}", card),
        Form("card with dashes", "card 5555-5555-5555-4444", "5555-5555"),
        Form("card with points", "card 4111.1111.1111.1111", "4111.1111"),
        Form("card with no-break spaces", f"card {card.replace(' ', nbsp)}", "1111"),
        Form("card with narrow spaces", f"card {card.replace(' ', chr(0x202F))}", "1111"),
        Form("card of 15 digits", "amex 3782 822463 10005", "822463"),
        Form("card, masked by its owner in part", "card 4111********1111", "4111*", is_caught=False),
        Form("IBAN, printed", "to DE89 3704 0044 0532 0130 00 today", "3704"),
        Form("IBAN, compact", "to GB29NWBK60161331926819", "60161331926819"),
        Form("IBAN with letters inside", "MT84MALT011000012345MTLCAST001S", "011000012345"),
        Form("IBAN in small letters", "de89370400440532013000", "370400440532013000", is_caught=False),
        Form("account number without a check", "account 532013000", "532013000", is_caught=False),
        Form("e-mail", "mail anna.berg+x@example.co.uk!", "anna.berg"),
        Form("e-mail with letters of other alphabets", "<jörg@müller.example>", "jörg"),
        Form("phone `+49 170 1234567`", "call +49 170 1234567", "1234567"),
        Form("phone `+49 (0)170 1234567`", "call +49 (0)170 1234567", "1234567"),
        Form("phone `+49.170.1234567`", "call +49.170.1234567", "1234567"),
        Form("phone with no-break spaces", f"call +49{nbsp}170{nbsp}1234567", "1234567"),
        Form("phone `0049 170 1234567`", "call 0049 170 1234567", "1234567"),
        Form("phone `(555) 123-4567`", "call (555) 123-4567", "123-4567"),
        Form("phone `212-555-0187`", "call 212-555-0187", "555-0187"),
        Form("phone `1-800-555-0199`", "call 1-800-555-0199", "555-0199"),
        Form("phone `030/12345678`", "call 030/12345678", "12345678"),
        Form("phone `020 7946 0958`", "call 020 7946 0958", "7946"),
        Form("phone `06 12 34 56 78`", "appelez 06 12 34 56 78", "12 34 56"),
        Form("phone `Tel. 0170-1234567`", "Tel. 0170-1234567", "1234567"),
        Form("phone `mobile: 01701234567`", "mobile: 01701234567", "1234567"),
        Form("phone `0170-1234567` with no context", "0170-1234567", "1234567", is_caught=False),
        Form("SSN behind its name", "ssn: 123-45-6789", "123-45-6789"),
        Form("SSN alone", "123-45-6789", "123-45-6789", is_caught=False),
        Form("CPF (Brazil)", "cpf 529.982.247-25", "529.982"),
        Form("AHV (Switzerland)", "ahv 756.9217.0769.85", "9217"),
        Form("other national ids (tax, passport, Aadhaar, NINO, DNI)", "DNI 12345678Z", "12345678Z", is_caught=False),
        Form("name, address, date of birth", "Anna Berg, born 1980-02-03", "Anna Berg", is_caught=False),
    ]  # fmt: skip


GROUPS: Final = {
    "Passwords and secrets in text": _secrets(),
    "Headers, cookies, addresses": _headers(),
    "Tokens and keys": _tokens(),
    "Personal data": _personal(),
}
FORMS: Final = [form for forms in GROUPS.values() for form in forms]
KEPT: Final = [
    "SO-2026-0001001", "order 4111111111111111 accepted", "order no. 4111111111111111",
    "correlation_id=4111111111111111", "invoice: 5555555555554444", "20261122-000123", "123-45-6789",
    "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "550e8400-e29b-41d4-a716-446655440000", "DE89 3704 0044 0532 0130 01", "756.1234.5678.90", "123.456.789-00",
    "com.example.orders.OrderProcessingServiceImplementation failed", "2026-11-22 10:22:33.123456", "10.123.45.67",
    "psql -p 5432 -h db", "ssh -p 22 host", "cookies accepted: yes", "key=value", "monkey=7 in the shop",
    "GET /orders?page=2&design=new", "AB1234567890123456", "PO 0012345678901", "signature=valid in the report",
]  # fmt: skip
"""Correlation IDs, order numbers and others that only look alike."""


def table() -> str:
    """Return the list of the document."""
    lines = [f"Of {len(FORMS)} forms that are tried, {sum(form.is_caught for form in FORMS)} are caught.", ""]
    for group, forms in GROUPS.items():
        caught = [form.name for form in forms if form.is_caught]
        missed = [form.name for form in forms if not form.is_caught]
        lines += [f"- {group}", f"  - caught: {', '.join(caught)}", f"  - not caught: {', '.join(missed)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: table(), page), encoding="utf-8")
