package boot

import (
	"encoding"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Settings fills a struct from env tags (github.com/caarlos0/env) and then runs the Validate method of it and of each of
// its fields that has one. The error names every setting that is missing or malformed, one a line, and no value.
func Settings[S any](from Environment) (S, error) {
	var s S
	var errs []error
	err := env.ParseWithOptions(&s, env.Options{Environment: from, SetDefaultsForZeroValuesOnly: true})
	var all env.AggregateError
	if errors.As(err, &all) {
		for _, e := range all.Errors {
			errs = append(errs, named(&s, e))
		}
	} else if err != nil {
		errs = append(errs, err)
	}
	return s, errors.Join(append(errs, unreported(errs, validate(reflect.ValueOf(&s).Elem()))...)...)
}

// unreported leaves out what is said of a setting that is reported already: one that is missing is malformed as well.
func unreported(reported, more []error) []error {
	seen := map[string]bool{}
	for _, err := range reported {
		name, _, _ := strings.Cut(err.Error(), " ")
		seen[strings.TrimSuffix(name, ":")] = true
	}
	var left []error
	for _, err := range more {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if name, _, _ := strings.Cut(line, " "); !seen[name] {
				left = append(left, errors.New(line))
			}
		}
	}
	return left
}

// named says which setting an error of the library is about.
func named(s any, err error) error {
	var missing env.VarIsNotSetError
	var empty env.EmptyVarError
	var malformed env.ParseError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%s is required", missing.Key)
	case errors.As(err, &empty):
		return fmt.Errorf("%s is required", empty.Key)
	case errors.As(err, &malformed):
		name := settingOf(reflect.TypeOf(s).Elem(), malformed)
		if reflect.PointerTo(malformed.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return fmt.Errorf("%s: %w", name, malformed.Err) // our own types' errors say what to do and repeat no value
		}
		return fmt.Errorf("%s is not a valid %s", name, malformed.Type)
	default:
		return err
	}
}

// settingOf finds the setting of a field by the field's name and type.
func settingOf(t reflect.Type, wrong env.ParseError) string {
	for f := range t.Fields() {
		if f.Name == wrong.Name && f.Type == wrong.Type && f.Tag.Get("env") != "" {
			name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
			return name
		}
		if f.Type.Kind() == reflect.Struct {
			if name := settingOf(f.Type, wrong); name != wrong.Name {
				return name
			}
		}
	}
	return wrong.Name
}

type validator interface{ Validate() error }

func validate(v reflect.Value) []error {
	var errs []error
	if val, ok := v.Interface().(validator); ok {
		if err := val.Validate(); err != nil {
			errs = append(errs, err)
		}
		return errs
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			errs = append(errs, validate(v.Field(i))...)
		}
	}
	return errs
}

// PublicURL is where this system is reached from outside: signatures and report addresses are made of it, never of a
// request's Host header.
type PublicURL struct {
	BaseURL     string `env:"API_BASE_URL,required,notEmpty"` // without a trailing slash and without /api/v1
	Environment string `env:"ENVIRONMENT" envDefault:"production"`
}

// Validate wants an absolute address that others can append a path to, and a safe one outside of development.
func (p PublicURL) Validate() error {
	switch p.Environment {
	case "local", "test":
		return absoluteURL("API_BASE_URL", p.BaseURL)
	case "staging", "production":
		if !strings.HasPrefix(p.BaseURL, "https://") {
			return errors.New("API_BASE_URL must begin with https:// where ENVIRONMENT is staging or production")
		}
		return absoluteURL("API_BASE_URL", p.BaseURL)
	default:
		return errors.New("ENVIRONMENT must be local, test, staging or production")
	}
}

// TelnyxAPI is where Telnyx's API is.
type TelnyxAPI struct {
	Base string `env:"TELNYX_API_BASE" envDefault:"https://api.telnyx.com"`
}

// Validate wants an absolute address.
func (t TelnyxAPI) Validate() error { return absoluteURL("TELNYX_API_BASE", t.Base) }

func absoluteURL(setting, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasSuffix(value, "/") {
		return fmt.Errorf("%s must be an absolute address without a trailing slash, such as https://fn.example.test", setting)
	}
	return nil
}

// Required is the error for a setting that is not there.
func Required(setting string, there bool) error {
	if there {
		return nil
	}
	return fmt.Errorf("%s is required", setting)
}
