"""The URL of an object store → the store, opened by fsspec, and the zone's place in it. A door: addresses are typed by people.

Credentials are never part of it: an address is shown, logged and stored.
"""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import fsspec

from rag.errors import Permanent

_SAME = {"s3a": "s3", "az": "abfs", "abfss": "abfs", "gcs": "gs"}
_PACKAGES = {"s3": "s3fs", "abfs": "adlfs", "gs": "gcsfs", "memory": "fsspec"}
"""Object stores. What else fsspec opens leads into this machine or its network."""
_AZURE = re.compile(
    r"(\$root|[a-z0-9](?:-?[a-z0-9]){2,62})(@[a-z0-9]{3,24}\.(dfs|blob)\.core\.windows\.net)?"
    r"|[a-z0-9]{3,24}\.dfs\.core\.windows\.net"
)
"""A container, with its account or without. adlfs would pass over any other host in silence and open the usual account."""
_AZURE_FORM = "az://CONTAINER/PATH, or abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"


def canonical(url: str) -> str:
    """One spelling for what has several. Raises `Permanent`: `store_not_supported`, `secret_in_address`, `bad_address`."""
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0]
    if ":" in authority.rpartition("@")[0] or "?" in rest:
        raise Permanent(
            "secret_in_address", "An address is shown and stored: it must hold no password and no token.",
            hint="Give them by the environment or the machine's identity, as the vendor says.",
        )  # fmt: skip
    kind = _SAME.get(scheme, scheme)
    if kind not in _PACKAGES or "::" in url:
        raise _not_supported(scheme, authority)
    if kind == "abfs" and not _AZURE.fullmatch(authority):
        raise Permanent("bad_address", "This names no container of Azure Blob Storage.", hint=f"Write {_AZURE_FORM}.")
    return f"{kind}://{rest.rstrip('/')}"


def opened(url: str) -> tuple[Any, str]:
    """The store, and the zone's place in it without a slash at the end. Raises `Permanent` as `canonical`, `OSError`."""
    address = canonical(url)
    try:
        store, root = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError):
        raise _not_supported(url.partition("://")[0], "") from None
    _require_listening(store)
    store.invalidate_cache()
    return store, root.rstrip("/")


def _require_listening(store: Any) -> None:
    """Azure's client asks a dead host for three minutes, and the other zones would wait for that."""
    service = urlsplit(str(getattr(getattr(store, "service_client", None), "url", "")))
    if service.hostname and not getproxies():
        port = service.port or (443 if service.scheme == "https" else 80)
        socket.create_connection((service.hostname, port), timeout=10).close()


def missing_package(url: str) -> str | None:
    """What has to be installed for the zone, if it lies in a store that nothing here can open."""
    kind = canonical(url).partition("://")[0]
    try:
        fsspec.get_filesystem_class(kind)
    except ImportError:
        return _PACKAGES[kind]
    return None


def _not_supported(scheme: str, authority: str) -> Permanent:
    hint = "Install the package that fsspec opens it with: s3fs for s3, adlfs for abfs and az, gcsfs for gs."
    if scheme in {"http", "https"} and authority.endswith(".core.windows.net"):
        hint = f"Write {_AZURE_FORM}."
    if _SAME.get(scheme, scheme) == "abfs":
        hint = "Say which account: set AZURE_STORAGE_ACCOUNT_NAME, or write abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH."
    return Permanent("store_not_supported", f"Addresses of the kind {scheme[:20]}:// cannot be opened here.", hint=hint)
