package main

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func key(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

func keyring(t *testing.T, setting string) *store.Keyring {
	t.Helper()
	k, err := store.ParseKeyring(private.NewSecret(setting))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// fill puts a credential into every sealed column of both tenants, and returns the columns: all of type bytea that the database has.
func fill(t *testing.T, db *storetest.DB, with *store.Keyring) (columns []string) {
	t.Helper()
	columns = db.Query(t, `select table_name || '.' || column_name from information_schema.columns where table_schema = 'public' and data_type = 'bytea' order by 1`)
	db.Exec(t, `alter table tenant_email_configs drop constraint tenant_email_configs_whole_mailbox`) // a token without its mailbox will do
	for _, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		for _, id := range []int64{1042, 2048} {
			sealed, err := with.Seal(private.NewSecret("KEY-"+name), id, name)
			if err != nil {
				t.Fatal(err)
			}
			db.Exec(t, `insert into `+table+` (tenant_id) values ($1) on conflict do nothing`, id)
			db.Exec(t, `update `+table+` set `+column+` = $2 where tenant_id = $1`, id, sealed)
		}
	}
	return columns
}

// opened counts the credentials that a keyring opens.
func opened(t *testing.T, db *storetest.DB, columns []string, with *store.Keyring) (n int) {
	t.Helper()
	for _, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		for _, id := range []int64{1042, 2048} {
			sealed, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(db.Query(t, `select encode(`+column+`, 'base64') from `+table+` where tenant_id = $1`, id)[0], "\n", ""))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := with.Open(sealed, id, name); err == nil && plain.Reveal() == "KEY-"+name {
				n++
			}
		}
	}
	return n
}

func TestReseal_AfterItTheOldKeyIsNeededNoLonger(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	columns := fill(t, db, keyring(t, key("o")))
	env := boot.Environment{"DATABASE_URL": db.Owner, "FIELD_ENCRYPTION_KEY": key("n") + "," + key("o")}
	var first, second bytes.Buffer
	if err := run(t.Context(), env, &first); err != nil {
		t.Fatal(err)
	}
	if n := opened(t, db, columns, keyring(t, key("n"))); n != 2*len(columns) || n < 12 {
		t.Errorf("the new key alone opens %d of %d; the columns are %v", n, 2*len(columns), columns)
	}
	if err := run(t.Context(), env, &second); err != nil || !strings.HasPrefix(second.String(), "0 credentials of 2 tenants ") {
		t.Errorf("again: %q, %v; want nothing left", second.String(), err)
	}
	if !strings.HasPrefix(first.String(), "12 credentials of 2 tenants ") {
		t.Errorf("it said %q", first.String())
	}
}

func TestReseal_SaysWhatDoesNotOpenAndDoesTheRest(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	columns := fill(t, db, keyring(t, key("o")))
	lost, err := keyring(t, key("x")).Seal(private.NewSecret("KEY-lost"), 1042, "tenant_sms_configs.telnyx_api_key")
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `update tenant_sms_configs set telnyx_api_key = $1 where tenant_id = 1042`, lost)
	err = run(t.Context(), boot.Environment{"DATABASE_URL": db.Owner, "FIELD_ENCRYPTION_KEY": key("n") + "," + key("o")}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "tenant_sms_configs.telnyx_api_key of tenant 1042") || strings.Contains(err.Error(), "KEY-") {
		t.Errorf("the error is %v", err)
	}
	if n := opened(t, db, columns, keyring(t, key("n"))); n != 2*len(columns)-1 {
		t.Errorf("%d of %d others were sealed again", n, 2*len(columns)-1)
	}
}
