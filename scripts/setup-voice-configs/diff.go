package main

import (
	"cmp"
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
		if covers(live, ours) {
			return live, nil
		}
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

// covers reports whether a list of objects says what ours says, and more perhaps: Telnyx fills in what was left out.
func covers(live, ours any) bool {
	there, _ := live.([]any)
	list, _ := ours.([]any)
	if len(list) == 0 || len(there) != len(list) {
		return false
	}
	for i := range list {
		_, isObject := list[i].(telnyx.Object)
		if _, differ := lay("", there[i], list[i]); !isObject || len(differ) > 0 {
			return false
		}
	}
	return true
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

// layTools lays our tools over those that there are: a webhook by its name, another by its type.
func layTools(live, ours any, tenantID int64) (any, []difference) {
	result, _ := live.([]any)
	result = slices.Clone(result)
	var all []difference
	mine := map[int]bool{}
	for _, want := range ours.([]any) {
		at := slices.IndexFunc(result, func(t any) bool { return nameOf(t) == nameOf(want) })
		if at < 0 {
			mine[len(result)] = true
			result = append(result, want)
			all = append(all, difference{"tools." + nameOf(want), nil, cmp.Or(webhookOf(want)["url"], any("new"))})
			continue
		}
		laid, differ := layTool(result[at], want.(telnyx.Object))
		mine[at], result[at], all = true, laid, append(all, differ...)
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

// nameOf is what tells a tool from the others of an assistant.
func nameOf(tool any) string {
	object, _ := tool.(telnyx.Object)
	kind, _ := object["type"].(string)
	if name, isWebhook := webhookOf(tool)["name"].(string); isWebhook {
		return name
	}
	return kind
}

// layTool lays what is ours over a tool of the same name. What the model would write beside our ?tenant_id= is taken out.
func layTool(live any, want telnyx.Object) (any, []difference) {
	kind, name := want["type"].(string), "tools."+nameOf(want)
	there, _ := live.(telnyx.Object)
	laid, differ := lay(name, there[kind], want[kind])
	if tool := laid.(telnyx.Object); hasProperties(tool["query_parameters"]) {
		tool["query_parameters"] = nil
		differ = append(differ, difference{name + ".query_parameters", "there", nil})
	}
	result := maps.Clone(there)
	result[kind] = laid
	return result, differ
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
	result := maps.Clone(tool.(telnyx.Object))
	result["webhook"] = changed
	return result, []difference{{named, address, u.String()}}
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

// changedFields are the fields of an assistant that differ, each as a whole.
func changedFields(result telnyx.Object, differ []difference) telnyx.Object {
	change := telnyx.Object{}
	for _, d := range differ {
		field, _, _ := strings.Cut(d.field, ".")
		change[field] = result[field]
	}
	return change
}
