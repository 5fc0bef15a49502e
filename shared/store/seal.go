package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Keyring seals the columns that hold credentials: AES-256-GCM, bound to the tenant and the column, so that a sealed value
// moved to another row or column does not open. Its first key seals; all of its keys open, which is how keys are rotated.
type Keyring struct {
	primitive tink.AEAD
	first     uint32 // the id of the key that seals
}

// sealingKeySize is that of AES-256.
const sealingKeySize = 32

var errSealingKeys = errors.New("FIELD_ENCRYPTION_KEY must be one or several keys of 32 bytes in base64, comma separated; make one with: openssl rand -base64 32")

// ParseKeyring reads FIELD_ENCRYPTION_KEY. An empty setting gives a keyring that neither seals nor opens: without a key
// nothing is stored.
func ParseKeyring(setting private.Secret) (*Keyring, error) {
	if setting.IsZero() {
		return &Keyring{}, nil
	}
	manager, ring := keyset.NewManager(), &Keyring{}
	for i, encoded := range strings.Split(setting.Reveal(), ",") {
		raw, err := decodeKey(strings.TrimSpace(encoded))
		if err != nil {
			return nil, err
		}
		id, err := addKey(manager, raw)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if err := manager.SetPrimary(id); err != nil {
				return nil, errSealingKeys
			}
			ring.first = id
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, errSealingKeys
	}
	if ring.primitive, err = aead.New(handle); err != nil {
		return nil, errSealingKeys
	}
	return ring, nil
}

// decodeKey takes either base64 alphabet, padded or not.
func decodeKey(s string) ([]byte, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	raw, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(raw) != sealingKeySize {
		return nil, errSealingKeys
	}
	return raw, nil
}

// addKey gives a key the id that its own bytes determine, so that a value sealed today names the same key tomorrow.
func addKey(manager *keyset.Manager, raw []byte) (uint32, error) {
	parameters, err := aesgcm.NewParameters(aesgcm.ParametersOpts{KeySizeInBytes: sealingKeySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink})
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(raw)
	id := max(binary.BigEndian.Uint32(sum[:4]), 1)
	key, err := aesgcm.NewKey(secretdata.NewBytesFromData(raw, insecuresecretdataaccess.Token{}), id, parameters)
	if err != nil {
		return 0, errSealingKeys
	}
	if _, err := manager.AddKey(key); err != nil {
		return 0, errSealingKeys
	}
	return id, nil
}

var errNoSealingKey = errors.New("FIELD_ENCRYPTION_KEY is not set: credentials can be neither stored nor read")

// Seal encrypts a credential for one column of one tenant, named as in "tenant_sms_configs.telnyx_api_key".
func (k *Keyring) Seal(plain private.Secret, tenantID int64, column string) ([]byte, error) {
	if k.primitive == nil {
		return nil, errNoSealingKey
	}
	sealed, err := k.primitive.Encrypt([]byte(plain.Reveal()), boundTo(tenantID, column))
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", column, err)
	}
	return sealed, nil
}

// sealsLike reports whether the key that seals now has sealed this: tink writes a 1 and the key's id in front.
func (k *Keyring) sealsLike(sealed []byte) bool {
	return len(sealed) > 5 && sealed[0] == 1 && binary.BigEndian.Uint32(sealed[1:5]) == k.first
}

// Open decrypts what Seal made for the same tenant and column. Anything else is an error.
func (k *Keyring) Open(sealed []byte, tenantID int64, column string) (private.Secret, error) {
	if k.primitive == nil {
		return private.Secret{}, errNoSealingKey
	}
	plain, err := k.primitive.Decrypt(sealed, boundTo(tenantID, column))
	if err != nil {
		return private.Secret{}, fmt.Errorf("opening %s of tenant %d: it was sealed with a key that FIELD_ENCRYPTION_KEY no longer holds, or altered", column, tenantID)
	}
	return private.NewSecret(string(plain)), nil
}

// String gives nothing away.
func (k *Keyring) String() string { return "[keyring]" }

// GoString gives nothing away.
func (k *Keyring) GoString() string { return "[keyring]" }

func boundTo(tenantID int64, column string) []byte {
	return fmt.Appendf(nil, "tenant:%d:%s", tenantID, column)
}
