"""The errors that an automation raises to say what kind of trouble it met.

The class decides who is asked: the business, the owner of the data, or operations.
Whatever an operator needs to act goes along as context fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from unsnag import conventions

if TYPE_CHECKING:
    from collections.abc import Mapping


class AutomationError(Exception):
    """An automation cannot go on with this unit."""

    __module__ = "unsnag"  # how scripts and stack traces name it

    error_class: ClassVar[str] = conventions.CLASS_UNKNOWN

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        value_at_risk: object = None,
        context: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Keep what an operator needs.

        Args:
            message: What happened, in a sentence.
            code: A short stable name of the situation, such as ``gateway.timeout``.
            value_at_risk: Money at risk, when it differs from the unit's value.
            context: Context fields whose names are no Python names.
            fields: Context fields.
        """
        super().__init__(message or type(self).__doc__)
        self.code = code
        self.value_at_risk = value_at_risk
        self.stacktrace: str | None = None
        """What stands for the stack when the failure happened in another program."""
        self.context: dict[str, Any] = {**(context or {}), **fields}


class BusinessError(AutomationError):
    """A rule of the business stops this unit; a person has to decide."""

    __module__ = "unsnag"  # how scripts and stack traces name it

    error_class = conventions.CLASS_BUSINESS


class DataError(AutomationError):
    """The unit's data is missing, malformed or contradicts itself."""

    __module__ = "unsnag"  # how scripts and stack traces name it

    error_class = conventions.CLASS_DATA


class InfrastructureError(AutomationError):
    """A system that the step depends on does not do its work; trying again may help."""

    __module__ = "unsnag"  # how scripts and stack traces name it

    error_class = conventions.CLASS_INFRASTRUCTURE
