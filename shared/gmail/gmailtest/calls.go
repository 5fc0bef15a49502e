package gmailtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func (s *Server) profile(w http.ResponseWriter, in request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	googletest.Say(w, http.StatusOK, map[string]any{
		"emailAddress": in.box.address, "messagesTotal": len(in.box.messages), "threadsTotal": len(in.box.messages), "historyId": decimal(in.box.historyID),
	})
}

// watchLife is how long notices come.
const watchLife = 7 * 24 * time.Hour

var topicName = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)

func (s *Server) watch(w http.ResponseWriter, in request) {
	var asked struct {
		TopicName           string
		LabelIDs            []string
		LabelFilterBehavior string
	}
	err := json.NewDecoder(in.Body).Decode(&asked)
	switch {
	case err != nil || !topicName.MatchString(asked.TopicName):
		s.refuse(w, http.StatusBadRequest, "invalidArgument", "a watch with no topic projects/P/topics/T")
		return
	case !slices.Equal(asked.LabelIDs, []string{"INBOX"}) || !strings.EqualFold(asked.LabelFilterBehavior, "include"):
		s.refuse(w, http.StatusBadRequest, "invalidArgument", "a watch of more than the inbox, which announces what we do ourselves")
		return
	}
	ends := s.Now().Add(watchLife)
	s.mu.Lock()
	b := in.box
	b.topic, b.watchEnds = asked.TopicName, ends
	n := notice{b.topic, b.address, b.historyID}
	s.mu.Unlock()
	s.tell(n)
	googletest.Say(w, http.StatusOK, map[string]string{"historyId": decimal(n.historyID), "expiration": strconv.FormatInt(ends.UnixMilli(), 10)})
}

func (s *Server) stop(w http.ResponseWriter, in request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.box.topic, in.box.watchEnds = "", time.Time{}
	w.WriteHeader(http.StatusNoContent)
}

// page cuts what is listed into pages. The token is the place where one begins.
func (s *Server) page(in request, n int) (from, to int, next string, ok bool) {
	q := in.URL.Query()
	size := s.pageSize
	if asked := q.Get("maxResults"); asked != "" {
		most, err := strconv.Atoi(asked)
		if err != nil || most < 1 || most > 500 {
			return 0, 0, "", false
		}
		size = min(size, most)
	}
	if token := q.Get("pageToken"); token != "" {
		at, err := strconv.Atoi(strings.TrimPrefix(token, "from-"))
		if err != nil || at < 0 || at > n {
			return 0, 0, "", false
		}
		from = at
	}
	if to = min(from+size, n); to < n {
		next = fmt.Sprint("from-", to)
	}
	return from, to, next, true
}

func (s *Server) history(w http.ResponseWriter, in request) {
	q := in.URL.Query()
	start, err := strconv.ParseUint(q.Get("startHistoryId"), 10, 64)
	if !s.known(w, in, "startHistoryId", "historyTypes", "labelId", "maxResults", "pageToken") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []record
	for _, r := range in.box.records {
		if r.id > start && (!q.Has("labelId") || slices.Contains(r.labels, q.Get("labelId"))) {
			found = append(found, r)
		}
	}
	from, to, next, ok := s.page(in, len(found))
	switch {
	case err != nil || !ok || !slices.Equal(q["historyTypes"], []string{"messageAdded"}):
		s.refuse(w, http.StatusBadRequest, "invalidArgument", "a history from nowhere, of everything or in pages of no size")
		return
	case start < in.box.oldest:
		googletest.Fail(w, http.StatusNotFound, "notFound")
		return
	}
	answer := map[string]any{"historyId": decimal(in.box.historyID)}
	if next != "" {
		answer["nextPageToken"] = next
	}
	var records []map[string]any
	for _, r := range found[from:to] {
		records = append(records, map[string]any{
			"id": decimal(r.id), "messages": []map[string]string{{"id": r.message, "threadId": r.thread}},
			"messagesAdded": []map[string]any{{"message": map[string]any{"id": r.message, "threadId": r.thread, "labelIds": r.labels}}},
		})
	}
	if len(records) > 0 {
		answer["history"] = records
	}
	googletest.Say(w, http.StatusOK, answer)
}

func (s *Server) list(w http.ResponseWriter, in request) {
	q := in.URL.Query()
	if !s.known(w, in, "labelIds", "q", "maxResults", "pageToken", "includeSpamTrash") {
		return
	}
	search, err := searchFor(q.Get("q"), s.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []map[string]string
	for _, m := range slices.Backward(in.box.messages) {
		hidden := q.Get("includeSpamTrash") != "true" && (slices.Contains(m.Labels, "SPAM") || slices.Contains(m.Labels, "TRASH"))
		labelled := !slices.ContainsFunc(q["labelIds"], func(l string) bool { return !slices.Contains(m.Labels, l) })
		if err == nil && !hidden && labelled && search(m) {
			found = append(found, map[string]string{"id": m.ID, "threadId": m.ThreadID})
		}
	}
	from, to, next, ok := s.page(in, len(found))
	if err != nil || !ok {
		s.refuse(w, http.StatusBadRequest, "invalidArgument", fmt.Sprintf("a list that the fake does not know: %v", err))
		return
	}
	answer := map[string]any{"resultSizeEstimate": len(found)}
	if next != "" {
		answer["nextPageToken"] = next
	}
	if to > from {
		answer["messages"] = found[from:to]
	}
	googletest.Say(w, http.StatusOK, answer)
}

var days = regexp.MustCompile(`^([1-9][0-9]*)d$`)

// searchFor reads the part of Gmail's search language that is used: rfc822msgid, newer_than days, after and before as Unix times, by spaces.
func searchFor(q string, now time.Time) (func(*message) bool, error) {
	var all []func(*message) bool
	for _, term := range strings.Fields(q) {
		name, value, _ := strings.Cut(term, ":")
		n, err := strconv.ParseInt(value, 10, 64)
		newer := days.FindStringSubmatch(value)
		switch {
		case name == "rfc822msgid" && value != "":
			all = append(all, func(m *message) bool { return strings.Trim(m.messageID, "<>") == strings.Trim(value, "<>") })
		case name == "newer_than" && newer != nil:
			count, _ := strconv.Atoi(newer[1])
			all = append(all, func(m *message) bool { return m.Received.After(now.AddDate(0, 0, -count)) })
		case name == "after" && err == nil:
			all = append(all, func(m *message) bool { return m.Received.Unix() > n })
		case name == "before" && err == nil:
			all = append(all, func(m *message) bool { return m.Received.Unix() < n })
		default:
			return nil, fmt.Errorf("a search for %q", name)
		}
	}
	return func(m *message) bool {
		return !slices.ContainsFunc(all, func(fits func(*message) bool) bool { return !fits(m) })
	}, nil
}

// get answers as a stream, in the order of Google's fields: a mail may be large.
func (s *Server) get(w http.ResponseWriter, in request) {
	if !s.known(w, in, "format") {
		return
	}
	s.mu.Lock()
	m := in.box.find(in.id)
	var shown message
	if m != nil {
		shown = *m
	}
	s.mu.Unlock()
	switch {
	case in.URL.Query().Get("format") != "raw":
		s.refuse(w, http.StatusBadRequest, "invalidArgument", "a message in another format than raw, which the fake does not know")
		return
	case m == nil:
		googletest.Fail(w, http.StatusNotFound, "notFound")
		return
	}
	labels, _ := json.Marshal(shown.Labels)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = fmt.Fprintf(w, `{"id":%q,"threadId":%q,"labelIds":%s,"snippet":"Invented by the fake \u2026","sizeEstimate":%d,"raw":"`,
		shown.ID, shown.ThreadID, labels, len(shown.Raw))
	encoder := base64.NewEncoder(base64.URLEncoding, w)
	_, _ = encoder.Write(shown.Raw)
	_ = encoder.Close()
	_, _ = io.WriteString(w, fmt.Sprintf(`","historyId":%q,"internalDate":"%d"}`, decimal(shown.historyID), shown.Received.UnixMilli()))
}
