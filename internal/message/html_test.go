package message

import (
	"strings"
	"testing"
)

func TestValuesAreEscapedForTheirPlaceInHTML(t *testing.T) {
	t.Parallel()
	const value = `a&b <"c'> d@e`
	const escaped, inURL = `a&amp;b &lt;&#34;c&#39;&gt; d@e`, "a%26b%20%3C%22c%27%3E%20d%40e"
	for text, want := range map[string]string{
		"<p>%Subscriber:City%</p>":                  "<p>" + escaped + "</p>",
		`<p title="x %Subscriber:City%">`:           `<p title="x ` + escaped + `">`,
		`<p title=%Subscriber:City% id=a>`:          `<p title="` + escaped + `" id=a>`,
		`<p title=x"%Subscriber:City%>`:             `<p title='x"` + escaped + `'>`,
		`<p title={{ Subscriber:City | "a>b" }}>`:   `<p title="` + escaped + `">`,
		`<a href="https://x/?a=%Subscriber:City%">`: `<a href="https://x/?a=` + inURL + `">`,
		`<a href="/%Subscriber:City%/">`:            `<a href="/` + inURL + `/">`,
		`<a href=" %Subscriber:City%?">`:            `<a href=" ` + escaped + `?">`,
		`<a href='mailto:%Subscriber:City%?to=%Subscriber:City%'>`: "<a href='mailto:" +
			strings.Replace(inURL, "%40", "@", 1) + "?to=" + inURL + "'>",
		`<style>%Subscriber:City%</style>`:                         `<style>` + escaped + `</style>`,
		`<!-- %Subscriber:City% -->`:                               `<!-- ` + escaped + ` -->`,
		`<!--[if mso]><a href="?%Subscriber:City%"><![endif]-->`:   `<!--[if mso]><a href="?` + inURL + `"><![endif]-->`,
		`{{{ Subscriber:City }}}<p title="{{{Subscriber:City}}}">`: value + `<p title="` + escaped + `">`,
		`<a href="/?{{{Subscriber:City}}}">`:                       `<a href="/?` + escaped + `">`,
		`{{ Subscriber:Shoe size | "a &lt; &quot;b&quot; <" }}`:    "a &lt; &#34;b&#34; &lt;",
		`%Subscriber:Favorite&nbsp;City%`:                          escaped,
		`<a href="https://x/?u=%Link:Unsubscribe%">`: `<a href="https://x/?u=https%3A%2F%2Ft.example.com%2Fu%2FAbC-_9%3F` +
			`x%3D1%26y%3D2">`,
		`<a href="%Link:Unsubscribe%">`: `<a href="https://t.example.com/u/AbC-_9?x=1&amp;y=2">`,
	} {
		source := Source{FromEmail: "a@example.com", Subject: "s", HTML: text, Plain: "p"}
		to := jane(t)
		to.Fields[7] = value
		if got, _ := written(t, compiled(t, source), nil, to); got.html != want {
			t.Errorf("%s:\n%s, want\n%s", text, got.html, want)
		}
	}
}

func TestAValueThatIsAWholeURLRunsNothing(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"javascript:alert(1)": "#", " JavaScript:alert(1)": "#", "data:text/html,x": "#",
		"java\nscript:x": "#", "\x01javascript:x": "#",
		"https://x.example/a?b=1&c": "https://x.example/a?b=1&amp;c",
		"HTTP://x":                  "HTTP://x", "mailto:a@b.example": "mailto:a@b.example",
		"www.example.com/a:b": "www.example.com/a:b", "/a": "/a", "": "",
	} {
		source := Source{FromEmail: "a@example.com", Subject: "s", HTML: `<a href="%Subscriber:City%">x</a>`, Plain: "p"}
		to := jane(t)
		to.Fields[7] = value
		if got, _ := written(t, compiled(t, source), nil, to); got.html != `<a href="`+want+`">x</a>` {
			t.Errorf("%q: %s", value, got.html)
		}
	}
}

func TestThePreheaderIsHiddenAtTheBeginningOfTheBody(t *testing.T) {
	t.Parallel()
	const hidden = `<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">a &lt; Jane</div>`
	for text, want := range map[string]string{
		"<html><head><title>t</title></head><body class='<body>'>x<body>": "" +
			"<html><head><title>t</title></head><body class='<body>'>" + hidden + "x<body>",
		"<!doctype html><p>x":                "<!doctype html>" + hidden + "<p>x",
		"<head><title>t</title></head><p>x":  "<head><title>t</title></head>" + hidden + "<p>x",
		"<html lang=en><p>x":                 "<html lang=en>" + hidden + "<p>x",
		"<!-- <body> -->x":                   hidden + "<!-- <body> -->x",
		"%Subscriber:FirstName%":             hidden + "Jane",
		"<body id=%Subscriber:FirstName%>x":  `<body id="Jane">` + hidden + "x",
		"<!--[if mso]><body><![endif]--><p>": hidden + "<!--[if mso]><body><![endif]--><p>",
	} {
		source := Source{FromEmail: "a@example.com", Subject: "s", HTML: text, Preheader: "a < {{{ Subscriber:FirstName }}}"}
		got, _ := written(t, compiled(t, source), nil, jane(t))
		if got.html != want {
			t.Errorf("%s:\n%s, want\n%s", text, got.html, want)
		}
		if strings.Contains(got.plain, "a <") {
			t.Errorf("%s: the preheader is in the plain text %q", text, got.plain)
		}
	}
}

func TestThePlainTextIsMadeFromTheHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<p>Hello <b>%Subscriber:FirstName%</b>, 1 &lt; 2.</p><p>Bye</p>": "Hello Jane, 1 < 2.\n\nBye",
		`<a href="https://x.example/?a=1&amp;b=%Subscriber:City%">the <i>shop</i></a>.`: "" +
			"the shop <https://x.example/?a=1&b=K%C3%B6ln%20%26%20Umgebung>.",
		`<a href="%Link:Unsubscribe%">%Link:Unsubscribe%</a>`:                                 envelope().UnsubscribeURL,
		`<a href="mailto:%Subscriber:EmailAddress%?subject=x">%Subscriber:EmailAddress%</a>`:  "jane@example.com",
		`<a href="https://x.example"><img src="a.png" alt="Shop"></a><a href="#top">up</a>`:   "Shop <https://x.example>up",
		`<a href="https://x.example"><img src="a.png"></a>`:                                   "https://x.example",
		"<h4>Title</h4><ol><li>one<li>two</ol>":                                               "Title\n\n* one\n* two",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>":                     "a b\nc",
		"<style>p{}</style><title>t</title><script>x</script><!-- c --><p hidden>h</p>x":      "x",
		`<div style="color:red; DISPLAY : none !important">h</div><p style="display:block">x`: "x",
		"x \ue0000\ue0010\ue002 y":                         "x 00 y",
		`<p>{{ Subscriber:Shoe size | "a  &amp; b" }}</p>`: "a  & b",
		"<p>Köln 😀</p>":                                    "Köln 😀",
		"%Subscriber:Nobody% [ENDIF]":                      "%Subscriber:Nobody% [ENDIF]",
	} {
		source := Source{FromEmail: "a@example.com", Subject: "s", HTML: text}
		content, _ := Compile(source, Options{Fields: fields()})
		if got, _ := written(t, content, nil, jane(t)); got.plain != want {
			t.Errorf("%s:\n%q, want\n%q", text, got.plain, want)
		}
	}
}

func TestAnUnsubscribeLinkCountsWhereItIsSeen(t *testing.T) {
	t.Parallel()
	const link = `<a href="%Link:Unsubscribe%">leave</a>`
	for text, want := range map[string]bool{
		link:                                  true,
		"100% off: %link:UNSUBSCRIBE%":        true,
		"{{ Link:Unsubscribe }}":              true,
		"<a href='{{ link:unsubscribe }}'>x":  true,
		"<a href=%Link:Unsubscribe:list=3%>x": true,
		`<a href="https://x.example/?to=%Link:Unsubscribe%">x</a>`:                  true,
		`<a href="%Link:Unsubscribe%"><img src="x.png"></a>`:                        true,
		`<area href="%Link:Unsubscribe%">`:                                          true,
		"<p hidden>x</p>" + link:                                                    true,
		"<p hidden>x<p>" + link:                                                     true, // the second p ends the first
		"<div hidden><table></div>" + link:                                          false,
		`<div style="display:none">x</div>` + link:                                  true,
		`<noscript>` + link + `</noscript>`:                                         true,
		"<!-- " + link + " -->":                                                     false,
		"<!--[if mso]>" + link + "<![endif]-->":                                     false,
		"<style>%Link:Unsubscribe%</style>":                                         false,
		"<script>%Link:Unsubscribe%</script>":                                       false,
		"<title>%Link:Unsubscribe%</title>":                                         false,
		"<head><meta content='%Link:Unsubscribe%'></head>":                          false,
		"<template>" + link + "</template>":                                         false,
		"<div hidden>" + link + "</div>":                                            false,
		`<div style="color:red;display: NONE !important"><p>` + link + "</p></div>": false,
		`<a style="display:none" href="%Link:Unsubscribe%">x</a>`:                   false,
		`<a href="%Link:Unsubscribe%"></a>`:                                         false,
		`<a href="%Link:Unsubscribe%"> <i hidden>x</i></a>`:                         false,
		`<img src="%Link:Unsubscribe%">`:                                            false,
		`<p title="%Link:Unsubscribe%">x</p>`:                                       false,
		`<link href="%Link:Unsubscribe%">`:                                          false,
		"%Link:Unsubscribed%":                                                       false,
		"Link:Unsubscribe%":                                                         false,
		strings.Repeat("<div>", 600) + "%Link:Unsubscribe%":                         false, // no parser accepts it
		"": false,
	} {
		if got := HTMLHasUnsubscribeLink(text); got != want {
			t.Errorf("%.90s: %v", text, got)
		}
	}
}

func TestAnUnsubscribeLinkIsFoundInPlainText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"100% off: %link:UNSUBSCRIBE%":             true,
		"<!-- %Link:Unsubscribe% -->":              true,
		"%Link:Unsubscribe:list=3%":                true,
		"%%Link:Unsubscribe%":                      true,
		"{{Link:Unsubscribe}}":                     true,
		"%Link:Unsub%Link:Unsubscribe% in one tag": true,
		"%Link:Unsubscribe":                        false,
		"Link:Unsubscribe%":                        false,
		"%Link:Unsubscribed%":                      false,
		"%Link:Unsubscribe:\n%":                    false,
		"%Link:Unsubscribe:":                       false,
		"%Link:Confirm% %Link:WebBrowser%":         false,
		"unsubscribe at https://example.com/leave": false,
		strings.Repeat("%Link:", 1000):             false,
		"":                                         false, "%": false,
	} {
		if got := PlainHasUnsubscribeLink(text); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
}
