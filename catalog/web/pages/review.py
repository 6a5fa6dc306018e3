"""The review: groups side by side, and what is decided about them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response

from catalog.domain.access import LONGEST_PASSWORD as LONGEST
from catalog.features.renditions.pictures import WEBP
from catalog.features.review.page import encode_answer, policy
from catalog.features.review.review import MOST_DECISIONS, Review
from catalog.web.answers import NO_STORE, Refusal
from catalog.web.call import Call
from catalog.web.pages.people import Text


class SentDecision(msgspec.Struct):
    """What shall become of one member of a group; see `catalog resolve`."""

    group: Text
    kind: Text
    decision: Text
    hash: Text
    path: Annotated[str, msgspec.Meta(max_length=8 * LONGEST)] = ""
    keeper: Text = ""
    reason: str = ""


class SentDecisions(msgspec.Struct):
    """What was decided."""

    decisions: Annotated[list[SentDecision], msgspec.Meta(max_length=MOST_DECISIONS)]


class ShownAnswer(msgspec.Struct):
    """What became of a decision: done or failed, and why."""

    group: str
    hash: str
    path: str
    decision: str
    outcome: str
    reason: str


class Answers(msgspec.Struct):
    """What became of each."""

    answers: list[ShownAnswer]


class Nothing(msgspec.Struct):
    """An object without anything in it."""


class Done(msgspec.Struct):
    """That the review has ended."""

    done: bool


def show_review(call: Call) -> Response:
    """The page of the review."""
    review = _review(call)
    body = b"".join(review.page.parts(answers=review.answers))
    rules = {"Content-Security-Policy": f"{policy('served')}; frame-ancestors 'none'"}
    return Response(body, 200, {**NO_STORE, **rules}, "text/html")


def send_small(call: Call) -> Response:
    """A picture of the review."""
    return _picture(call, large=False)


def send_large(call: Call) -> Response:
    """The same, to be looked at closely."""
    return _picture(call, large=True)


def decide(call: Call) -> Answers:
    """Do what was decided; none of it where one of them cannot be meant."""
    sent: SentDecisions = call.body
    rows = [msgspec.to_builtins(row) for row in sent.decisions]
    try:
        answers = _review(call).decide(rows, call.identity.name)
    except ValueError as error:
        raise Refusal(422, f"nothing was applied: {error}") from None
    return Answers([ShownAnswer(**encode_answer(answer)) for answer in answers])


def end(call: Call) -> Done:
    """End the review, and the program that serves it."""
    _review(call).ended.set()
    return Done(True)


def _picture(call: Call, *, large: bool) -> Response:
    found = _review(call).picture(call.path["hash"], large)
    if found is None:
        raise Refusal(404, "There is no such picture in the review.")
    return Response(found, 200, NO_STORE, WEBP)


def _review(call: Call) -> Review:
    review = call.services.review
    if review is None:
        raise Refusal(404, "No review is being served.", "`catalog review --serve` begins one.")
    return review
