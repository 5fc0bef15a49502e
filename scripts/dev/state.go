package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// state is what the local system keeps over restarts, beside its database: keys that nobody else knows.
type state struct {
	dir string

	TelnyxSeed []byte // of the fake Telnyx's signing key
	JWTKey     []byte
	FieldKey   []byte
}

// stateDir is where the local system keeps its things. Postgres does not run as root, so root's must not lie in root's home.
func stateDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/tmp/chattercheatah", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place to keep the local database: %w", err)
	}
	return filepath.Join(cache, "chattercheatah"), nil
}

// openState reads the keys, or makes them at the first start.
func openState() (*state, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &state{dir: dir}
	file := filepath.Join(dir, "keys.json")
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.make(file)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, s); err != nil {
		return nil, fmt.Errorf("%s cannot be read; remove it and the database beside it: %w", file, err)
	}
	return s, nil
}

func (s *state) make(file string) error {
	s.TelnyxSeed, s.JWTKey, s.FieldKey = random(), random(), random()
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

func random() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
}

func (s *state) telnyxKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.TelnyxSeed) }

func encoded(key []byte) string { return base64.StdEncoding.EncodeToString(key) }
