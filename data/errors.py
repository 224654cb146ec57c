"""Situations that the store's callers can act on."""

from __future__ import annotations


class UnsnagError(Exception):
    """Something went wrong that a person or a caller can act on."""

    def __init__(self, message: str | None = None) -> None:
        """Take a message, or the first line of the class's docstring."""
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class StoreNewerError(UnsnagError):
    """The store was written by a newer version."""


class StoreInUseError(UnsnagError):
    """Another process has the store open. Stop it, or choose another data folder with --data."""


class StoreDamagedError(UnsnagError):
    """A file of the store cannot be read."""


class StoreFolderError(UnsnagError):
    """The folder of the store cannot be written."""


class StoreBusyError(UnsnagError):
    """The writer has more waiting than it may hold. Try again in a moment."""


class StoreHeldError(StoreBusyError):
    """Nothing is written until an operator has decided what to do about the store."""


class StoreUnavailableError(UnsnagError):
    """The store could not write. Nothing was acknowledged; send it again."""


class StoreFullError(StoreUnavailableError):
    """The disk of the store is full. Nothing was written; send it again."""


class StoreClosedError(UnsnagError):
    """The store is closed: nothing was written. Start it again and repeat."""


class ScopeMissingError(UnsnagError):
    """A statement that reads within a scope was asked without one: nothing was read."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"{statement} reads within a scope and was asked without one: nothing was read. "
            "Ask it through a Reading, or bind `scope`."
        )


class ConflictError(UnsnagError):
    """Someone was faster."""
