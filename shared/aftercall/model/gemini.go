// Package model has Gemini read calls for package aftercall. It is imported by workers alone: whoever links it links the model's client.
package model

import (
	"context"

	"github.com/chattercheatah/chattercheatah/shared/aftercall"
	"github.com/chattercheatah/chattercheatah/shared/gemini"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Gemini has client read. Its errors are those of client.Generate.
func Gemini(client *gemini.Client) aftercall.Model { return model{client} }

type model struct{ client *gemini.Client }

// maxTokens is far above a summary, a name and an address.
const maxTokens = 1000

// Read asks for what the schema describes.
func (m model) Read(ctx context.Context, instructions, conversation private.Text, schema map[string]any) (private.Text, store.Spent, error) {
	answer, err := m.client.Generate(ctx, gemini.Request{System: instructions, Turns: []gemini.Turn{{Text: conversation}}, MaxTokens: maxTokens, Schema: schema})
	httpx.Note(ctx, answer.LogAttrs()...)
	return answer.Text, store.Spent{Model: answer.Model, PromptTokens: answer.PromptTokens, OutputTokens: answer.AnswerTokens}, err
}
