"""tracestate as W3C Trace Context has it: bad members are dropped, long lists are cut between members."""

from __future__ import annotations

import email.message
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import TraceState

import unsnag
from unsnag import testing
from unsnag.propagation import checked_tracestate, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

PARENT = f"00-{'1' * 32}-{'2' * 16}-01"


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("a=1,b=2", "a=1,b=2"),
        (" a=1 \t,\tb=2", "a=1,b=2"),
        ("a=1,,b=2,", "a=1,b=2"),
        ("FOO=1,b=2", "b=2"),
        ("foo =1,b=2", "b=2"),
        ("foo.bar=1,b=2", "b=2"),
        ("foo@=1,@foo=1,foo@@bar=1,foo@bar@baz=1,b=2", "b=2"),
        ("0x@vendor=1,9=2", "0x@vendor=1"),
        ("a=b=c,d,=e,f=,b=2", "b=2"),
        ("a=\xe9,b=\x7f,c=\n,d=2", "d=2"),
        ("a= x y,b=2", "a= x y,b=2"),
        ("a=1,b=2,a=3", "a=1,b=2"),
        ("k" * 256 + "=1", "k" * 256 + "=1"),
        ("k" * 257 + "=1,b=2", "b=2"),
        ("t" * 241 + "@" + "v" * 14 + "=1", "t" * 241 + "@" + "v" * 14 + "=1"),
        ("t" * 242 + "@v=1,t@" + "v" * 15 + "=1", ""),
        ("a=" + "v" * 256, "a=" + "v" * 256),
        ("a=" + "v" * 257, ""),
        ("", ""),
    ],
)
def test_only_valid_members_are_kept(header: str, kept: str) -> None:
    assert checked_tracestate(header) == kept
    # The reader of OpenTelemetry, which takes all or nothing, takes what is left.
    assert TraceState.from_header([kept]).to_header() == kept


def test_more_than_32_members_lose_the_last() -> None:
    members = [f"k{number}=1" for number in range(40)]
    assert checked_tracestate(",".join(members)) == ",".join(members[:32])


def test_a_long_list_loses_whole_members_large_ones_first_and_then_from_its_end() -> None:
    small = [f"k{number}={'v' * 40}" for number in range(9)]  # 43 characters each
    large = f"large={'v' * 130}"
    assert checked_tracestate(",".join([large, *small])) == ",".join(small)
    other = f"other={'v' * 60}"
    many = [*small, other, "m=" + "v" * 60, "n=1"]
    kept = checked_tracestate(",".join(many))
    assert kept == ",".join([*small, other])
    assert len(kept) <= 512 < len(",".join(many))
    exact = ",".join([*small, "e=" + "v" * (512 - len(",".join(small)) - 3)])
    assert len(exact) == 512
    assert checked_tracestate(exact) == exact
    assert checked_tracestate(exact + "v") == ",".join(small)


def test_a_repeated_header_is_one_list() -> None:
    assert parse({"traceparent": PARENT, "tracestate": ["a=1", "b=2"]}).tracestate == "a=1,b=2"
    message = email.message.Message()  # what http.client and http.server give
    for name, value in (("Traceparent", PARENT), ("Tracestate", "a=1"), ("TraceState", "b=2,a=3")):
        message[name] = value
    for part in ("unsnag.tenant=acme", "unsnag.flow=f"):
        message["baggage"] = part
    remote = parse(message)  # type: ignore[arg-type]
    assert remote.tracestate == "a=1,b=2"
    assert remote.baggage == {"unsnag.tenant": "acme", "unsnag.flow": "f"}


def test_two_traceparents_are_none() -> None:
    remote = parse({"traceparent": [PARENT, PARENT], "tracestate": "a=1"})
    assert (remote.trace_id, remote.tracestate, remote.is_invalid) == (None, "", True)


def test_what_is_handed_on_is_checked() -> None:
    with (
        testing.captured("f") as events,
        unsnag.from_headers({"traceparent": PARENT, "tracestate": ["BAD", "a=1", "b=2"]}),
        unsnag.unit("SO-1"),
    ):
        assert unsnag.headers()["tracestate"] == "a=1,b=2"
    assert events.spans[0]["traceState"] == "a=1,b=2"


def test_tracestate_passes_through_a_provider_of_the_scripts_own(run_script: Callable[..., Ran]) -> None:
    ran = run_script(f"""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    import unsnag
    trace.set_tracer_provider(TracerProvider())
    unsnag.init(flow="f")
    with unsnag.from_headers({{"traceparent": "{PARENT}", "tracestate": "BAD,a=1"}}), unsnag.unit("SO-1"):
        theirs = {{}}
        TraceContextTextMapPropagator().inject(theirs)
        with trace.get_tracer("t").start_as_current_span("inner"):
            print(theirs["tracestate"], unsnag.headers()["tracestate"])
    """)
    assert ran.stdout.split() == ["a=1", "a=1"]
