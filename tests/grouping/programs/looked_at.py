"""Programs that fail, each with one cause; the rules were written while looking at these."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
from decimal import Decimal
from typing import Any

import duckdb
import httpx
import pydantic
import requests

from .world import Gateway, Order, cause, free_port

GATEWAY = Gateway()
CLOSED = free_port()


class OutOfStockError(Exception):
    """The shop's own."""


class PaymentError(Exception):
    """Wraps what the gateway's library raised."""


def call(path: str) -> Any:
    """Ask the gateway: many causes come through here."""
    answer = requests.get(f"{GATEWAY.url}{path}", timeout=5)
    answer.raise_for_status()
    return answer.json()


# --- one call site, several causes ------------------------------------------------------------


@cause
def gateway_says_404(order: Order) -> object:
    return call(f"/404/orders/{order.uid}")


@cause
def gateway_says_503(order: Order) -> object:
    return call(f"/503/orders/{order.number.replace('/', '-')}?sku={order.sku}")


@cause
def gateway_says_401(order: Order) -> object:
    return call(f"/401/customers/{order.token}")


@cause
def gateway_answers_broken_json(order: Order) -> object:
    return call(f"/200/orders/{order.token}")


# --- one cause, several call sites ------------------------------------------------------------


def _reserve(order: Order) -> object:
    return requests.get(f"http://localhost:{CLOSED}/reserve/{order.uid}", timeout=2)


def _capture(order: Order) -> object:
    return requests.get(f"http://localhost:{CLOSED}/capture/{order.token}", timeout=2)


def _refund(order: Order) -> object:
    return requests.get(f"http://localhost:{CLOSED}/refund?id={order.number}", timeout=2)


@cause
def gateway_is_down(order: Order) -> object:
    return (_reserve, _capture, _refund)[order.n % 3](order)


def _insert_order(order: Order, db: sqlite3.Connection) -> object:
    return db.execute("insert into invoices values (?)", (order.number,))


def _read_order(order: Order, db: sqlite3.Connection) -> object:
    return db.execute(f"select * from invoices where number = '{order.token}'")


@cause
def table_invoices_is_missing(order: Order) -> object:
    return (_insert_order, _read_order)[order.n % 2](order, sqlite3.connect(":memory:"))


@cause
def table_shipments_is_missing(order: Order) -> object:
    return sqlite3.connect(":memory:").execute("select * from shipments where id = ?", (order.uid,))


def _wrapped(order: Order) -> object:
    try:
        return httpx.get(f"http://localhost:{CLOSED}/{order.token}", timeout=2)
    except httpx.HTTPError as error:
        raise PaymentError(f"payment of order {order.number} over {order.amount} EUR failed") from error


@cause
def payment_failed(order: Order) -> object:
    return _wrapped(order)


# --- faults of the script ---------------------------------------------------------------------


@cause
def total_key_is_missing(order: Order) -> object:
    return {"number": order.number}["total"]


@cause
def customer_key_is_missing(order: Order) -> object:
    return {"number": order.number}["customer"]


def _first(rows: list[Any]) -> Any:
    return rows[0]


def _last_line(order: Order) -> Any:
    return order.number.split(";")[1]


@cause
def no_rows(order: Order) -> object:
    return _first([row for row in () if row == order.uid])


@cause
def no_second_column(order: Order) -> object:
    return _last_line(order)


@cause
def amount_is_none(order: Order) -> object:
    amount = None if order.n >= 0 else 1
    return amount + order.n


@cause
def lookup_returned_none(order: Order) -> object:
    return {order.uid: 1}.get(order.token).bit_length()


@cause
def assertion_of_total(order: Order) -> object:
    assert order.n < 0
    return None


@cause
def assertion_of_currency(order: Order) -> object:
    assert order.amount == "EUR"
    return None


# --- data -------------------------------------------------------------------------------------


@cause
def amount_is_no_number(order: Order) -> object:
    return int(f"{order.amount} EUR")


@cause
def amount_is_no_decimal(order: Order) -> object:
    return Decimal(f"n/a {order.token}")


class Line(pydantic.BaseModel):
    sku: str
    quantity: int


@cause
def quantity_is_text(order: Order) -> object:
    return Line(sku=order.sku, quantity=order.token)


@cause
def sku_is_missing(order: Order) -> object:
    return Line(quantity=order.n)


@cause
def payload_is_cut(order: Order) -> object:
    return json.loads(json.dumps({"id": order.uid, "name": order.person * (1 + order.n % 5)})[:-1])


@cause
def column_is_missing(order: Order) -> object:
    return next(csv.DictReader(io.StringIO(f"number,total\n{order.number},1\n")))["vat"]


@cause
def file_is_missing(order: Order) -> object:
    with open(order.file) as file:
        return file.read()


@cause
def folder_is_no_file(order: Order) -> object:
    with open("/tmp", "w") as file:
        return file.write(order.uid)


# --- business ---------------------------------------------------------------------------------


@cause
def out_of_stock(order: Order) -> object:
    raise OutOfStockError(f"{order.sku} is out of stock: {order.n} ordered, 0 left")


@cause
def credit_limit(order: Order) -> object:
    raise OutOfStockError(f"customer {order.email} is over the credit limit by {order.amount} EUR")


@cause
def unknown_customer(order: Order) -> object:
    raise LookupError(f"unknown customer '{order.person}' in order {order.uid}_{order.n}")


# --- systems ----------------------------------------------------------------------------------


@cause
def host_shop_db_is_unknown(order: Order) -> object:
    raise ConnectionError(f'could not translate host name "shop-db.internal" for {order.token}: Name unknown')


@cause
def host_billing_db_is_unknown(order: Order) -> object:
    raise ConnectionError(
        f'could not translate host name "billing-db.internal" for {order.token}: Name unknown'
    )


@cause
def socket_is_refused(_order: Order) -> object:
    return socket.create_connection(("127.0.0.1", CLOSED), timeout=2)


@cause
def script_exits_3(order: Order) -> object:
    return subprocess.run([sys.executable, "-c", "raise SystemExit(3)", order.number], check=True)


@cause
def script_exits_2(order: Order) -> object:
    return subprocess.run([sys.executable, "-c", "raise SystemExit(2)", order.uid], check=True)


@cause
def no_permission(order: Order) -> object:
    raise PermissionError(13, os.strerror(13), f"C:\\Users\\{order.token}\\Documents\\{order.number}.xlsx")


@cause
def key_is_there_twice(order: Order) -> object:
    db = duckdb.connect()
    db.execute("create table orders (number varchar primary key)")
    for _ in range(2):
        db.execute("insert into orders values (?)", [order.number])
    return None
