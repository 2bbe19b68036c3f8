"""German → English, word by word, for a model that was trained on English. Pure. Called by the glossing embedder.

No translation: words that the thesaurus knows are replaced by an English word of the same group, compounds part by
part, function words by a list; all others stay as they are. It reads badly and its vectors lie where the English
ones do: on XQuAD's German tuning half the dense side alone rises from hit@5 .80 to what `benchmarks/results/xquad.md`
says.
"""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals
from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from rag import compounds, concepts, language
from rag.stems import stem

_WORD = re.compile(r"[^\W\d_]+")
_FUNCTION_WORDS = dict(
    pair.split("=")
    for pair in (
        "nicht=not kein=no keine=no keinen=no keinem=no keiner=no nie=never niemals=never ohne=without mit=with für=for"
        " und=and oder=or aber=but sondern=but bei=at beim=at nach=after vor=before vorher=before bis=until von=from"
        " vom=from aus=from ab=from seit=since während=during durch=through gegen=against über=about unter=under"
        " zwischen=between um=around auf=on an=at am=on in=in im=in ins=into zu=to zum=to zur=to als=as wie=how wer=who"
        " wen=whom wem=whom wessen=whose was=what wann=when wo=where woher=where wohin=where warum=why wieso=why"
        " weshalb=why womit=with-what wofür=what-for welche=which welcher=which welches=which welchen=which"
        " welchem=which wieviel=how-much viel=much viele=many vielen=many mehr=more weniger=less höchstens=at-most"
        " mindestens=at-least maximal=at-most minimal=at-least etwa=about nur=only auch=also noch=still schon=already"
        " immer=always oft=often lange=long lang=long hoch=high groß=large klein=small der=the die=the das=the den=the"
        " dem=the des=of-the ein=a eine=a einen=a einem=a einer=a eines=a jede=every jeder=every jeden=every jedes=every"
        " alle=all allen=all aller=all dies=this diese=this dieser=this dieses=this diesen=this ich=I wir=we uns=us"
        " mein=my meine=my meinen=my meinem=my meiner=my unser=our unsere=our unseren=our sie=they er=he es=it ihr=their"
        " ihre=their sein=his man=one sich=oneself ist=is sind=are war=was waren=were wird=is werden=are wurde=was"
        " wurden=were hat=has haben=have hatte=had kann=can können=can konnte=could darf=may dürfen=may muss=must"
        " müssen=must soll=should sollen=should sollte=should will=wants möchte=would-like gibt=is-there gilt=applies"
        " gelten=apply bekomme=get bekommt=gets bekommen=get erhält=gets erhalten=get erhalte=get macht=makes machen=make"
        " geht=goes gehen=go kommt=comes kommen=come steht=stands stehen=stand liegt=lies liegen=lie heißt=is-called"
        " bedeutet=means dauert=takes wenn=if falls=if sobald=as-soon-as dass=that weil=because damit=so-that also=so"
        " dann=then danach=afterwards davor=before hier=here dort=there je=per pro=per selbst=self"
    ).split()
)


def revision() -> str:
    """Changes with the words: vectors that were made of another gloss must not be compared with these."""
    told = f"{sorted(_FUNCTION_WORDS.items())} {language.REVISION} {compounds.REVISION}"
    listed = hashlib.sha256(told.encode()).hexdigest()[:4]
    return f"gloss-{listed}-{concepts.revision()}"


def gloss(text: str) -> str:
    """The German text with English words where they are known."""
    return _WORD.sub(lambda match: _word(match.group()), text)


@lru_cache(maxsize=65536)
def _word(word: str) -> str:
    lower = word.lower()
    if lower in _FUNCTION_WORDS:
        return _FUNCTION_WORDS[lower].replace("-", " ")
    known = _english(stem(lower, "de"))
    if known is not None:
        return known
    parts = compounds.split(lower)
    return " ".join(_english(stem(part, "de")) or part for part in parts) if parts else word


@lru_cache(maxsize=65536)
def _english(german: str) -> str | None:
    """The first English word of the narrowest group that the stem stands in."""
    for group in sorted(concepts.groups_of(german), key=len):
        for word in group:
            if _is_english(word):
                return word
    return None


@lru_cache(maxsize=65536)
def _is_english(word: str) -> bool:
    """Whether the word is more at home in English than in German."""
    import wordfreq  # 0.2 s to import

    return wordfreq.zipf_frequency(word, "en", wordlist="small") > wordfreq.zipf_frequency(word, "de", wordlist="small")
