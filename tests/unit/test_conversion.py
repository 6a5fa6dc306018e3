"""Real conversions by the real ffmpeg, of films made by code."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from confining import has_landlock
from films import APPLE, Film, make, turn

from catalog.config import Settings
from catalog.domain.asset import Entry
from catalog.domain.video import ConversionNeeds, needs
from catalog.errors import ConfigError, ConversionFailed, StoreFull, UnreadableMedia
from catalog.features.reingest.videos.converter import Converter, Made, Wish, converter
from catalog.media.video import ffmpeg
from catalog.media.video.ffmpeg import Ffmpeg, Ran
from catalog.work.description import utc_now
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

BRUSSELS = Settings(reingest_preset="ultrafast", home_zone="Europe/Brussels")


@pytest.fixture(scope="module")
def films() -> Iterator[Converter]:
    """A converter with the packaged ffmpeg."""
    with converter(Workspace(BRUSSELS, NoProgress()), NoProgress()) as found:
        yield found


def wish(
    films: Converter, path: Path, wanted: ConversionNeeds | None = None, *, larger: bool = True
) -> Wish:
    facts = films.facts(path)
    captured = films.workspace.describer("").describe(facts, Entry(path.name), utc_now()).captured
    wanted = needs(films.streams(path)) if wanted is None else wanted
    return Wish(path, os.fspath(path.parent), facts, captured, wanted, larger)


def convert(
    films: Converter, path: Path, wanted: ConversionNeeds | None = None, *, larger: bool = True
) -> Made:
    return films.convert(
        wish(films, path, wanted, larger=larger), path.parent / f"{path.name}.made.mov"
    )


FILMS = {
    "h264.mp4": Film(sound="aac"),
    "mpeg4.avi": Film("mpeg4", sound="mp2"),
    "mjpeg.mov": Film("mjpeg", "yuvj420p", sound="pcm_s16le", layout="mono"),
    "prores.mov": Film("prores_ks", "yuv422p10le", sound="pcm_s24le", hdr=True),
    "vp9.webm": Film("libvpx-vp9", sound="libopus"),
    "surround.mkv": Film(sound="flac", layout="5.1"),
    "mpeg2.mpg": Film("mpeg2video", sound="mp2"),
    "hev1.mp4": Film("libx265", tag="hev1", sound="aac"),
    "hevc.mkv": Film("libx265", sound="ac3", layout="5.1(side)"),
    "windows.wmv": Film("wmv2", sound="wmav2", samples=44_100, frames=50),
    "silent.mp4": Film(),
    "stretched.mp4": Film(aspect=(16, 11)),
    "hdr.mp4": Film("libx264", "yuv420p10le", hdr=True),
    "pauses.mp4": Film(ticks=[0, 1, 3, 4, 8, 9, 10, 14, 15, 16, 20, 21]),
    "interlaced.mkv": Film(options={"x264-params": "tff=1"}),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_codec_becomes_hevc_and_aac_and_passes_every_check(
    films: Converter, tmp_path: Path, name: str
):
    source = make(tmp_path / name, FILMS[name])
    before = films.streams(source, "whole")
    made = convert(films, source)
    assert made.clip.type == "mov" and needs(made.clip) == ConversionNeeds()
    assert before.pictures and made.clip.pictures
    assert made.clip.pictures.frames == FILMS[name].frames
    assert [s.channels for s in made.clip.sounds] == [s.channels for s in before.sounds]
    assert made.facts.width, made.facts.height == FILMS[name].size


def test_hdr_keeps_ten_bits_and_its_colours_and_eight_stay_eight(films: Converter, tmp_path: Path):
    for name, colours in (
        ("hdr.mp4", (10, 9, 16, 9)),
        ("prores.mov", (10, 9, 16, 9)),
        ("silent.mp4", (8, 2, 2, 2)),
    ):
        pictures = convert(films, make(tmp_path / name, FILMS[name])).clip.pictures
        assert (
            pictures
            and (pictures.depth, pictures.primaries, pictures.transfer, pictures.matrix) == colours
        )


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_turned_film_is_shown_as_before(films: Converter, tmp_path: Path, turned: int):
    source = make(tmp_path / "t.mp4", Film(turned=turned, size=(96, 64)))
    made = convert(films, source)
    assert (made.facts.width, made.facts.height) == ((64, 96) if turned % 180 else (96, 64))
    first, other = picture(source), picture(made.path)
    assert first.shape == other.shape
    assert np.abs(first.astype(int) - other).mean() < 12


def picture(path: Path) -> np.ndarray:
    """The first frame, upright, as RGB."""
    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
        return np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)


def test_times_of_frames_are_kept_where_they_vary(films: Converter, tmp_path: Path):
    source = make(tmp_path / "v.mp4", FILMS["pauses.mp4"])
    made = convert(films, source)
    assert times(made.path) == pytest.approx(times(source), abs=1e-4)
    assert len(times(source)) == 12


def times(path: Path) -> list[float]:
    with av.open(str(path)) as film:
        return [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]


@pytest.mark.parametrize(("size", "made"), [((97, 65), (98, 66)), ((96, 65), (96, 66))])
def test_an_odd_size_gains_a_row_or_column_and_loses_none(
    films: Converter, tmp_path: Path, size, made
):
    found = convert(films, make(tmp_path / "odd.mkv", Film("ffv1", "yuv444p", size=size)))
    assert (found.facts.width, found.facts.height) == made
    shown = picture(found.path)
    assert (
        np.abs(shown[:, -1].astype(int) - shown[:, -2]).mean() < 12
    )  # the edge goes on, and is not black


def test_what_is_hevc_already_is_not_encoded_again(films: Converter, tmp_path: Path):
    source = make(tmp_path / "h.mp4", FILMS["hev1.mp4"])
    made = convert(films, source)
    assert packets(made.path) == packets(source)


def packets(path: Path) -> list[int]:
    with av.open(str(path)) as film:
        return [packet.size for packet in film.demux(audio=0) if packet.size]


def test_dates_place_device_and_texts_come_along(films: Converter, tmp_path: Path):
    source = make(tmp_path / "p.mov", Film(turned=90, sound="aac", metadata=APPLE))
    made = convert(films, source)
    facts = made.facts
    assert facts.position and (facts.position.lat, facts.position.lon) == (51.05, 3.72)
    assert [(d.source, f"{d.wall}", d.offset_minutes) for d in facts.dates] == [
        ("quicktime:creationdate", "2019-07-12 18:30:15", 120),
        ("quicktime:CreateDate", "2019-07-12 16:30:15", None),
    ]
    assert (facts.values["make"], facts.values["model"], facts.values["title"]) == (
        "Apple",
        "iPhone 12",
        "Blåbær",
    )
    assert made.clip.metadata["com.example.kept"] == "as it is"
    assert made.path.stat().st_mtime == 1_562_949_015  # 2019-07-12 16:30:15 UTC
    assert made.path.read_bytes().index(b"moov") < made.path.read_bytes().index(b"mdat")


def test_a_file_that_would_grow_is_refused_unless_that_is_wanted(films: Converter, tmp_path: Path):
    source = make(tmp_path / "g.mp4", Film(options={"crf": "51"}))
    with pytest.raises(ConversionFailed, match=r"would grow from .*B\. --larger"):
        convert(films, source, larger=False)
    assert convert(films, source, larger=True).facts.size > source.stat().st_size


@pytest.mark.parametrize(
    "name", [b"a%03d 'x\".mp4", b"-y.mp4", b"caf\xe9;[1].mp4", "\u4eac\u90fd\n.mp4".encode()]
)
def test_a_film_may_be_called_anything(films: Converter, tmp_path: Path, name: bytes):
    source = tmp_path / os.fsdecode(name)
    make(tmp_path / "plain.mp4", Film()).rename(source)
    assert convert(films, source).path.exists()


def test_hdr_display_and_light_levels_come_along(films: Converter, tmp_path: Path):
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    hdr = replace(
        FILMS["hdr.mp4"], options={"x264-params": f"mastering-display={display}:cll=1000,400"}
    )
    source = make(tmp_path / "light.mkv", hdr)
    before, made = films.streams(source).pictures, convert(films, source).clip.pictures
    assert before and (before.mastering, before.light) == (True, True)
    assert made and (made.mastering, made.light) == (True, True)


def test_a_film_that_was_trimmed_without_encoding_is_as_long_as_it_is_shown(
    films: Converter, tmp_path: Path
):
    whole = make(tmp_path / "w.mp4", Film(frames=40, sound="aac"))
    trimmed = tmp_path / "t.mp4"
    words = ["-ss", "0.52", "-i", str(whole), "-c", "copy", str(trimmed)]
    assert bool(films.program.run(words).status) == has_landlock(), "it may write nowhere else"
    trimmed.unlink(missing_ok=True)
    assert films.program.run(words, folder=tmp_path).status == 0
    before = films.streams(trimmed, "whole").pictures
    assert before and before.frames < 40  # the rest is there for the decoder alone
    made = convert(films, trimmed).clip.pictures
    assert made and made.seconds == pytest.approx(before.seconds, abs=0.041)


# --- broken sources -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg4.avi", "surround.mkv", "mjpeg.mov"])
def test_a_source_that_is_cut_off_is_an_error_and_no_shorter_film(
    films: Converter, tmp_path: Path, name: str
):
    source = make(tmp_path / name, replace(FILMS[name], frames=30))
    data = source.read_bytes()
    if name == "h264.mp4":  # with its header at the end there would be nothing to read at all
        with (
            av.open(str(source)) as film,
            av.open(str(tmp_path / "f.mp4"), "w", options={"movflags": "faststart"}) as out,
        ):
            streams = {s.index: out.add_stream_from_template(s) for s in film.streams}
            for packet in film.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)
        data = (tmp_path / "f.mp4").read_bytes()
    wanted = wish(films, source)
    source.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises((UnreadableMedia, ConversionFailed)):
        films.convert(wanted, tmp_path / "made.mov")


def test_damaged_pictures_are_an_error(films: Converter, tmp_path: Path):
    source = make(tmp_path / "d.mp4", Film(size=(128, 128), frames=20))
    wanted = wish(films, source)
    data = bytearray(source.read_bytes())
    middle = data.index(b"mdat") + 1500
    data[middle : middle + 900] = bytes(range(256)) * 3 + bytes(132)
    source.write_bytes(data)
    with pytest.raises((UnreadableMedia, ConversionFailed)):
        films.convert(wanted, tmp_path / "made.mov")


def test_a_result_that_is_wrong_is_refused(
    films: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = make(tmp_path / "s.mp4", Film(sound="aac"))
    real = Ffmpeg.run

    def turned(self: Ffmpeg, words: list[str], *more: object) -> ffmpeg.Ran:
        ran = real(self, words, *more)  # type: ignore[arg-type]
        if words[-1].endswith(".mov"):
            turn(Path(words[-1].removeprefix("file:")), 90)
        return ran

    monkeypatch.setattr(Ffmpeg, "run", turned)
    with pytest.raises(ConversionFailed, match="turned by 270 and not by 0"):
        convert(films, source)


def test_a_result_that_does_not_decode_is_refused(films: Converter, tmp_path: Path):
    source = make(tmp_path / "s.mp4", Film(sound="aac", frames=20))
    made = convert(films, source)
    data = bytearray(made.path.read_bytes())
    at = data.index(b"mdat") + len(data[data.index(b"mdat") :]) // 3
    data[at : at + 200] = os.urandom(200)
    made.path.write_bytes(data)
    with pytest.raises(ConversionFailed, match="does not play to its end"):
        films.check_playable(made.path, made.clip)


# --- the program itself ---------------------------------------------------------------------------


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


ANSWER = (
    'for w in "$@"; do if [ "$w" = -encoders ]; then echo " V..... libx265"; echo " A..... '
    'aac"; exit 0; fi; done\n'
)


def test_a_full_disk_is_said_to_be_full(films: Converter, tmp_path: Path):
    source = make(tmp_path / "s.mp4", Film())
    full = script(
        tmp_path / "ffmpeg",
        ANSWER + 'echo "av_interleaved_write_frame(): No space left on device" >&2; exit 1',
    )
    with pytest.raises(StoreFull, match="is full"):
        Converter(films.workspace, films.pool, Ffmpeg(full), NoProgress()).convert(
            wish(films, source), tmp_path / "made.mov"
        )


def test_the_named_ffmpeg_is_taken_and_one_that_does_not_work_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    named = script(tmp_path / "good", ANSWER)
    assert ffmpeg.find(named).program == named
    with pytest.raises(ConfigError, match=r"poor \(the setting ffmpeg\) lacks libx265, aac"):
        ffmpeg.find(script(tmp_path / "poor", "exit 0"))
    with pytest.raises(ConfigError, match="is not there"):
        ffmpeg.find(str(tmp_path / "none"))
    monkeypatch.setattr(ffmpeg, "_packaged", lambda: "")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ConfigError, match="none was found"):
        ffmpeg.find()
    script(tmp_path / "ffmpeg", ANSWER)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg.find().program == str(tmp_path / "ffmpeg")


ENDLESS = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25", "-f", "null", "-"]
DRIVER = (
    "import sys; from catalog.media.video.ffmpeg import Ffmpeg; "
    "Ffmpeg(sys.argv[1]).run(sys.argv[2:], lambda s: print(s, flush=True))"
)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_ffmpeg_ends_with_the_program_that_started_it(films: Converter, how: signal.Signals):
    command = [sys.executable, "-c", DRIVER, films.program.program, *ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as driver:
        assert driver.stdout and driver.stdout.readline()
        children = psutil.Process(driver.pid).children(recursive=True)
        assert children
        driver.send_signal(how)
        driver.wait(30)
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert gone and not alive


def test_progress_is_told_while_it_goes_on(films: Converter):
    told: list[float] = []
    with contextlib.suppress(InterruptedError):
        films.program.run(ENDLESS, lambda seconds: (told.append(seconds), _stop(told)))  # type: ignore[arg-type, return-value]
    assert told == sorted(told) and told[-1] > 0


def _stop(told: list[float]) -> None:
    if len(told) >= 2:
        raise InterruptedError


def test_a_film_that_gives_way_to_a_link_while_it_is_converted_is_converted_all_the_same(
    films: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a path leads to when ffmpeg looks is not what was looked at before."""
    make(tmp_path / "a.mov", Film())
    make(tmp_path / "b.mov", Film(frames=30))
    run = Ffmpeg.run

    def swapped(ffmpeg: Ffmpeg, *arguments: Any, **named: Any) -> Ran:
        if not (tmp_path / "a.mov").is_symlink():
            (tmp_path / "a.mov").unlink()
            (tmp_path / "a.mov").symlink_to(tmp_path / "b.mov")
        return run(ffmpeg, *arguments, **named)

    asked = wish(films, tmp_path / "a.mov")
    monkeypatch.setattr(Ffmpeg, "run", swapped)
    made = films.convert(asked, tmp_path / "made.mov").clip.pictures
    assert made is not None and made.frames == Film().frames
