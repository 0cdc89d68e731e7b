package deploy

// Files returns the generated files by their path below deploy.
func Files() (map[string][]byte, error) {
	rules, err := DefaultRules().Render()
	if err != nil {
		return nil, err
	}
	overview, err := Overview().JSON()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"prometheus/sunsetwatch.rules.yml": rules,
		"grafana/overview.json":            overview,
		"metrics.md":                       MetricsPage(),
	}, nil
}
