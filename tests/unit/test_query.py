"""What a person types as a search, and what Elasticsearch gets of it."""

from __future__ import annotations

import re

import pytest
from chance import times
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import QuerySyntaxError
from catalog.index import schema
from catalog.index.queries import WORDS, field_names, pointing_at
from catalog.index.query_text import (
    BOOLEANS,
    DATES,
    FIELDS,
    NUMBERS,
    PRESENCE,
    UNSEARCHABLE,
    Near,
    parse_query,
)

KNOWN = field_names()
YEAR = "[2019-01-01T00:00:00.000 TO 2019-12-31T23:59:59.999]"


def written(text: str) -> str:
    """The query for Elasticsearch."""
    return parse_query(text, KNOWN).text


def refused(text: str) -> QuerySyntaxError:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text, KNOWN)
    return caught.value


# --- names ----------------------------------------------------------------------------------------


def test_every_short_name_means_a_field_of_the_document():
    for name, target in FIELDS.items():
        prefix, star, _ = target.partition("\\*")
        assert target in KNOWN or (star and any(k.startswith(prefix) for k in KNOWN)), name
    assert set(PRESENCE.values()) <= KNOWN
    assert set(WORDS) <= KNOWN
    assert set(UNSEARCHABLE) <= KNOWN


def test_the_kinds_of_fields_are_those_of_the_mapping():
    types: dict[str, str] = {}

    def walk(properties: dict[str, dict], prefix: str) -> None:
        for name, definition in properties.items():
            if definition.get("type") == "object":
                walk(definition.get("properties", {}), f"{prefix}{name}.")
            else:
                types[f"{prefix}{name}"] = definition["type"]

    walk(schema.ASSET_PROPERTIES, "")
    # of a sidecar: nobody asks for it, and it is no asset's size or time
    beside = {"sidecars.size", "sidecars.mtime", "sidecars.ctime_ns"}
    assert {f for f, t in types.items() if t == "date"} - beside == DATES
    assert {f for f, t in types.items() if t in ("long", "integer", "float")} - beside == NUMBERS
    assert {f for f, t in types.items() if t == "boolean"} == BOOLEANS
    assert {f for f, t in types.items() if t in ("geo_point", "dense_vector", "binary")} == set(
        UNSEARCHABLE
    )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("city:Ghent", "place.city:Ghent"),
        ("place.city:Ghent", "place.city:Ghent"),
        ("camera:iphone", r"camera.\*:iphone"),
        (r"camera.\*:iphone", r"camera.\*:iphone"),
        ("place.*:Ghent", r"place.\*:Ghent"),
        ("-stores:dropbox", "-stores:dropbox"),
        ("+city:Ghent", "+place.city:Ghent"),
        ("!city:Ghent", "-place.city:Ghent"),
        ("NOT city:Ghent", "-place.city:Ghent"),
        ("kind:VIDEO", "kind:video"),
        ("year:2019", "captured.year:[2019 TO 2019]"),
        ("year:[2015 TO 2019]", "captured.year:[2015 TO 2019]"),
        ("year:>2018", "captured.year:{2018 TO *]"),
        ("month_day:11-29", "captured.month_day:11-29"),
        ("month_day:11-*", "captured.month_day:11-*"),
        ("month_day:[12-24 TO 12-26]", "captured.month_day:[12-24 TO 12-26]"),
        ("hour:<6", "captured.hour:[* TO 6}"),
        ("weekday:(6 OR 7)", "(captured.weekday:[6 TO 6] OR captured.weekday:[7 TO 7])"),
        ("precision:DAY", "captured.precision:day"),
        ("shape:Portrait", "shape:portrait"),
        ("megapixels:>12.5", "megapixels:{12.5 TO *]"),
        ("owner:Ann -device:phone", "owner:Ann -device:phone"),
        ("sha1:DA39A3EE", "checksums.sha1:da39a3ee"),
        ("checksums.sha256:E3B0*", "checksums.sha256:e3b0*"),
        ("has:sha1", "_exists_:checksums.sha1"),
        ("place_removed:yes", "place_removed:true"),
        ("ext:.JPG", "extension:jpg"),
        ("country_code:be", "place.country_code:BE"),
        ("hash:ABC*", "hash:abc*"),
        ("city:GHENT*", "place.city:GHENT*"),
        ("source:exif:DateTimeOriginal", r"captured.source:exif\:DateTimeOriginal"),
        ("kind:(VIDEO OR image)", "(kind:video OR kind:image)"),
        ("city:(Ghent kind:video)", "(place.city:Ghent kind:video)"),
        ("-tags:(red green)^2", "-(tags:red tags:green)^2"),
        ("title:AND", r"title:\AND"),
        ("*:*", "*:*"),
        ("", ""),
        (" \t\n ", ""),
        ("  Ghent\tsea\n", "Ghent sea"),
    ],
)
def test_names_and_words(typed: str, expected: str):
    assert written(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("path:2019/07_July", r"paths.text:2019\/07_July"),
        ("path:2019/*", r"paths:2019\/*"),
        (r"path:2019\*", r"paths.text:2019\*"),
        ("path:/mnt/", r"paths.text:\/mnt\/"),
        ('path:"2019/07_July/a b.jpg"', 'paths:"2019/07_July/a b.jpg"'),
        (r"path:2019/a\ b.jpg", r"paths.text:2019\/a\ b.jpg"),
        ("name:IMG_7", "paths.text:IMG_7"),
    ],
)
def test_a_path_is_a_phrase_a_pattern_or_words(typed: str, expected: str):
    assert written(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("has:location", "_exists_:location"),
        ("has:GPS", "_exists_:location"),
        ("-has:date", "-_exists_:captured.wall"),
        ("has:title", "_exists_:title"),
        ("has:city", "_exists_:place.city"),
        ("has:video.codec", "_exists_:video.codec"),
        ("_exists_:camera", "_exists_:camera.model"),
    ],
)
def test_has(typed: str, expected: str):
    assert written(typed) == expected


# --- what belongs together ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("a b", "a b"),
        ("a AND b", "a AND b"),
        ("a && b || c", "(a AND b) OR c"),
        ("a OR b c", "(a OR b) c"),
        ("a b OR c", "a (b OR c)"),
        ("a AND b OR c AND d", "(a AND b) OR (c AND d)"),
        ("a OR b", "a OR b"),
        ("a OR -b", "a OR (-b)"),
        ("NOT a OR b c", "((-a) OR b) c"),
        ("a AND NOT b OR c", "(a AND -b) OR c"),
        ("a (b OR c)", "a (b OR c)"),
        ("(a OR (b c))^2", "(a OR (b c))^2"),
        ("a(b)c", "a (b) c"),
        ("ANDY ORB NOTE", "ANDY ORB NOTE"),
        ("and or not", "and or not"),
    ],
)
def test_not_binds_closest_then_and_then_or_then_words_side_by_side(typed: str, expected: str):
    assert written(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('"white horse"', '"white horse"'),
        ('title:"a: (b AND -c"', 'title:"a: (b AND -c"'),
        (r'title:"say \"hi\" now"', r'title:"say \"hi\" now"'),
        ('title:"white horse"~3^2', 'title:"white horse"~3^2'),
        ('a"b c"d', 'a "b c" d'),
        ('"near:51,3 OR"', '"near:51,3 OR"'),
        (r"\(a\) b\:c", r"\(a\) b\:c"),
        (r"a\ b", r"a\ b"),
        (r"\-a \AND", r"\-a \AND"),
        ("wow!", r"wow\!"),
        ("2019/07_July", r"2019\/07_July"),
        ("10:30", r"10\:30"),
        ("IMG-7+8_é.jpg", "IMG-7+8_é.jpg"),
        ("rome~1^2", "rome~1^2"),
        ("rome~7", r"rome\~7"),
        ("a^b", r"a\^b"),
        ("AND^2", r"\AND^2"),
        ("/gh.*t/", "/gh.*t/"),
        ("city:/gh[ae](nt|t)/", "place.city:/gh[ae](nt|t)/"),
        ("title:[a to c}", "title:[a TO c}"),
        ('title:{"a b" TO *]', 'title:{"a b" TO *]'),
    ],
)
def test_phrases_escapes_and_signs(typed: str, expected: str):
    assert written(typed) == expected


# --- dates, sizes, numbers, yes and no ------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2019", YEAR),
        ("2020", "[2020-01-01T00:00:00.000 TO 2020-12-31T23:59:59.999]"),
        ("9999", "[9999-01-01T00:00:00.000 TO 9999-12-31T23:59:59.999]"),
        ("2019-07", "[2019-07-01T00:00:00.000 TO 2019-07-31T23:59:59.999]"),
        ("2020-02", "[2020-02-01T00:00:00.000 TO 2020-02-29T23:59:59.999]"),
        ("2019-2", "[2019-02-01T00:00:00.000 TO 2019-02-28T23:59:59.999]"),
        ("2019-07-12", "[2019-07-12T00:00:00.000 TO 2019-07-12T23:59:59.999]"),
        ("2019-07-12T18", "[2019-07-12T18:00:00.000 TO 2019-07-12T18:59:59.999]"),
        ("2019-07-12T18:30", "[2019-07-12T18:30:00.000 TO 2019-07-12T18:30:59.999]"),
        ('"2019-07-12 18:30:15"', "[2019-07-12T18:30:15.000 TO 2019-07-12T18:30:15.999]"),
        ("2019-07-12T18:30:15.250Z", "[2019-07-12T18:30:15.250 TO 2019-07-12T18:30:15.250]"),
        ("2019^2", YEAR + "^2"),
        (">2019", "{2019-12-31T23:59:59.999 TO *]"),
        (">=2019", "[2019-01-01T00:00:00.000 TO *]"),
        ("<2019", "[* TO 2019-01-01T00:00:00.000}"),
        ("<=2019", "[* TO 2019-12-31T23:59:59.999]"),
        (">=2019-07-12T18:30", "[2019-07-12T18:30:00.000 TO *]"),
        ("[2018 TO 2019]", "[2018-01-01T00:00:00.000 TO 2019-12-31T23:59:59.999]"),
        ("{2018 TO 2019}", "{2018-12-31T23:59:59.999 TO 2019-01-01T00:00:00.000}"),
        ("[ 2018-02  to  * ]", "[2018-02-01T00:00:00.000 TO *]"),
        ('["2019-07-12 18:30" TO 2020}', "[2019-07-12T18:30:00.000 TO 2020-01-01T00:00:00.000}"),
        (">now-7d/d", "{now-7d/d TO *]"),
        ("*", "*"),
    ],
)
def test_dates(typed: str, expected: str):
    assert written(f"taken:{typed}") == f"captured.wall:{expected}"
    assert written(f"a -added:{typed} b") == f"a -added:{expected} b"


def test_dates_in_parentheses():
    assert (
        written("taken:(2019 OR <2019)")
        == f"(captured.wall:{YEAR} OR captured.wall:[* TO 2019-01-01T00:00:00.000}})"
    )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("size:1000", "size:[1000 TO 1000]"),
        ("size:>100MB", "size:{100000000 TO *]"),
        ("size:>=1.5gb", "size:[1500000000 TO *]"),
        ("size:<2KiB", "size:[* TO 2048}"),
        ("size:[1kB TO 2kb}", "size:[1000 TO 2000}"),
        ("size:(>1kb <2kb)", "(size:{1000 TO *] size:[* TO 2000})"),
        ("size:9007199254740993", "size:[9007199254740993 TO 9007199254740993]"),
        ("width:>=1920", "width:[1920 TO *]"),
        ("altitude:-5.5", "altitude:[-5.5 TO -5.5]"),
        ("altitude:<-5", "altitude:[* TO -5}"),
        ('iso:"100"', "exposure.iso:[100 TO 100]"),
        ("iso:[100 TO *]^2", "exposure.iso:[100 TO *]^2"),
        ("copies:*", "copy_count:*"),
        ("favorite:YES", "favorite:true"),
        ("-blurred:false", "-quality.blurred:false"),
        ("captured.has_time:no", "captured.has_time:false"),
    ],
)
def test_sizes_numbers_yes_and_no(typed: str, expected: str):
    assert written(typed) == expected


# --- near -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "rest", "circle"),
    [
        ("near:51.05,3.72,5km", "", Near(51.05, 3.72, 5.0)),
        ("near:51.05,3.72", "", Near(51.05, 3.72, 1.0)),
        ("near:-33,-70.5,500M kind:video", "kind:video", Near(-33.0, -70.5, 0.5)),
        ("a near:51,3,2mi b", "a b", Near(51.0, 3.0, 3.218688)),
        ("near:51,3,7", "", Near(51.0, 3.0, 7.0)),
        ("-near:51,3,5km", "", Near(51.0, 3.0, 5.0, negated=True)),
        ("a AND NOT near:51,3,5km AND b", "a AND b", Near(51.0, 3.0, 5.0, negated=True)),
        ("!near:51,3,5km", "", Near(51.0, 3.0, 5.0, negated=True)),
        ("+near:51,3,5km", "", Near(51.0, 3.0, 5.0)),
        ("near:51,3,5km (a OR b)", "(a OR b)", Near(51.0, 3.0, 5.0)),
        ("a OR b near:51,3,5km", "a OR b", Near(51.0, 3.0, 5.0)),
        ("near:51,3,99999999km", "", Near(51.0, 3.0, 20_038.0)),
    ],
)
def test_near(typed: str, rest: str, circle: Near):
    parsed = parse_query(typed, KNOWN)
    assert (parsed.text, parsed.near) == (rest, [circle])


def test_several_circles():
    parsed = parse_query("near:51,3,50km -near:51,3,5km", KNOWN)
    assert [(n.km, n.negated) for n in parsed.near] == [(50.0, False), (5.0, True)]


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "mark", "message"),
    [
        # operators
        ("taken:2019 AND AND", "               ^", "AND cannot follow AND"),
        ("a AND OR b", "      ^", "OR cannot follow AND"),
        ("a && || b", "     ^", "|| cannot follow &&"),
        ("AND x", "^", "Nothing stands before this AND"),
        ("a (OR x)", "   ^", "Nothing stands before this OR"),
        ("x OR", "  ^", "Nothing follows this OR"),
        ("(x AND )", "   ^", "Nothing follows this AND"),
        ("x NOT", "  ^", "Nothing follows this NOT"),
        ("(NOT )", " ^", "Nothing follows this NOT"),
        ("NOT NOT x", "    ^", "NOT cannot follow NOT"),
        ("NOT AND x", "    ^", "AND cannot follow NOT"),
        ("--x", " ^", "- cannot follow -"),
        ("NOT -x", "    ^", "- cannot follow NOT"),
        ("a - b", "  ^", "This - stands alone"),
        ("a +", "  ^", "This + stands alone"),
        ("-", "^", "This - stands alone"),
        ("!", "^", "This ! stands alone"),
        ("(-)", " ^", "Nothing follows this -"),
        ("()", "^", "There is nothing between these parentheses"),
        ("a tag:( ) b", "      ^", "There is nothing between these parentheses"),
        # what is never closed, or closes nothing
        ("(a OR (b)", "^", "This ( is never closed"),
        ("a) b", " ^", "This ) closes nothing"),
        ("a ]", "  ^", "This ] closes nothing"),
        ("(a}", "  ^", "This } closes nothing"),
        ('a "b c', "  ^", "This quotation mark is never closed"),
        ('title:"b c', "      ^", "This quotation mark is never closed"),
        (r'"a\"', "^", "This quotation mark is never closed"),
        ("taken:[2019 TO 2020", "      ^", "This [ is never closed"),
        ("taken:[2019]", "      ^", "This [ begins no range such as [1 TO 5]"),
        ("[1 TO 5]", "^", "A range needs a field before it, such as taken:[2019 TO 2020]"),
        ("a\\", " ^", "Nothing follows this backslash"),
        ("a ^2", "  ^", "There is no word before this ^"),
        (":x", "^", "There is no word before this :"),
        # names and values
        ("a citi:Ghent", "  ^", "There is no field citi"),
        ("größe:5", "^", "There is no field größe"),
        ("(-copies.path:x)", "  ^", "There is no field copies.path"),
        ("city:", "     ^", "A value is missing after city:"),
        ("city: Ghent", "     ^", "A value is missing after city:"),
        ("(city:)", "      ^", "A value is missing after city:"),
        ("location:51", "^", "Nothing can be compared with location"),
        ("has:cheese", "    ^", "has: knows"),
        ("title:-x", "      ^", "A - goes before the field's name"),
        # typed values
        ("taken:summer", "      ^", "summer is no date"),
        ("taken:>=12-07-2019", "        ^", "12-07-2019 is no date"),
        ("taken:2019-13", "      ^", "There is no date 2019-13"),
        ("taken:2019-02-29", "      ^", "There is no date 2019-02-29"),
        ("taken:0000", "      ^", "There is no date 0000"),
        ("taken:[2019 TO later]", "               ^", "later is no date"),
        ("taken:{2019 TO 2019-99}", "               ^", "There is no date 2019-99"),
        ('taken:"x"', "       ^", "x is no date"),
        ("taken:(2019 OR soon)", "               ^", "soon is no date"),
        ("taken:>", "      ^", "> is no date"),
        ("size:big", "     ^", "big is no number such as 2000, 2MB or 1.5GB"),
        ("size:>2XB", "      ^", "2XB is no number"),
        ("size:99999999TB", "     ^", "99999999TB is too large"),
        ("width:5MB", "      ^", "5MB is no number such as 5, >5 or [1 TO 5]"),
        ("width:[1 TO 99999999999]", "            ^", "99999999999 is too large"),
        ("width:١٢", "      ^", "١٢ is no number"),
        ("blank:maybe", "      ^", "maybe is neither true nor false"),
        # near
        ("near:Ghent", "     ^", "near: wants latitude,longitude,distance"),
        ("near:51.05, 3.72", "     ^", "near: wants latitude,longitude,distance"),
        ("near:51,3,5miles", "     ^", "near: wants latitude,longitude,distance"),
        ("near:", "     ^", "A value is missing after near:"),
        ("near:91,3", "     ^", "91,3 is no position on earth"),
        ("near:3,181,5km", "     ^", "3,181 is no position on earth"),
        ("near:51,3,0km", "          ^", "near: wants a distance above 0"),
        ("a OR near:51,3", "     ^", "near: goes with all other words; it cannot stand beside OR"),
        ("(a near:51,3)", "   ^", "near: cannot stand in parentheses"),
    ],
)
def test_a_mistake_is_named_and_its_spot_shown(typed: str, mark: str, message: str):
    error = refused(typed)
    assert error.message.startswith(message)
    assert error.position == mark.index("^")
    assert error.exit_code == 2


def test_an_unknown_field_has_a_suggestion():
    assert refused("citi:Ghent").hint == "Did you mean city?"
    assert refused("Taken:2019").hint == "Did you mean taken?"
    assert refused("nera:51,3").hint == "Did you mean near?"
    known = refused("zzzzzzzz:1").hint
    assert known.startswith("Known are: ") and all(
        name in known for name in ("taken", "city", "near", "has")
    )
    assert "near:" in refused("location:51").hint
    assert r"\-" in refused("a - b").hint


def test_deep_parentheses_are_refused_not_a_crash():
    assert written("(" * 50 + "a" + ")" * 50) == "(" * 50 + "a" + ")" * 50
    error = refused("(" * 5000 + "a" + ")" * 5000)
    assert (
        error.message == "There are too many parentheses within each other" and error.position == 50
    )


# --- spots ----------------------------------------------------------------------------------------


def test_a_column_of_elasticsearch_is_a_spot_in_the_text_typed():
    typed = "  a OR b camera:x taken:2019 title:wow"
    parsed = parse_query(typed, KNOWN)
    for word in ("a", "b", "x", "wow"):
        column = re.search(rf"\b{word}\b", parsed.text.replace("camera", "CAMERA"))
        assert column and typed[parsed.position(column.start()) :].startswith(word)
    assert typed[parsed.position(parsed.text.index("captured")) :].startswith("taken:")
    assert typed[parsed.position(parsed.text.index("wow") + 2) :] == "w"
    # Rewritten parts are longer than what was typed: the spot stays within the part.
    inside = parsed.text.index("23:59")
    assert typed.index("2019") <= parsed.position(inside) <= typed.index("title")
    assert parsed.position(len(parsed.text)) == parsed.position(10**6) == len(typed)


def test_a_column_named_by_elasticsearch_becomes_a_spot():
    with pytest.raises(QuerySyntaxError) as caught, pointing_at("city:x title:wow"):
        raise QuerySyntaxError("Cannot parse: Lexical error at line 1, column 19.")
    assert caught.value.position == len("city:x title:")


def test_columns_count_utf_16_units_as_java_does():
    parsed = parse_query("\U0001f600\U0001f600 x", KNOWN)
    assert parsed.position(5) == 3
    assert parse_query("éé x", KNOWN).position(3) == 3


TOKENS = st.sampled_from(
    [
        *'()[]{}"\\/:^~*?!+-<>=.,&| \t\n',
        "AND",
        "OR",
        "NOT",
        "TO",
        "&&",
        "||",
        "city:",
        "taken:",
        "size:",
        "blank:",
        "path:",
        "near:",
        "has:",
        "camera:",
        "width:",
        "51,3",
        ",5km",
        "2019",
        "-07",
        "9999-12",
        "now-7d",
        "1.5MB",
        "true",
        "location",
        "a",
        "é",
        "\U0001f600",
        "\udce9",
        "\x00",
        "'",
        "[2019 TO 2020]",
        '"a b"',
        "/x.*/",
        "place.*:",
        "~1",
        "^2",
    ]
)
TEXTS = st.one_of(
    st.text(),
    st.lists(TOKENS, max_size=12).map("".join),
    st.lists(TOKENS, max_size=8).map(" ".join),
)


@settings(max_examples=times(1500))
@given(TEXTS)
@example("taken:9999")
@example("size:" + "9" * 400 + "TB")
@example("near:51,3," + "9" * 400)
@example("taken:٢٠١٩")
def test_any_text_is_read_or_refused_at_a_spot_within_it(text: str):
    try:
        parsed = parse_query(text, KNOWN)
    except QuerySyntaxError as error:
        assert error.position is not None and 0 <= error.position <= len(text)
        assert error.message and "\n" not in error.message.replace(text, "")
        return
    columns = [column for column, _ in parsed.spots]
    assert columns == sorted(columns)
    for column in range(len(parsed.text) + 2):
        assert 0 <= parsed.position(column) <= len(text)


@settings(max_examples=times(300))
@given(TEXTS)
@example("taken:2019 camera:x OR -a")
def test_what_was_written_reads_the_same_again(text: str):
    """No second reading changes it: nothing that was escaped or put in parentheses is taken for
    something else.
    """
    try:
        parsed = parse_query(text, KNOWN)
    except QuerySyntaxError:
        return
    assert parse_query(parsed.text, KNOWN).text == parsed.text
