package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

// The names of the local Pub/Sub.
const (
	localTopic   = "projects/local/topics/gmail-push"
	localPusher  = "pubsub@local.iam.gserviceaccount.com"
	subscription = "projects/local/subscriptions/gmail-push"
)

// startPubSub starts the stand-in of Pub/Sub, with the topic that Gmail publishes to and a subscription that is pushed to us, as the stand-in
// itself does not push.
func (s *stack) startPubSub() error {
	server := pstest.NewServer()
	s.stops = append(s.stops, func() { _ = server.Close() })
	s.env["PUBSUB_EMULATOR_HOST"] = server.Addr
	ctx, cancel := context.WithCancel(context.Background())
	client, err := pubsub.NewClient(ctx, "local", option.WithEndpoint(server.Addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		cancel()
		return fmt.Errorf("reaching the local Pub/Sub: %w", err)
	}
	s.stops = append(s.stops, func() { cancel(); _ = client.Close() })
	if _, err := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: localTopic}); err != nil {
		return fmt.Errorf("making the local Pub/Sub topic: %w", err)
	}
	if _, err := client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{Name: subscription, Topic: localTopic}); err != nil {
		return fmt.Errorf("making the local Pub/Sub subscription: %w", err)
	}
	s.publish = func(address string, historyID uint64) {
		client.Publisher(localTopic).Publish(ctx, &pubsub.Message{Data: announced(address, historyID)})
	}
	go func() { _ = client.Subscriber(subscription).Receive(ctx, s.push) }()
	return nil
}

// push delivers a message as Pub/Sub does: what is answered with 200 is done, and anything else comes again.
func (s *stack) push(ctx context.Context, m *pubsub.Message) {
	if pushed(ctx, s.tasks, s.base, s.env["PUBSUB_SERVICE_ACCOUNT"], m) {
		m.Ack()
	} else {
		m.Nack()
	}
}

// pushed posts a message to the system at base with a token of account, none when signer is nil, and reports whether it was acknowledged.
func pushed(ctx context.Context, signer *tasktest.Server, base, account string, m *pubsub.Message) bool {
	body, _ := json.Marshal(map[string]any{
		"message": map[string]any{
			"data": base64.StdEncoding.EncodeToString(m.Data), "messageId": m.ID, "message_id": m.ID,
			"publishTime": m.PublishTime.Format(time.RFC3339Nano), "publish_time": m.PublishTime.Format(time.RFC3339Nano),
		},
		"subscription": subscription,
	})
	address := base + "/api/v1/email/pubsub"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	if signer != nil {
		request.Header.Set("Authorization", "Bearer "+signer.Token(address, account))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// announced is what Gmail publishes of a mailbox: the history id is a number, as Gmail writes it.
func announced(address string, historyID uint64) []byte {
	data, _ := json.Marshal(map[string]any{"emailAddress": address, "historyId": historyID})
	return data
}
