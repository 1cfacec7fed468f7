"""Films to play, which show nothing, and subtitles for them."""

import shutil
import subprocess
from pathlib import Path
from typing import List, Sequence, Tuple

from tests_kodi.driver.package import ROOT

Line = Tuple[float, float, str]  # start and end in seconds, text
_MADE = ROOT / "build" / "kodi-clips"


def film(path: Path, minutes: int = 60, rate: int = 5) -> Path:
    """A clip of a wall, at ``path``, with ``rate`` pictures a second.

    Kodi prepares some pictures ahead, and their subtitles with them: at 5 a second that alone is more than a second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_clip(minutes, rate), path)
    return path


def _clip(minutes: int, rate: int) -> Path:
    made = _MADE / f"{minutes}-{rate}.mkv"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        source = f"color=c=0x304050:s=640x360:r={rate}:d={minutes * 60}"
        encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"]
        command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *encoder, f"{made}.new.mkv"]
        subprocess.run(command, check=True)
        Path(f"{made}.new.mkv").rename(made)
    return made


def dialogue(minutes: int = 60, every: float = 5.0) -> List[Line]:
    """A line each ``every`` seconds that says when it is spoken, so that a picture tells which one it shows."""
    count = int(minutes * 60 / every)
    return [(n * every, (n + 0.9) * every, f"This is what was said at {clock(n * every)}.") for n in range(count)]


def srt(path: Path, lines: Sequence[Line]) -> Path:
    blocks = [f"{n}\n{_time(start)} --> {_time(end)}\n{text}\n" for n, (start, end, text) in enumerate(lines, 1)]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} minutes and {rest} seconds"


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
