"""Run by `test_s3.py` in a process of its own: a zone in a bucket of a local S3 server, through the real s3fs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys

sys.path.append(sys.argv[1])  # behind the project's own packages

os.environ |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}

import fsspec
from moto.server import ThreadedMotoServer  # type: ignore[import-not-found]

from rag.adapters.landing.store_landing import StoreLanding
from rag.errors import BelegError
from rag.types import Classification, Zone


def zone(url: str) -> Zone:
    return Zone(name="docs", url=url, tenant="t", owner="o", classification=Classification.internal)


async def main(endpoint: str) -> dict[str, object]:
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    store, landing = fsspec.filesystem("s3"), StoreLanding()
    store.mkdir("bucket")
    store.pipe_file("bucket/docs/zone.yaml", b"classification: confidential\n")
    store.pipe_file("bucket/docs/a/Größe.txt", "Fünf Meter.".encode())
    store.pipe_file("bucket/docs/a/Größe.txt.meta.yaml", b"title: Die Gr\xc3\xb6\xc3\x9fe\n")
    docs = await landing.zone(zone("s3://bucket/docs"))
    first = await landing.sightings(docs)
    document = await landing.read(docs, first[0].path)
    store.pipe_file("bucket/docs/a/Größe.txt", b"Six metres.")
    second = await landing.sightings(docs)
    return {
        "classification": docs.classification.name,
        "paths": [one.path for one in first],
        "text": document.content.decode(),
        "title": document.title,
        "is_due_again": first[0].etag != second[0].etag,
        "no_bucket": await code(landing, "s3://nobody/docs"),
        "nothing_there": await code(landing, "s3://bucket/empty"),
    }


async def code(landing: StoreLanding, url: str) -> str:
    try:
        await landing.sightings(zone(url))
    except BelegError as error:
        return error.code
    return "listed"


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
server.start()
try:
    print(json.dumps(asyncio.run(main(f"http://127.0.0.1:{port}"))))
finally:
    server.stop()
