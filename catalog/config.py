"""Settings: typed, frozen, from flag over environment over `config.json` over default."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from catalog.domain import amounts
from catalog.domain import layout as layouts
from catalog.errors import ConfigError

APP = "image-catalog"
ENV_PREFIX = "CATALOG_"
FILE_NAME = "config.json"


class KnownPlaceSetting(BaseModel):
    """A place of the owner's own, such as home: it wins over the gazetteer within its radius."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    radius_km: float = Field(default=1.0, gt=0)
    city: str = ""
    region: str = ""
    country: str = ""


class CopyPolicySetting(BaseModel):
    """Copies that the assets matching a query must have beyond what all must have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = ""
    min_copies: int = Field(default=0, ge=0)
    stores: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _demands_something(self) -> CopyPolicySetting:
        if not self.min_copies and not self.stores:
            raise ValueError("a policy needs min_copies or stores")
        return self


Preference = Literal["pixels", "format", "metadata", "camera", "sharpness", "bytes", "favorite", "rating", "copies"]


class BadShotsSetting(BaseModel):
    """From where on `catalog bad` calls a picture bad; see the scores in the README."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blank_contrast: float = Field(default=4.0, ge=0)
    blank_detail: float = Field(default=0.02, ge=0, le=1)
    blurred_focus: float = Field(default=45.0, ge=0)
    dark_brightness: float = Field(default=25.0, ge=0, le=255)
    overexposed_share: float = Field(default=0.4, gt=0, le=1)
    accidental_detail: float = Field(default=0.25, ge=0, le=1)
    accidental_seconds: float = Field(default=1.0, ge=0)


_LAYOUT = layouts.Layout()


class LayoutSetting(BaseModel):
    """Templates of folders and names; the words in braces are year, month, day, hour, minute, second, month_name, date,
    time, place, city, country, region, original, make, model and kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = _LAYOUT.folder
    undated_folder: str = _LAYOUT.undated_folder
    video_folder: str = _LAYOUT.video_folder
    messenger_folder: str = _LAYOUT.messenger_folder
    name: str = _LAYOUT.name
    name_weak: str = _LAYOUT.name_weak
    name_date_only: str = _LAYOUT.name_date_only
    name_undated: str = _LAYOUT.name_undated
    live_video_beside_still: bool = _LAYOUT.live_video_beside_still

    @field_validator("*")
    @classmethod
    def _known_fields(cls, value: object) -> object:
        unknown = layouts.unknown_fields(value) if isinstance(value, str) else []
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is no field of a template")
        return value


class Settings(BaseSettings):
    """Every setting, its default and its help. Secrets never show in a repr."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="forbid", env_nested_delimiter="__", env_ignore_empty=True
    )

    nas_root: Path | None = Field(None, description="folder of the catalog on the NAS or a disk")
    dropbox_root: str | None = Field(None, description="folder of the catalog in Dropbox, such as /photos")
    dropbox_app_key: str | None = Field(None, description="key of the Dropbox app that `catalog dropbox login` is for")
    dropbox_login: Path | None = Field(None, description="file that keeps the login to Dropbox")
    dropbox_space: str = Field(
        "home", pattern=r"^(home|team|[0-9]+)$", description="part of a team's Dropbox: home, team (all of it), or a namespace id"
    )
    dropbox_ca_cert: Path | None = Field(
        None, description="certificate authority for Dropbox behind a proxy that reads along (PEM)"
    )
    dropbox_retry_seconds: float = Field(900.0, ge=0, description="how long to go on trying while Dropbox cannot be reached")
    dbox_catalog_token: SecretStr | None = Field(None, description="Dropbox token for the catalog's app folder")
    dbox_full_token: SecretStr | None = Field(None, description="Dropbox token for the whole account")
    elasticsearch_url: str | None = Field(
        None, description="Elasticsearch to use instead of the program's own, http(s)://host:port"
    )
    elasticsearch_user: str | None = Field(None, description="user of that Elasticsearch")
    elasticsearch_password: SecretStr | None = Field(None, description="password of that user")
    elasticsearch_api_key: SecretStr | None = Field(None, description="API key, instead of user and password")
    elasticsearch_ca_cert: Path | None = Field(None, description="certificate authority of that Elasticsearch (PEM)")
    host: str | None = Field(None, description="host where Elasticsearch runs (http)")
    port: int | None = Field(None, ge=1, le=65535, description="port where Elasticsearch runs")
    index: str = Field("catalog", pattern=r"^[a-z0-9][a-z0-9._-]{0,100}$", description="name of the catalog in Elasticsearch")
    node_home: Path | None = Field(None, description="folder of the program's own Elasticsearch node")
    elasticsearch_distribution: str | None = Field(
        None, description="zip file, or mirror, to take Elasticsearch from", repr=False
    )
    engine_heap_mb: int = Field(384, ge=128, le=31_000, description="memory for the own node's heap, in MiB")
    state_dir: Path | None = Field(None, description="folder of the journals")
    home_zone: str = Field("UTC", description="time zone for times that are only known in UTC, such as Europe/Brussels")
    known_places: tuple[KnownPlaceSetting, ...] = Field((), description="places of your own, which win over the gazetteer")
    layout: LayoutSetting = Field(default_factory=LayoutSetting, description="templates of folders and names")
    min_copies: int = Field(2, ge=1, description="stores that should each have a verified copy of every asset")
    move_limit: int = Field(1000, ge=0, description="files that --move removes at most without --yes")
    copy_policies: tuple[CopyPolicySetting, ...] = Field((), description="further demands on copies, by query, see below")
    source_copies: int = Field(1, ge=1, description="verified copies a file outside the catalog needs before it is removed")
    removal_copies: int = Field(2, ge=1, description="other verified copies a catalog copy needs before it is removed")
    keeper_order: tuple[Preference, ...] = Field(
        ("pixels", "format", "metadata", "camera", "sharpness", "bytes"), description="by what to choose which duplicate to keep"
    )
    bad_shots: BadShotsSetting = Field(
        default_factory=BadShotsSetting, description="from where on `catalog bad` calls a picture bad"
    )
    shrink_percent: float = Field(10.0, ge=0, le=100, description="share of recorded files whose absence makes a sync stop")
    shrink_files: int = Field(50, ge=0, description="missing files below which a sync does not stop")
    transfers: int = Field(4, ge=1, le=64, description="files that travel between two stores at once")
    bwlimit: str = Field(
        amounts.OFF, description="bytes a second between two stores, such as 5M, or by time: `08:00,512K 23:00,off`"
    )
    max_transfer: str = Field(amounts.OFF, description="amount after which a run begins no further transfer, such as 10G")
    max_duration: str = Field(amounts.OFF, description="time after which a run begins no further transfer, such as 6h")
    workers: int = Field(0, ge=0, le=256, description="processes that read files; 0 is one for each core")
    file_seconds: float = Field(20.0, gt=0, description="seconds after which reading one file is given up")
    file_memory_mb: int = Field(1024, ge=64, description="memory one file may need, in MiB")
    preview_dir: Path | None = Field(None, description="folder where small pictures for `catalog review` are kept")
    preview_cache_mb: int = Field(512, ge=0, description="space for those small pictures, in MB; the longest unused go first")
    retry_seconds: float = Field(60.0, ge=0, description="how long to wait for an Elasticsearch that went away")
    ffmpeg: str | None = Field(None, description="ffmpeg that converts videos, instead of the one of the package imageio-ffmpeg")
    reingest_crf: float = Field(
        23.0, ge=0, le=51, description="quality of converted videos (x265 CRF): lower is better and larger"
    )
    reingest_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"] = (
        Field("medium", description="how much x265 tries to make converted videos small, from ultrafast to veryslow")
    )
    optional_readers: tuple[Literal["exiftool", "exiv2"], ...] = Field(
        (), description="further readers to ask for a missing date"
    )
    reingest_target: str = Field(
        "icloud",
        pattern=r"^[\w.-]{1,100}$",
        description="cloud that `reingest` hands over to, and the tag of what was handed over",
    )
    reingest_skip: tuple[str, ...] = Field(
        ("Trash", "small", "large", "collages", "iphone_import", "LRCatalog"),
        description="parts of folder names, in any case, whose files `reingest` does not offer",
    )

    @field_validator("home_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value} is no time zone such as Europe/Brussels") from error
        return value

    @field_validator("bwlimit", "max_transfer", "max_duration")
    @classmethod
    def _is_amount(cls, value: str, info: ValidationInfo) -> str:
        {"bwlimit": amounts.timetable, "max_transfer": amounts.byte_count, "max_duration": amounts.seconds}[str(info.field_name)](
            value
        )
        return value

    @field_validator("elasticsearch_url")
    @classmethod
    def _holds_no_secret(cls, value: str | None) -> str | None:
        if value and "@" in value.partition("//")[2].partition("/")[0]:
            raise ValueError("user and password belong in elasticsearch_user and elasticsearch_password")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Flags (given as arguments), then the environment; the file comes last, see `load`."""
        return init_settings, env_settings, _FileSource(settings_cls)


class _FileSource(PydanticBaseSettingsSource):
    """The parsed configuration file of the load in progress."""

    values: Mapping[str, Any] = {}

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """The file's value for a field."""
        return self.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self.values)


def load(config: Path | None = None, **flags: Any) -> Settings:
    """The settings in force. `config` names a file that must exist; flags that are None were not given.

    Raises ConfigError: one line that names the key, where it stands, and what would be right.
    """
    path = _config_file(config)
    _FileSource.values = _read(path) if path else {}
    given = {k: v for k, v in flags.items() if v is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _explained(error, given, path) from None
    except SettingsError as error:  # a list or object in the environment that is no JSON
        found = re.search(r'field "(\w+)"', str(error))
        key = found[1] if found else "some"
        where = f"the environment ({ENV_PREFIX}{key.upper()})"
        raise ConfigError(f"The setting {key} in {where} does not fit: it is no valid JSON.") from None
    finally:
        _FileSource.values = {}


def _config_file(config: Path | None) -> Path | None:
    """The file to read: the one named, else `config.json` here, else in the user's configuration folder."""
    if config is not None:
        if not config.is_file():
            raise ConfigError(f"The configuration file {config} is not there.", hint="Check --config.")
        return config
    places = (Path.cwd() / FILE_NAME, platformdirs.user_config_path(APP) / FILE_NAME)
    return next((p for p in places if p.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path} is no valid JSON: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a JSON object.")
    return {k: v for k, v in values.items() if v is not None and v != ""}


def _explained(error: ValidationError, flags: Mapping[str, Any], path: Path | None) -> ConfigError:
    problem = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    top = str(problem["loc"][0]) if problem["loc"] else ""
    where = _origin(top, flags, path)
    if problem["type"] == "extra_forbidden":
        return ConfigError(f"Unknown setting {key} in {where}.", hint=_nearest(key))
    message = problem["msg"].removeprefix("Value error, ")
    return ConfigError(f"The setting {key} in {where} does not fit: {message}.", hint="See the table of settings in the README.")


def _origin(key: str, flags: Mapping[str, Any], path: Path | None) -> str:
    if key in flags:
        return f"the option --{key}"
    variable = f"{ENV_PREFIX}{key}".upper()
    if any(value and (name.upper() + "__").startswith(variable + "__") for name, value in os.environ.items()):
        return f"the environment ({ENV_PREFIX}{key.upper()})"
    return str(path) if path else "the configuration"


def _nearest(key: str) -> str:
    known = list(Settings.model_fields)
    last = key.rpartition(".")[2]
    if "." in key:
        known = [*LayoutSetting.model_fields, *KnownPlaceSetting.model_fields, *CopyPolicySetting.model_fields]
    close = difflib.get_close_matches(last, known, 1, 0.4)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(known))}."


def state_dir(settings: Settings) -> Path:
    """Where journals are kept."""
    return settings.state_dir or platformdirs.user_state_path(APP)
