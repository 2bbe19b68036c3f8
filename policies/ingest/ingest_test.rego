# METADATA
# title: What the ingest rules promise
# scope: package
package ingest_test

import rego.v1

import data.ingest

settings := {
	"order": {"public": 0, "internal": 1, "confidential": 2, "highly_confidential": 3},
	"identifiers": ["IBAN_CODE", "DE_TAX_ID"],
	"few_identifiers": 3,
	"bulk_identifiers": 50,
	"persons": ["PERSON"],
	"contacts": ["EMAIL_ADDRESS", "PHONE_NUMBER"],
	"many_persons": 5,
	"many_contacts": 5,
	"mostly_personal_share": 0.25,
	"mostly_personal_findings": 4,
	"medical_density": 0.3,
}

clean := {
	"findings": {},
	"floor": "allow",
	"words": 100,
	"masked_share": 0,
	"medical": {"density": 0, "categories": []},
	"tenant": "acme",
	"business_unit": null,
	"zone": "handbook",
	"classification": "internal",
	"media_type": "application/pdf",
	"language": "de",
}

some_of(different) := {"count": different * 2, "distinct": different, "score": 0.8}

having(more) := ingest.decide(object.union(clean, more), settings)

test_a_clean_document_goes_in_as_it_is if {
	decision := having({})
	decision.action == "index"
	decision.rule == "ingest.clean"
	decision.classification == null
}

test_personal_data_is_redacted if {
	decision := having({"floor": "redact", "findings": {"PERSON": some_of(4)}})
	decision.action == "redact"
	decision.rule == "ingest.personal"
}

test_one_persons_numbers_leave_the_classification if {
	having({"floor": "redact", "findings": {"PERSON": some_of(1), "IBAN_CODE": some_of(1), "DE_TAX_ID": some_of(1)}}).action == "redact"
}

test_the_same_account_on_every_page_is_one_account if {
	footer := {"IBAN_CODE": {"count": 400, "distinct": 1, "score": 1}}
	having({"floor": "redact", "findings": footer}).action == "redact"
}

test_numbers_of_several_people_are_confidential if {
	every level in ["public", "internal"] {
		decision := having({"findings": {"IBAN_CODE": some_of(2), "DE_TAX_ID": some_of(1)}, "classification": level})
		decision.action == "reclassify"
		decision.classification == "confidential"
		decision.rule == "ingest.identifiers"
	}
}

test_what_is_confidential_is_not_raised_to_it if {
	every level in ["confidential", "highly_confidential"] {
		having({"findings": {"IBAN_CODE": some_of(9)}, "classification": level}).action == "redact"
	}
}

test_an_export_of_a_register_waits_for_a_steward_wherever_it_lies if {
	every level in object.keys(settings.order) {
		decision := having({"findings": {"IBAN_CODE": some_of(50)}, "classification": level})
		decision.action == "quarantine"
		decision.classification == "confidential"
		decision.rule == "ingest.bulk_identifiers"
	}
}

test_a_directory_of_people_is_confidential if {
	decision := having({"findings": {"PERSON": some_of(5), "EMAIL_ADDRESS": some_of(3), "PHONE_NUMBER": some_of(2)}})
	decision.classification == "confidential"
	decision.rule == "ingest.many_persons"
}

test_many_people_without_contacts_are_no_directory if {
	having({"findings": {"PERSON": some_of(90)}}).action == "redact"
	having({"findings": {"PERSON": some_of(4), "EMAIL_ADDRESS": some_of(90)}}).action == "redact"
}

test_a_text_that_is_mostly_personal_is_confidential if {
	having({"masked_share": 0.25, "findings": {"PERSON": some_of(4)}}).rule == "ingest.mostly_personal"
	having({"masked_share": 0.25, "findings": {"PERSON": some_of(3)}}).action == "redact"
	having({"masked_share": 0.24, "findings": {"PERSON": some_of(4)}}).action == "redact"
}

test_people_in_a_medical_text_are_confidential if {
	medical := {"density": 0.3, "categories": ["care"]}
	having({"medical": medical, "findings": {"PERSON": some_of(1)}}).rule == "ingest.persons_in_medical_text"
	having({"medical": medical}).action == "index"
	having({"medical": medical, "findings": {"PHONE_NUMBER": some_of(1)}}).action == "redact"
}

test_a_persons_number_is_not_public if {
	found := {"PERSON": some_of(1), "IBAN_CODE": some_of(1)}
	decision := having({"findings": found, "classification": "public"})
	decision.classification == "internal"
	decision.rule == "ingest.identifiers_in_public"
	having({"findings": {"IBAN_CODE": some_of(1)}, "classification": "public"}).action == "redact"
}

test_findings_are_never_indexed_as_they_are if {
	every type in ["PERSON", "IBAN_CODE", "SOMETHING_NEW"] {
		having({"findings": object.union({}, {type: some_of(1)})}).action != "index"
	}
}

test_every_missing_fact_leaves_it_undecided if {
	needed := [
		"findings", "floor", "words", "masked_share", "medical", "tenant", "zone", "classification", "media_type", "language",
	]
	undecided := [name | some name in needed; not ingest.decide(object.remove(clean, [name]), settings)]
	count(undecided) == count(needed)
}

test_findings_that_contradict_themselves_are_undecided if {
	not having({"findings": {"PERSON": {"count": 1, "distinct": 2, "score": 1}}})
	not having({"findings": {"PERSON": {"count": 0, "distinct": 0, "score": 1}}})
	not having({"findings": {"PERSON": {"count": "many", "distinct": 1, "score": 1}}})
	not having({"findings": {"PERSON": {"count": 1, "distinct": 1}}})
	not having({"findings": ["PERSON"]})
}

test_an_unknown_classification_is_undecided if {
	not having({"classification": "secret"})
	not having({"classification": null})
}

test_an_unknown_floor_is_undecided if not having({"floor": "perhaps"})

test_every_missing_setting_leaves_it_undecided if {
	undecided := [name | some name in object.keys(settings); not ingest.decide(clean, object.remove(settings, [name]))]
	count(undecided) == count(settings)
}

test_the_settings_in_use_are_complete if ingest.decide(clean, data.ingest.settings).action == "index"

test_undecided_is_held_back if {
	ingest.decision.action == "quarantine"
	ingest.decision.rule == "ingest.undecided"
}
