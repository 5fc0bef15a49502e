package boot

import (
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
	if len(errs) == 0 {
		errs = validate(reflect.ValueOf(&s).Elem())
	}
	return s, errors.Join(errs...)
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
		return fmt.Errorf("%s is not a valid %s", settingOf(reflect.TypeOf(s).Elem(), malformed.Name), malformed.Type)
	default:
		return err
	}
}

// settingOf finds the setting of a field by the field's name.
func settingOf(t reflect.Type, field string) string {
	for f := range t.Fields() {
		if f.Name == field && f.Tag.Get("env") != "" {
			name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
			return name
		}
		if f.Type.Kind() == reflect.Struct {
			if name := settingOf(f.Type, field); name != field {
				return name
			}
		}
	}
	return field
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
