"""HTTP clients that turn an answer's status into an exception."""

import asyncio
import json
import urllib.request

import aiohttp
import httpx
import requests

B, D, I = "business", "data", "infrastructure"
STATUSES = {
    400: D,
    401: I,
    402: B,
    403: I,
    404: D,
    405: D,
    406: D,
    407: I,
    408: I,
    409: D,
    410: D,
    412: D,
    413: D,
    415: D,
    422: D,
    423: I,
    425: I,
    429: I,
    431: D,
    451: B,
    500: I,
    501: I,
    502: I,
    503: I,
    504: I,
    507: I,
    520: I,
}


def programs(w):
    for status, label in STATUSES.items():
        if status not in (425, 431, 501, 410):
            yield (
                f"requests/{status}",
                label,
                lambda s=status: requests.get(w.url("/v1/orders/1042", status=s)).raise_for_status(),
            )
        if status in (400, 401, 402, 403, 404, 409, 422, 423, 429, 500, 503, 504, 410):
            yield (
                f"httpx/{status}",
                label,
                lambda s=status: httpx.post(w.url("/v2/payments", status=s)).raise_for_status(),
            )
        if status in (402, 403, 404, 413, 429, 451, 500, 502, 503, 501):
            yield (
                f"urllib/{status}",
                label,
                lambda s=status: urllib.request.urlopen(w.url("/rates.csv", status=s)),
            )
        if status in (400, 402, 404, 408, 409, 425, 429, 431, 502, 503):
            yield f"aiohttp/{status}", label, lambda s=status: asyncio.run(_aio(w.url("/stock", status=s)))
    # Scripts that check the answer themselves, as many do.
    for name, status, body, label in (
        ("declined", 402, {"error": "card_declined", "message": "Your card was declined."}, B),
        (
            "no_funds",
            402,
            {"code": "insufficient_funds", "message": "The account has insufficient funds."},
            B,
        ),
        (
            "limit",
            422,
            {
                "title": "Credit limit exceeded",
                "detail": "Customer C-5399 is 2,208 EUR over the credit limit.",
            },
            B,
        ),
        ("blocked", 409, {"message": "Customer C-77 is blocked for new orders"}, B),
        ("stock", 409, {"message": "Not enough stock for SKU 4711: 3 available, 5 requested"}, B),
        ("closed", 422, {"message": "Posting period 2026-10 is closed"}, B),
        ("invalid", 422, {"message": "Field 'country' is required"}, D),
        ("unknown_sku", 404, {"message": "Unknown article 4711"}, D),
        ("maintenance", 503, {"message": "The service is under maintenance"}, I),
        ("token", 401, {"error": "invalid_token", "error_description": "The access token expired"}, I),
    ):
        yield f"wrapper/{name}", label, lambda s=status, b=body: _checked(w.url(status=s, body=json.dumps(b)))


async def _aio(url):
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with session.get(url):
            pass


class ApiError(Exception):
    """What a small wrapper of an API raises."""

    def __init__(self, status_code, message):
        super().__init__(f"API answered {status_code}: {message}")
        self.status_code = status_code


def _checked(url):
    response = requests.get(url)
    if not response.ok:
        body = response.json()
        raise ApiError(
            response.status_code, body.get("detail") or body.get("message") or body.get("error_description")
        )
