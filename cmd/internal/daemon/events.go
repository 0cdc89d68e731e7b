package daemon

import (
	"strings"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/document"
)

// events is the section events. Each field is compiled by itself before all are
// together, so that a problem is reported at the field that has it.
func (r *configReader) events(section document.Value) (codec.Mapping, *codec.Compiled) {
	var all codec.Mapping
	m, _ := section.Mapping()
	good := true
	try := func(at document.Place, part codec.Mapping) bool {
		_, err := codec.Compile(part)
		if err != nil {
			at.Errorf("%s", oneLine(err))
			good = false
		}
		return err == nil
	}
	fields, given := m.Value("fields").Mapping()
	if given {
		all.Fields = map[string]codec.Rule{}
	}
	fields.Entries(func(name string, v document.Value) {
		if anyPath := (codec.Rule{Path: "a"}); !try(v.KeyPlace(), codec.Mapping{Fields: map[string]codec.Rule{name: anyPath}}) {
			return // there is no such field
		}
		rule, ok := r.rule(v)
		if !ok {
			good = false
			return
		}
		all.Fields[name] = rule
		try(v.Place(), codec.Mapping{Fields: map[string]codec.Rule{name: rule}})
	})
	if v := m.Value("explode"); v.Given() {
		if s, ok := r.text(v); ok {
			all.Explode = s
			try(v.Place(), codec.Mapping{Explode: s})
		}
	}
	if v := m.Value("time_format"); v.Given() {
		if s, ok := r.text(v); ok {
			all.TimeFormat = s
			try(v.Place(), codec.Mapping{TimeFormat: s})
		}
	}
	m.Done()
	if !good {
		return all, nil
	}
	compiled, err := codec.Compile(all)
	if err != nil {
		section.Errorf("events: %s", oneLine(err))
	}
	return all, compiled
}

// rule is a path, or a mapping that says more.
func (r *configReader) rule(v document.Value) (codec.Rule, bool) {
	if !v.IsMapping() {
		s, ok := r.text(v)
		if !ok && !v.Given() {
			v.Errorf("%s is empty: write a path, or leave it out for its native name", v.Label())
		}
		return codec.Rule{Path: s}, ok
	}
	m, _ := v.Mapping()
	ok := true
	text := func(key string) string {
		v := m.Value(key)
		if !v.Given() {
			return ""
		}
		s, good := r.text(v)
		ok = ok && good
		return s
	}
	rule := codec.Rule{
		Path:    text("path"),
		Default: text("default"),
		Present: text("present"),
		Absent:  text("absent"),
		Const:   text("const"),
	}
	if values, given := m.Value("values").Mapping(); given {
		rule.Values = map[string]string{}
		values.Entries(func(from string, to document.Value) {
			s, good := r.text(to)
			if !good && !to.Given() {
				to.Errorf("%s is empty: write the word that it stands for", to.Label())
			}
			ok = ok && good
			rule.Values[from] = s
		})
	}
	m.Done()
	return rule, ok
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
