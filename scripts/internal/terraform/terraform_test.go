package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/scripts/internal/terraform"
)

const root = "../../.."

func newTerraform(t *testing.T) (tf *terraform.Terraform, dir string) {
	t.Helper()
	dir = t.TempDir()
	tf, err := terraform.New(t.Context(), root, dir)
	if err != nil {
		t.Skip("skipped: " + err.Error())
	}
	return tf, dir
}

func TestInfra_IsFormattedAndValidAndItsOwnTestsPass(t *testing.T) {
	t.Parallel()
	tf, _ := newTerraform(t)
	for _, args := range [][]string{{"fmt", "-check", "-recursive", "-diff"}, {"validate"}} {
		if out, err := tf.Run(t.Context(), args...); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	out, err := tf.Run(t.Context(), "test")
	if err != nil || !strings.Contains(out, "Success! ") || strings.Contains(out, "Success! 0 passed") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInfra_ASettingThatNothingIsKnownOfFailsThePlan(t *testing.T) {
	t.Parallel()
	tf, dir := newTerraform(t)
	file := filepath.Join(dir, "functions", "users", "function.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "settings: [", "settings: [NOT_HEARD_OF, ", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tf.Plan(t.Context()); err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), "no value for: NOT_HEARD_OF.") {
		t.Errorf("the plan of an unknown setting: %v", err)
	}
}
