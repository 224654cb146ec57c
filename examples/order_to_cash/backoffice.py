"""The back office: people who raise limits, receive deliveries and correct data, some time after a failure.

They always fix the cause. One time in four they forget to inform the order desk: then the order stays held
until somebody retries it in the exception container.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from examples import clock, program, storage
from examples.order_to_cash import customers, inbox, shop, stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY_S = 86_400.0
PASS_S = 10.0
ADDRESS = "Hafenweg 3, 48155 Münster"


def run_once(*, after_s: float = 90.0) -> None:
    """Fix the cause of whatever has been held for a while."""
    since = clock.time() - after_s
    mend("credit.limit-exceeded", raise_limit, since)
    mend("stock.short", receive_delivery, since)
    mend("customer.address-missing", correct_customer, since)
    mend("customer.vat-id-invalid", correct_customer, since)
    for row in inbox.rejected(since=since):
        inbox.correct(corrected(row))
        if not forgotten(row["order"]):
            inbox.mark(row["order"], "new")


def mend(reason: str, remedy: Callable[[shop.Order], None], since: float) -> None:
    """Fix one cause for every order that is held for it."""
    for order in shop.held(reason, since=since):
        remedy(order)
        if not forgotten(order.number):
            shop.release(order.number)


@contextmanager
def stocktaking() -> Iterator[None]:
    """Count the shelves: nobody else may write to the stock database meanwhile."""
    connection = storage.connect(str(storage.folder() / "stock.db"), stock.SCHEMA)
    connection.execute("begin exclusive")
    try:
        yield
    finally:
        connection.close()


def collect_exports() -> None:
    """Fetch the accountants' files, which frees space for new ones."""
    for path in storage.folder("export").glob("*.csv"):
        path.unlink()


def work() -> None:
    """Do what the back office does all day; every five minutes it counts, every eight it fetches files."""
    run_once()
    if clock.time() % 300 < PASS_S:
        with stocktaking():
            clock.sleep(6.5)
    if clock.time() % 480 < PASS_S:
        collect_exports()


def raise_limit(order: shop.Order) -> None:
    """Grant the customer what the order needs, for a day."""
    needed = shop.open_cents(order.customer) + order.cents
    if customers.limit_cents(order.customer) < needed:
        customers.raise_limit(order.customer, to_cents=needed + 100_00, for_s=DAY_S)


def receive_delivery(order: shop.Order) -> None:
    """Book what the maker sent."""
    if stock.on_hand(order.sku) < order.quantity:
        stock.deliver(order.sku, 30)


def correct_customer(order: shop.Order) -> None:
    """Enter what the customer answered on the telephone."""
    customers.correct(order.customer, address=ADDRESS, vat_id=f"DE{order.customer[2:]:0>9}")


def corrected(row: dict[str, str]) -> dict[str, str]:
    """Return a row as the shop meant it."""
    sender = customers.find_by_email(row["email"])
    return row | {
        "total": row["total"].replace(",", "."),
        "currency": "EUR" if row["currency"] == "EURO" else row["currency"],
        "customer": row["customer"] or (sender["ref"] if sender else ""),
    }


def forgotten(number: str) -> bool:
    """Say whether the note to the order desk got lost: always the same orders."""
    return zlib.crc32(number.encode()) % 4 == 0


def main() -> None:
    """Run as a program."""
    program.run(work, every_s=PASS_S)


if __name__ == "__main__":
    main()
