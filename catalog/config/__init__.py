"""Settings: typed, frozen, from flag over environment over `config.json` over default."""

from catalog.config.settings import (
    BadShotsSetting,
    CopyPolicySetting,
    KnownPlaceSetting,
    LayoutSetting,
    Preference,
    Settings,
)
from catalog.config.sources import APP, ENV_PREFIX, load, save, state_dir
from catalog.config.values import Secret

__all__ = [
    "APP",
    "ENV_PREFIX",
    "BadShotsSetting",
    "CopyPolicySetting",
    "KnownPlaceSetting",
    "LayoutSetting",
    "Preference",
    "Secret",
    "Settings",
    "load",
    "save",
    "state_dir",
]
