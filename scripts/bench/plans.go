package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

const plansFile = "docs/plans.md"

const plansHead = `# What Postgres does for a text

Written by make bench: each statement of the hot path as it ran in the largest database (%d tenants, %d messages), with
EXPLAIN (ANALYZE, BUFFERS), as the application's role, row security on. Statements within functions, triggers and foreign keys
are shown where they run. A test holds that none reads more than it returns
([plans_test.go](../shared/store/plans_test.go)).
`

// number is a telephone number in a plan. Those here are invented; the file shows one all the same.
var number = regexp.MustCompile(`\+1555\d{7}`)

// keepPlans writes what Postgres does for the last of several texts, when its plans are settled.
func keepPlans(r *rig, f *filled) error {
	s, plans, err := storetest.Explained(r.ctx, r.postgres.URL("postgres", f.name), fieldKey)
	if err != nil {
		return err
	}
	defer s.Close()
	var b strings.Builder
	for range 7 {
		b.Reset()
		_, _ = fmt.Fprintf(&b, plansHead, f.tenants, f.tenants*messagesEach)
		err := f.oneText(r.ctx, s, func(step string, work func() error) error {
			plans.Take()
			if err := work(); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(&b, "\n## %s\n", step)
			for _, p := range plans.Take() {
				_, _ = fmt.Fprintf(&b, "\n```sql\n%s\n```\n\n```\n%s\n```\n", strings.TrimSpace(p.SQL), strings.TrimSpace(p.Text))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return os.WriteFile(plansFile, []byte(number.ReplaceAllString(b.String(), "+15555550101")), 0o644)
}
