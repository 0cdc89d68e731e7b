package daemon

import (
	"fmt"
	"regexp"
	"strings"
)

// variable is ${NAME}, the escape $${, or a ${ that begins neither.
var variable = regexp.MustCompile(`\$\$\{|\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$\{`)

// expand replaces ${NAME} by the value of NAME, and $${ by ${. A dollar sign
// without a brace stands for itself. What is put in is not expanded again.
func expand(s string, env func(string) (string, bool)) (string, error) {
	var problem error
	out := variable.ReplaceAllStringFunc(s, func(v string) string {
		switch {
		case v == "$${":
			return "${"
		case v == "${":
			if problem == nil {
				problem = fmt.Errorf("${ begins no variable: write ${NAME}, or $${ for the characters ${")
			}
			return v
		}
		name := strings.TrimSuffix(strings.TrimPrefix(v, "${"), "}")
		value, ok := env(name)
		if !ok && problem == nil {
			problem = fmt.Errorf("environment variable %s is not set", name)
		}
		return value
	})
	return out, problem
}
