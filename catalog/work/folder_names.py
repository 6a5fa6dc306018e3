"""How the folders of a store are spelt there: what is to lie in a folder goes into the one that is
there under an equal name, in another case or Unicode form.
"""

from __future__ import annotations

import os
from pathlib import Path

from catalog.domain.names import comparison_key, from_text, to_text
from catalog.stores.protocol import Store


class FolderNames:
    """The folders of one store, each looked for once.

    A store that takes names of another case or form for one needs no help, and gets its paths as
    they are; so does one that is not on this machine.
    """

    def __init__(self, store: Store) -> None:
        folder = getattr(store, "folder", None) if store.capabilities.case_sensitive else None
        self._root: Path | None = folder
        self._known: dict[str, str] = {"": ""}

    def spell(self, path: str) -> str:
        """The path of a file, in the folder that is there."""
        folder, slash, name = path.rpartition("/")
        return f"{self.spell_folder(folder)}{slash}{name}"

    def spell_folder(self, folder: str) -> str:
        """The path of a folder as it is spelt in the store; as given where there is none."""
        if self._root is None:
            return folder
        if folder not in self._known:
            self._known[folder] = self._find(self._root, folder)
        return self._known[folder]

    def _find(self, root: Path, folder: str) -> str:
        above, slash, name = folder.rpartition("/")
        parent = self.spell_folder(above)
        where = root / from_text(parent)
        if (where / from_text(name)).is_dir():
            return f"{parent}{slash}{name}"
        return f"{parent}{slash}{_equal_name(where, name)}"


def _equal_name(folder: Path, name: str) -> str:
    """The name of a folder inside another one that is equal to a name; that name for none."""
    wanted = comparison_key(name)
    try:
        with os.scandir(folder) as found:
            names = (to_text(e.name) for e in found if e.is_dir(follow_symlinks=False))
            return min((n for n in names if comparison_key(n) == wanted), default=name)
    except OSError:
        return name
