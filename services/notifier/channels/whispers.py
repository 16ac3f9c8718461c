"""What one member of Slack alone reads about what they pressed, by the response URL of the press."""

import asyncio
from typing import Final

import httpx

from libs.common.logs import get_logger
from services.notifier.domain.slack import takes_answers

log = get_logger(__name__)

SECONDS: Final = 10.0


class Whispers:
    """Says sentences that one member alone reads, by the response URL of what they pressed. Lost with the process: nothing depends on them."""

    name = "whispers"

    def __init__(self, instead: str | None) -> None:
        self._instead = instead
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False)
        self._said: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing is said by itself."""

    async def stop(self) -> None:
        """Say what was begun to the end."""
        await asyncio.gather(*self._said)
        await self._http.aclose()

    async def idle(self) -> bool:
        """Whether everything was said."""
        return not self._said

    def say(self, url: str, text: str) -> None:
        """Have ``text`` said at ``url``, if that is an address of Slack's for answers."""
        if not takes_answers(url, self._instead):
            log.warning("answer not said", reason="not_an_address_of_slack")
            return
        task = asyncio.create_task(self._say(url, text))
        self._said.add(task)
        task.add_done_callback(self._said.discard)

    async def _say(self, url: str, text: str) -> None:
        try:
            answer = await self._http.post(url, json=whisper(text) | {"replace_original": False})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("answer not said", reason=type(error).__name__)
            return
        if not answer.is_success:
            log.warning("answer not said", reason=str(answer.status_code))


def whisper(text: str) -> dict[str, str | bool]:
    """The answer that nobody else in the conversation sees."""
    return {"response_type": "ephemeral", "text": text}
