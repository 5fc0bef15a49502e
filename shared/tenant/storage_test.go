package tenant_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

func TestStoragePath_IsUnderTheTenantsFolder(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"gs://media/tenants/1042/":                             nil,
		"gs://media/tenants/1042/recordings/call-7.mp3":        {"recordings", "call-7.mp3"},
		"gs://media/tenants/1042/..hidden/Grüße (1).pdf":       {"..hidden", "Grüße (1).pdf"},
		"gs://media/tenants/1042/pat+swim@exampleco.test/a..b": {"pat+swim@exampleco.test", "a..b"},
	} {
		if got, err := tenant.ByTask(1042).StoragePath("media", parts...); err != nil || got != want {
			t.Errorf("StoragePath(%q) = %q, %v; want %q", parts, got, err, want)
		}
	}
}

func TestStoragePath_RefusesWhateverWouldLeaveIt(t *testing.T) {
	t.Parallel()
	for _, part := range []string{
		"", ".", "..", "...", " ", " ..", ".. ", "../2048", "a/b", "/etc", "a/", `..\2048`, `\`, "%2e%2e", "..%2f2048", "%252e", "%5c", "a\x00b", "a\nb", "a\x7f",
		"\u2025", "．．", "／", "∕2048", "a\u202eb", "\ufeff", "\xff", "\xc0\xaf", "*", "a?b", "a#1", "[a]", "{a}", "a:b", "~/", strings.Repeat("x", 1024),
	} {
		for _, parts := range [][]string{{part}, {"ok", part}, {part, "ok"}} {
			got, err := tenant.ByTask(1042).StoragePath("media", parts...)
			if got != "" || fault.KindOf(err) != fault.Invalid {
				t.Errorf("StoragePath(%q) = %q, %v; want invalid", parts, got, err)
			}
		}
	}
	for _, bucket := range []string{"", "a", "media/tenants/2048", "..", "Media", "media ", "gs://media", "media\n", "-media", strings.Repeat("x", 64)} {
		if got, err := tenant.ByTask(1042).StoragePath(bucket, "a"); got != "" || fault.KindOf(err) != fault.Invalid {
			t.Errorf("in bucket %q: %q, %v; want invalid", bucket, got, err)
		}
	}
	if got, err := (tenant.Scope{}).StoragePath("media", "a"); got != "" || err == nil {
		t.Errorf("nobody's path is %q", got)
	}
}

// TestStoragePath_NoReaderOfItLeavesTheFolder: whatever is given, an address that comes out stays where it is when it is unescaped,
// as often as one likes, and its dots are worked out.
func TestStoragePath_NoReaderOfItLeavesTheFolder(t *testing.T) {
	t.Parallel()
	part := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z./\\% 2eEfF5cC]{0,12}`), rapid.SampledFrom([]string{"..", ".", "", "%2e%2e", "a"}))
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int64Min(1).Draw(t, "tenant")
		parts := rapid.SliceOfN(part, 1, 4).Draw(t, "parts")
		got, err := tenant.ByTask(tenant.ID(id)).StoragePath("media", parts...)
		if err != nil {
			return
		}
		folder := "gs://media/tenants/" + tenant.ID(id).String() + "/"
		object, ours := strings.CutPrefix(got, folder)
		if !ours || strings.Count(object, "/") != len(parts)-1 {
			t.Fatalf("StoragePath(%q) = %q", parts, got)
		}
		for range 3 {
			unescaped, err := url.PathUnescape(object)
			if err != nil {
				t.Fatalf("%q cannot be unescaped: %v", object, err)
			}
			object = unescaped
		}
		if clean := path.Clean("/folder/" + object); clean != "/folder/"+object {
			t.Fatalf("%q is read as %q", got, clean)
		}
	})
}
