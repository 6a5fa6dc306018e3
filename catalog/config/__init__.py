"""Settings: typed, frozen, from flag over environment over `config.json` over default; secrets."""

from catalog.config.file import APP
from catalog.config.secret import MASK, Secret, parse_secret, token_text
from catalog.config.secret_reader import find_exposed_file
from catalog.config.settings import (
    BadShotsSetting,
    CopyPolicySetting,
    KnownPlaceSetting,
    LayoutSetting,
    Preference,
    Settings,
)
from catalog.config.sources import (
    ENV_PREFIX,
    Loaded,
    check,
    load,
    load_traced,
    read_text,
    save,
    secrets_of,
    state_dir,
)
from catalog.config.values import secret_names

__all__ = [
    "APP",
    "ENV_PREFIX",
    "MASK",
    "BadShotsSetting",
    "CopyPolicySetting",
    "KnownPlaceSetting",
    "LayoutSetting",
    "Loaded",
    "Preference",
    "Secret",
    "Settings",
    "check",
    "find_exposed_file",
    "load",
    "load_traced",
    "parse_secret",
    "read_text",
    "save",
    "secret_names",
    "secrets_of",
    "state_dir",
    "token_text",
]
