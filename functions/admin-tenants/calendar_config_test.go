package admintenants_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const calendar = "/admin/tenants/1042/calendar-config"

// workdays are the hours of a tenant that has set none.
const workdays = `{"monday":{"start":"09:00","end":"17:00"},"tuesday":{"start":"09:00","end":"17:00"},"wednesday":{"start":"09:00","end":"17:00"},
	"thursday":{"start":"09:00","end":"17:00"},"friday":{"start":"09:00","end":"17:00"}}`

const noCalendar = `{"is_enabled":false,"google_email":null,"calendar_id":"primary","google_refresh_token":{"is_set":false,"last_four":null},"grant_failed_at":null,
	"meeting_minutes":30,"buffer_minutes":15,"notice_minutes":120,"horizon_days":14,"hours":` + workdays + `}`

const fullCalendar = `{"is_enabled":true,"google_email":"owner@exampleco.test","calendar_id":"team@group.calendar.google.test","google_refresh_token":"1//a-grant-of-theirs-gh78",
	"meeting_minutes":45,"buffer_minutes":0,"notice_minutes":1440,"horizon_days":30,"hours":{"saturday":{"start":"10:00","end":"12:30"}}}`

func TestCalendarConfig_EveryFieldIsKeptAndOfTheTokenOnlyTheEndIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if diff := cmp.Diff(decoded(t, noCalendar), b.must(t, "GET", calendar, "")); diff != "" {
		t.Errorf("before anything is sent (-want +got):\n%s", diff)
	}
	want := decoded(t, fullCalendar)
	want["google_refresh_token"], want["grant_failed_at"] = map[string]any{"is_set": true, "last_four": "gh78"}, nil
	for _, call := range []struct{ method, sent string }{{"PUT", fullCalendar}, {"PUT", `{}`}, {"GET", ""}} {
		if diff := cmp.Diff(want, b.must(t, call.method, calendar, call.sent)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", call.method, call.sent, diff)
		}
	}
	if diff := cmp.Diff(decoded(t, noCalendar), b.must(t, "GET", strings.Replace(calendar, "1042", "2048", 1), "")); diff != "" {
		t.Errorf("the other tenant's (-want +got):\n%s", diff)
	}
	want["is_enabled"], want["google_email"], want["calendar_id"], want["google_refresh_token"] = false, nil, "primary", map[string]any{"is_set": false, "last_four": nil}
	if diff := cmp.Diff(want, b.must(t, "PUT", calendar, `{"is_enabled":false,"google_email":null,"calendar_id":null,"google_refresh_token":null}`)); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}
}

func TestCalendarConfig_AnotherTokenClearsTheMarkOfARefusedOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := maps.Clone(b.must(t, "PUT", calendar, fullCalendar))
	b.Exec(t, `update tenant_calendar_configs set grant_failed_at = '2026-02-06T10:00:00Z'`)
	if got := b.must(t, "PUT", calendar, `{"horizon_days":30}`); got["grant_failed_at"] != "2026-02-06T10:00:00Z" {
		t.Errorf("another field: %v", got["grant_failed_at"])
	}
	if diff := cmp.Diff(want, b.must(t, "PUT", calendar, `{"google_refresh_token":"1//another-grant-gh78"}`)); diff != "" {
		t.Errorf("another token (-want +got):\n%s", diff)
	}
}

func TestCalendarConfig_WhatMakesNoSenseIsRefusedAndNothingIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, names := range map[string]string{
		`{"is_enabled":true}`:                                  "google_refresh_token",
		`{"meeting_minutes":4}`:                                "meeting_minutes",
		`{"buffer_minutes":-1}`:                                "buffer_minutes",
		`{"horizon_days":61}`:                                  "horizon_days",
		`{"google_email":"nobody"}`:                            "google_email",
		`{"google_refresh_token":"two words"}`:                 "google_refresh_token",
		`{"hours":{"montag":{}}}`:                              "hours",
		`{"hours":{"monday":{"start":"17:00","end":"09:00"}}}`: "hours.monday",
	} {
		status, problem := b.call("PUT", calendar, body)
		said, _ := json.Marshal(problem)
		if status/100 != 4 || !strings.Contains(string(said), names) || strings.Contains(string(said), "two words") {
			t.Errorf("%s: %d %s; want 4xx about %s", body, status, said, names)
		}
	}
	if diff := cmp.Diff(decoded(t, noCalendar), b.must(t, "GET", calendar, "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
