"""The page that draws the last hour, and the policy that lets it fetch figures from this server and nothing else."""

import base64
import hashlib
import os
import re

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html"), "rb") as _file:
    HTML = _file.read().replace(b"\r\n", b"\n")


def _hash_of(tag: bytes) -> str:
    """That of what stands in the one ``tag`` of the page, as a Content Security Policy names it."""
    found = re.findall(b"<%s>(.*?)</%s>" % (tag, tag), HTML, re.DOTALL)
    return "'sha256-" + base64.b64encode(hashlib.sha256(found[0]).digest()).decode("ascii") + "'"


POLICY = (
    f"default-src 'none'; script-src {_hash_of(b'script')}; style-src {_hash_of(b'style')}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
