"""Collects what an exception shows of its class: status, codes, bases and cause.

An attribute that raises counts as absent: the exception is somebody else's.
"""

from __future__ import annotations

from typing import Any, Final

from unsnag.classification import Evidence
from unsnag.encoding import readable_str

_DEPTH: Final = 4
_SQLSTATE: Final = 5
_STATUS_NAMES: Final = ("status_code", "http_status", "status", "code")


def type_name(error_type: type[BaseException]) -> str:
    """Return a type's name with its module, built-in ones without."""
    module = error_type.__module__
    return error_type.__qualname__ if module == "builtins" else f"{module}.{error_type.__qualname__}"


def of_exception(error: BaseException, depth: int = 0) -> Evidence:
    """Return what an exception and its causes show."""
    kind = type(error)
    return Evidence(
        type_name(kind),
        readable_str(error),
        http_status(error),
        tuple(type_name(base) for base in kind.__mro__[1:-1] if base not in {Exception, BaseException}),
        codes(error, kind),
        None if depth >= _DEPTH else _cause(error, depth),
    )


def _cause(error: BaseException, depth: int) -> Evidence | None:
    inner = _attribute(error, "orig") or error.__cause__
    if inner is None and not error.__suppress_context__:
        inner = error.__context__
    return of_exception(inner, depth + 1) if isinstance(inner, BaseException) else None


def http_status(error: BaseException) -> int | None:
    """Return the status that a called system answered, as the usual HTTP clients keep it."""
    response = _attribute(error, "response")
    places = [_attribute(response, name) for name in ("status_code", "status")]
    places += [_attribute(error, name) for name in _STATUS_NAMES]
    if isinstance(response, dict):
        places.append(_inside(response, "ResponseMetadata", "HTTPStatusCode"))
    numbers = (_attribute(place, "value") if not isinstance(place, (int, str)) else place for place in places)
    return next((n for n in numbers if isinstance(n, int) and 100 <= n < 600), None)  # noqa: PLR2004


def codes(error: BaseException, kind: type[BaseException]) -> dict[str, str]:
    """Return the codes that an exception carries, by the table that knows them."""
    found: dict[str, str] = {}
    for family, value in _candidates(error, kind.__module__.partition(".")[0]):
        plain = (
            _attribute(value, "value") or _attribute(value, "name")
            if not isinstance(value, (str, int))
            else value
        )
        if isinstance(plain, (str, int)) and plain not in {"", None} and family not in found:
            found[family] = str(plain)
    return found


def _candidates(error: BaseException, package: str) -> list[tuple[str, Any]]:
    """Return where each kind of code stands; a code of the wrong kind is in no table."""
    states = [_attribute(error, name) for name in ("sqlstate", "pgcode")]
    sqlstate = next((s for s in states if isinstance(s, str) and len(s) == _SQLSTATE), None)
    listed: list[tuple[str, Any]] = [("sqlite", _attribute(error, "sqlite_errorname"))]
    if package in {"pymysql", "MySQLdb", "mysql"}:
        arguments = _attribute(error, "args") or (None,)
        listed.append(("mysql", _attribute(error, "errno") or arguments[0]))
    if sqlstate and sqlstate != "HY000":
        listed.append(("sqlstate", sqlstate))
    listed.append(("aws", _inside(_attribute(error, "response"), "Error", "Code")))
    code = _attribute(error, "code")
    if package in _BY_PACKAGE:
        family, names = _BY_PACKAGE[package]
        listed += [(family, _attribute(error, name)) for name in names]
    elif callable(code) and package == "grpc":
        listed.append(("grpc", _attribute(_called(code), "name")))
    if any(base.__name__ == "OSError" for base in type(error).__mro__) and package in _OPERATING_SYSTEM:
        listed.append(("errno", _attribute(error, "errno")))
    listed.append(("exit", _attribute(error, "returncode") if package == "subprocess" else None))
    return listed


_BY_PACKAGE: Final = {
    "azure": ("azure", ("error_code",)),
    "stripe": ("stripe", ("decline_code", "code")),
    "twilio": ("twilio", ("code",)),
    "pymongo": ("mongo", ("code",)),
}
_OPERATING_SYSTEM: Final = frozenset({"builtins", "socket", "ssl", "asyncio", "aiohttp", "shutil"})
"""Packages whose `errno` is the operating system's."""


def _called(code: Any) -> Any:
    try:
        return code()
    except Exception:  # noqa: BLE001 - a method of somebody's exception may raise
        return None


def _inside(value: Any, first: str, second: str) -> Any:
    inner = value.get(first) if isinstance(value, dict) else None
    return inner.get(second) if isinstance(inner, dict) else None


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001 - a property of somebody's exception may raise
        return None
