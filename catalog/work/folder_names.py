"""How the folders of a store are spelt there: what is to lie in a folder goes into the one that is
there under an equal name, in another case or Unicode form.
"""

from __future__ import annotations

import contextlib
import stat

from catalog.domain.names import comparison_key, from_text, to_text
from catalog.filesystem.tree import Tree
from catalog.stores.protocol import Store


class FolderNames:
    """The folders of one store, each looked for once.

    A store that takes names of another case or form for one needs no help, and gets its paths as
    they are; so does one that is not on this machine.
    """

    def __init__(self, store: Store) -> None:
        folder = getattr(store, "folder", None) if store.capabilities.case_sensitive else None
        self._tree = None if folder is None else Tree(folder)
        self._known: dict[str, str] = {"": ""}

    def spell(self, path: str) -> str:
        """The path of a file, in the folder that is there."""
        folder, slash, name = path.rpartition("/")
        return f"{self.spell_folder(folder)}{slash}{name}"

    def spell_folder(self, folder: str) -> str:
        """The path of a folder as it is spelt in the store; as given where there is none."""
        if self._tree is None:
            return folder
        if folder not in self._known:
            self._known[folder] = self._find(self._tree, folder)
        return self._known[folder]

    def _find(self, tree: Tree, folder: str) -> str:
        above, slash, name = folder.rpartition("/")
        parent = self.spell_folder(above)
        return f"{parent}{slash}{_equal_name(tree, parent, name)}"


def _equal_name(tree: Tree, folder: str, name: str) -> str:
    """The name of a folder inside another one that is equal to a name: that very name first,
    and also where there is none.
    """
    there, wanted = from_text(folder), comparison_key(name)
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(tree.stat(f"{there}/{from_text(name)}".lstrip("/")).st_mode):
            return name
    with contextlib.suppress(OSError), tree.scan(there) as rows:
        names = (to_text(row.name) for row in rows if row.is_dir(follow_symlinks=False))
        return min((found for found in names if comparison_key(found) == wanted), default=name)
    return name
