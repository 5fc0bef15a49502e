package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/migrations"
	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/seed"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// stack is the whole local system.
type stack struct {
	env     boot.Environment // what the functions see
	base    string           // the one address
	handler http.Handler
	telnyx  *telnyxtest.Server                     // nil when somebody else's is used
	mail    *gmailtest.Server                      // the same
	tasks   *tasktest.Server                       // the same
	publish func(address string, historyID uint64) // has the local Pub/Sub announce what Gmail would
	local   *localpg.Server                        // nil when DATABASE_URL is given
	stops   []func()
}

// The local stand-ins' fixed names.
const (
	localQueue   = "projects/local/locations/local/queues/replies"
	localAccount = "tasks@local.iam.gserviceaccount.com"
	sweepEvery   = 10 * time.Second
)

// start brings everything up in the order in which it depends on each other. Settings are checked first, before anything
// listens. root is the repository's.
func start(ctx context.Context, root string, given boot.Environment, keys *state) (s *stack, err error) {
	s = &stack{env: maps.Clone(given), base: cmp.Or(given["API_BASE_URL"], "http://localhost:"+cmp.Or(given["PORT"], "8080"))}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	s.fill(localDefaults(s.base, keys))
	s.fill(localModel(s.env, s.base))
	s.fill(oneQueue(s.env))
	s.fill(localGoogle(s.env, s.base))
	if err := check(withPlaceholders(s.env)); err != nil {
		return s, err
	}
	if err := s.startDatabase(ctx, keys); err != nil {
		return s, err
	}
	deployments, err := deployment.All(root)
	if err != nil {
		return s, err
	}
	if err := s.startGoogle(deployments); err != nil {
		return s, err
	}
	s.fill(oneQueue(s.env))
	functions, err := openFunctions(s.env, s.logIns(deployments))
	if err != nil {
		return s, err
	}
	s.handler, err = s.mount(deployments, functions, keys)
	return s, err
}

// fill sets what is not set.
func (s *stack) fill(defaults boot.Environment) {
	for name, value := range defaults {
		if s.env[name] == "" {
			s.env[name] = value
		}
	}
}

func localDefaults(base string, keys *state) boot.Environment {
	return boot.Environment{
		"ENVIRONMENT":                 "local",
		"API_BASE_URL":                base,
		"JWT_SECRET_KEY":              encoded(keys.JWTKey),
		"FIELD_ENCRYPTION_KEY":        encoded(keys.FieldKey),
		"API_BASE":                    base + "/api/v1",
		"ADMIN_EMAIL":                 "admin@chattercheatah.com",
		"ADMIN_PASSWORD":              "admin123",
		"GOOGLE_CLOUD_PROJECT":        "local",
		"TELNYX_PUBLIC_KEY":           encoded(keys.telnyxKey()[32:]),
		"TELNYX_API_BASE":             base + telnyxPrefix,
		"JACKRABBIT_BASE_URL":         base + schoolPrefix,
		"CLOUD_TASKS_QUEUE":           localQueue,
		"CLOUD_TASKS_WORKER_URL":      base,
		"CLOUD_TASKS_SERVICE_ACCOUNT": localAccount,
		"GMAIL_TOPIC":                 localTopic,
		"PUBSUB_SERVICE_ACCOUNT":      localPusher,
	}
}

// oneQueue has the tasks of every worker on the one local queue.
func oneQueue(env boot.Environment) boot.Environment {
	same := boot.Environment{}
	for name, value := range env {
		if strings.HasPrefix(name, "CLOUD_TASKS_") {
			same["SMS_"+name], same["EMAIL_"+name], same["CALL_"+name] = value, value, value
		}
	}
	return same
}

// localModel is the fake model, unless a key for the real one or the address of another is given.
func localModel(env boot.Environment, base string) boot.Environment {
	if env["GEMINI_API_KEY"]+env["AI_INTEGRATIONS_GEMINI_API_KEY"] != "" {
		return nil
	}
	return boot.Environment{"GEMINI_API_KEY": "local", "GOOGLE_GEMINI_BASE_URL": base + geminiPrefix}
}

// localGoogle is the fake Google, unless an OAuth client of the real one or the address of another is given.
func localGoogle(env boot.Environment, base string) boot.Environment {
	if env["GOOGLE_API_BASE"]+env["GOOGLE_OAUTH_CLIENT_ID"] != "" {
		return nil
	}
	return boot.Environment{"GOOGLE_API_BASE": base + googlePrefix, "GOOGLE_OAUTH_CLIENT_ID": googletest.ClientID, "GOOGLE_OAUTH_CLIENT_SECRET": googletest.ClientSecret}
}

// withPlaceholders completes the settings that the stand-ins will make, so that the others can be checked before any starts.
func withPlaceholders(env boot.Environment) boot.Environment {
	complete := maps.Clone(env)
	complete["DATABASE_URL"] = cmp.Or(complete["DATABASE_URL"], "postgres://placeholder/")
	return complete
}

// check reports every setting that is missing or malformed, those that only the local server reads too.
func check(env boot.Environment) error {
	_, err := openFunctions(env, nil)
	_, adminErr := boot.Settings[seed.Admin](env)
	_, portErr := portOf(env)
	if all := oneALine(err, adminErr, portErr); len(all) > 0 {
		return errors.New("settings to mend:\n  " + strings.Join(all, "\n  "))
	}
	return nil
}

// oneALine splits joined errors into their lines, each once and in order.
func oneALine(errs ...error) []string {
	var lines []string
	for _, err := range errs {
		if err != nil {
			lines = append(lines, strings.Split(err.Error(), "\n")...)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// openFunctions opens every registered function; logIns are the database's addresses for those that have one of their own, by entry
// point.
func openFunctions(env boot.Environment, logIns map[string]string) (map[string]http.Handler, error) {
	opened := map[string]http.Handler{}
	var errs []error
	for _, f := range boot.Functions() {
		own := maps.Clone(env)
		own["DATABASE_URL"] = cmp.Or(logIns[f.Entry], env["DATABASE_URL"])
		h, err := f.Open(own)
		opened[f.Entry] = h
		errs = append(errs, err)
	}
	return opened, errors.Join(errs...)
}

// logIns are the local database's addresses for the functions that log in as a role of their own. A DATABASE_URL that is given is
// every function's.
func (s *stack) logIns(deployments []deployment.Deployment) map[string]string {
	addresses := map[string]string{}
	for _, d := range deployments {
		if d.DatabaseRole != "" && s.local != nil {
			addresses[d.Entry] = s.local.URL(d.DatabaseRole, "postgres")
		}
	}
	return addresses
}

// startDatabase uses DATABASE_URL, or a Postgres of its own that keeps its data; then migrates and seeds it. A DATABASE_URL
// must be able to migrate; the functions take the application's role whoever logs in.
func (s *stack) startDatabase(ctx context.Context, keys *state) error {
	owner := boot.Database{URL: private.NewSecret(s.env["DATABASE_URL"]), Key: private.NewSecret(s.env["FIELD_ENCRYPTION_KEY"])}
	if s.env["DATABASE_URL"] == "" {
		server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(keys.dir, "postgres")})
		if err != nil {
			return err
		}
		s.local = server
		s.stops = append(s.stops, func() { _ = server.Stop() })
		owner.URL, s.env["DATABASE_URL"] = private.NewSecret(server.URL("postgres", "postgres")), server.URL("chattercheatah_app", "postgres")
	}
	if err := migrate(ctx, owner); err != nil {
		return err
	}
	return seedAll(ctx, s.env, owner)
}

func migrate(ctx context.Context, owner boot.Database) error {
	db, err := owner.SQL()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return migrations.Up(ctx, db)
}

func seedAll(ctx context.Context, env boot.Environment, owner boot.Database) error {
	db, err := owner.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	admin, err := boot.Settings[seed.Admin](env)
	if err != nil {
		return err
	}
	if _, err := admin.Seed(ctx, db); err != nil {
		return err
	}
	if _, err := seed.BasePrompt(ctx, db); err != nil {
		return err
	}
	return demo.Seed(ctx, db)
}

// startGoogle starts the stand-ins of Cloud Tasks, Cloud Scheduler, Firestore and Pub/Sub, each unless it is set otherwise.
func (s *stack) startGoogle(deployments []deployment.Deployment) error {
	if s.env["CLOUD_TASKS_EMULATOR_HOST"] == "" {
		if err := s.startTasks(deployments); err != nil {
			return err
		}
	}
	if s.env["FIRESTORE_EMULATOR_HOST"] == "" {
		server, err := ephemeraltest.Start("127.0.0.1:0")
		if err != nil {
			return err
		}
		s.stops = append(s.stops, server.Stop)
		s.env["FIRESTORE_EMULATOR_HOST"] = server.Addr()
	}
	if s.env["PUBSUB_EMULATOR_HOST"] == "" {
		if err := s.startPubSub(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) startTasks(deployments []deployment.Deployment) error {
	options := tasktest.Options{Queues: []string{s.env["CLOUD_TASKS_QUEUE"]}}
	for _, d := range deployments {
		if d.Queue != nil {
			options.Rate, options.Concurrency = max(options.Rate, d.Queue.MaxDispatchesPerSecond), max(options.Concurrency, d.Queue.MaxConcurrentDispatches)
		}
	}
	server, err := tasktest.Start(options)
	if err != nil {
		return err
	}
	s.tasks = server
	s.stops = append(s.stops, server.Stop)
	s.env["CLOUD_TASKS_EMULATOR_HOST"] = server.Addr()
	s.env["OIDC_ISSUER"] = cmp.Or(s.env["OIDC_ISSUER"], server.Issuer())
	s.env["OIDC_KEYS_URL"] = cmp.Or(s.env["OIDC_KEYS_URL"], server.KeysURL())
	for _, d := range deployments {
		for _, c := range d.Schedules {
			server.Schedule(locally(c.Cron), s.env["CLOUD_TASKS_WORKER_URL"]+c.Path, s.env["CLOUD_TASKS_WORKER_URL"], s.env["CLOUD_TASKS_SERVICE_ACCOUNT"])
		}
	}
	return nil
}

// locally is how often a schedule comes: what is swept each minute is swept more often, and what is done once a day is done each hour.
func locally(cron string) time.Duration {
	if cron == "* * * * *" {
		return sweepEvery
	}
	return time.Hour
}

// stop ends what start began, the other way round.
func (s *stack) stop() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	s.stops = nil
}
