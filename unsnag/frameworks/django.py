"""Django, under WSGI and under ASGI: add ``"unsnag.frameworks.django.UnitMiddleware"`` to ``MIDDLEWARE``.

``UNSNAG = {"unit": "/orders/{unit}"}`` in the settings says where the unit's ID is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from unsnag.frameworks.naming import Source
from unsnag.frameworks.web import FAILED, WRITING, Requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from unsnag.frameworks.entry import Entry

_ERROR: Final = "_unsnag_error"


class UnitMiddleware:
    """Makes each request the block of its unit; the block of a streamed answer ends with the stream.

    The setting ``UNSNAG`` is a dictionary: ``unit`` (a function gets Django's request), ``methods``,
    ``failed_from``, and what `unsnag.unit` takes beside the ID.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction  # noqa: PLC0415 - comes with Django
        from django.conf import settings  # noqa: PLC0415 - only who uses it has it

        given = dict(getattr(settings, "UNSNAG", {}))
        self._get_response = get_response
        self._requests = Requests(
            given.pop("unit", None),
            methods=given.pop("methods", WRITING),
            failed_from=given.pop("failed_from", FAILED),
            options=given,
        )
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer one request, or return what will."""
        if self._is_async:
            return self._later(request)
        entry = self._entry(request)
        entry.begin()
        try:
            response = self._get_response(request)
        except BaseException as error:
            entry.finish(error)
            raise
        return self._answered(entry, request, response)

    async def _later(self, request: Any) -> Any:
        entry = self._entry(request)
        entry.begin()
        try:
            response = await self._get_response(request)
        except BaseException as error:
            entry.finish(error)
            raise
        return self._answered(entry, request, response)

    def process_exception(self, request: Any, exception: BaseException) -> None:
        """Keep the exception that Django turns into an answer."""
        setattr(request, _ERROR, exception)

    def _entry(self, request: Any) -> Entry:
        source = Source(lambda rule: rule(request), request.path_info, request.headers.get)
        return self._requests.entry(request.method, source, _route(request), dict(request.headers))

    def _answered(self, entry: Entry, request: Any, response: Any) -> Any:
        self._requests.answered(entry, response.status_code, getattr(request, _ERROR, None))
        if not getattr(response, "streaming", False):
            entry.finish()
            return response
        stream = _streamed_later if response.is_async else _streamed
        response.streaming_content = stream(entry, response.streaming_content)
        return response


def _streamed(entry: Entry, content: Any) -> Iterator[Any]:
    try:
        yield from content
    except BaseException as error:
        entry.finish(error)
        raise
    entry.finish()


async def _streamed_later(entry: Entry, content: Any) -> AsyncIterator[Any]:
    try:
        async for piece in content:
            yield piece
    except BaseException as error:
        entry.finish(error)
        raise
    entry.finish()


def _route(request: Any) -> str | None:
    from django.urls import resolve  # noqa: PLC0415

    try:
        return f"/{resolve(request.path_info, getattr(request, 'urlconf', None)).route}"
    except Exception:  # noqa: BLE001 - no such route: Django will answer
        return None
