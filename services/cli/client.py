"""A running Tocsin, asked over HTTP at the address of its status page."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from services.cli.errors import Failed, Problem, failed, problems_of

TIMEOUT: Final = httpx.Timeout(130.0, connect=5.0)
ORDER: Final = ("intake", "escalator", "notifier", "oncall")
"""In which services are changed: oncall last, since it may take the caller's own key away."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """Why it was not done."""
        said = self.body.get("detail") if isinstance(self.body, dict) else None
        return str(said or f"it answered with status {self.status}")


class Tocsin(AbstractContextManager["Tocsin"]):
    """The services behind one address."""

    def __init__(self, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=TIMEOUT,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def services(self) -> dict[str, str]:
        """The services that can be asked, with their paths, in the order in which they are changed. Raises :class:`Failed`."""
        answer = self._call("GET", "/v1/services", None)
        if answer.status == 404 and "ADMINISTRATION" not in answer.reason:
            raise failed(f"{self.url} is no status page of Tocsin that knows this command: is the address right?")
        self._demand("Tocsin", answer, None)
        found = {one["name"]: one["path"] for one in answer.body["services"]}
        return {name: found[name] for name in sorted(found, key=lambda one: (one not in ORDER, _place(one)))}

    def ask(
        self, service: str, method: str, path: str, body: Mapping[str, Any] | None = None, tree: Path | None = None
    ) -> Any:
        """A service's answer. Raises :class:`Failed`, with files as they stand in ``tree``."""
        answer = self.answer(service, method, path, body)
        self._demand(service, answer, tree)
        return answer.body

    def own(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the status page itself answers, putting together what several services say. Raises :class:`Failed`."""
        answer = self._call(method, path, body)
        self._demand("Tocsin", answer, None)
        return answer.body

    def answer(self, service: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """A service's answer, good or not. Raises :class:`Failed` where there is none."""
        return self._call(method, f"/v1/services/{service}/{path}", body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.TimeoutException as error:
            raise failed(f"{self.url} did not answer in time") from error
        except httpx.HTTPError as error:
            raise failed(
                f"nothing answers at {self.url} ({error}): does Tocsin run there, and is --url right?"
            ) from error
        try:
            return Answer(response.status_code, response.json())
        except ValueError:
            return Answer(response.status_code, None)

    @staticmethod
    def _demand(service: str, answer: Answer, tree: Path | None) -> None:
        if answer.good:
            return
        if answer.status == 401:
            raise failed(f"{answer.reason} Set TOCSIN_KEY or --key-file to a key of this Tocsin.")
        if answer.status == 422 and tree is not None:
            raise Failed(problems_of(answer.reason, tree))
        raise Failed([Problem(f"{service}: {answer.reason}")])


def _place(service: str) -> int:
    return ORDER.index(service) if service in ORDER else len(ORDER)
