// Command setup-voice-configs brings the voice of tenants to what one file says: the TenantVoiceConfig row of each, and at Telnyx its
// assistant, the assistant's tools, where calls and insights are reported, and the number that is called.
//
//	setup-voice-configs FILE          show what differs, and change nothing
//	setup-voice-configs -apply FILE   show the same, and change it; a second time nothing differs
//	setup-voice-configs -check FILE   show the same, and end with 1 when anything differs, with 0 when nothing does
//
// scripts/setup-voice-configs/example.yaml shows a file. API_BASE is the system's address and ends in /api/v1; ADMIN_EMAIL and
// ADMIN_PASSWORD are a global admin's. TELNYX_API_BASE is where Telnyx's API is. Without a tenant's telnyx_api_key its row alone is looked
// after. A tenant without an assistant gets one, whose id is kept in the row and printed for the file.
//
// Every address at Telnyx is made of the file's functions and of the id that the system has for the tenant, ?tenant_id= among it, for every
// tenant and every tool: a file cannot say another. What at Telnyx is not ours stays as it is: other tools, other variables, other settings.
// No assistant is touched before the system has taken it as this tenant's, so that another tenant's is refused.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

//go:embed main.go
var source string

// mode is what is done about what differs.
type mode struct{ apply, check bool }

func main() {
	var m mode
	flag.BoolVar(&m.apply, "apply", false, "change what differs")
	flag.BoolVar(&m.check, "check", false, "end with 1 when anything differs")
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, boot.OSEnvironment(), m, flag.Args(), os.Stdout); err != nil {
		stop()
		fmt.Fprintf(os.Stderr, "setup-voice-configs:\n%v\n", err)
		os.Exit(1)
	}
}

// settings are those of the command.
type settings struct {
	Operator api.Operator
	Telnyx   boot.TelnyxAPI
}

var errDiffers = errors.New("not everything is as the file says; -apply mends it")

func run(ctx context.Context, env boot.Environment, m mode, args []string, out io.Writer) error {
	if len(args) != 1 || m.apply && m.check {
		return errors.New("name one file, with -apply, with -check or with neither; -h explains")
	}
	set, settingsErr := boot.Settings[settings](env)
	file, fileErr := read(args[0], env)
	if err := errors.Join(settingsErr, fileErr); err != nil {
		return err
	}
	admin, err := set.Operator.LogIn(ctx)
	if err != nil {
		return err
	}
	var differ int
	var errs []error
	for _, t := range file.Tenants {
		s := &setUp{admin: admin, telnyx: telnyx.NewClient(set.Telnyx.Base), key: t.key(), functions: file.Functions, want: t, out: out}
		n, err := s.run(ctx, m.apply)
		if differ += n; err != nil {
			errs = append(errs, fmt.Errorf("tenant %s: %w", t.name(), err))
		}
	}
	if len(errs) == 0 && differ == 0 {
		_, _ = fmt.Fprintln(out, "everything is as the file says")
	}
	if m.check && differ > 0 {
		errs = append(errs, errDiffers)
	}
	return errors.Join(errs...)
}
