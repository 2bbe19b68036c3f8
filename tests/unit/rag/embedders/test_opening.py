"""Which embedder an instance has is in its settings: a door, so what is half said or wrong is named."""

from __future__ import annotations

import pytest
from embedding_service import DIMENSION, KEY, MODEL, embedding_service

from rag.compose import open_embedders
from rag.errors import Permanent, Temporary
from rag.settings import read_settings
from rag.testing import MemoryPauses


def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"BELEG_EMBEDDER_{name}", value)


async def test_an_endpoint_by_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions and ingest ask the same model, under one limit; a word that was asked lately is not asked again."""
    with embedding_service() as service:
        environment(monkeypatch, URL=f"{service.url}/v1", MODEL=MODEL, DIMENSION=str(DIMENSION), KEY=KEY)
        settings, pauses = read_settings(), MemoryPauses()
        assert KEY not in repr(settings)
        made = open_embedders(settings, pauses)
        assert (made.questions.name, made.ingest.name) == (MODEL, MODEL)
        for _ in range(2):
            assert (await made.questions.embed(["word"])).shape == (1, DIMENSION)
        assert len(service.asked) == 1
        service.limits = ["600"]
        with pytest.raises(Temporary):
            await made.ingest.embed(["rule"])
        with pytest.raises(Temporary) as caught:
            await made.questions.embed(["another"])
        assert caught.value.code == "embedder_limited"
        assert len(service.asked) == 2
        await made.close()


@pytest.mark.parametrize(
    "values",
    [
        {"URL": "http://h/v1"}, {"URL": "http://h/v1", "MODEL": "m"}, {"URL": "file:///etc/passwd", "MODEL": "m", "DIMENSION": "3"},
        {"URL": "h:8000/v1", "MODEL": "m", "DIMENSION": "3"}, {"URL": "http://h/v1", "MODEL": "m", "DIMENSION": "0"},
        {"URL": "http://h/v1", "MODEL": "m", "DIMENSION": "3", "TOKENIZER": "/nowhere.json"},
        {"URL": "http://h", "MODEL": "m", "DIMENSION": "3", "API_VERSION": "1&x=y"}, {"URI": "http://h/v1"},
    ],
)  # fmt: skip
def test_what_is_half_said_or_wrong_is_named(values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent."""
    environment(monkeypatch, **values)
    with pytest.raises(Permanent) as caught:
        open_embedders(read_settings(), MemoryPauses())
    assert caught.value.code == "bad_setting"
    assert caught.value.hint or "BELEG_EMBEDDER" in caught.value.message
