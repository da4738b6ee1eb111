package archtest

import (
	"path"
	"regexp"
)

var templLaws = []law{{"pages fetch nothing from strangers and hold no inline code", templLaw}}

// breaches of a page's rules: the content security policy would refuse each of them in
// the browser; here it is found before.
var breaches = []struct {
	pattern  *regexp.Regexp
	msg, fix string
}{
	{regexp.MustCompile(`(?is)<(?:script|link|img|iframe|source|video|audio|object|embed|use|image)\b[^>]{0,400}?\b(?:src|href|srcset|data|poster)\s*=\s*[{(]?\s*["'` + "`" + `]\s*(?:https?:)?//`),
		"loads something from another host", "put it into internal/ui/assets or package.json and link the hashed file"},
	{regexp.MustCompile(`(?i)url\(\s*["']?\s*(?:https?:)?//|@import\b`), "loads a style from another host", "bundle it"},
	{regexp.MustCompile(`(?is)<script\b(?:[^>]*?>)`), "inline script", "write a listener in internal/ui/assets"},
	{regexp.MustCompile(`(?i)<style\b`), "inline style sheet", "write it into internal/ui/assets"},
	{regexp.MustCompile(`(?i)\sstyle\??=\s*["'{` + "`" + `]`), "inline style", "use a class, or an attribute that the style sheet reads"},
	{regexp.MustCompile(`(?i)\son[a-z]+\??=\s*["'{` + "`" + `]|\shx-on[:-]`), "inline event handler", "write a listener in internal/ui/assets"},
	{regexp.MustCompile(`(?i)javascript:|=\s*["']js:`), "code in an attribute", "write a listener in internal/ui/assets"},
	{regexp.MustCompile(`(?m)^(?:script|css)\s+\w+\(`), "templ writes this inline", "write it into internal/ui/assets"},
	{regexp.MustCompile(`\btempl\.(?:Raw|SafeURL|JSFuncCall|JSUnsafeFuncCall|JSExpression)\(`), "goes around templ's escaping", "let templ escape it; draw with elements, listen in internal/ui/assets"},
}

var scriptWithSource = regexp.MustCompile(`(?i)\ssrc\s*=`)

func templLaw(t *tree) []finding {
	var out []finding
	for _, p := range t.files {
		if path.Ext(p) != ".templ" {
			continue
		}
		src := t.read(p)
		for _, b := range breaches {
			for _, m := range b.pattern.FindAllIndex(src, -1) {
				if b.msg == "inline script" && scriptWithSource.Match(src[m[0]:m[1]]) {
					continue
				}
				out = append(out, finding{p, lineOf(src, m[0]), b.msg, b.fix})
			}
		}
	}
	return out
}
