package config

import (
	"strings"
	"unicode/utf8"
)

// Why a text cannot be split into words; the words are those of Python's
// shlex.
var (
	ErrNoClosingQuotation = refErrorf("No closing quotation")
	ErrNoEscapedCharacter = refErrorf("No escaped character")
)

// SplitCommand splits a command line into its words as Python's shlex.split
// does: blanks, tabs and line ends separate, both quotes and the backslash
// protect, and no other character is special. An empty command has no words.
// The error is ErrNoClosingQuotation or ErrNoEscapedCharacter.
func SplitCommand(command string) ([]string, error) {
	lexer := lexer{text: command, posix: true, splitAtSpace: true}
	return lexer.all()
}

// ParseEnvironment reads the value of an environment option:
// KEY="value",KEY2='value'. What stands in quotes may hold anything; outside
// of them a value is a word of letters, digits and /.+-():_.
//
// A text is read by the rules of Supervisor 4.3, whose lexer knows no
// backslash and takes a quote that follows a value for the next token; what
// those refuse is read by the POSIX rules, which later versions use.
func ParseEnvironment(text string) (map[string]string, error) {
	pairs, err := environmentPairs(text, false)
	if err == nil {
		return pairs, nil
	}
	if pairs, posixErr := environmentPairs(text, true); posixErr == nil {
		return pairs, nil
	}
	return nil, err
}

func environmentPairs(text string, posix bool) (map[string]string, error) {
	lexer := lexer{text: text, posix: posix, comments: true}
	tokens, err := lexer.all()
	if err != nil {
		return nil, err
	}
	pairs := make(map[string]string, (len(tokens)+3)/4)
	// Whatever token stands between two pairs is taken for the comma.
	for ; len(tokens) > 0; tokens = tokens[min(4, len(tokens)):] {
		if len(tokens) < 3 || tokens[1] != "=" {
			return nil, refErrorf("Unexpected end of key/value pairs in value '%s'", text)
		}
		value := tokens[2]
		if !posix {
			value = strings.Trim(value, `'"`)
		}
		pairs[tokens[0]] = value
	}
	return pairs, nil
}

// lexer cuts a text into tokens by the rules of Python's shlex.
type lexer struct {
	text         string // what is left of it
	posix        bool   // quotes are removed and joined, backslashes escape
	splitAtSpace bool   // only white space separates, as for commands
	comments     bool   // "#" begins a comment

	state       rune
	afterEscape rune // the state to which an escape returns
	word        []byte
	quoted      bool   // the word had quotes, so that it counts when empty
	pushedBack  string // a character that ended a word and is a token itself
	ended       bool
}

// The states of a lexer; within quotes, the state is the quote.
const (
	betweenWords rune = ' '
	inWord       rune = 'a'
	inEscape     rune = '\\'
)

func (l *lexer) all() ([]string, error) {
	tokens := make([]string, 0, 8)
	for {
		token, ok, err := l.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return tokens, nil
		}
		tokens = append(tokens, token)
	}
}

// next returns the next token, or false at the end of the text.
func (l *lexer) next() (token string, ok bool, err error) {
	if l.pushedBack != "" {
		token, l.pushedBack = l.pushedBack, ""
		return token, true, nil
	}
	if l.ended {
		return "", false, nil
	}
	l.word = l.word[:0]
	l.state, l.quoted = betweenWords, false
	for done := false; !done; {
		char := l.read()
		switch l.state {
		case betweenWords, inWord:
			done = l.plain(char)
		case inEscape:
			err = l.escaped(char)
		default:
			done, err = l.inQuotes(char)
		}
		if err != nil {
			return "", false, err
		}
	}
	return string(l.word), len(l.word) > 0 || l.quoted, nil
}

// read takes one character, "" at the end of the text.
func (l *lexer) read() string {
	size := min(1, len(l.text))
	if size > 0 && l.text[0] >= utf8.RuneSelf {
		_, size = utf8.DecodeRuneInString(l.text)
	}
	char := l.text[:size]
	l.text = l.text[size:]
	return char
}

// plain takes a character between or within words and says whether the token
// is complete.
func (l *lexer) plain(char string) (done bool) {
	switch {
	case char == "":
		l.ended = true
		return true
	case strings.Contains(" \t\r\n", char):
		return l.state == inWord
	case l.comments && char == "#":
		_, l.text, _ = strings.Cut(l.text, "\n")
		// By the old rules a word goes on behind a comment.
		return l.posix && l.state == inWord
	case l.posix && char == `\`:
		l.state, l.afterEscape = inEscape, inWord
	case l.posix && isQuote(char):
		l.state, l.quoted = rune(char[0]), true
	case isQuote(char) && l.state == betweenWords:
		l.word = append(l.word, char...)
		l.state = rune(char[0])
	case isQuote(char) || l.splitAtSpace || l.wordChar(char):
		l.word = append(l.word, char...)
		l.state = inWord
	case l.state == betweenWords:
		l.word = append(l.word, char...)
		return true
	default:
		l.pushedBack = char
		return true
	}
	return false
}

func (l *lexer) inQuotes(char string) (done bool, err error) {
	switch {
	case char == "":
		return false, ErrNoClosingQuotation
	case rune(char[0]) == l.state && !l.posix:
		l.word = append(l.word, char...)
		return true, nil
	case rune(char[0]) == l.state:
		l.state = inWord
	case l.posix && char == `\` && l.state == '"':
		l.state, l.afterEscape = inEscape, l.state
	default:
		plain := strings.IndexAny(l.text, `'"\`)
		if plain < 0 {
			plain = len(l.text)
		}
		l.word = append(append(l.word, char...), l.text[:plain]...)
		l.text = l.text[plain:]
	}
	return false, nil
}

func (l *lexer) escaped(char string) error {
	if char == "" {
		return ErrNoEscapedCharacter
	}
	// Within quotes only the quote and the backslash can be escaped.
	if l.afterEscape == '"' && char != `"` && char != `\` {
		l.word = append(l.word, '\\')
	}
	l.word = append(l.word, char...)
	l.state = l.afterEscape
	return nil
}

func isQuote(char string) bool { return char == "'" || char == `"` }

// wordChar says whether a character can stand in a word without quotes: the
// POSIX rules add the letters of Latin-1.
func (l *lexer) wordChar(char string) bool {
	switch r, _ := utf8.DecodeRuneInString(char); {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return strings.ContainsRune("_/.+-():", r)
	default:
		return l.posix && r >= 'ß' && r <= 'ÿ' && r != '÷' || l.posix && r >= 'À' && r <= 'Þ' && r != '×'
	}
}
