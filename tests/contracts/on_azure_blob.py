"""Run by `test_landing_azure_blob.py` in a process of its own: a zone in Azurite, opened by every kind of credential.

The environment alone says which, as it would in a deployment. `SSL_CERT_FILE` has to be known before anything is imported.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import adlfs
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from azurite import ACCOUNT, KEY

from rag.adapters.landing.store_landing import StoreLanding
from rag.errors import BelegError
from rag.types import Classification, Zone

HOST = sys.argv[1]
WRONG = base64.b64encode(b"a key of somebody else").decode()
said = StringIO()
logging.basicConfig(stream=said, level=logging.DEBUG)


class Identity(BaseHTTPRequestHandler):
    """What a virtual machine or a container app asks for the token of its identity."""

    audience = "https://storage.azure.com"
    header = "a-header-that-only-the-platform-knows"
    signature = "c2lnbmF0dXJl"

    def do_GET(self) -> None:
        if self.headers.get("X-IDENTITY-HEADER") != self.header or "resource=https" not in self.path:
            self.send_error(401)
            return
        ends = int(time.time()) + 3600
        claims = {
            "aud": self.audience,
            "iss": "https://sts.windows.net/local/",
            "nbf": ends - 7200,
            "exp": ends,
            "iat": ends - 7200,
        }
        parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims)]
        token = ".".join([*(base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in parts), self.signature])
        body = {"access_token": token, "expires_on": str(ends), "resource": self.audience, "token_type": "Bearer"}
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def token(ends: datetime) -> str:
    return generate_container_sas(
        ACCOUNT, "docs", account_key=KEY, permission=ContainerSasPermissions(read=True, list=True), expiry=ends,
        start=ends - timedelta(days=2),
    )  # fmt: skip


async def opened(url: str = "az://docs/zone", **environment: str) -> object:
    """What is seen and read with these credentials alone; the code where nothing is."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_"))]:
        del os.environ[name]
    os.environ.update(environment, AZURE_STORAGE_ACCOUNT_NAME=ACCOUNT)
    adlfs.AzureBlobFileSystem.clear_instance_cache()
    zone = Zone(name="docs", url=url, tenant="t", owner="o", classification=Classification.internal)
    landing = StoreLanding()
    try:
        (one,) = await landing.sightings(zone)
        return [one.path, (await landing.read(zone, one.path)).content.decode()]
    except BelegError as error:
        said.write("".join(traceback.format_exception(error)) + repr(error))
        return error.code


async def main(identity: str) -> dict[str, object]:
    admin = adlfs.AzureBlobFileSystem(
        account_name=ACCOUNT, account_key=KEY, account_host=HOST, skip_instance_cache=True
    )
    admin.mkdir("docs")
    admin.pipe_file("docs/zone/Größe.txt", "Fünf Meter.".encode())
    good, ended = token(datetime.now(UTC) + timedelta(hours=1)), token(datetime.now(UTC) - timedelta(hours=1))
    by_identity = {"IDENTITY_ENDPOINT": identity, "IDENTITY_HEADER": Identity.header}
    told: dict[str, object] = {
        "account key": await opened(AZURE_STORAGE_ACCOUNT_KEY=KEY),
        "token": await opened(AZURE_STORAGE_SAS_TOKEN=good),
        "managed identity": await opened(**by_identity),
        "ended token": await opened(AZURE_STORAGE_SAS_TOKEN=ended),
        "wrong key": await opened(AZURE_STORAGE_ACCOUNT_KEY=WRONG),
        "nothing given": await opened(AZURE_STORAGE_ANON="true"),
        "no container": await opened("az://nobody/zone", AZURE_STORAGE_ACCOUNT_KEY=KEY),
    }
    Identity.audience = "https://vault.azure.net"
    told["identity of nobody"] = await opened(**by_identity)
    secrets = {"key": KEY, "wrong": WRONG, "header": Identity.header, "token": Identity.signature}
    secrets |= {name: sas.rpartition("sig=")[2].partition("&")[0] for name, sas in (("sas", good), ("ended", ended))}
    told["leaked"] = sorted(name for name, secret in secrets.items() if secret in said.getvalue())
    return told


server = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    print(json.dumps(asyncio.run(main(f"http://127.0.0.1:{server.server_address[1]}/token")), ensure_ascii=False))
finally:
    server.shutdown()
