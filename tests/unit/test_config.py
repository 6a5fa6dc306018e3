"""Settings: which source wins, what a mistake is answered with, and that secrets stay secret."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from catalog.config import (
    APP,
    ENV_PREFIX,
    KnownPlaceSetting,
    LayoutSetting,
    Settings,
    load,
    state_dir,
)
from catalog.domain.layout import Layout
from catalog.domain.place import KnownPlace
from catalog.errors import ConfigError

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "config-template.json"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, an empty configuration folder, and no variable of ours."""
    for name in list(os.environ):
        if name.upper().startswith(ENV_PREFIX):
            monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return work


def user_file(values: dict[str, Any]) -> Path:
    path = platformdirs.user_config_path(APP) / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(values))
    return path


def complaint(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(**options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- precedence -----------------------------------------------------------------------------------


def test_without_anything_the_defaults_hold():
    settings = load()
    assert (settings.index, settings.nas_root, settings.min_copies, settings.home_zone) == (
        "catalog",
        None,
        2,
        None,
    )


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    assert load().port is None
    (clean / "config.json").write_text('{"port": 1111, "index": "file", "workers": 3}')
    assert load().port == 1111
    monkeypatch.setenv("CATALOG_PORT", "2222")
    monkeypatch.setenv("CATALOG_INDEX", "environment")
    assert load().port == 2222
    settings = load(port=3333, index=None)
    assert (settings.port, settings.index, settings.workers) == (3333, "environment", 3)


def test_the_file_here_hides_the_users_file(clean: Path):
    user_file({"index": "user", "workers": 2})
    assert load().index == "user"
    (clean / "config.json").write_text('{"index": "here"}')
    assert (load().index, load().workers) == ("here", 0)


def test_a_named_file_hides_both(clean: Path, tmp_path: Path):
    user_file({"index": "user"})
    (clean / "config.json").write_text('{"index": "here"}')
    (tmp_path / "named.json").write_text('{"index": "named"}')
    assert load(tmp_path / "named.json").index == "named"
    assert load().index == "here"


def test_the_original_keys_go_on_working(clean: Path):
    original = {
        "nas_root": "/nas",
        "dropbox_root": "/photos",
        "dbox_catalog_token": "a",
        "dbox_full_token": "b",
    }
    (clean / "config.json").write_text(json.dumps(original))
    settings = load()
    assert (settings.nas_root, settings.dropbox_root) == (Path("/nas"), "/photos")
    assert (
        settings.dbox_full_token is not None and settings.dbox_full_token.get_secret_value() == "b"
    )


def test_lists_and_templates_can_come_from_the_environment(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    (clean / "config.json").write_text('{"layout": {"video_folder": "videos"}}')
    monkeypatch.setenv("CATALOG_LAYOUT__NAME", "{date}")
    monkeypatch.setenv("CATALOG_OPTIONAL_READERS", '["exiftool"]')
    monkeypatch.setenv("CATALOG_KNOWN_PLACES", '[{"name": "Home", "lat": 51, "lon": 3.7}]')
    settings = load()
    assert (settings.layout.name, settings.layout.video_folder, settings.layout.folder) == (
        "{date}",
        "videos",
        Layout().folder,
    )
    assert settings.optional_readers == ("exiftool",)
    assert settings.checksums == ("sha1",)
    monkeypatch.setenv("CATALOG_CHECKSUMS", "[]")
    assert load().checksums == (), "none at all"
    monkeypatch.setenv("CATALOG_CHECKSUMS", '["md5", "sha3"]')
    with pytest.raises(ConfigError, match="checksums"):
        load()
    assert settings.known_places == (KnownPlaceSetting(name="Home", lat=51, lon=3.7),)


@pytest.mark.parametrize("value", ["", None])
def test_what_is_left_blank_in_the_file_is_not_set(clean: Path, value: Any):
    (clean / "config.json").write_text(
        json.dumps({"nas_root": value, "port": value, "home_zone": value})
    )
    assert (load().nas_root, load().port, load().home_zone) == (None, None, None)


def test_what_is_left_blank_in_the_environment_is_not_set(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    (clean / "config.json").write_text('{"port": 1111}')
    monkeypatch.setenv("CATALOG_PORT", "")
    monkeypatch.setenv("CATALOG_KNOWN_PLACES", "")
    assert load().port == 1111


def test_one_load_leaves_nothing_for_the_next(clean: Path, tmp_path: Path):
    (tmp_path / "named.json").write_text('{"index": "named"}')
    load(tmp_path / "named.json")
    assert load().index == "catalog"


def test_settings_of_many_files_are_read_at_once_and_do_not_mix(tmp_path: Path):
    paths = [tmp_path / f"{number}.json" for number in range(8)]
    for number, path in enumerate(paths):
        path.write_text(
            json.dumps(
                {"index": f"of-{number}", "port": number + 1, "layout": {"name": f"{number}"}}
            )
        )
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(load, paths * 50))
    expected = [(f"of-{number}", number + 1, f"{number}") for number in range(8)] * 50
    assert [(s.index, s.port, s.layout.name) for s in read] == expected


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        load().port = 1  # type: ignore[misc]


def test_journals_lie_in_the_users_state_folder_unless_told_otherwise(tmp_path: Path):
    assert state_dir(load()) == platformdirs.user_state_path(APP)
    assert state_dir(load(state_dir=tmp_path)) == tmp_path


# --- the addresses of Elasticsearch ---------------------------------------------------------------

TWO = ("https://a.example:9200", "https://b.example:9200")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.example:9200", TWO[:1]),
        (list(TWO), TWO),
        (", ".join(TWO), TWO),
        ([], ()),
        ("", ()),
        (None, ()),
    ],
)
def test_the_file_names_one_address_or_a_list(clean: Path, value: Any, expected: tuple[str, ...]):
    (clean / "config.json").write_text(json.dumps({"elasticsearch_url": value}))
    assert load().elasticsearch_url == expected


@pytest.mark.parametrize(
    "text", [",".join(TWO), " , ".join(TWO), json.dumps(TWO), f" {json.dumps(TWO)}"]
)
def test_the_environment_names_addresses_with_commas_or_as_json(
    monkeypatch: pytest.MonkeyPatch, text: str
):
    monkeypatch.setenv("CATALOG_ELASTICSEARCH_URL", text)
    assert load().elasticsearch_url == TWO
    monkeypatch.setenv("CATALOG_ELASTICSEARCH_URL", TWO[0])
    assert load().elasticsearch_url == TWO[:1]


def test_prefixes_are_a_list_or_a_text_that_holds_one(clean: Path, monkeypatch: pytest.MonkeyPatch):
    assert load().raw_names_prefixes == ("Unknown",)
    for value in (["Unknown", "IMG_"], '["Unknown", "IMG_"]', "Unknown, IMG_"):
        (clean / "config.json").write_text(json.dumps({"raw_names_prefixes": value}))
        assert load().raw_names_prefixes == ("Unknown", "IMG_")
    monkeypatch.setenv("CATALOG_RAW_NAMES_PREFIXES", '["a,b"]')
    assert load().raw_names_prefixes == ("a,b",)


def test_addresses_that_are_none_are_told(clean: Path, monkeypatch: pytest.MonkeyPatch):
    (clean / "config.json").write_text('{"elasticsearch_url": ["https://a.example:9200", 9200]}')
    assert "The setting elasticsearch_url.1 in" in complaint()
    (clean / "config.json").write_text('{"elasticsearch_url": {"a": 9200}}')
    assert "The setting elasticsearch_url in" in complaint()
    monkeypatch.setenv("CATALOG_ELASTICSEARCH_URL", '["https://a.example:9200"')
    assert (
        "in the environment (CATALOG_ELASTICSEARCH_URL) does not fit: it is no valid JSON."
        in complaint()
    )


def test_a_password_in_any_of_the_addresses_is_refused_without_printing_it(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv(
        "CATALOG_ELASTICSEARCH_URL", f"{TWO[0]},https://elastic:hunter2@es.example:9200"
    )
    assert "hunter2" not in complaint() and "elasticsearch_password" in complaint()


# --- mistakes -------------------------------------------------------------------------------------


def test_an_unknown_key_is_named_with_its_file_and_the_nearest_name(clean: Path):
    (clean / "config.json").write_text('{"nas_rot": "/nas"}')
    text = complaint()
    assert (
        "nas_rot" in text
        and str(clean / "config.json") in text
        and "Did you mean nas_root?" in text
    )


def test_an_unknown_key_that_is_near_to_none_gets_the_list(clean: Path):
    (clean / "config.json").write_text('{"xyzzy": 1}')
    assert "nas_root" in complaint() and "home_zone" in complaint()


def test_an_unknown_key_of_the_layout_is_named_with_its_place(clean: Path):
    (clean / "config.json").write_text('{"layout": {"fodler": "x"}}')
    assert "layout.fodler" in complaint() and "Did you mean folder?" in complaint()


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"port": "many"}, "port"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "port"),
        ({"index": "Not Allowed"}, "index"),
        ({"index": "../x"}, "index"),
        ({"home_zone": "Mars/Olympus"}, "home_zone"),
        ({"home_zone": "../../etc/passwd"}, "home_zone"),
        ({"min_copies": 0}, "min_copies"),
        ({"min_copies": [1]}, "min_copies"),
        ({"nas_root": 5}, "nas_root"),
        ({"layout": {"name": "{moth}"}}, "layout.name"),
        ({"layout": "x"}, "layout"),
        ({"known_places": [{"name": "x", "lat": 91, "lon": 0}]}, "known_places.0.lat"),
        ({"known_places": [{"name": "x"}]}, "known_places.0.lat"),
        ({"optional_readers": ["magic"]}, "optional_readers.0"),
        ({"file_seconds": 0}, "file_seconds"),
        ({"dbox_full_token": 12345}, "dbox_full_token"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_key_and_its_file(
    clean: Path, values: dict[str, Any], key: str
):
    (clean / "config.json").write_text(json.dumps(values))
    text = complaint()
    assert f"The setting {key} in {clean / 'config.json'} does not fit" in text


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("CATALOG_PORT", "many", "port"),
        ("CATALOG_KNOWN_PLACES", "Home", "known_places"),
        ("CATALOG_LAYOUT__NAME", "{x}", "layout.name"),
        ("catalog_min_copies", "none", "min_copies"),
        ("CATALOG_LAYOUT", "x", "layout"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
):
    monkeypatch.setenv(name, value)
    text = complaint()
    assert f"The setting {key} in the environment (CATALOG_{key.partition('.')[0].upper()})" in text


def test_of_an_object_each_part_is_blamed_on_who_said_it(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    (clean / "config.json").write_text('{"layout": {"video_folder": "{moth}"}}')
    monkeypatch.setenv("CATALOG_LAYOUT__NAME", "{date}")
    assert (
        f"The setting layout.video_folder in {clean / 'config.json'} does not fit: {{moth}} is no "
        "field" in complaint()
    )
    (clean / "config.json").write_text("{}")
    monkeypatch.setenv("CATALOG_LAYOUT__FODLER", "x")
    assert "Unknown setting layout.fodler in the environment (CATALOG_LAYOUT)." in complaint()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"port": "many"}, "it must be a whole number"),
        ({"port": True}, "it must be a whole number"),
        ({"port": 9200.5}, "it must be a whole number"),
        ({"port": 0}, "it must be from 1 to 65535"),
        ({"shrink_percent": "nan"}, "it must be a number"),
        ({"min_copies": 0}, "it must be 1 or more"),
        ({"file_seconds": 0}, "it must be more than 0"),
        ({"layout": {"live_video_beside_still": "perhaps"}}, "it must be true or false"),
        ({"nas_root": 5}, "it must be a path"),
        ({"host": 5}, "it must be a text"),
        ({"layout": "x"}, "it must be an object with names and values"),
        ({"known_places": {}}, "it must be a list"),
        ({"known_places": [{"name": "x"}]}, "it is missing"),
        ({"webdav_logins": []}, "it must be an object of objects by their names"),
        ({"webdav_logins": {"x": 5}}, "it must be an object with names and values"),
        ({"webdav_logins": {"x": {"url": "https://x"}}}, "it is missing"),
        ({"copy_policies": [{"query": "kind:video"}]}, "a policy needs min_copies or stores"),
        ({"optional_readers": ["magic"]}, "it must be one of exiftool, exiv2, hachoir"),
        ({"dropbox_space": "house"}, "it must be home, team, or the number of a namespace"),
        ({"home_zone": "Mars/Olympus"}, "Mars/Olympus is no time zone such as Europe/Brussels"),
    ],
)
def test_what_would_be_right_is_said(clean: Path, values: dict[str, Any], what: str):
    (clean / "config.json").write_text(json.dumps(values))
    assert f"does not fit: {what}. See the table of settings in the README." in complaint()


def test_texts_of_the_environment_become_numbers_and_truths(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "PORT": "9201",
        "SHRINK_PERCENT": "2.5",
        "FILE_SECONDS": "7",
        "layout__live_video_beside_still": "Yes",
        "BAD_SHOTS": '{"blurred_focus": 60}',
        "BAD_SHOTS__BLANK_DETAIL": "0.5",
    }.items():
        monkeypatch.setenv(f"CATALOG_{name}", value)
    settings = load()
    assert (settings.port, settings.shrink_percent, settings.file_seconds) == (9201, 2.5, 7.0)
    assert settings.layout.live_video_beside_still is True
    assert (settings.bad_shots.blurred_focus, settings.bad_shots.blank_detail) == (60.0, 0.5)


def test_a_flag_that_does_not_fit_is_named():
    assert "the option --port" in complaint(port=70000)


def test_a_mistake_is_not_blamed_on_a_variable_of_a_similar_name(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    (clean / "config.json").write_text('{"host": [1]}')
    monkeypatch.setenv("CATALOG_HOSTNAME_OF_MINE", "x")
    assert str(clean / "config.json") in complaint()


@pytest.mark.parametrize("text", ["", "{", '{"port": 1,}', "nonsense", "\ufeff{", '{"port": 1} x'])
def test_a_file_that_is_no_json_is_named(clean: Path, text: str):
    (clean / "config.json").write_text(text)
    assert f"{clean / 'config.json'} is no valid JSON" in complaint()


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null"])
def test_a_file_that_holds_no_object_is_named(clean: Path, text: str):
    (clean / "config.json").write_text(text)
    assert f"{clean / 'config.json'} must hold a JSON object" in complaint()


@pytest.mark.parametrize("make", ["missing", "folder"])
def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path, make: str):
    path = tmp_path / "named.json"
    if make == "folder":
        path.mkdir()
    assert str(path) in complaint(config=path) and "--config" in complaint(config=path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_that_cannot_be_read_is_named(clean: Path):
    (clean / "config.json").write_text("{}")
    (clean / "config.json").chmod(0)
    assert f"{clean / 'config.json'} cannot be read" in complaint()


# --- secrets --------------------------------------------------------------------------------------


NAMES = [field.name for field in fields(Settings)]
SECRETS = [field.name for field in fields(Settings) if "Secret" in str(field.type)]


def test_every_token_password_and_key_is_a_secret():
    assert set(SECRETS) == {
        n
        for n in NAMES
        if any(w in n for w in ("token", "password", "api_key", "secret", "role_id"))
    }


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_show_neither_in_repr_nor_in_text_nor_in_a_dump(name: str):
    settings = load(**{name: "hunter2-very-secret"})
    assert getattr(settings, name).get_secret_value() == "hunter2-very-secret"
    for text in (
        repr(settings),
        str(settings),
        f"{settings}",
        str(asdict(settings)),
        str(vars(settings)),
    ):
        assert "hunter2" not in text


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_does_not_fit_is_not_printed(clean: Path, name: str):
    (clean / "config.json").write_text(json.dumps({name: ["hunter2"]}))
    assert "hunter2" not in complaint()


def test_a_password_in_an_address_is_refused_without_printing_it():
    text = complaint(elasticsearch_url="https://elastic:hunter2@es.example:9200")
    assert "hunter2" not in text and "elasticsearch_password" in text
    assert load(elasticsearch_url="https://es.example:9200/a@b").elasticsearch_url == (
        "https://es.example:9200/a@b",
    )


@pytest.mark.parametrize("name", ["webdav_url", "webdav_host_url"])
def test_the_address_of_a_webdav_server_is_one_without_a_login(name: str):
    text = complaint(**{name: "https://me:hunter2@cloud.example/dav"})
    assert "hunter2" not in text and "webdav_password" in text
    assert "it must begin with https:// or http://" in complaint(**{name: "cloud.example"})
    assert getattr(load(**{name: "https://cloud.example/a@b"}), name) == "https://cloud.example/a@b"


def test_a_password_in_the_address_of_a_mirror_does_not_show():
    settings = load(elasticsearch_distribution="https://me:hunter2@mirror.example/es.zip")
    assert (
        settings.elasticsearch_distribution is not None
        and "hunter2" in settings.elasticsearch_distribution
    )
    assert "hunter2" not in repr(settings) + str(settings)


# --- the template and the other descriptions ------------------------------------------------------


def test_logins_of_further_servers_come_from_a_file_and_the_environment(
    clean: Path, monkeypatch: pytest.MonkeyPatch
):
    there = {"bob": {"url": "https://a.example", "username": "b", "password": "env:OF_BOB"}}
    (clean / "config.json").write_text(json.dumps({"webdav_logins": there}))
    monkeypatch.setenv("CATALOG_WEBDAV_LOGINS__BOB__USERNAME", "bob")
    monkeypatch.setenv("CATALOG_WEBDAV_LOGINS__NAS__URL", "https://nas.example")
    monkeypatch.setenv("CATALOG_WEBDAV_LOGINS__NAS__USERNAME", "n")
    monkeypatch.setenv("CATALOG_WEBDAV_LOGINS__NAS__PASSWORD_FILE", "/run/secrets/nas")
    monkeypatch.setenv("OF_BOB", "hunter2")
    bob, nas = sorted(load().webdav_logins, key=lambda login: login.name)
    assert (bob.name, bob.url, bob.username) == ("bob", "https://a.example", "bob")
    assert bob.password.get_secret_value() == "hunter2" and "hunter2" not in repr(load())
    assert (nas.name, nas.password.form) == ("nas", "file:/run/secrets/nas")
    monkeypatch.setenv("CATALOG_WEBDAV_LOGINS__NAS__PASSWORD", "x")
    assert "said by another variable as well" in complaint()


def test_the_template_has_exactly_the_keys_that_there_are():
    template = json.loads(TEMPLATE.read_text("utf-8"))
    assert sorted(template) == sorted(NAMES)
    assert sorted(template["layout"]) == sorted(field.name for field in fields(LayoutSetting))


def test_the_template_is_valid_as_it_stands_and_changes_nothing(clean: Path):
    defaults = load()
    (clean / "config.json").write_bytes(TEMPLATE.read_bytes())
    assert load() == defaults


def test_every_setting_has_a_help_text():
    assert [field.name for field in fields(Settings) if not field.metadata["description"]] == []


def test_the_layout_in_the_settings_is_the_layout_of_the_rules():
    assert asdict(LayoutSetting()) == asdict(Layout())


def test_a_known_place_in_the_settings_has_what_the_rules_ask():
    assert {f.name for f in fields(KnownPlaceSetting)} == {f.name for f in fields(KnownPlace)}


@pytest.mark.parametrize("name", ["bwlimit", "max_transfer", "max_duration"])
def test_an_amount_that_is_none_is_one_clear_line(name: str):
    assert f"The setting {name} in the option --{name} does not fit: 'soon' is no " in complaint(
        **{name: "soon"}
    )
