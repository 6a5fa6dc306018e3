"""The index that lies in memory and Elasticsearch find the same, whatever is typed."""

from __future__ import annotations

from random import Random

import pytest
from engines import Engine
from memory_index import analysis
from memory_index.refusals import NotEmulated
from typed_by_chance import WORDS, a_search, an_asset

from catalog.errors import QuerySyntaxError
from catalog.index import queries
from catalog.index.repository import Repository

pytestmark = pytest.mark.node
ASSETS, SEARCHES = 150, 250


def answer(catalog: Repository, typed: str, sort: str) -> tuple[list[str], int] | str:
    """What a search finds, in its order, and a count; or that it is refused."""
    try:
        found = [each["hash"] for each in queries.search(catalog, typed, sort=sort, limit=0)]
        return found, queries.count(catalog, typed)
    except QuerySyntaxError as error:
        return f"refused: {error.message}"


@pytest.mark.parametrize("seed", range(3))
def test_searches_find_the_same_in_the_same_order(
    memory_engine: Engine, node_engine: Engine, seed: int
) -> None:
    chance = Random(seed)
    documents = {key: an_asset(chance, key) for key in (f"{n:03}" for n in range(ASSETS))}
    memory, node = memory_engine.catalog(documents), node_engine.catalog(documents)
    telling = 0
    for _ in range(SEARCHES):
        typed = a_search(chance)
        sort = chance.choice(("", "-")) + chance.choice(sorted(queries.SORTS))
        expected = answer(node, typed, sort)
        assert answer(memory, typed, sort) == expected, (seed, typed, sort)
        telling += 0 < len(expected[0]) < ASSETS
    assert telling > SEARCHES / 3, "hardly any search tells assets apart"
    assert queries.totals(memory, 2) == queries.totals(node, 2)
    for name in sorted(queries.field_names()):
        query = {"exists": {"field": name}}
        assert memory.count(query) == node.count(query), name


def test_texts_have_the_same_words(node_engine: Engine) -> None:
    """Characters of which the stand-in knows what they are, in all of their neighbourhoods."""
    forms = ("{}", "a{}b", "1{}2", "a{}1", "_{}_", "\u4e00{}\u30ab", "{0}{0}", "a{0}{0}b", "a{}.b")
    codes = [*range(0x20, 0x500), *range(0x2000, 0x2070), *range(0x3000, 0x3100)]
    codes += [*range(0xFF00, 0xFFA0), 0x4E00, 0xAC00, 0x1F642, 0x1F3D4]
    texts = [form.format(chr(code)) for code in codes for form in forms]
    chance = Random(0)
    texts += ["".join(chance.choices("".join(WORDS), k=12)) for _ in range(500)]
    known = {}
    for text in texts:
        try:
            known[text] = list(analysis.tokens(text))
        except NotEmulated:
            continue
    assert len(known) > len(texts) * 0.8, "hardly any character is known"
    found = words_of(node_engine, list(known))
    assert [(t, w, found[t]) for t, w in known.items() if found[t] != w] == []


def words_of(engine: Engine, texts: list[str]) -> dict[str, list[str]]:
    """The words that Elasticsearch finds in each text."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(texts), 500):
        part = texts[start : start + 500]
        body = {"analyzer": "standard", "text": part}
        told = engine.ask("POST", "/_analyze", body)["tokens"]
        begin = 0
        for text in part:  # which follow each other, with one place between them
            end = begin + len(text.encode("utf-16-le")) // 2
            found[text] = [t["token"] for t in told if begin <= t["start_offset"] < end]
            begin = end + 1
    return found
