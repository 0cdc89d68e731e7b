package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sunsetwatch/rules"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// query is what /api/v1/findings is asked; the zero values of names, and nil, ask
// for all.
type query struct {
	kind, partner, feature string
	state                  *rules.State
	severity               *rules.Severity
	limit, offset          int
}

// parseQuery refuses what it does not know: a misspelt parameter that is passed
// over in silence answers another question.
func parseQuery(raw string) (query, error) {
	q := query{limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("the query cannot be read: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 {
			return q, fmt.Errorf("parameter %s is given %d times", name, len(values[name]))
		}
		if err := q.set(name, values[name][0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *query) set(name, value string) (err error) {
	switch name {
	case "kind":
		q.kind, err = value, knownKind(value)
	case "partner":
		q.partner = value
	case "feature":
		q.feature = value
	case "state":
		q.state, err = wanted(value, rules.ParseState)
	case "severity":
		q.severity, err = wanted(value, rules.ParseSeverity)
	case "limit":
		q.limit, err = number(name, value, 1, maxLimit)
	case "offset":
		q.offset, err = number(name, value, 0, 1<<31-1)
	default:
		err = fmt.Errorf("unknown parameter %q; there are kind, partner, feature, state, severity, limit and offset", name)
	}
	return err
}

// wanted is the value of a word; nil, for all, where it is empty.
func wanted[T any](word string, parse func(string) (T, error)) (*T, error) {
	if word == "" {
		return nil, nil
	}
	v, err := parse(word)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func knownKind(name string) error {
	var known []string
	for _, k := range rules.Kinds() {
		known = append(known, k.Name)
	}
	if name != "" && !slices.Contains(known, name) {
		return fmt.Errorf("kind %q: want one of %s", name, strings.Join(known, ", "))
	}
	return nil
}

func number(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s %q: want a number from %d to %d", name, value, low, high)
	}
	return n, nil
}
