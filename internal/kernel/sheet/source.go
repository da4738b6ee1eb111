package sheet

import (
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"entente.dev/internal/kernel/errs"
)

const window = 64 << 10 // bytes read ahead, also what is sniffed

type encoding uint8

const (
	undecided encoding = iota // only ASCII so far: reads the same in all of them
	utf8Text
	windows1252
	utf16LE
	utf16BE
)

func (e encoding) String() string {
	return [...]string{"UTF-8", "UTF-8", "Windows-1252", "UTF-16LE", "UTF-16BE"}[e]
}

// source turns bytes of any supported encoding into UTF-8 chunks, with one fixed buffer. What
// is not text in its encoding passes as invalid UTF-8, for the reader to report with its row.
type source struct {
	in         io.Reader
	raw        []byte
	start, end int // unread part of raw
	err        error
	left       int64 // bytes still allowed
	limit      int64
	enc        encoding
	out        []byte
}

func newSource(in io.Reader, limit int64) *source {
	return &source{in: in, raw: make([]byte, window), left: limit, limit: limit}
}

// fill reads until the buffer is full or the input ends.
func (s *source) fill() {
	s.end = copy(s.raw, s.raw[s.start:s.end])
	s.start = 0
	for idle := 0; s.err == nil && s.end < len(s.raw); {
		n, err := s.in.Read(s.raw[s.end:])
		if s.left -= int64(n); s.left < 0 {
			s.err = errs.New(errs.TooLarge, "sheet.too_large", "The file is larger than %s. Split it.", size(s.limit))
			return
		}
		s.end += n
		s.err = err
		if idle++; n > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			s.err = io.ErrNoProgress
		}
	}
}

// next returns a non-empty chunk that is valid until the next call, or the error that ended the input.
func (s *source) next() ([]byte, error) {
	for {
		if s.start == s.end && s.err == nil {
			s.fill()
		}
		data, eof := s.raw[s.start:s.end], s.err != nil
		if len(data) == 0 {
			return nil, s.err
		}
		if eof && !errors.Is(s.err, io.EOF) {
			return nil, s.err
		}
		switch s.enc {
		case undecided:
			i := indexNonASCII(data)
			if i < 0 {
				s.start = s.end
				return data, nil
			}
			if len(data)-i >= utf8.UTFMax || eof {
				s.enc = guessEncoding(data[i:], eof)
			} else if s.fill(); i > 0 {
				data = s.raw[:i]
				s.start = i
				return data, nil
			}
		case utf8Text:
			s.start = s.end
			return data, nil
		case windows1252:
			s.start = s.end
			s.out = appendWindows1252(s.out[:0], data)
			return s.out, nil
		default:
			var used int
			s.out, used = appendUTF16(s.out[:0], data, s.enc == utf16BE, eof)
			if s.start += used; len(s.out) > 0 {
				return s.out, nil
			}
			s.fill()
		}
	}
}

func indexNonASCII(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}

// guessEncoding decides between UTF-8 and Windows-1252. A few broken characters in a text that is
// otherwise UTF-8 do not make it Windows-1252.
func guessEncoding(b []byte, eof bool) encoding {
	good, bad := 0, 0
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			b = b[1:]
			continue
		}
		if !eof && !utf8.FullRune(b) {
			break
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
		} else {
			good++
		}
		b = b[n:]
	}
	if bad > 0 && bad >= good {
		return windows1252
	}
	return utf8Text
}

// high holds what Windows-1252 has at 0x80–0x9f; its five unused bytes are control characters.
var high = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

func appendWindows1252(out, data []byte) []byte {
	for _, c := range data {
		switch {
		case c < 0x80:
			out = append(out, c)
		case c < 0xa0:
			out = utf8.AppendRune(out, high[c-0x80])
		default:
			out = utf8.AppendRune(out, rune(c))
		}
	}
	return out
}

// appendUTF16 decodes the whole units of data; a pair cut at the end is left unless it is the end of the input.
func appendUTF16(out, data []byte, big, eof bool) (_ []byte, used int) {
	unit := func(i int) rune {
		if big {
			return rune(data[i])<<8 | rune(data[i+1])
		}
		return rune(data[i+1])<<8 | rune(data[i])
	}
	for used+1 < len(data) {
		r := unit(used)
		if utf16.IsSurrogate(r) {
			if used+3 >= len(data) && !eof {
				return out, used
			}
			pair := utf8.RuneError
			if used+3 < len(data) {
				pair = utf16.DecodeRune(r, unit(used+2))
			}
			if pair == utf8.RuneError {
				out = append(out, 0xff)
				used += 2
				continue
			}
			out = utf8.AppendRune(out, pair)
			used += 4
			continue
		}
		out = utf8.AppendRune(out, r)
		used += 2
	}
	if eof && used < len(data) {
		out = append(out, 0xff)
		used = len(data)
	}
	return out, used
}
