// Command create-base-prompt publishes the prompt that every tenant inherits, in the database of DATABASE_URL, and takes one back.
//
//	create-base-prompt             publish the built-in one where none is live: once for each environment
//	create-base-prompt FILE        publish FILE as the next version; where it is live already nothing is changed
//	create-base-prompt -list       list the versions
//	create-base-prompt -roll-back  publish again what was live before
//
// A FILE is YAML: name, sections with section_key, content and order, and channel where it is for one alone. -channel says of which one
// -roll-back is, and is any where it is left out. What is published reaches every tenant with the next text.
package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/chattercheatah/chattercheatah/scripts/internal/seed"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

//go:embed main.go
var source string

var (
	list     = flag.Bool("list", false, "list the versions")
	rollBack = flag.Bool("roll-back", false, "publish again what was live before")
	channel  = flag.String("channel", string(prompt.Any), "any, sms, voice or email")
)

var channels = []prompt.Channel{prompt.Any, prompt.SMS, prompt.Voice, prompt.Email}

func main() {
	usage.Parse(source)
	if err := seed.Run(boot.OSEnvironment(), run); err != nil {
		fmt.Fprintf(os.Stderr, "create-base-prompt:\n%v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, _ struct{}, s *store.Store) error {
	o := s.Operator().By(store.ByCommand("create-base-prompt"))
	switch {
	case *list && flag.NArg() == 0:
		return printVersions(ctx, o)
	case *rollBack && flag.NArg() == 0:
		return takeBack(ctx, o, prompt.Channel(*channel))
	case flag.NArg() == 1 && !*list && !*rollBack:
		return publishFile(ctx, o, flag.Arg(0))
	case flag.NArg() == 0:
		return publishBuiltIn(ctx, s)
	default:
		return errors.New("name one file, or -list, or -roll-back; -h explains")
	}
}

func publishBuiltIn(ctx context.Context, s *store.Store) error {
	made, err := seed.BasePrompt(ctx, s)
	switch {
	case err != nil:
		return err
	case made:
		fmt.Println("published the global base prompt")
	default:
		fmt.Println("a global prompt is live already; nothing was changed")
	}
	return nil
}

func printVersions(ctx context.Context, o *store.Operator) error {
	versions, err := o.GlobalPrompts(ctx)
	for _, v := range versions {
		live := ""
		if v.Status == store.Production {
			live = "live since " + v.LiveSince.UTC().Format(time.RFC3339)
		}
		fmt.Printf("%-6s version %-4d %-40q %s\n", v.Channel, v.Version, v.Name, live)
	}
	return err
}

func takeBack(ctx context.Context, o *store.Operator, c prompt.Channel) error {
	if !slices.Contains(channels, c) {
		return errors.New("-channel is any, sms, voice or email")
	}
	now, err := o.RollBackGlobalPrompt(ctx, c)
	if err == nil {
		fmt.Printf("version %d of channel %s is live again\n", now.Version, now.Channel)
	}
	return err
}

// file is a global prompt as a FILE holds it.
type file struct {
	Name     string         `yaml:"name"`
	Channel  prompt.Channel `yaml:"channel"`
	Sections []struct {
		Key     string `yaml:"section_key"`
		Content string `yaml:"content"`
		Order   int    `yaml:"order"`
	} `yaml:"sections"`
}

func read(name string) (f file, sections []prompt.Section, err error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return f, nil, err
	}
	if err := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict()).Decode(&f); err != nil {
		return f, nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, s := range f.Sections {
		sections = append(sections, prompt.Section{Key: s.Key, Content: strings.TrimSpace(s.Content), Position: s.Order})
	}
	f.Channel = cmp.Or(f.Channel, prompt.Any)
	switch {
	case strings.TrimSpace(f.Name) == "" || len(sections) == 0:
		return f, nil, fmt.Errorf("%s: a name and one section at least are needed", name)
	case !slices.Contains(channels, f.Channel):
		return f, nil, fmt.Errorf("%s: channel is any, sms, voice or email", name)
	}
	if err := prompt.Validate(sections); err != nil {
		return f, nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, sections, nil
}

func publishFile(ctx context.Context, o *store.Operator, name string) error {
	f, sections, err := read(name)
	if err != nil {
		return err
	}
	versions, err := o.GlobalPrompts(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Status == store.Production && v.Channel == f.Channel && len(prompt.Diff(v.Sections, sections)) == 0 {
			fmt.Printf("this is live already, as version %d; nothing was changed\n", v.Version)
			return nil
		}
	}
	made, err := o.PublishGlobalPrompt(ctx, f.Channel, f.Name, sections)
	if err == nil {
		fmt.Printf("version %d of channel %s is live\n", made.Version, made.Channel)
	}
	return err
}
