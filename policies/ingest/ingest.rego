# METADATA
# title: What becomes of a document on its way in
# description: |
#   Asked after `dlp`, about the whole document: index it as it is, index it redacted, raise its classification, or hold
#   it back for a steward. `dlp` is the floor: what it blocks or masks stays so, whatever is said here. A raise never
#   lowers. Findings are types with how many there are, how many different ones, and the highest score; never text.
# scope: package
package ingest

import rego.v1

# METADATA
# title: The decision on one document
# description: |
#   The first rule that holds decides, strictest first. `classification`: what the document gets at least; of a document
#   that is held back, if a steward releases it.
# entrypoint: true
default decision := {
	"action": "quarantine",
	"classification": null,
	"rule": "ingest.undecided",
	"reason": "The findings are incomplete or contradict each other, so the document does not go in.",
}

decision := decide(input, data.ingest.settings)

# METADATA
# title: What to do with such a document under these settings
# description: A function, so that the tests beside it can ask it anything.
decide(facts, settings) := verdict(facts, settings) if is_complete(facts, settings)

verdict(facts, settings) := {
	"action": "quarantine",
	"classification": "confidential",
	"rule": "ingest.bulk_identifiers",
	"reason": "The document holds so many numbers of accounts, cards or papers that it looks like an export of a register.",
} if {
	different(facts, settings.identifiers) >= settings.bulk_identifiers
} else := raised(
	"confidential", "ingest.identifiers",
	"The document holds numbers of accounts, cards or papers of several people.",
) if {
	is_below(facts, "confidential", settings)
	different(facts, settings.identifiers) >= settings.few_identifiers
} else := raised(
	"confidential", "ingest.many_persons",
	"The document names many people with how to reach them.",
) if {
	is_below(facts, "confidential", settings)
	different(facts, settings.persons) >= settings.many_persons
	different(facts, settings.contacts) >= settings.many_contacts
} else := raised(
	"confidential", "ingest.mostly_personal",
	"A large part of the document is personal data.",
) if {
	is_below(facts, "confidential", settings)
	facts.masked_share >= settings.mostly_personal_share
	different(facts, object.keys(facts.findings)) >= settings.mostly_personal_findings
} else := raised(
	"confidential", "ingest.persons_in_medical_text",
	"The document names people and speaks of medical matters.",
) if {
	is_below(facts, "confidential", settings)
	facts.medical.density >= settings.medical_density
	different(facts, settings.persons) > 0
} else := raised(
	"internal", "ingest.identifiers_in_public",
	"A public document names a person together with a number of an account, a card or papers.",
) if {
	is_below(facts, "internal", settings)
	different(facts, settings.persons) > 0
	different(facts, settings.identifiers) > 0
} else := {
	"action": "redact",
	"classification": null,
	"rule": "ingest.personal",
	"reason": "Personal data is masked.",
} if {
	count(facts.findings) > 0
} else := {
	"action": "index",
	"classification": null,
	"rule": "ingest.clean",
	"reason": "No personal data was found.",
} if {
	count(facts.findings) == 0
}

raised(classification, rule, reason) := {
	"action": "reclassify",
	"classification": classification,
	"rule": rule,
	"reason": reason,
}

# METADATA
# title: How many different values of these types there are
different(facts, types) := sum([found.distinct |
	some type in types
	found := facts.findings[type]
])

# METADATA
# title: Whether the document may be read by more people than this
is_below(facts, classification, settings) if settings.order[facts.classification] < settings.order[classification]

# METADATA
# title: Whether all that the rules lean on is there and fits together
# description: Checked first, so that a missing fact or setting can never open a way.
is_complete(facts, settings) if {
	are_findings(facts.findings)
	facts.floor in {"allow", "redact", "block"}
	is_number(facts.words)
	is_number(facts.masked_share)
	is_number(facts.medical.density)
	is_array(facts.medical.categories)
	is_string(facts.tenant)
	is_string(facts.zone)
	is_string(facts.media_type)
	is_string(facts.language)
	is_number(settings.order[facts.classification])
	are_settings(settings)
}

are_findings(findings) if {
	is_object(findings)
	every found in findings {
		is_number(found.count)
		is_number(found.score)
		is_number(found.distinct)
		found.distinct > 0
		found.count >= found.distinct
	}
}

are_settings(settings) if {
	is_number(settings.order.internal)
	is_number(settings.order.confidential)
	is_array(settings.identifiers)
	is_array(settings.persons)
	is_array(settings.contacts)
	is_number(settings.few_identifiers)
	is_number(settings.bulk_identifiers)
	is_number(settings.many_persons)
	is_number(settings.many_contacts)
	is_number(settings.mostly_personal_share)
	is_number(settings.mostly_personal_findings)
	is_number(settings.medical_density)
}
