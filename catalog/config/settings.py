"""Every setting, its default and its help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from catalog.config.secret import Secret
from catalog.config.values import (
    Check,
    above,
    at_least,
    between,
    required_field,
    setting,
    spell,
)
from catalog.domain import amounts, scaled_names
from catalog.domain import layout as layouts


@dataclass(frozen=True)
class KnownPlaceSetting:
    """A place of the owner's own, such as home: it wins over the gazetteer within its radius."""

    name: str
    lat: float = required_field(between(-90, 90))
    lon: float = required_field(between(-180, 180))
    radius_km: float = setting(1.0, "reach of the place, in km", above(0))
    city: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True)
class CopyPolicySetting:
    """Copies that the assets matching a query must have beyond what all must have."""

    query: str = ""
    min_copies: int = setting(0, "stores that should each have a verified copy", at_least(0))
    stores: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.min_copies and not self.stores:
            raise ValueError("a policy needs min_copies or stores")


Preference = Literal[
    "pixels", "format", "metadata", "camera", "sharpness", "bytes", "favorite", "rating", "copies"
]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]


@dataclass(frozen=True)
class BadShotsSetting:
    """From where on `catalog bad` calls a picture bad; see the scores in the README."""

    blank_contrast: float = setting(4.0, "contrast below which a picture is blank", at_least(0))
    blank_detail: float = setting(
        0.02, "share of the picture with detail below which it is blank", between(0, 1)
    )
    blurred_focus: float = setting(45.0, "focus below which a picture is blurred", at_least(0))
    dark_brightness: float = setting(
        25.0, "brightness below which a picture is dark", between(0, 255)
    )
    overexposed_share: float = setting(
        0.4, "share of the picture that is burnt out", above(0), between(0, 1)
    )
    accidental_detail: float = setting(
        0.25, "share with detail below which a shot may be accidental", between(0, 1)
    )
    accidental_seconds: float = setting(
        1.0, "length of a video below which it may be accidental", at_least(0)
    )


def _template(value: str, fields: frozenset[str] = layouts.FIELDS) -> None:
    unknown = layouts.unknown_fields(value, fields)
    if unknown:
        raise ValueError(f"{{{unknown[0]}}} is no field of a template")


def _scaled_template(value: str) -> None:
    _template(value, scaled_names.FIELDS)
    if not {"original", "number", "hash"} & set(re.findall(r"\{(\w+)\}", value)):
        raise ValueError("it must have {original}, {number} or {hash}, or all names are one")
    if "/" in value:
        raise ValueError("it is the name of a file, without folders")


_LAYOUT = layouts.Layout()


@dataclass(frozen=True)
class LayoutSetting:
    """Templates of folders and names.

    The words in braces are year, month, day, hour, minute, second, month_name, date, time, place,
    city, country, region, original, make, model and kind.
    """

    folder: str = setting(_LAYOUT.folder, "folder of a dated file", _template)
    undated_folder: str = setting(_LAYOUT.undated_folder, "folder of what has no date", _template)
    video_folder: str = setting(
        _LAYOUT.video_folder, "folder of videos, in that of their date", _template
    )
    messenger_folder: str = setting(
        _LAYOUT.messenger_folder, "folder of what a messenger sent", _template
    )
    name: str = setting(_LAYOUT.name, "name of a file", _template)
    name_weak: str = setting(_LAYOUT.name_weak, "name where the time is only the file's", _template)
    name_date_only: str = setting(
        _LAYOUT.name_date_only, "name where no time of day is known", _template
    )
    name_undated: str = setting(_LAYOUT.name_undated, "name of what has no date", _template)
    live_video_beside_still: bool = _LAYOUT.live_video_beside_still


def _zone(value: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value} is no time zone such as Europe/Brussels") from error


def _texts(text: str) -> list[str]:
    """The texts that one text lists: a JSON array, or with commas between them."""
    if text.lstrip().startswith("["):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ValueError("it is no valid JSON") from None
        return list(found)
    return [part.strip() for part in text.split(",") if part.strip()]


def _without_login(user: str, password: str) -> Check:
    """The check that no address, or none of several, holds a user or a password: these belong in
    the settings named.
    """

    def check(value: str | tuple[str, ...]) -> None:
        addresses = (value,) if isinstance(value, str) else value
        if any("@" in address.partition("//")[2].partition("/")[0] for address in addresses):
            raise ValueError(f"user and password belong in {user} and {password}")

    return check


def _web_address(value: str) -> None:
    if not value.startswith(("https://", "http://")):
        raise ValueError("it must begin with https:// or http://")


_WEBDAV_LOGIN = _without_login("webdav_username", "webdav_password")


@dataclass(frozen=True)
class WebdavLoginSetting:
    """The login at a further WebDAV server, or of a further user; the names are one's own."""

    name: str
    username: str
    password: Secret
    url: str = required_field(_web_address, _WEBDAV_LOGIN)
    ca_cert: Path | None = None


def _outside_the_vault(value: Secret) -> None:
    if value.form.startswith("vault:"):
        raise ValueError("it cannot be kept in the Vault that it opens")


_SPACE = spell("home|team|[0-9]+", "home, team, or the number of a namespace")
_INDEX = spell(
    "[a-z0-9][a-z0-9._-]{0,100}", "a name of small letters, digits, dots, dashes and underscores"
)
_TAG = spell(r"[\w.-]{1,100}", "a word of letters, digits, dots, dashes and underscores")


@dataclass(frozen=True)
class Settings:
    """Every setting, its default and its help. Secrets never show in a repr."""

    nas_root: Path | None = setting(None, "folder of the catalog on the NAS or a disk")
    dropbox_root: str | None = setting(None, "folder of the catalog in Dropbox, such as /photos")
    dropbox_app_key: str | None = setting(
        None, "key of the Dropbox app that `catalog dropbox login` is for"
    )
    dropbox_login: Path | None = setting(None, "file that keeps the login to Dropbox")
    dropbox_space: str = setting(
        "home", "part of a team's Dropbox: home, team (all of it), or a namespace id", _SPACE
    )
    dropbox_ca_cert: Path | None = setting(
        None, "certificate authority for Dropbox behind a proxy that reads along (PEM)"
    )
    dropbox_retry_seconds: float = setting(
        900.0, "how long to go on trying while Dropbox cannot be reached", at_least(0)
    )
    dbox_catalog_token: Secret | None = setting(None, "Dropbox token for the catalog's app folder")
    dbox_full_token: Secret | None = setting(None, "Dropbox token for the whole account")
    webdav_host_url: str | None = setting(
        None,
        "root of a WebDAV server or Nextcloud, such as https://cloud.example",
        _web_address,
        _WEBDAV_LOGIN,
    )
    webdav_url: str | None = setting(
        None,
        "the user's own folder on that server, as a whole address",
        _web_address,
        _WEBDAV_LOGIN,
    )
    webdav_username: str | None = setting(None, "user of that server")
    webdav_password: Secret | None = setting(
        None, "password of that user, of Nextcloud best one made for this program"
    )
    webdav_ca_cert: Path | None = setting(
        None, "certificate authority of that server, where it is one of its owner's own (PEM)"
    )
    webdav_retry_seconds: float = setting(
        900.0, "how long to go on trying while a WebDAV server cannot be reached", at_least(0)
    )
    webdav_logins: tuple[WebdavLoginSetting, ...] = setting(
        (), "logins at further WebDAV servers, or of further users, see below", by_name=True
    )
    web_proxies: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        "addresses or networks of the proxies that `catalog serve --behind-proxy` believes",
        parse=_texts,
    )
    vault_address: str | None = setting(
        None,
        "Vault or OpenBao that keeps secrets, such as https://vault.example:8200",
        _web_address,
        _without_login("vault_role_id", "vault_secret_id"),
    )
    vault_namespace: str | None = setting(None, "namespace in that Vault")
    vault_ca_cert: Path | None = setting(None, "certificate authority of that Vault (PEM)")
    vault_token: Secret | None = setting(None, "token of that Vault", _outside_the_vault)
    vault_role_id: Secret | None = setting(
        None, "id of an AppRole of that Vault, instead of a token", _outside_the_vault
    )
    vault_secret_id: Secret | None = setting(None, "secret id of that role", _outside_the_vault)
    raw_names_prefixes: tuple[str, ...] = setting(
        ("Unknown",), "beginnings of the names that `scaler` takes up", parse=_texts
    )
    raw_remote_dir: str | None = setting(None, "folder that `scaler` takes pictures from")
    unsorted_remote_dir: str | None = setting(
        None, "folder that `scaler` puts pictures into, and `mover` takes them from"
    )
    scaled_name: str = setting(
        scaled_names.TEMPLATE,
        "name of what `scaler` makes: {original}, {time} and {number}, {factor}, {hash}",
        _scaled_template,
    )
    images_root_dir: str | None = setting(None, "folder in which `mover` makes those of categories")
    parent_tag_value: str | None = setting(
        None, "what stands before the colon in tags that `mover` follows, such as ai in ai:cats"
    )
    elasticsearch_url: tuple[str, ...] = setting(
        (),
        "Elasticsearch to use instead of the program's own, http(s)://host:port, or its nodes",
        _without_login("elasticsearch_user", "elasticsearch_password"),
        parse=_texts,
    )
    elasticsearch_user: str | None = setting(None, "user of that Elasticsearch")
    elasticsearch_password: Secret | None = setting(None, "password of that user")
    elasticsearch_api_key: Secret | None = setting(None, "API key, instead of user and password")
    elasticsearch_ca_cert: Path | None = setting(
        None, "certificate authority of that Elasticsearch (PEM)"
    )
    host: str | None = setting(None, "host where Elasticsearch runs (http)")
    port: int | None = setting(None, "port where Elasticsearch runs", between(1, 65535))
    index: str = setting("catalog", "name of the catalog in Elasticsearch", _INDEX)
    node_home: Path | None = setting(None, "folder of the program's own Elasticsearch node")
    elasticsearch_distribution: str | None = setting(
        None, "zip file, or mirror, to take Elasticsearch from", shown=False
    )
    engine_heap_mb: int = setting(
        384, "memory for the own node's heap, in MiB", between(128, 31_000)
    )
    state_dir: Path | None = setting(None, "folder of the journals")
    home_zone: str | None = setting(
        None,
        "time zone for times that are only known in UTC, such as Europe/Brussels, "
        "else the machine's",
        _zone,
    )
    known_places: tuple[KnownPlaceSetting, ...] = setting(
        (), "places of your own, which win over the gazetteer"
    )
    layout: LayoutSetting = setting(LayoutSetting(), "templates of folders and names")
    min_copies: int = setting(
        2, "stores that should each have a verified copy of every asset", at_least(1)
    )
    move_limit: int = setting(
        1000, "files that --move removes, or refile renames, at most without --yes", at_least(0)
    )
    copy_policies: tuple[CopyPolicySetting, ...] = setting(
        (), "further demands on copies, by query, see below"
    )
    source_copies: int = setting(
        1, "verified copies a file outside the catalog needs before it is removed", at_least(1)
    )
    removal_copies: int = setting(
        2, "other verified copies a catalog copy needs before `resolve` removes it", at_least(1)
    )
    keeper_order: tuple[Preference, ...] = setting(
        ("pixels", "format", "metadata", "camera", "sharpness", "bytes"),
        "by what to choose which duplicate to keep",
    )
    bad_shots: BadShotsSetting = setting(
        BadShotsSetting(), "from where on `catalog bad` calls a picture bad"
    )
    shrink_percent: float = setting(
        10.0, "share of recorded files whose absence makes a sync stop", between(0, 100)
    )
    shrink_files: int = setting(50, "missing files below which a sync does not stop", at_least(0))
    change_percent: float = setting(
        10.0, "share of recorded files that, changed at once, a sync holds", between(0, 100)
    )
    change_files: int = setting(50, "changed files up to which a sync holds none", at_least(0))
    transfers: int = setting(4, "files that travel between two stores at once", between(1, 64))
    bwlimit: str = setting(
        amounts.OFF,
        "bytes a second between two stores, such as 5M, or by time: `08:00,512K 23:00,off`",
        amounts.timetable,
    )
    max_transfer: str = setting(
        amounts.OFF,
        "amount after which a run begins no further transfer, such as 10G",
        amounts.byte_count,
    )
    max_duration: str = setting(
        amounts.OFF,
        "time after which a run begins no further transfer, such as 6h",
        amounts.seconds,
    )
    workers: int = setting(0, "processes that read files; 0 is one for each core", between(0, 256))
    file_seconds: float = setting(
        20.0, "seconds after which reading one file is given up", above(0)
    )
    file_memory_mb: int = setting(1024, "memory one file may need, in MiB", at_least(64))
    previews: Literal["on", "off"] = setting(
        "on", "make small pictures of photos and videos in the decode that reading them does anyway"
    )
    preview_dir: Path | None = setting(
        None, "folder where small pictures and films to look at are kept"
    )
    preview_gb: float = setting(
        20.0, "space for small pictures, in GB; the longest unused go first", at_least(0)
    )
    preview_cache_mb: int = setting(
        4096,
        "space for large pictures, made when they are looked at, in MB; the same",
        at_least(0),
    )
    film_cache_gb: float = setting(
        20.0, "space for films made for browsers, in GB; the same", at_least(0)
    )
    checksums: tuple[Literal["md5", "sha1", "sha256"], ...] = setting(
        ("sha1",),
        "checksums of whole files to keep beside the content hash, of md5, sha1 and sha256",
    )
    retry_seconds: float = setting(
        60.0, "how long to wait for an Elasticsearch that is busy or went away", at_least(0)
    )
    ffmpeg: str | None = setting(
        None, "ffmpeg that converts videos, instead of the one of the package imageio-ffmpeg"
    )
    reingest_crf: float = setting(
        23.0, "quality of converted videos (x265 CRF): lower is better and larger", between(0, 51)
    )
    reingest_preset: Preset = setting(
        "medium", "how much x265 tries to make converted videos small, from ultrafast to veryslow"
    )
    optional_readers: tuple[Literal["exiftool", "exiv2", "hachoir"], ...] = setting(
        (), "further readers to ask for a missing date"
    )
    reingest_target: str = setting(
        "icloud", "cloud that `reingest` hands over to, and the tag of what was handed over", _TAG
    )
    reingest_skip: tuple[str, ...] = setting(
        ("Trash", "small", "large", "collages", "iphone_import", "LRCatalog"),
        "parts of folder names, in any case, whose files `reingest` does not offer",
    )
