package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

// BundleStatus is where a bundle stands.
type BundleStatus string

// The statuses of a bundle. Of a tenant's bundles for a channel one at most is in Production; the model is told what that says.
const (
	Draft      BundleStatus = "draft"
	Testing    BundleStatus = "testing"
	Production BundleStatus = "PRODUCTION"
)

// Bundle is one version of what a tenant has the model told, for one channel or for any.
type Bundle struct {
	ID          int64
	Name        string
	Channel     prompt.Channel
	Version     int // counts within the channel
	Status      BundleStatus
	CreatedAt   time.Time
	LiveSince   time.Time        // when it went into production last; zero before, and when a roll-back has taken it back
	EditedAt    time.Time        // zero for one that stands as it was made
	PublishedAt time.Time        // when it was live first, from when on it never changes; zero before
	Sections    []prompt.Section // by position, then key; a list of bundles leaves them out
}

const bundleColumns = `id, name, channel, version, status, created_at, edited_at, published_at, live_since`

func (u *Bundle) scan(row pgx.Row) error {
	var edited, published, live *time.Time
	err := row.Scan(&u.ID, &u.Name, &u.Channel, &u.Version, &u.Status, &u.CreatedAt, &edited, &published, &live)
	if edited != nil {
		u.EditedAt = *edited
	}
	if published != nil {
		u.PublishedAt = *published
	}
	if live != nil {
		u.LiveSince = *live
	}
	return err
}

// scanIfAny leaves the bundle zero where there is no row: to pgx a missing row is an error, after which it describes the
// statements of the batch again, and the next call waits for that.
func (u *Bundle) scanIfAny(rows pgx.Rows) error {
	for rows.Next() {
		if err := u.scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (u *Bundle) orMissing(err error) error {
	if err == nil && u.ID == 0 {
		return fault.New(fault.NotFound, "")
	}
	return err
}

func collectBundles(rows pgx.Rows) ([]Bundle, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Bundle, err error) { return u, u.scan(row) })
}

// BundleFilter says which bundles a list holds; the zero filter is all.
type BundleFilter struct {
	Channel prompt.Channel
	Status  BundleStatus
}

// Bundles lists the tenant's own bundles without their sections, the newest first, at most limit, older than the one before (0 for
// the newest). One round trip.
func (t *Tenant) Bundles(ctx context.Context, f BundleFilter, before int64, limit int) (found []Bundle, err error) {
	err = t.run(ctx, "listing bundles", func(b *pgx.Batch) {
		b.Queue(`select `+bundleColumns+` from prompt_bundles
			where tenant_id = $1 and id < $2 and ($3 = '' or channel = $3) and ($4 = '' or status = $4) order by id desc limit $5`,
			t.id(), newestIfZero(before), string(f.Channel), string(f.Status), limit).Query(func(rows pgx.Rows) (err error) {
			found, err = collectBundles(rows)
			return err
		})
	})
	return found, err
}

// Bundle reads one of the tenant's own bundles with its sections. fault.NotFound for one that is missing, another tenant's or
// every tenant's. One round trip.
func (t *Tenant) Bundle(ctx context.Context, id int64) (u Bundle, err error) {
	err = t.run(ctx, "reading a bundle", func(b *pgx.Batch) { queueRead(b, t.id(), id, &u) })
	return u, u.orMissing(err)
}

// BundlePair reads two as Bundle does, in one round trip.
func (t *Tenant) BundlePair(ctx context.Context, id, otherID int64) (u, other Bundle, err error) {
	err = t.run(ctx, "reading two bundles", func(b *pgx.Batch) {
		queueRead(b, t.id(), id, &u)
		queueRead(b, t.id(), otherID, &other)
	})
	return u, other, other.orMissing(u.orMissing(err))
}

const ownBundleSQL = `select id from prompt_bundles where tenant_id = $1 and id = $2`

func queueRead(b *pgx.Batch, tenantID, id int64, into *Bundle) {
	b.Queue(`select `+bundleColumns+` from prompt_bundles where tenant_id = $1 and id = $2`, tenantID, id).Query(into.scanIfAny)
	b.Queue(`select section_key, content, sort_order from prompt_sections
		where bundle_id = (`+ownBundleSQL+`) order by sort_order, section_key collate "C"`, tenantID, id).Query(func(rows pgx.Rows) error {
		var s prompt.Section
		into.Sections = nil
		_, err := pgx.ForEachRow(rows, []any{&s.Key, &s.Content, &s.Position}, func() error {
			s.From = prompt.Source{Bundle: into.ID, Tenant: true, Channel: into.Channel, Version: into.Version}
			into.Sections = append(into.Sections, s)
			return nil
		})
		return err
	})
}

// MakeBundle makes a draft, the next version of its channel. One round trip.
func (t *Tenant) MakeBundle(ctx context.Context, c prompt.Channel, name string, sections []prompt.Section) (u Bundle, err error) {
	id := t.id()
	err = t.change(ctx, "making a bundle", func(b *pgx.Batch) { queueMake(b, &id, c, name, sections, &u) })
	u.Sections = sections
	return u, err
}

// BundleChange names what of a bundle to change; what is nil stays as it is.
type BundleChange struct {
	Name     *string
	Status   *BundleStatus // Draft or Testing
	Sections []prompt.Section
}

// ChangeBundle changes a bundle that has never been published, and returns it. fault.Conflict for one that has been,
// fault.NotFound as for Bundle. One round trip.
func (t *Tenant) ChangeBundle(ctx context.Context, id int64, c BundleChange) (u Bundle, err error) {
	own := t.id()
	err = t.change(ctx, "changing a bundle", func(b *pgx.Batch) {
		b.Queue(`update prompt_bundles set name = coalesce($3, name), status = coalesce($4, status), edited_at = now()
			where tenant_id = $1 and id = $2`, own, id, c.Name, (*string)(c.Status))
		if c.Sections != nil {
			b.Queue(`delete from prompt_sections where bundle_id = (`+ownBundleSQL+`)`, own, id)
			queueSections(b, ownBundleSQL, &own, id, c.Sections)
		}
		queueRead(b, own, id, &u)
	})
	return u, u.orMissing(err)
}

// PublishBundle puts a bundle into production in the place of the one before, which becomes a draft. Any version may be published,
// again too. fault.NotFound as for Bundle. One round trip.
func (t *Tenant) PublishBundle(ctx context.Context, id int64) (u Bundle, err error) {
	own := t.id()
	err = t.change(ctx, "publishing a bundle", func(b *pgx.Batch) {
		b.Queue(lockBundlesSQL, &own)
		b.Queue(`update prompt_bundles set status = 'draft' where tenant_id = $1 and status = 'PRODUCTION' and id <> $2
			and channel = (select channel from prompt_bundles where tenant_id = $1 and id = $2)`, own, id)
		b.Queue(`update prompt_bundles set status = 'PRODUCTION', published_at = coalesce(published_at, now())
			where tenant_id = $1 and id = $2`, own, id)
		queueRead(b, own, id, &u)
	})
	return u, u.orMissing(err)
}

// RollBack takes the live version of a channel back and publishes again what was live before it; a second one goes a step further. live,
// unless 0, is the bundle that is to be taken back. fault.Conflict when that is not the live one, or nothing was live before. One round
// trip.
func (t *Tenant) RollBack(ctx context.Context, c prompt.Channel, live int64) (u Bundle, err error) {
	own := t.id()
	err = t.change(ctx, "rolling a prompt back", func(b *pgx.Batch) { queueRollBack(b, &own, c, live, &u) })
	return u, orNothingBefore(u, c, err)
}

// queueRollBack takes a live bundle back; tenantID nil is every tenant's.
func queueRollBack(b *pgx.Batch, tenantID *int64, c prompt.Channel, live int64, into *Bundle) {
	b.Queue(lockBundlesSQL, tenantID)
	b.Queue(`
with live as (
    select id, live_since from prompt_bundles
     where `+whose(tenantID)+` and channel = $2 and status = 'PRODUCTION' and ($3::bigint = 0 or id = $3)
), before as (
    select b.id from prompt_bundles b, live
     where `+whose(tenantID)+` and b.channel = $2 and b.live_since < live.live_since order by b.live_since desc limit 1
), taken_back (was) as (
    update prompt_bundles set status = 'draft', live_since = null
     where `+whose(tenantID)+` and id = (select live.id from live, before)
    returning id
)
update prompt_bundles b set status = 'PRODUCTION' from taken_back
 where `+whose(tenantID)+` and b.id = (select before.id from before)
returning `+bundleColumns, tenantID, string(c), live).Query(into.scanIfAny)
}

func orNothingBefore(u Bundle, c prompt.Channel, err error) error {
	if err == nil && u.ID == 0 {
		return fault.New(fault.Conflict, "there is nothing to go back to: on channel %q another version is live by now, or none was live before this one; the versions tell live_since, and any of them can be published again", c)
	}
	return err
}

// Published is a bundle that has gone live.
type Published struct {
	Bundle
	Replaced []string // the keys of the inherited sections that its own stand in the place of
}

const replacedSQL = `
select distinct s.section_key collate "C" from prompt_bundles b join prompt_sections s on s.bundle_id = b.id
 where b.tenant_id is null and b.status = 'PRODUCTION' and ($1 = 'any' or b.channel in ('any', $1)) and s.section_key = any ($2::text[])
 order by 1`

// PublishPrompt makes sections the tenant's live prompt for a channel, or for any, as its next version, in one transaction. One
// round trip.
func (t *Tenant) PublishPrompt(ctx context.Context, c prompt.Channel, name string, sections []prompt.Section) (made Published, err error) {
	id := t.id()
	keys := make([]string, len(sections))
	for i, s := range sections {
		keys[i] = s.Key
	}
	err = t.change(ctx, "publishing the prompt", func(b *pgx.Batch) {
		queuePublish(b, &id, c, name, sections, &made.Bundle)
		b.Queue(replacedSQL, string(c), keys).Query(func(rows pgx.Rows) (err error) {
			made.Replaced, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	})
	return made, err
}

// queuePublish makes a bundle and puts it in the place of the one in production; tenantID nil is every tenant's.
func queuePublish(b *pgx.Batch, tenantID *int64, c prompt.Channel, name string, sections []prompt.Section, made *Bundle) {
	queueMake(b, tenantID, c, name, sections, made)
	b.Queue(`update prompt_bundles set status = 'draft' where `+whose(tenantID)+` and channel = $2 and status = 'PRODUCTION'`, tenantID, string(c))
	b.Queue(`update prompt_bundles set status = 'PRODUCTION', published_at = now() where id = (`+newestBundleSQL(tenantID)+`)
		returning `+bundleColumns, tenantID, string(c)).QueryRow(made.scan)
}

// queueMake makes a draft; tenantID nil is every tenant's.
func queueMake(b *pgx.Batch, tenantID *int64, c prompt.Channel, name string, sections []prompt.Section, made *Bundle) {
	b.Queue(lockBundlesSQL, tenantID)
	b.Queue(`insert into prompt_bundles (tenant_id, channel, name, version, status)
		select $1, $2, $3, coalesce(max(version), 0) + 1, 'draft' from prompt_bundles where `+whose(tenantID)+` and channel = $2
		returning `+bundleColumns, tenantID, string(c), name).QueryRow(made.scan)
	queueSections(b, newestBundleSQL(tenantID), tenantID, string(c), sections)
}

// lockBundlesSQL lets one at a time count versions and change which is live.
const lockBundlesSQL = `select pg_advisory_xact_lock(hashtextextended('prompt_bundles:' || coalesce($1::bigint, 0), 0))`

// whose is the condition for the bundles of the tenant in $1, or for every tenant's where that is null.
func whose(tenantID *int64) string {
	if tenantID == nil {
		return `$1::bigint is null and tenant_id is null`
	}
	return `tenant_id = $1::bigint`
}

// newestBundleSQL is the bundle of the channel in $2 that the transaction has just made.
func newestBundleSQL(tenantID *int64) string {
	return `select id from prompt_bundles where ` + whose(tenantID) + ` and channel = $2 order by version desc limit 1`
}

// queueSections adds sections to the bundle that bundleSQL finds by the tenant in $1 and by $2, if it finds one.
func queueSections(b *pgx.Batch, bundleSQL string, tenantID *int64, by any, sections []prompt.Section) {
	keys, contents, orders := make([]string, len(sections)), make([]string, len(sections)), make([]int, len(sections))
	for i, s := range sections {
		keys[i], contents[i], orders[i] = s.Key, s.Content, s.Position
	}
	b.Queue(`insert into prompt_sections (bundle_id, section_key, content, sort_order)
		select b.id, s.key, s.content, s.sort_order
		  from (`+bundleSQL+`) b, unnest($3::text[], $4::text[], $5::int[]) s (key, content, sort_order)`, tenantID, by, keys, contents, orders)
}
