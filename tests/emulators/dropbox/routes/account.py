"""Who the user is, what space is left, and whether a token works."""

from __future__ import annotations

from ..errors import RouteError, union
from ..services import Call
from ..tree import Json
from .registry import route

_INFO = "account_info.read"
_UNLIMITED = 2 * 1024**4


def _profile(call: Call) -> Json:
    name = {"given_name": "Emulated", "surname": "User", "familiar_name": "Emulated"}
    return {
        "account_id": call.account.account_id,
        "name": name | {"display_name": "Emulated User", "abbreviated_name": "EU"},
        "email": "user@example.org",
        "email_verified": True,
        "disabled": False,
    }


@route("users/get_current_account", scope=_INFO)
def get_current_account(call: Call) -> Json:
    """FullAccount."""
    profile = _profile(call) | {
        "locale": "en",
        "referral_link": "https://www.dropbox.com/referrals/emulated",
        "is_paired": False,
        "account_type": {".tag": "business" if call.account.team else "pro"},
        "root_info": call.account.root_info(),
        "country": "US",
    }
    if call.account.team:
        profile |= {"team": _team(), "team_member_id": "dbmid:emulated"}
    return profile


def _team() -> Json:
    return {
        "id": "dbtid:emulated",
        "name": "Emulated Team",
        "sharing_policies": {
            "shared_folder_member_policy": {".tag": "team"},
            "shared_folder_join_policy": {".tag": "from_anyone"},
            "shared_link_create_policy": {".tag": "team_only"},
            "group_creation_policy": {".tag": "admins_only"},
            "shared_folder_link_restriction_policy": {".tag": "anyone"},
            "enforce_link_password_policy": {".tag": "optional"},
            "default_link_expiration_days_policy": {".tag": "none"},
            "shared_link_default_permissions_policy": {".tag": "default"},
        },
        "office_addin_policy": {".tag": "disabled"},
        "top_level_content_policy": {".tag": "admin_only"},
    }


@route("users/get_account", scope="sharing.read")
def get_account(call: Call) -> Json:
    """BasicAccount: only the user's own."""
    if call.arg["account_id"] != call.account.account_id:
        raise RouteError(union("no_account"))
    return _profile(call) | {"is_teammate": False}


@route("users/get_space_usage", scope=_INFO)
def get_space_usage(call: Call) -> Json:
    """SpaceUsage."""
    tree = call.account.tree
    allocated = _UNLIMITED if tree.quota is None else tree.quota
    if not call.account.team:
        return {"used": tree.used(), "allocation": {".tag": "individual", "allocated": allocated}}
    allocation = {
        ".tag": "team",
        "used": tree.used(),
        "allocated": allocated,
        "user_within_team_space_allocated": 0,
        "user_within_team_space_limit_type": {".tag": "off"},
        "user_within_team_space_used_cached": 0,
    }
    return {"used": tree.used(), "allocation": allocation}


@route("users/features/get_values", scope=_INFO)
def features(call: Call) -> Json:
    """Whether file locking, a distinct member home and the like are there: nothing is."""
    if not call.arg["features"]:
        raise RouteError(union("empty_features_list"))
    told = []
    for feature in call.arg["features"]:
        tag = feature[".tag"]
        told.append(
            {
                ".tag": tag,
                tag: {".tag": "enabled", "enabled": call.account.team and tag != "file_locking"},
            }
        )
    return {"values": told}


@route("check/user", scope=_INFO)
def check_user(call: Call) -> Json:
    """Echoes the query."""
    return {"result": call.arg["query"]}


@route("check/app", scope=None)
def check_app(call: Call) -> Json:
    """Echoes the query to an app that names itself by key and secret."""
    return {"result": call.arg["query"]}


@route("auth/token/revoke", scope=None)
def revoke(call: Call) -> None:
    """Ends the token of the call."""
    call.account.oauth.revoke_token(call.authorization)
