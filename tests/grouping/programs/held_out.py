"""Programs that fail, each with one cause; the rules are judged by these and were not written for them."""

from __future__ import annotations

import ast
import base64
import configparser
import datetime
import re
import sqlite3
import ssl
import struct
import subprocess
import sys
import tomllib
import uuid
import zipfile
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import httpx
import jinja2
import jsonschema
import orjson
import pandas as pd
import yaml

from .world import Gateway, Order, cause, free_port

GATEWAY = Gateway()
CLOSED = free_port()


class BookingError(Exception):
    """The service's own."""


class RejectedError(Exception):
    """The service's own."""


def fetch(path: str) -> httpx.Response:
    """Ask the booking service."""
    answer = httpx.get(f"{GATEWAY.url}{path}", timeout=5)
    answer.raise_for_status()
    return answer


# --- one call site, several causes ------------------------------------------------------------


@cause
def booking_says_409(order: Order) -> object:
    return fetch(f"/409/bookings/{order.sha}")


@cause
def booking_says_500(order: Order) -> object:
    return fetch(f"/500/bookings/{order.token}/items/{order.n}")


@cause
def booking_says_429(order: Order) -> object:
    return fetch(f"/429/bookings?customer={order.person}")


@cause
def booking_sends_no_json(order: Order) -> object:
    return fetch(f"/200/bookings/{order.uid}").json()


# --- one cause, several call sites ------------------------------------------------------------


def _open_account(order: Order) -> object:
    return httpx.post(f"http://127.0.0.1:{CLOSED}/accounts", json={"id": order.uid}, timeout=2)


def _close_account(order: Order) -> object:
    return httpx.delete(f"http://127.0.0.1:{CLOSED}/accounts/{order.number}", timeout=2)


@cause
def ledger_is_down(order: Order) -> object:
    return (_open_account, _close_account)[order.n % 2](order)


def _locked(order: Order, statement: str) -> object:
    path = Path(f"/dev/shm/locked-{order.sha}.db")
    holder, other = sqlite3.connect(path), sqlite3.connect(path, timeout=0.01)
    try:
        holder.execute("create table ledger (id text)")
        holder.execute("begin exclusive")
        return other.execute(statement, (order.uid,))
    finally:
        holder.close()
        other.close()
        path.unlink()


def _book(order: Order) -> object:
    return _locked(order, "insert into ledger values (?)")


def _find(order: Order) -> object:
    return _locked(order, "select * from ledger where id = ?")


@cause
def ledger_is_locked(order: Order) -> object:
    return (_book, _find)[order.n % 2](order)


def _wrapped_1(order: Order) -> object:
    raise BookingError(f"ledger {order.sha} did not answer within {order.n + 1} s")


def _wrapped_2(order: Order) -> object:
    raise BookingError(f"ledger {order.sha} did not answer within {order.n + 1} s")


@cause
def ledger_is_slow(order: Order) -> object:
    return (_wrapped_1, _wrapped_2)[order.n % 2](order)


# --- faults of the script ---------------------------------------------------------------------


@cause
def account_key_is_missing(order: Order) -> object:
    return {"id": order.uid}["account_id"]


@cause
def iban_key_is_missing(order: Order) -> object:
    return {"id": order.uid}["iban"]


@cause
def booking_has_no_total(order: Order) -> object:
    return order.total


@cause
def booking_has_no_currency(order: Order) -> object:
    return order.currency


@cause
def module_is_missing(_order: Order) -> object:
    import ledgerlib

    return ledgerlib


@cause
def division_of_share(order: Order) -> object:
    return order.n / (len(order.number) - len(order.number))


@cause
def division_of_rate(order: Order) -> object:
    rate = 0 * order.n
    return order.n // rate


@cause
def too_many_columns(order: Order) -> object:
    number, total = (order.number, order.amount, order.email)[:3]
    return number, total


@cause
def name_is_unknown(order: Order) -> object:
    return order_total + order.n


# --- data -------------------------------------------------------------------------------------


@cause
def date_of_booking(order: Order) -> object:
    return datetime.datetime.strptime(f"{order.n}.13.2026", "%d.%m.%Y").replace(tzinfo=datetime.UTC)


@cause
def date_of_invoice(order: Order) -> object:
    return datetime.date.fromisoformat(f"2026-{order.n % 12 + 1}-{order.token[:2]}")


@cause
def xml_is_broken(order: Order) -> object:
    return ET.fromstring(f"<invoice>{order.person}<total>{order.amount}</invoice>")


@cause
def yaml_is_broken(order: Order) -> object:
    return yaml.safe_load(f"number: {order.number}\n total: [{order.amount}")


@cause
def toml_is_broken(order: Order) -> object:
    return tomllib.loads(f"number = {order.token}")


@cause
def no_json_in_queue(order: Order) -> object:
    return orjson.loads(f'{{"id": {order.uid}}}')


@cause
def schema_needs_currency(order: Order) -> object:
    return jsonschema.validate({"number": order.number}, {"required": ["currency"]})


@cause
def schema_wants_a_number(order: Order) -> object:
    return jsonschema.validate({"total": order.token}, {"properties": {"total": {"type": "number"}}})


@cause
def id_is_no_uuid(order: Order) -> object:
    return uuid.UUID(order.number)


@cause
def bytes_are_no_utf8(order: Order) -> object:
    return (order.number.encode() + bytes([0xE4, 0x20])).decode()


@cause
def base64_is_cut(order: Order) -> object:
    return base64.b64decode("A" * (4 * order.n + 5), validate=True)


@cause
def record_is_cut(order: Order) -> object:
    return struct.unpack("<IQ", order.number.encode()[:4])


@cause
def zip_is_no_zip(order: Order) -> object:
    return zipfile.ZipFile(BytesIO(order.uid.encode()))


@cause
def column_net_is_missing(order: Order) -> object:
    return pd.DataFrame([{"number": order.number}])["net_amount"]


@cause
def column_is_no_number(order: Order) -> object:
    return pd.to_numeric(pd.Series([order.amount, order.token + "x"]))


@cause
def template_wants_address(order: Order) -> object:
    return jinja2.Template("{{ order.address }}", undefined=jinja2.StrictUndefined).render(
        order={"id": order.uid}
    )


@cause
def zone_is_unknown(order: Order) -> object:
    return ZoneInfo(f"Europe/{order.token}")


@cause
def settings_have_no_section(order: Order) -> object:
    parser = configparser.ConfigParser()
    parser.read_string(f"[ledger]\nid = {order.uid}")
    return parser["billing"]


@cause
def expression_is_no_literal(order: Order) -> object:
    return ast.literal_eval(f"open('{order.file}')")


@cause
def pattern_of_partner_is_broken(order: Order) -> object:
    return re.compile(f"({order.sha}")


# --- business ---------------------------------------------------------------------------------


@cause
def vat_id_is_invalid(order: Order) -> object:
    raise RejectedError(f"VAT number DE{order.n + 123456789} of {order.person} GmbH is not valid")


@cause
def account_is_closed(order: Order) -> object:
    raise RejectedError(f"account {order.token} of {order.email} is closed since 2026-0{order.n % 9 + 1}-01")


@cause
def amount_exceeds_approval(order: Order) -> object:
    raise RejectedError(f"booking {order.number} over {order.amount} EUR needs a second approval")


@cause
def duplicate_booking(order: Order) -> object:
    raise RejectedError(f"booking {order.uid} was made before as {order.token}")


# --- systems ----------------------------------------------------------------------------------


@cause
def job_exits_1(order: Order) -> object:
    return subprocess.check_output([sys.executable, "-c", "raise SystemExit(1)", order.number])


@cause
def job_exits_64(order: Order) -> object:
    return subprocess.check_output([sys.executable, "-c", "raise SystemExit(64)", order.token])


@cause
def job_is_too_slow(order: Order) -> object:
    asleep = [sys.executable, "-c", "import time; time.sleep(9)", order.uid]
    return subprocess.run(asleep, timeout=0.05 + order.n / 1000, check=True)


@cause
def program_is_missing(order: Order) -> object:
    return subprocess.run(["ledger-export", order.number], check=True)


@cause
def certificate_is_missing(order: Order) -> object:
    return ssl.create_default_context().load_cert_chain(f"/etc/ssl/{order.sha}/client.pem")


@cause
def disk_is_full(order: Order) -> object:
    with open("/dev/full", "w") as file:
        file.write(order.uid * 10_000)
    return None


@cause
def server_name_is_unknown(order: Order) -> object:
    return httpx.get(f"http://ledger.invalid/{order.uid}", timeout=5)
