"""What the pages show: every asset in order, its pictures, its file, and what is known of it; and
nothing of what is private to somebody else.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import films
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from PIL import Image
from running import GHENT, Lab, jpeg, put
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from starlette.testclient import TestClient
from web_program import WebStand, open_web

from catalog.domain.access import CURATOR, OWNER, VIEW, VIEWER
from catalog.features.renditions.store import VERSION
from catalog.features.timeline.keeper import KeeperState
from catalog.web.routes import ROUTES

EXAMPLES = 3
"""Requests of each route."""
PICTURES = {
    "a.jpg": jpeg("a", "2019:07:12 18:30:15", GHENT),
    "b.jpg": jpeg("b", "2019:07:13 08:00:00"),
    "<img src=x onerror=alert(1)>.jpg": jpeg("c", "2020:01:01 12:00:00"),
    "broken.jpg": jpeg("d", "2021:01:01 12:00:00")[:-60],
}


@pytest.fixture
def filled(lab: Lab) -> Lab:
    put(lab.source, PICTURES)
    done = lab.upload()
    assert done.status == 0, done.err
    return lab


@pytest.fixture
def web(filled: Lab) -> Iterator[WebStand]:
    with open_web(filled) as stand:
        yield stand


@pytest.fixture
def browser(web: WebStand) -> TestClient:
    return web.logged_in("anna", VIEWER)


def ids(browser: TestClient, **order: str) -> list[str]:
    """The ids of all assets, as a page learns them."""
    data = browser.get(
        "/api/v1/timeline/window", params={"start": 0, "stop": 1000, **order}
    ).content
    count = len(data) // 16
    return [data[8 * n : 8 * n + 8].hex() for n in range(count)]


def hashes(lab: Lab) -> list[str]:
    """The hashes of all assets, the newest first."""
    found = lab.documents().values()
    return [d["hash"] for d in sorted(found, key=lambda d: d["captured"]["wall"], reverse=True)]


# --- the timeline ---------------------------------------------------------------------------------


def test_the_timeline_has_every_asset_in_order(browser: TestClient, filled: Lab):
    told = browser.get("/api/v1/timeline").json()
    assert told["count"] == 4
    assert [m["key"] for m in told["marks"]] == ["2021-01", "2020-01", "2019-07"]
    assert ids(browser) == [name[:16] for name in hashes(filled)]
    layout = browser.get("/api/v1/timeline/layout")
    assert len(layout.content) == 4
    assert all(byte & 0x80 for byte in layout.content)
    again = browser.get(
        "/api/v1/timeline/layout", headers={"If-None-Match": layout.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_while_the_first_timeline_is_built_it_is_said_how_far_that_is(
    web: WebStand, monkeypatch: pytest.MonkeyPatch
):
    browser = web.logged_in("anna", VIEWER)
    keeper = web.services.timeline
    keeper.stop()
    monkeypatch.setattr(keeper, "_column", None)
    keeper.state = KeeperState(True, 3, 4)
    told = browser.get("/api/v1/timeline").json()
    assert (told["count"], told["state"]) == (0, {"building": True, "done": 3, "of": 4})
    waits = browser.get("/api/v1/timeline/layout")
    assert (waits.status_code, waits.headers["retry-after"]) == (503, "2")


def test_a_query_shows_what_the_command_line_finds(browser: TestClient):
    assert browser.get("/api/v1/timeline", params={"q": "city:Ghent"}).json()["count"] == 1
    wrong = browser.get("/api/v1/timeline", params={"q": "city:("})
    assert wrong.status_code == 422 and wrong.json()["error"]


def test_a_window_of_another_timeline_is_refused(browser: TestClient):
    asked = {"start": 0, "stop": 4}
    etag = browser.get("/api/v1/timeline/layout").headers["etag"]
    now = browser.get("/api/v1/timeline/window", params=asked, headers={"If-Match": etag})
    assert (now.status_code, len(now.content)) == (200, 64)
    old = browser.get("/api/v1/timeline/window", params=asked, headers={"If-Match": '"old"'})
    assert old.status_code == 412
    far = browser.get("/api/v1/timeline/window", params={"start": 0, "stop": 1001})
    assert far.status_code == 422


def test_a_position_is_found_by_id_and_by_date(browser: TestClient, filled: Lab):
    where = "/api/v1/timeline/position"
    last = hashes(filled)[-1]
    assert browser.get(where, params={"id": last}).json() == {"position": 3}
    assert browser.get(where, params={"id": last[:16]}).json() == {"position": 3}
    assert browser.get(where, params={"date": "2019-07-13"}).json() == {"position": 2}
    assert browser.get(where, params={"id": "0" * 16}).status_code == 404
    for wrong in ({}, {"id": "xyz"}, {"date": "never"}, {"id": last, "date": "2019"}):
        assert browser.get(where, params=wrong).status_code == 422


# --- pictures and files ---------------------------------------------------------------------------


@pytest.mark.parametrize("side", [320, 640, 1600])
def test_a_picture_is_kept_by_browsers_for_good(browser: TestClient, filled: Lab, side: int):
    name = hashes(filled)[1]
    asked = {"side": side, "v": str(VERSION)}
    answer = browser.get(f"/preview/{name[:16]}", params=asked)
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["cross-origin-resource-policy"] == "same-site"
    other = browser.get(f"/preview/{name}", params={"side": side, "v": "0"})
    assert other.headers["cache-control"] == "no-store"


def test_the_file_comes_whole_and_in_parts(browser: TestClient, filled: Lab):
    name = hashes(filled)[-1]
    data = PICTURES["a.jpg"]
    whole = browser.get(f"/asset/{name}")
    assert whole.content == data and whole.headers["content-type"] == "image/jpeg"
    assert "sandbox" in whole.headers["content-security-policy"]
    for asked, part in (
        ("bytes=0-1", data[:2]),
        ("bytes=100-", data[100:]),
        ("bytes=-7", data[-7:]),
        (f"bytes=10-{len(data) + 50}", data[10:]),
    ):
        answer = browser.get(f"/asset/{name}", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part), asked
    beyond = browser.get(f"/asset/{name}", headers={"Range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(data)}"
    stale = browser.get(f"/asset/{name}", headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, data)
    kept = browser.get(f"/asset/{name}", headers={"If-None-Match": whole.headers["etag"]})
    assert kept.status_code == 304


def test_a_file_is_handed_over_under_its_name_without_steering_anything(
    browser: TestClient, filled: Lab
):
    answer = browser.get(f"/asset/{hashes(filled)[1]}", params={"download": "true"})
    told = answer.headers["content-disposition"]
    assert told.startswith("attachment; filename*=UTF-8''") and "<" not in told
    assert answer.headers["content-type"] == "application/octet-stream"


def test_where_no_copy_answers_it_is_said(browser: TestClient, filled: Lab):
    name = hashes(filled)[-1]
    (path,) = filled.documents()[name]["paths"]
    (filled.root / path).unlink()
    answer = browser.get(f"/asset/{name}")
    assert answer.status_code == 503 and "disk" in answer.json()["hint"]


# --- what is known --------------------------------------------------------------------------------


def test_each_value_says_who_gave_it_and_how_sure_it_is(browser: TestClient, filled: Lab):
    filled.catalog("set", hashes(filled)[-1], "title=Gravensteen")
    told = browser.get(f"/api/v1/assets/{hashes(filled)[-1]}").json()
    facts = {fact["name"]: fact for fact in told["facts"]}
    assert facts["taken"]["source"].startswith("exif") and facts["taken"]["confidence"] == "high"
    assert facts["title"]["source"] == "person"
    assert told["place"] == "Ghent"
    assert [copy["state"] for copy in told["copies"]] == ["present"]
    events = browser.get(f"/api/v1/assets/{hashes(filled)[-1]}/history").json()["events"]
    assert [event["who"] for event in events] == ["upload_to_nas_from_disk", "set"]


# --- what is private ------------------------------------------------------------------------------


def make_private(lab: Lab, how: str) -> str:
    """Make the newest asset private to anna; its hash."""
    name = hashes(lab)[0]
    if how == "asset":
        done = lab.catalog("set", name, "private=anna")
    elif how == "album":
        assert lab.catalog("set", name, "albums=Diary").status == 0
        done = lab.catalog("set", "--album", "Diary", "private=anna")
    else:
        (path,) = lab.documents()[name]["paths"]
        done = lab.catalog("set", "--folder", path.rpartition("/")[0], "private=anna")
    assert done.status == 0, done.err
    return name


@pytest.mark.parametrize("how", ["asset", "album", "folder"])
def test_what_is_private_is_on_no_route_of_another(filled: Lab, how: str):
    """Every route that shows assets, asked by its owner and by others, of whatever role."""
    secret = make_private(filled, how)
    with open_web(filled) as web:
        anna = web.logged_in("anna", VIEWER)
        others = [web.logged_in("bert", VIEWER), web.logged_in("owner", OWNER)]
        web.add("carl", CURATOR)
        others.append(web.program("carl", [VIEW]))
        assert anna.get("/api/v1/timeline").json()["count"] == 4
        shown = [r for r in ROUTES if r.scope == VIEW and r.method == "GET" and "{hash}" in r.path]
        assert len(shown) >= 5, "the table has the routes of assets"
        for other in others:
            assert other.get("/api/v1/timeline").json()["count"] == 3
            assert other.get("/api/v1/timeline", params={"q": "taken:2021"}).json()["count"] == 0
            assert len(other.get("/api/v1/timeline/layout").content) == 3
            assert secret[:16] not in ids(other) and secret[:16] not in ids(other, group="place")
            at = other.get("/api/v1/timeline/position", params={"id": secret})
            assert at.status_code == 404
            assert "2021-01" not in other.get("/api/v1/timeline").text
            assert secret[:16] not in other.get("/metrics").text
            for route in shown:
                path = route.template.replace("{hash}", secret[:16])
                assert other.get(path).status_code == 404, path
                assert anna.get(path).status_code in (200, 422), path


def test_a_look_alike_or_shot_that_is_private_is_not_told(lab: Lab):
    put(lab.source, {"IMG_1.jpg": jpeg("a", size=400), "IMG_2.jpg": jpeg("a", size=300)})
    assert lab.upload().status == 0
    seen, secret = hashes(lab)
    assert lab.catalog("set", secret, "private=anna").status == 0
    with open_web(lab) as web:
        anna, bert = web.logged_in("anna", VIEWER), web.logged_in("bert", VIEWER)
        path = f"/api/v1/assets/{seen}/similar"
        assert secret in anna.get(path).text
        assert secret not in bert.get(path).text and bert.get(path).status_code == 200


# --- whatever a program sends ---------------------------------------------------------------------


def test_no_request_of_the_description_breaks_anything(web: WebStand):
    """Whatever fits the description, or nearly, is answered as the description says.

    That nobody is let in without a log-in is tested of each route elsewhere: the cookie over plain
    HTTP is not the one that the description names. What fits may still not be meant: a query that
    is none is 422.
    """
    owner = web.logged_in("owner", OWNER)
    headers = {"Host": "127.0.0.1", "Cookie": f"catalog={owner.cookies['catalog']}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", web.app, headers=headers)
    excluded = [ignored_auth, positive_data_acceptance]
    for operation in schema.exclude(path_regex="session|/review/done").get_all_operations():

        @given(operation.ok().as_strategy())
        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        def check(case: schemathesis.Case) -> None:
            if not str(case.query.get("q", "")).isascii():
                return  # the index in memory knows no words of every language
            case.call_and_validate(headers=headers, excluded_checks=excluded)

        check()
    assert owner.get("/api/v1/me").json()["name"] == "owner"


# --- films ----------------------------------------------------------------------------------------


def test_a_film_comes_as_it_is_and_as_one_that_every_browser_plays(lab: Lab):
    films.make(lab.source / "clip.mov")
    assert lab.upload().status == 0
    (name,) = hashes(lab)
    with open_web(lab) as web:
        anna = web.logged_in("anna", VIEWER)
        whole = anna.get(f"/asset/{name}")
        assert whole.headers["content-type"] == "video/quicktime"
        assert anna.get(f"/preview/{name}").status_code == 200
        made = anna.get(f"/asset/{name}", params={"film": "720p"}, headers={"Range": "bytes=4-7"})
        assert (made.status_code, made.content) == (206, b"ftyp")
        assert made.headers["content-type"] == "video/mp4"
        assert anna.get(f"/asset/{name}", params={"film": "4k"}).status_code == 422


def test_what_does_not_move_is_not_there(browser: TestClient, filled: Lab):
    answer = browser.get(f"/asset/{hashes(filled)[-1]}", params={"motion": "1"})
    assert answer.status_code == 404 and "moves" in answer.json()["error"]
