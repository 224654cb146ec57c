"""Steps that are generator functions: one attempt, from the first item that is asked for to the last.

Between two items the code that uses the generator runs outside of the attempt: its lines are not the step's.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator


class Attempt(Protocol):
    """One try of a step, which can be left for a while."""

    def begin(self) -> None:
        """Enter it."""

    def pause(self) -> None:
        """Leave its scope until `resume`."""

    def resume(self) -> None:
        """Enter its scope again."""

    def finish(self, error: BaseException | None) -> None:
        """Leave it."""


def wrapped(function: Any, make: Callable[[], Attempt]) -> Any:
    """Return a generator function whose generators are attempts."""

    @wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        attempt, generator = make(), function(*args, **kwargs)
        attempt.begin()
        try:
            result = yield from _driven(attempt, generator)
        except BaseException as error:
            attempt.finish(error)
            raise
        attempt.finish(None)
        return result

    return generate


def _driven(attempt: Attempt, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    advance: Callable[[Any], Any] = generator.send
    value: Any = None
    while True:
        try:
            item = advance(value)
        except StopIteration as end:
            return end.value
        attempt.pause()
        try:
            value, advance = (yield item), generator.send
        except GeneratorExit:
            attempt.resume()
            generator.close()
            raise
        except BaseException as error:  # noqa: BLE001 - it is thrown into the generator
            value, advance = error, generator.throw
        attempt.resume()


def wrapped_async(function: Any, make: Callable[[], Attempt]) -> Any:
    """Return an asynchronous generator function whose generators are attempts."""

    @wraps(function)
    async def generate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        attempt, generator = make(), function(*args, **kwargs)
        attempt.begin()
        advance, value = generator.asend, None
        try:
            while True:
                try:
                    item = await advance(value)
                except StopAsyncIteration:
                    break
                attempt.pause()
                try:
                    value, advance = (yield item), generator.asend
                except GeneratorExit:
                    attempt.resume()
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is thrown into the generator
                    value, advance = error, generator.athrow
                attempt.resume()
        except BaseException as error:
            attempt.finish(error)
            raise
        attempt.finish(None)

    return generate
