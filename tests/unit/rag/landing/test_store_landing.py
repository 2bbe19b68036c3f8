"""One object in trouble is that object's trouble, and a store in trouble is everybody's."""

from __future__ import annotations

from collections.abc import Iterator

import fsspec
import pytest

from rag.adapters.landing.store_landing import StoreLanding
from rag.errors import BelegError
from rag.types import Classification, Zone

ZONE = Zone(name="docs", url="memory://trouble", tenant="t", owner="o", classification=Classification.internal)


@pytest.fixture
def store() -> Iterator[type]:
    """With two objects, of which one is archived: it is listed, and not given out."""
    files = fsspec.filesystem("memory")
    files.pipe({"/trouble/archived.txt": b"x", "/trouble/there.txt": b"red fox"})
    yield type(files)
    files.rm("/trouble", recursive=True)


@pytest.mark.parametrize(
    ("raised", "code"),
    [(PermissionError("sv=2026&sig=s3cret"), "file_unreachable"), (FileNotFoundError("s3cret"), "file_vanished")],
)
async def test_an_object_that_is_not_given_out_is_in_trouble_alone(
    store: type, monkeypatch: pytest.MonkeyPatch, raised: Exception, code: str
) -> None:
    """So its failures are counted, and the step is not tried again for its neighbours; nothing of the vendor's words is told."""
    given = store.cat_file

    def cat_file(self: object, path: str, *args: object, **more: object) -> bytes:
        if path.endswith("archived.txt"):
            raise raised
        return given(self, path, *args, **more)

    monkeypatch.setattr(store, "cat_file", cat_file)
    with pytest.raises(BelegError) as caught:
        await StoreLanding().read(ZONE, "archived.txt")
    assert caught.value.code == code
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    assert (await StoreLanding().read(ZONE, "there.txt")).content == b"red fox"


async def test_a_store_that_tells_of_nothing_any_more_has_vanished(
    store: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired credential is no fault of a file: nothing is counted against any."""

    def expired(*_: object, **__: object) -> None:
        raise PermissionError("expired")

    monkeypatch.setattr(store, "info", expired)
    with pytest.raises(BelegError) as caught:
        await StoreLanding().read(ZONE, "there.txt")
    assert caught.value.code == "zone_vanished"
