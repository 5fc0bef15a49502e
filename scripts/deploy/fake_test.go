package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test program be gcloud, or deploy itself, where it is called by that name.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "gcloud":
		os.Exit(fakeGcloud(os.Args[1:]))
	case "deploy":
		main()
	default:
		os.Exit(m.Run())
	}
}

// cloud is the fake's whole state, in the file that FAKE_CLOUD names.
type cloud struct {
	Secret   string // the latest version of the secret deployments
	Version  int    // the latest of every other secret, from 1
	Services map[string]*fakeService
	Calls    [][]string
	Failures []failure
}

type fakeService struct {
	Flags   map[string]string // as last given
	Labels  map[string]string
	Env     map[string]string
	Secrets map[string]string
	Invoker []string
	Created int // revisions
	Ready   int // the newest that started
	Traffic []traffic
}

// failure is what happens to the next calls that hold all of the words.
type failure struct {
	Words []string
	Times int
	How   string // "refused" before anything happens, "stillborn" for a revision that does not start, "lie" for success without effect
}

// change reads the state, changes it, and writes it back, while nobody else does.
func (c *cloud) change(file string, do func() error) error {
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, c)
	}
	if err != nil {
		return err
	}
	result := do()
	if content, err = json.Marshal(c); err != nil {
		return err
	}
	return errors.Join(result, os.WriteFile(file, content, 0o600))
}

// fakeGcloud is gcloud as far as deploy uses it. What it does not know it refuses, as gcloud does, with 2.
func fakeGcloud(args []string) (status int) {
	var c cloud
	file := os.Getenv("FAKE_CLOUD")
	if slices.Contains(args, "update-traffic") {
		_, _ = os.ReadFile(file + ".hold") // a pipe, where a test wants it to wait
	}
	err := c.change(file, func() error {
		c.Calls = append(c.Calls, args)
		if os.Getenv("ADMIN_PASSWORD") != "" {
			return errors.New("a password is nothing that gcloud needs")
		}
		line, err := parse(args)
		if err != nil {
			status = 2
			return err
		}
		return c.do(line)
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "ERROR: (gcloud) %v\n", err)
		return max(status, 1)
	}
	return 0
}

// line is a command line: the command, its positional argument and its flags.
type line struct {
	command, name string
	flags         map[string]string
}

var (
	settingFlags = []string{
		"service-account", "ingress", "cpu", "memory", "concurrency", "min", "max-instances", "timeout", "cpu-boost", "cpu-throttling", "startup-probe",
		"update-env-vars", "update-secrets", "add-cloudsql-instances", "update-labels", "tag", "no-traffic",
	}
	whereFlags = []string{"project", "region", "quiet"}
	known      = map[string][]string{
		"secrets versions access":             {"secret", "project"},
		"secrets versions describe":           {"secret", "project", "format"},
		"run deploy":                          slices.Concat(whereFlags, settingFlags, []string{"source", "function", "base-image", "update-build-env-vars", "build-service-account", "allow-unauthenticated", "no-allow-unauthenticated"}),
		"run services update":                 slices.Concat(whereFlags, settingFlags),
		"run services describe":               append(slices.Clone(whereFlags), "format"),
		"run services update-traffic":         append(slices.Clone(whereFlags), "to-revisions", "update-tags"),
		"run services get-iam-policy":         append(slices.Clone(whereFlags), "format"),
		"run services add-iam-policy-binding": append(slices.Clone(whereFlags), "member", "role"),
	}
)

func parse(args []string) (line, error) {
	l := line{flags: map[string]string{}}
	var words []string
	for _, arg := range args {
		if flag, ok := strings.CutPrefix(arg, "--"); ok {
			name, value, _ := strings.Cut(flag, "=")
			if _, twice := l.flags[name]; twice {
				return l, fmt.Errorf("--%s is given twice", name)
			}
			l.flags[name] = value
		} else {
			words = append(words, arg)
		}
	}
	if len(words) < 3 {
		return l, fmt.Errorf("invalid choice: %v", words)
	}
	l.command, l.name = strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	flags, there := known[l.command]
	if !there {
		return l, fmt.Errorf("invalid choice: %s", l.command)
	}
	for name := range l.flags {
		if !slices.Contains(flags, name) {
			return l, fmt.Errorf("unrecognized arguments: --%s", name)
		}
	}
	if strings.HasPrefix(l.command, "run ") && (l.flags["project"] != "example-project" || l.flags["region"] != "europe-west1") {
		return l, errors.New("the project or region is another")
	}
	return l, nil
}

func (c *cloud) do(l line) error {
	how := c.failing(l)
	s := c.Services[l.name]
	switch {
	case how == "refused":
		return errors.New("UNAVAILABLE: try again")
	case how == "lie":
		return nil
	case l.command == "secrets versions access":
		return c.access(l)
	case l.command == "secrets versions describe" && l.name == "latest":
		_, err := fmt.Printf("projects/1/secrets/%s/versions/%d\n", l.flags["secret"], c.Version+1)
		return err
	case s == nil && l.command != "run deploy":
		return fmt.Errorf("Cannot find service [%s]", l.name) //nolint:staticcheck // gcloud's own words
	case l.command == "run deploy" || l.command == "run services update":
		return c.newRevision(l, how)
	case l.command == "run services describe":
		return s.describe(l.name)
	case l.command == "run services update-traffic":
		return s.move(l)
	case l.command == "run services get-iam-policy":
		return print(map[string]any{"bindings": []any{map[string]any{"role": "roles/run.invoker", "members": s.Invoker}}})
	default:
		s.Invoker = append(s.Invoker, l.flags["member"])
		return nil
	}
}

// failing is how a call fails; "" when it does not.
func (c *cloud) failing(l line) string {
	text := l.command + " " + l.name + " " + join(l.flags, " ")
	for i, f := range c.Failures {
		if f.Times > 0 && !slices.ContainsFunc(f.Words, func(word string) bool { return !strings.Contains(text, word) }) {
			c.Failures[i].Times--
			return f.How
		}
	}
	return ""
}

func print(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

func (c *cloud) access(l line) error {
	if l.name != "latest" || l.flags["secret"] != "deployments" {
		return errors.New("PERMISSION_DENIED")
	}
	_, err := fmt.Print(c.Secret)
	return err
}

// newRevision is gcloud run deploy and gcloud run services update.
func (c *cloud) newRevision(l line, how string) error {
	s, quiet := c.Services[l.name], false
	_, quiet = l.flags["no-traffic"]
	if s == nil && quiet {
		return errors.New("--no-traffic not supported when creating a new service")
	}
	if source, given := l.flags["source"]; given {
		if _, err := os.Stat(source); err != nil {
			return err
		}
	}
	if s == nil {
		s = &fakeService{Labels: map[string]string{}, Env: map[string]string{}, Secrets: map[string]string{}, Flags: map[string]string{}}
		c.Services[l.name] = s
	}
	for name, value := range l.flags {
		s.Flags[name] = value
	}
	for _, err := range []error{merge(s.Labels, l.flags["update-labels"]), merge(s.Env, l.flags["update-env-vars"]), merge(s.Secrets, l.flags["update-secrets"])} {
		if err != nil {
			return err
		}
	}
	s.Created++
	if how == "stillborn" {
		return errors.New("the user-provided container failed to start and listen on the port")
	}
	s.Ready = s.Created
	if s.Traffic = slices.DeleteFunc(s.Traffic, func(t traffic) bool { return t.Tag == l.flags["tag"] }); !quiet {
		s.Traffic = []traffic{{Revision: revision(l.name, s.Created), Percent: 100}}
	}
	s.Traffic = append(s.Traffic, traffic{Revision: revision(l.name, s.Created), Tag: l.flags["tag"]})
	return nil
}

func revision(name string, n int) string { return fmt.Sprintf("%s-%05d-abc", name, n) }

var label = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)

// merge adds what gcloud's list says, which may begin with ^DELIMITER^.
func merge(into map[string]string, list string) error {
	delimiter := ","
	if rest, ok := strings.CutPrefix(list, "^"); ok {
		delimiter, list, _ = strings.Cut(rest, "^")
	}
	for pair := range strings.SplitSeq(list, delimiter) {
		name, value, ok := strings.Cut(pair, "=")
		if list == "" {
			return nil
		}
		if !ok || strings.HasSuffix(name, "-digest") && !label.MatchString(value) {
			return fmt.Errorf("bad syntax for dict arg: [%s]", pair)
		}
		into[name] = value
	}
	return nil
}

func (s *fakeService) describe(name string) error {
	return print(map[string]any{
		"kind": "Service", "metadata": map[string]any{"name": name, "labels": s.Labels},
		"status": map[string]any{"latestCreatedRevisionName": revision(name, s.Created), "latestReadyRevisionName": revision(name, s.Ready), "traffic": s.Traffic},
	})
}

// move is gcloud run services update-traffic: shares are replaced, tags are kept, and every revision must be there.
func (s *fakeService) move(l line) error {
	shares, tags := map[string]string{}, map[string]string{}
	if err := errors.Join(merge(shares, l.flags["to-revisions"]), merge(tags, l.flags["update-tags"])); err != nil {
		return err
	}
	var moved []traffic
	sum := 0
	for to, percent := range shares {
		n, err := strconv.Atoi(percent)
		if err != nil || n < 1 || !s.has(l.name, to) {
			return fmt.Errorf("revision %s cannot get %s %%", to, percent)
		}
		sum += n
		moved = append(moved, traffic{Revision: to, Percent: n})
	}
	if sum != 100 {
		return fmt.Errorf("the shares add up to %d", sum)
	}
	for _, t := range s.Traffic {
		if _, given := tags[t.Tag]; t.Tag != "" && !given {
			moved = append(moved, traffic{Revision: t.Revision, Tag: t.Tag})
		}
	}
	for tag, to := range tags {
		if !s.has(l.name, to) {
			return fmt.Errorf("there is no revision %s", to)
		}
		moved = append(moved, traffic{Revision: to, Tag: tag})
	}
	s.Traffic = moved
	return nil
}

func (s *fakeService) has(name, of string) bool {
	for n := 1; n <= s.Ready; n++ {
		if revision(name, n) == of {
			return true
		}
	}
	return false
}
