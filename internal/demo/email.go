package demo

import (
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
)

// email is the content of the campaigns of one theme.
type email struct {
	id               int64
	theme            int
	name, subject    string
	preheader        string
	fromName, from   string
	html, plain      string
	links            []string
	created, updated time.Time
}

var htmlEmail = htmltemplate.Must(htmltemplate.New("html").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="margin:0;background:#f6f4ef;font-family:Georgia,serif;color:#2b2b2b">
<div style="display:none">{{.Preheader}}</div>
<div style="max-width:600px;margin:0 auto;padding:24px;background:#ffffff">
<h1 style="font-size:24px">{{.Subject}}</h1>
<p>{{.Lead}}</p>
<ul>
{{- range .Links}}
<li><a href="{{.}}">{{.}}</a></li>
{{- end}}
</ul>
<p style="font-size:12px;color:#777777">Kiefer &amp; Korn, Beispielstraße 4, 12043 Berlin<br>
<a href="%Link:Unsubscribe%">Unsubscribe</a></p>
</div>
</body>
</html>
`))

var plainEmail = texttemplate.Must(texttemplate.New("plain").Parse(`{{.Subject}}

{{.Lead}}
{{range .Links}}
- {{.}}{{end}}

Kiefer & Korn, Beispielstraße 4, 12043 Berlin
Unsubscribe: %Link:Unsubscribe%
`))

// compose creates the emails: one for each subject of each theme.
func (w *world) compose() error {
	for i, t := range themes {
		for n := range t.subjects {
			e, err := newEmail(i, n)
			if err != nil {
				return err
			}
			e.created = w.opened.AddDate(0, 0, 3*len(w.emails)).Truncate(time.Hour)
			e.updated = e.created.Add(w.between(time.Hour, 90*24*time.Hour)).Truncate(time.Second)
			w.emails = append(w.emails, e)
		}
	}
	return nil
}

func newEmail(themeIndex, n int) (*email, error) {
	t := themes[themeIndex]
	sender := senders[themeIndex%len(senders)]
	language := "en"
	if themeIndex == japanese {
		sender, language = japaneseSender, "ja"
	}
	preheader, _, _ := strings.Cut(t.lead, ".")
	e := &email{
		theme:     themeIndex,
		name:      "Layout " + string(rune('A'+n)) + " – " + t.subjects[n],
		subject:   t.subjects[n],
		preheader: preheader,
		fromName:  sender.name,
		from:      sender.email,
	}
	for _, path := range t.links {
		e.links = append(e.links, shopURL+path)
	}
	data := map[string]any{
		"Language": language, "Subject": e.subject, "Preheader": preheader, "Lead": t.lead, "Links": e.links,
	}
	var html, plain strings.Builder
	if err := htmlEmail.Execute(&html, data); err != nil {
		return nil, err
	}
	if err := plainEmail.Execute(&plain, data); err != nil {
		return nil, err
	}
	e.html, e.plain = html.String(), plain.String()
	return e, nil
}
