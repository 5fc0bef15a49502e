package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func words(content string) []prompt.Section {
	return []prompt.Section{{Key: "words", Content: content}}
}

func TestBundle_WhatHasBeenPublishedNoSQLOfTheApplicationChanges(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	live, err := db.SwimSchool.PublishPrompt(t.Context(), prompt.SMS, "Live", words("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.SwimSchool.PublishPrompt(t.Context(), prompt.SMS, "Newer", words("second")); err != nil {
		t.Fatal(err)
	}
	draft, err := db.SwimSchool.MakeBundle(t.Context(), prompt.SMS, "Draft", words("third"))
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, db.App)
	if _, err := conn.Exec(t.Context(), `select set_config('app.tenant_id', '1042', false), set_config('app.user_id', '', false)`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`update prompt_bundles set name = 'Forged' where id = $1`,
		`update prompt_bundles set version = 99 where id = $1`,
		`update prompt_bundles set channel = 'voice' where id = $1`,
		`update prompt_bundles set published_at = null where id = $1`,
		`update prompt_bundles set published_at = now() where id = $1`,
		`update prompt_bundles set edited_at = now() where id = $1`,
		`update prompt_sections set content = 'forged' where bundle_id = $1`,
		`update prompt_sections set sort_order = 7 where bundle_id = $1`,
		`update prompt_sections set section_key = 'forged' where bundle_id = $1`,
		`delete from prompt_sections where bundle_id = $1`,
		`insert into prompt_sections (bundle_id, section_key, content) values ($1, 'forged', 'forged')`,
		`update prompt_sections s set bundle_id = $1, section_key = 'forged' from prompt_bundles b where b.id = s.bundle_id and b.name = 'Draft'`,
		`update prompt_sections s set bundle_id = b.id from prompt_bundles b where s.bundle_id = $1 and b.name = 'Draft'`,
	} {
		var pg *pgconn.PgError
		if _, err := conn.Exec(t.Context(), sql, live.ID); !errors.As(err, &pg) || pg.Code != "CC002" {
			t.Errorf("%s: %v; want that it is refused", sql, err)
		}
	}
	name := "Forged"
	if _, err := db.SwimSchool.ChangeBundle(t.Context(), live.ID, store.BundleChange{Name: &name}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("ChangeBundle = %v; want a conflict", err)
	}
	if _, err := conn.Exec(t.Context(), `update prompt_sections set content = 'edited' where bundle_id = $1`, draft.ID); err != nil {
		t.Errorf("a draft cannot be changed: %v", err)
	}
	if got, err := db.SwimSchool.Bundle(t.Context(), live.ID); err != nil || got.Name != "Live" || got.Sections[0].Content != "first" {
		t.Errorf("the published bundle is %+v, %v", got, err)
	}
}

func TestBundle_ASecondLiveOneOfAChannelIsRefusedByTheDatabase(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	conn := connect(t, db.Owner)
	for name, tenantID := range map[string]any{"a tenant's": 1042, "the global one": nil} {
		for _, c := range []struct{ channel, refusedBy string }{{"any", "prompt_bundles_live"}, {"voice", ""}} {
			_, err := conn.Exec(t.Context(), `insert into prompt_bundles (tenant_id, channel, name, version, status) values ($1, $2, 'Second', 50, 'PRODUCTION')`, tenantID, c.channel)
			var pg *pgconn.PgError
			if errors.As(err, &pg); c.refusedBy != "" && (pg == nil || pg.ConstraintName != c.refusedBy) || c.refusedBy == "" && err != nil {
				t.Errorf("%s for %s: %v; want it refused by %q", name, c.channel, err, c.refusedBy)
			}
		}
	}
}

func TestBundle_SimultaneousVersionsAreCountedAndOneIsLive(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := db.SwimSchool.PublishPrompt(t.Context(), prompt.SMS, "At once", words("x")); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := db.SwimSchool.MakeBundle(t.Context(), prompt.SMS, "Draft", words("x")); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := db.Operator.Operator().PublishGlobalPrompt(t.Context(), prompt.Any, "At once", words("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for condition, want := range map[string]string{
		"tenant_id = 1042 and channel = 'sms'":  "12 up to 12, 1 live",
		"tenant_id is null and channel = 'any'": "7 up to 7, 1 live",
		"tenant_id = 2048":                      "1 up to 1, 1 live",
		"tenant_id = 1042 and channel = 'any'":  "1 up to 1, 1 live",
	} {
		if got := db.Query(t, `select count(*) || ' up to ' || coalesce(max(version), 0) || ', ' || count(*) filter (where status = 'PRODUCTION') || ' live' from prompt_bundles where `+condition)[0]; got != want {
			t.Errorf("%s: %s; want %s", condition, got, want)
		}
	}
}

func TestBundle_APublishingThatFailsLeavesTheLiveOne(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	before := db.Snapshot(t, 1042)
	for name, sections := range map[string][]prompt.Section{
		"a key twice":      {{Key: "k", Content: "x"}, {Key: "k", Content: "y"}},
		"a malformed key":  {{Key: "K", Content: "x"}},
		"a NUL in content": {{Key: "k", Content: "x\x00"}},
	} {
		if _, err := db.SwimSchool.PublishPrompt(t.Context(), prompt.Any, "Broken", sections); err == nil {
			t.Errorf("%s was published", name)
		}
	}
	if after := db.Snapshot(t, 1042); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("a publishing that failed changed\n%v\nto\n%v", before, after)
	}
}
