package main

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// gmailTopic is where Gmail publishes in production.
const gmailTopic = "gmail"

// startPubSub starts the stand-in of Pub/Sub and makes the topic that Gmail publishes to.
func (s *stack) startPubSub() error {
	server := pstest.NewServer()
	s.stops = append(s.stops, func() { _ = server.Close() })
	s.env["PUBSUB_EMULATOR_HOST"] = server.Addr
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	client, err := pubsub.NewClient(ctx, s.env["GOOGLE_CLOUD_PROJECT"], option.WithEndpoint(server.Addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return fmt.Errorf("reaching the local Pub/Sub: %w", err)
	}
	defer func() { _ = client.Close() }()
	name := fmt.Sprintf("projects/%s/topics/%s", s.env["GOOGLE_CLOUD_PROJECT"], gmailTopic)
	if _, err := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: name}); err != nil {
		return fmt.Errorf("making the local Pub/Sub topic: %w", err)
	}
	return nil
}
