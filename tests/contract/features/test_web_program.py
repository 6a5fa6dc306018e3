"""The web program: who may come in, what each may ask for, and what no page may do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from running import Lab
from starlette.testclient import TestClient
from web_program import PASSWORD, PLAIN, SECURE, WebStand, open_web

from catalog.domain.access import CURATOR, OWN, OWNER, ROLES, VIEW, VIEWER, digest_of
from catalog.domain.copies import timestamp
from catalog.domain.document import AccessRow
from catalog.errors import IndexUnavailable, UsageError
from catalog.features.access.gate import make_link
from catalog.features.access.tokens import PREFIX, revoke_token
from catalog.features.access.users import (
    LINK,
    SESSION,
    first_owner,
    list_users,
    remove_user,
    set_password,
)
from catalog.web.access_log import AccessLog
from catalog.web.openapi import USUAL
from catalog.web.program import make_program
from catalog.web.rates import LOGINS
from catalog.web.route import OPEN, Binary, Route, RouteFault, check_routes
from catalog.web.routes import PROGRAM_ROUTES, RESERVED, ROUTES
from catalog.web.server import ServeRequest, check_protected
from catalog.work.service_address import Address


@pytest.fixture
def web(lab: Lab) -> Iterator[WebStand]:
    with open_web(lab) as stand:
        yield stand


def filled(route: Route) -> str:
    path = route.template
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", "x")
    return path


# --- logging in -----------------------------------------------------------------------------------


def test_a_password_begins_a_session_and_logging_out_ends_it(web: WebStand):
    web.add("anna", CURATOR)
    browser = web.browser()
    assert browser.get("/api/v1/me").status_code == 401
    begun = browser.post("/api/v1/session", json={"name": "Anna", "password": PASSWORD})
    assert begun.json() == {
        "name": "anna",
        "role": "curator",
        "scopes": ["decide", "upload", "view"],
    }
    assert browser.get("/api/v1/me").json()["name"] == "anna"
    kept = browser.cookies["catalog"]
    assert browser.delete("/api/v1/session").status_code == 204
    browser.cookies.set("catalog", kept)
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        {"name": "anna", "password": "another password"},
        {"name": "nobody", "password": PASSWORD},
        {"name": "anna"},
        {"link": "none"},
        {},
    ],
)
def test_what_is_not_right_lets_nobody_in(web: WebStand, sent: dict[str, str]):
    web.add("anna", VIEWER)
    answer = web.browser().post("/api/v1/session", json=sent)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_link_logs_in_once_and_not_for_ever(web: WebStand):
    web.add("anna", OWNER)
    link = {"link": make_link(web.records, "anna")}
    assert web.browser().post("/api/v1/session", json=link).status_code == 200
    assert web.browser().post("/api/v1/session", json=link).status_code == 401
    past = timestamp(datetime.now(UTC) - timedelta(seconds=1))
    web.records.create(
        f"{LINK}:{digest_of('old')}", {"kind": LINK, "name": "anna", "expires": past}
    )
    assert web.browser().post("/api/v1/session", json={"link": "old"}).status_code == 401


def test_the_cookie_is_bound_to_the_host_over_tls_and_plain_on_loopback(web: WebStand, lab: Lab):
    web.add("anna", VIEWER)
    sent = {"name": "anna", "password": PASSWORD}
    plain = web.browser().post("/api/v1/session", json=sent).headers["set-cookie"]
    assert plain.startswith("catalog=")
    assert "HttpOnly" in plain and "SameSite=lax" in plain and "Secure" not in plain
    with open_web(lab, loopback=False) as far:
        secure = far.browser(SECURE).post("/api/v1/session", json=sent).headers["set-cookie"]
        assert secure.startswith("__Host-catalog=")
        assert "Secure" in secure and "Path=/" in secure and "Domain" not in secure


def test_no_password_travels_where_a_network_could_read_it(web: WebStand, lab: Lab):
    web.add("anna", VIEWER)
    with open_web(lab, loopback=False) as far:
        browser = far.browser("http://photos.example")
        answer = browser.post("/api/v1/session", json={"name": "anna", "password": PASSWORD})
        assert answer.status_code == 403
        assert "https://" in answer.json()["hint"]


@pytest.mark.parametrize("by", ["account", "address"])
def test_guessing_is_slowed_down_by_account_and_by_address(web: WebStand, by: str):
    web.add("anna", VIEWER)
    for number in range(LOGINS.amount + 1):
        name = "anna" if by == "account" else f"user{number}"
        address = "10.0.0.1" if by == "address" else f"10.0.0.{number}"
        browser = web.browser(address=address)
        answer = browser.post("/api/v1/session", json={"name": name, "password": "guessed it?"})
        assert answer.status_code == (401 if number < LOGINS.amount else 429), number
    assert int(answer.headers["retry-after"]) > 0
    other = web.browser(address="10.0.1.1")
    sent = {"name": "someone else", "password": "guessed it?"}
    assert other.post("/api/v1/session", json=sent).status_code == 401


# --- what ends ------------------------------------------------------------------------------------


def test_another_password_ends_the_sessions_of_that_user_alone(web: WebStand):
    anna, bert = web.logged_in("anna", VIEWER), web.logged_in("bert", VIEWER)
    set_password(web.records, "anna", PASSWORD)
    web.services.gate.forget()
    assert anna.get("/api/v1/me").status_code == 401
    assert bert.get("/api/v1/me").status_code == 200


def test_a_removed_user_is_out_with_all_their_tokens(web: WebStand):
    web.logged_in("owner", OWNER)
    anna = web.logged_in("anna", VIEWER)
    program = web.program("anna", [VIEW])
    assert program.get("/api/v1/me").status_code == 200
    remove_user(web.records, "Anna")
    web.services.gate.forget()
    assert anna.get("/api/v1/me").status_code == 401
    assert program.get("/api/v1/me").status_code == 401


def test_the_last_owner_stays(web: WebStand):
    owner = web.logged_in("owner", OWNER)
    answer = owner.delete("/api/v1/users/owner")
    assert answer.status_code == 409
    assert "only owner" in answer.json()["error"]
    assert [u.name for u in list_users(web.services.repository)] == ["owner"]


def test_a_token_does_what_it_is_for_until_it_is_revoked(web: WebStand):
    web.add("anna", CURATOR)
    program = web.program("anna", [VIEW])
    assert program.get("/api/v1/me").json()["scopes"] == [VIEW]
    label = web.records.list_all("token").popitem()[1]["label"]
    revoke_token(web.records, label)
    web.services.gate.forget()
    assert program.get("/api/v1/me").status_code == 401
    kept = json.dumps(web.records.list_all("token"))
    assert PREFIX not in kept


def test_no_secret_is_kept_as_it_is(web: WebStand):
    web.add("anna", OWNER)
    browser = web.browser()
    browser.post("/api/v1/session", json={"name": "anna", "password": PASSWORD})
    web.program("anna", [VIEW])
    kept = json.dumps([web.records.list_all(k) for k in ("user", "session", "token", "link")])
    assert browser.cookies["catalog"] not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_what_is_over_is_taken_away_and_nothing_else(web: WebStand):
    web.add("anna", OWNER)
    lives, over = web.session("bert", VIEWER), timestamp(datetime.now(UTC) - timedelta(seconds=1))
    for kind in (SESSION, LINK):
        row: AccessRow = {"kind": kind, "name": "anna", "expires": over}
        web.records.create(f"{kind}:{digest_of('old')}", row)
    program = web.program("anna", [VIEW])
    assert web.services.gate.remove_expired() == 2
    assert web.records.find(f"{SESSION}:{digest_of('old')}") is None
    assert web.services.gate.identify_session(lives) is not None
    assert program.get("/api/v1/me").status_code == 200


def test_a_catalog_without_users_gets_an_owner_once(web: WebStand):
    assert first_owner(web.records, "anna").name == "anna"
    assert first_owner(web.records, "bert") is None


# --- what each may do -----------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_each_route_is_for_those_with_its_scope_alone(web: WebStand, route: Route):
    path = filled(route)
    body = {} if route.body is not None else None
    refused = web.browser().request(route.method, path, json=body).text
    assert ("Nobody is logged in" in refused) == (route.scope != OPEN)
    for role, scopes in ROLES.items():
        browser = web.logged_in(role, role)
        status = browser.request(route.method, path, json=body).status_code
        assert (status == 403) == (route.scope != OPEN and route.scope not in scopes), role
        assert status != 500


def test_a_token_never_changes_who_may_come_in(web: WebStand):
    web.add("anna", OWNER)
    program = web.program("anna", [VIEW])
    assert program.get("/api/v1/users").status_code == 403
    owner = web.logged_in("owner", OWNER)
    sent = {"label": "all", "name": "anna", "scopes": [OWN]}
    assert owner.post("/api/v1/tokens", json=sent).status_code == 422


def test_an_owner_lets_others_in_and_keeps_them_out(web: WebStand):
    owner = web.logged_in("owner", OWNER)
    sent = {"name": "bert", "role": "viewer", "password": PASSWORD}
    assert owner.post("/api/v1/users", json=sent).status_code == 201
    assert web.records.find("user:bert")["by"] == "owner"
    assert owner.post("/api/v1/users", json=sent).status_code == 422
    bert = web.browser()
    bert.post("/api/v1/session", json={"name": "bert", "password": PASSWORD})
    made = owner.post("/api/v1/tokens", json={"label": "tv", "name": "bert", "scopes": ["view"]})
    assert made.json()["token"].startswith(PREFIX)
    assert owner.get("/api/v1/tokens").json()["tokens"][0]["label"] == "tv"
    assert owner.delete("/api/v1/tokens/tv").status_code == 204
    assert owner.delete("/api/v1/users/bert").status_code == 204
    assert bert.get("/api/v1/me").status_code == 401


# --- what a page of somebody else's may do --------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing(web: WebStand, headers: dict[str, str]):
    owner = web.logged_in("owner", OWNER)
    sent = {"name": "bert", "role": "viewer"}
    assert owner.post("/api/v1/users", json=sent, headers=headers).status_code == 403
    assert web.records.find("user:bert") is None
    own = {"Origin": "http://127.0.0.1:8484", "Sec-Fetch-Site": "same-origin"}
    assert owner.post("/api/v1/users", json=sent, headers=own).status_code == 201


def test_a_form_changes_nothing(web: WebStand):
    owner = web.logged_in("owner", OWNER)
    headers = {"Content-Type": "text/plain"}
    answer = owner.post("/api/v1/users", content='{"name":"b","role":"viewer"}', headers=headers)
    assert answer.status_code == 415


def test_on_loopback_another_name_is_refused(web: WebStand):
    assert web.browser("http://evil.example").get("/login").status_code == 421
    assert web.browser("http://localhost:8484").get("/health").status_code == 200
    assert web.browser("http://[::1]:8484").get("/health").status_code == 200


@pytest.mark.parametrize("path", ["/health", "/nothing", "/api/v1/me", "/login", "/static/none"])
def test_every_answer_says_what_a_browser_may_do_with_it(web: WebStand, path: str):
    headers = web.browser().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


# --- what is told ---------------------------------------------------------------------------------


def test_the_log_has_no_query_and_no_secret(web: WebStand):
    browser = web.logged_in("anna", VIEWER)
    browser.get("/api/v1/me?secret=letters")
    browser.headers["Authorization"] = "Bearer catalog_wrong"
    browser.get("/api/v1/me")
    lines = [json.loads(line) for line in web.logged]
    assert "letters" not in "".join(web.logged) and "catalog_wrong" not in "".join(web.logged)
    assert {"at", "path", "method", "status", "bytes", "ms", "user", "address"} == set(lines[0])
    assert [line["user"] for line in lines] == ["anna", ""]


def test_figures_count_by_route_and_tell_no_names(web: WebStand):
    browser = web.logged_in("anna", VIEWER)
    browser.get("/static/anna.js")
    told = browser.get("/metrics").text
    assert 'route="/static/{path:path}"' in told and "anna" not in told


def test_an_index_that_is_away_is_said_in_a_sentence(web: WebStand):
    def away(_call: object) -> None:
        raise IndexUnavailable("Elasticsearch cannot be reached.", hint="Start it.")

    route = Route("GET", "/x", away, OPEN, "away", None)
    app = make_program(web.services, AccessLog(), web.faults.append, [route])
    answer = TestClient(app, base_url=PLAIN).get("/x")
    assert answer.status_code == 503
    assert answer.json() == {"error": "Elasticsearch cannot be reached.", "hint": "Start it."}


# --- the table of routes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"scope": ""}, "who may use it"),
        ({"answer": dict}, "what it answers"),
        ({"body": dict}, "what it is sent"),
        ({"summary": ""}, "what it is for"),
    ],
)
def test_a_route_without_scope_or_schema_does_not_start(change: dict[str, object], lacks: str):
    with pytest.raises(RouteFault, match=lacks):
        check_routes((replace(ROUTES[0], **change),))


def test_two_routes_of_one_shape_do_not_start():
    page = Binary("text/html", "a page")
    one = Route("GET", "/x/{a}", lambda call: None, OPEN, "one", page)
    with pytest.raises(RouteFault, match="twice"):
        check_routes((one, replace(one, path="/x/{b}")))


def test_the_description_names_every_route_for_programs(web: WebStand):
    told = web.browser().get("/api/v1/openapi.json").json()
    for route in PROGRAM_ROUTES:
        operation = told["paths"][route.template][route.method.lower()]
        assert operation["x-scope"] == route.scope
        assert set(map(str, USUAL)) <= set(operation["responses"])


def routes_table() -> str:
    """The table of routes, as the documentation shows it."""
    rows = ["| route | for | what |", "|---|---|---|"]
    for route in ROUTES:
        scope = "anybody" if route.scope == OPEN else f"`{route.scope}`"
        rows.append(f"| `{route.method} {route.template}` | {scope} | {route.summary} |")
    return "\n".join(rows)


def test_the_table_of_routes_is_documented_as_it_is():
    page = (Path(__file__).parents[3] / "docs/web.md").read_text("utf-8")
    found = re.search(r"<!-- routes -->\n+(.*?)\n*<!-- end -->", page, re.DOTALL)
    assert found and found[1] == routes_table()
    assert all(f"`{root}" in page for root in RESERVED)


def test_no_route_stands_below_a_root_that_is_fixed_by_others():
    fixed = tuple(r for r in RESERVED if r not in ("/api/v1", "/asset", "/preview"))
    assert [route.path for route in ROUTES if route.path.startswith(fixed)] == []


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.example", False),
        ("127.example", False),
        ("::1234", False),
    ],
)
def test_only_what_no_other_machine_reaches_needs_no_protection(host: str, alone: bool):
    request = ServeRequest(Address(host, 8484))
    if alone:
        check_protected(request)
    else:
        with pytest.raises(UsageError, match="open to a network"):
            check_protected(request)
