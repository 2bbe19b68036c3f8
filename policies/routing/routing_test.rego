# METADATA
# title: What the routing rules promise
# scope: package
package routing_test

import rego.v1

import data.routing

settings := {
	"classes": {
		"extractive": {"in_house": true, "tools": false, "websearch": false, "contexts": ["short", "long"]},
		"local": {"in_house": true, "tools": true, "websearch": false, "contexts": ["short"]},
		"external": {"in_house": false, "tools": true, "websearch": true, "contexts": ["short", "long"]},
	},
	"preference": {
		"premium": ["local", "external", "extractive"],
		"standard": ["local", "extractive", "external"],
		"economy": ["extractive", "local", "external"],
	},
	"budgets": {"low": {"external": false}, "standard": {"external": true}},
	"in_house_use_cases": ["clinical", "hr"],
	"tenants": {"acme": {"external": ["public", "internal"], "in_house_business_units": ["research"]}},
}

asked := {
	"data_sensitivity": "internal",
	"usecase_class": "general",
	"quality_tier": "standard",
	"context_length_bucket": "short",
	"budget_class": "standard",
	"need_websearch": false,
	"need_tools": false,
	"tenant": "acme",
	"business_unit": null,
	"user_role": "user",
	"runtime_signals": {"unhealthy": []},
	"available": ["external", "extractive", "local"],
}

routed(more) := routing.decide(object.union(asked, more), settings)

classes(more) := routed(more).endpoint_classes

test_standard_order if {
	classes({}) == ["local", "extractive", "external"]
	routed({}).rule == "routing.standard"
}

test_premium_prefers_a_model_over_extraction if {
	classes({"quality_tier": "premium"}) == ["local", "external", "extractive"]
}

test_economy_prefers_extraction if {
	classes({"quality_tier": "economy"}) == ["extractive", "local", "external"]
}

test_only_what_is_available_is_chosen if classes({"available": ["extractive"]}) == ["extractive"]

test_confidential_data_stays_in_house if {
	every sensitivity in ["confidential", "highly_confidential"] {
		classes({"data_sensitivity": sensitivity}) == ["local", "extractive"]
		routed({"data_sensitivity": sensitivity}).rule == "routing.in_house_only"
	}
}

test_confidential_data_with_only_an_outside_endpoint_is_refused if {
	decision := routed({"data_sensitivity": "confidential", "available": ["external"]})
	decision.endpoint_classes == []
	decision.rule == "routing.none_allowed"
}

test_settings_cannot_widen_the_rule_on_confidential_data if {
	everything := ["public", "internal", "confidential", "highly_confidential"]
	wide := object.union(settings, {"tenants": {"acme": {"external": everything}}})
	every sensitivity in ["confidential", "highly_confidential"] {
		decision := routing.decide(object.union(asked, {"data_sensitivity": sensitivity}), wide)
		decision.endpoint_classes == ["local", "extractive"]
	}
}

test_an_unknown_tenant_stays_in_house if {
	classes({"tenant": "stranger", "data_sensitivity": "public"}) == ["local", "extractive"]
}

test_use_cases_kept_in_house if {
	every class in ["hr", "clinical"] {
		classes({"usecase_class": class}) == ["local", "extractive"]
	}
}

test_a_low_budget_stays_in_house if classes({"budget_class": "low"}) == ["local", "extractive"]

test_a_business_unit_kept_in_house if {
	classes({"business_unit": "it,research"}) == ["local", "extractive"]
	classes({"business_unit": "it"}) == ["local", "extractive", "external"]
}

test_tools_leave_extraction_out if classes({"need_tools": true}) == ["local", "external"]

test_web_search_on_confidential_data_is_refused if {
	classes({"need_websearch": true, "data_sensitivity": "confidential"}) == []
}

test_a_long_context_leaves_out_what_cannot_take_it if {
	classes({"context_length_bucket": "long"}) == ["extractive", "external"]
}

test_a_sick_class_goes_last if {
	classes({"runtime_signals": {"unhealthy": ["local"]}}) == ["extractive", "external", "local"]
}

test_nothing_available_is_refused if {
	classes({"available": []}) == []
	routed({"available": []}).rule == "routing.none_allowed"
}

test_an_unknown_class_is_not_chosen if {
	classes({"available": ["elsewhere", "extractive"]}) == ["extractive"]
}

test_every_missing_attribute_leaves_it_undecided if {
	undecided := [name | some name in object.keys(asked); not routing.decide(object.remove(asked, [name]), settings)]
	count(undecided) == count(asked)
}

test_every_missing_setting_leaves_it_undecided if {
	undecided := [name | some name in object.keys(settings); not routing.decide(asked, object.remove(settings, [name]))]
	count(undecided) == count(settings)
}

test_unknown_values_leave_it_undecided if {
	not routed({"quality_tier": "gold"})
	not routed({"budget_class": "endless"})
	not routed({"data_sensitivity": "secret"})
}

test_the_settings_in_use_are_complete if {
	decision := routing.decide(object.union(asked, {"tenant": "anybody"}), data.routing.settings)
	decision.endpoint_classes == ["local", "extractive"]
}

test_undecided_is_refused if {
	routing.decision.endpoint_classes == []
	routing.decision.rule == "routing.undecided"
}
