"""A local server that speaks the REST protocol of Azure AI Search (2026-04-01) to the real SDK, as strictly as documented.

What it knows: indexes, aliases, document batches with partial failures, look-ups, searches with OData filters, order,
select, paging, terms and vectors. What it refuses: another api-version, a wrong key, unknown or unfit fields, bad document
keys, filters on fields that are not filterable, more than 1,000 documents or 16 MB at once.
Documents become searchable after `lag_s`. A token of a managed identity is taken beside the key, as the service does, over TLS.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

API_VERSION = "2026-04-01"
KEY = "local-key"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?")
_DOCUMENT_KEY = re.compile(r"(?!_)[A-Za-z0-9_=-]{1,1024}")
_MOST = 1000
_MOST_BYTES = 16 * 2**20
TOKEN = "token-of-the-managed-identity"
_PLAIN = {"Edm.String": str, "Edm.Int64": int, "Edm.Int32": int, "Edm.Double": (int, float), "Edm.Boolean": bool}


class BadRequestError(Exception):
    """The service would say 400."""


@dataclass
class Index:
    definition: dict[str, Any]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    visible_at: dict[str, float] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.definition["fields"]}

    @property
    def key(self) -> str:
        return next(one["name"] for one in self.definition["fields"] if one.get("key"))


@dataclass
class Service:
    """`busy_every`: so many documents of a batch, each so manieth is refused once with 503."""

    lag_s: float = 0.0
    busy_every: int = 0
    indexes: dict[str, Index] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    busy: list[str] = field(default_factory=list)
    """`Retry-After`s, each answered once with 503, whatever is asked."""
    has_ranker: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def index(self, name: str) -> Index | None:
        """By its name or an alias."""
        return self.indexes.get(self.aliases.get(name, [name])[0])

    # --- definitions ----------------------------------------------------------------------------------------------

    def create(self, definition: dict[str, Any]) -> None:
        if not _NAME.fullmatch(definition["name"]) or "--" in definition["name"]:
            raise BadRequestError(f"index name {definition['name']}")
        keys = [one for one in definition["fields"] if one.get("key")]
        if len(keys) != 1 or keys[0]["type"] != "Edm.String" or keys[0].get("retrievable") is False:
            raise BadRequestError("exactly one retrievable key field of type Edm.String")
        profiles = {one["name"] for one in (definition.get("vectorSearch") or {}).get("profiles", [])}
        for one in definition["fields"]:
            _require_fit(one, profiles)
        _require_rankable(definition)
        self.indexes[definition["name"]] = Index(definition)

    # --- documents ------------------------------------------------------------------------------------------------

    def act(self, index: Index, actions: list[dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
        if not 0 < len(actions) <= _MOST:
            raise BadRequestError("1 to 1000 actions")
        for action in actions:
            _require_known(index, action)
        results = [self._one(index, number, dict(action)) for number, action in enumerate(actions)]
        return (200 if all(one["status"] for one in results) else 207), results

    def _one(self, index: Index, number: int, action: dict[str, Any]) -> dict[str, Any]:
        kind, key = action.pop("@search.action", "upload"), action.get(index.key)
        if not isinstance(key, str) or not _DOCUMENT_KEY.fullmatch(key):
            return _result(str(key), 400, "Invalid document key")
        if self.busy_every and number % self.busy_every == 0 and key not in self.refused:
            self.refused.add(key)
            return _result(key, 503, "Busy")
        if kind == "delete":
            index.documents.pop(key, None)
            return _result(key, 200)
        if kind == "merge" and key not in index.documents:
            return _result(key, 404, "Document not found")
        before = index.documents.get(key) if kind in {"merge", "mergeOrUpload"} else None
        index.documents[key] = {**(before or {}), **action}
        if before is None:
            index.visible_at[key] = time.monotonic() + self.lag_s
        return _result(key, 200 if before else 201)

    def visible(self, index: Index) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [document for key, document in index.documents.items() if index.visible_at[key] <= now]

    # --- searches -------------------------------------------------------------------------------------------------

    def search(self, index: Index, asked: dict[str, Any]) -> dict[str, Any]:
        known = {"search", "filter", "select", "top", "skip", "count", "orderby", "searchFields", "searchMode", "queryType",
                 "vectorQueries", "vectorFilterMode", "semanticConfiguration", "semanticErrorHandling",
                 "semanticMaxWaitInMilliseconds"}  # fmt: skip
        if asked.keys() - known:
            raise BadRequestError(f"unknown {asked.keys() - known}")
        if asked.get("skip", 0) > 100_000:
            raise BadRequestError("skip")
        condition = parsed(asked["filter"], index.fields) if asked.get("filter") else lambda _: True
        found = [document for document in self.visible(index) if condition(document)]
        scored = _scored(index, asked, found)
        total = len(scored)
        for clause in reversed((asked.get("orderby") or "").split(",")) if asked.get("orderby") else ():
            name, _, way = clause.strip().partition(" ")
            if not index.fields[name].get("sortable"):
                raise BadRequestError(f"{name} is not sortable")
            scored.sort(key=lambda pair, name=name: pair[1][name], reverse=way == "desc")
        top = min(asked.get("top", 50), _MOST)
        page = scored[asked.get("skip", 0) :][:top]
        ranks = self._ranks(index, asked, page)
        reply: dict[str, Any] = {
            "value": [
                {"@search.score": s, **r, **_selected(index, d, asked)} for (s, d), r in zip(page, ranks, strict=True)
            ]
        }
        return reply | ({"@odata.count": total} if asked.get("count") else {})

    def _ranks(
        self, index: Index, asked: dict[str, Any], page: list[tuple[float, dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Of the first fifty: how many of the question's letters in a row a text has, as a stand-in for understanding it."""
        if asked.get("queryType") != "semantic":
            return [{} for _ in page]
        known = {one["name"]: one for one in (index.definition.get("semantic") or {}).get("configurations", [])}
        if not self.has_ranker or asked.get("semanticConfiguration") not in known or not asked.get("search"):
            raise BadRequestError("semantic search is not enabled, or has no such configuration")
        fields = [
            one["fieldName"]
            for one in known[asked["semanticConfiguration"]]["prioritizedFields"]["prioritizedContentFields"]
        ]
        wanted = set(asked["search"].lower().split())
        shares = [len(wanted & set(" ".join(d[f] for f in fields).lower().split())) / len(wanted) for _, d in page]
        return [{"@search.rerankerScore": 4.0 * share} if at < 50 else {} for at, share in enumerate(shares)]


def _require_rankable(definition: dict[str, Any]) -> None:
    """Fields of a semantic configuration are texts, searchable and retrievable."""
    fields = {one["name"]: one for one in definition["fields"]}
    for made in (definition.get("semantic") or {}).get("configurations", []):
        said = made["prioritizedFields"]
        named = [*said.get("prioritizedContentFields", []), *([said["titleField"]] if said.get("titleField") else [])]
        for one in named:
            shape = fields.get(one["fieldName"], {})
            if shape.get("type") != "Edm.String" or not shape.get("searchable") or shape.get("retrievable") is False:
                raise BadRequestError(f"semantic field {one['fieldName']}")


def _require_fit(one: dict[str, Any], profiles: set[str]) -> None:
    kind = one["type"]
    if kind == "Collection(Edm.Single)":
        if not (one.get("dimensions") and one.get("vectorSearchProfile") in profiles and one.get("searchable")):
            raise BadRequestError(f"vector field {one['name']}")
        if one.get("filterable") or one.get("sortable"):
            raise BadRequestError(f"vector field {one['name']} cannot be filtered")
        return
    if one.get("searchable") and "String" not in kind:
        raise BadRequestError(f"{one['name']} cannot be searchable")
    if one.get("analyzer") and not one.get("searchable"):
        raise BadRequestError(f"{one['name']} has an analyzer and is not searchable")
    if one.get("sortable") and kind.startswith("Collection"):
        raise BadRequestError(f"{one['name']} cannot be sorted")


def _require_known(index: Index, action: dict[str, Any]) -> None:
    for name, value in action.items():
        if name == "@search.action":
            continue
        if name not in index.fields:
            raise BadRequestError(f"The property '{name}' does not exist")
        kind = index.fields[name]["type"]
        if kind == "Collection(Edm.Single)":
            if len(value) != index.fields[name]["dimensions"]:
                raise BadRequestError(f"{name} needs {index.fields[name]['dimensions']} numbers")
        elif kind.startswith("Collection"):
            if not isinstance(value, list) or any(not isinstance(one, str) for one in value):
                raise BadRequestError(f"{name} is a collection")
        elif value is not None and (
            not isinstance(value, _PLAIN[kind]) or isinstance(value, bool) != (kind == "Edm.Boolean")
        ):
            raise BadRequestError(f"{name} is {kind}")
        elif kind == "Edm.String" and index.fields[name].get("filterable") and len(value.encode()) > 32766:
            raise BadRequestError(f"{name} is too large to be filtered")


def _result(key: str, code: int, message: str | None = None) -> dict[str, Any]:
    return {"key": key, "status": code < 400, "errorMessage": message, "statusCode": code}


def _scored(index: Index, asked: dict[str, Any], found: list[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    vectors, text = asked.get("vectorQueries") or [], asked.get("search")
    if vectors:
        (query,) = vectors
        shape = index.fields.get(query["fields"], {})
        if shape.get("dimensions") != len(query["vector"]) or query["kind"] != "vector" or query["k"] < 1:
            raise BadRequestError("vector query")
        if asked.get("vectorFilterMode") != "preFilter":
            raise BadRequestError("filter after the search would lose hits")
        wanted = np.asarray(query["vector"])
        near = [(1 / (2 - float(wanted @ np.asarray(d[query["fields"]]))), d) for d in found]
        return sorted(near, key=lambda pair: -pair[0])[: query["k"]]
    if text in {None, "*"}:
        return [(1.0, document) for document in found]
    if asked.get("queryType") == "semantic":  # its own analyzer; a rank is for every candidate here
        return [(1.0, document) for document in found]
    names = asked.get("searchFields", "").split(",")
    if any(not index.fields.get(name, {}).get("searchable") for name in names):
        raise BadRequestError("searchFields")
    terms = set(text.split())
    hits = [(float(sum(len(terms & set((d.get(name) or "").split())) for name in names)), d) for d in found]
    return sorted((pair for pair in hits if pair[0]), key=lambda pair: -pair[0])


def _selected(index: Index, document: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    names = asked["select"].split(",") if asked.get("select") else list(index.fields)
    if any(name not in index.fields for name in names):
        raise BadRequestError("select")
    return {name: document.get(name) for name in names if index.fields[name].get("retrievable", True)}


# --- OData --------------------------------------------------------------------------------------------------------

Test = Callable[[dict[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>[()/:,]))"
)
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
}  # fmt: skip


def parsed(text: str, fields: dict[str, dict[str, Any]]) -> Test:
    """Raises `BadRequestError` for what the service would not take."""
    return _Parser(text, fields).whole()


class _Parser:
    def __init__(self, text: str, fields: dict[str, dict[str, Any]]) -> None:
        self._fields = fields
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise BadRequestError(f"filter at {at}")
            self._tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()
        self._at = 0
        self._variable: str | None = None

    def whole(self) -> Test:
        test = self._or()
        if self._at != len(self._tokens):
            raise BadRequestError("filter goes on")
        return test

    def _or(self) -> Test:
        tests = [self._and()]
        while self._is("or"):
            tests.append(self._and())
        return lambda d: any(test(d) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._is("and"):
            tests.append(self._not())
        return lambda d: all(test(d) for test in tests)

    def _not(self) -> Test:
        if self._is("not"):
            test = self._not()
            return lambda d: not test(d)
        return self._primary()

    def _primary(self) -> Test:
        if self._is("("):
            test = self._or()
            self._need(")")
            return test
        if self._is("false"):
            return lambda _: False
        word = self._next("word")
        if word == "search.in":
            return self._search_in()
        if self._is("/"):
            return self._any(word)
        value = self._field(word)
        how = _COMPARED[self._next("word")]
        literal = self._literal()
        return lambda d: value(d) is not None and how(value(d), literal)

    def _search_in(self) -> Test:
        self._need("(")
        value = self._field(self._next("word"))
        self._need(",")
        values = self._literal()
        self._need(",")
        parts = set(str(values).split(str(self._literal())))
        self._need(")")
        return lambda d: value(d) in parts

    def _any(self, name: str) -> Test:
        if self._fields.get(name, {}).get("type") != "Collection(Edm.String)" or not self._fields[name].get(
            "filterable"
        ):
            raise BadRequestError(f"{name} is no filterable collection")
        if self._next("word") != "any":
            raise BadRequestError("only any")
        self._need("(")
        self._variable = self._next("word")
        self._need(":")
        test, variable = self._or(), self._variable
        self._need(")")
        self._variable = None
        return lambda d: any(test({**d, variable: one}) for one in d.get(name) or ())

    def _field(self, name: str) -> Callable[[dict[str, Any]], Any]:
        if name != self._variable and not self._fields.get(name, {}).get("filterable"):
            raise BadRequestError(f"{name} is not filterable")
        return lambda d: d.get(name)

    def _literal(self) -> Any:
        kind, token = self._tokens[self._at] if self._at < len(self._tokens) else ("", "missing")
        self._at += 1
        if kind == "text":
            return token[1:-1].replace("''", "'")
        if kind == "number":
            return float(token) if "." in token or "e" in token else int(token)
        raise BadRequestError(f"literal {token}")

    def _is(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1] == token and self._tokens[self._at][0] != "text":
            self._at += 1
            return True
        return False

    def _need(self, token: str) -> None:
        if not self._is(token):
            raise BadRequestError(f"{token} is missing")

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise BadRequestError(f"{kind} is missing")
        self._at += 1
        return self._tokens[self._at - 1][1]


# --- HTTP ---------------------------------------------------------------------------------------------------------


@contextmanager
def search_service(*, certificate: Path | None = None, **options: Any) -> Iterator[Service]:
    """Up when entered, down when left. With a certificate (its key beside it, `.key`) it speaks TLS."""
    service = Service(**options)

    class Handler(_Handler):
        of = service

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    of: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    """Head and body in one packet: in two, each answer waits 40 ms for an acknowledgement."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: object) -> None:
        """Nothing to the terminal."""

    def _answer(self, method: str) -> None:
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        extra: dict[str, str] = {}
        with self.of.lock:
            self.of.requests.append(f"{method} {url.path}")
            try:
                code, reply = self._routed(method, unquote(url.path), parse_qs(url.query), body)
            except (BadRequestError, KeyError, TypeError) as error:
                code, reply = 400, {"error": {"code": "", "message": f"{type(error).__name__}: {error}"}}
            if self.of.busy:
                extra["Retry-After"] = self.of.busy.pop(0)
                code, reply = 503, {"error": {"code": "", "message": "busy"}}
        content = json.dumps(reply).encode() if code != 204 else b""
        self.send_response(code)
        self.send_header("Content-Type", "application/json; odata.metadata=minimal")
        self.send_header("Content-Length", str(len(content)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _routed(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
        missing = 404, {"error": {"code": "", "message": "not found"}}
        if self.headers.get("api-key") != KEY and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 403, {"error": {"code": "", "message": "the key does not fit"}}
        if int(self.headers.get("Content-Length") or 0) > _MOST_BYTES:
            raise BadRequestError("a request is at most 16 MB")
        if query.get("api-version") != [API_VERSION]:
            raise BadRequestError(f"api-version {query.get('api-version')}")
        if path == "/indexes":
            if method == "GET":
                return 200, {"value": [{"name": name, "fields": []} for name in self.of.indexes]}
            if body["name"] in self.of.indexes:
                return 409, {"error": {"code": "ResourceNameAlreadyInUse", "message": "exists"}}
            self.of.create(body)
            return 201, body
        if method == "DELETE" and (match := re.fullmatch(r"/(indexes|aliases)\('([^']+)'\)", path)):
            there = self.of.indexes if match[1] == "indexes" else self.of.aliases
            return missing if there.pop(match[2], None) is None else (204, None)
        if match := re.fullmatch(r"/aliases\('([^']+)'\)", path):
            if method == "PUT":
                if len(body["indexes"]) != 1 or body["indexes"][0] not in self.of.indexes:
                    raise BadRequestError("alias")
                self.of.aliases[match[1]] = body["indexes"]
                return 200, body
            return (
                (200, {"name": match[1], "indexes": self.of.aliases[match[1]]})
                if match[1] in self.of.aliases
                else missing
            )
        match = re.fullmatch(r"/indexes\('([^']+)'\)/docs(.*)", path)
        index = self.of.index(match[1]) if match else None
        if match is None or index is None:
            return missing
        if match[2] == "/search.index":
            code, results = self.of.act(index, body["value"])
            return code, {"value": results}
        if match[2] == "/search.post.search":
            return 200, self.of.search(index, body)
        key = re.fullmatch(r"\('([^']+)'\)", match[2])
        found = next((d for d in self.of.visible(index) if key and d[index.key] == key[1]), None)
        return missing if found is None else (200, found)
