"""Two tables: forms of identifiers, which must not split a cause, and pairs of causes, which must stay apart."""

from __future__ import annotations

import base64
import random
import string
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_BASE62: Final = string.digits + string.ascii_letters
_NAMES: Final = ("ann", "bob", "chris.li", "d-ortiz", "eva_maria", "Fritz")
_SLUGS: Final = ("blue", "suede", "shoes", "winter", "sale", "garden", "chair", "wooden", "large", "small")


def _letters(dice: random.Random, alphabet: str, count: int) -> str:
    return "".join(dice.choices(alphabet, k=count))


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


FORMS: Final[dict[str, Callable[[random.Random], str]]] = {
    "number": lambda dice: str(dice.randrange(10**9)),
    "negative number": lambda dice: str(-dice.randrange(1, 10**6)),
    "amount": lambda dice: f"{dice.randrange(10**6):,}.{dice.randrange(100):02d}",
    "UUID": _uuid,
    "UUID in capitals": lambda dice: _uuid(dice).upper(),
    "UUID without hyphens": lambda dice: _uuid(dice).replace("-", ""),
    "UUID before _": lambda dice: f"{_uuid(dice)}_{dice.choice(('a', 'retry', 'copy'))}",
    "UUID behind a word": lambda dice: f"order_{_uuid(dice)}",
    "base62 of 8": lambda dice: _letters(dice, _BASE62, 8),
    "base62 of 11": lambda dice: _letters(dice, _BASE62, 11),
    "base62 of 22": lambda dice: _letters(dice, _BASE62, 22),
    "base36 of 8": lambda dice: _letters(dice, string.digits + string.ascii_lowercase, 8),
    "ULID": lambda dice: "01" + _letters(dice, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24),
    "base64": lambda dice: base64.b64encode(dice.randbytes(24)).decode(),
    "short hash": lambda dice: f"{dice.getrandbits(28):07x}",
    "long hash": lambda dice: f"{dice.getrandbits(160):040x}",
    "hex with 0x": lambda dice: f"0x{dice.getrandbits(48):012x}",
    "object id": lambda dice: f"{dice.getrandbits(96):024x}",
    "prefixed": lambda dice: f"cus_{_letters(dice, _BASE62, 14)}",
    "business key": lambda dice: f"SO-{dice.randrange(10**6)}",
    "invoice": lambda dice: f"INV{dice.randrange(2020, 2030)}-{dice.randrange(10**5):05d}",
    "year and number": lambda dice: f"{dice.randrange(2020, 2030)}/{dice.randrange(10**5)}",
    "SKU": lambda dice: "-".join(
        (dice.choice(("SHOE", "HAT", "BAG")), dice.choice(("RED", "BLU")), str(dice.randrange(30, 50)))
    ),
    "SKU in one": lambda dice: f"{_letters(dice, string.ascii_uppercase, 3)}{dice.randrange(10**4):04d}",
    "e-mail": lambda dice: f"{dice.choice(_NAMES)}{dice.randrange(99)}@{dice.choice(_SLUGS)}.example",
    "IP": lambda dice: ".".join(str(dice.randrange(256)) for _ in range(4)),
    "IP and port": lambda dice: (
        f"10.0.{dice.randrange(256)}.{dice.randrange(256)}:{dice.randrange(1024, 65536)}"
    ),
    "IPv6": lambda dice: ":".join(f"{dice.getrandbits(16):x}" for _ in range(8)),
    "MAC": lambda dice: ":".join(f"{dice.getrandbits(8):02x}" for _ in range(6)),
    "date": lambda dice: f"2026-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}",
    "time": lambda dice: (
        f"2026-11-{dice.randrange(1, 29):02d}T{dice.randrange(24):02d}:00:{dice.randrange(60):02d}Z"
    ),
    "duration": lambda dice: dice.choice(
        (f"{dice.randrange(1000)} ms", f"{dice.random() * 9:.1f} s", "2 min")
    ),
    "size": lambda dice: f"{dice.random() * 999:.1f} {dice.choice(('KB', 'MB', 'B'))}",
    "URL with an id": lambda dice: f"https://shop.example/orders/{_uuid(dice)}",
    "URL with words": lambda dice: f"https://shop.example/{'-'.join(dice.sample(_SLUGS, 3))}",
    "URL with a query": lambda dice: (
        f"https://shop.example/o?id={dice.randrange(10**6)}&q={dice.choice(_SLUGS)}"
    ),
    "path": lambda dice: f"/srv/inbox/{dice.choice(_SLUGS)}/{dice.getrandbits(32):08x}.csv",
    "Windows path": lambda dice: (
        f"C:\\inbox\\{dice.choice(_SLUGS)}\\{dice.choice(_NAMES)}{dice.randrange(99)}.xlsx"
    ),
    "file": lambda dice: f"{dice.choice(_SLUGS)}-{dice.choice(_SLUGS)}.csv",
    "quoted person": lambda dice: f"'{dice.choice(_NAMES)} {dice.choice(('Müller', 'Li', 'Garcia Lopez'))}'",
    "quoted word": lambda dice: f'"{dice.choice(_SLUGS)}"',
    "quoted id": lambda dice: f"'{_letters(dice, _BASE62, 10)}'",
    "ARN": lambda dice: f"arn:aws:sqs:eu-west-1:{dice.randrange(10**12):012d}:queue-{dice.randrange(999)}",
    "version": lambda dice: f"v{dice.randrange(9)}.{dice.randrange(99)}.{dice.randrange(99)}",
    "list of numbers": lambda dice: str([dice.randrange(999) for _ in range(dice.randrange(1, 9))]),
    "list of ids": lambda dice: str([_letters(dice, _BASE62, 8) + "1" for _ in range(dice.randrange(1, 9))]),
}
"""Forms of identifiers and of other things that differ from failure to failure of one cause."""

SENTENCES: Final = (
    "order {} could not be sent to the carrier",
    "no invoice found for {}",
    "cannot book (ref={}): the account is closed",
    "{} was rejected by the payment gateway",
    "Shipment failed: {}",
)


class Pair(NamedTuple):
    """Two failures with different causes, each a type and a message."""

    one: tuple[str, str]
    other: tuple[str, str]


def _same_type(kind: str, one: str, other: str) -> Pair:
    return Pair((kind, one), (kind, other))


PAIRS: Final = {
    "HTTP status": _same_type("HTTPError", "404 Client Error for url: https://a.example/1", "401 Client Error for url: https://a.example/1"),
    "HTTP status in text": _same_type("ApiError", "gateway answered 503 for order 17", "gateway answered 429 for order 18"),
    "HTTP status after status code": _same_type("ApiError", "Request failed with status code 500", "Request failed with status code 400"),
    "HTTP status after HTTP": _same_type("ApiError", "HTTP 502 from upstream", "HTTP 504 from upstream"),
    "HTTP status after a version": _same_type("ApiError", "HTTP/1.1 403 for /orders/1", "HTTP/1.1 409 for /orders/1"),
    "quoted HTTP status": _same_type("HTTPStatusError", "Client error '404 Not Found' for url 'https://a.example/'", "Client error '410 Gone' for url 'https://a.example/'"),
    "exit code": _same_type("CalledProcessError", "Command '['sync', '1']' returned non-zero exit status 1.", "Command '['sync', '1']' returned non-zero exit status 127."),
    "exited with": _same_type("RunFailed", "sync.sh exited with 2", "sync.sh exited with 137"),
    "exit code=": _same_type("RunFailed", "job ended: exit_code=2", "job ended: exit_code=137"),
    "signal": _same_type("RunFailed", "the worker was killed by signal 9", "the worker was killed by signal 15"),
    "SQLSTATE in brackets": _same_type("PDOException", "SQLSTATE[23000]: failed", "SQLSTATE[40001]: failed"),
    "SQLSTATE in text": _same_type("PgError", "ERROR: could not write (SQLSTATE 23505)", "ERROR: could not write (SQLSTATE 42P01)"),
    "ORA": _same_type("DatabaseError", "ORA-00942: see the manual", "ORA-01017: see the manual"),
    "MySQL": _same_type("OperationalError", "(1045, 'x') error 1045 of the server", "(1045, 'x') error 2003 of the server"),
    "errno": _same_type("OSError", "[Errno 13] on the share", "[Errno 28] on the share"),
    "WinError": _same_type("OSError", "[WinError 5] on the share", "[WinError 32] on the share"),
    "errno by name": _same_type("Error", "connect ECONNREFUSED 10.0.0.1:443", "connect ETIMEDOUT 10.0.0.1:443"),
    "reply code": _same_type("SMTPError", "the mail server replied: code 550", "the mail server replied: code 421"),
    "refusal code": _same_type("Declined", "card refused: code=51 for order 1", "card refused: code=14 for order 1"),
    "missing key": _same_type("KeyError", "'total'", "'currency'"),
    "missing attribute": _same_type("AttributeError", "'NoneType' object has no attribute 'total'", "'NoneType' object has no attribute 'sku'"),
    "missing module": _same_type("ModuleNotFoundError", "No module named 'requests'", "No module named 'yaml'"),
    "missing name": _same_type("NameError", "name 'total' is not defined", "name 'vat' is not defined"),
    "missing table": _same_type("UndefinedTable", 'relation "orders" does not exist', 'relation "invoices" does not exist'),
    "missing table without quotes": _same_type("OperationalError", "no such table: orders", "no such table: invoices"),
    "missing column": _same_type("UndefinedColumn", 'column "vat" does not exist', 'column "net" does not exist'),
    "unique key": _same_type("IntegrityError", "UNIQUE constraint failed: orders.number", "UNIQUE constraint failed: customers.email"),
    "foreign key": _same_type("ForeignKeyViolation", 'violates foreign key constraint "order_customer_fk"', 'violates foreign key constraint "order_carrier_fk"'),
    "required property": _same_type("ValidationError", "'currency' is a required property", "'country' is a required property"),
    "field of a model": _same_type("ValidationError", "1 validation error for Line\nsku\n  Field required", "1 validation error for Line\nquantity\n  Field required"),
    "host": _same_type("ConnectionError", "could not connect to host db-1.internal", "could not connect to host db-2.internal"),
    "quoted host": _same_type("GaiError", 'could not translate host name "shop-db" to address', 'could not translate host name "erp-db" to address'),
    "host of a URL": _same_type("ConnectError", "cannot reach https://pay.example/v1/charge/1", "cannot reach https://erp.example/v1/order/1"),
    "host=": _same_type("ConnectError", "HTTPSConnectionPool(host='pay.example', port=443): timed out", "HTTPSConnectionPool(host='erp.example', port=443): timed out"),
    "port of a service": _same_type("ConnectError", "connection to localhost:5432 was refused", "connection to localhost:6379 was refused"),
    "queue": _same_type("QueueError", "queue 'orders' is full", "queue 'refunds' is full"),
    "topic": _same_type("KafkaError", "Topic orders not present in metadata", "Topic refunds not present in metadata"),
    "bucket": _same_type("ClientError", "Access denied to bucket 'invoices'", "Access denied to bucket 'labels'"),
    "method": _same_type("ApiError", "GET is not allowed for this path", "DELETE is not allowed for this path"),
    "reason": _same_type("Declined", "payment of order 1 declined: insufficient funds", "payment of order 1 declined: card expired"),
    "code as a name": _same_type("StripeError", "Request req_A1b2C3: code=card_declined", "Request req_A1b2C3: code=expired_card"),
    "gRPC": _same_type("RpcError", "rpc failed: status = StatusCode.UNAVAILABLE", "rpc failed: status = StatusCode.PERMISSION_DENIED"),
    "wrong type": _same_type("TypeError", "unsupported operand type(s) for +: 'NoneType' and 'int'", "unsupported operand type(s) for +: 'str' and 'int'"),
    "type": Pair(("ReadTimeout", "timed out"), ("ConnectTimeout", "timed out")),
}  # fmt: skip
"""Failures that differ in one telling thing."""
