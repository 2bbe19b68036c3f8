// What the console says, in German and English. A reason of the platform's is English; what is common of them is told here.

import { addWords, knows, spoken, t } from "./words.js";

addWords({
  de: {
    skipToContent: "Zum Inhalt springen",
    consoleNav: "Bereiche",
    zones: "Ablagen",
    reviews: "Prüfung",
    loginConsole: "Was aus Ihren Dokumenten geworden ist, und was zu tun bleibt.",
    zonesLead: "Jede Datei hat einen Stand, einen Grund und, wo nötig, einen nächsten Schritt.",
    noZones: "Noch keine Ablage",
    noZonesHelp: "Ihre Administration legt eine an, mit „beleg zone add ORDNER“. Für diesen Schlüssel ist bisher keine da.",
    owner: "Verantwortlich: {n}",
    files: "{n} Dateien",
    file: "1 Datei",
    neverSwept: "Noch nie durchgesehen",
    sweptAgo: "Durchgesehen {n}",
    working: "{done} von {due} gelesen",
    looking: "Die Ablage wird durchgesehen …",
    rate: "{n} Dateien je Minute",
    rest: "noch etwa {n}",
    restSoon: "gleich fertig",
    queued: "{n} Dateien warten, bis sie an der Reihe sind",
    public: "öffentlich", internal: "intern", confidential: "vertraulich", highly_confidential: "streng vertraulich",
    fate_indexed: "auffindbar", fate_masked: "auffindbar, geschwärzt", fate_waiting: "wartet", fate_starved: "kommt nicht voran",
    fate_failed: "gescheitert", fate_quarantined: "zurückgehalten", fate_missing: "verschwunden", fate_deleted: "gelöscht",
    fate_forgotten: "vergessen",
    filterAll: "Alle",
    filter: "Nach Stand filtern",
    search: "Nach Namen suchen",
    nothingFound: "Keine Datei passt",
    nothingFoundHelp: "Ändern Sie Suche oder Filter.",
    emptyZone: "Hier liegt noch nichts",
    emptyZoneHelp: "Legen Sie Dokumente in den Ordner der Ablage. Sie erscheinen hier in Sekunden.",
    colFile: "Datei", colState: "Stand", colSince: "Seit", colWhy: "Grund und nächster Schritt",
    rangeOf: "{from} bis {to} von {n}",
    previous: "Zurück", next: "Weiter",
    back: "Zurück",
    lookAhead: "Vorschau",
    findings: "Geschwärzte Angaben",
    rule: "Regel", format: "Format", spokenIn: "Sprache", version: "Fassung", since: "Seit",
    passages: "So wird es durchsucht",
    passagesLead: "Farbig steht, was anstelle geschwärzter Angaben gespeichert ist.",
    noPassages: "Von dieser Datei wird nichts durchsucht.",
    hiddenText: "Dieser Schlüssel darf den Text nicht lesen. Dafür braucht er Bereich, Gruppe und Freigabe des Dokuments.",
    previewTitle: "Vorschau: {n}",
    previewLead: "Was auffindbar würde und was geschwärzt, gelesen wie beim Einlesen. Es wird nichts gespeichert.",
    previewing: "Liest die nächsten Dateien …",
    previewMore: "Weitere Dateien ansehen ({n} übrig)",
    previewDone: "Das waren alle Dateien.",
    previewEmpty: "In dieser Ablage liegt nichts, was gelesen werden könnte.",
    passageCount: "{n} Abschnitte", passageCountOne: "1 Abschnitt",
    reviewsTitle: "Zurückgehaltene Dokumente",
    reviewsLead: "Die Datenschutzregeln haben diese Dokumente angehalten. Was Sie freigeben, wird auffindbar, und alle gefundenen Angaben bleiben geschwärzt. Ihr Name und Ihre Begründung werden festgehalten.",
    reviewsWatch: "Die Datenschutzregeln haben diese Dokumente angehalten. Entscheiden kann, wer einen Schlüssel zur Prüfung hat.",
    noReviews: "Nichts wartet auf Prüfung",
    noReviewsHelp: "Wird ein Dokument zurückgehalten, erscheint es hier.",
    alsoJudged: "Auch Entschiedene zeigen",
    reason: "Begründung",
    reasonHint: "Ein Satz, ohne Inhalt des Dokuments.",
    reasonMissing: "Bitte begründen Sie Ihre Entscheidung.",
    release: "Freigeben", reject: "Ablehnen",
    released: "Freigegeben", rejected: "Abgelehnt",
    releasedNow: "Freigegeben. Mit dem nächsten Durchgang wird das Dokument auffindbar.",
    rejectedNow: "Abgelehnt. Das Dokument bleibt draußen.",
    verdictBy: "{what} von {by}, {when}",
    versionChanged: "Die Datei hat sich geändert, seit Sie hingesehen haben. Die Liste ist jetzt neu.",
    alarm_sweep_failed: "Die letzte Durchsicht ist gescheitert",
    alarm_deletions_held: "Sehr viele Dateien sind auf einmal verschwunden",
    alarm_nobody_works: "Es arbeitet niemand an dieser Ablage",
    say_deletions_held: "Ihre Löschung wartet, und sie werden weiter gefunden. Ist es gemeint, bestätigt Ihre Administration es mit „beleg ingest {zone} --confirm-deletions“. Wenn nicht, sehen Sie nach dem Ordner.",
    say_nobody_works: "Dateien warten, und niemand sieht nach ihnen. Ihre Administration startet das Einlesen mit „beleg up“.",
    why_contains_patient_data: "Persönliche Angaben stehen neben medizinischen. Eine Prüfung entscheidet.",
    why_blocked_by_policy: "Die Datenschutzregeln lassen dieses Dokument nicht zu. Eine Prüfung entscheidet.",
    why_indexed_redacted: "Persönliche Angaben wurden vor dem Speichern geschwärzt.",
    why_empty_file: "Die Datei ist leer. Ersetzen Sie sie.",
    why_broken_file: "Die Datei lässt sich nicht lesen. Exportieren Sie sie neu.",
    why_password_protected: "Die Datei ist mit einem Kennwort geschützt. Legen Sie eine ohne ab.",
    why_no_text: "Die Datei enthält keinen Text. Bei einem Scan hilft eine Fassung mit Text.",
    why_not_text: "Die Datei enthält keinen Text. Prüfen Sie, was sie ist.",
    why_unsupported_format: "Dieses Format wird nicht gelesen. Legen Sie die Datei als PDF ab.",
    why_parser_timeout: "Das Lesen dauerte zu lange. Exportieren Sie die Datei neu, oder teilen Sie sie.",
    why_parser_crashed: "Das Lesen schlug hart fehl, die Datei ist wohl beschädigt. Exportieren Sie sie neu.",
    why_file_changing: "Die Datei wurde beim Lesen noch geschrieben.",
    why_disk_full: "Der Speicher der Plattform ist voll. Ihre Administration muss Platz schaffen.",
    why_bad_sidecar: "Die Begleitdatei (.meta.yaml) ist fehlerhaft.",
    why_deleted: "Die Datei wurde aus der Ablage genommen.",
    why_retention_over: "Die Datei ist älter, als die Ablage Dateien behält.",
    why_forgotten: "Das Dokument wurde auf Wunsch vergessen und wird nicht wieder gelesen.",
    why_released: "Freigegeben. Mit dem nächsten Durchgang wird es gelesen.",
    why_missing: "Zusammen mit vielen anderen verschwunden, deshalb wird sie weiter gefunden.",
    todo_waiting: "Es wird von selbst wieder versucht.",
    todo_starved: "Ihre Administration muss nachsehen: Von selbst geht es hier nicht weiter.",
    todo_failed: "Dreimal gescheitert. Legen Sie die Datei neu ab, dann wird sie wieder gelesen.",
  },
  en: {
    skipToContent: "Skip to content",
    consoleNav: "Sections",
    zones: "Zones",
    reviews: "Review",
    loginConsole: "What became of your documents, and what is left to do.",
    zonesLead: "Every file has a state, a reason and, where needed, a next step.",
    noZones: "No zone yet",
    noZonesHelp: "Your administrator makes one with “beleg zone add FOLDER”. There is none for this key so far.",
    owner: "Owner: {n}",
    files: "{n} files",
    file: "1 file",
    neverSwept: "Never looked through yet",
    sweptAgo: "Looked through {n}",
    working: "{done} of {due} read",
    looking: "Looking through the zone …",
    rate: "{n} files a minute",
    rest: "about {n} left",
    restSoon: "almost done",
    queued: "{n} files wait for their turn",
    public: "public", internal: "internal", confidential: "confidential", highly_confidential: "highly confidential",
    fate_indexed: "searchable", fate_masked: "searchable, masked", fate_waiting: "waiting", fate_starved: "starved",
    fate_failed: "failed", fate_quarantined: "held back", fate_missing: "missing", fate_deleted: "deleted",
    fate_forgotten: "forgotten",
    filterAll: "All",
    filter: "Filter by state",
    search: "Search by name",
    nothingFound: "No file fits",
    nothingFoundHelp: "Change the search or the filter.",
    emptyZone: "Nothing here yet",
    emptyZoneHelp: "Drop documents into the zone’s folder. They show up here within seconds.",
    colFile: "File", colState: "State", colSince: "Since", colWhy: "Reason and next step",
    rangeOf: "{from} to {to} of {n}",
    previous: "Back", next: "Next",
    back: "Back",
    lookAhead: "Preview",
    findings: "Masked details",
    rule: "Rule", format: "Format", spokenIn: "Language", version: "Version", since: "Since",
    passages: "As it is searched",
    passagesLead: "Coloured is what is stored in place of masked details.",
    noPassages: "Nothing of this file is searched.",
    hiddenText: "This key may not read the text. It needs the document’s business unit, group and clearance.",
    previewTitle: "Preview: {n}",
    previewLead: "What would be searchable and what masked, read as an ingest would read it. Nothing is stored.",
    previewing: "Reading the next files …",
    previewMore: "Look at more files ({n} left)",
    previewDone: "These were all files.",
    previewEmpty: "There is nothing in this zone that could be read.",
    passageCount: "{n} passages", passageCountOne: "1 passage",
    reviewsTitle: "Documents held back",
    reviewsLead: "The data protection rules stopped these documents. What you release becomes searchable, with everything masked that was found. Your name and reason are kept on record.",
    reviewsWatch: "The data protection rules stopped these documents. Who holds a steward’s key can decide.",
    noReviews: "Nothing waits for review",
    noReviewsHelp: "A document that is held back shows up here.",
    alsoJudged: "Also show decided ones",
    reason: "Reason",
    reasonHint: "One sentence, without content of the document.",
    reasonMissing: "Please give a reason for your verdict.",
    release: "Release", reject: "Reject",
    released: "Released", rejected: "Rejected",
    releasedNow: "Released. With the next sweep the document becomes searchable.",
    rejectedNow: "Rejected. The document stays out.",
    verdictBy: "{what} by {by}, {when}",
    versionChanged: "The file has changed since you looked. The list is new now.",
    alarm_sweep_failed: "The last sweep failed",
    alarm_deletions_held: "Very many files vanished at once",
    alarm_nobody_works: "Nobody works on this zone",
    todo_starved: "An operator has to look: it does not move on by itself.",
  },
});

/** Why a file is what it is, and what to do: ours where there are words, else the platform's own. */
export function why(file) {
  const key = `why_${file.code}`;
  if (!knows(key)) return [file.reason, file.hint].filter(Boolean).join(" ");
  return [t(key), knows(`todo_${file.fate}`) ? t(`todo_${file.fate}`) : ""].filter(Boolean).join(" ");
}

/** What is the matter with a zone. */
export function alarmWords(alarm, zone) {
  const key = `say_${alarm.code}`;
  return knows(key) ? t(key, { zone }) : [alarm.message, alarm.hint].filter(Boolean).join(" ");
}

export const number = (value) => new Intl.NumberFormat(spoken()).format(value);

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** "3 days ago", in the page's language. */
export function ago(instant) {
  const seconds = Math.max(0, (Date.now() - Date.parse(instant)) / 1000);
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(spoken(), { numeric: "auto" }).format(-Math.floor(seconds / size), unit);
}

/** "12 minutes", in the page's language. */
export function lasting(seconds) {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  return new Intl.NumberFormat(spoken(), { style: "unit", unit, unitDisplay: "long" }).format(Math.max(1, Math.round(seconds / size)));
}

export const exactly = (instant) => new Date(instant).toLocaleString(spoken(), { dateStyle: "medium", timeStyle: "short" });
