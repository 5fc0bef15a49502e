package onboard

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// put sends the fields of want that differ from what is stored, and nothing when none does. A part that the file leaves out is nil.
func put[T any](ctx context.Context, a *applying, name string, c *api.Client, path string, want *T) error {
	if want == nil {
		return nil
	}
	var have map[string]any
	if err := c.Call(ctx, http.MethodGet, path, nil, &have); err != nil {
		return err
	}
	wanted, err := fieldsOf(want)
	if err != nil {
		return err
	}
	step := Step{Name: name, Outcome: Unchanged}
	differ := differences(have, wanted, a.options.SendCredentials)
	if len(differ) > 0 {
		var now map[string]any
		if err := c.Call(ctx, http.MethodPut, path, differ, &now); err != nil {
			return err
		}
		if a.options.SendCredentials || !reflect.DeepEqual(have, now) { // what is written otherwise in the file may be stored the same
			step.Outcome, step.Note = outcomeOf(have, wanted), strings.Join(slices.Sorted(maps.Keys(differ)), ", ")
		}
	}
	a.tell(step)
	return nil
}

func fieldsOf(want any) (map[string]any, error) {
	text, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(text, &fields)
}

// differences are the fields of want that are stored otherwise.
func differences(have, want map[string]any, credentialsToo bool) map[string]any {
	differ := map[string]any{}
	for name, value := range want {
		_, isCredential := credential(have[name])
		if isCredential && credentialsToo || !stored(have[name], value) {
			differ[name] = value
		}
	}
	return differ
}

// shownFrom is how long a credential is of which the API shows the last four characters; of a shorter one it tells only that it is set.
const shownFrom = 12

// stored reports whether what is stored is what is wanted. Credentials that end alike count as the same, and so do short ones. A long
// one whose end is not shown cannot be opened any more, and is wanted anew.
func stored(have, want any) bool {
	credential, isCredential := credential(have)
	if !isCredential {
		return reflect.DeepEqual(have, want)
	}
	text, _ := want.(string)
	if ends, shown := credential["last_four"].(string); shown {
		return strings.HasSuffix(text, ends)
	}
	return credential["is_set"] == true && len([]rune(text)) < shownFrom
}

// credential is what the API shows of one.
func credential(have any) (shown map[string]any, ok bool) {
	shown, _ = have.(map[string]any)
	_, ok = shown["is_set"].(bool)
	return shown, ok
}

// outcomeOf tells what is made from what is changed: nothing of the former was there.
func outcomeOf(have, want map[string]any) Outcome {
	for name := range want {
		switch value := have[name].(type) {
		case nil, bool:
		case []any:
			if len(value) > 0 {
				return Changed
			}
		case string:
			if value != "" {
				return Changed
			}
		case map[string]any:
			if value["is_set"] == true {
				return Changed
			}
		default:
			return Changed
		}
	}
	return Made
}
