// Package gemini asks Google's model for one answer. It is the only package that imports google.golang.org/genai, and is
// imported by what has it write answers alone: workers, and what tries a prompt out.
package gemini

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/genai"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Config is which model, where, and with whose key.
type Config struct {
	Model           string         `env:"GEMINI_MODEL" envDefault:"gemini-2.5-flash"`
	APIKey          private.Secret `env:"GEMINI_API_KEY"`
	IntegrationsKey private.Secret `env:"AI_INTEGRATIONS_GEMINI_API_KEY"` // wins over APIKey
	BaseURL         string         `env:"GOOGLE_GEMINI_BASE_URL"`         // Google's when empty
}

// Validate names each setting that is missing or malformed.
func (c Config) Validate() error {
	var errs []error
	if c.key().IsZero() {
		errs = append(errs, errors.New("GEMINI_API_KEY (or AI_INTEGRATIONS_GEMINI_API_KEY) is required"))
	}
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http")) {
		errs = append(errs, errors.New("GOOGLE_GEMINI_BASE_URL must be an absolute address"))
	}
	return errors.Join(errs...)
}

func (c Config) key() private.Secret {
	if !c.IntegrationsKey.IsZero() {
		return c.IntegrationsKey
	}
	return c.APIKey
}

// Client asks the model. It makes its connection at the first question.
type Client struct {
	config Config

	tryLimit time.Duration // for one try
	tries    uint
	pause    time.Duration // before the second try; grows

	mu     sync.Mutex
	client *genai.Client
}

// New makes a client; it dials nothing.
func New(c Config) *Client {
	return &Client{config: c, tryLimit: 20 * time.Second, tries: 3, pause: 500 * time.Millisecond}
}

// Turn is one side's words.
type Turn struct {
	FromModel bool
	Text      private.Text
}

// Request is a question: who the model is to be, and the conversation up to the user's last words. Turns that come before
// the user's first are dropped, and neighbours of one side are joined: the API wants a user first and both in turn.
type Request struct {
	System    private.Text
	Turns     []Turn
	MaxTokens int32
	Schema    map[string]any // JSON Schema of the answer, which is JSON then; nil for an answer in words
}

// Answer is what the model wrote.
type Answer struct {
	Text                       private.Text
	Model, ResponseID          string
	PromptTokens, AnswerTokens int
}

// LogAttrs are what the log line of a request says of an answer: what it took.
func (a Answer) LogAttrs() []slog.Attr {
	return []slog.Attr{slog.String("model", a.Model), slog.Int("prompt_tokens", a.PromptTokens), slog.Int("output_tokens", a.AnswerTokens)}
}

// What a question can end in besides an answer and fault.Unavailable.
var (
	ErrBlocked = errors.New("gemini: the question or the answer was blocked")
	ErrEmpty   = errors.New("gemini: the answer is empty")
	ErrRefused = errors.New("gemini: the request was refused; check GEMINI_MODEL and the API key")
)

// Generate asks once and, where that may help, up to twice more within ctx. Errors: ErrBlocked, ErrEmpty, ErrRefused, and
// fault.Unavailable when the model did not answer. None holds the question, the answer or the key.
func (c *Client) Generate(ctx context.Context, in Request) (Answer, error) {
	contents := contentsOf(in.Turns)
	if len(contents) == 0 {
		return Answer{}, ErrEmpty
	}
	client, err := c.dial()
	if err != nil {
		return Answer{}, err
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = c.pause
	return backoff.Retry(ctx, func() (Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, c.tryLimit)
		defer cancel()
		response, err := client.Models.GenerateContent(ctx, c.config.Model, contents, c.generation(in))
		if err != nil {
			return Answer{}, classify(err)
		}
		answer, err := read(response, in.Schema != nil)
		if err != nil {
			return Answer{}, backoff.Permanent(err)
		}
		return answer, nil
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(c.tries), backoff.WithMaxElapsedTime(0))
}

func (c *Client) dial() (*genai.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	client, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: c.config.key().Reveal(), Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: c.config.BaseURL},
	})
	if err != nil {
		return nil, ErrRefused // the library's error prints its configuration, key included
	}
	c.client = client
	return client, nil
}

func (c *Client) generation(in Request) *genai.GenerateContentConfig {
	temperature := float32(0.2)
	g := &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText(in.System.Reveal(), genai.RoleUser),
		Temperature:       &temperature,
		MaxOutputTokens:   in.MaxTokens,
		CandidateCount:    1,
	}
	if in.Schema != nil {
		g.ResponseMIMEType, g.ResponseJsonSchema = "application/json", in.Schema
	}
	if strings.Contains(c.config.Model, "2.5-flash") {
		g.ThinkingConfig = &genai.ThinkingConfig{ThinkingBudget: new(int32)} // a text message waits for the answer
	}
	return g
}

func contentsOf(turns []Turn) []*genai.Content {
	var contents []*genai.Content
	for _, t := range turns {
		role := genai.Role(genai.RoleUser)
		if t.FromModel {
			role = genai.RoleModel
		}
		n := len(contents)
		switch {
		case n == 0 && t.FromModel:
		case n > 0 && contents[n-1].Role == string(role):
			contents[n-1].Parts = append(contents[n-1].Parts, genai.NewPartFromText(t.Text.Reveal()))
		default:
			contents = append(contents, genai.NewContentFromText(t.Text.Reveal(), role))
		}
	}
	return contents
}

// classify says whether another try may help. The library's texts can quote the request, so none is passed on.
func classify(err error) error {
	var api genai.APIError
	if !errors.As(err, &api) {
		return fault.Wrap(fault.Unavailable, errors.New("gemini: no answer"), "")
	}
	switch api.Code {
	case 408, 429, 499, 500, 502, 503, 504:
		err := fault.Wrap(fault.Unavailable, fmt.Errorf("gemini: status %d", api.Code), "")
		if wait := retryDelay(api); wait > 0 {
			return errors.Join(err, backoff.RetryAfter(int(wait.Seconds())))
		}
		return err
	default:
		return backoff.Permanent(fmt.Errorf("%w (status %d)", ErrRefused, api.Code))
	}
}

// longestDelay is the longest that a customer's answer waits for a busy model.
const longestDelay = 20 * time.Second

// retryDelay is how long the API asks to wait (google.rpc.RetryInfo), in whole seconds, rounded up; 0 when it says nothing
// or more than can be waited.
func retryDelay(api genai.APIError) time.Duration {
	for _, detail := range api.Details {
		said, _ := detail["retryDelay"].(string)
		if d, err := time.ParseDuration(said); err == nil && d > 0 && d <= longestDelay {
			return (d + time.Second - 1).Truncate(time.Second)
		}
	}
	return 0
}

// read takes an answer in words that the token limit cut as far as it goes; JSON that was cut is none.
func read(r *genai.GenerateContentResponse, structured bool) (Answer, error) {
	if r == nil || len(r.Candidates) == 0 {
		if r != nil && r.PromptFeedback == nil {
			return Answer{}, ErrEmpty
		}
		return Answer{}, ErrBlocked
	}
	first := r.Candidates[0]
	text := strings.TrimSpace(textOf(first))
	switch first.FinishReason {
	case genai.FinishReasonStop, genai.FinishReasonUnspecified, "":
	case genai.FinishReasonMaxTokens:
		if structured {
			return Answer{}, ErrEmpty
		}
		text = wholeSentences(text)
	default:
		return Answer{}, ErrBlocked
	}
	if text == "" {
		return Answer{}, ErrEmpty
	}
	a := Answer{Text: private.NewText(text), Model: r.ModelVersion, ResponseID: r.ResponseID}
	if u := r.UsageMetadata; u != nil {
		a.PromptTokens, a.AnswerTokens = int(u.PromptTokenCount), int(u.CandidatesTokenCount)
	}
	return a, nil
}

func textOf(c *genai.Candidate) string {
	if c.Content == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range c.Content.Parts {
		if p != nil && !p.Thought {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// wholeSentences drops the sentence that the token limit cut off.
func wholeSentences(text string) string {
	end := strings.LastIndexAny(text, ".!?")
	return strings.TrimSpace(text[:end+1])
}
