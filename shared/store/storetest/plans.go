package storetest

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Plans collects how Postgres carried out each statement of a store, those within functions, triggers and constraints too:
// EXPLAIN (ANALYZE, BUFFERS) of what really ran, as the role that really ran it.
type Plans struct {
	mu  sync.Mutex
	all []Plan
}

// Plan is one statement and what Postgres did for it.
type Plan struct{ SQL, Text string }

var durationLine = regexp.MustCompile(`^duration: [0-9.]+ ms  plan:\nQuery Text: `)

// Take returns what was collected since the last call.
func (p *Plans) Take() []Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

func (p *Plans) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	if !durationLine.MatchString(n.Message) {
		return
	}
	text := durationLine.ReplaceAllString(n.Message, "")
	// The plan begins at the first line that tells a cost; the lines before are the statement.
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.Contains(line, "(cost=") {
			p.mu.Lock()
			p.all = append(p.all, Plan{strings.Join(lines[:i], "\n"), strings.Join(lines[i:], "\n")})
			p.mu.Unlock()
			return
		}
	}
}

// Explained is a store on one connection that shows its plans. owner is the superuser's address, who alone may ask for them;
// the statements run as the application's role, as they always do.
func Explained(ctx context.Context, owner string, key private.Secret) (*store.Store, *Plans, error) {
	config, err := pgxpool.ParseConfig(owner)
	if err != nil {
		return nil, nil, err
	}
	keys, err := store.ParseKeyring(key)
	if err != nil {
		return nil, nil, err
	}
	plans := &Plans{}
	config.MaxConns = 1
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	config.ConnConfig.OnNotice = plans.notice
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on;
			set auto_explain.log_buffers = on; set auto_explain.log_timing = off; set auto_explain.log_nested_statements = on; set client_min_messages = log`)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	return store.New(pool, keys), plans, nil
}
