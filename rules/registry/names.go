package registry

import "slices"

// FeatureNames are the features that registrations are for, sorted.
func (s *Snapshot) FeatureNames() []string { return slices.Clone(s.features) }

// ScopeNames are the names of the scopes that are, were or will be retired, as
// registered, sorted.
func (s *Snapshot) ScopeNames() []string {
	names := make([]string, len(s.retirements))
	for i := range s.retirements {
		names[i] = s.retirements[i].name
	}
	return names
}
