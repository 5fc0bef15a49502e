package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How long a transaction waits. Telnyx gives a webhook two seconds: whoever has no connection by then is answered 503 in time, and a
// worker's task comes again. The limit of the whole is above the statement_timeout of migrations/00026_limits.sql: it ends what a pooler
// holds back, which Postgres does not see.
const (
	connectionLimit  = 1500 * time.Millisecond
	transactionLimit = 15 * time.Second
)

// ErrNoConnection is of a transaction that found no connection free: those of this instance are all at work, or Postgres or its pooler
// takes no more. A log metric counts it by its text in the error of a request's log line.
var ErrNoConnection = errors.New("no database connection was free")

// connection is one of the pool's, for one transaction. It fails in time for a webhook's answer.
//
// Whoever has little time waits for half of it at most, and has the other half for the transaction. Who came to a connection at the end of its
// time would only break it off: when more comes in than can be done, as after an outage, all would, one after the other, and nothing be done.
func (s *Store) connection(ctx context.Context) (*pgxpool.Conn, error) {
	limit := connectionLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.db.Acquire(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w in %v", ErrNoConnection, limit.Round(time.Millisecond))
	}
	return conn, err
}

// isStale tells that a statement does not return what it did when it was described, for a migration has changed it. The transaction has
// done nothing, and pgx has forgotten the description.
func isStale(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !isFatal(pg) && (pg.Code == "0A000" || pg.Code == "08P01")
}

// isFatal tells that Postgres or its pooler has ended the connection.
func isFatal(pg *pgconn.PgError) bool {
	return pg.Severity == "FATAL" || pg.SeverityUnlocalized == "FATAL"
}

func isConnecting(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	return connecting
}

// fullTexts are what poolers say when they take no more, under codes that say something else: pgbouncer's, then Supavisor's.
var fullTexts = []string{"max_client_conn", "query_wait_timeout", "client_login_timeout", "max clients", "max client connections", "unable to check out"}

// unreached is err without the address and the names that the driver puts into the text of a lost or refused connection.
func unreached(err error) error {
	if errors.Is(err, ErrNoConnection) {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal(pg)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the database's name was not resolved: %s", dns.Err)
	}
	if code, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("the database was not reached: %w", code)
	}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ended) {
			return fmt.Errorf("the database did not answer: %w", ended)
		}
	}
	if isConnecting(err) {
		return errors.New("the database was not reached")
	}
	return err
}

// refusal is of a server or pooler that ends a connection, or does not begin one.
func refusal(pg *pgconn.PgError) error {
	said := strings.ToLower(pg.Message)
	full := pg.Code == "53300"
	for _, text := range fullTexts {
		full = full || strings.Contains(said, text)
	}
	if full {
		return fmt.Errorf("%w (SQLSTATE %s)", ErrNoConnection, pg.Code)
	}
	return fmt.Errorf("the database ended or refused the connection (SQLSTATE %s)", pg.Code)
}
