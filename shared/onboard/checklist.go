package onboard

import (
	"context"
	"fmt"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// Item is one line of the runbook's checklist.
type Item struct {
	Title string `json:"title"`
	Done  bool   `json:"done"`
	Next  string `json:"next"` // what to do about it; "" when done
}

// Checklist tells how far a tenant is provisioned. admin is a global admin.
func Checklist(ctx context.Context, admin *api.Client, tenantID int64) ([]Item, error) {
	var list struct {
		Items []Item `json:"items"`
	}
	err := admin.Call(ctx, http.MethodGet, fmt.Sprintf("/admin/tenants/%d/onboarding", tenantID), nil, &list)
	return list.Items, err
}
