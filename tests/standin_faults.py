"""Ways in which the stand-in provider answers badly, and scripts that say when it does.

A fault is a function that answers one exchange; ``StandIn(script=always(null_content))`` makes it the rule. Faults of a
batch's content leave requests that are no batch (a check, the list of models) alone.
"""

import email.utils
import random
import time
import zlib
from dataclasses import replace
from functools import lru_cache
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from cli.standin import Answer, Exchange, Fault, Refused, Reply, pseudo_translate
from cli.standin.dialect import BLOCKED, LENGTH
from cli.standin.exchange import Script
from cli.standin.gemini import Gemini
from cli.standin.pseudo import dump, reply_to

Batch = List[Tuple[str, str]]

# --- scripts: when it goes wrong --------------------------------------------------------------------------------------


def always(fault: Fault) -> Script:
    return lambda exchange: fault


def in_turn(*faults: Optional[Fault]) -> Script:
    """The first request gets the first fault and so on (None: none); all that follow are answered well."""
    return lambda exchange: faults[exchange.number - 1] if exchange.number <= len(faults) else None


def mixed(rate: float, seed: int, faults: Sequence[Fault]) -> Script:
    """One of ``faults`` for this share of the requests: always the same ones, by their numbers."""

    def script(exchange: Exchange) -> Optional[Fault]:
        chance = random.Random(f"{seed}/{exchange.number}")
        return chance.choice(faults) if chance.random() < rate else None

    return script


# --- the provider says no ---------------------------------------------------------------------------------------------


def refusing(
    status: int, message: str, *, code: Optional[str] = None, details: Sequence[Mapping[str, Any]] = (), **headers: str
) -> Fault:
    """Say no in the provider's shape; ``code`` is OpenAI's word for it, ``details`` are Google's."""

    def fault(exchange: Exchange) -> None:
        refused = Refused(status, message, code=code, details=details)
        exchange.send(exchange.refusal(refused, {name.replace("_", "-"): value for name, value in headers.items()}))

    return fault


def bad_key(exchange: Exchange) -> None:
    """401, and OpenAI repeats some of the key."""
    key = exchange.dialect.key_in(exchange.request)
    exchange.send(exchange.refusal(exchange.dialect.bad_key(key or "sk-none")))


_REASON = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
_PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}],
}

#: What Gemini really answers to a key it does not know.
bad_key_as_400 = refusing(400, "API key not valid. Please pass a valid API key.", details=[_REASON])
forbidden = refusing(403, "Country, region, or territory not supported", code="unsupported_country_region_territory")
no_credit = refusing(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits")
quota_spent = refusing(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota")
quota_of_the_day = refusing(
    429, "You exceeded your current quota: limit 20 requests per day (RPD).", details=[_PER_DAY]
)
failing = refusing(500, "The server had an error while processing your request. Sorry about that!")
unavailable = refusing(503, "The model is overloaded. Please try again later.")
overloaded = refusing(529, "Overloaded")


def no_such_model(exchange: Exchange) -> None:
    model = exchange.chat.model if exchange.chat else ""
    message = f"The model `{model}` does not exist or you do not have access to it."
    if isinstance(exchange.dialect, Gemini):
        message = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
    exchange.send(exchange.refusal(Refused(404, message, code="model_not_found")))


def too_many(hint: str = "", seconds: float = 0.0) -> Fault:
    """429.

    :param hint: where it says when to come back: ``""`` (nowhere), ``retry-after`` (whole seconds), ``date``
        (``retry-after`` with a date), ``retry-after-ms``, or ``retry-info`` (Google's, in the body).
    """

    def fault(exchange: Exchange) -> None:
        headers = {
            "retry-after": {"retry-after": str(int(seconds))},
            "date": {"retry-after": email.utils.formatdate(time.time() + seconds, usegmt=True)},
            "retry-after-ms": {"retry-after-ms": str(int(seconds * 1000))},
        }.get(hint, {})
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
        refused = Refused(429, "Rate limit reached.", details=[info] if hint == "retry-info" else ())
        exchange.send(exchange.refusal(refused, headers))

    return fault


def unsupported(parameter: str) -> Fault:
    """400 for whoever sends ``parameter`` (``temperature``, ``response_format``); others get their answer."""

    def fault(exchange: Exchange) -> None:
        body = exchange.chat.body if exchange.chat else {}
        if parameter not in body and parameter not in body.get("generationConfig", {}):
            exchange.send(exchange.reply())
            return
        message = f"Unsupported parameter: '{parameter}' is not supported with this model."
        exchange.send(exchange.refusal(Refused(400, message, code="unsupported_parameter", param=parameter)))

    return fault


def redirecting(location: str) -> Fault:
    return lambda exchange: exchange.send(Reply(307, (), {"Location": location}))


# --- the connection ---------------------------------------------------------------------------------------------------


def close_before_answer(exchange: Exchange) -> None:
    exchange.close()


def close_after_answer(exchange: Exchange) -> None:
    """The answer is whole and promises to keep the connection, which is then closed."""
    exchange.send(exchange.reply())
    exchange.close()


def reset_connection(exchange: Exchange) -> None:
    exchange.reset()


def cut_headers(exchange: Exchange) -> None:
    head = exchange.reply().head()
    exchange.write(head[: len(head) // 2])
    exchange.close()


def cut_body(exchange: Exchange) -> None:
    """Half of the answer's bytes come, its head among them."""
    reply = exchange.reply()
    data = reply.encode()
    exchange.write(data[: (len(reply.head()) + len(data)) // 2])
    exchange.close()


def stall(exchange: Exchange) -> None:
    """Nothing comes."""
    exchange.wait(float("inf"))


def stall_in_mid_answer(exchange: Exchange) -> None:
    """Half of it comes, then nothing more."""
    data = exchange.reply().encode()
    exchange.write(data[: len(data) // 2])
    exchange.wait(float("inf"))


def trickle(size: int = 64, gap: float = 0.01) -> Fault:
    """The answer in pieces of ``size`` bytes, ``gap`` seconds apart."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.reply()
        exchange.record.status = reply.status
        data = reply.encode()
        for start in range(0, len(data), size):
            exchange.write(data[start : start + size])
            exchange.wait(gap)

    return fault


def early_hints(exchange: Exchange) -> None:
    """103 before the answer."""
    exchange.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n")
    exchange.send(exchange.reply())


# --- the body ---------------------------------------------------------------------------------------------------------

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Welcome to our hotel's network.</body></html>"


def html_page(exchange: Exchange) -> None:
    exchange.send(Reply(200, ((None, _PAGE),), {"Content-Type": "text/html; charset=utf-8"}))


def empty_body(exchange: Exchange) -> None:
    exchange.send(replace(exchange.reply(), pieces=()))


def gzipped(exchange: Exchange) -> None:
    """The right answer, compressed, although nobody asked for that."""
    reply = exchange.reply()
    _send_compressed(exchange, _gzip(reply.body), reply.headers)


def gzip_bomb(size: int = 200 * 1024 * 1024) -> Fault:
    """A small body that becomes ``size`` bytes."""
    return lambda exchange: _send_compressed(exchange, _bomb(size), exchange.reply().headers)


def _send_compressed(exchange: Exchange, data: bytes, headers: Mapping[str, str]) -> None:
    exchange.send(Reply(200, ((None, data),), {**headers, "Content-Encoding": "gzip"}))


def _gzip(data: bytes, times: int = 1) -> bytes:
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = [compressor.compress(data) for _ in range(times)]
    return b"".join([*packed, compressor.flush()])


@lru_cache(maxsize=None)
def _bomb(size: int) -> bytes:
    block = b" " * 65536
    return _gzip(block, -(-size // len(block)))


def error_inside_200(status: int = 502, message: str = "Provider returned error") -> Fault:
    """The error that ``status`` stands for, with status 200."""
    return lambda exchange: exchange.send(exchange.document(exchange.dialect.error(Refused(status, message))))


def error_in_mid_stream(exchange: Exchange) -> None:
    """Half of the events come, then one that is an error; an answer in one piece is only the error."""
    reply = exchange.reply()
    event = exchange.document(exchange.dialect.error(Refused(502, "Provider returned error")))
    half = reply.pieces[: len(reply.pieces) // 2]
    exchange.send(replace(event, pieces=half + event.pieces))


def blocked_prompt(exchange: Exchange) -> None:
    """The safety filter withholds the answer. Gemini then has no candidate at all."""
    if exchange.chat and isinstance(exchange.dialect, Gemini):
        usage = {"promptTokenCount": exchange.chat.prompt_tokens, "totalTokenCount": exchange.chat.prompt_tokens}
        feedback = {"blockReason": "PROHIBITED_CONTENT"}
        exchange.send(exchange.document({"promptFeedback": feedback, "usageMetadata": usage}))
    else:
        exchange.send(exchange.reply(Answer(None, BLOCKED)))


# --- the model's text -------------------------------------------------------------------------------------------------


def null_content(exchange: Exchange) -> None:
    exchange.send(exchange.reply(Answer(None)))


def refusal(exchange: Exchange) -> None:
    exchange.send(exchange.reply(Answer(None, refusal="I'm sorry, I can't assist with that request.")))


def at_the_limit(exchange: Exchange) -> None:
    """Half of the text, which ends because of the output limit."""
    exchange.send(exchange.reply(Answer(_half(_text_of(exchange)), LENGTH)))


def saying(change: Callable[[str], str]) -> Fault:
    """The model's right text, changed."""
    return lambda exchange: exchange.send(exchange.reply(Answer(change(_text_of(exchange)))))


def _text_of(exchange: Exchange) -> str:
    return reply_to(exchange.chat.cues if exchange.chat else None)


def _half(text: str) -> str:
    return text[: len(text) // 2]


cut_json = saying(_half)
code_fence = saying(lambda text: f"```json\n{text}\n```")
chatter = saying(lambda text: f"Sure! Here is the translation:\n\n{text}\n\nLet me know if you need anything else.")


# --- the cues in it ---------------------------------------------------------------------------------------------------


def editing(change: Callable[[Batch, int], Batch], at_least: int = 2) -> Fault:
    """A batch's right answer after ``change``, which is given a position in it too; small batches are answered well."""

    def fault(exchange: Exchange) -> None:
        cues = exchange.chat.cues if exchange.chat else None
        if cues is None or len(cues) < at_least:
            exchange.send(exchange.reply())
            return
        batch = [(key, pseudo_translate(text)) for key, text in cues.items()]
        # Not the last one, so that there is one to merge it with; from request to request another.
        position = exchange.number % max(1, len(batch) - 1)
        exchange.send(exchange.reply(Answer(dump(dict(change(batch, position))))))

    return fault


def untranslated(exchange: Exchange) -> None:
    """One value, of several words if there is one, is simply the source again."""
    cues = dict(exchange.chat.cues or {}) if exchange.chat else {}
    if cues:
        longest = max(cues, key=lambda key: len(cues[key].split()))
        translated: Dict[str, str] = {key: pseudo_translate(text) for key, text in cues.items()}
        exchange.send(exchange.reply(Answer(dump({**translated, longest: cues[longest]}))))
    else:
        exchange.send(exchange.reply())


def _merged(batch: Batch, at: int) -> Batch:
    """Two values in one; the second key is missing."""
    key, text = batch[at]
    return [*batch[:at], (key, f"{text} {batch[at + 1][1]}"), *batch[at + 2 :]]


def _renumbered(batch: Batch, at: int) -> Batch:
    """Two values in one, and all that follow move up: every key but the last is there."""
    texts = [text for _, text in _merged(batch, at)]
    return [(key, text) for (key, _), text in zip(batch, texts)]


def _shifted(batch: Batch, at: int) -> Batch:
    """From a position on each value is the next one's; the last is told twice."""
    moved = batch[at + 1 :] + batch[-1:]
    return batch[:at] + [(key, text) for (key, _), (_, text) in zip(batch[at:], moved)]


drop_key = editing(lambda batch, at: batch[:at] + batch[at + 1 :])
merge_two = editing(_merged)
merge_and_renumber = editing(_renumbered, at_least=3)
shifted_values = editing(_shifted, at_least=3)
reorder_keys = editing(lambda batch, at: batch[at:] + batch[:at][::-1])
blank_value = editing(lambda batch, at: [*batch[:at], (batch[at][0], " "), *batch[at + 1 :]], at_least=1)

#: What a film must survive.
FILM_FAULTS: Tuple[Fault, ...] = (
    drop_key,
    merge_two,
    reorder_keys,
    code_fence,
    chatter,
    cut_json,
    empty_body,
    null_content,
    html_page,
    too_many(),
    failing,
    close_before_answer,
)
