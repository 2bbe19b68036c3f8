"""An irregular form → the word that it is a form of, German and English. Pure. Called by `rag.stems`.

A stemmer takes endings off and cannot know that "kept" is of "keep" and "nimmt" of "nehmen".
"""

from __future__ import annotations

from collections.abc import Mapping

_ENGLISH = (
    "become became; begin began begun; bend bent; bind bound; bite bit bitten; bleed bled; blow blew blown; break broke"
    " broken; breed bred; bring brought; build built; burn burnt; buy bought; catch caught; choose chose chosen; come"
    " came; creep crept; deal dealt; dig dug; draw drew drawn; drink drank drunk; drive drove driven; eat ate eaten;"
    " fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fly flew flown; forbid forbade"
    " forbidden; forget forgot forgotten; freeze froze frozen; get got gotten; give gave given; go went gone; grow grew"
    " grown; hang hung; hear heard; hide hid hidden; hold held; keep kept; know knew known; lay laid; lead led; leave"
    " left; lend lent; lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung; rise rose"
    " risen; run ran; say said; see saw seen; seek sought; sell sold; send sent; shake shook shaken; shine shone; shoot"
    " shot; show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit sat; sleep slept; speak spoke spoken;"
    " speed sped; spend spent; spin spun; stand stood; steal stole stolen; stick stuck; strike struck; swear swore"
    " sworn; sweep swept; swim swam swum; take took taken; teach taught; tear tore torn; tell told; think thought;"
    " throw threw thrown; understand understood; wake woke woken; wear wore worn; win won; withdraw withdrew withdrawn;"
    " write wrote written; man men; woman women; child children; foot feet; tooth teeth; mouse mice; person people;"
    " early earlier earliest; late later latest; good better best; bad worse worst; far farther farthest further; heavy"
    " heavier heaviest; easy easier easiest; busy busier busiest; big bigger biggest; criterion criteria; analysis"
    " analyses; half halves; shelf shelves; knife knives; life lives; leaf leaves; medium media"
)
_GERMAN = (
    "beginnen beginnt begann begonnen; bieten bietet bot geboten; anbieten angeboten; binden band gebunden; bitten bat"
    " gebeten; bleiben bleibt blieb geblieben; brechen bricht brach gebrochen; brennen brannte gebrannt; bringen"
    " brachte gebracht; denken dachte gedacht; empfehlen empfiehlt empfahl empfohlen; entscheiden entschied"
    " entschieden; erhalten erhält erhielt; essen isst gegessen; fahren fährt fuhr gefahren; fallen fällt fiel"
    " gefallen; fangen fängt fing gefangen; finden fand gefunden; fliegen flog geflogen; fließen floss geflossen;"
    " geben gibt gab gegeben; gehen geht ging gegangen; gelten gilt galt gegolten; gewinnen gewann gewonnen; greifen"
    " griff gegriffen; halten hält hielt gehalten; hängen hing gehangen; heben hob gehoben; heißen hieß geheißen;"
    " helfen hilft half geholfen; kennen kannte gekannt; kommen kam gekommen; laden lädt lud geladen; lassen lässt"
    " ließ gelassen; laufen läuft lief gelaufen; leihen lieh geliehen; lesen liest las gelesen; liegen lag gelegen;"
    " messen misst maß gemessen; nehmen nimmt nahm genommen; nennen nannte genannt; raten rät riet geraten; reißen"
    " riss gerissen; rufen rief gerufen; schieben schob geschoben; schlafen schläft schlief; schlagen schlägt schlug"
    " geschlagen; schließen schloss geschlossen; schneiden schnitt geschnitten; schreiben schrieb geschrieben; sehen"
    " sieht sah gesehen; senden sandte gesandt; sinken sank gesunken; sitzen saß gesessen; sprechen spricht sprach"
    " gesprochen; springen sprang gesprungen; stehen stand gestanden; steigen stieg gestiegen; sterben stirbt starb"
    " gestorben; tragen trägt trug getragen; treffen trifft traf getroffen; treten tritt trat getreten; trinken trank"
    " getrunken; tun tut tat getan; verbieten verbot verboten; vergessen vergisst vergaß; verlassen verlässt verließ;"
    " verlieren verlor verloren; wachsen wächst wuchs gewachsen; waschen wäscht wusch gewaschen; werben wirbt warb"
    " geworben; werfen wirft warf geworfen; wiegen wog gewogen; wissen weiß wusste gewusst; ziehen zog gezogen"
)


def _by_form(lines: str) -> Mapping[str, str]:
    groups = [line.split() for line in lines.split(";")]
    return {form: group[0] for group in groups for form in group[1:]}


BASE = {"de": _by_form(_GERMAN), "en": _by_form(_ENGLISH)}
"""Language → form → word."""
