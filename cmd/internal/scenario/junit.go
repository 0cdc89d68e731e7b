package scenario

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The XML that CI systems read as a report of JUnit: a suite is a file, a case is
// a step that expects something.
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		File     string      `xml:"file,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
		Error   *junitFailure `xml:"error"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func junitOf(results []result) *junitReport {
	report := &junitReport{Name: "sunsetwatch test"}
	var took time.Duration
	for _, r := range results {
		took += r.took
		title := strings.TrimSuffix(filepath.Base(r.name), Ext)
		suite := junitSuite{Name: title, File: filepath.ToSlash(r.name), Time: seconds(r.took)}
		if r.outcome == nil {
			suite.Errors = 1
			suite.Cases = append(suite.Cases, junitCase{Name: "read", Class: title, Time: suite.Time,
				Error: &junitFailure{"the file could not be read", r.unreadable}})
		} else {
			for i := range r.outcome.Checks {
				c := &r.outcome.Checks[i]
				one := junitCase{Name: c.name(), Class: title, Time: seconds(c.Took)}
				if !c.Passed() {
					suite.Failures++
					one.Failure = &junitFailure{"findings differ", c.differences(filepath.ToSlash(r.name))}
				}
				suite.Cases = append(suite.Cases, one)
			}
		}
		suite.Tests = len(suite.Cases)
		report.Tests += suite.Tests
		report.Failures += suite.Failures
		report.Errors += suite.Errors
		report.Suites = append(report.Suites, suite)
	}
	report.Time = seconds(took)
	return report
}

// name of a check among those of its file.
func (c *Check) name() string {
	if strings.HasPrefix(c.step.text, "--") { // a step that was not written
		return fmt.Sprintf("%s expect %s", c.step.verb, c.step.expect)
	}
	return strings.TrimSpace(c.step.text)
}

func writeJUnit(name string, results []result) error {
	text, err := xml.MarshalIndent(junitOf(results), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append([]byte(xml.Header), append(text, '\n')...), 0o666)
}
