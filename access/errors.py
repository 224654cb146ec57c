"""What can go wrong between a person and an act."""

from __future__ import annotations

from data.errors import ConflictError, UnsnagError


class ForbiddenError(UnsnagError):
    """Your role does not allow this. Ask an admin for the role that does."""


class SignedOutError(UnsnagError):
    """You are not signed in, or your session has ended. Sign in again."""


class RefusedSignInError(UnsnagError):
    """The name or the password is wrong. Try again, or ask an admin for a new link."""


class TooManyTriesError(UnsnagError):
    """Too many tries. Wait a little, then try again."""

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"Too many tries. Wait {wait_s} seconds, then try again.")


class LinkUsedError(UnsnagError):
    """This link was used before, has expired, or was replaced. Ask an admin for a new one."""


class InvalidPersonError(UnsnagError):
    """Invalid name, password or role."""


class PersonNotFoundError(UnsnagError):
    """No person has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No person is called {name}.")


class TokenNotFoundError(UnsnagError):
    """There is no token of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no valid token called {name}.")


class AlreadyThereError(ConflictError):
    """It is there already."""


class LastAdminError(ConflictError):
    """Nobody could give roles afterwards: this is the last admin. Make somebody else an admin first."""


class TokenReusedError(UnsnagError):
    """This Idempotency-Key was used for a different request. Use a new one."""
