"""What we train ourselves, and on what: texts written for this project, filled with invented people. `make ner` runs it.

templates/   sentences, mails, forms and letters with slots, by language and register; split by file, not by line
values.py    what goes into the slots: names, streets and numbers of nobody, with valid check digits
fill.py      template + values → text with spans
ner.py       texts → a small spaCy pipeline, shipped with the guard
"""
