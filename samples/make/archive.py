"""Makes Office files reproducible: they are zip archives that carry the time of writing."""

from __future__ import annotations

import io
import re
import zipfile

from samples.make.source import FIXED

_STAMP = FIXED.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
_DATES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")


def normalise(content: bytes) -> bytes:
    """Write the archive anew with fixed times; the order of its members stays."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == "docProps/core.xml":
                data = _DATES.sub(rb"\g<1>" + _STAMP + rb"\g<2>", data)
            info = zipfile.ZipInfo(member.filename, FIXED.timetuple()[:6])
            info.create_system = 0
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)
    return target.getvalue()
