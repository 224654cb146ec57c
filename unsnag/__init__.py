"""Hook an automation that you already have: `init`, `unit` and `step` are all that it calls.

Importing costs a few milliseconds: names are loaded when they are used,
so the server can import `unsnag.masking` without the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from unsnag.api import (
        correlation_id,
        environment,
        flush,
        from_headers,
        headers,
        idempotency_key,
        init,
        shutdown,
    )
    from unsnag.approvals import Answer, Approval, ApprovalError, NoAnswerError, approval
    from unsnag.errors import AutomationError, BusinessError, DataError, InfrastructureError
    from unsnag.handlers import Retry, handler
    from unsnag.steps import step
    from unsnag.units import unit

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Approval",
    "ApprovalError",
    "AutomationError",
    "BusinessError",
    "DataError",
    "InfrastructureError",
    "NoAnswerError",
    "Retry",
    "__version__",
    "approval",
    "correlation_id",
    "environment",
    "flush",
    "from_headers",
    "handler",
    "headers",
    "idempotency_key",
    "init",
    "shutdown",
    "step",
    "unit",
]

_HOMES: Final = {
    "Answer": "approvals",
    "Approval": "approvals",
    "ApprovalError": "approvals",
    "AutomationError": "errors",
    "BusinessError": "errors",
    "DataError": "errors",
    "InfrastructureError": "errors",
    "NoAnswerError": "approvals",
    "Retry": "handlers",
    "approval": "approvals",
    "handler": "handlers",
    "load_ipython_extension": "frameworks.jupyter",  # %load_ext unsnag
    "step": "steps",
    "unit": "units",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in __all__ and name not in _HOMES:
        raise AttributeError(f"module 'unsnag' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = getattr(import_module(f"unsnag.{_HOMES.get(name, 'api')}"), name)
    globals()[name] = value
    return value
