"""Flask: ``hook(app, unit="/orders/{unit}")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unsnag.frameworks.web import FAILED, WRITING
from unsnag.frameworks.wsgi import ERROR, UnitMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unsnag.frameworks.naming import Rule


def hook(
    app: Any,
    unit: Rule = None,
    *,
    methods: Iterable[str] = WRITING,
    failed_from: int = FAILED,
    **options: Any,
) -> None:
    """Make each request of an application the block of its unit.

    Args:
        app: The application.
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`; a function gets Flask's request.
        methods: Requests that may be part of a unit's way.
        failed_from: The lowest status of an answer that is a failure.
        options: What `unsnag.unit` takes beside the ID, such as ``completes=False``.
    """
    from flask import got_request_exception, request  # noqa: PLC0415 - only who uses it has it

    def note(_app: Any, exception: BaseException, **_: Any) -> None:
        request.environ[ERROR] = exception

    got_request_exception.connect(note, app, weak=False)
    middleware = _Middleware(app.wsgi_app, unit, methods=methods, failed_from=failed_from, **options)
    middleware.flask = app
    app.wsgi_app = middleware


class _Middleware(UnitMiddleware):
    flask: Any = None

    def template(self, environ: dict[str, Any]) -> str | None:
        try:
            rule, _ = self.flask.url_map.bind_to_environ(environ).match(return_rule=True)
        except Exception:  # noqa: BLE001 - no such route, another method, a redirect: Flask will answer
            return None
        return str(rule.rule)

    def request(self, environ: dict[str, Any]) -> Any:
        return self.flask.request_class(environ)
