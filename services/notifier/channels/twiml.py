"""What Twilio is told to say and to ask in a call, as TwiML by the SDK, which escapes what it is given."""

from typing import Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, VoiceResponse

from services.notifier.domain.press import CERTAIN
from services.notifier.domain.speech import GOODBYE, shorter

LONGEST: Final = 4000
"""Characters that ``Twiml`` may have when a call is made (https://www.twilio.com/docs/voice/api/call-resource#twiml)."""
TIMES: Final = 2
"""How often a message is said: the first time it may be met by half an ear."""
WAIT: Final = 8
"""Seconds to find the key."""
SHORTER: Final = 100


def message(text: str, menu: str, language: str, action: str | None, times: int = TIMES) -> str:
    """A message, some times, and what may be pressed, whose key goes to ``action``; without one it is only said."""
    while len(said := _message(f"{text} {menu}".strip(), language, action, times)) > LONGEST and len(text) > SHORTER:
        text = shorter(text, len(text) - SHORTER)
    return said


def question(text: str, language: str, action: str) -> str:
    """Something to be sure of, whose key goes to ``action`` with that step."""
    step = "&" if "?" in action else "?"
    response = VoiceResponse()
    response.append(_asked(text, language, f"{action}{step}{urlencode({'step': CERTAIN})}", 1))
    response.say(GOODBYE, language=language)
    return str(response)


def last(text: str, language: str) -> str:
    """The last words of a call."""
    response = VoiceResponse()
    response.say(text, language=language)
    response.hangup()
    return str(response)


def _message(text: str, language: str, action: str | None, times: int) -> str:
    response = VoiceResponse()
    if action is None:
        response.say(text, language=language, loop=times)
    else:
        response.append(_asked(text, language, action, times))
    response.say(GOODBYE, language=language)
    return str(response)


def _asked(text: str, language: str, action: str, times: int) -> Gather:
    """One key, of which ``#`` is one too: no key only ends the asking."""
    gather = Gather(input="dtmf", num_digits=1, timeout=WAIT, finish_on_key="", action=action, method="POST")
    gather.say(text, language=language, loop=times)
    return gather
