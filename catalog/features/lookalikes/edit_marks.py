"""Marks that editing leaves in the name and the tags of a file."""

from __future__ import annotations

import re

from catalog.domain.stacks import EDITED_WORDS

_WORDS = "|".join(
    (
        *map(re.escape, EDITED_WORDS),
        "edit|upscaled?|enhanced|collage|filtered|retouched|cropped|framed|export",
        "copy|kopie|copie|copia|photoshop|snapseed",
    )
)
_EDITED_NAME = re.compile(rf"[-_ .(](?:{_WORDS})\)?(?: ?\(\d+\)| ?\d+)?$", re.IGNORECASE)
_APPLE_EDIT = re.compile(r"IMG_E\d{4}")
"""What iOS calls the edited version of IMG_1234."""
_EDITORS = re.compile(
    r"\badobe\b|photoshop|lightroom|camera raw|capture nx|viewnx|nx studio|silkypix|"
    r"digital photo professional|imaging edge|image data converter|olympus (?:viewer|workspace)|"
    r"\bgimp\b|picasa|snapseed|\bvsco|paint\.net|paint ?shop|"
    r"pixelmator|affinity|darktable|rawtherapee|capture one|luminar|skylum|\bdxo\b|photolab|nik |"
    r"photoscape|irfanview|xnview|faststone|acdsee|imagemagick|canva|polarr|prisma|facetune|"
    r"corel|photo-?paint|fotor|meitu|beautyplus|instagram|inshot|picsart|pixlr|photodirector|"
    r"topaz|gigapixel|remini|photopea|krita|inkscape|zoner|ashampoo|movavi|photo ?impact|"
    r"iphoto|aperture|\bphotos \d|photo gallery|photo editor|photo filtre|photofiltre|"
    r"^google\b|photo mechanic|handbrake|\blavf|ffmpeg|imovie|premiere|davinci|final cut|"
    r"kdenlive|paint\b|\bimage-catalog\b",
    re.IGNORECASE,
)


def is_edited_name(name: str) -> bool:
    """Whether a file is called as programs call what was edited, such as `IMG_1-edited.jpg`."""
    stem = _stem(name)
    return bool(_EDITED_NAME.search(stem) or _APPLE_EDIT.fullmatch(stem))


def is_editor(software: str) -> bool:
    """Whether the program that a file names is one to edit pictures or films with, not a camera's
    own."""
    return bool(_EDITORS.search(software))


def is_name_after(name: str, other: str) -> bool:
    """Whether a name is another's with something behind it: `IMG_1 2.jpg` of `IMG_1.jpg`."""
    mine, theirs = _stem(name).casefold(), _stem(other).casefold()
    rest = mine[len(theirs) :]
    return bool(theirs) and mine.startswith(theirs) and bool(rest) and not rest[0].isalnum()


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
