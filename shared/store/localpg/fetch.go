package localpg

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// The package on npm that carries the server programs. "beta" names the packaging; the server is the release.
const (
	npmVersion = "17.10.0-beta.17"
	npmScope   = "@embedded-postgres/"
)

// knownDigests pins what has been checked by hand; for other platforms npm's own record is asked.
var knownDigests = map[string]string{
	"linux-x64": "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
}

func platform() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return runtime.GOOS + "-" + arch
}

// fetched returns the programs from the cache, fetching them with npm the first time.
func fetched(ctx context.Context) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "postgres-"+npmVersion+"-"+platform())
	bin := filepath.Join(home, "native", "bin")
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	if err := fetch(ctx, cache, home); err != nil {
		return "", fmt.Errorf("%w\n(%w)", errNoPostgres, err)
	}
	return bin, nil
}

// fetch packs, checks and unpacks into a directory beside home, and renames it into place: another process sees all or
// nothing.
func fetch(ctx context.Context, cache, home string) error {
	work, err := os.MkdirTemp(cache, "fetch")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	fmt.Fprintln(os.Stderr, "fetching Postgres", npmVersion, "once, with npm")
	name := npmScope + platform() + "@" + npmVersion
	want, err := digest(ctx, name)
	if err != nil {
		return err
	}
	pack := exec.CommandContext(ctx, "npm", "pack", "--silent", name)
	pack.Dir = work
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack %s: %w %s", name, err, out)
	}
	archives, _ := filepath.Glob(filepath.Join(work, "*.tgz"))
	if len(archives) != 1 {
		return errors.New("npm pack made no archive")
	}
	if err := unpack(archives[0], want, work); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "package")
	if err := link(unpacked); err != nil {
		return err
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	if err := os.Rename(unpacked, home); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func digest(ctx context.Context, name string) (string, error) {
	if known := knownDigests[platform()]; known != "" {
		return known, nil
	}
	out, err := exec.CommandContext(ctx, "npm", "view", name, "dist.integrity").Output()
	if err != nil {
		return "", fmt.Errorf("npm view %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// unpack checks the archive's digest before it believes any of it.
func unpack(archive, want, into string) error {
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	sum := sha512.Sum512(content)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("the archive's digest is %s, not %s", got, want)
	}
	zipped, err := gzip.NewReader(strings.NewReader(string(content)))
	if err != nil {
		return err
	}
	entries := tar.NewReader(zipped)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := extract(entry, entries, into); err != nil {
			return err
		}
	}
}

func extract(entry *tar.Header, content io.Reader, into string) error {
	if !filepath.IsLocal(entry.Name) {
		return fmt.Errorf("the archive names a place outside of it: %s", entry.Name)
	}
	if entry.Typeflag != tar.TypeReg {
		return nil
	}
	path := filepath.Join(into, entry.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, copyErr := io.Copy(file, content)
	return errors.Join(copyErr, file.Close())
}

// link makes the symbolic links that the archive cannot carry and lists instead; without them the server finds no libraries.
func link(unpacked string) error {
	content, err := os.ReadFile(filepath.Join(unpacked, "native", "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(content, &links); err != nil {
		return err
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return fmt.Errorf("the archive links outside of itself: %s", l.Target)
		}
		target := filepath.Join(unpacked, l.Target)
		_ = os.Remove(target)
		relative, err := filepath.Rel(filepath.Dir(target), filepath.Join(unpacked, l.Source))
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, target); err != nil {
			return err
		}
	}
	return nil
}
