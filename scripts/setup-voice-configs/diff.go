package main

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// difference is one field that is not as it should be. Values are JSON's; nil is nothing.
type difference struct {
	field        string // such as tools.get_classes.url
	was, becomes any
}

// longest is the longest text that is shown; of a longer one, and of one with several lines, its length is told.
const longest = 120

// String is the difference on one line. What a header carries is not shown.
func (d difference) String() string {
	was, becomes := shown(d.was), shown(d.becomes)
	if strings.HasSuffix(d.field, "headers") {
		was, becomes = hidden(d.was), "set"
		if was != "none" {
			becomes = "changed"
		}
	}
	return d.field + ": " + was + " -> " + becomes
}

func hidden(v any) string {
	if isNothing(v) {
		return "none"
	}
	return "set"
}

func shown(v any) string {
	text, isText := v.(string)
	switch n := utf8.RuneCountInString(text); {
	case isNothing(v):
		return "none"
	case isText && (n > longest || strings.Contains(text, "\n")):
		return strconv.Itoa(n) + " characters"
	}
	return fmt.Sprint(v)
}

// isNothing reports whether a value says no more than one that is left out.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// layAssistant lays what is ours over an assistant as it is and tells what that changes. Fields, tools and features that are not ours stay
// as they are, but a tool of anybody's that calls us is brought to the tenant's address.
func layAssistant(live, ours telnyx.Object, tenantID int64) (telnyx.Object, []difference) {
	result := maps.Clone(live)
	if result == nil {
		result = telnyx.Object{}
	}
	var all []difference
	for _, field := range slices.Sorted(maps.Keys(ours)) {
		var differ []difference
		switch field {
		case "tools":
			result[field], differ = layTools(live[field], ours[field], tenantID)
		case "enabled_features":
			result[field], differ = layFeatures(live[field], ours[field])
		default:
			result[field], differ = lay(field, live[field], ours[field])
		}
		all = append(all, differ...)
	}
	return result, all
}

// lay lays one value over another, an object field by field.
func lay(field string, live, ours any) (any, []difference) {
	object, isObject := ours.(telnyx.Object)
	if !isObject {
		if reflect.DeepEqual(live, ours) || isNothing(live) && isNothing(ours) {
			return live, nil
		}
		return ours, []difference{{field, live, ours}}
	}
	there, _ := live.(telnyx.Object)
	result := telnyx.Object{}
	maps.Copy(result, there)
	var all []difference
	if field == "properties" || strings.HasSuffix(field, ".properties") { // a parameter that we do not read is none of a tool of ours
		for _, name := range slices.Sorted(maps.Keys(there)) {
			if _, known := object[name]; !known {
				delete(result, name)
				all = append(all, difference{field + "." + name, "there", nil})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value, differ := lay(field+"."+name, there[name], object[name])
		result[name] = value
		all = append(all, differ...)
	}
	return result, all
}

func layFeatures(live, ours any) (any, []difference) {
	there, _ := live.([]any)
	result := slices.Clone(there)
	for _, feature := range ours.([]any) {
		if !slices.Contains(result, feature) {
			result = append(result, feature)
		}
	}
	return lay("enabled_features", live, result)
}

// layTools lays our tools over those that there are, by name.
func layTools(live, ours any, tenantID int64) (any, []difference) {
	result, _ := live.([]any)
	result = slices.Clone(result)
	var all []difference
	mine := map[int]bool{}
	for _, tool := range ours.([]any) {
		want := tool.(telnyx.Object)["webhook"].(telnyx.Object)
		name := "tools." + want["name"].(string)
		at := slices.IndexFunc(result, func(t any) bool { return webhookOf(t)["name"] == want["name"] })
		if at < 0 {
			mine[len(result)] = true
			result = append(result, tool)
			all = append(all, difference{name, nil, want["url"]})
			continue
		}
		laid, differ := lay(name, webhookOf(result[at]), want)
		if filled := webhookOf(result[at])["query_parameters"]; hasProperties(filled) { // the model would write beside our ?tenant_id=
			laid.(telnyx.Object)["query_parameters"] = nil
			differ = append(differ, difference{name + ".query_parameters", "there", nil})
		}
		mine[at], result[at], all = true, withWebhook(result[at], laid.(telnyx.Object)), append(all, differ...)
	}
	for i, tool := range result {
		if !mine[i] {
			var differ []difference
			result[i], differ = leadHome(tool, tenantID)
			all = append(all, differ...)
		}
	}
	return result, all
}

// leadHome has a tool that is not ours, and calls us, name the tenant in its address.
func leadHome(tool any, tenantID int64) (any, []difference) {
	webhook := webhookOf(tool)
	address, _ := webhook["url"].(string)
	if !strings.Contains(address, toolsPath) {
		return tool, nil
	}
	named := "tools." + fmt.Sprint(webhook["name"]) + ".url"
	u, err := url.Parse(address)
	if err != nil {
		return tool, []difference{{named, address, "an address that can be read; mend it by hand"}}
	}
	query, id := u.Query(), strconv.FormatInt(tenantID, 10)
	if slices.Equal(query["tenant_id"], []string{id}) {
		return tool, nil
	}
	query.Set("tenant_id", id)
	u.RawQuery = query.Encode()
	changed := maps.Clone(webhook)
	changed["url"] = u.String()
	return withWebhook(tool, changed), []difference{{named, address, u.String()}}
}

func hasProperties(schema any) bool {
	object, _ := schema.(telnyx.Object)
	return !isNothing(object["properties"])
}

// webhookOf is what a tool of the kind webhook says; nil for another.
func webhookOf(tool any) telnyx.Object {
	object, _ := tool.(telnyx.Object)
	webhook, _ := object["webhook"].(telnyx.Object)
	return webhook
}

func withWebhook(tool any, webhook telnyx.Object) telnyx.Object {
	changed := maps.Clone(tool.(telnyx.Object))
	changed["webhook"] = webhook
	return changed
}

// changedFields are the fields of an assistant that differ, each as a whole.
func changedFields(result telnyx.Object, differ []difference) telnyx.Object {
	change := telnyx.Object{}
	for _, d := range differ {
		field, _, _ := strings.Cut(d.field, ".")
		change[field] = result[field]
	}
	return change
}
