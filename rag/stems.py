"""Word → stem, and which words say nothing. Pure. What keywords, support and asking agree on."""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from threading import Lock

import snowballstemmer

from rag.irregular import BASE

STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 → Snowball algorithm. Other languages are indexed unstemmed."""

STOPWORDS = {
    "de": frozenset(
        "ab aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf"
        " aus bei beim bin bis bist da dabei dadurch dafür dagegen daher damit dann daran darauf daraus darf darin"
        " darum das dass davon dazu dein deine dem den denen denn der deren des dessen dich die dies diese diesem"
        " diesen dieser dieses dir doch dort du durch dürfen ein eine einem einen einer eines er es etwa etwas euch"
        " euer für gegen gibt hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren"
        " ihrer ihres im in indem ins ist ja jede jedem jeden jeder jedes jener jetzt kann kein keine keinem keinen"
        " keiner können konnte man mehr mein meine mich mir mit muss müssen nach neben nicht nichts noch nun nur ob"
        " oder ohne per sein seine seinem seinen seiner seines seit sich sie sind so sobald soll sollen sollte"
        " sondern sonst sowie über um und uns unser unsere unter vom von vor wann war waren warum was weder weil"
        " welche welchem welchen welcher welches wem wen wenn wer werde werden wessen wie wieso wieviel will wir"
        " wird wo wobei wodurch wofür womit woran worin wurde wurden wäre würde zu zum zur zwar zwischen".split()
    ),
    "en": frozenset(
        "a about after all also am an and any are as at be because been before being between both but by can could"
        " did do does doing during each either for from had has have having he her here hers him his how i if in"
        " into is it its itself just may me might more most must my neither no nor not of off on once only onto or"
        " other our ours out over own shall she should so some such than that the their them then there these they"
        " this those through to too under until up upon us very was we were what when where which while who whom"
        " whose why will with would you your yours".split()
    ),
}


@lru_cache(maxsize=32)
def _stemmer(language: str) -> Callable[[str], str]:
    """A stemmer keeps the word in itself while it works, so each call of one goes through a lock."""
    name = STEMMERS.get(language)
    if name is None:
        return str
    stemmer, lock = snowballstemmer.stemmer(name), Lock()

    def stemmed(word: str) -> str:
        with lock:
            return str(stemmer.stemWord(word))

    return stemmed


@lru_cache(maxsize=131072)
def stem(word: str, language: str) -> str:
    """The lower-cased word's stem with accents folded: `Münchens` and `Muenchen` meet, as do `café` and `cafe`."""
    word = BASE.get(language, {}).get(word, word)
    folded = unicodedata.normalize("NFKD", _stemmer(language)(word).replace("ß", "ss"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))
