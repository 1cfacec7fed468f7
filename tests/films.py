"""A whole film as a file, for the tests that run one from end to end."""

from pathlib import Path
from typing import List

from benchmarks.films import make_cues


def write_srt(path: Path, count: int) -> List[str]:
    """A SubRip file of ``count`` cues; returns their texts."""
    cues = make_cues(count)
    blocks = [f"{cue.index + 1}\n{_time(cue.start)} --> {_time(cue.end)}\n{cue.text}\n" for cue in cues]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return [cue.text for cue in cues]


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
