package store_test

import (
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// reconnect connects a mailbox of tenant 1042 and returns it.
func reconnect(t *testing.T, db *storetest.DB, address, token string) store.Mailbox {
	t.Helper()
	if _, err := db.SwimSchool.ConnectMailbox(t.Context(), store.MailboxGrant{Address: address, RefreshToken: private.NewSecret(token), HistoryID: 1<<64 - 1}); err != nil {
		t.Fatal(err)
	}
	m, err := db.SwimSchool.Mailbox(t.Context())
	if err != nil || m.HistoryID != 1<<64-1 || m.RefreshToken.Reveal() != token {
		t.Fatalf("Mailbox = %+v, %v", m, err)
	}
	return m
}

func TestMailbox_WhatIsMeantForOneIsNotDoneToTheOneThatTookItsPlace(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), t.Context()
	old := reconnect(t, db, "old@exampleco.test", "old")
	reconnect(t, db, "new@exampleco.test", "new")
	if err := db.SwimSchool.WatchStarted(ctx, old.Address, time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if err := db.SwimSchool.DisconnectMailbox(ctx, old.Address); err == nil {
		t.Error("the old mailbox was disconnected")
	}
	if first, err := db.SwimSchool.MailboxGrantFailed(ctx, old, private.NewText("x")); first || err != nil {
		t.Errorf("MailboxGrantFailed = %v, %v", first, err)
	}
	m, err := db.SwimSchool.Mailbox(ctx)
	if err != nil || m.Address != "new@exampleco.test" || !m.WatchExpires.IsZero() || !m.GrantFailed.IsZero() || !m.Enabled {
		t.Errorf("Mailbox = %+v, %v", m, err)
	}
	expires := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	if err := db.SwimSchool.WatchStarted(ctx, "New@Exampleco.test", expires); err != nil {
		t.Error(err)
	}
	if m, err := db.SwimSchool.Mailbox(ctx); err != nil || !m.WatchExpires.Equal(expires) || m.HistoryID != 1<<64-1 {
		t.Errorf("Mailbox = %+v, %v", m, err)
	}
}

func TestMailboxGrantFailed_TextsTheOwnerOnceForEachGrant(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), t.Context()
	if _, err := db.SwimSchool.ConfigureVoice(ctx, store.VoiceConfigChange{NotifyPhone: new(private.MustPhone("+15555550150"))}); err != nil {
		t.Fatal(err)
	}
	m := reconnect(t, db, "desk@exampleco.test", "first")
	for _, want := range []bool{true, false} {
		if first, err := db.SwimSchool.MailboxGrantFailed(ctx, m, private.NewText("connect it again")); first != want || err != nil {
			t.Errorf("MailboxGrantFailed = %v, %v; want %v", first, err, want)
		}
	}
	if s, err := db.SwimSchool.EmailSettings(ctx); err != nil || !s.NeedsReconnect || !s.Connected() {
		t.Errorf("EmailSettings = %+v, %v", s, err)
	}
	m = reconnect(t, db, "desk@exampleco.test", "second")
	if first, err := db.SwimSchool.MailboxGrantFailed(ctx, m, private.NewText("connect it again")); !first || err != nil {
		t.Errorf("of the next grant: %v, %v", first, err)
	}
	if n := db.Query(t, `select count(*)::text from replies where kind = 'notice' and body = 'connect it again'`)[0]; n != "2" {
		t.Errorf("%s texts are planned; want one for each grant", n)
	}
}
