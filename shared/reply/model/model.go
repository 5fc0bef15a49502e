// Package model has Gemini write the answers of package reply. It is imported by workers and by what tries a prompt out: whoever
// links it links the model's client.
package model

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Gemini has client answer. Its errors are those of client.Generate.
func Gemini(client *gemini.Client) reply.Model { return model{client} }

type model struct{ client *gemini.Client }

// maxTokens is room for five segments in any script.
const maxTokens = 700

// Answer asks for the answer to the last turn.
func (m model) Answer(ctx context.Context, system private.Text, turns []reply.Turn) (private.Text, store.Spent, error) {
	request := gemini.Request{System: system, MaxTokens: maxTokens}
	for _, t := range turns {
		request.Turns = append(request.Turns, gemini.Turn{FromModel: !t.FromCustomer, Text: t.Text})
	}
	answer, err := m.client.Generate(ctx, request)
	httpx.Note(ctx, answer.LogAttrs()...)
	return answer.Text, store.Spent{Model: answer.Model, PromptTokens: answer.PromptTokens, OutputTokens: answer.AnswerTokens}, err
}
