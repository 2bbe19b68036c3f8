"""Question → hits. Called by `answer()` and `search()`. Access is the index's business; nothing is filtered here.

A follow-up ("Und in Teilzeit?") says too little to search with, so the search text is built from the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag import keywords
from rag.ports import Embedder, Index
from rag.stems import STOPWORDS
from rag.types import Access, Hit, RetrievalSettings, Turn

_ENOUGH_WORDS = 2
_ENOUGH_WORDS_WITH_REFERENCE = 4
"""Content words from which a question stands alone; more if it refers to something or opens like "und"."""
_MAX_CHARACTERS = 2000
"""Of the text that is searched with. What is beyond is a pasted document, not a question."""

_OPENINGS = re.compile(
    r"(?:und|oder|aber|auch|dann|sonst|also|wie ist es|wie sieht|was ist mit"
    r"|and|or|but|also|then|so|what about|how about|what if)\b",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"\b(?:er|sie|es|ihn|ihm|ihnen|deren|dessen|dies|diese[mnrs]?|dort|dabei|dafür|dagegen|damit|daran|darauf|daraus"
    r"|darin|darüber|davon|dazu|solchen?|letztere[nrs]?|he|she|it|him|them|they|this|that|these|those|its|their|then"
    r"|the (?:same|former|latter))\b"
    r"|\b(?:ist|gilt|geht|heißt|kostet|bedeutet|wäre|war|wird|kann|darf|muss|soll|hat|dauert) das"
    r"(?=\W*$|\W+(?:auch|denn|dann|noch|so|nur|nicht|für|bei|in|im|mit|ohne|wenn|am|ab|von)\b)",
    re.IGNORECASE,
)
_EXPLETIVES = re.compile(r"\b(?:gibt es|gab es|is it (?:possible|allowed)|ist es (?:möglich|erlaubt))\b", re.IGNORECASE)
"""They hold a pronoun that stands for nothing."""


async def retrieve(
    text: str, *, embedder: Embedder, index: Index, access: Access, settings: RetrievalSettings, language: str
) -> list[Hit]:
    """Best first, at most `settings.limit`. Raises `Temporary` if the embedder or the index is down."""
    text = text.strip()[:_MAX_CHARACTERS]
    if not text:
        return []
    vectors = await embedder.embed([text])
    return await index.search(
        text, vectors[0], language=language, access=access, limit=settings.limit, prefetch=settings.prefetch
    )


def contextual_query(turns: Sequence[Turn]) -> str:
    """What to search with for the last turn: its own text, behind what was asked before if it leans on that.

    Assistant's answers are left out: their words would find the same passages again, and hide what is asked now.
    """
    asked = [turn.content.strip() for turn in turns if turn.role == "user"]
    if not asked:
        return ""
    needed = [asked[-1]]
    for earlier in reversed(asked[:-1]):
        if not leans_on_context(needed[0]):
            break
        needed.insert(0, earlier[: _MAX_CHARACTERS // 2])
    return "\n".join(needed)


def leans_on_context(question: str) -> bool:
    """Whether the question can hardly be understood alone. By form only: short, an opening, or a reference."""
    question = _EXPLETIVES.sub(" ", question)
    content = [
        word for word in keywords.words(question) if not any(word in stopwords for stopwords in STOPWORDS.values())
    ]
    if any(_is_code(word) for word in content):
        return False  # a code names its subject
    refers = _OPENINGS.match(question) or _REFERENCES.search(question)
    return len(content) < (_ENOUGH_WORDS_WITH_REFERENCE if refers else _ENOUGH_WORDS)


def _is_code(word: str) -> bool:
    return any(letter.isdigit() for letter in word) and any(letter.isalpha() for letter in word)
