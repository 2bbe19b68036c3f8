# METADATA
# title: What the DLP rules promise
# scope: package
package dlp_test

import rego.v1

import data.dlp

settings := {
	"min_words": 40,
	"medical_density": 1,
	"max_medical_density": 4,
	"patient_identifiers": ["DATE_OF_BIRTH"],
}

clean := {
	"direction": "ingest",
	"has_pii": false,
	"pii_types": [],
	"pii_confidence": 0,
	"has_medical_terms": false,
	"medical_term_density": 0,
	"medical_categories": [],
	"identifying_features": [],
	"words": 100,
	"usecase_class": null,
	"tenant": "acme",
	"business_unit": null,
	"user_role": null,
	"endpoint_class": null,
}

personal := {"has_pii": true, "pii_types": ["PERSON"], "pii_confidence": 0.8}

having(more) := dlp.decide(object.union(clean, more), settings)

test_clean_text_is_allowed if {
	decision := dlp.decide(clean, settings)
	decision.action == "allow"
	decision.rule == "dlp.clean"
}

test_personal_data_is_redacted if {
	decision := having(personal)
	decision.action == "redact"
	decision.rule == "dlp.pii"
}

test_personal_data_with_medical_terms_is_blocked_in_every_direction if {
	every direction in ["ingest", "input", "output"] {
		decision := having(object.union(personal, {"direction": direction, "has_medical_terms": true}))
		decision.action == "block"
		decision.rule == "dlp.pii_with_medical_terms"
	}
}

test_medical_terms_alone_are_allowed if {
	having({"has_medical_terms": true, "medical_term_density": 9}).action == "allow"
}

test_dense_medical_text_with_features_is_blocked if {
	decision := having({"medical_term_density": 4, "identifying_features": ["age"]})
	decision.action == "block"
	decision.rule == "dlp.dense_medical_with_features"
}

test_dense_medical_text_with_personal_data_is_blocked if {
	having(object.union(personal, {"medical_term_density": 5})).action == "block"
}

test_a_date_of_birth_in_a_medical_text_is_blocked if {
	born := {"has_pii": true, "pii_types": ["DATE_OF_BIRTH", "PERSON"], "pii_confidence": 0.8}
	having(object.union(born, {"medical_term_density": 1})).rule == "dlp.patient_identifiers"
	having(object.union(born, {"medical_term_density": 0.9})).action == "redact"
	having(object.union(personal, {"medical_term_density": 1})).action == "redact"
}

test_density_below_the_threshold_is_not_dense if {
	having({"medical_term_density": 3.9, "identifying_features": ["age"]}).action == "allow"
}

test_a_short_question_is_not_dense if {
	having({"medical_term_density": 30, "identifying_features": ["age"], "words": 9}).action == "allow"
}

test_every_missing_fact_leaves_it_undecided if {
	needed := [
		"direction", "has_pii", "has_medical_terms", "pii_confidence", "medical_term_density", "words", "pii_types",
		"identifying_features",
	]
	undecided := [name | some name in needed; not dlp.decide(object.remove(clean, [name]), settings)]
	count(undecided) == count(needed)
}

test_contradicting_facts_are_undecided if not having({"pii_types": ["PERSON"]})

test_an_unknown_direction_is_undecided if not having({"direction": "sideways"})

test_every_missing_setting_leaves_it_undecided if {
	undecided := [name | some name in object.keys(settings); not dlp.decide(clean, object.remove(settings, [name]))]
	count(undecided) == count(settings)
}

test_the_settings_in_use_are_complete if dlp.decide(clean, data.dlp.settings).action == "allow"

test_undecided_is_blocked if {
	dlp.decision.action == "block"
	dlp.decision.rule == "dlp.undecided"
}
