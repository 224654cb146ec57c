"""Payment, CRM, messaging and other services' own clients, against the answers that these services document."""

import json

import braintree
import elasticsearch
import hvac
import ldap3
import oracledb
import simple_salesforce
import slack_sdk
import stripe
import tenacity
import twilio.base.exceptions
import twilio.rest

B, D, I = "business", "data", "infrastructure"


def programs(w):
    def charge(status, **error):
        stripe.max_network_retries = 0
        client = stripe.StripeClient(
            "sk_test_1",
            base_addresses={"api": w.always(status=status, body=json.dumps({"error": error}))},
            max_network_retries=0,
        )
        getattr(client, "v1", client).charges.create({"amount": 1, "currency": "eur"})

    for code, decline, text in (
        ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        ("card_declined", "generic_decline", "Your card was declined."),
        ("card_declined", "do_not_honor", "Your card was declined."),
        ("expired_card", None, "Your card has expired."),
        ("incorrect_cvc", None, "Your card's security code is incorrect."),
        ("card_declined", "lost_card", "Your card was declined."),
        (
            "authentication_required",
            None,
            "This payment requires additional user action before it can be completed.",
        ),
        (
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        ),
    ):
        yield (
            f"stripe/{decline or code}",
            B,
            lambda c=code, d=decline, t=text: charge(
                402, type="card_error", code=c, decline_code=d, message=t
            ),
        )
    yield (
        "stripe/missing",
        D,
        lambda: charge(
            404,
            type="invalid_request_error",
            code="resource_missing",
            message="No such customer: 'cus_9s6XKzkNRiz8i3'",
            param="customer",
        ),
    )
    yield (
        "stripe/currency",
        D,
        lambda: charge(
            400,
            type="invalid_request_error",
            code="parameter_invalid",
            message="Invalid currency: eurr.",
            param="currency",
        ),
    )
    yield (
        "stripe/amount",
        D,
        lambda: charge(
            400,
            type="invalid_request_error",
            code="amount_too_small",
            message="Amount must be at least €0.50 eur",
            param="amount",
        ),
    )
    yield (
        "stripe/key",
        I,
        lambda: charge(401, type="invalid_request_error", message="Invalid API Key provided: sk_test_*1"),
    )
    yield (
        "stripe/rate",
        I,
        lambda: charge(
            429,
            type="invalid_request_error",
            code="rate_limit",
            message="Too many requests hit the API too quickly.",
        ),
    )
    yield "stripe/api", I, lambda: charge(500, type="api_error", message="An unknown error occurred")
    yield (
        "stripe/permission",
        I,
        lambda: charge(
            403,
            type="invalid_request_error",
            message="The provided key does not have access to account 'acct_1'",
        ),
    )
    yield (
        "stripe/refused",
        I,
        lambda: stripe.StripeClient(
            "k", base_addresses={"api": f"http://127.0.0.1:{w.refused}"}, max_network_retries=0
        ).v1.charges.create({"amount": 1, "currency": "eur"}),
    )
    yield "stripe/webhook", I, lambda: stripe.Webhook.construct_event("{}", "t=1,v1=abc", "whsec_x")
    yield (
        "stripe/refunded",
        B,
        lambda: charge(
            400,
            type="invalid_request_error",
            code="charge_already_refunded",
            message="Charge ch_3 has already been refunded.",
        ),
    )
    yield (
        "stripe/balance",
        B,
        lambda: charge(
            400,
            type="invalid_request_error",
            code="balance_insufficient",
            message="You have insufficient funds in your Stripe account for this transfer.",
        ),
    )

    def salesforce(status, code, text, *fields):
        host = w.always(
            status=status, body=json.dumps([{"errorCode": code, "message": text, "fields": list(fields)}])
        )
        account = simple_salesforce.Salesforce(instance="shop.example", session_id="x").Account
        account.base_url = f"{host}/services/data/v59.0/sobjects/Account/"
        account.create({"Name": "x"})

    for status, code, text, label in (
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "A discount of more than 20 % needs an approval", B),
        (400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", D),
        (401, "INVALID_SESSION_ID", "Session expired or invalid", I),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", I),
        (404, "NOT_FOUND", "The requested resource does not exist", D),
        (400, "DUPLICATE_VALUE", "duplicate value found: External_Id__c duplicates value on record", D),
        (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.", I),
        (400, "ENTITY_IS_LOCKED", "entity is locked for editing: the record is in an approval process", B),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", I),
        (400, "STRING_TOO_LONG", "Billing City: data value too large", D),
        (503, "SERVER_UNAVAILABLE", "We are down for maintenance.", I),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: XX", D),
    ):
        yield f"salesforce/{code.lower()}", label, lambda s=status, c=code, t=text: salesforce(s, c, t)
    for status, code, text, label in (
        (400, 21610, "Attempt to send to unsubscribed recipient", B),
        (400, 21211, "The 'To' number is not a valid phone number.", D),
        (401, 20003, "Authenticate", I),
        (429, 20429, "Too Many Requests", I),
    ):
        yield f"twilio/{code}", label, lambda s=status, c=code, t=text: _twilio(w, s, c, t)
    for name, code, label in (
        ("channel_not_found", "channel_not_found", I),
        ("ratelimited", "ratelimited", I),
        ("invalid_auth", "invalid_auth", I),
        ("msg_too_long", "msg_too_long", D),
    ):
        yield (
            f"slack/{name}",
            label,
            lambda c=code: slack_sdk.WebClient(
                "x", base_url=w.always(body=json.dumps({"ok": False, "error": c})) + "/"
            ).chat_postMessage(channel="c", text="x"),
        )

    def elastic(status, kind, reason, op="get"):
        client = elasticsearch.Elasticsearch(
            w.always(
                status=status,
                headers="X-Elastic-Product:Elasticsearch",
                body=json.dumps({"error": {"type": kind, "reason": reason}, "status": status}),
                type="application/vnd.elasticsearch+json;compatible-with=9"
                if elasticsearch.__version__[0] == 9
                else "application/json",
            ),
            max_retries=0,
        )
        client.index(index="orders", id="1", document={})

    for status, kind, reason, label in (
        (404, "index_not_found_exception", "no such index [orders]", I),
        (409, "version_conflict_engine_exception", "[1]: version conflict, document already exists", D),
        (400, "mapper_parsing_exception", "failed to parse field [price] of type [float]", D),
        (429, "circuit_breaking_exception", "[parent] Data too large", I),
        (
            403,
            "cluster_block_exception",
            "index [orders] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
            I,
        ),
        (401, "security_exception", "unable to authenticate user [shop]", I),
        (503, "master_not_discovered_exception", "null", I),
    ):
        yield f"elasticsearch/{kind}", label, lambda s=status, k=kind, r=reason: elastic(s, k, r)
    yield (
        "elasticsearch/refused",
        I,
        lambda: elasticsearch.Elasticsearch(f"http://127.0.0.1:{w.refused}", max_retries=0).info(),
    )
    yield (
        "ldap3/refused",
        I,
        lambda: ldap3.Connection(ldap3.Server("127.0.0.1", w.refused, connect_timeout=1), auto_bind=True),
    )
    yield (
        "oracledb/refused",
        I,
        lambda: oracledb.connect(
            user="u", password="p", dsn=f"127.0.0.1:{w.refused}/erp", tcp_connect_timeout=1, retry_count=0
        ),
    )
    yield "oracledb/alias", I, lambda: oracledb.connect(user="u", password="p", dsn="erp_prod")
    for status, text, label in ((403, "permission denied", I), (404, "", I), (503, "Vault is sealed", I)):
        yield (
            f"hvac/{status}",
            label,
            lambda s=status, t=text: hvac.Client(
                w.always(status=s, body=json.dumps({"errors": [t] if t else []})), "t"
            ).secrets.kv.v2.read_secret_version(path="erp", raise_on_deleted_version=True),
        )
    for kind, text, label in (
        ("AuthenticationError", "", I),
        ("AuthorizationError", "", I),
        ("NotFoundError", "transaction with id 42 not found", D),
        ("ServerError", "", I),
        ("TooManyRequestsError", "", I),
    ):
        code = {
            "AuthenticationError": 401,
            "AuthorizationError": 403,
            "NotFoundError": 404,
            "ServerError": 500,
            "TooManyRequestsError": 429,
        }[kind]
        yield f"braintree/{kind}", label, lambda c=code, t=text: _braintree(c, t)
    yield "tenacity/retry_error", I, lambda: _tenacity()


def _tenacity():
    @tenacity.retry(stop=tenacity.stop_after_attempt(2))
    def run():
        raise TimeoutError("The read operation timed out")

    run()


def _braintree(code, text):
    from braintree.util.http import Http

    Http.raise_exception_from_status(code, text)


def _twilio(w, status, code, text):
    client = twilio.rest.Client("AC" + "0" * 32, "x")
    url = w.always(
        status=status,
        body=json.dumps(
            {
                "code": code,
                "message": text,
                "more_info": "https://www.twilio.com/docs/errors/%d" % code,
                "status": status,
            }
        ),
    )
    base = client.api.base_url
    client.api.base_url = url
    client.messages.create(to="+491", from_="+492", body="x")
