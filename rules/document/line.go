package document

import "bytes"

// closes reports whether a line that begins outside of quotes and brackets ends
// there for certain. It may be false where it need not be, never the reverse: a
// text over several lines opens nothing that its lines, each taken for a line of
// its own, would not open too.
func closes(line []byte) bool {
	const (
		fresh = iota // a value may begin
		plain        // in a value without quotes
		ended        // behind quotes or brackets
	)
	line = bytes.TrimRight(line, "\r\n")
	depth, state := 0, fresh
	for i := 0; i < len(line); i++ {
		c := line[i]
		if c == ' ' || c == '\t' {
			continue
		}
		behindBlank := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		beforeBlank := i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'
		switch {
		case c == '#' && behindBlank: // a comment
			return depth == 0
		case c == ':' && beforeBlank, depth > 0 && c == ',':
			state = fresh
		case depth > 0 && (c == ']' || c == '}'):
			depth--
			state = ended
		case state == plain:
			if depth > 0 && (c == '[' || c == '{') {
				return false
			}
		case state == ended:
			return false
		case c == '[' || c == '{':
			depth++
		case c == '"' || c == '\'':
			n := quoted(line[i:])
			if n == 0 {
				return false
			}
			i += n - 1
			state = ended
		case depth == 0 && (c == '-' || c == '?') && beforeBlank:
		case depth == 0 && (c == '|' || c == '>'): // what it begins, indentation ends
			return true
		case isWord(c) && c != byteOrderMark[0], bytes.IndexByte([]byte("./+~$()=^;<\\"), c) >= 0,
			depth == 0 && (c == '-' || c == '?' || c == ':'), c == '-' && !beforeBlank && isWord(line[i+1]):
			state = plain
		default:
			return false
		}
	}
	return depth == 0
}

// quoted is how long the text in quotes is that s begins with, with its quotes; 0
// where it does not end.
func quoted(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] != s[0]:
		case s[0] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return 0
}
