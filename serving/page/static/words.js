// Words of the page in German and English, and the switch between them.

const WORDS = {
  de: {
    skip: "Zur Frage springen",
    language: "Sprache",
    useCase: "Anwendung",
    newConversation: "Neues Gespräch",
    signOut: "Abmelden",
    loginTitle: "Anmelden",
    loginLead: "Antworten aus den Dokumenten Ihres Hauses, jede Aussage mit Beleg.",
    loginSource: "Um diese Quelle zu öffnen, brauchen Sie Ihren Schlüssel.",
    key: "API-Schlüssel",
    keyHint: "Sie erhalten ihn von Ihrer Administration. Er bleibt nur in diesem Fenster gespeichert.",
    signIn: "Anmelden",
    keyMissing: "Bitte geben Sie Ihren Schlüssel ein.",
    keyInvalid: "Dieser Schlüssel gilt nicht. Prüfen Sie, ob er vollständig ist.",
    keyNotForThis: "Dieser Schlüssel öffnet diese Seite nicht. Fragen Sie Ihre Administration nach einem für Ablagen.",
    keyEnded: "Ihr Schlüssel gilt nicht mehr. Bitte melden Sie sich neu an.",
    noUseCase: "Dieser Schlüssel darf keine Anwendung nutzen. Fragen Sie Ihre Administration.",
    welcomeTitle: "Was möchten Sie wissen?",
    welcomeLead: "Beleg antwortet nur aus Dokumenten, die Sie lesen dürfen. Hinter jeder Aussage steht eine Nummer: Sie öffnet die Stelle, an der es steht.",
    examples: "Zum Beispiel",
    example1: "Bis zu welchem Betrag werden Hotelkosten erstattet?",
    example2: "Wie viele Tage Urlaub habe ich im Jahr?",
    example3: "Was hat sich mit der neuen Fassung geändert?",
    conversation: "Gespräch",
    question: "Ihre Frage",
    questionPlaceholder: "Ihre Frage …",
    composerHint: "Prüfen Sie wichtige Angaben an der Quelle.",
    composerKeys: "Eingabe sendet, Umschalt + Eingabe: neue Zeile.",
    toConsole: "Ablagen",
    asOfOpen: "Stand: heute. Nach dem Stand eines früheren Tages fragen",
    asOfToday: "Stand: heute",
    asOfLabel: "Antworten nach dem Stand vom",
    asOfClear: "Wieder heute",
    asOfFuture: "Dieser Tag liegt in der Zukunft.",
    asOfBad: "Bitte geben Sie einen ganzen Tag an, oder wählen Sie „Wieder heute“.",
    asOfAnswer: "Nach dem Stand vom {n}",
    send: "Frage senden",
    stop: "Antwort abbrechen",
    you: "Sie fragten",
    answer: "Antwort",
    searching: "Sucht in Ihren Dokumenten …",
    stopped: "Abgebrochen. Was hier steht, ist unvollständig und nicht belegt.",
    evidence: "Belege",
    openCitation: "Beleg {n} öffnen: {title}",
    page: "Seite {n}",
    pageOf: "Seite {n} von {m}",
    slide: "Folie {n}",
    sheet: "Blatt {n}",
    cells: "Zellen {n}",
    copy: "Kopieren",
    copied: "Kopiert",
    receipt: "Nachweis",
    requestId: "Vorgang",
    release: "Release",
    endpoint: "Endpunkt",
    rules: "Regeln",
    dropped: "Verworfene Aussagen ohne Beleg",
    cost: "Kosten",
    notAnswered: "Kein Beleg gefunden",
    notAnsweredHelp: "Fragen Sie mit anderen Worten oder genauer. Steht es in einem Dokument, das hier fehlt, hilft die Stelle, die es verantwortet.",
    blocked: "Aus Schutzgründen zurückgehalten",
    blockedHelp: "Die Datenschutzregeln Ihres Hauses lassen das nicht zu. Fragen Sie ohne persönliche oder medizinische Angaben.",
    refused: "Nach den Regeln nicht zulässig",
    refusedHelp: "Eine Regel Ihres Hauses lässt diese Antwort nicht zu. Der Nachweis nennt sie.",
    answeredStatus: "Antwort mit {n} Belegen: {text}",
    failed: "Das hat nicht geklappt",
    failedMidway: "Die Antwort brach ab. Was hier steht, ist unvollständig und nicht belegt.",
    errorNetwork: "Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.",
    errorRate: "Zu viele Fragen in kurzer Zeit. Bitte warten Sie {n} Sekunden.",
    errorBudget: "Das Budget dieser Anwendung ist für diesen Monat aufgebraucht. Ihre Administration kann es erhöhen.",
    errorLong: "Die Frage oder das Gespräch ist zu lang. Kürzen Sie, oder beginnen Sie ein neues Gespräch.",
    errorBusy: "Der Dienst ist gerade nicht bereit. Bitte versuchen Sie es in einigen Sekunden erneut.",
    errorRefused: "Das lassen die Regeln Ihres Hauses nicht zu.",
    errorInternal: "Auf unserer Seite ist etwas schiefgegangen. Nennen Sie Ihrer Administration den Vorgang {n}.",
    errorOther: "Die Anfrage wurde nicht angenommen: {n}",
    retry: "Erneut versuchen",
    source: "Quelle",
    close: "Quelle schließen",
    opening: "Öffnet die Quelle …",
    openAlone: "In eigenem Fenster öffnen",
    asPage: "Seite",
    asText: "Text",
    previousPage: "Vorige Seite",
    nextPage: "Nächste Seite",
    pagePicture: "Bild von Seite {n}. Die Stelle ist markiert.",
    versionGone: "Diese Fassung liegt nicht mehr in der Ablage. Ihr Text ist noch hier.",
    pageNotShown: "Diese Seite wird nicht als Bild gezeigt, weil sie geschützte Angaben enthält. Hier ist ihr Text.",
    sourceMissing: "Diese Quelle gibt es nicht mehr, oder Sie dürfen sie nicht lesen.",
    redacted: "Persönliche Angaben sind geschwärzt.",
    excerpt: "Ausschnitt eines langen Dokuments",
  },
  en: {
    skip: "Skip to the question",
    language: "Language",
    useCase: "Use case",
    newConversation: "New conversation",
    signOut: "Sign out",
    loginTitle: "Sign in",
    loginLead: "Answers from your organisation’s own documents, every claim with its source.",
    loginSource: "You need your key to open this source.",
    key: "API key",
    keyHint: "Your administrator gives it to you. It is kept in this window only.",
    signIn: "Sign in",
    keyMissing: "Please enter your key.",
    keyInvalid: "This key is not valid. Check that it is complete.",
    keyNotForThis: "This key does not open this page. Ask your administrator for one that sees zones.",
    keyEnded: "Your key is no longer valid. Please sign in again.",
    noUseCase: "This key may not use anything. Ask your administrator.",
    welcomeTitle: "What would you like to know?",
    welcomeLead: "Beleg answers only from documents that you may read. Behind every claim stands a number: it opens the passage that says so.",
    examples: "For example",
    example1: "Up to what amount are hotel costs reimbursed?",
    example2: "How many days of leave do I have per year?",
    example3: "What changed with the new version?",
    conversation: "Conversation",
    question: "Your question",
    questionPlaceholder: "Your question …",
    composerHint: "Check important facts at their source.",
    composerKeys: "Enter sends, Shift + Enter starts a new line.",
    toConsole: "Zones",
    asOfOpen: "As of today. Ask as of an earlier day",
    asOfToday: "As of today",
    asOfLabel: "Answer as of",
    asOfClear: "Back to today",
    asOfFuture: "This day lies in the future.",
    asOfBad: "Please give a whole day, or choose “Back to today”.",
    asOfAnswer: "As of {n}",
    send: "Send question",
    stop: "Stop answering",
    you: "You asked",
    answer: "Answer",
    searching: "Searching your documents …",
    stopped: "Stopped. What stands here is incomplete and not verified.",
    evidence: "Sources",
    openCitation: "Open source {n}: {title}",
    page: "Page {n}",
    pageOf: "Page {n} of {m}",
    slide: "Slide {n}",
    sheet: "Sheet {n}",
    cells: "Cells {n}",
    copy: "Copy",
    copied: "Copied",
    receipt: "Record",
    requestId: "Request",
    release: "Release",
    endpoint: "Endpoint",
    rules: "Rules",
    dropped: "Claims dropped for want of a source",
    cost: "Cost",
    notAnswered: "No source found",
    notAnsweredHelp: "Try other words, or ask more precisely. If a document is missing here, the people responsible for it can help.",
    blocked: "Withheld for protection",
    blockedHelp: "Your organisation’s data protection rules do not allow this. Ask without personal or medical details.",
    refused: "Not allowed by the rules",
    refusedHelp: "A rule of your organisation does not allow this answer. The record names it.",
    answeredStatus: "Answer with {n} sources: {text}",
    failed: "That did not work",
    failedMidway: "The answer broke off. What stands here is incomplete and not verified.",
    errorNetwork: "The server cannot be reached. Check your connection and try again.",
    errorRate: "Too many questions in a short time. Please wait {n} seconds.",
    errorBudget: "This use case has spent its budget for the month. Your administrator can raise it.",
    errorLong: "The question or the conversation is too long. Shorten it, or start a new conversation.",
    errorBusy: "The service is not ready just now. Please try again in a few seconds.",
    errorRefused: "Your organisation’s rules do not allow this.",
    errorInternal: "Something went wrong on our side. Tell your administrator the request {n}.",
    errorOther: "The request was not accepted: {n}",
    retry: "Try again",
    source: "Source",
    close: "Close source",
    opening: "Opening the source …",
    openAlone: "Open in its own window",
    asPage: "Page",
    asText: "Text",
    previousPage: "Previous page",
    nextPage: "Next page",
    pagePicture: "Picture of page {n}. The passage is highlighted.",
    versionGone: "This version is no longer in its zone. Its text is still here.",
    pageNotShown: "This page is not shown as a picture because it holds protected details. Here is its text.",
    sourceMissing: "This source no longer exists, or you may not read it.",
    redacted: "Personal details are blacked out.",
    excerpt: "Excerpt of a long document",
  },
};

const STORED = "beleg.language";
let language = "en";

/** More words, for a page that has its own. */
export function addWords(more) {
  for (const name of Object.keys(more)) Object.assign(WORDS[name], more[name]);
}

/** The language of the page, as a tag. */
export const spoken = () => language;

/** Whether there are words for a key. */
export const knows = (key) => key in WORDS[language];

export function t(key, values = {}) {
  const words = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** An element. `t` and `values` name words that follow the language switch; `text` is anybody's text and never markup. */
export function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  const { t: key, values, label, labelValues, text, on = {}, ...attributes } = options;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  if (text !== undefined) node.textContent = text;
  if (key) {
    node.dataset.t = key;
    node.words = values;
    node.textContent = t(key, values);
  }
  if (label) {
    node.dataset.tLabel = label;
    node.labelWords = labelValues;
    node.setAttribute("aria-label", t(label, labelValues));
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** These children and no others; what is null is none. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

function retell() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t, node.words);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel, node.labelWords));
    if (node.classList.contains("quiet")) node.title = t(node.dataset.tLabel);
  }
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === language));
  }
}

/** Starts in the language chosen before, else in the browser's. */
export function startLanguage(onChange = () => {}) {
  const wished = localStorage.getItem(STORED) ?? (navigator.language.toLowerCase().startsWith("de") ? "de" : "en");
  language = wished in WORDS ? wished : "en";
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      localStorage.setItem(STORED, language);
      retell();
      onChange();
    });
  }
  retell();
}
