"""The people who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.domain.access import OWNER, ROLES, is_user_name
from catalog.domain.copies import timestamp
from catalog.domain.document import AccessRow
from catalog.errors import CatalogIndexError, DocumentConflict, PlanRefused, UsageError
from catalog.features.access.passwords import make_password
from catalog.index.access import AccessRecords
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace

USER, TOKEN, SESSION, LINK = "user", "token", "session", "link"
"""Kinds of access records."""


@dataclass(frozen=True, slots=True)
class User:
    """A person, their role, when they were added, and whether they have a password."""

    name: str
    role: str
    added: str
    has_password: bool


def key_of(name: str) -> str:
    """The id of a user's record; names are told apart regardless of case."""
    return f"{USER}:{name.casefold()}"


def user_of(row: AccessRow) -> User:
    """A user as their record says."""
    return User(row["name"], row.get("role", ""), row.get("at", ""), "password" in row)


def open_records(workspace: Workspace) -> AccessRecords:
    """The access records, for a change: the catalog is made where there is none."""
    return AccessRecords(workspace.repository)


def list_users(repository: Repository) -> list[User]:
    """Every user, by name."""
    return [user_of(row) for row in AccessRecords(repository).list_all(USER).values()]


def find_user(records: AccessRecords, name: str) -> User:
    """A user by name. Raises UsageError where there is none."""
    return user_of(_found(records, name)[0])


def add_user(
    records: AccessRecords, name: str, role: str, password: str | None, *, by: str = ""
) -> User:
    """Let a person in; without a password they come by a link that logs in once.

    Raises UsageError for a name or a role that is none, and for a name that is taken.
    """
    if not is_user_name(name):
        raise UsageError(
            f"{name!r} is no name for a user.",
            hint="Letters, digits and . @ - _, at most 64 of them, such as anna.",
        )
    if role not in ROLES:
        raise UsageError(f"{role} is no role.", hint=f"One of {', '.join(ROLES)}.")
    row: AccessRow = {"kind": USER, "name": name, "role": role, "at": timestamp(datetime.now(UTC))}
    if by:
        row["by"] = by
    if password is not None:
        row["password"] = make_password(password)
    if not records.create(key_of(name), row):
        raise UsageError(
            f"There is a user {name} already.",
            hint=f"Another password: catalog user passwd {name}.",
        )
    return user_of(row)


def set_password(records: AccessRecords, name: str, password: str) -> User:
    """Give a user another password; their sessions and links end.

    Raises UsageError where there is no such user.
    """
    row, version = _found(records, name)
    changed: AccessRow = {**row, "password": make_password(password)}
    if not records.replace(key_of(name), changed, version):
        raise DocumentConflict(
            f"Somebody else changed the user {name} at the same time.",
            hint="Run the command again.",
        )
    end_all(records, name, SESSION, LINK)
    return user_of(changed)


def remove_user(records: AccessRecords, name: str) -> User:
    """Keep a person out from now on: their sessions, links and tokens end.

    Raises UsageError where there is no such user, PlanRefused for the last owner.
    """
    row, version = _found(records, name)
    others = [r for r in records.list_all(USER).values() if r["name"] != row["name"]]
    if row.get("role") == OWNER and not any(r.get("role") == OWNER for r in others):
        raise PlanRefused(
            f"{row['name']} is the only owner; nothing was changed.",
            hint="Add another owner first: catalog user add NAME --role owner.",
        )
    if not records.remove(key_of(name), version):
        raise DocumentConflict(
            f"Somebody else changed the user {name} at the same time.",
            hint="Run the command again.",
        )
    end_all(records, row["name"], SESSION, LINK, TOKEN)
    return user_of(row)


def end_all(records: AccessRecords, name: str, *kinds: str) -> None:
    """Take away the sessions, links or tokens of a user."""
    for kind in kinds:
        found = records.list_all(kind)
        mine = [key for key, row in found.items() if row["name"].casefold() == name.casefold()]
        records.remove_all(mine)


def _found(records: AccessRecords, name: str) -> tuple[AccessRow, dict[str, int]]:
    row, version = records.find_versioned(key_of(name))
    if row is None:
        raise UsageError(f"There is no user {name}.", hint="`catalog user list` shows them.")
    return row, version


def first_owner(records: AccessRecords, name: str) -> User | None:
    """The owner that a catalog without users gets, without a password; None where it has users.

    Raises CatalogIndexError where the index cannot be asked.
    """
    if records.list_all(USER):
        return None
    try:
        return add_user(records, name if is_user_name(name) else OWNER, OWNER, None)
    except UsageError as error:  # another program was faster
        raise CatalogIndexError(str(error)) from error
