"""What the weekly review refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.errors import ConflictError, UnsnagError

if TYPE_CHECKING:
    from collections.abc import Sequence


class WeekRunsError(UnsnagError):
    """The week is not over."""


class WeekChangedError(ConflictError):
    """Something of the week changed while its figures were computed."""

    def __init__(self, week: str) -> None:
        super().__init__(
            f"The week {week} is not frozen: records of it arrived, or settings of figures changed, while it "
            "was computed. Freeze it again."
        )


class EmptyCommentError(UnsnagError):
    """A comment without words."""


class EmptyTextError(UnsnagError):
    """What was to be written down has no words."""


class ActionNotFoundError(UnsnagError):
    """There is no such action."""

    def __init__(self, action_id: str) -> None:
        super().__init__(f"There is no action {action_id!r}.")


class EntryNotFoundError(UnsnagError):
    """There is no such win, miss or decision in the week."""

    def __init__(self, week: str, entry_id: str) -> None:
        super().__init__(f"The week {week} has no entry {entry_id!r}.")


class CommentMissingError(UnsnagError):
    """A figure moved, and nobody wrote why."""

    def __init__(self, week: str, names: Sequence[str]) -> None:
        super().__init__(
            f"The week {week} is not frozen: a comment is missing on {', '.join(names)}. "
            "Write why each of these figures moved, then freeze the week."
        )
