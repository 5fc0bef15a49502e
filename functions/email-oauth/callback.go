package emailoauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// visit is a browser that is back from Google.
type visit struct {
	*store.Tenant // whose mailbox is to be connected, in the name of who began it

	by       string // their e-mail address
	verifier string
	code     string
	refused  bool // the person at Google did not allow it
}

const beginAgain = "Nothing has changed. Begin again where you connect the mailbox."

var (
	errState  = fault.New(fault.Invalid, "This address has been used already, is more than ten minutes old, or is not one of ours. %s", beginAgain)
	errNoCode = fault.New(fault.Invalid, "Google has sent you back without its consent. %s", beginAgain)
)

// comeBack admits a browser with a state that waits, for whoever began it and still may do so. The state is used up by it, whatever
// comes next.
func (d Deps) comeBack(r *http.Request) (visit, error) {
	q := r.URL.Query()
	state := q.Get("state")
	if len(state) != stateLength {
		return visit{}, errState
	}
	kept, err := d.States.Take(r.Context(), state)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return visit{}, errState
	}
	if err != nil {
		return visit{}, err
	}
	var begun pending
	if err := json.Unmarshal(kept, &begun); err != nil {
		return visit{}, errors.New("what waits under a state cannot be read")
	}
	t, by, err := d.Guard.AdminAgain(r, begun.Person, begun.Tenant)
	if err != nil {
		return visit{}, err
	}
	v := visit{Tenant: t, by: by.Email, verifier: begun.Verifier, code: q.Get("code")}
	switch why := q.Get("error"); {
	case why == "access_denied":
		v.refused = true
	case why != "":
		return v, fault.Wrap(fault.Forbidden, fmt.Errorf("the consent page says %q", google.Plain(why)),
			"Google did not allow it, which is for whoever administers the mailbox's account or this application to mend. %s", beginAgain)
	case v.code == "":
		return v, errNoCode
	}
	return v, nil
}

// googleLimit bounds all that Google is asked while a person waits.
const googleLimit = 20 * time.Second

// connect stores the mailbox that the person at Google has given us leave to use, and has its mail announced. What has been begun is
// finished even if the browser has gone: a code is good once.
func (d Deps) connect(w http.ResponseWriter, r *http.Request, v visit) error {
	if v.refused {
		httpx.Note(r.Context(), slog.String("outcome", "not_allowed"))
		return httpx.ShowPage(w, http.StatusOK, httpx.WebPage{Title: "You did not allow it", Lines: []string{beginAgain, "You can close this window."}})
	}
	if d.OAuth == nil {
		return errNoClient
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), googleLimit)
	defer cancel()
	grant, err := d.exchange(ctx, v)
	if err != nil {
		return err
	}
	profile, err := d.profile(ctx, grant)
	if err != nil {
		return err
	}
	// A mailbox that is refused stays granted to us at Google: taking that back would end the connection of whoever has it.
	connected, err := v.ConnectMailbox(ctx, store.MailboxGrant{
		Address: profile.Address, RefreshToken: grant.RefreshToken, AccessToken: grant.AccessToken, Expires: grant.Expires, HistoryID: profile.HistoryID,
	})
	if err != nil {
		return err
	}
	announced := d.watch(ctx, v.Tenant, grant, profile.Address)
	httpx.Note(r.Context(), slog.String("outcome", "connected"), slog.Bool("again", connected.Again), slog.Bool("announced", announced))
	return httpx.ShowPage(w, http.StatusOK, connectedPage(profile.Address, v.by, connected, announced))
}

// exchange makes a grant of the code. Errors are for the person to read.
func (d Deps) exchange(ctx context.Context, v visit) (google.Grant, error) {
	granted, err := d.OAuth.Exchange(ctx, d.Redirect, v.code, v.verifier)
	switch fault.KindOf(err) {
	case fault.Invalid:
		return google.Grant{}, fault.Wrap(fault.Invalid, err,
			"Google does not take this consent: it has been used already, is too old, or was given for something else. %s", beginAgain)
	case fault.Unavailable:
		return google.Grant{}, fault.Wrap(fault.Unavailable, err, "Google did not answer. %s", beginAgain)
	}
	if err != nil {
		return google.Grant{}, err
	}
	if missing := gmail.Unticked(granted.Scopes); len(missing) > 0 {
		return google.Grant{}, fault.New(fault.Forbidden,
			"You have not allowed us to %s, without which mail cannot be answered. %s Leave every box ticked on Google's page.",
			strings.Join(leaves(missing), " and to "), beginAgain)
	}
	return google.Grant{
		TenantID: v.Scope().ID().String(), RefreshToken: granted.RefreshToken, AccessToken: granted.AccessToken, Expires: granted.Expires,
	}, nil
}

// leaves says in words what scopes allow.
func leaves(scopes []string) (words []string) {
	for _, s := range scopes {
		switch {
		case strings.HasSuffix(s, "/gmail.readonly"):
			words = append(words, "read the mail")
		case strings.HasSuffix(s, "/gmail.compose"):
			words = append(words, "write drafts and send mail")
		default:
			words = append(words, "use all that we asked for")
		}
	}
	return words
}

// profile asks whose mailbox it is, and where it stands.
func (d Deps) profile(ctx context.Context, g google.Grant) (gmail.Profile, error) {
	p, err := d.Gmail.Profile(ctx, g)
	if err != nil {
		return p, fault.Wrap(fault.Unavailable, err, "Google did not tell which mailbox it is; perhaps the account has no Gmail. %s", beginAgain)
	}
	if p.Address, err = private.ParseEmail(p.Address); err != nil {
		return p, errors.New("Gmail's address of a mailbox is none")
	}
	return p, nil
}

// watch has the mail of a connected mailbox announced. Without, it is found when the mailbox is read anyway, which is told and no error.
func (d Deps) watch(ctx context.Context, t *store.Tenant, g google.Grant, address string) (announced bool) {
	w, err := d.Gmail.Watch(ctx, g, d.Topic)
	if err == nil {
		err = t.WatchStarted(ctx, address, w.Expires)
	}
	if err != nil {
		d.Log.ErrorContext(ctx, "mail is not announced; it is read hourly until a watch can be made", "error", err, "tenant_id", t.Scope().ID().String(),
			"request_id", httpx.RequestID(ctx))
	}
	return err == nil
}

// connectedPage tells the person at the browser, who need not be the one who began it, what has become of their mailbox.
func connectedPage(address, by string, c store.Connected, announced bool) httpx.WebPage {
	page := httpx.WebPage{Title: "The mailbox is connected"}
	page.Say("%s is connected to %s. %s began this.", address, c.Business, by)
	if c.Again {
		page.Say("It was connected before, and is read on from where it had been read to.")
	}
	if c.Before != "" {
		page.Say("It takes the place of %s, which is not read any more.", c.Before)
	}
	page.Say("Mail that arrives from now on is answered as the e-mail settings of %s say.", c.Business)
	if !announced {
		page.Say("Google does not announce new mail to us yet. Until it does the mailbox is read about once an hour.")
	}
	page.Say("If this is not what you wanted, have an admin of %s disconnect the mailbox, or take our access away at https://myaccount.google.com/permissions. "+
		"Otherwise you can close this window.", c.Business)
	return page
}
