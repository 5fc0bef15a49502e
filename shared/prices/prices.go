// Package prices is the list of what is paid for: docs/cost.md is worked out from it, and what a tenant's use costs.
package prices

import (
	_ "embed"
	"fmt"

	"github.com/goccy/go-yaml"
)

//go:embed prices.yaml
var list []byte

// Price is what something costs, in US dollars.
type Price struct {
	Price float64 `yaml:"price"` // of Per of them
	Per   float64 `yaml:"per"`
	Of    string  `yaml:"of"`
	From  string  `yaml:"from"` // the page that says so
}

// Each is the price of one.
func (p Price) Each() float64 { return p.Price / p.Per }

// List is every price, by name.
func List() (map[string]Price, error) {
	var all map[string]Price
	if err := yaml.UnmarshalWithOptions(list, &all, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the price list: %w", err)
	}
	return all, nil
}
