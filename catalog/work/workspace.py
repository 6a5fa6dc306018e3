"""The one place that knows the concrete classes: from settings to ready objects."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from catalog.config import APP, Settings, state_dir, token_text
from catalog.domain.layout import Layout
from catalog.domain.names import from_text
from catalog.domain.place import KnownPlace
from catalog.errors import ConfigError, NoCatalog
from catalog.stores.dropbox.root import DropboxKind
from catalog.stores.protocol import ManagedStore, RemoteStore
from catalog.stores.root import StoreContext
from catalog.stores.webdav.root import WebdavKind
from catalog.work.elasticsearch import Elasticsearch

if TYPE_CHECKING:
    from catalog.domain.geo import Position
    from catalog.domain.neighbour_clocks import Moment, NeighbourClock
    from catalog.domain.place import Place
    from catalog.index.queries import Policy
    from catalog.index.repository import Repository
    from catalog.stores.dropbox.connection import Connection as DropboxConnection
    from catalog.stores.dropbox.credentials import Credentials
    from catalog.stores.webdav.access import Access
    from catalog.work.description import Describer
    from catalog.work.facts_reading import Reading
    from catalog.work.progress import Progress
    from catalog.work.throttle import Throttle
    from catalog.work.workers import Limits, Previews, ReaderPool


class OfflineGazetteer:
    """Places and zones from the tables in the package; loaded when first asked."""

    def __init__(self, known: tuple[KnownPlace, ...]) -> None:
        self._known = known

    @cached_property
    def _places(self):  # type: ignore[no-untyped-def]
        from catalog.media.gazetteer import Places

        return Places(known=self._known)

    def place_of(self, position: Position) -> Place | None:
        """Country, region and city of a position."""
        place: Place | None = self._places.lookup(position)
        return place

    def zone_of(self, position: Position) -> str | None:
        """The time zone of a position."""
        from catalog.media.zones import zone_of

        return zone_of(position)

    def offset_at(self, zone: str, utc: datetime) -> int | None:
        """Minutes east of UTC that a zone has at a moment (naive UTC)."""
        from catalog.media.zones import offset_at

        return offset_at(zone, utc)


@dataclass(frozen=True)
class Workspace:
    """Settings and what they build; each part is made when first used.

    May be used from several threads at once.

    `progress` is told of a first start of the own node; `interrupted` is set where the program is
    to end.
    """

    settings: Settings
    progress: Progress
    interrupted: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def layout(self) -> Layout:
        """Where assets go."""
        return Layout(**asdict(self.settings.layout))

    @cached_property
    def gazetteer(self) -> OfflineGazetteer:
        """What is where."""
        known = self.settings.known_places
        return OfflineGazetteer(
            tuple(
                KnownPlace(
                    p.name,
                    p.lat,
                    p.lon,
                    p.radius_km,
                    p.city or None,
                    p.region or None,
                    p.country or None,
                )
                for p in known
            )
        )

    def throttle(self) -> Throttle:
        """How fast, how much and how long a run may send; the time begins now."""
        from catalog.domain import amounts
        from catalog.work.throttle import Throttle

        settings = self.settings
        return Throttle(
            amounts.timetable(settings.bwlimit),
            max_bytes=amounts.byte_count(settings.max_transfer),
            max_seconds=amounts.seconds(settings.max_duration),
        )

    def describer(self, base: str, repository: Repository | None = None) -> Describer:
        """What turns facts into assets, for files below an absolute folder; with what the catalog
        knows of their neighbours, where there is one.
        """
        from catalog.work.description import Describer

        made = Describer(self.gazetteer, self.home_zone, base, self.layout.video_folder)
        if repository is None:
            return made
        from catalog.index.neighbour_clocks import find_clocks

        def around(moment: Moment) -> list[NeighbourClock]:
            return self.elasticsearch.patiently(lambda: find_clocks(repository, moment))

        return replace(made, around=around)

    @cached_property
    def home_zone(self) -> str:
        """The IANA zone of what is only known in UTC: as set, else the machine's."""
        from catalog.media.zones import machine_zone

        return self.settings.home_zone or machine_zone()

    @property
    def policies(self) -> list[Policy]:
        """What copies assets must have."""
        from catalog.index.queries import Policy

        further = self.settings.copy_policies
        return [
            Policy(min_copies=self.settings.min_copies),
            *(Policy(p.query, p.min_copies, p.stores) for p in further),
        ]

    @property
    def limits(self) -> Limits:
        """What reading one file may cost."""
        from catalog.work.workers import Limits

        settings = self.settings
        return Limits(
            settings.file_seconds, settings.file_memory_mb * 1024 * 1024, settings.optional_readers
        )

    @contextmanager
    def readers(self, previews: Previews | None = None) -> Iterator[ReaderPool]:
        """Processes that read files, and make pictures of them where these are kept."""
        from catalog.work.workers import ReaderPool

        with ReaderPool(self.settings.workers, self.limits, previews=previews) as pool:
            yield pool

    def reading(self, pool: ReaderPool, store: ManagedStore) -> Reading:
        """How the files of a store are read: of one far away, only the bytes that are needed."""
        from catalog.work.facts_reading import LocalReading, RemoteReading

        if isinstance(store, RemoteStore):
            return RemoteReading(pool, store, self.scratch_dir, checksums=self.settings.checksums)
        return LocalReading(pool, from_text(store.location), self.settings.checksums)

    @cached_property
    def elasticsearch(self) -> Elasticsearch:
        """What holds the indexes."""
        return Elasticsearch(self.settings, self.progress)

    @cached_property
    def repository(self) -> Repository:
        """The catalog's indexes, created or brought up to date where needed."""
        from catalog.index.repository import Repository

        repository = Repository(self.elasticsearch.connection, self.settings.index)
        repository.indexes.ensure()
        return repository

    @property
    def existing_repository(self) -> Repository:
        """The catalog's indexes for a command that changes nothing.

        Raises NoCatalog where there are none.
        """
        from catalog.index.migration import Indexes

        indexes = Indexes(self.elasticsearch.connection, self.settings.index)
        if indexes.schema_version() is None:
            raise NoCatalog(
                f"There is no catalog {self.settings.index} yet.",
                hint="The first upload makes it; for another catalog name its --index.",
            )
        return self.repository

    @property
    def repository_if_there(self) -> Repository | None:
        """The same for one that has something to do without a catalog as well:
        None where there is none.
        """
        try:
            return self.existing_repository
        except NoCatalog:
            return None

    @cached_property
    def untouched_repository(self) -> Repository:
        """The catalog's indexes as they are: nothing is made or brought up to date,
        and none may be there.
        """
        from catalog.index.repository import Repository

        return Repository(self.elasticsearch.connection, self.settings.index)

    def close(self) -> None:
        """Let go of what was connected to; each part is made again if it is used after that."""
        for name in ("repository", "untouched_repository", "store_context"):
            vars(self).pop(name, None)
        self.elasticsearch.close()
        self.close_services()

    def close_services(self) -> None:
        """Let go of the lines to services that stores lie in."""
        for name in ("dropbox", "webdav"):
            connection = vars(self).pop(name, None)
            if connection is not None:
                connection.close()

    @cached_property
    def dropbox(self) -> DropboxConnection:
        """The Dropbox account.

        Raises ConfigError where nobody logged in and no token is configured.
        """
        from catalog.stores.dropbox.connection import Connection

        settings = self.settings
        return Connection(
            self._dropbox_credentials(),
            ca_cert=settings.dropbox_ca_cert,
            patience=settings.dropbox_retry_seconds,
            transfers=settings.transfers,
            space=settings.dropbox_space,
            interrupted=self.interrupted,
        )

    @property
    def dropbox_login(self) -> Path:
        """The file of the login."""
        return (
            self.settings.dropbox_login or platformdirs.user_config_path(APP) / "dropbox-login.json"
        )

    def _dropbox_credentials(self) -> Credentials:
        """The login, else a configured token:
        the one for the whole account before that of an app's folder.
        """
        from catalog.stores.dropbox.credentials import Credentials, read_credentials

        found = read_credentials(self.dropbox_login)
        for name in ("dbox_full_token", "dbox_catalog_token"):
            token = getattr(self.settings, name)
            if found is None and token is not None:
                found = Credentials(token_text(name, token))
        if found is None:
            raise ConfigError(
                "There is no login to Dropbox.", hint="Make one: catalog dropbox login."
            )
        return found

    @cached_property
    def webdav(self) -> Access:
        """The WebDAV servers."""
        from catalog.stores.webdav.access import Access, FurtherLogin
        from catalog.stores.webdav.connection import Login

        settings = self.settings
        further = [
            FurtherLogin(
                one.name, one.url, one.username, one.password.get_secret_value, one.ca_cert
            )
            for one in settings.webdav_logins
        ]
        name, password = settings.webdav_username, settings.webdav_password
        login = Login(name, password.get_secret_value()) if name and password else None
        return Access(
            login,
            settings.webdav_url or "",
            settings.webdav_host_url or "",
            ca_cert=settings.webdav_ca_cert,
            seconds=settings.webdav_retry_seconds,
            transfers=settings.transfers,
            interrupted=self.interrupted,
            further=further,
        )

    @cached_property
    def store_context(self) -> StoreContext:
        """What stores of every kind may need."""
        connections = {
            DropboxKind.name: lambda: self.dropbox,
            WebdavKind.name: lambda: self.webdav,
        }
        return StoreContext(self.state_dir, connections, self.interrupted)

    @property
    def state_dir(self) -> Path:
        """Where the program keeps what is not in the catalog."""
        return state_dir(self.settings)

    @cached_property
    def journal_dir(self) -> Path:
        """Where journals are kept."""
        return self.state_dir / "journal"

    @property
    def preview_dir(self) -> Path:
        """Where small pictures are kept for the next time they are looked at."""
        return self.settings.preview_dir or platformdirs.user_cache_path(APP) / "previews"

    @property
    def timeline_dir(self) -> Path:
        """Where the order of all assets is kept, to be shown at once."""
        return self.state_dir / "timeline"

    @cached_property
    def scratch_dir(self) -> Path:
        """Where parts of files from far away are kept for the moment in which they are read."""
        return state_dir(self.settings) / "scratch"


def make_run_id() -> str:
    """An id for a run that sorts by time."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"
