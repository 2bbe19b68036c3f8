# METADATA
# title: Routing
# description: |
#   Which endpoint classes may see a question and its evidence, best first. `extractive` and `local` run in house,
#   `external` leaves it. What a tenant's data may do is in data.json, which can narrow these rules, never widen them.
# scope: package
package routing

import rego.v1

# METADATA
# title: The decision on one question
# description: An empty list refuses. Missing or unknown attributes refuse.
# entrypoint: true
default decision := {
	"endpoint_classes": [],
	"rule": "routing.undecided",
	"reason": "An attribute is missing or unknown, so no endpoint may answer.",
}

decision := decide(input, data.routing.settings)

# METADATA
# title: What these attributes lead to under these settings
# description: A function, so that the tests beside it can ask it anything.
decide(asked, settings) := ranked(asked, settings, allowed(asked, settings)) if is_complete(asked, settings)

ranked(asked, settings, classes) := {
	"endpoint_classes": [],
	"rule": "routing.none_allowed",
	"reason": "No configured endpoint may see data of this sensitivity for this use case.",
} if {
	count(classes) == 0
} else := {
	"endpoint_classes": ordered(asked, classes),
	"rule": "routing.in_house_only",
	"reason": "The data, the tenant or the use case does not allow an endpoint outside the house.",
} if {
	is_kept_in_house(asked, settings)
} else := {
	"endpoint_classes": ordered(asked, classes),
	"rule": concat(".", ["routing", asked.quality_tier]),
	"reason": concat(" ", ["The order is that of the quality tier", asked.quality_tier]),
}

# METADATA
# title: The allowed classes, best first
# description: Sick ones stay as a last resort, behind all healthy ones.
ordered(asked, classes) := array.concat(
	[class | some class in classes; not is_sick(asked, class)],
	[class | some class in classes; is_sick(asked, class)],
)

is_sick(asked, class) if class in asked.runtime_signals.unhealthy

# METADATA
# title: The configured classes that may and can answer, in the tier's order
allowed(asked, settings) := [class |
	some class in settings.preference[asked.quality_tier]
	class in asked.available
	may_travel(asked, settings, class)
	can_do(asked, settings.classes[class])
]

# METADATA
# title: Whether an outside endpoint is configured but must not be used
is_kept_in_house(asked, settings) if {
	some class in asked.available
	settings.classes[class].in_house == false
	not may_travel(asked, settings, class)
}

# METADATA
# title: Whether the data may go to a class
# description: The second line of the second form is the hard rule. No setting can undo it.
may_travel(_, settings, class) if settings.classes[class].in_house == true

may_travel(asked, settings, class) if {
	settings.classes[class].in_house == false
	asked.data_sensitivity in {"public", "internal"}
	asked.data_sensitivity in settings.tenants[asked.tenant].external
	settings.budgets[asked.budget_class].external == true
	not asked.usecase_class in settings.in_house_use_cases
	not has_in_house_unit(asked, settings.tenants[asked.tenant])
}

has_in_house_unit(asked, tenant) if {
	is_string(asked.business_unit)
	some unit in split(asked.business_unit, ",")
	unit in tenant.in_house_business_units
}

# METADATA
# title: Whether a class has the abilities that the use case needs
can_do(asked, class) if {
	asked.context_length_bucket in class.contexts
	has_ability(asked.need_tools, class.tools)
	has_ability(asked.need_websearch, class.websearch)
}

has_ability(needed, _) if needed == false

has_ability(needed, offered) if {
	needed == true
	offered == true
}

# METADATA
# title: Whether every attribute and setting is there and known
is_complete(asked, settings) if {
	asked.data_sensitivity in {"public", "internal", "confidential", "highly_confidential"}
	asked.context_length_bucket in {"short", "medium", "long"}
	is_boolean(asked.need_websearch)
	is_boolean(asked.need_tools)
	is_array(asked.available)
	is_array(asked.runtime_signals.unhealthy)
	is_named(asked.usecase_class)
	is_named(asked.tenant)
	is_named(asked.user_role)
	is_unit(asked.business_unit)
	is_array(settings.preference[asked.quality_tier])
	is_boolean(settings.budgets[asked.budget_class].external)
	is_array(settings.in_house_use_cases)
	is_object(settings.classes)
	is_object(settings.tenants)
}

is_named(value) if {
	is_string(value)
	value != ""
}

is_unit(unit) if is_null(unit)

is_unit(unit) if is_string(unit)
