package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// instance is the store of one deployed instance, with the pool that a deployment has.
func instance(t *testing.T, address string, connections int32, parameters ...string) *store.Store {
	t.Helper()
	s, err := boot.Database{URL: private.NewSecret(address + "&" + strings.Join(parameters, "&")), Key: storetest.FieldKey, Connections: connections}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// patiently does something again while no connection is to be had, as a provider and the queue do.
func patiently(ctx context.Context, do func() error) error {
	for {
		if err := do(); !errors.Is(err, store.ErrNoConnection) || ctx.Err() != nil {
			return err
		}
	}
}

// converse is a customer's text to each tenant, from its arrival to its answer, in one instance. What is said names the tenant and the
// customer.
func converse(ctx context.Context, s *store.Store, db *storetest.DB, customer int) error {
	phone := private.MustPhone(fmt.Sprintf("+1555555%04d", customer))
	for _, own := range []*store.Tenant{s.For(db.SwimSchool.Scope()), s.For(db.Dentist.Scope())} {
		number := db.SwimSchoolPhone
		if own.Scope().ID() == db.Dentist.Scope().ID() {
			number = db.DentistPhone
		}
		words := fmt.Sprintf("%s of %d", own.Scope().ID(), customer)
		var rec store.Recorded
		var r *store.Reply
		for _, step := range []func() error{
			func() (err error) {
				rec, err = own.RecordInbound(ctx, store.Inbound{VerifiedWith: new(string), From: phone, To: number, Text: private.NewText(words), ProviderMessageID: words, OccurredAt: time.Now()})
				return err
			},
			func() (err error) {
				if r, _, err = own.ClaimReply(ctx, prompt.SMS, rec.ReplyID, time.Minute, 1000); err == nil && (r == nil || r.From != number || r.To != phone) {
					err = fmt.Errorf("the reply to %q was claimed as %+v", words, r)
				}
				return err
			},
			func() error {
				return own.BeginSend(ctx, r, store.Composed{Text: private.NewText("answer to " + words)}, time.Minute)
			},
			func() error { return own.AcceptReply(ctx, r.ID, "sent "+words) },
			func() error { return said(ctx, own, r.ConversationID, "answer to "+words, words) },
		} {
			if err := patiently(ctx, step); err != nil {
				return err
			}
		}
	}
	return nil
}

// said fails unless a conversation consists of exactly these words, and unless all conversations that are listed are the tenant's own.
func said(ctx context.Context, own *store.Tenant, conversation int64, words ...string) error {
	entries, err := own.Messages(ctx, conversation, store.Place{}, 10)
	if err != nil {
		return err
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Text.Reveal())
	}
	if strings.Join(found, "\n") != strings.Join(words, "\n") {
		return fmt.Errorf("tenant %s has %q in conversation %d; want %q", own.Scope().ID(), found, conversation, words)
	}
	_, err = own.Conversations(ctx, store.ConversationFilter{}, store.Place{}, 1000)
	return err
}

func TestPooler_ManyInstancesShareFewConnectionsAndNoTenantSeesAnother(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	urls := db.Pooler(t, localpg.PoolerOptions{ServerConnections: 4, Clients: 100, QueryWait: 10 * time.Second})
	db.SetWait(t, db.SwimSchool, 0)
	db.SetWait(t, db.Dentist, 0)
	const instances, clients = 20, 4
	var all sync.WaitGroup
	for i := range instances {
		s := instance(t, urls.App, int32(clients))
		for c := range clients {
			all.Go(func() {
				if err := converse(t.Context(), s, db, i*clients+c); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for id, own := range map[string]*store.Tenant{"1042": db.SwimSchool, "2048": db.Dentist} {
		if found, err := own.Conversations(t.Context(), store.ConversationFilter{}, store.Place{}, 1000); err != nil || len(found) != instances*clients {
			t.Errorf("tenant %s has %d conversations, %v; want %d", id, len(found), err, instances*clients)
		}
		if n := db.Query(t, `select count(*)::text from messages m join conversations c on c.id = m.conversation_id where c.tenant_id = $1::bigint and m.content like '%' || $1 || ' of %'`, id)[0]; n != fmt.Sprint(2*instances*clients) {
			t.Errorf("tenant %s has %s messages of its own; want %d", id, n, 2*instances*clients)
		}
	}
}

// isNoConnection wants what a caller is to hear when there is no connection: come again, and to the log what is counted, without any name
// or address.
func isNoConnection(t *testing.T, err error, address string) {
	t.Helper()
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, store.ErrNoConnection) || !strings.Contains(err.Error(), "no database connection was free") {
		t.Errorf("%v (%s); want fault.Unavailable and store.ErrNoConnection", err, fault.KindOf(err))
	}
	discreet(t, err, address)
}

// discreet fails when an error's text holds a part of the connection string.
func discreet(t *testing.T, err error, address string) {
	t.Helper()
	u, parseErr := url.Parse(address)
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	for _, part := range []string{u.User.Username(), u.Query().Get("host"), strings.TrimPrefix(u.Path, "/"), u.Host} {
		if part != "" && err != nil && strings.Contains(err.Error(), part) {
			t.Errorf("the error tells %q: %v", part, err)
		}
	}
}

// answers is a transaction of a store.
func answers(t *testing.T, s *store.Store, db *storetest.DB) error {
	t.Helper()
	_, err := s.For(db.SwimSchool.Scope()).Conversations(t.Context(), store.ConversationFilter{}, store.Place{}, 1)
	return err
}

func TestPooler_ThatTakesNoMoreClientsIsUnavailableUntilItDoes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	urls := db.Pooler(t, localpg.PoolerOptions{ServerConnections: 1, Clients: 1, QueryWait: time.Second})
	first, second := instance(t, urls.App, 0), instance(t, urls.App, 0)
	comesBack(t, first, db) // the pooler may have to forget who looked whether it listens
	isNoConnection(t, answers(t, second, db), urls.App)
	first.Close()
	comesBack(t, second, db)
}

// comesBack waits until a store answers again by itself.
func comesBack(t *testing.T, s *store.Store, db *storetest.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := answers(t, s, db)
		if err == nil {
			return
		}
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v (%s); want fault.Unavailable", err, fault.KindOf(err))
		}
		if ctx.Err() != nil {
			t.Fatalf("it did not come back: %v", err)
		}
	}
}

func TestPooler_WhoseConnectionsAreAllAtWorkIsUnavailableUntilOneIsFree(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	urls := db.Pooler(t, localpg.PoolerOptions{ServerConnections: 1, Clients: 10, QueryWait: time.Second})
	s := instance(t, urls.App, 0)
	if err := answers(t, s, db); err != nil {
		t.Fatal(err)
	}
	busy := connect(t, urls.App+"&default_query_exec_mode=exec")
	if _, err := busy.Exec(t.Context(), `begin`); err != nil {
		t.Fatal(err)
	}
	isNoConnection(t, answers(t, s, db), urls.App)
	if _, err := busy.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	comesBack(t, s, db)
}

// TestPooler_ADatabaseThatGoesAwayBehindItComesBack ends every connection to the test's database and lets none begin, as a restart does.
func TestPooler_ADatabaseThatGoesAwayBehindItComesBack(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	urls := db.Pooler(t, localpg.PoolerOptions{ServerConnections: 2, Clients: 10, QueryWait: time.Second})
	s := instance(t, urls.App, 0)
	if err := answers(t, s, db); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	outside := connect(t, u.String())
	if _, err := outside.Exec(t.Context(), `alter database `+name+` allow_connections false`); err != nil {
		t.Fatal(err)
	}
	if _, err := outside.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, name); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := answers(t, s, db)
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v (%s); want fault.Unavailable", err, fault.KindOf(err))
		}
		discreet(t, err, urls.App)
	}
	if _, err := outside.Exec(t.Context(), `alter database `+name+` allow_connections true`); err != nil {
		t.Fatal(err)
	}
	comesBack(t, s, db)
}

// TestConnections_TooManyAreUnavailableUntilThereIsRoom has Postgres take one connection more than there are.
func TestConnections_TooManyAreUnavailableUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.LimitConnections(t, 1)
	first, second := instance(t, db.App, 0), instance(t, db.App, 0)
	if err := answers(t, first, db); err != nil {
		t.Fatal(err)
	}
	isNoConnection(t, answers(t, second, db), db.App)
	first.Close()
	comesBack(t, second, db)
}

// TestConnections_AllOfAnInstanceAtWorkIsUnavailable: the second waits for the only connection, whose transaction waits for a
// lock.
func TestConnections_AllOfAnInstanceAtWorkIsUnavailable(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	lock := connect(t, db.Owner)
	if _, err := lock.Exec(t.Context(), `begin; lock table conversations`); err != nil {
		t.Fatal(err)
	}
	s := instance(t, strings.Replace(db.App, "?", "?lock_timeout=0&", 1), 1)
	waiting := make(chan error)
	go func() { waiting <- answers(t, s, db) }()
	awaitLockWaiter(t, db)
	isNoConnection(t, answers(t, s, db), db.App)
	little, cancel := context.WithTimeout(t.Context(), 1400*time.Millisecond)
	defer cancel()
	if _, err := s.SMSRoute(little, db.SwimSchoolPhone); !errors.Is(err, store.ErrNoConnection) || little.Err() != nil {
		t.Errorf("who has little time was told %v, and had none left: %v; want some left for a transaction", err, little.Err())
	}
	if _, err := lock.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

func awaitLockWaiter(t *testing.T, db *storetest.DB) {
	t.Helper()
	for len(db.Query(t, `select 'one' from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("nobody waits")
		}
	}
}

func TestLimits_AWaitForALockEndsBeforeAWebhooksCallerHasGone(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	lock := connect(t, db.Owner)
	if _, err := lock.Exec(t.Context(), `begin; lock table conversations`); err != nil {
		t.Fatal(err)
	}
	err := answers(t, instance(t, db.App, 0), db)
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Code != "55P03" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v (%s); want the lock's time-out as fault.Unavailable", err, fault.KindOf(err))
	}
}

func TestLimits_AreThoseOfTheLogInsAndNotOfTheOwner(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	urls := map[string]string{"app": db.App, "admin": db.URLs.Admin}
	for name, address := range urls {
		limitsAre(t, name, address, "1500ms 10s 10s")
	}
	limitsAre(t, "owner", db.Owner, "0 0 0")
	limitsAre(t, "pooled", db.Pooler(t, localpg.PoolerOptions{ServerConnections: 1, Clients: 10, QueryWait: time.Second}).App+"&default_query_exec_mode=exec", "1500ms 10s 10s")
}

func limitsAre(t *testing.T, who, address, want string) {
	t.Helper()
	var got string
	err := connect(t, address).QueryRow(t.Context(), `select concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'))`).Scan(&got)
	if err != nil || got != want {
		t.Errorf("%s has %q, %v; want %q", who, got, err, want)
	}
}

// TestStale_AMigrationThatChangesWhatAStatementReturnsIsNotNoticed alters what a described statement returns while its connection stays.
func TestStale_AMigrationThatChangesWhatAStatementReturnsIsNotNoticed(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]string{
		"cache_describe":  `alter table conversations add column added text`,
		"cache_statement": `alter table conversations alter column subject type varchar(500)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storetest.New(t)
			address := db.App
			if name == "cache_describe" {
				address = db.Pooler(t, localpg.PoolerOptions{ServerConnections: 1, Clients: 10, QueryWait: time.Second}).App
			}
			s := instance(t, address, 1, "default_query_exec_mode="+name)
			db.Receive(t, db.SwimSchool, private.MustPhone("+15555550101"), "words", "m1")
			for _, migration := range []string{``, alter} {
				db.Exec(t, migration)
				if n, err := everything(t, s, db); err != nil || n != 1 {
					t.Errorf("after %q: %d rows, %v; want one", migration, n, err)
				}
			}
		})
	}
}

// everything counts what a statement returns that names no columns, with one before it in the same transaction.
func everything(t *testing.T, s *store.Store, db *storetest.DB) (n int, err error) {
	t.Helper()
	err = store.Run(s.For(db.SwimSchool.Scope()), t.Context(), "reading everything", func(b *pgx.Batch) {
		b.Queue(`select pg_advisory_xact_lock(1)`)
		b.Queue(`select * from conversations where tenant_id = $1`, 1042).Query(func(rows pgx.Rows) error {
			for n = 0; rows.Next(); n++ {
			}
			return rows.Err()
		})
	})
	return n, err
}

// TestStale_AColumnThatChangesItsTypeIsNeverMisread: the read fails once on each connection, and is right again.
func TestStale_AColumnThatChangesItsTypeIsNeverMisread(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s := instance(t, db.App, 1)
	db.Receive(t, db.SwimSchool, private.MustPhone("+15555550101"), "words", "m1")
	own := s.For(db.SwimSchool.Scope())
	talk, err := own.ConversationWith(t.Context(), private.MustPhone("+15555550101"))
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		entries, err := own.Messages(t.Context(), talk.ID, store.Place{}, 10)
		if err == nil && (len(entries) != 1 || entries[0].Media != 0) {
			t.Errorf("read as %+v", entries)
		}
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `alter table messages alter column media_count type bigint`)
	if err := read(); err != nil && fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v (%s); want fault.Unavailable", err, fault.KindOf(err))
	}
	if err := read(); err != nil {
		t.Error(err)
	}
}
