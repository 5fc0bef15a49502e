// Package ephemeraltest is a local Firestore, as much of it as package ephemeral and its callers use: documents, field masks,
// preconditions, transforms and optimistic transactions, over the real protocol. Used by the local server and by tests.
package ephemeraltest

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Server is a running stand-in.
type Server struct {
	pb.UnimplementedFirestoreServer

	grpc *grpc.Server
	addr string

	mu           sync.Mutex
	docs         map[string]*pb.Document
	transactions map[string]map[string]*timestamppb.Timestamp // what each has read, and of when; nil for absent
	last         time.Time
}

// Start listens on addr, such as 127.0.0.1:0.
func Start(addr string) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		grpc: grpc.NewServer(), addr: l.Addr().String(), docs: map[string]*pb.Document{},
		transactions: map[string]map[string]*timestamppb.Timestamp{},
	}
	pb.RegisterFirestoreServer(s.grpc, s)
	go func() { _ = s.grpc.Serve(l) }()
	return s, nil
}

// New starts a stand-in for a test and stops it at its end.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Addr is where the official client reaches it, host:port.
func (s *Server) Addr() string { return s.addr }

// Stop ends it.
func (s *Server) Stop() { s.grpc.Stop() }

// Names lists the documents that there are.
func (s *Server) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range maps.Keys(s.docs) {
		names = append(names, name)
	}
	return names
}

// tick is the time of a change: whole microseconds, as Firestore's are, and never the same twice.
func (s *Server) tick() *timestamppb.Timestamp {
	now := time.Now().Truncate(time.Microsecond)
	if !now.After(s.last) {
		now = s.last.Add(time.Microsecond)
	}
	s.last = now
	return timestamppb.New(now)
}

// BeginTransaction begins an optimistic transaction.
func (s *Server) BeginTransaction(context.Context, *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pb.BeginTransactionResponse{Transaction: s.begin()}, nil
}

func (s *Server) begin() []byte {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	s.transactions[string(id)] = map[string]*timestamppb.Timestamp{}
	return id
}

// Rollback ends a transaction without its writes.
func (s *Server) Rollback(_ context.Context, in *pb.RollbackRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.transactions, string(in.GetTransaction()))
	return &emptypb.Empty{}, nil
}

// BatchGetDocuments reads documents, in a transaction when one is named.
func (s *Server) BatchGetDocuments(in *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer) error {
	s.mu.Lock()
	var answers []*pb.BatchGetDocumentsResponse
	id := in.GetTransaction()
	if in.GetNewTransaction() != nil {
		id = s.begin()
		answers = append(answers, &pb.BatchGetDocumentsResponse{Transaction: id, ReadTime: s.tick()})
	}
	seen, known := s.transactions[string(id)]
	if len(id) > 0 && !known {
		s.mu.Unlock()
		return status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
	}
	for _, name := range in.GetDocuments() {
		doc := s.docs[name]
		if seen != nil {
			seen[name] = doc.GetUpdateTime()
		}
		answer := &pb.BatchGetDocumentsResponse{ReadTime: s.tick(), Result: &pb.BatchGetDocumentsResponse_Missing{Missing: name}}
		if doc != nil {
			answer.Result = &pb.BatchGetDocumentsResponse_Found{Found: proto.Clone(doc).(*pb.Document)}
		}
		answers = append(answers, answer)
	}
	s.mu.Unlock()
	for _, a := range answers {
		if err := stream.Send(a); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// Commit applies writes, all or none. A transaction that has read what has changed since is Aborted.
func (s *Server) Commit(_ context.Context, in *pb.CommitRequest) (*pb.CommitResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := string(in.GetTransaction()); id != "" {
		seen, known := s.transactions[id]
		delete(s.transactions, id)
		if !known {
			return nil, status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
		}
		for name, at := range seen {
			if !proto.Equal(s.docs[name].GetUpdateTime(), at) {
				return nil, status.Error(codes.Aborted, "The transaction has been aborted because of contention; try again.")
			}
		}
	}
	next, now := maps.Clone(s.docs), s.tick()
	answer := &pb.CommitResponse{CommitTime: now}
	for _, w := range in.GetWrites() {
		result, err := apply(next, w, now)
		if err != nil {
			return nil, err
		}
		answer.WriteResults = append(answer.WriteResults, result)
	}
	s.docs = next
	return answer, nil
}
