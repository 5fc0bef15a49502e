package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/staging"
)

// Labels of a service.
const (
	sourceLabel   = "source-digest"   // of what was uploaded, and of how it is built
	settingsLabel = "settings-digest" // of everything else that was set
)

// baseImage is the run time that functions are built for and that Google keeps patched.
const baseImage = "go126"

// wanted is what a deployment is to be: flags of gcloud.
type wanted struct {
	build    []string // what gcloud run deploy alone can set
	settings []string // what gcloud run services update can set too
	labels   map[string]string
}

// want works out what a deployment is to be from its staged folder, its function.yaml and the secret `deployments`.
func (p *platform) want(ctx context.Context, d deployment.Deployment) (wanted, error) {
	source, err := staging.Digest(filepath.Join(p.root, "staged", d.Name))
	if err != nil {
		return wanted{}, fmt.Errorf("%s is not staged; run make stage FN=%s: %w", d.Name, d.Name, err)
	}
	versions, err := p.versions(ctx, d.Name)
	if err != nil {
		return wanted{}, fmt.Errorf("%s: %w", d.Name, err)
	}
	w := wanted{build: buildFlags(d, p.settings.Project)}
	if w.settings, err = settingsFlags(d, p.settings, versions); err != nil {
		return wanted{}, fmt.Errorf("%s: %w", d.Name, err)
	}
	w.labels = map[string]string{sourceLabel: digest(append(w.build, source)), settingsLabel: digest(w.settings)}
	return w, nil
}

// versions are a deployment's secrets at the version that is the latest now: a new one is a change of its settings, and what a revision reads
// does not change under it.
func (p *platform) versions(ctx context.Context, name string) (map[string]string, error) {
	versions := map[string]string{}
	for setting, secret := range p.settings.Deployments[name].Secrets {
		out, err := p.call(ctx, "secrets", "versions", "describe", "latest", "--secret="+secret, "--format=value(name)", "--project="+p.settings.Project)
		if err != nil {
			return nil, fmt.Errorf("%s has no version to read: %w", secret, err)
		}
		versions[setting] = secret + ":" + path.Base(strings.TrimSpace(string(out)))
	}
	return versions, nil
}

// buildFlags are the source and how it is built: as the account that deploys, whose rights Terraform gives.
func buildFlags(d deployment.Deployment, project string) []string {
	access := "--no-allow-unauthenticated"
	if d.Public {
		access = "--allow-unauthenticated"
	}
	return []string{
		"--source=" + filepath.Join("staged", d.Name), "--function=" + d.Entry, "--base-image=" + baseImage,
		"--update-build-env-vars=GOOGLE_GOLDFLAGS=-s -w", access,
		fmt.Sprintf("--build-service-account=projects/%[1]s/serviceAccounts/deployer@%[1]s.iam.gserviceaccount.com", project),
	}
}

// settingsFlags are the resources, the account, the settings and the secrets. The processor is throttled between requests, because
// no function works then. Instances that wait are counted for the service and not for each revision, because a tagged revision
// without traffic would keep its own.
func settingsFlags(d deployment.Deployment, s settings, versions map[string]string) ([]string, error) {
	id := s.Deployments[d.Name]
	values := maps.Clone(id.Env)
	if values == nil {
		values = map[string]string{}
	}
	values["CLOUD_RUN_TIMEOUT_SECONDS"] = strconv.Itoa(d.TimeoutSeconds)
	if d.DatabaseConnections > 0 {
		values["DATABASE_CONNECTIONS"] = strconv.Itoa(d.DatabaseConnections)
	}
	list, err := delimited(values)
	if err != nil {
		return nil, err
	}
	flags := []string{
		"--service-account=" + id.ServiceAccount, "--ingress=" + d.Ingress, fmt.Sprintf("--cpu=%v", d.CPU), "--memory=" + d.Memory,
		fmt.Sprintf("--concurrency=%d", d.Concurrency), fmt.Sprintf("--min=%d", d.MinInstances), fmt.Sprintf("--max-instances=%d", d.MaxInstances),
		fmt.Sprintf("--timeout=%d", d.TimeoutSeconds), "--cpu-boost", "--cpu-throttling",
		"--startup-probe=httpGet.path=/health,httpGet.port=8080,periodSeconds=1,timeoutSeconds=1,failureThreshold=30",
		"--update-env-vars=" + list,
	}
	if len(versions) > 0 {
		flags = append(flags, "--update-secrets="+join(versions, ","))
	}
	if s.CloudSQLInstance != "" && d.DatabaseConnections > 0 {
		flags = append(flags, "--add-cloudsql-instances="+s.CloudSQLInstance)
	}
	return flags, nil
}

// delimited is a list for gcloud, with a delimiter that no value holds.
func delimited(values map[string]string) (string, error) {
	for _, delimiter := range []string{"|", ";", "~", "!", "@"} {
		if !strings.Contains(join(values, ""), delimiter) {
			return "^" + delimiter + "^" + join(values, delimiter), nil
		}
	}
	return "", errors.New("its settings hold every delimiter that could stand between them: | ; ~ ! @")
}

// digest is half a SHA-256, which fits a label.
func digest(of []string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	return hex.EncodeToString(sum[:16])
}
