package boot

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Database is how a function reaches Postgres.
type Database struct {
	URL private.Secret `env:"DATABASE_URL,required,notEmpty"`
	Key private.Secret `env:"FIELD_ENCRYPTION_KEY"`

	// Connections is how many an instance holds at most, 8 when zero: instances times connections must stay below what the database
	// or its pooler takes. pool_max_conns in URL has no effect.
	Connections int32 `env:"DATABASE_CONNECTIONS" envDefault:"8"`
}

// Validate reports a connection string or key that cannot be read, repeating neither, and a negative number of connections.
func (d Database) Validate() error {
	_, urlErr := d.config()
	_, keyErr := store.ParseKeyring(d.Key)
	var connectionsErr error
	if d.Connections < 0 {
		connectionsErr = errors.New("DATABASE_CONNECTIONS must be a number of connections, such as 8")
	}
	return errors.Join(urlErr, keyErr, connectionsErr)
}

// Open makes the store. It dials nothing: the first query does.
func (d Database) Open() (*store.Store, error) {
	config, err := d.config()
	if err != nil {
		return nil, err
	}
	keys, err := store.ParseKeyring(d.Key)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("opening the database pool: %w", err)
	}
	return store.New(pool, keys), nil
}

// SQL opens the database for the migrations, which go through database/sql. It dials nothing. Its sessions have nobody for a tenant: forced row
// level security binds an owner who is no superuser, and a constraint that is added reads the table with its policies. They wait for a lock for
// less than the functions do (migrations/00026_limits.sql): what waits for a table's lock holds up all who come after it.
func (d Database) SQL() (*sql.DB, error) {
	config, err := d.config()
	if err != nil {
		return nil, err
	}
	return stdlib.OpenDB(*config.ConnConfig, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `select set_config('app.tenant_id', '0', false), set_config('lock_timeout', '1s', false)`)
		return err
	})), nil
}

// Telnyx gives a webhook two seconds. A connection that an instance has kept through a pause of its processor may lead nowhere: it is
// asked before it is used again, and given up when it does not answer.
const (
	connectTimeout = 1500 * time.Millisecond
	pingTimeout    = 500 * time.Millisecond
)

var errDatabaseURL = errors.New("DATABASE_URL is not a Postgres connection string, such as postgresql://user:password@host:5432/database")

// config reads the connection string. The form postgresql+asyncpg:// is accepted with its parameter ssl. Statements are
// described once and executed unnamed, which a pooler in transaction mode allows and a prepared statement is not.
func (d Database) config() (*pgxpool.Config, error) {
	url := strings.Replace(d.URL.Reveal(), "postgresql+asyncpg://", "postgresql://", 1)
	url = strings.Replace(strings.Replace(url, "?ssl=", "?sslmode=", 1), "&ssl=", "&sslmode=", 1)
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errDatabaseURL
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errDatabaseURL
	}
	config.MaxConns = cmp.Or(d.Connections, 8)
	config.MaxConnIdleTime = 2 * time.Minute
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	if !strings.Contains(url, "default_query_exec_mode=") {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.PingTimeout = pingTimeout
	return config, nil
}
