"""What the routes of intake take from their application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from libs.common.db.work import UnitOfWork
from services.intake.handlers.guard import Guard
from services.intake.handlers.mail import Postbox
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import Senders
from services.intake.handlers.watch import Watcher
from services.intake.sources.base import Network


@dataclass(frozen=True)
class State:
    """Handed to ``create_app`` as ``state={"intake": …}``."""

    uow: UnitOfWork
    senders: Senders
    receiver: Receiver
    public_url: str
    network: Network
    guard: Guard
    postbox: Postbox
    watcher: Watcher


def state_of(request: Request) -> State:
    """The state of the application that answers."""
    state: State = request.app.state.intake
    return state


async def _here(request: Request) -> State:
    """Asynchronous, since FastAPI runs a plain function in a thread, at many times its cost."""
    return state_of(request)


Here = Annotated[State, Depends(_here)]
