"""The HTML around a page that a deep link names, such as `/trace?id=SO-1`.

Streamlit's own HTML does not say where its server is, so its script asks below the page's path first: two
requests that are answered 404 on each deep link, before it asks at the root. Ours says it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import HTMLResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_SCRIPT: Final = "<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"
_FIRST: Final = '<script type="module"'


class _PageConvertor(StringConvertor):
    """One part of a path that can be a page: files have a dot, Streamlit's own routes an underscore."""

    regex = "[a-z][a-z-]*"


@cache
def streamlits_html() -> str:
    """Return the HTML that Streamlit serves for its pages; empty where Streamlit is not installed."""
    found = find_spec("streamlit")
    file = Path(found.origin or "").parent / "static" / "index.html" if found else Path()
    return file.read_text(encoding="utf-8") if file.is_file() else ""


@cache
def html() -> str:
    """Return Streamlit's HTML with the script that says where the server is, before the first that asks."""
    return streamlits_html().replace(_FIRST, f"{_SCRIPT}\n    {_FIRST}", 1)


async def _page(_request: Request) -> HTMLResponse:
    return HTMLResponse(html(), headers={"Cache-Control": "no-cache"})


register_url_convertor("page", _PageConvertor())
ROUTE: Final = Route("/{page:page}", _page)
"""It comes last: whatever path has a route of its own is no page."""
