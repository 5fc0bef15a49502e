package main

import (
	"context"
	"errors"
)

func crashTest(context.Context, []string) error { return errors.New("not yet") }
