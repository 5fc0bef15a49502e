package prompt

import (
	"cmp"
	"slices"
)

// ChangeKind is what became of a section between two versions.
type ChangeKind string

// The kinds of change. A section whose content changed is Changed, wherever it stands.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	Moved   ChangeKind = "moved"
)

// Change is one section's difference between two versions.
type Change struct {
	Key           string
	Kind          ChangeKind
	Before, After *Section // nil where there is none
}

// Diff lists how the sections after differ from those before, in order of key. Sections that are equal in content and position are
// left out, whatever bundle they stand in.
func Diff(before, after []Section) []Change {
	var all []Change
	gone := map[string]*Section{}
	for i := range before {
		gone[before[i].Key] = &before[i]
	}
	for i := range after {
		now := &after[i]
		was := gone[now.Key]
		delete(gone, now.Key)
		if kind := kindOf(was, now); kind != "" {
			all = append(all, Change{now.Key, kind, was, now})
		}
	}
	for key, was := range gone {
		all = append(all, Change{key, Removed, was, nil})
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

func kindOf(was, now *Section) ChangeKind {
	switch {
	case was == nil:
		return Added
	case was.Content != now.Content:
		return Changed
	case was.Position != now.Position:
		return Moved
	default:
		return ""
	}
}
