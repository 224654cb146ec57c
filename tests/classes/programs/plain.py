"""What scripts raise themselves, and their own faults."""

B, D, I = "business", "data", "infrastructure"


class CreditLimitExceeded(Exception):
    """As a shop's own code names it."""


class OutOfStockError(Exception):
    """As a shop's own code names it."""


class InvalidOrder(Exception):
    """As a shop's own code names it."""


class GatewayDown(Exception):
    """As a shop's own code names it."""


class PaymentDeclined(Exception):
    """As a shop's own code names it."""


class PriceMissing(Exception):
    """As a shop's own code names it."""


def programs(w):
    for name, label, error in (
        ("limit", B, CreditLimitExceeded("Customer C-5399 is 2,208 EUR over the credit limit")),
        ("limit_text", B, RuntimeError("credit limit exceeded for customer C-5399: 12,208 of 10,000 EUR")),
        ("stock", B, OutOfStockError("SKU 4711: 5 wanted, 3 on hand")),
        ("stock_text", B, Exception("insufficient stock for SKU 4711")),
        ("declined", B, PaymentDeclined("card declined: do not honor")),
        ("declined_text", B, RuntimeError("payment of 129.90 EUR was declined by the issuer")),
        ("approval", B, Exception("Order SO-1042 needs approval: discount of 25 % is above 20 %")),
        ("period", B, RuntimeError("posting period 10/2026 is closed")),
        ("blocked", B, Exception("customer C-77 is blocked for delivery")),
        ("duplicate_invoice", B, Exception("invoice 90012 has already been paid")),
        ("sanctions", B, Exception("export to RU is not permitted for this article")),
        (
            "price_difference",
            B,
            ValueError(
                "invoice total 118.00 differs from order total 100.00 by more than the tolerance of 2 %"
            ),
        ),
        ("cancelled_order", B, Exception("order SO-1042 was cancelled by the customer")),
        ("invalid_order", D, InvalidOrder("field 'country' is empty")),
        ("missing_field", D, Exception("missing required field: vat_id")),
        ("unknown_customer", D, LookupError("no customer with number C-999")),
        ("price_missing", D, PriceMissing("no price for SKU 4711 in list EUR-2026")),
        ("bad_iban", D, ValueError("invalid IBAN DE00 1234")),
        ("schema_version", D, Exception("unsupported file version 7, expected 6")),
        ("line_count", D, AssertionError("expected 40 lines, the trailer says 41")),
        ("duplicate", D, Exception("duplicate order number SO-1042")),
        ("gateway_down", I, GatewayDown("payment gateway is down")),
        ("gateway_text", I, RuntimeError("gateway did not answer within 10 s")),
        ("maintenance", I, Exception("ERP is in maintenance mode until 06:00")),
        ("login", I, RuntimeError("login to SAP failed: password expired")),
        ("license", I, RuntimeError("no free license for RFC user")),
        ("rate", I, RuntimeError("rate limit reached, retry in 30 seconds")),
        ("certificate", I, RuntimeError("certificate of erp.example expired on 2026-11-01")),
        ("disk", I, RuntimeError("disk quota exceeded on /srv/out")),
        ("setting", I, RuntimeError("environment variable ERP_URL is not set")),
        ("http_502", I, Exception("Got HTTP 502 from https://erp.example/api")),
        ("http_400", D, Exception("erp answered 400 Bad Request")),
        ("http_402", B, Exception("gateway answered 402")),
    ):
        yield f"script/{name}", label, lambda e=error: _raise(e)
    for name, act in {
        "type": lambda: "1" + 1,
        "none": lambda: None.total,
        "call": lambda: (lambda a: a)(),
        "name": lambda: undefined_name,
        "zero": lambda: 1 / 0,
        "assert": lambda: _assert(),
        "recursion": lambda: _recurse(),
        "not_implemented": lambda: _raise(NotImplementedError()),
        "stop": lambda: next(iter(())),
        "dict_changed": lambda: _changed(),
        "unbound": lambda: _unbound(),
        "attribute": lambda: "x".push("y"),
        "subscript": lambda: None["total"],
        "bare": lambda: _raise(Exception("something went wrong")),
        "bare_runtime": lambda: _raise(RuntimeError("could not finish step 3")),
    }.items():
        yield f"fault/{name}", "unknown", act


def _raise(error):
    raise error


def _assert():
    assert False


def _recurse():
    return _recurse()


def _changed():
    d = {1: 1}
    for k in d:
        d[k + 1] = 1


def _unbound():
    if False:
        x = 1
    return x
