"""JSON, JSON Lines and XML → text with structure: a list of like records is a table, a name above a group its heading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from lxml import etree

from rag.adapters.parsers import markup
from rag.adapters.parsers.building import Building, Line, row
from rag.adapters.parsers.text import decoded
from rag.errors import Permanent
from rag.types import Document, Parsed

JSON, XML = "application/json", "application/xml"
_DEEPEST = 100
_MOST_COLUMNS = 40
_LONG_CELL = 300
"""Characters from which on a record is better read line by line than in a row."""

Value = Mapping[str, object] | Sequence[object] | str | int | float | bool | None


def parse_json(document: Document) -> Parsed:
    """Raises `Permanent("broken_file")` for what is no JSON, or too deep."""
    text = decoded(document.content)
    try:
        value = _lines_of_json(text) if document.path.lower().endswith((".jsonl", ".ndjson")) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Permanent(
            "broken_file", f"The file is no well-formed JSON ({type(error).__name__}).", hint="Export it anew."
        ) from None
    building = Building()
    _add(building, None, value, 0)
    return building.parsed(document, JSON)


def _lines_of_json(text: str) -> list[object]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def parse_xml(document: Document) -> Parsed:
    """Elements by their names without name spaces. Raises `Permanent`: `broken_file`, `external_entities`."""
    root = markup.tree(document.content)
    building = Building()
    _add(building, _local(root), _value(root), 0)
    return building.parsed(document, XML)


def _local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def _value(element: etree._Element, depth: int = 0) -> object:
    """An element as a record: attributes and children by name, those of one name a list; a leaf is its text."""
    if depth > _DEEPEST:
        raise Permanent("broken_file", "The file nests too deep.", hint="Export it flatter.")
    children = [child for child in element if isinstance(child.tag, str)]
    text = " ".join("".join(element.itertext()).split()) if not children else ""
    named: dict[str, object] = {str(etree.QName(name).localname): value for name, value in element.attrib.items()}
    if not children and not named:
        return text
    if _is_mixed(element, children):
        return " ".join("".join(element.itertext()).split())
    grouped: dict[str, list[object]] = {}
    for child in children:
        grouped.setdefault(_local(child), []).append(_value(child, depth + 1))
    named |= {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}
    return named | ({"text": text} if text else {})


def _is_mixed(element: etree._Element, children: Sequence[etree._Element]) -> bool:
    """Prose with marked words in it."""
    beside = (element.text or "") + "".join(child.tail or "" for child in children)
    return bool(children) and bool(beside.strip())


# --- any record ---------------------------------------------------------------------------------------------------


def _add(building: Building, name: str | None, value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise Permanent("broken_file", "The file nests too deep.", hint="Export it flatter.")
    if _is_leaf(value):
        building.paragraph([Line(text=_leaf(name, value))])
        return
    if name is not None:
        building.title(Line(text=name), min(depth, 6) or 1)
    if isinstance(value, Mapping):
        _add_record(building, value, depth)
    elif isinstance(value, Sequence):
        _add_list(building, value, depth)


def _add_record(building: Building, record: Mapping[str, object], depth: int) -> None:
    """Its own facts first, a line each, then what it is made of."""
    building.paragraph([Line(text=_leaf(name, v)) for name, v in record.items() if _is_leaf(v)], "paragraph", "\n")
    for name, value in record.items():
        if not _is_leaf(value):
            _add(building, str(name), value, depth + 1)


def _add_list(building: Building, values: Sequence[object], depth: int) -> None:
    records = [value for value in values if isinstance(value, Mapping)]
    columns = list(dict.fromkeys(str(name) for record in records for name in record))
    if len(records) == len(values) and len(columns) <= _MOST_COLUMNS and all(map(_fits_a_row, records)):
        building.table([row(columns), *(row(_said(record.get(name)) for name in columns) for record in records)])
        return
    for number, value in enumerate(values, start=1):
        if _is_leaf(value):
            building.paragraph([Line(text=_said(value))], "list_item")
        else:
            _add(building, str(number), value, depth + 1)


def _fits_a_row(record: Mapping[str, object]) -> bool:
    return all(_is_leaf(value) and len(_said(value)) <= _LONG_CELL for value in record.values())


def _is_leaf(value: object) -> bool:
    return not isinstance(value, Mapping | list)


def _leaf(name: str | None, value: object) -> str:
    return _said(value) if name is None else f"{name}: {_said(value)}"


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
