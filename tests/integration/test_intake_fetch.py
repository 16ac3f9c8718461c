"""Pages are asked with limits, over connections that are proven, and never inside our own network."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.intake.domain.polling import Answer, Failure, Validators
from services.intake.fetch import Fetcher, is_public
from tests.support.status_pages import Page, StatusPages, status_pages
from tests.support.tls import tls_front

LOCAL = "127.0.0.1"


async def ask(
    url: str, *hosts: str, validators: Validators | None = None, seconds: float = 60.0, limit: int = 10_000
) -> Answer | Failure:
    fetcher = Fetcher(hosts, seconds=seconds, limit=limit)
    await fetcher.start()
    try:
        return await fetcher.fetch(url, validators or Validators())
    finally:
        await fetcher.stop()


def failed(answer: Answer | Failure) -> str:
    assert isinstance(answer, Failure), answer
    assert answer.detail
    return answer.reason


def served(pages: StatusPages, page: Page) -> str:
    pages.pages["/feed"] = page
    return f"{pages.url}/feed"


async def test_a_page_that_has_not_changed_is_not_sent_again() -> None:
    async with status_pages() as pages:
        url = served(
            pages, Page(b"<rss/>", "application/rss+xml", headers={"Last-Modified": "Mon, 02 Mar 2026 09:00:00 GMT"})
        )
        first = await ask(url, LOCAL)
        assert isinstance(first, Answer)
        assert (first.body, first.content_type) == (b"<rss/>", "application/rss+xml")
        again = await ask(url, LOCAL, validators=first.validators)
        assert isinstance(again, Answer)
        assert again.body is None
        assert pages.heads[1]["if-none-match"] == first.validators.etag
        assert pages.heads[1]["if-modified-since"] == "Mon, 02 Mar 2026 09:00:00 GMT"
        assert pages.heads[1]["host"] == f"{LOCAL}:{pages.port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/feed",
        "https://127.0.0.1:PORT/feed",
        "https://localhost:PORT/feed",
        "https://[::1]:PORT/feed",
        "https://[::ffff:127.0.0.1]:PORT/feed",
        "https://2130706433:PORT/feed",
        "https://169.254.169.254/latest/meta-data",
        "http://status.example.com/feed",
        "file:///etc/passwd",
        "ftp://status.example.com/feed",
    ],
)
async def test_nothing_inside_our_network_is_asked_unless_it_is_allowed_by_name(url: str) -> None:
    async with status_pages() as pages:
        served(pages, Page(b"secret"))
        answer = failed(await ask(url.replace("PORT", str(pages.port)), "status.internal"))
        assert answer in ("address-not-allowed", "unreachable")
        assert answer == "address-not-allowed" or "2130706433" in url
        assert pages.asked == []


async def test_a_page_that_leads_inside_leads_nowhere() -> None:
    async with status_pages() as outside, status_pages() as inside:
        served(inside, Page(b"secret"))
        url = served(outside, Page(status=302, location=f"http://localhost:{inside.port}/feed"))
        assert failed(await ask(url, LOCAL)) == "address-not-allowed"
        assert inside.asked == []


async def test_a_page_that_leads_on_is_followed_a_few_times() -> None:
    async with status_pages() as pages:
        pages.pages |= {f"/{n}": Page(status=301, location=f"/{n + 1}") for n in range(1, 9)}
        pages.pages |= {"/feed": Page(status=308, location="new"), "/new": Page(b"{}")}
        found = await ask(f"{pages.url}/feed", LOCAL)
        assert isinstance(found, Answer)
        assert found.body == b"{}"
        assert failed(await ask(f"{pages.url}/1", LOCAL)) == "redirected"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(b"{}", delay=120), "timeout"),
        (Page(b"x" * 10_001), "too-large"),
        (Page(b"x" * 200_000, packed=True), "too-large"),
        (Page(b"<rss/>", headers={"Content-Encoding": "gzip"}), "not-understood"),
        (Page(b""), "empty-body"),
        (Page(b"{}", status=500), "http-status"),
        (Page(b"", status=204), "http-status"),
        (Page(b"{}", status=302), "http-status"),
        (Page(b"{}", headers={"Content-Length": "9000"}), "unreachable"),
    ],
    ids=["slow", "huge", "huge unpacked", "not packed", "empty", "error", "nothing", "leads nowhere", "cut off"],
)
async def test_what_is_no_answer_has_a_reason(page: Page, reason: str) -> None:
    async with status_pages() as pages:
        seconds = 1.0 if reason == "timeout" else 60.0
        assert failed(await ask(served(pages, page), LOCAL, seconds=seconds)) == reason


async def test_a_page_that_asks_for_time_is_given_it() -> None:
    async with status_pages() as pages:
        answer = await ask(served(pages, Page(b"", status=429, headers={"Retry-After": "900"})), LOCAL)
        assert isinstance(answer, Failure)
        assert answer.retry_after == timedelta(minutes=15)


async def test_nobody_there_is_unreachable() -> None:
    async with status_pages() as pages:
        url = served(pages, Page(b"{}"))
    assert failed(await ask(url, LOCAL)) == "unreachable"
    assert failed(await ask("https://status.proofs.invalid/feed")) == "unreachable"


async def test_a_certificate_that_nobody_trusts_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with status_pages() as pages, tls_front(pages.port, tmp_path) as front:
        served(pages, Page(b"{}"))
        assert failed(await ask(f"{front.url}/feed", LOCAL)) == "unreachable"
        assert pages.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(front.authority))
        assert isinstance(await ask(f"{front.url}/feed", LOCAL), Answer)
        named = front.url.replace(LOCAL, "localhost")
        assert isinstance(await ask(f"{named}/feed", "localhost"), Answer), "it is the name that is proven"


async def test_a_certificate_for_another_name_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with status_pages() as pages, tls_front(pages.port, tmp_path, "status.example", LOCAL) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.authority))
        named = front.url.replace(LOCAL, "localhost")
        assert failed(await ask(f"{named}/feed", "localhost")) == "unreachable"
        assert pages.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to be refused
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::", False),
    ],
)
def test_only_addresses_of_the_whole_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) == public
