"""The server's own spans, by OpenTelemetry's API: an SDK sends them; without one they cost next to nothing.

A refusal (`UnsnagError`) is an answer, so it leaves its span well; that the store cannot write, and every
other exception, is a failure.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Link, ProxyTracerProvider, Span, Status, StatusCode

from data.errors import StoreUnavailableError, UnsnagError
from unsnag.conventions import CORRELATION_ID, STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.context import Context

TRACER: Final = trace.get_tracer("unsnag")


def _is_traced() -> bool:
    """Return whether there is an SDK. Without it the API still makes spans: some 50 µs against 7."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


@contextmanager
def span(step: str, *, parent: Context | None = None, linked: Iterable[Context] = ()) -> Iterator[Span]:
    """Record what runs inside as one attempt of `step`, below `parent` or else what runs already."""
    if not _is_traced():
        yield INVALID_SPAN
        return
    links = [Link(trace.get_current_span(one).get_span_context()) for one in linked]
    with TRACER.start_as_current_span(
        step,
        parent,
        attributes={STEP: step},
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except StoreUnavailableError as error:
            fail(made, error.__cause__ or error)
            raise
        except UnsnagError:
            raise
        except BaseException as error:
            fail(made, error)
            raise


@contextmanager
def span_if_busy(step: str, unit: str) -> Iterator[Busy]:
    """Record what runs inside for `unit`, unless there was nothing to do: a look is no work."""
    if not _is_traced():
        yield Busy(INVALID_SPAN)
        return
    made = TRACER.start_span(step, attributes={STEP: step, CORRELATION_ID: unit})
    busy = Busy(made)
    with trace.use_span(made, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield busy
    if busy.is_busy:
        made.end()


class Busy:
    """Whether there was something to do."""

    def __init__(self, made: Span) -> None:
        self._span = made
        self.is_busy = False

    def note(self, count: int) -> None:
        """Note how much was done."""
        self.is_busy = self.is_busy or bool(count)

    def fail(self, error: BaseException) -> None:
        """Note that it failed: that is always recorded."""
        self.is_busy = True
        fail(self._span, error)


def fail(made: Span, error: BaseException) -> None:
    """Say that a span failed, and with which exception."""
    made.record_exception(error)
    made.set_status(Status(StatusCode.ERROR, type(error).__name__))
