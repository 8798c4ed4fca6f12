"""What the verbs for pictures do with videos."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trellic.codec import Target
from trellic.jobs.clips import (
    SUFFIX,
    decode_clip,
    encode_clip,
    plan_decoding,
)
from trellic.jobs.local import Manner, followed, run
from trellic.jobs.plan import Job, plan, threads_for
from trellic.video import Structure, VideoCodec
from trellic.video.frames import SUFFIXES


@dataclass(frozen=True)
class Clips:
    """How videos are encoded: as `VideoCodec` and `encode_clip` take it."""

    target: Target
    bitrate: float | None
    structure: Structure
    model: str
    effort: int
    adapter: str
    embed: bool
    restore: bool


def encode_clips(inputs: list[str], out: Path | None, how: Clips, limit: int, manner: Manner) -> int:
    """Compress video files into .tlv files; return the exit code."""
    jobs = plan(inputs, out, SUFFIXES, SUFFIX)
    threads = threads_for(jobs, manner.at_once)
    codec = VideoCodec(how.model, threads, how.effort, how.adapter, how.embed, limit, how.restore)

    follow = partial(followed, wanted=manner.shows_tiles(jobs))

    def work(job: Job) -> dict[str, Any]:
        facts = encode_clip(job, codec, how.target, how.bitrate, how.structure, manner.force, follow)
        line = f"{job.name} → {job.target}  {facts['frames']} frames, {_rate(facts)}"
        return {**facts, "line": f"{line}, quality {facts['quality']:g}, {facts['psnr']:.2f} dB"}

    return run(jobs, work, manner)


def decode_clips(inputs: list[str], out: Path | None, frames: str, limit: int, manner: Manner) -> int:
    """Turn .tlv files back into video files, or pictures in a folder; return the exit code."""
    jobs = plan_decoding(inputs, out)
    threads, follow = threads_for(jobs, manner.at_once), partial(followed, wanted=manner.shows_tiles(jobs))

    def work(job: Job) -> dict[str, Any]:
        facts = decode_clip(job, frames, threads, limit, manner.force, follow)
        size = f"{facts['width']}×{facts['height']}"
        return {**facts, "line": f"{job.name} → {job.target}  {facts['decoded']} frames of {size}"}

    return run(jobs, work, manner)


def _rate(facts: dict[str, Any]) -> str:
    return f"{facts['bytes']} bytes, {facts['kbit_s']:.0f} kbit/s, {facts['bpp']:.3f} bpp"


def lines_of_clip(job: Job, facts: dict[str, Any]) -> list[str]:
    """Return facts for people."""
    low, high = facts["quality"]
    kinds = ", ".join(f"{count} {kind}" for kind, count in facts["kinds"].items())
    adapter = facts["adapter"]
    named = f", adapter {adapter['hash']}" if adapter else ""
    return [
        f"{job.name}: {facts['width']}×{facts['height']}, {facts['frames']} frames, {facts['rate']:g} a second",
        f"{_rate(facts)}, {facts['sound_bytes']} bytes of sound, {facts['restoration_bytes']} of restoration",
        f"{facts['groups']} groups; frames: {kinds}",
        f"quality {low:g} to {high:g}, quantizer {facts['quantizer']}",
        f"model {facts['model']} ({facts['model_name'] or 'not installed'}){named}",
    ]
