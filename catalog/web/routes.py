"""The table of routes: all that the web program answers, and who may ask for it."""

from __future__ import annotations

from typing import Any

import msgspec

from catalog.domain.access import DECIDE, OWN, VIEW
from catalog.features.access.users import User
from catalog.web.call import Call
from catalog.web.openapi import describe
from catalog.web.pages import assets, people, pictures, review, session, shell, timeline
from catalog.web.route import OPEN, Binary, Route

RESERVED = (
    "/.well-known",
    "/api/v1",
    "/asset",
    "/frame",
    "/immich/api",
    "/index.php",
    "/ocs",
    "/preview",
    "/remote.php",
    "/share",
    "/state",
    "/status.php",
)
"""Roots that have a meaning, now or to come: what phones and frames ask for is fixed by them."""


class Description(msgspec.Struct):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


def tell_description(_call: Call) -> Description:
    """How programs may ask."""
    return msgspec.convert(describe(PROGRAM_ROUTES), Description)


_PAGES = (
    Route("GET", "/", shell.show_home, OPEN, "the page", Binary("text/html", "the page")),
    Route("GET", "/login", shell.show_login, OPEN, "logging in", Binary("text/html", "the page")),
    Route(
        "GET",
        "/favicon.ico",
        shell.send_icon,
        OPEN,
        "the icon",
        Binary("image/svg+xml", "the icon"),
        refusals=(404,),
    ),
    Route(
        "GET",
        "/static/{path:path}",
        shell.send_static,
        OPEN,
        "a file of the page",
        Binary("*/*", "the file"),
        refusals=(404,),
    ),
)
PROGRAM_ROUTES = (
    Route("GET", "/health", shell.tell_health, OPEN, "whether all is well", shell.Health),
    Route(
        "GET",
        "/metrics",
        shell.tell_figures,
        VIEW,
        "figures for Prometheus",
        Binary("text/plain", "the figures"),
    ),
    Route("GET", "/api/v1/openapi.json", tell_description, OPEN, "this document", Description),
    Route(
        "POST", "/api/v1/session", session.log_in, OPEN, "log in", session.Me, body=session.LogIn
    ),
    Route("DELETE", "/api/v1/session", session.log_out, VIEW, "log out", None),
    Route("GET", "/api/v1/me", session.tell_me, VIEW, "who is logged in", session.Me),
    Route(
        "GET",
        "/api/v1/timeline",
        timeline.tell_timeline,
        VIEW,
        "how many there are, and where months and groups begin",
        timeline.Timeline,
        query=timeline.Order,
    ),
    Route(
        "GET",
        "/api/v1/timeline/layout",
        timeline.send_layout,
        VIEW,
        "the shape of every picture, a byte each",
        Binary("application/octet-stream", "a byte a picture"),
        query=timeline.Order,
        other_statuses=(304,),
    ),
    Route(
        "GET",
        "/api/v1/timeline/window",
        timeline.send_window,
        VIEW,
        "what is near the screen, 16 bytes a picture",
        Binary("application/octet-stream", "ids, minutes, colours, flags and shapes"),
        query=timeline.Window,
        refusals=(412,),
    ),
    Route(
        "GET",
        "/api/v1/timeline/position",
        timeline.find_position,
        VIEW,
        "where a picture or a day stands",
        timeline.Position,
        query=timeline.Where,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/api/v1/assets/{hash}",
        assets.tell_asset,
        VIEW,
        "what is known of a picture, and from where",
        assets.AssetFacts,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/api/v1/assets/{hash}/history",
        assets.tell_history,
        VIEW,
        "what happened to a picture",
        assets.AssetHistory,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/api/v1/assets/{hash}/similar",
        assets.tell_look_alikes,
        VIEW,
        "what looks like a picture",
        assets.AssetLookAlikes,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/preview/{hash}",
        pictures.send_preview,
        VIEW,
        "a picture to look at",
        Binary("image/webp", "the picture"),
        query=pictures.PreviewQuery,
        refusals=(404,),
    ),
    Route(
        "GET",
        "/asset/{hash}",
        pictures.send_asset,
        VIEW,
        "the file itself, whole or in part",
        Binary("*/*", "the file"),
        query=pictures.AssetQuery,
        refusals=(404, 416),
        other_statuses=(206, 304),
    ),
    Route("GET", "/api/v1/users", people.list_people, OWN, "every user", people.UserList),
    Route(
        "POST",
        "/api/v1/users",
        people.add_person,
        OWN,
        "let a person in",
        User,
        body=people.NewUser,
        status=201,
    ),
    Route(
        "PUT",
        "/api/v1/users/{name}/password",
        people.change_password,
        OWN,
        "give a user another password",
        User,
        body=people.NewPassword,
    ),
    Route(
        "DELETE",
        "/api/v1/users/{name}",
        people.remove_person,
        OWN,
        "keep a user out",
        None,
        refusals=(409,),
    ),
    Route("GET", "/api/v1/tokens", people.list_programs, OWN, "every token", people.TokenList),
    Route(
        "POST",
        "/api/v1/tokens",
        people.add_program,
        OWN,
        "make a token",
        people.MadeToken,
        body=people.NewToken,
        status=201,
    ),
    Route("DELETE", "/api/v1/tokens/{label}", people.revoke_program, OWN, "end a token", None),
)
_REVIEW = (
    Route(
        "GET",
        "/review/",
        review.show_review,
        DECIDE,
        "the page of a review",
        Binary("text/html", "the page"),
        refusals=(404,),
    ),
    Route(
        "GET",
        "/review/preview/{hash}",
        review.send_small,
        DECIDE,
        "a picture of a review",
        Binary("image/webp", "the picture"),
        refusals=(404,),
    ),
    Route(
        "GET",
        "/review/large/{hash}",
        review.send_large,
        DECIDE,
        "a large picture of a review",
        Binary("image/webp", "the picture"),
        refusals=(404,),
    ),
    Route(
        "POST",
        "/review/decisions",
        review.decide,
        DECIDE,
        "what was decided",
        review.Answers,
        body=review.SentDecisions,
        refusals=(404,),
    ),
    Route(
        "POST",
        "/review/done",
        review.end,
        DECIDE,
        "the end of a review",
        review.Done,
        body=review.Nothing,
        refusals=(404,),
    ),
)
ROUTES = (*_PAGES, *_REVIEW, *PROGRAM_ROUTES)
