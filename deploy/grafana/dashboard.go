// Package grafana writes dashboards in Grafana's classic JSON, as far as the
// dashboards of deploy need it: variables, annotations, and panels on a grid. It
// knows Prometheus as the only data source. Its types are plain values: safe for
// concurrent use as long as nobody changes them.
package grafana

import "encoding/json"

// A Dashboard is one page. Its UID is fixed, so that links to it and updates of it
// find it again.
type Dashboard struct {
	UID         string
	Title       string
	Description string
	Tags        []string
	Variables   []Variable
	Annotations []Annotation
	Panels      []Panel
}

// A Variable is a choice at the top of the page, of the values of one label.
type Variable struct {
	Name  string
	Label string // what people read
	Query string // for example label_values(metric, label)
}

// An Annotation draws a vertical line at the time that is the value of a series.
type Annotation struct {
	Name  string
	Expr  string
	Title string // for example {{partner}}
	Color string
}

// A Panel is one picture. Panels are laid out in rows from left to right; a row
// ends where the next panel does not fit.
type Panel struct {
	Title         string
	Description   string
	Type          Type
	Width, Height int // on a grid 24 wide
	Unit          string
	NoValue       string // shown instead of nothing
	Targets       []Target
	Thresholds    []Threshold
	Columns       []Column // of a table, in order
	SortBy        string   // title of the column a table is sorted by, greatest first
}

// A Type is the way a panel draws.
type Type string

const (
	Stat       Type = "stat"
	Table      Type = "table"
	Timeseries Type = "timeseries"
)

// A Target is one query of a panel.
type Target struct {
	Expr       string
	Legend     string
	MayBeEmpty bool // no series is a good answer, as when no finding is open
}

// A Threshold colours values from its own on. The first one has the value 0.
type Threshold struct {
	Color string
	Value float64
}

// A Column names one field of a table.
type Column struct {
	Field string // label, or "Value #A" for the value of the first target
	Title string
	Unit  string // empty: as it is
}

const gridWidth = 24

type object = map[string]any

// datasource refers to the variable that chooses among the Prometheus servers.
func datasource() object { return object{"type": "prometheus", "uid": "${datasource}"} }

// JSON returns the dashboard as Grafana imports and provisions it.
func (d Dashboard) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(object{
		"uid":           d.UID,
		"title":         d.Title,
		"description":   d.Description,
		"tags":          d.Tags,
		"editable":      true,
		"graphTooltip":  1,
		"refresh":       "30s",
		"schemaVersion": 39,
		"version":       1,
		"time":          object{"from": "now-24h", "to": "now"},
		"timezone":      "utc",
		"templating":    object{"list": d.variables()},
		"annotations":   object{"list": d.annotations()},
		"panels":        d.panels(),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func (d Dashboard) variables() []object {
	list := []object{{
		"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
		"current": object{}, "hide": 0, "includeAll": false, "multi": false, "options": []object{}, "refresh": 1, "regex": "",
	}}
	for _, v := range d.Variables {
		list = append(list, object{
			"name": v.Name, "label": v.Label, "type": "query", "datasource": datasource(),
			"definition": v.Query, "query": object{"query": v.Query, "refId": "variable"},
			"multi": true, "includeAll": true, "allValue": ".*",
			"current": object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}},
			"hide":    0, "options": []object{}, "refresh": 2, "regex": "", "sort": 1,
		})
	}
	return list
}

func (d Dashboard) annotations() []object {
	list := []object{}
	for _, a := range d.Annotations {
		list = append(list, object{
			"name": a.Name, "datasource": datasource(), "enable": true, "hide": false, "iconColor": a.Color,
			"expr": a.Expr, "titleFormat": a.Title, "step": "60s", "useValueForTime": true,
			"target": object{"expr": a.Expr, "refId": "annotation", "range": true, "instant": false},
		})
	}
	return list
}

func (d Dashboard) panels() []object {
	list := []object{}
	x, y, rowHeight := 0, 0, 0
	for i, p := range d.Panels {
		if x+p.Width > gridWidth {
			x, y, rowHeight = 0, y+rowHeight, 0
		}
		panel := p.object()
		panel["id"] = i + 1
		panel["gridPos"] = object{"x": x, "y": y, "w": p.Width, "h": p.Height}
		list = append(list, panel)
		x, rowHeight = x+p.Width, max(rowHeight, p.Height)
	}
	return list
}

func (p Panel) object() object {
	return object{
		"type":        p.Type,
		"title":       p.Title,
		"description": p.Description,
		"datasource":  datasource(),
		"targets":     p.targets(),
		"fieldConfig": object{
			"defaults":  p.defaults(),
			"overrides": p.overrides(),
		},
		"options":         p.options(),
		"transformations": p.transformations(),
	}
}

func (p Panel) targets() []object {
	list := []object{}
	for i, target := range p.Targets {
		object := object{
			"refId": refID(i), "datasource": datasource(), "editorMode": "code",
			"expr": target.Expr, "legendFormat": target.Legend,
			"instant": p.Type != Timeseries, "range": p.Type == Timeseries,
		}
		if p.Type == Table {
			object["format"] = "table"
		}
		list = append(list, object)
	}
	return list
}

func refID(i int) string { return string(rune('A' + i)) }

func (p Panel) defaults() object {
	steps := []object{}
	for i, threshold := range p.Thresholds {
		step := object{"color": threshold.Color, "value": threshold.Value}
		if i == 0 {
			step["value"] = nil
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		steps = append(steps, object{"color": "green", "value": nil})
	}
	defaults := object{
		"unit": p.Unit, "noValue": p.NoValue,
		"color":      object{"mode": "thresholds"},
		"thresholds": object{"mode": "absolute", "steps": steps},
	}
	if p.Type == Timeseries {
		defaults["color"] = object{"mode": "palette-classic"}
		defaults["min"] = 0
		defaults["custom"] = object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false}
	}
	return defaults
}

func (p Panel) overrides() []object {
	list := []object{}
	for _, column := range p.Columns {
		if column.Unit == "" {
			continue
		}
		list = append(list, object{
			"matcher":    object{"id": "byName", "options": column.Title},
			"properties": []object{{"id": "unit", "value": column.Unit}},
		})
	}
	return list
}

func (p Panel) options() object {
	switch p.Type {
	case Stat:
		return object{
			"colorMode": "background", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		}
	case Table:
		options := object{"showHeader": true, "cellHeight": "sm"}
		if p.SortBy != "" {
			options["sortBy"] = []object{{"displayName": p.SortBy, "desc": true}}
		}
		return options
	default:
		return object{
			"legend":  object{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull"}},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		}
	}
}

// transformations joins the targets of a table by their labels and keeps the named
// columns only.
func (p Panel) transformations() []object {
	if p.Type != Table {
		return []object{}
	}
	names, order, keep := object{}, object{}, []string{}
	for i, column := range p.Columns {
		names[column.Field] = column.Title
		order[column.Field] = i
		keep = append(keep, column.Field)
	}
	return []object{
		{"id": "merge", "options": object{}},
		{"id": "filterFieldsByName", "options": object{"include": object{"names": keep}}},
		{"id": "organize", "options": object{"renameByName": names, "indexByName": order, "excludeByName": object{}}},
	}
}
