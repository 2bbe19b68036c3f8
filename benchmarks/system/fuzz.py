"""Damaged files of every format through the parser and its children: `python -m benchmarks.system.fuzz --minutes 5`

Every sample file, and one small file of each further format from the public test files where they are at hand, changed by a
seeded chance: bytes flipped, pieces dropped, doubled, cut off or taken from another file; in packed formats also inside a part,
which is packed anew. Each outcome has to be text or one sentence for the owner with a code and a hint. At the end the parent
must not have grown, and no child may be left. Ends with 1 if anything else has happened; `--keep` saves what did it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import os
import random
import sys
import time
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.answers.sample_house import LANDING_ZONES
from benchmarks.report import write_table
from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.types import Classification, Document, Labels

_TIMEOUT_S, _LONGEST_S = 15.0, 60.0
_MOST_GROWTH_MIB = 64
_SMALL = 200_000
_CONTAINED = frozenset({"parser_crashed", "parser_timeout", "too_hungry"})
"""Outcomes that only the child's limits have brought about; told apart, because each of them is slow."""
_LABELS = Labels(
    tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None,
    valid_until=None,
)  # fmt: skip


@dataclass(slots=True)
class Told:
    """What became of the files of one format."""

    read: int = 0
    refused: int = 0
    contained: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


def seeds() -> dict[str, bytes]:
    """Name → content."""
    found = {
        path.name: path.read_bytes()
        for path in sorted(LANDING_ZONES.glob("*/*"))
        if path.is_file() and not path.name.endswith(".yaml") and path.stat().st_size
    }
    known = {Path(name).suffix for name in found}
    data = Path(os.environ.get("BELEG_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    for path in sorted((data / "documents").rglob("*"), key=lambda path: (path.stat().st_size, path.name)):
        if path.is_file() and path.suffix not in known and 0 < path.stat().st_size < _SMALL:
            known.add(path.suffix)
            found[path.name] = path.read_bytes()
    return found


def mutated(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """A file like `content`, damaged in one of the ways that disks, programs and people do."""
    if content.startswith(b"PK\x03\x04") and chance.random() < 0.5:
        packed = _mutated_inside(content, other, chance)
        if packed is not None:
            return packed
    return _damaged(content, other, chance)


def _damaged(content: bytes, other: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(content) + 1), chance.choice([1, 7, 64, 1000, len(content) // 3])
    match chance.randrange(6):
        case 0:
            changed = bytearray(content)
            for _ in range(min(len(content), chance.choice([1, 4, 30, 300]))):
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            return bytes(changed)
        case 1:
            return content[:at]
        case 2:
            return content[:at] + content[at + length :]
        case 3:
            return content[:at] + content[at : at + length] * chance.choice([2, 3, 50]) + content[at + length :]
        case 4:
            return content[:at] + other[chance.randrange(len(other) + 1) :]
        case _:
            odd = chance.choice([b"\0", b"\xff", b"<", b"&#0;", b"99999999999", b"%s", b"(((", b"\xe2\x80\xae"])
            return content[:at] + odd * chance.choice([1, 100, 10_000]) + content[at + length :]


def _mutated_inside(content: bytes, other: bytes, chance: random.Random) -> bytes | None:
    """One part of an archive damaged, the archive itself sound; `None` if it holds nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        names = [entry.filename for entry in source.infolist() if entry.file_size]
        if not names:
            return None
        chosen = chance.choice(names)
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, _damaged(part, other, chance) if name == chosen else part)
    return out.getvalue()


async def fuzz(seconds: float, seed: int, keep: Path | None) -> tuple[dict[str, Told], list[str]]:
    """What became of the files by format, and what must not have happened."""
    given, chance, formats = seeds(), random.Random(seed), defaultdict[str, list[str]](list)
    for name in given:
        formats[Path(name).suffix].append(name)
    children = min(2, os.cpu_count() or 1)
    parser = IsolatedParser(timeout_s=_TIMEOUT_S, longest_s=_LONGEST_S, memory_mb=1024, children=children)
    told: dict[str, Told] = defaultdict(Told)
    for name, content in given.items():  # warm: modules, caches, the largest file
        await _tried(parser, name, content, told["(unchanged)"], None)
    before, until = _resident_mib(), time.monotonic() + seconds

    async def one_by_one() -> None:
        while time.monotonic() < until:
            name, other = chance.choice(formats[chance.choice(list(formats))]), chance.choice(list(given.values()))
            content = mutated(given[name], other, chance)
            await _tried(parser, name, content, told[Path(name).suffix or "(none)"], keep)

    await asyncio.gather(*(one_by_one() for _ in range(children)))
    growth = _resident_mib() - before
    await parser.aclose()
    wrong = [f"{suffix}: {number} x {what}" for suffix, row in told.items() for what, number in row.wrong.items()]
    if growth > _MOST_GROWTH_MIB:
        wrong.append(f"the parent grew by {growth:.0f} MiB")
    if left := _children():
        wrong.append(f"{len(left)} processes are left")
    print(f"the parent grew by {growth:.0f} MiB")
    return told, wrong


async def _tried(parser: IsolatedParser, name: str, content: bytes, told: Told, keep: Path | None) -> None:
    document = Document(
        id="d", version="v", zone="z", path=name, uri="beleg://z/d", content=content, labels=_LABELS,
        modified_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    began, bad = time.monotonic(), ""
    try:
        async with asyncio.timeout(_LONGEST_S + 3 * _TIMEOUT_S + 60):
            parsed = await parser.parse(document)
        told.read += 1
        if any(not 0 <= e.start <= e.end <= len(parsed.text) for e in parsed.elements):
            bad = "element outside the text"
    except Permanent as error:
        told.refused += 1
        if not (error.code and error.message and error.hint):
            bad = f"{error.code or 'no code'} without a message or a hint"
        if error.code in _CONTAINED:
            told.contained[error.code] += 1
            _kept(keep, error.code, name, content)
    except TimeoutError:
        bad = "hang"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        bad = type(error).__name__
    told.slowest_s = max(told.slowest_s, time.monotonic() - began)
    if bad:
        told.wrong[bad] += 1
        _kept(keep, bad, name, content)


def _kept(keep: Path | None, what: str, name: str, content: bytes) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{what}-{hashlib.sha256(content).hexdigest()[:8]}-{name}").write_bytes(content)


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _children() -> list[str]:
    pid = os.getpid()
    return [
        child
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text(encoding="ascii").split()
    ]


def _rows(told: dict[str, Told]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for suffix, row in sorted(told.items()):
        contained = ", ".join(f"{number} x {code}" for code, number in row.contained.items())
        rows.append(
            {
                "format": suffix,
                "files": row.read + row.refused,
                "read": row.read,
                "refused with a reason": row.refused,
                "of these by the child's limits": contained,
                "slowest": f"{row.slowest_s:.1f} s",
                "anything else": ", ".join(row.wrong) or "none",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    told, wrong = asyncio.run(fuzz(60 * chosen.minutes, chosen.seed, chosen.keep))
    note = f"{__doc__}\n{chosen.minutes:g} minutes, seed {chosen.seed}, {min(2, os.cpu_count() or 1)} children."
    write_table("fuzz", _rows(told), note=note)
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
