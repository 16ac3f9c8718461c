"""E-mails of providers, tools' owners and those who announce maintenance: whose they are, and the pack that reads each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from services.intake.domain.answers import is_answer, is_report
from services.intake.domain.headers import AUTHENTICATION_RESULTS, OURS
from services.intake.domain.mailbox import MailboxOptions
from services.intake.domain.mapping import NAME_LIMIT, TITLE_LIMIT, clean
from services.intake.domain.message import Mail, mail_of
from services.intake.domain.moments import DateOrder, zone_named
from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Refusal, Series
from services.intake.domain.trust import Evidence, Servers, evidence_of, is_near, is_within
from services.intake.domain.wording import ending
from services.intake.sources.base import Arrival, CannotRead, Source
from services.intake.sources.common import trigger_of
from services.intake.sources.mail_page import DOCS, EXAMPLE
from services.intake.sources.packs.base import News, Pack, Passed, Post
from services.intake.sources.packs.registry import all_packs
from services.intake.sources.watched import WatchedOptions, matching, ours

HEADERS: Final = ("from", "subject", "date", "message-id", "received", "reply-to", "x-original-from", "mime-version")
"""Without any of these it is no mail."""


class MailOptions(WatchedOptions):
    """Whose mail is believed, what of theirs is what of ours, and the mailbox that is read, if one is."""

    authserv_ids: tuple[str, ...] = ()
    """The names that our mail servers put into ``Authentication-Results``; ``-`` for servers that leave their name away."""
    authserv_count: int = Field(1, ge=1, le=10)
    """How many of these headers our servers put on top."""
    mx_peers: tuple[str, ...] = ()
    """The networks of our mail servers: findings in mail that another machine hands over are not believed."""
    lists: tuple[str, ...] = ()
    """Domains of our mailing lists, whose servers keep what they found in ``X-Original-Authentication-Results``."""
    trust: Literal["proof", "vendors", "key"] | None = None
    """What must be proven: every author, those of whom a vendor's pack reads, or nothing, so that the key alone counts."""
    senders: tuple[str, ...] = ()
    """Further domains or addresses that are believed; with some, calendars and plain mail come from these alone."""
    tool: str = ""
    """The tool of every notice that names none."""
    tools: dict[str, str] = Field(default_factory=dict)
    """From a sender's address or domain, or words of the subject with ``*``, to the id of the tool."""
    time_zone: str = "UTC"
    """The zone of times that name none."""
    date_order: DateOrder = ""
    """``DMY`` or ``MDY``, for dates such as 3/11/2026."""
    plain: bool = False
    """Whether any mail opens an incident."""
    mailbox: MailboxOptions | None = None

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if zone_named(value) is None:
            raise ValueError("this is no time zone; write one such as Europe/Berlin")
        return value

    @field_validator("mx_peers")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ip_network(one, strict=False)
        return value

    @property
    def needs_proof(self) -> bool:
        """Whether every author must be proven: that is so where we know who can prove it, unless something else is said."""
        return self.trust == "proof" or (self.trust is None and bool(self.authserv_ids))


def read(arrival: Arrival[MailOptions]) -> Reading:
    """The triggers of a message, or why there are none. What no pack reads is refused, so that a person looks at it."""
    if not arrival.body.strip():
        return Reading(refusals=(Refusal("empty-body", "The message is empty."),))
    mails = mail_of(arrival.body)
    if not any(mail.header(name) for mail in mails[:1] for name in HEADERS):
        return Reading(refusals=(Refusal("wrong-shape", "This is no e-mail: it has no header of one."),))
    return _reading_of(mails, arrival)


def _reading_of(mails: Sequence[Mail], arrival: Arrival[MailOptions]) -> Reading:
    """What the packs make of a mail and of those that came inside of it."""
    if is_report(mails[0]):
        return _passed_over(mails[0], "A report on a mail that was sent; it opens nothing.")
    evidence = _evidence(mails[0], arrival)
    answer = is_answer(mails[0])
    packs = [pack for pack in all_packs() if _is_used(pack, arrival)]
    refusal: Refusal | None = None
    for mail in mails:
        for pack in packs:
            if not pack.claims(mail) or (answer and pack.plain):
                continue
            reading = _read_by(pack, mail, evidence, arrival)
            if not reading.refused:
                return reading
            refusal = refusal or reading.refusals[0]
            if not (refusal.reason == "missing-field" and arrival.integration.options.plain):
                return Reading(refusals=(refusal,))
    if answer and refusal is None:
        return _passed_over(mails[0], "A program answered in place of a person; that opens nothing.")
    return Reading(refusals=(refusal or _unread(mails[0]),))


def _passed_over(mail: Mail, why: str) -> Reading:
    return Reading(ignored=(Ignored("no-news", clean(f"{why} Its subject: {mail.subject}", TITLE_LIMIT)),))


def _is_used(pack: Pack, arrival: Arrival[MailOptions]) -> bool:
    if pack.plain and not arrival.integration.options.plain:
        return False
    return not pack.kinds or arrival.integration.kind in pack.kinds


def _evidence(mail: Mail, arrival: Arrival[MailOptions]) -> Evidence:
    """What is known of the sender. Servers' findings in mail that came past those servers are not believed."""
    options = arrival.integration.options
    peer = arrival.headers.get(f"{OURS}peer", "")
    direct = arrival.headers.get(f"{OURS}mail-transport") == "smtp"
    past = direct and bool(options.mx_peers) and not is_near(peer, options.mx_peers)
    servers = Servers(() if past else options.authserv_ids, options.authserv_count, options.lists)
    return evidence_of(mail, servers, arrival.headers.get(AUTHENTICATION_RESULTS, ""))


def _read_by(pack: Pack, mail: Mail, evidence: Evidence, arrival: Arrival[MailOptions]) -> Reading:
    options = arrival.integration.options
    doubt = _doubt(pack, mail, evidence, options)
    if doubt:
        sentence = f"The mail looks like one of {pack.title}, and is not believed: {doubt}."
        return Reading(refusals=(_about(mail, Refusal("not-authenticated", sentence)),))
    post = Post(mail, arrival.now, ZoneInfo(options.time_zone), options.date_order, _recipient(arrival))
    triggers: list[ParsedTrigger] = []
    passed: list[Ignored] = []
    series: dict[str, Series] = {}
    try:
        for found in pack.read(post):
            if isinstance(found, Series):
                series.setdefault(found.key, found)
            else:
                _sort(found, triggers, passed, arrival)
    except CannotRead as error:
        return Reading(refusals=(_about(mail, error.refusal),))
    if not triggers and not passed:
        return Reading(refusals=(_unread(mail),))
    return Reading(tuple(triggers), ignored=tuple(passed), series=tuple(series.values()))


def _about(mail: Mail, refusal: Refusal) -> Refusal:
    """The refusal with the subject of the mail, so that whoever is told can tell one from another."""
    about = f" Its subject: {mail.subject}" if mail.subject else ""
    return replace(refusal, detail=clean(refusal.detail + about, TITLE_LIMIT))


def _sort(
    found: News | Passed, triggers: list[ParsedTrigger], passed: list[Ignored], arrival: Arrival[MailOptions]
) -> None:
    """Put what a pack found where it belongs: what concerns no part of a provider that is ours opens nothing."""
    if isinstance(found, Passed):
        would = _trigger(found.news, arrival) if found.news else None
        passed.append(Ignored(found.reason, clean(found.detail, TITLE_LIMIT), trigger=would))
        return
    trigger, options = _trigger(found, arrival), arrival.integration.options
    told = [*found.told.services, *found.regions]
    if told and options.components and not matching(options.components, _names(found)):
        sentence = f"It concerns {', '.join(told)}; no component is mapped to it."
        passed.append(Ignored("not-mapped", clean(sentence, TITLE_LIMIT), trigger=trigger))
    else:
        triggers.append(trigger)


def _names(news: News) -> list[str]:
    """Every name that a mapping may go by."""
    return [*news.told.services, *news.regions, news.told.provider]


def _doubt(pack: Pack, mail: Mail, evidence: Evidence, options: MailOptions) -> str:
    """Why the mail is not believed; empty where it is.

    A vendor's pack believes what is proven to be of the vendor's domain, or of one that the integration lists. A form that
    anybody may use is believed by the key in the address, unless our servers say more.
    """
    if options.trust == "key":
        return ""
    author = mail.author or "nobody"
    if evidence.failed:
        return f"the checks of the mail say that {author} did not send it"
    listed = [one.lower() for one in options.senders]
    known = is_within(mail.domain, [*pack.domains, *listed]) or mail.author in listed
    if (pack.domains or listed) and not known:
        return f"{author} is not of {', '.join([*pack.domains, *listed])}; list its domain under senders"
    needed = bool(pack.domains) or options.needs_proof
    if needed and (mail.forwarded or not evidence.proven):
        return f"nothing proves that {author} sent it; authserv_ids names the servers whose findings count"
    return ""


def _unread(mail: Mail) -> Refusal:
    about = f"“{clean(mail.subject, 150)}”" if mail.subject else "a mail without a subject"
    sealed = f" It carries {mail.sealed}, which cannot be read here: have it sent as plain text." if mail.sealed else ""
    return Refusal("no-reader", clean(f"No pack reads {about} of {mail.author or 'nobody'}.{sealed}", TITLE_LIMIT))


def _recipient(arrival: Arrival[MailOptions]) -> str:
    return arrival.headers.get(f"{OURS}envelope-to", "").partition(",")[0].strip()


def _trigger(news: News, arrival: Arrival[MailOptions]) -> ParsedTrigger:
    """The trigger of what a pack read, in terms of what is ours."""
    options, told = arrival.integration.options, news.told
    listed = {name.casefold(): service for name, service in options.services.items()}
    services = [listed.get(name.casefold(), name) for name in told.services]
    provider = options.provider or told.provider
    trigger = trigger_of(replace(told, services=services, provider=provider), arrival)
    trigger = ours(trigger, matching(options.components, _names(news)))
    trigger = replace(trigger, sequence=news.sequence, ending=_ending(trigger), series=news.series)
    if trigger.kind == "tool":
        return _of_tool(trigger, arrival)
    team = clean(news.team or options.team, NAME_LIMIT)
    if trigger.kind == "maintenance" or (team and trigger.category == "maintenance"):
        return replace(trigger, kind="maintenance", assigned_team=team or None, category="maintenance")
    return trigger


def _ending(trigger: ParsedTrigger) -> Literal["cancelled", "completed"] | None:
    """How what was planned ended."""
    if trigger.status == "firing" or (trigger.window is None and trigger.category != "maintenance"):
        return None
    return "cancelled" if ending(trigger.labels.get("state", "")) == "cancelled" else "completed"


def _of_tool(trigger: ParsedTrigger, arrival: Arrival[MailOptions]) -> ParsedTrigger:
    """The trigger as news of a tool: which one, and whether it is down, will be, or is up again."""
    options = arrival.integration.options
    tool = trigger.tool or _tool_named(trigger, options.tools) or options.tool
    if not tool:
        sender = trigger.reporter or trigger.provider or "nobody"
        raise CannotRead(Refusal("missing-field", f"The mail of {sender} names no tool; map its sender under tools."))
    ahead = trigger.window is not None and trigger.window.starts_at > arrival.now
    state = "up" if trigger.status == "resolved" else "will_be_down" if ahead else "down"
    return replace(
        trigger,
        tool=tool,
        dedup_key=trigger.dedup_key if trigger.labels.get("incident_id") else tool,
        category=None,
        labels={**trigger.labels, "state": state},
    )


def _tool_named(trigger: ParsedTrigger, tools: Mapping[str, str]) -> str:
    """The tool whose entry names the author's address or domain, the provider, or words of the title."""
    author = (trigger.reporter or "").lower()
    for pattern, tool in tools.items():
        wanted = pattern.casefold()
        if wanted in (author, (trigger.provider or "").casefold()) or is_within(author.rpartition("@")[2], [wanted]):
            return tool
        if "*" in wanted and fnmatchcase(trigger.title.casefold(), wanted):
            return tool
    return ""


SOURCE: Final = Source(
    name="mail",
    title="E-mail: providers, maintenance, tool owners",
    kind="provider",
    docs=DOCS,
    options=MailOptions,
    example=EXAMPLE,
    read=read,
)
