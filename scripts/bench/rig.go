package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/migrations"
	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/staging"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
)

// rig is what the measurements stand on: a Postgres that syncs to disk, and the programs as they are deployed.
type rig struct {
	ctx         context.Context
	dir         string // goes with the rig
	postgres    *localpg.Server
	deployments map[string]deployment.Deployment
	programs    map[string]string  // built so far, by name
	measured    map[string]float64 // for docs/cost.md
}

func newRig(ctx context.Context) (*rig, error) {
	all, err := deployment.All(".")
	if err != nil {
		return nil, err
	}
	r := &rig{ctx: ctx, deployments: map[string]deployment.Deployment{}, programs: map[string]string{}}
	for _, d := range all {
		r.deployments[d.Name] = d
	}
	if r.dir, err = os.MkdirTemp("", "chattercheatah-bench-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(r.dir, 0o755); err != nil { // Postgres may run as another user
		return nil, err
	}
	if r.postgres, err = localpg.Start(ctx, localpg.Options{Dir: filepath.Join(r.dir, "postgres")}); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rig) close() {
	_ = r.postgres.Stop()
	_ = os.RemoveAll(r.dir)
}

// function stages and builds a deployment, once.
func (r *rig) function(name string) (string, error) {
	if built := r.programs[name]; built != "" {
		return built, nil
	}
	progress("building %s as it is deployed", name)
	staged, program := filepath.Join(r.dir, "staged", name), filepath.Join(r.dir, name)
	if _, err := staging.Stage(r.ctx, ".", r.deployments[name], staged); err != nil {
		return "", err
	}
	if err := staging.Build(r.ctx, staged, program); err != nil {
		return "", err
	}
	r.programs[name] = program
	return program, nil
}

// program builds one of this repository's own commands with the flags of a deployment, once.
func (r *rig) program(pkg string) (string, error) {
	if built := r.programs[pkg]; built != "" {
		return built, nil
	}
	program := filepath.Join(r.dir, filepath.Base(pkg))
	r.programs[pkg] = program
	return program, staging.Compile(r.ctx, ".", "-mod=mod", pkg, program)
}

// database is a migrated database of its own.
type database struct {
	app   string        // the address as the application's role
	owner *pgxpool.Pool // as the superuser, whom row level security does not bind
}

func (r *rig) database(name string) (*database, error) {
	if err := r.sql("postgres", `create database `+name); err != nil {
		return nil, err
	}
	ownerURL := r.postgres.URL("postgres", name)
	settings := boot.Database{URL: private.NewSecret(ownerURL), Key: fieldKey}
	db, err := settings.SQL()
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := migrations.Up(r.ctx, db); err != nil {
		return nil, err
	}
	owner, err := pgxpool.New(r.ctx, ownerURL)
	return &database{app: r.postgres.URL("chattercheatah_app", name), owner: owner}, err
}

// size is the database's on disk, in bytes.
func (d *database) size(ctx context.Context) (bytes int64) {
	_ = d.owner.QueryRow(ctx, `select pg_database_size(current_database())`).Scan(&bytes)
	return bytes
}

func (r *rig) sql(database, statement string) error {
	conn, err := pgxpool.New(r.ctx, r.postgres.URL("postgres", database))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Exec(r.ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// postgresCPU is the processor time that the database has used, all its processes together.
func (r *rig) postgresCPU() time.Duration {
	content, err := os.ReadFile(filepath.Join(r.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	postmaster, _ := strconv.Atoi(line)
	total := cpuOf(postmaster, true)
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", postmaster, postmaster))
	for pid := range strings.FieldsSeq(string(children)) {
		n, _ := strconv.Atoi(pid)
		total += cpuOf(n, true)
	}
	return total
}
