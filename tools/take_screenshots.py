"""Makes the pictures of README and add-on of what the tests in a real Kodi saw last."""

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
#: The picture that a test keeps -> what README and addon.xml call it.
PICTURES = {
    "subtitle-dialog": "subtitle-dialog",
    "first-line": "translated-line",
    "settings-2-providers": "settings",
    "connections-busy": "connections",
}


def main() -> int:
    missing = [name for name in PICTURES if not _kept(name).exists()]
    if missing:
        print(f"No {', '.join(missing)} in artifacts/: run make test-kodi first.", file=sys.stderr)
        return 1
    for kept, name in PICTURES.items():
        target = ROOT / "resources" / "screenshots" / f"{name}.jpg"
        Image.open(_kept(kept)).convert("RGB").save(target, quality=85, optimize=True)
        print(target.relative_to(ROOT))
    return 0


def _kept(name: str) -> Path:
    return ROOT / "artifacts" / f"{name}.png"


if __name__ == "__main__":
    sys.exit(main())
