# METADATA
# title: Data loss prevention
# description: |
#   What may happen to a text: a document on its way in, a question, an answer. The guard hands over what it found,
#   never the text. Anything missing, malformed or contradictory is blocked.
# scope: package
package dlp

import rego.v1

# METADATA
# title: The decision on one text
# description: |
#   The first rule that holds decides, strictest first. Hard rules: personal data is at least redacted; personal data
#   together with specific medical terms is blocked, whichever way the text goes.
# entrypoint: true
default decision := {
	"action": "block",
	"rule": "dlp.undecided",
	"reason": "The findings are incomplete or contradict each other, so nothing passes.",
}

decision := decide(input, data.dlp.settings)

# METADATA
# title: What to do with these findings under these settings
# description: A function, so that the tests beside it can ask it anything.
decide(facts, settings) := verdict(facts, settings) if is_complete(facts, settings)

verdict(facts, settings) := {
	"action": "block",
	"rule": "dlp.pii_with_medical_terms",
	"reason": "Personal data stands together with medical details of a person.",
} if {
	facts.has_pii
	facts.has_medical_terms
} else := {
	"action": "block",
	"rule": "dlp.dense_medical_with_features",
	"reason": "A dense medical text carries features by which a person can be recognised.",
} if {
	is_dense(facts, settings)
	names_somebody(facts)
} else := {
	"action": "block",
	"rule": "dlp.patient_identifiers",
	"reason": "A medical text carries identifiers that patients have, such as a date of birth.",
} if {
	is_medical(facts, settings)
	some type in facts.pii_types
	type in settings.patient_identifiers
} else := {
	"action": "redact",
	"rule": "dlp.pii",
	"reason": "Personal data is masked.",
} if {
	facts.has_pii
} else := {
	"action": "allow",
	"rule": "dlp.clean",
	"reason": "No personal data was found.",
} if {
	not facts.has_pii
}

# METADATA
# title: Whether medical terms are as dense as in a clinical document
# description: Short texts are left out; in one sentence a single term is already dense.
is_dense(facts, settings) if {
	facts.words >= settings.min_words
	facts.medical_term_density >= settings.max_medical_density
}

# METADATA
# title: Whether a text is medical at all
is_medical(facts, settings) if {
	facts.words >= settings.min_words
	facts.medical_term_density >= settings.medical_density
}

# METADATA
# title: Whether anything points at one person
names_somebody(facts) if facts.has_pii

names_somebody(facts) if count(facts.identifying_features) > 0

# METADATA
# title: Whether all that the rules lean on is there and fits together
# description: Checked by every rule, so that a missing fact or setting can never open a way.
is_complete(facts, settings) if {
	facts.direction in {"ingest", "input", "output"}
	is_boolean(facts.has_pii)
	is_boolean(facts.has_medical_terms)
	is_number(facts.pii_confidence)
	is_number(facts.medical_term_density)
	is_number(facts.words)
	is_array(facts.pii_types)
	is_array(facts.identifying_features)
	facts.has_pii == (count(facts.pii_types) > 0)
	is_number(settings.min_words)
	is_number(settings.medical_density)
	is_number(settings.max_medical_density)
	is_array(settings.patient_identifiers)
}
