"""Any mail at all, for integrations that say so: the subject is the title, a conversation is one incident."""

import re
from collections.abc import Iterator
from typing import Final

from services.intake.domain.dedup import hash_of_words
from services.intake.domain.letter import MESSAGE_ID_LIMIT
from services.intake.domain.message import Mail
from services.intake.domain.wording import ending
from services.intake.sources.common import Told
from services.intake.sources.packs.base import Found, News, Pack, Post

ID: Final = re.compile(r"<[^<>\s]{1,900}>")
REPLY: Final = re.compile(r"^(?:(?:re|fwd?|aw|wg|sv|tr|rv)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
HEAD: Final = 60
"""Characters of a subject in which a word for the end counts: ``[RESOLVED] disk full on db-1``."""


def read(post: Post) -> Iterator[Found]:
    """One alert for the conversation that the mail belongs to."""
    mail = post.mail
    title = REPLY.sub("", mail.subject).strip() or next((line for line in post.words.lines if line), "")
    local = post.recipient.partition("@")[0]
    told = Told(
        key=conversation(mail, title),
        firing=not ending(title[:HEAD]),
        title=title or f"A mail of {mail.author or 'nobody'}",
        description=mail.text,
        services=[local] if local else [],
        reporter=mail.author,
        links=mail.links[:5],
        labels={"from": mail.author, "to": post.recipient},
        ended_at=mail.date,
    )
    yield News(told)


def conversation(mail: Mail, title: str) -> str:
    """The first message of the conversation; without ids, the author and the subject."""
    for header in ("references", "in-reply-to", "message-id"):
        found = ID.search(mail.header(header)[: 10 * MESSAGE_ID_LIMIT])
        if found:
            return found[0]
    return hash_of_words("mail", [mail.author, title])


PACK = Pack(
    name="plain",
    title="any mail",
    domains=(),
    claims=lambda _: True,
    read=read,
    docs="With the option `plain`: subject and text; key: the first message of the conversation.",
    order=3,
    plain=True,
)
