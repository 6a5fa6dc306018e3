"""Users and tokens, for an owner."""

from __future__ import annotations

from typing import Annotated

import msgspec

from catalog.domain.access import LONGEST_PASSWORD
from catalog.features.access.tokens import Token, add_token, list_tokens, revoke_token
from catalog.features.access.users import User, add_user, list_users, remove_user, set_password
from catalog.index.access import AccessRecords
from catalog.web.call import Call

Text = Annotated[str, msgspec.Meta(max_length=LONGEST_PASSWORD)]


class UserList(msgspec.Struct):
    """Every user."""

    users: list[User]


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A person to let in."""

    name: Text
    role: Text
    password: Text | None = None


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """Another password."""

    password: Text


class TokenList(msgspec.Struct):
    """Every token, without its secret."""

    tokens: list[Token]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token to make: what it is called, whose it is, what it may do, and for how many days."""

    label: Text
    name: Text
    scopes: Annotated[list[Text], msgspec.Meta(max_length=10)]
    days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] | None = None


class MadeToken(msgspec.Struct):
    """The token itself, which is not shown again."""

    token: str


def list_people(call: Call) -> UserList:
    """Every user, by name."""
    return UserList(list_users(call.services.repository))


def add_person(call: Call) -> User:
    """Let a person in."""
    asked: NewUser = call.body
    return add_user(_records(call), asked.name, asked.role, asked.password, by=call.identity.name)


def change_password(call: Call) -> User:
    """Give a user another password; their sessions end."""
    asked: NewPassword = call.body
    changed = set_password(_records(call), call.path["name"], asked.password)
    call.services.gate.forget()
    return changed


def remove_person(call: Call) -> None:
    """Keep a user out from now on."""
    remove_user(_records(call), call.path["name"])
    call.services.gate.forget()


def list_programs(call: Call) -> TokenList:
    """Every token, by its user."""
    return TokenList(list_tokens(call.services.repository))


def add_program(call: Call) -> MadeToken:
    """Make a token."""
    asked: NewToken = call.body
    return MadeToken(
        add_token(
            _records(call),
            asked.label,
            asked.name,
            asked.scopes,
            asked.days,
            by=call.identity.name,
        )
    )


def revoke_program(call: Call) -> None:
    """End a token at once."""
    revoke_token(_records(call), call.path["label"])
    call.services.gate.forget()


def _records(call: Call) -> AccessRecords:
    return AccessRecords(call.services.repository)
