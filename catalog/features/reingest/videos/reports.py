"""The tables of videos: their columns, and the evaluation that writes the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import orjson

from catalog.domain.asset import Facts
from catalog.domain.capture_time import CaptureTime
from catalog.domain.document import AssetDocument, only, with_value
from catalog.domain.geo import Position
from catalog.domain.names import from_text
from catalog.domain.video import Clip, losses
from catalog.errors import MediaError
from catalog.features.reingest.archive import Subject
from catalog.features.reingest.evaluation import (
    COLUMNS,
    Evaluated,
    EvaluatedSubject,
    EvaluateRequest,
    Evaluation,
    evaluate,
)
from catalog.features.reingest.handover_work import Columns
from catalog.features.reingest.plan import Proposal, Rules
from catalog.features.reingest.videos.plan import decide_video, utc_text
from catalog.media.request import Request
from catalog.media.video.conversion import APPLE, texts
from catalog.media.video.probe import BRIEF
from catalog.work.sink import Sink
from catalog.work.workers import ReaderPool
from catalog.work.workspace import Workspace

COMMAND = "reingest evaluate-videos"
REPORT = "icloud_video_report.csv"
SEED = (
    "file",
    "action",
    "reason",
    "creation_time",
    "apple_metadata",
    "audio_channels",
    "video_codec_needed",
    "audio_codec_needed",
)
ALL = (*SEED, "datetime", *COLUMNS, "date_source", "streams", "not_kept")
"""`datetime` is the wall clock that names and dates the copy, for a person to edit; `creation_time`
the same as UTC."""
TABLE = Columns(
    ("file", "action"),
    ALL,
    ("derived_file", "processing_status", "derived_hash", "derived_size", "overwrite"),
)
"""`overwrite` is for a person: 1 where the archive shall have the converted file."""

_VALUES = ("software", "title", "description", "live_id")


def run_evaluate(workspace: Workspace, request: EvaluateRequest, sink: Sink) -> Evaluated:
    """Look at every video of an archive and write the report."""
    with workspace.readers() as pool:

        def decide(found: EvaluatedSubject, rules: Rules) -> tuple[Proposal, Mapping[str, str]]:
            clip, problem = _streams(pool, found.subject)
            decided = decide_video(found.shot, rules, clip, problem)
            decision = decided.decision
            cells = {
                "creation_time": utc_text(decision.wall, decision.offset),
                "video_codec_needed": str(int(decided.needs.video)),
                "audio_codec_needed": str(int(decided.needs.audio)),
                "date_source": decided.dated,
            }
            if clip is not None:
                sound = clip.main_sound
                facts, captured = facts_of(found.subject), captured_of(decision)
                cells |= {
                    "apple_metadata": metadata_text(clip, facts, captured),
                    "audio_channels": str(sound.channels if sound else 0),
                    "streams": clip.summary,
                    "not_kept": "; ".join(losses(clip, decided.needs)),
                }
            return decision, cells

        evaluation = Evaluation(COMMAND, "video", ALL, decide)
        return evaluate(workspace, request, sink, evaluation)


def _streams(pool: ReaderPool, subject: Subject) -> tuple[Clip | None, str]:
    """The streams of a video, or why they are not known."""
    if subject.problem:
        return None, subject.problem
    if not subject.file.startswith("/"):
        return None, "its streams can be looked at on this machine only: copy it to a folder here"
    request = Request(from_text(subject.file), size=subject.entry.size, streams=BRIEF)
    ((_tag, answer),) = pool.streams([(None, request)])
    return (None, str(answer)) if isinstance(answer, MediaError) else (answer, "")


def captured_of(decision: Proposal) -> CaptureTime | None:
    """The date of a decision as a capture time."""
    if decision.wall is None:
        return None
    return CaptureTime(decision.wall, "person", "high", decision.offset)


def facts_of(subject: Subject) -> Facts:
    """What is known of a video: as it was read, with what the catalog says of it laid over."""
    facts = subject.facts or Facts(subject.hash, subject.entry.size, subject.type, subject.kind, "")
    return with_document(facts, subject.document or {})


def with_document(facts: Facts, document: AssetDocument) -> Facts:
    """Facts with what the catalog says instead: place, device, title; a person may have set some of
    it."""
    values = facts.values
    for name, value in (*only(document, _VALUES).items(), *document.get("camera", {}).items()):
        values = with_value(values, name, value)
    position, at = facts.position, document.get("location")
    if at:
        same = (
            position is not None
            and abs(position.lat - at["lat"]) < 1e-6
            and abs(position.lon - at["lon"]) < 1e-6
        )
        position = (
            position
            if same
            else Position(at["lat"], at["lon"], document.get("altitude"), "catalog")
        )
    return replace(facts, position=position, values=values)


def metadata_text(clip: Clip, facts: Facts, captured: CaptureTime | None) -> str:
    """What a converted file would state under Apple's names, as JSON text."""
    said = texts(clip, facts, captured, captured.offset_minutes if captured else None)
    return orjson.dumps({k: v for k, v in sorted(said.items()) if k.startswith(APPLE)}).decode()
