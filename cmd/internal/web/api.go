package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// api answers below /api/. It does its own routing, because also what is not
// found or not allowed is answered in JSON there.
func (h *handler) api(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "only GET and HEAD are answered here")
		return
	}
	if h.Restored != nil && !h.Restored() {
		refuse(w, http.StatusServiceUnavailable, "the state is not restored yet; /-/ready answers when it is")
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	switch id, one := strings.CutPrefix(path, "findings/"); {
	case path == "findings":
		h.findings(w, r)
	case one && id != "" && !strings.Contains(id, "/"):
		h.finding(w, r, id)
	case path == "status":
		h.status(w, r)
	default:
		refuse(w, http.StatusNotFound, "no such path; there are /api/v1/findings, /api/v1/findings/ID and /api/v1/status")
	}
}

// answer writes v as JSON, encoded whole before the first byte is sent.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		body, _ = json.Marshal(problem{"encoding the answer: " + err.Error()})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that went away is no error of ours.
	_, _ = w.Write(append(body, '\n'))
}

// problem is every answer of the API that is not a success.
type problem struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, problem{why})
}
