package migrations_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/migrations"
)

// firstExpandOnly is the first step that runs beside code that serves.
const firstExpandOnly = "00023"

func TestMigrations_TakeNothingFromTheCodeThatServes(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.FS, "0*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file < firstExpandOnly {
			continue
		}
		content, err := migrations.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range contractions(string(content)) {
			t.Errorf("%s: %s", file, wrong)
		}
	}
}

// contraction is what a step may not do, but to what it makes itself.
type contraction struct {
	what     string
	is       *regexp.Regexp // of a statement without what stands in parentheses
	harmless *regexp.Regexp // what makes it no contraction; nil for nothing
}

func rule(what, is, harmless string) contraction {
	c := contraction{what: what, is: regexp.MustCompile(is)}
	if harmless != "" {
		c.harmless = regexp.MustCompile(harmless)
	}
	return c
}

var rules = []contraction{
	rule("takes something away", `^drop (?:table|function|procedure|view|type|domain|schema|sequence|index|role)\b`, ""),
	rule("takes a column or a key away", `^alter table .*\bdrop (?:column\b|constraint (?:if exists )?\w+_(?:key|pkey|excl)\b)`, ""),
	rule("takes a column away", `^alter table \S+ drop (?:if exists )?\w+$`, `\bdrop constraint\b`),
	rule("renames", `^alter .*\b(?:rename|set schema)\b`, ""),
	rule("changes a column's type", `^alter table .*\balter (?:column )?\w+ (?:set data )?type\b`, ""),
	rule("takes a default away", `^alter table .*\balter (?:column )?\w+ drop (?:default|identity|expression)\b`, ""),
	rule("asks old code for a value", `^alter table .*\bset not null\b`, ""),
	rule("asks old code for the value of a new column", `^alter table \S+ add (?:column )?(?:if not exists )?\w+ .*\bnot null\b`, `\b(?:default|generated)\b|\badd constraint\b`),
	rule("forbids rows that old code writes", `^alter table .*\badd (?:constraint \w+ )?(?:check|foreign key|unique|primary key|exclude)\b`, `\bnot valid$`),
	rule("forbids rows that old code writes", `^create unique index\b`, ""),
	rule("takes a right away", `^revoke\b`, `\bfrom public$|^revoke create on schema\b`),
	rule("takes rows away", `^(?:truncate|delete from)\b`, ""),
}

var (
	upPart   = regexp.MustCompile(`(?s)-- \+goose Up\n(.*?)(?:-- \+goose Down|$)`)
	makes    = regexp.MustCompile(`^create (?:or replace )?(?:table|function|type|view) (?:if not exists )?([a-z_0-9.]+)|\badd (?:column )?(?:if not exists )?([a-z_0-9]+) |\bdrop constraint (?:if exists )?([a-z_0-9]+)`)
	subject  = regexp.MustCompile(`^(?:alter|drop) [a-z]+ (?:if exists |only )*([a-z_0-9.]+)|^create unique index .*? on (?:only )?([a-z_0-9.]+)|^revoke .*? on (?:function |table )?([a-z_0-9.]+)`)
	replaced = regexp.MustCompile(`\badd constraint ([a-z_0-9]+)`)
	inBlock  = regexp.MustCompile(`(?s)^do \$\w*\$(.*)\$\w*\$$`)
	leads    = regexp.MustCompile(`^.*\b(?:begin|then|else|loop) `)
	dynamic  = regexp.MustCompile(`^execute (?:format\()?'([^']*)'`)
	word     = regexp.MustCompile(`[a-z_0-9]+`)
)

// contractions lists what the Up part of a step does that the code before it cannot bear, as far as its statements tell. A constraint
// may take the place of one of its name, and forbid what it likes of a new column.
func contractions(step string) []string {
	up := upPart.FindStringSubmatch(step)
	if up == nil {
		return []string{"it has no Up part"}
	}
	all, own := statements(up[1]), map[string]bool{}
	for _, s := range all {
		for _, m := range makes.FindAllStringSubmatch(outside(s), -1) {
			own[m[1]+m[2]+m[3]] = true
		}
	}
	for _, keyword := range []string{"", "constraint", "check", "foreign", "unique", "primary", "exclude", "column"} {
		delete(own, keyword)
	}
	var wrong []string
	for _, s := range all {
		for _, c := range rules {
			if c.is.MatchString(outside(s)) && (c.harmless == nil || !c.harmless.MatchString(outside(s))) && !concerns(s, own) {
				wrong = append(wrong, fmt.Sprintf("it %s: %s", c.what, s))
			}
		}
	}
	return wrong
}

// concerns reports whether a statement is about what the step makes: its table or function, the constraint that it replaces, or a new
// column that its constraint or index names.
func concerns(s string, own map[string]bool) bool {
	if m := subject.FindStringSubmatch(s); m != nil && own[m[1]+m[2]+m[3]] {
		return true
	}
	if m := replaced.FindStringSubmatch(s); m != nil && own[m[1]] {
		return true
	}
	if strings.HasSuffix(s, " unique (tenant_id, id)") { // the id alone is the key
		return true
	}
	constrains := strings.Contains(s, " add constraint ") || strings.HasPrefix(s, "create unique index ")
	return constrains && slices.ContainsFunc(word.FindAllString(s, -1), func(w string) bool { return own[w] })
}

// statements are those of SQL, in lower case and on one line. An alter table of several parts is as many statements, a do block is its
// own, and what a function does when it is called is none.
func statements(sql string) []string {
	var all []string
	inBody := false
	for _, s := range split(sql, ';') {
		s = strings.ToLower(strings.Join(strings.Fields(s), " "))
		ends := s == "end"
		switch block := inBlock.FindStringSubmatch(s); {
		case inBody || s == "":
		case block != nil:
			for _, inner := range statements(block[1]) {
				inner = leads.ReplaceAllString(inner, "")
				if m := dynamic.FindStringSubmatch(inner); m != nil {
					inner = m[1]
				}
				all = append(all, inner)
			}
		case strings.HasPrefix(s, "alter table "):
			all = append(all, alterations(s)...)
		default:
			all = append(all, s)
		}
		inBody = !ends && (inBody || strings.Contains(s, " begin atomic "))
	}
	return all
}

var altered = regexp.MustCompile(`^alter table (?:if exists |only )*\S+ `)

func alterations(s string) []string {
	head := altered.FindString(s)
	var all []string
	for _, part := range split(strings.TrimPrefix(s, head), ',') {
		all = append(all, head+strings.TrimSpace(part))
	}
	return all
}

// outside is a statement without what stands in parentheses.
func outside(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

var quoted = regexp.MustCompile(`(?s)^(?:'(?:[^']|'')*'|--[^\n]*|\$\w*\$)`)

// split cuts SQL where a character stands that is in no quotes, comment or parentheses, and leaves comments out.
func split(sql string, at byte) []string {
	parts, depth := []string{""}, 0
	for len(sql) > 0 {
		piece := quoted.FindString(sql)
		if strings.HasPrefix(piece, "$") {
			if _, after, closed := strings.Cut(sql[len(piece):], piece); closed {
				piece = sql[:len(sql)-len(after)]
			}
		}
		switch {
		case strings.HasPrefix(piece, "--"):
			sql = sql[len(piece):]
			continue
		case piece != "":
		case sql[0] == at && depth == 0:
			parts, sql = append(parts, ""), sql[1:]
			continue
		default:
			piece = sql[:1]
			depth += strings.Count(piece, "(") - strings.Count(piece, ")")
		}
		parts[len(parts)-1] += piece
		sql = sql[len(piece):]
	}
	return parts
}

func TestMigrations_AContractionIsNoticed(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		"drop table leads",
		"DROP TABLE IF EXISTS leads",
		"alter table leads drop column name",
		"alter table leads drop name",
		"alter table leads add column a text, drop column name",
		"alter table leads drop constraint leads_tenant_id_id_key",
		"drop function route_call(text[])",
		"drop index leads_by_phone",
		"alter table leads rename to customers",
		"alter table leads rename column name to full_name",
		"alter function route_call(text[]) rename to route",
		"alter table leads alter column id type text",
		"alter table leads alter id set data type text",
		"alter table leads alter column status drop default",
		"alter table leads alter column name set not null",
		"alter table leads add column age integer not null",
		"alter table leads add age integer check (age > 0) not null",
		"alter table leads\n    add column a text not null default '',\n    add column b text not null",
		"alter table leads add constraint leads_named check (name <> '')",
		"alter table leads add unique (tenant_id, phone)",
		"alter table leads add constraint leads_of foreign key (tenant_id) references tenants",
		"create unique index leads_phone on leads (tenant_id, phone)",
		"revoke select on leads from chattercheatah_app",
		"delete from leads where name = ''",
		"truncate leads",
		"do $$ begin if true then drop table leads; end if; end $$",
		"do $$ begin execute 'alter table leads drop column name'; end $$",
	} {
		step := "-- +goose Up\n-- what it is for; why\ncreate table fresh (id bigint);\n" + statement + ";\n-- +goose Down\n"
		if wrong := contractions(step); len(wrong) == 0 {
			t.Errorf("this was taken: %s", statement)
		}
	}
}

func TestMigrations_AnExpansionIsTaken(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"a new table": `create table fresh (id bigint not null check (id > 0), unique (id)); alter table fresh add constraint c check (id < 9);
			create unique index fresh_id on fresh (id); alter table fresh enable row level security; alter table fresh force row level security`,
		"a new column":         `alter table leads add column a text, add column b text not null default '', add column c integer check (c is not null or c > 0)`,
		"a rule of new ones":   `alter table leads add column a text; alter table leads add constraint leads_a check (a <> ''); create unique index leads_a on leads (tenant_id, a)`,
		"a key for others":     `alter table leads add constraint leads_tenant_id_id_key unique (tenant_id, id)`,
		"a wider rule":         `alter table leads drop constraint leads_status_check; alter table leads add constraint leads_status_check check (status in ('new', 'old'))`,
		"a rule for later":     `alter table leads add constraint leads_named check (name <> '') not valid`,
		"a function":           `create function f(a bigint) returns void language sql begin atomic delete from leads where id = a; truncate leads; end; revoke all on function f(bigint) from public`,
		"a function in quotes": `create or replace function f() returns void language plpgsql as $f$ begin drop table leads; alter table leads drop column name; end $f$`,
		"words":                `comment on table leads is 'drop table leads; -- no'; insert into settings values ('; drop table leads'); -- drop table leads;`,
		"owner":                `grant create on schema public to chattercheatah_router; alter function f(text) owner to chattercheatah_router; revoke create on schema public from chattercheatah_router`,
		"an index and a role":  `create index leads_phone on leads (phone); do $$ begin if not exists (select from pg_roles where rolname = 'x') then create role x; end if; end $$`,
	} {
		if wrong := contractions("-- +goose Up\n" + step + ";\n-- +goose Down\ndrop table leads;\n"); len(wrong) > 0 {
			t.Errorf("%s was refused: %v", name, wrong)
		}
	}
}
