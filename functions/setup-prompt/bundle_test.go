package setupprompt_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBundles_ADraftIsChangedAtWillAndAPublishedOneNever(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.draft(t, "sms", "first words")
	made := b.call(t, b.admin, "GET", bundlePath(id), "")
	if made["status"] != "draft" || made["version"] != 1.0 || made["channel"] != "sms" || made["edited_at"] != nil || made["published_at"] != nil {
		t.Errorf("made %v", made)
	}
	changed := b.call(t, b.admin, "PUT", bundlePath(id), `{"status":"testing","sections":[{"section_key":"second","content":"x","order":2},{"section_key":"first","content":"y","order":1}]}`)
	if changed["status"] != "testing" || changed["name"] != "Draft" || changed["edited_at"] == nil || !cmp.Equal(keysOf(changed), []string{"first", "second"}) {
		t.Errorf("changed to %v", changed)
	}
	if log := b.Query(t, `select array_to_string(fields, ',') from audit_log where action = 'prompt_bundles.update' and object = $1`, strconv.FormatInt(id, 10)); len(log) != 1 || log[0] != "edited_at,status" {
		t.Errorf("the audit log has %q", log)
	}
	b.refused(t, b.admin, "PUT", bundlePath(id), `{}`, 400, "send name, status or sections")
	b.refused(t, b.admin, "PUT", bundlePath(id), `{"status":"PRODUCTION"}`, 422, "status")
	b.refused(t, b.admin, "PUT", bundlePath(id), `{"sections":[]}`, 422, "sections")
	live := b.publish(t, id)
	if live["status"] != "PRODUCTION" || live["published_at"] == nil {
		t.Errorf("published %v", live)
	}
	for _, body := range []string{`{"name":"n"}`, `{"status":"draft"}`, `{"sections":[{"section_key":"k","content":"x"}]}`} {
		b.refused(t, b.admin, "PUT", bundlePath(id), body, http.StatusConflict, "has been published")
	}
	b.publish(t, b.draft(t, "sms", "newer words")) // the first is a draft again, and stays frozen
	b.refused(t, b.admin, "PUT", bundlePath(id), `{"name":"n"}`, http.StatusConflict, "make a new one")
	if now := b.call(t, b.admin, "GET", bundlePath(id), ""); now["status"] != "draft" || now["published_at"] != live["published_at"] || !cmp.Equal(now["sections"], live["sections"]) {
		t.Errorf("the published bundle is now %v", now)
	}
}

func TestBundles_AreListedNewestFirstPageByPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var want []int64
	for i := range 5 {
		id := b.draft(t, []string{"sms", "voice"}[i%2], "x")
		want = append([]int64{id}, want...)
	}
	b.publish(t, want[0])
	seeded, err := strconv.ParseInt(b.Query(t, `select id::text from prompt_bundles where tenant_id = 1042 and channel = 'any'`)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]int64{
		"":                              append(want, seeded),
		"channel=sms":                   {want[0], want[2], want[4]},
		"status=PRODUCTION":             {want[0], seeded},
		"channel=sms&status=draft":      {want[2], want[4]},
		"channel=email&status=testing&": nil,
	} {
		var got []int64
		for path := "/prompts/bundles?limit=2&" + query; path != ""; {
			page := b.call(t, b.admin, "GET", path, "")
			for _, item := range page["items"].([]any) {
				got = append(got, idOf(item.(object)))
			}
			path = ""
			if next, more := page["next_cursor"].(string); more {
				path = "/prompts/bundles?limit=2&" + query + "&cursor=" + next
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
	b.refused(t, b.admin, "GET", "/prompts/bundles?cursor=theirs", "", 400, "cursor")
	b.refused(t, b.admin, "GET", "/prompts/bundles?status=live", "", 422, "status")
}

func TestBundles_AnotherTenantsAndTheGlobalOneAreAsMissingOnes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	own := b.draft(t, "any", "x")
	theirs := idOf(b.call(t, b.dentist, "POST", "/prompts/bundles", `{"name":"Theirs","sections":[{"section_key":"k","content":"x"}]}`))
	before := b.Snapshot(t, 2048)
	global, err := strconv.ParseInt(b.Query(t, `select id::text from prompt_bundles where tenant_id is null`)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/prompts/bundles/%d", ""}, {"PUT", "/prompts/bundles/%d", `{"name":"Stolen","sections":[{"section_key":"k","content":"stolen"}]}`},
		{"POST", "/prompts/bundles/%d/publish", ""}, {"GET", "/prompts/bundles/%d/diff?with=" + fmt.Sprint(own), ""}, {"GET", "/prompts/bundles/" + fmt.Sprint(own) + "/diff?with=%d", ""},
		{"GET", "/prompts/composed/%d", ""},
	} {
		status, missing := b.send(b.admin, c.method, fmt.Sprintf(c.path, 1<<40), c.body)
		if status != http.StatusNotFound {
			t.Errorf("%s %s of a missing one was answered %d %s", c.method, c.path, status, missing)
		}
		for name, id := range map[string]int64{"another tenant's": theirs, "the global one": global} {
			if status, said := b.send(b.admin, c.method, fmt.Sprintf(c.path, id), c.body); status != http.StatusNotFound || said != missing {
				t.Errorf("%s %s of %s was answered %d %s; a missing one is %s", c.method, c.path, name, status, said, missing)
			}
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 2048)); diff != "" {
		t.Errorf("the other tenant's rows changed:\n%s", diff)
	}
}

func TestPublish_SimultaneousOnesLeaveExactlyOneLive(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var ids []int64
	for range 6 {
		ids = append(ids, b.draft(t, "any", "x"))
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		for _, c := range []struct{ path, body string }{
			{bundlePath(id) + "/publish", ""}, {"/tenant-setup/setup-prompt", runbook}, {"/prompts/roll-back", `{}`},
		} {
			wg.Go(func() {
				if status, said := b.send(b.admin, "POST", c.path, c.body); status != http.StatusOK && !(status == http.StatusConflict && c.body == `{}`) {
					t.Errorf("%s was answered %d %s", c.path, status, said)
				}
			})
		}
	}
	wg.Wait()
	if live := b.Query(t, `select id::text from prompt_bundles where tenant_id = 1042 and channel = 'any' and status = 'PRODUCTION'`); len(live) != 1 {
		t.Errorf("live are %v; want one", live)
	}
	if versions := b.Query(t, `select count(*) || ' up to ' || max(version) from prompt_bundles where tenant_id = 1042 and channel = 'any'`); versions[0] != "13 up to 13" {
		t.Errorf("there are %s versions; want 13 up to 13", versions[0])
	}
}

func TestRollBack_GoesBackVersionByVersionAndAnyMayBePublishedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, never, third := b.draft(t, "sms", "first"), b.draft(t, "sms", "never live"), b.draft(t, "sms", "third")
	b.refused(t, b.admin, "POST", "/prompts/roll-back", `{"channel":"sms"}`, http.StatusConflict, "nothing to go back to")
	b.publish(t, first)
	b.publish(t, third)
	live := func() int64 {
		page := b.call(t, b.admin, "GET", "/prompts/bundles?channel=sms&status=PRODUCTION", "")
		return idOf(page["items"].([]any)[0].(object))
	}
	back := b.call(t, b.admin, "POST", "/prompts/roll-back", `{"channel":"sms"}`)
	if idOf(back) != first || back["status"] != "PRODUCTION" || live() != first {
		t.Errorf("rolled back to %v; want the first, past %d, which was never live", back, never)
	}
	b.refused(t, b.admin, "POST", "/prompts/roll-back", `{"channel":"sms"}`, http.StatusConflict, "nothing to go back to")
	if live() != first {
		t.Error("a roll-back that was refused changed what is live")
	}
	b.publish(t, third)
	if live() != third {
		t.Error("the third version is not live again")
	}
	if other := b.call(t, b.admin, "GET", "/prompts/bundles?channel=any&status=PRODUCTION", ""); len(other["items"].([]any)) != 1 {
		t.Errorf("another channel's live bundle is %v", other)
	}
	b.refused(t, b.dentist, "POST", "/prompts/roll-back", `{"channel":"sms"}`, http.StatusConflict, "nothing to go back to")
}

func TestRollBack_GoesToWhatWasLiveBeforeAndARepeatedCallChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second, third := b.draft(t, "sms", "first"), b.draft(t, "sms", "second"), b.draft(t, "sms", "third")
	for _, id := range []int64{first, second, third, first} {
		b.publish(t, id)
	}
	takeBack := fmt.Sprintf(`{"channel":"sms","live_bundle_id":%d}`, first)
	if back := b.call(t, b.admin, "POST", "/prompts/roll-back", takeBack); idOf(back) != third {
		t.Errorf("rolled back to %v; want %d, which was live before", back, third)
	}
	b.refused(t, b.admin, "POST", "/prompts/roll-back", takeBack, http.StatusConflict, "nothing to go back to")
	if back := b.call(t, b.admin, "POST", "/prompts/roll-back", `{"channel":"sms"}`); idOf(back) != second {
		t.Errorf("the next step goes to %v; want %d", back, second)
	}
	b.refused(t, b.admin, "POST", "/prompts/roll-back", `{"channel":"sms"}`, http.StatusConflict, "nothing to go back to")
}

func TestDiff_TellsWhatWasAddedRemovedChangedAndMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	bundle := func(sections string) int64 {
		return idOf(b.call(t, b.admin, "POST", "/prompts/bundles", `{"name":"n","sections":[`+sections+`]}`))
	}
	before := bundle(`{"section_key":"same","content":"x","order":1},{"section_key":"gone","content":"x","order":2},{"section_key":"reworded","content":"old","order":3},{"section_key":"shifted","content":"x","order":4}`)
	after := bundle(`{"section_key":"same","content":"x","order":1},{"section_key":"new","content":"x","order":2},{"section_key":"reworded","content":"new","order":3},{"section_key":"shifted","content":"x","order":5}`)
	section := func(key, content string, order float64) object {
		return object{"section_key": key, "content": content, "order": order}
	}
	want := []any{
		object{"section_key": "gone", "change": "removed", "before": section("gone", "x", 2)},
		object{"section_key": "new", "change": "added", "after": section("new", "x", 2)},
		object{"section_key": "reworded", "change": "changed", "before": section("reworded", "old", 3), "after": section("reworded", "new", 3)},
		object{"section_key": "shifted", "change": "moved", "before": section("shifted", "x", 4), "after": section("shifted", "x", 5)},
	}
	got := b.call(t, b.admin, "GET", fmt.Sprintf("%s/diff?with=%d", bundlePath(after), before), "")
	if diff := cmp.Diff(want, got["changes"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if same := b.call(t, b.admin, "GET", fmt.Sprintf("%s/diff?with=%d", bundlePath(after), after), ""); len(same["changes"].([]any)) != 0 {
		t.Errorf("a bundle differs from itself: %v", same)
	}
	b.refused(t, b.admin, "GET", bundlePath(after)+"/diff", "", 422, "with")
}
