"""The little that intake asks of the network: what it asks, and what it never does."""

import httpx
import pytest

from services.intake.network import LIMIT, Unreachable, WebNetwork

PAGE = "https://sns.eu-west-1.amazonaws.com/cert.pem"


class Web:
    """Answers with what stands at each address, and notes what was asked."""

    def __init__(self, **more: httpx.Response) -> None:
        self.asked: list[str] = []
        self.answers = {PAGE: httpx.Response(200, content=b"page"), **more}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answers[str(request.url)]


@pytest.mark.parametrize(
    "url", ["http://sns.eu-west-1.amazonaws.com/cert.pem", "ftp://x/", "file:///etc/passwd", "//x/", "HTTPS//x", ""]
)
async def test_only_https_is_asked(url: str) -> None:
    web = Web()
    with pytest.raises(Unreachable, match="Only HTTPS"):
        await WebNetwork(httpx.MockTransport(web)).get(url)
    assert web.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    away = httpx.Response(status, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    web = Web(**{PAGE: away})
    with pytest.raises(Unreachable, match=str(status)):
        await WebNetwork(httpx.MockTransport(web)).get(PAGE)
    assert web.asked == [PAGE]


async def test_no_more_is_read_than_a_certificate_has() -> None:
    read = 0

    async def endless() -> object:  # pragma: no branch
        nonlocal read
        while True:
            read += 8192
            yield b"x" * 8192

    web = Web(**{PAGE: httpx.Response(200, content=endless())})  # type: ignore[arg-type]
    with pytest.raises(Unreachable, match="larger"):
        await WebNetwork(httpx.MockTransport(web)).get(PAGE)
    assert read <= LIMIT + 2 * 8192


async def test_a_page_is_remembered_where_it_is_to_be() -> None:
    web = Web()
    network = WebNetwork(httpx.MockTransport(web))
    assert await network.get(PAGE) == await network.get(PAGE, keep=True) == await network.get(PAGE) == b"page"
    assert web.asked == [PAGE, PAGE]
    await network.get(PAGE, keep=True, anew=True)
    assert web.asked == [PAGE, PAGE], "it was asked for a moment ago"
