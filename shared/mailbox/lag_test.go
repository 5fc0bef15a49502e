package mailbox

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

func TestRead_WhatTheHistoryDoesNotShowYetIsLookedForMoreSeldom(t *testing.T) {
	t.Parallel()
	const queue = "projects/p/locations/l/queues/mail"
	db, fake, tasks := storetest.New(t), gmailtest.Start(t), tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	fake.Connect(box, "1//box")
	client, err := gmail.NewClient(google.Config{Base: fake.URL(), ClientID: googletest.ClientID, ClientSecret: private.NewSecret(googletest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	put := task.NewQueue(task.Config{Queue: queue, WorkerURL: "https://worker.example.test", ServiceAccount: "tasks@p.example.test", EmulatorHost: tasks.Addr()})
	t.Cleanup(func() { _ = put.Close() })
	now := time.Now().Add(time.Hour).Truncate(time.Minute)
	w := &Worker{Store: db.Store, Queue: task.MailQueue{Queue: put}, Gmail: client, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	if _, err := db.SwimSchool.ConnectMailbox(t.Context(), store.MailboxGrant{Address: box, RefreshToken: private.NewSecret("1//box"), HistoryID: fake.HistoryID(box)}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.NoticeMailbox(t.Context(), box, 1<<63); err != nil {
		t.Fatal(err)
	}
	fake.Touch(box)
	for _, wait := range []time.Duration{time.Second, 15 * time.Second} { // while the history moves, and when it does not
		if done, err := w.Read(t.Context(), db.SwimSchool); done != DoneRead || err != nil {
			t.Fatalf("Read = %s, %v", done, err)
		}
		all := tasks.Tasks()
		if got := all[len(all)-1].Due.Sub(now); got != wait {
			t.Errorf("it is read again after %v; want %v", got, wait)
		}
	}
}
