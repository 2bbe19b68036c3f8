"""What is found, what is left standing, and under which name."""

from __future__ import annotations

import pytest
from guards import found, screened

from rag.adapters.guard.settings import Allowed, GuardSettings, NumberKind

PLANTED = [
    ("PERSON", "Katharina Lindemann", "Frau Katharina Lindemann zieht nach Jena um."),
    ("PERSON", "Lindemann", "Das Konto von Frau Lindemann wird angelegt."),
    ("PERSON", "Xaver Oberhuber", "Es operierte Herr Prof. Dr. med. Xaver Oberhuber persönlich."),
    ("PERSON", "von der Heyde", "Bitte an Herrn von der Heyde weiterleiten."),
    ("PERSON", "Hans-Peter Müller-Lüdenscheidt", "Dort wartet Hans-Peter Müller-Lüdenscheidt auf uns."),
    ("PERSON", "Ayşe Yılmaz", "Im Team arbeitet Ayşe Yılmaz an der Steuerung."),
    ("PERSON", "Lindemann, Katharina", "Teilnehmende: Lindemann, Katharina (Jena)"),
    ("PERSON", "K. Lindemann", "Geprüft hat das K. Lindemann am Montag."),
    ("PERSON", "Xanthia Kowalczyk", "Ansprechpartnerin: Xanthia Kowalczyk, Gebäude C"),
    ("PERSON", "Petra Musterloh", "Ansprechpartnerin | Petra Musterloh | Raum 4"),
    ("PERSON", "Jana Fehring", "Das klären wir.\n\nMit freundlichen Grüßen\n\ni. A. Jana Fehring\nVertrieb"),
    ("PERSON", "Anna", "Hallo Anna,\nder Termin steht."),
    ("PERSON", "KLEIN, HANS", "KLEIN, HANS hat gekündigt."),
    ("PERSON", "Smith", "Dear Mr. Smith, thank you for your order."),
    ("PERSON", "Jane Doe-Smith", "The device was returned by Ms. Jane Doe-Smith last week."),
    ("PERSON", "Will Miller", "Will Miller is on leave."),
    ("PERSON", "John Miller", "See you on Monday.\n\nBest regards,\nJohn Miller"),
    ("PERSON", "Priya Raghunathan", "Contact: Priya Raghunathan, second floor"),
    ("PERSON", "Maria\nSchneider", "Die Schulung hält Maria\nSchneider aus der Entwicklung."),
    ("EMAIL_ADDRESS", "katharina.lindemann@posteo.example", "Mail an katharina.lindemann@posteo.example genügt."),
    ("EMAIL_ADDRESS", "t.berghaus (at) mailbox.example", "Schreiben Sie an t.berghaus (at) mailbox.example bitte."),
    ("PHONE_NUMBER", "+49 171 3920012", "mobil unter +49 171 3920012 zu erreichen"),
    ("PHONE_NUMBER", "0761/445512-12", "Tel. 0761/445512-12 (vormittags)"),
    ("PHONE_NUMBER", "+1 (212) 555-0123", "You can call me at +1 (212) 555-0123."),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "IBAN DE89 3704 0044 0532 0130 00 bei der Bank"),
    ("IBAN_CODE", "DE89 3704 0044\n0532 0130 00", "IBAN DE89 3704 0044\n0532 0130 00 bei der Bank"),
    ("IBAN_CODE", "GB29NWBK60161331926819", "Please pay to GB29NWBK60161331926819 by Friday."),
    ("DE_TAX_ID", "86 095 742 719", "Die Steuer-ID 86 095 742 719 liegt vor."),
    ("DE_TAX_ID", "86095742719", "Steuer-ID: 86095742719"),
    ("ADDRESS", "Lindenstraße 27, 07743 Jena", "Die neue Anschrift lautet Lindenstraße 27, 07743 Jena."),
    ("ADDRESS", "Rosenweg 8, 79115 Freiburg", "Er wohnt jetzt im Rosenweg 8, 79115 Freiburg."),
    ("ADDRESS", "12 Baker Street, London NW1 6XE", "She lives at 12 Baker Street, London NW1 6XE."),
    ("DATE_OF_BIRTH", "17.08.1951", "geb. 17.08.1951 in Freiburg"),
    ("DATE_OF_BIRTH", "17.08.1951", "Geburtsdatum | 17.08.1951"),
    ("DATE_OF_BIRTH", "March 3, 1980", "He was born on March 3, 1980."),
    ("DE_HEALTH_INSURANCE", "A123456780", "Versichertennummer A123456780"),
    ("CREDIT_CARD", "4111 1111 1111 1111", "Karte 4111 1111 1111 1111, gültig bis 08/27"),
    ("CUSTOMER_NUMBER", "4711-0815", "Ihre Kundennummer: 4711-0815"),
    ("EMPLOYEE_NUMBER", "00012345", "Personalnummer 00012345 bitte angeben"),
    ("PATIENT_NUMBER", "12345678", "MRN: 12345678"),
    ("DE_SOCIAL_SECURITY", "65 170839 J 003", "SV-Nummer 65 170839 J 003 liegt vor"),
    ("DE_SOCIAL_SECURITY", "15070649C103", "Gemeldet wurde 15070649C103."),
    ("DE_ID_CARD", "L01X00T47", "Personalausweis Nr. L01X00T47, ausgestellt in Jena"),
    ("DE_ID_CARD", "L01X00T471", "Ausweisnummer: L01X00T471"),
    ("DE_ID_CARD", "T220001293", "ID card number T220001293"),
    ("DE_PASSPORT", "C01X00T47", "Der Reisepass C01X00T47 läuft ab."),
    ("DE_PASSPORT", "925665416", "passport no. 925665416"),
    ("DE_DRIVING_LICENCE", "B072RRE2I55", "Führerschein-Nr. B072RRE2I55"),
    ("LICENSE_PLATE", "J-KL 4711", "Das Firmenfahrzeug mit dem Kennzeichen J-KL 4711 steht im Hof."),
    ("LICENSE_PLATE", "GÖ AB 12E", "Sie parkt ihr Auto, GÖ AB 12E, vor dem Tor."),
    ("SECRET", "sk-live0123456789abcdef", "Der Schlüssel ist sk-live0123456789abcdef, bitte löschen."),
    ("SECRET", "AKIAIOSFODNN7EXAMPLE", "aws_access_key_id AKIAIOSFODNN7EXAMPLE"),
    ("SECRET", "Sommer2026!", "Passwort: Sommer2026!"),
]  # fmt: skip

LEFT_STANDING = [
    "Bauteil L01X00T47, Schraube K-AB 123, Zelllinie MDA-MB 231, Carcinom PD-L 1",
    "65 170839 J 004 und 65 990839 J 003 sind keine Versicherungsnummern.",
    "Passwort: mindestens zwölf Zeichen. Das Token: siehe Handbuch. PIN: geheim halten",
    "Der Ausweis liegt am Empfang, der Reisepass genügt, ein Führerschein nicht.",
    "Can LabConnect send alarms to WhatsApp?",
    "Hello. Will Firmware updates need a restart? May Service partners open the device?",
    "Der Dampfsterilisator DS-75 erreicht 134 °C in 9 Minuten.",
    "Laborzentrifuge AL-200, Rotor FR-24, Seriennummer 20240815-0012",
    "Leitung Kundendienst\nVon: Entwicklung Jena\nAn: Leitung Kundendienst",
    "Viele Grüße\nLeitung Kundendienst",
    "Best regards,\nYour Service Team",
    "Liebe Kolleginnen und Kollegen,\nsehr geehrte Damen und Herren,",
    "Ansprechpartner: IT-Service, Kontakt: Service Hotline, Autor: Qualitätsmanagement",
    "Name: Aurelia Medizintechnik GmbH",
    "Wann sind in Jena Betriebsferien, und was ändert die Mai Tarifrunde?",
    "Unter Herrn der Ringe und König Ludwig XIV. wurde nichts geprüft.",
    "Die Carl Zeiss AG und das Robert Koch-Institut liefern Vergleichswerte.",
    "Patient: Liegend lagern. Der Patient Monitor gibt Alarm, Klinik und Therapie sind informiert.",
    "Summer School Program, Can Users Edit, Mark your calendar, Jan Feb Mar",
    "Schreiben Sie an info@aurelia.example, it-service@aurelia.example oder einkauf-energie@aurelia.example.",
    "Service-Hotline +49 761 445512, kostenfrei 0800 1234567",
    "gültig vom 01.02.2026 bis 31.12.2026, Sitzung am 12.03.2026, 10.000 - 20.000 Stück",
    "IP 192.168.178.122, Version 3.6.4, Norm ISO 13485:2016",
    "Aurelia Medizintechnik GmbH\nIndustriestraße 5\n79108 Freiburg",
    "Fertigungsstraße 3, Arbeitsplatz 12, Dichtring 4, Stellplätze 1 bis 12",
    "10000 Umdrehungen und 12345 Stück",
    "Spannung 0-10 V, Strom 4-20 mA, Wert 0.123 456, Summe 1.250.000,00 Euro",
    "Artikel | Preis\nKlemme | 12\nMotor | 14",
    "Name | Preis\nHandschuhe Größe M | 11\nTücher FD-1 | 7",
    "IBAN DE89 3704 0044 0532 0130 01 ist falsch.",
    "GB29NWBK60161331926818",
    "Steuer-ID 86 095 742 718",
    "Teilenummer 12345678901",
    "EAN 4006381333931, Bauteil A123456780",
    "Der Fehler E-27 trat in Raum B12 auf; z. B. Koch- und Spülprogramme.",
    "Vor 5 ms meldete MS Office einen Fehler bei 23 °C.\nAb 38 °C fährt alles herunter.",
]  # fmt: skip


@pytest.mark.parametrize(("entity", "value", "text"), PLANTED)
async def test_planted_personal_data_is_found(entity: str, value: str, text: str) -> None:
    """Each kind of personal data is found, whole and under its name, in German and English."""
    assert (entity, value) in await found(text)


@pytest.mark.parametrize("text", LEFT_STANDING)
async def test_ordinary_text_is_left_standing(text: str) -> None:
    """Product texts, functions, organisations and numbers with wrong check digits are no personal data."""
    assert await found(text) == []


async def test_a_surname_is_found_again() -> None:
    """Once somebody is known, the surname alone is enough, also in the genitive."""
    text = (
        "Frau Katharina Lindemann zieht um. Später ist Lindemann in Jena, Lindemanns Büro ist leer. Lindenholz bleibt."
    )
    assert [value for _, value in await found(text)] == ["Katharina Lindemann", "Lindemann", "Lindemanns"]


@pytest.mark.parametrize("trick", ["\u200b", "\u00ad", "\u2060"])
async def test_invisible_characters_hide_nothing(trick: str) -> None:
    """A zero-width character inside a name or number does not hide it, and is masked with it."""
    text = f"Frau Katharina Linde{trick}mann, IBAN DE89{trick}3704\u00a00044\u202f0532 0130 00."
    masked = (await screened(text)).text
    assert masked == "Frau <PERSON>, IBAN <IBAN_CODE>."


async def test_columns_of_a_table() -> None:
    """A header says what its column holds, however far below."""
    rows = "".join(f"Anna Meier | 01.02.1990 | 00{i} | Lager\n" for i in range(100, 300))
    text = f"Mitarbeitende | Geburtsdatum | Personalnummer | Bereich\n{rows}"
    counts = (await screened(text)).counts
    assert counts == {"PERSON": 200, "DATE_OF_BIRTH": 200, "EMPLOYEE_NUMBER": 200}


async def test_a_column_of_names_needs_no_list() -> None:
    """Below "Nachname" stand names, also such as nobody has written down; a word in small letters is none."""
    text = "Vorname | Nachname | Abteilung\nIlinca | Petrova | Lager\nOluwaseun | Adeyemi | Einkauf\nIlinca | unbekannt | Lager\n"
    assert (await screened(text)).text == (
        "Vorname | Nachname | Abteilung\n<PERSON> | <PERSON> | Lager\n<PERSON> | <PERSON> | Einkauf\n<PERSON> | unbekannt | Lager\n"
    )


async def test_what_is_allowed_is_left_standing() -> None:
    """An operator may name texts and patterns that are never personal data."""
    settings = GuardSettings(allow=Allowed(texts=("Carl Zeiss",), patterns=(r"\+49 761 4455[\d -]*",)))
    text = "Carl Zeiss, Telefon +49 761 4455-12"
    assert await found(text, settings) == []
    assert await found(text) != []


async def test_numbers_of_an_organisation() -> None:
    """A configured number is found behind its label, and by its shape anywhere."""
    kind = NumberKind(entity="BADGE", labels=("Ausweisnr",), value=r"\d{4}", shape=r"BX-\d{5}")
    settings = GuardSettings(numbers=(kind,))
    assert await found("Ausweis-Nr. 1234 und BX-55555, aber 1234", settings) == [("BADGE", "BX-55555")]
    assert await found("Ausweisnr.: 1234", settings) == [("BADGE", "1234")]


async def test_a_threshold_per_entity() -> None:
    """Raising a threshold leaves out what is less sure."""
    settings = GuardSettings(thresholds={"PERSON": 0.99})
    assert await found("Frau Katharina Lindemann, katharina.lindemann@posteo.example", settings) == [
        ("EMAIL_ADDRESS", "katharina.lindemann@posteo.example")
    ]
