package reply

import (
	"context"
	"sync"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// maxPrompts bounds how many tenants' prompts an instance keeps; a prompt is some kilobytes.
const maxPrompts = 5_000

// prompts keeps each tenant's live prompt for a worker's channel for as long as it is live: claiming a reply tells which version that is, and only
// another version is read. The zero prompts is ready, and safe for concurrent use.
type prompts struct {
	mu   sync.Mutex
	kept map[tenant.ID]keptPrompt
}

type keptPrompt struct {
	version store.PromptVersion
	bundles []int64
	text    prompt.Text
	allowed Allowed // the addresses in text
}

// of returns the prompt of t for the worker's channel, which is to be version.
func (p *prompts) of(ctx context.Context, t *store.Tenant, c prompt.Channel, version store.PromptVersion) (keptPrompt, error) {
	id := t.Scope().ID()
	p.mu.Lock()
	k, ok := p.kept[id]
	p.mu.Unlock()
	if ok && k.version == version {
		return k, nil
	}
	live, err := t.Prompt(ctx, c) // which may be newer than version, and is kept as what it is
	if err != nil {
		return keptPrompt{}, err
	}
	k = keptPrompt{version: live.Version, bundles: live.Version.Bundles(), text: prompt.Write(live.Merged())}
	k.allowed = AllowedFrom(string(k.text))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= maxPrompts {
		p.kept = map[tenant.ID]keptPrompt{}
	}
	p.kept[id] = k
	return k, nil
}
