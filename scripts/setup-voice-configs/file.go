package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/onboard"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// File is what is wanted of the voice of some tenants.
type File struct {
	Functions string   `yaml:"functions"` // the public address of the functions, which Telnyx calls; https, ending in /api/v1
	Tenants   []Tenant `yaml:"tenants"`
}

// Tenant is one of them. Without TelnyxAPIKey only the row is looked after, which needs PhoneNumber alone; an optional field that is left
// out stays as it is.
type Tenant struct {
	ID        int64  `yaml:"id"`        // tenants.id; may be left out where the subdomain is given
	Subdomain string `yaml:"subdomain"` // may be left out where the id is given; with both, both have to be one tenant's

	PhoneNumber    private.Phone `yaml:"phone_number"`
	TransferNumber private.Phone `yaml:"transfer_number"`
	AssistantID    string        `yaml:"assistant_id"` // left out: the one in the row, else a new one

	TelnyxAPIKey onboard.Credential `yaml:"telnyx_api_key"` // env:NAME
	ToolSecret   onboard.Credential `yaml:"tool_secret"`    // env:NAME

	Name           string   `yaml:"name"` // of the assistant
	Model          string   `yaml:"model"`
	Greeting       string   `yaml:"greeting"`
	Voice          string   `yaml:"voice"`
	Languages      []string `yaml:"languages"`        // those that callers speak, such as en and es
	InsightGroupID string   `yaml:"insight_group_id"` // left out: the one that the assistant has, if any
}

// name is how messages call the tenant.
func (t Tenant) name() string { return cmp.Or(t.Subdomain, strconv.FormatInt(t.ID, 10)) }

func (t Tenant) key() private.Secret { return private.NewSecret(string(t.TelnyxAPIKey)) }

// read reads a file strictly: a field that is not known is an error, and so is a credential that is not set.
func read(name string, env boot.Environment) (f File, err error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	if err := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict()).Decode(&f); err != nil {
		return f, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, false)) // without the lines around it, which may hold a secret
	}
	if err := f.resolve(func(name string) string { return env[name] }); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// resolve checks the file and puts the credentials in. The error names everything that is wrong, and no value of a credential.
func (f *File) resolve(lookup func(name string) string) error {
	var errs []error
	if u, err := url.Parse(f.Functions); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || !strings.HasSuffix(u.Path, "/api/v1") {
		errs = append(errs, errors.New("functions must be an address that begins with https:// and ends in /api/v1"))
	}
	if len(f.Tenants) == 0 {
		errs = append(errs, errors.New("tenants is empty"))
	}
	taken := map[string]bool{}
	for i := range f.Tenants {
		t := &f.Tenants[i]
		for what, value := range map[string]string{"id": idOf(t.ID), "subdomain": t.Subdomain, "phone_number": t.PhoneNumber.E164(), "assistant_id": t.AssistantID} {
			if value != "" && taken[what+value] {
				errs = append(errs, fmt.Errorf("tenants[%d].%s stands at another tenant too", i, what))
			}
			taken[what+value] = true
		}
		if err := t.resolve(lookup); err != nil {
			errs = append(errs, fmt.Errorf("tenants[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func idOf(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// shortestSecret is what a tool secret has at least: a part of its digest names it at Telnyx, and is not to tell it.
const shortestSecret = 24

func (t *Tenant) resolve(lookup func(name string) string) error {
	var errs []error
	need := func(field string, there bool) {
		if !there {
			errs = append(errs, errors.New(field+" is missing"))
		}
	}
	need("id or subdomain", t.ID > 0 || t.Subdomain != "")
	need("phone_number", !t.PhoneNumber.IsZero())
	for _, c := range []struct {
		field string
		value *onboard.Credential
	}{{"telnyx_api_key", &t.TelnyxAPIKey}, {"tool_secret", &t.ToolSecret}} {
		if *c.value != "" && !strings.HasPrefix(string(*c.value), "env:") {
			errs = append(errs, fmt.Errorf("%s must be written env:NAME, so that the file holds no credential", c.field))
			continue
		}
		errs = append(errs, c.value.Resolve(lookup))
	}
	if t.TelnyxAPIKey != "" {
		need("name", t.Name != "")
		need("model", t.Model != "")
		need("tool_secret", t.ToolSecret != "")
	}
	if n := len(t.ToolSecret); n > 0 && n < shortestSecret {
		errs = append(errs, fmt.Errorf("tool_secret must have %d characters at least", shortestSecret))
	}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}
