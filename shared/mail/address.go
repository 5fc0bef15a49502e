package mail

import (
	"strings"

	"github.com/jhillyerd/enmime/v2"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// maxAddresses is how many addresses of one field are read.
const maxAddresses = 100

// addresses reads a field of addresses, as far as it can be read. One that cannot be written to has an empty Email.
func addresses(field string) []Address {
	if field == "" {
		return nil
	}
	list, err := enmime.ParseAddressList(field)
	if err != nil {
		return loose(field)
	}
	all := make([]Address, 0, len(list))
	for _, a := range list[:min(len(list), maxAddresses)] {
		all = append(all, Address{Name: cut(decodeWords(a.Name), maxSubject), Email: bare(a.Address)})
	}
	return all
}

// loose reads what the grammar refuses: what stands in angle brackets is an address and what stands before it is its name; without any, each
// word with an at sign is one, and without those all of it is a name.
func loose(field string) []Address {
	var all []Address
	for rest := field; len(all) < maxAddresses; {
		name, after, found := strings.Cut(rest, "<")
		if !found {
			break
		}
		email, next, _ := strings.Cut(after, ">")
		name = strings.Trim(decodeWords(strings.TrimLeft(name, " ,;")), `"' `)
		all, rest = append(all, Address{Name: cut(name, maxSubject), Email: bare(email)}), next
	}
	if len(all) > 0 {
		return all
	}
	for _, token := range strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune(" \t,;()\"", r) }) {
		if email := bare(token); email != "" && len(all) < maxAddresses {
			all = append(all, Address{Email: email})
		}
	}
	if len(all) == 0 {
		all = append(all, Address{Name: cut(decodeWords(field), maxSubject)})
	}
	return all
}

// bare is the address in lower case when it can be written to: one address, with a domain that has a dot; else "".
func bare(s string) string {
	email, err := private.ParseEmail(strings.TrimPrefix(strings.TrimSpace(s), "mailto:"))
	if err != nil {
		return ""
	}
	local, domain, _ := strings.Cut(email, "@")
	if local == "" || !strings.Contains(domain, ".") || strings.HasPrefix(domain, "[") || clean(email) != email {
		return ""
	}
	return strings.ToLower(email)
}

// emails are the addresses of a field that can be written to.
func emails(values []string) []string {
	var all []string
	for _, value := range values {
		for _, a := range addresses(value) {
			if a.Email != "" && len(all) < maxAddresses {
				all = append(all, a.Email)
			}
		}
	}
	return all
}

// ids are the message ids of a field, with their angle brackets; malformed ones are left out.
func ids(field string) []string {
	var all []string
	for rest := field; ; {
		_, after, found := strings.Cut(rest, "<")
		if !found {
			break
		}
		id, next, closed := strings.Cut(after, ">")
		if !closed {
			break
		}
		if id = "<" + id + ">"; validID(id) {
			all = append(all, id)
			rest = next
		} else {
			rest = after // of "<a <b@c>" the second is one
		}
	}
	if len(all) > maxReferences { // the first and the last ones say most
		all = append(all[:1:1], all[len(all)-maxReferences+1:]...)
	}
	return all
}

const (
	maxReferences = 50  // message ids that are kept of a thread
	maxID         = 250 // bytes of a message id
)

// validID reports whether id is <left@right> in printable ASCII.
func validID(id string) bool {
	if len(id) < 5 || len(id) > maxID || id[0] != '<' || id[len(id)-1] != '>' {
		return false
	}
	inner := id[1 : len(id)-1]
	for _, c := range []byte(inner) {
		if c <= ' ' || c > '~' || c == '<' || c == '>' {
			return false
		}
	}
	at := strings.LastIndexByte(inner, '@')
	return at > 0 && at < len(inner)-1
}

func firstID(field string) string {
	if all := ids(field); len(all) > 0 {
		return all[0]
	}
	return ""
}
