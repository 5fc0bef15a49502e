// Command floor is what the inbound text is measured against: the least that a program must do to take a signed webhook and
// keep it. It is the bare functions framework with the clients of telnyx-sms linked; it verifies the same signature and makes
// one row with pgx, through a pool of the same size, and remembers nothing else. With CLOUD_TASKS_QUEUE set it puts a task
// for each webhook too. Started by bench only.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

const (
	maxBody = 256 << 10
	wait    = 3 * time.Second
)

func main() {
	var keys telnyx.PublicKeys
	must(keys.UnmarshalText([]byte(os.Getenv("TELNYX_PUBLIC_KEY"))))
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	must(err)
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	must(err)
	put := func(context.Context) error { return nil }
	if os.Getenv("CLOUD_TASKS_QUEUE") != "" {
		config, err := boot.Settings[task.Config](boot.OSEnvironment())
		must(err)
		queue := task.NewQueue(config)
		put = func(ctx context.Context) error {
			return queue.Put(ctx, task.Task{Path: "/floor", At: time.Now().Add(wait)})
		}
	}
	functions.HTTP("Floor", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // bench asks whether it is there
			return
		}
		body, err := httpx.Body(r, maxBody)
		if err == nil {
			err = telnyx.Verify(keys, r.Header, body, time.Now())
		}
		if err == nil {
			_, err = pool.Exec(r.Context(), `insert into floor_texts (content) values ($1)`, string(body))
		}
		if err == nil {
			err = put(r.Context())
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	must(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}
