package telnyx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// SentQuery describes a text whose answer was lost.
type SentQuery struct {
	From, To      private.Phone
	WebhookURL    string // unique to the text
	After, Before time.Time
}

var errDetailRecords = errors.New("telnyx: the detail records could not be read")

// maxPages bounds one search; a tenant's texts of a few minutes are far fewer.
const maxPages = 10

// FindSent looks a text up in Telnyx's messaging detail records (GET /v2/detail_records, record type messaging), where each
// carries the report address that it was sent with. found is false only when Telnyx has answered and has no such record;
// fault.Unavailable when it could not be asked.
func (c *Client) FindSent(ctx context.Context, key private.Secret, q SentQuery) (id string, found bool, err error) {
	for page := 1; page <= maxPages; page++ {
		records, pages, err := c.records(ctx, key, q, page)
		if err != nil {
			return "", false, err
		}
		for _, r := range records {
			if r.Direction == "outbound" && r.To == q.To.E164() && r.From == q.From.E164() && r.WebhookURL == q.WebhookURL && r.ID != "" {
				return r.ID, true, nil
			}
		}
		if page >= pages {
			return "", false, nil
		}
	}
	return "", false, fault.Wrap(fault.Unavailable, fmt.Errorf("%w: more than %d pages", errDetailRecords, maxPages), "")
}

type detailRecord struct {
	ID         string `json:"uuid"`
	Direction  string `json:"direction"`
	From       string `json:"cli"`
	To         string `json:"cld"`
	WebhookURL string `json:"delivery_status_webhook_url"`
}

func (c *Client) records(ctx context.Context, key private.Secret, q SentQuery, page int) ([]detailRecord, int, error) {
	query := url.Values{
		"filter[record_type]": {"messaging"}, "filter[direction]": {"outbound"}, "filter[cli]": {q.From.E164()}, "filter[cld]": {q.To.E164()},
		"filter[created_at][gte]": {q.After.UTC().Format(time.RFC3339)}, "filter[created_at][lt]": {q.Before.UTC().Format(time.RFC3339)},
		"page[number]": {strconv.Itoa(page)}, "page[size]": {"50"}, "sort": {"-created_at"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v2/detail_records?"+query.Encode(), nil)
	if err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, errDetailRecords, "")
	}
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	response, err := c.http.Do(r)
	if err != nil {
		return nil, 0, fault.Wrap(fault.Unavailable, errDetailRecords, "")
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data *[]detailRecord `json:"data"`
		Meta struct {
			TotalPages int `json:"total_pages"`
		} `json:"meta"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer)
	if response.StatusCode != http.StatusOK || err != nil || answer.Data == nil {
		return nil, 0, fault.Wrap(fault.Unavailable, fmt.Errorf("%w: status %d", errDetailRecords, response.StatusCode), "")
	}
	return *answer.Data, answer.Meta.TotalPages, nil
}
