"""The tables of videos: what prediction saves, bits beside other codecs, structures, times."""

from collections.abc import Sequence
from statistics import mean

import numpy as np

from experiments.store import Line, lines_of
from experiments.video.run import CLIPS, DISTURBED, EFFORTS, FRAMES, HIGHER, QUALITIES, SMALL_CLIPS, STRUCTURE_QUALITIES
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.report.tables import Table
from trellic.evaluate.video import PEERS

ADAPTIVE, CHAIN = "trellic 0", "trellic 1"
OTHERS = {
    "trellic 1": "always 1", "trellic 2": "always 2", "trellic 4": "always 4", "trellic 8": "always 8",
    "trellic -1": "by trial",
}  # fmt: skip
NOTHING = "–"
Points = list[tuple[float, float]]


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("video")
    (drift,) = (line for line in lines if line["kind"] == "drift")
    (access,) = (line for line in lines if line["kind"] == "access")
    (shown,) = (line for line in lines if line["kind"] == "shown")
    own = [line for line in lines if line.get("codec", "").startswith("trellic")]
    saving, beside = _saving(lines), _beside(lines)
    return {
        **{key: head[key] for key in ("command", "commit", "machine", "model")},
        "frames": str(FRAMES),
        "qualities": ", ".join(f"{quality:g}" for quality in (*QUALITIES, HIGHER)),
        "structure_qualities": " and ".join(f"{quality:g}" for quality in STRUCTURE_QUALITIES),
        "saving": saving.markdown(),
        "beside": beside.markdown(),
        **_efforts(lines),
        "structures": _structures(lines).markdown(),
        "times": _times(own).markdown(),
        "mean_saving": saving.rows[-1][-1],
        "mpeg4": beside.rows[-1][1],
        "x264": beside.rows[-1][3],
        "exact": f"{sum(line['exact'] for line in own)} of {len(own)}",
        "lost": f"{drift['lost_db']:.3f}",
        "most_lost": f"{drift['most_lost_db']:.3f}",
        "largest": str(drift["largest"]),
        "drift_frames": str(drift["frames"] - 1),
        "disturbed": f"{DISTURBED:.0%}",
        "shown": f"{shown['bytes']} bytes",
        "shown_x264": f"{shown['x264_bytes']} bytes",
        "access": f"{access['equal']} of {access['frames']}",
    }


def points_of(
    lines: Sequence[Line], clip: str, codec: str, measure: str = "psnr", settings: Sequence[float] = ()
) -> Points:
    """Return (bytes, PSNR) of a clip by a codec at some settings, or all."""
    return [
        (line["bytes"], line[measure])
        for line in lines
        if line["kind"] == "curve"
        and (line["clip"], line["codec"]) == (clip, codec)
        and (not settings or line["setting"] in settings)
    ]


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:+.1f} %"


def _against(anchor: Points, points: Points) -> float | None:
    """Return bits beside an anchor's at equal PSNR, in per cent more; None where curves do not meet."""
    try:
        return bd_rate(anchor, points).percent
    except ValueError:
        return None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _saving(lines: Sequence[Line]) -> Table:
    """Return bytes of a predicted frame beside those of a picture of equal PSNR, a clip a row."""
    rows, ratios = [], []
    for clip in CLIPS:
        (intra,) = (line["points"] for line in lines if line["kind"] == "intra" and line["clip"] == clip)
        sizes, decibels = np.log([point[0] for point in intra]), [point[1] for point in intra]
        found = []
        for quality in QUALITIES:
            (line,) = (
                line
                for line in lines
                if line["kind"] == "curve" and (line["clip"], line["codec"], line["setting"]) == (clip, CHAIN, quality)
            )
            found.append(line["predicted_bytes"] / np.exp(np.interp(line["predicted_psnr"], decibels, sizes)))
        ratios.append(found)
        rows.append([clip, *(f"{ratio:.0%}" for ratio in found), f"{mean(found):.0%}"])
    columns = [mean(column) for column in zip(*ratios, strict=True)]
    rows.append(["mean", *(f"{value:.0%}" for value in columns), f"{mean(columns):.0%}"])
    return Table(["clip", *(f"quality {quality:g}" for quality in QUALITIES), "mean"], rows)


def _beside(lines: Sequence[Line]) -> Table:
    """Return bits beside other codecs at equal PSNR, by RGB and by luma, a clip a row."""
    columns = [(peer.name, measure) for peer in PEERS for measure in ("psnr", "psnr_y")]
    found = {
        clip: [
            _against(points_of(lines, clip, peer, measure), points_of(lines, clip, ADAPTIVE, measure))
            for peer, measure in columns
        ]
        for clip in CLIPS
    }
    rows = [[clip, *map(_percent, values)] for clip, values in found.items()]
    rows.append(["mean", *(_percent(_mean(column)) for column in zip(*found.values(), strict=True))])
    head = [f"{peer}, {'RGB' if measure == 'psnr' else 'Y'}" for peer, measure in columns]
    return Table(["clip", *head], rows)


def _efforts(lines: Sequence[Line]) -> dict[str, str]:
    """Return slots of an effort that searches: bits beside the default one and other codecs, and times, by clips."""
    curves = {
        (line["clip"], line["effort"], line["setting"]): line for line in lines if line["kind"] == "effort"
    }  # fmt: skip
    settings, found, rows = (*QUALITIES, HIGHER), [], []
    for clip in SMALL_CLIPS:
        before, after = (
            [(line["bytes"], line["psnr"]) for line in (curves[clip, effort, setting] for setting in settings)]
            for effort in EFFORTS
        )
        found.append([_against(before, after), *(_against(points_of(lines, clip, peer.name), after) for peer in PEERS)])
        times = [f"{1000 * curves[clip, effort, QUALITIES[1]]['encode_s']:.0f}" for effort in EFFORTS]
        rows.append([clip, *map(_percent, found[-1]), *times])
    rows.append(["mean", *(_percent(_mean(column)) for column in zip(*found, strict=True)), "", ""])
    (commit,) = {line["commit"] for line in curves.values()}
    titles = ["clip", "default effort", *(peer.name for peer in PEERS), *(f"ms, effort {effort}" for effort in EFFORTS)]
    return {"effort": str(EFFORTS[1]), "efforts_commit": commit, "efforts": Table(titles, rows).markdown()}


def _structures(lines: Sequence[Line]) -> Table:
    """Return bits of each other structure beside the adaptive one's, a clip a row."""
    at = {"settings": STRUCTURE_QUALITIES}
    adaptive = {clip: points_of(lines, clip, ADAPTIVE, **at) for clip in CLIPS}
    found = {
        clip: [_against(points, points_of(lines, clip, codec, **at)) for codec in OTHERS]
        for clip, points in adaptive.items()
    }
    rows = [[clip, *map(_percent, values)] for clip, values in found.items()]
    rows.append(["mean", *(_percent(_mean(column)) for column in zip(*found.values(), strict=True))])
    return Table(["clip", *OTHERS.values()], rows)


def _times(own: Sequence[Line]) -> Table:
    """Return CPU time of a frame in ms, a clip a row."""
    rows = []
    for clip in CLIPS:
        (line,) = (one for one in own if (one["clip"], one["codec"], one["setting"]) == (clip, ADAPTIVE, QUALITIES[1]))
        rows.append([clip, f"{1000 * line['encode_s']:.0f}", f"{1000 * line['decode_s']:.0f}"])
    return Table(["clip", "encode, ms", "decode, ms"], rows)
