// Package google is leave to use somebody's Google account: how a person gives it (OAuth), how it is used (Tokens), and how it ends. What is
// done with it is another package's: gcal has the calendar, gmail the mailbox.
//
// Errors never repeat what Google says, an address, a code or a token: they hold a status and a reason. Among them errors.Is tells ErrGrant,
// and of an exchange ErrCode and ErrConfig.
package google

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// What an error can be besides a Google that did not answer.
var (
	ErrGrant  = errors.New("the grant is revoked or has expired; the account has to be connected again")
	ErrCode   = errors.New("the code is used up, has expired or is of another consent; begin again")
	ErrConfig = errors.New("Google does not take our OAuth client; mend GOOGLE_OAUTH_CLIENT_ID, its secret or the redirect addresses that it allows")
)

// errUnreadable stands for whatever is wrong with an answer: the JSON library's own words repeat it.
var errUnreadable = errors.New("an answer that cannot be read")

// Config is as whom Google is asked, and where.
type Config struct {
	Base         string         `env:"GOOGLE_API_BASE"` // "" for Google's own addresses
	ClientID     string         `env:"GOOGLE_OAUTH_CLIENT_ID"`
	ClientSecret private.Secret `env:"GOOGLE_OAUTH_CLIENT_SECRET"`
}

// Validate names each setting that is malformed. Without a client no account can be used, which is no error: tenants without a calendar have
// their booking page.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.Base); err != nil || c.Base != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs = append(errs, errors.New("GOOGLE_API_BASE must be an absolute address, or empty for Google's own"))
	}
	if (c.ClientID == "") != c.ClientSecret.IsZero() {
		errs = append(errs, errors.New("GOOGLE_OAUTH_CLIENT_SECRET and GOOGLE_OAUTH_CLIENT_ID belong together: set both or neither"))
	}
	return errors.Join(errs...)
}

// At is the address of a part of Google's: path at Base when there is one, else googles, which is Google's own.
func (c Config) At(path, googles string) string {
	if c.Base == "" {
		return googles
	}
	return strings.TrimRight(c.Base, "/") + path
}

// Google's own addresses.
const (
	consentAddress = "https://accounts.google.com/o/oauth2/auth"
	tokenAddress   = "https://oauth2.googleapis.com/token"
	revokeAddress  = "https://oauth2.googleapis.com/revoke"
)

func (c Config) oauth() oauth2.Config {
	return oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Endpoint: oauth2.Endpoint{
		AuthURL: c.At("/o/oauth2/auth", consentAddress), TokenURL: c.At("/token", tokenAddress), AuthStyle: oauth2.AuthStyleInParams,
	}}
}

// NewHTTP makes a client that follows no redirect: a token is meant for the address that it is sent to.
func NewHTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Grant is a tenant's leave to use its account: the refresh token that Google gave when somebody connected it.
type Grant struct {
	TenantID     string
	RefreshToken private.Secret
	AccessToken  private.Secret // one that was kept, and is used while it is good for another minute; zero for none
	Expires      time.Time      // when AccessToken does
}

// Reason is what may be told of an error of Google or of a library of Google's: those repeat Google's words, and addresses in which names
// stand. ErrGrant when a grant is worth nothing; any other error stays as it is.
func Reason(err error) error {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return fmt.Errorf("status %d, %q", answer.Code, Why(answer))
	}
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if e.ErrorCode == "invalid_grant" {
			return ErrGrant
		}
		return fmt.Errorf("no access token: status %d, %q", statusOf(e.Response), Plain(e.ErrorCode))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	if unreadable(err) {
		return errUnreadable
	}
	return err
}

// unreadable tells what comes of JSON that is none, or of another shape. One of those errors has no type.
func unreadable(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || shape || errors.Is(err, io.EOF) || err != nil && strings.Contains(err.Error(), "json: ")
}

// Why is the reason that an answer gives, "" when it gives none.
func Why(answer *googleapi.Error) string {
	if len(answer.Errors) == 0 {
		return ""
	}
	return Plain(answer.Errors[0].Reason)
}

func statusOf(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

// Plain is a reason as Google writes them, and nothing else.
func Plain(s string) string {
	if len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return "unreadable"
	}
	return s
}
