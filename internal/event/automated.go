package event

import "strings"

// Automated reports whether a user agent belongs to a machine: a program that follows links or
// loads images without a person, a mail scanner, or the prefetching proxy of Apple's Mail Privacy
// Protection. That proxy loads the images of every mail and sends only "Mozilla/5.0". Image proxies
// that load images when the person opens the mail, such as Gmail's and Yahoo's, count as people. If
// the user agent is empty, a person is assumed.
//
// The lists of this file are checked first. Everything else is left to the patterns of
// crawler-user-agents, which others keep up to date. What a telephone calls itself is not checked:
// there are telephones named "M bot 60" and "CUBOT".
func Automated(userAgent string) bool {
	agent := strings.TrimSpace(userAgent)
	switch agent {
	case "":
		return false
	case "Mozilla/5.0":
		return true
	}
	agent = withoutDevices(agent)
	find := matchers()
	return !find.humans.matches(agent) && find.machines.matches(agent)
}

// humanAgents are parts of user agents that count as people, in any case. They are proxies that load
// an image when the person opens the mail.
var humanAgents = []string{
	"googleimageproxy",
	"yahoomailproxy",
}

// ignoredPatterns are the patterns of crawler-user-agents that match people.
var ignoredPatterns = map[string]bool{
	`AP3A\.240617\.008`: true, // a release of Android, on telephones of many brands
	`Fluid`:             true, // a browser of single sites, such as that of a mail provider
	`GoogleImageProxy`:  true, // see humanAgents
	`MetaIAB Facebook`:  true, // the browser within Facebook's app
	`Sogou`:             true, // its browsers too; its crawlers are spiders
	`YahooMailProxy`:    true, // see humanAgents
}

// apps are the patterns of crawler-user-agents that name an app. The app itself fetches previews.
// A browser that mentions it is that within the app, which a person uses.
var apps = map[string]bool{
	`Asana\/`:      true,
	`Bluesky\/`:    true,
	`Disqus`:       true,
	`Feedly`:       true,
	`Grammarly\/`:  true,
	`Instapaper\/`: true,
	`Mastodon`:     true,
	`NewsBlur`:     true,
	`Notion\/`:     true,
	`Overcast\/`:   true,
	`PayPal\/`:     true,
	`Tumblr\/`:     true,
	`Viber`:        true,
	`WhatsApp`:     true,
	`inoreader`:    true,
}

// machineAgents are parts of the user agents of automatic programs, in any case. They come before
// the patterns of crawler-user-agents, which know few mail scanners and no word for crawlers that
// nobody has listed yet.
var machineAgents = []string{
	// Crawlers, monitors and link previews.
	"bot/",
	"bot;",
	"bot)",
	"bot ",
	"-bot",
	"robot",
	"crawler",
	"spider",
	"scanner",
	"archiver",
	"skypeuripreview",
	"preview/",
	"monitor/",
	"opengraph",
	"open graph",
	// Mail scanners and link scanners.
	"barracuda",
	"proofpoint",
	"mimecast",
	"messagelabs",
	"symantec",
	"trendmicro",
	"trend micro",
	"fortiguard",
	"fortinet",
	"ironport",
	"cisco-ces",
	"cloudmark",
	"safelinks",
	"microsoft office protection",
	"sophos",
	"zscaler",
	"checkpoint",
	"fireeye",
	"trellix",
	"mcafee",
	"kaspersky",
	"bitdefender",
	"netcraft",
	"urlscan",
	"virustotal",
	"phish",
	"spamhaus",
	"spamassassin",
	"hornetsecurity",
	"cyren",
	"forcepoint",
	"websense",
	"cylance",
	// Programs and HTTP libraries that run without a user.
	"okhttp",
	"libcurl/",
	"pycurl/",
	"aiohttp",
	"go-http-client",
	"lwp::",
	"undici",
	"faraday",
	"guzzlehttp",
	"postmanruntime",
}

// machineWords are like machineAgents, but no letter may precede them: FirePHP/0.3 is an extension of
// a browser.
var machineWords = []string{"curl/", "java/", "php/", "ruby/", "vade", "wget/"}

// withoutDevices returns the user agent without the fields that a manufacturer fills in: those
// behind the version of Android in a comment, such as "(Linux; Android 7.0; M bot 60 Build/NRD90M)",
// the name before "Linux/3.18 Android/8.0", and what Facebook's app adds about the device. Fields in
// which a crawler introduces itself stay.
func withoutDevices(agent string) string {
	for _, mark := range []string{"Android", "Adr "} {
		for from := 0; ; {
			at := strings.Index(agent[from:], mark)
			if at < 0 {
				break
			}
			from += at + len(mark)
			length := strings.IndexAny(agent[from:], ")]")
			if length < 0 {
				length = len(agent) - from
			}
			version, rest, found := strings.Cut(agent[from:from+length], ";")
			if !found {
				continue
			}
			agent = agent[:from+len(version)] + introductions(rest) + agent[from+length:]
		}
	}
	if at := strings.Index(agent, " Linux/"); at > 0 && strings.Contains(agent[at:], " Android/") {
		agent = agent[at:]
	}
	for _, open := range []string{"[FBAN/", "[FB_IAB/"} {
		before, fields, found := strings.Cut(agent, open)
		if found {
			_, after, _ := strings.Cut(fields, "]")
			agent = before + after
		}
	}
	return agent
}

// introductions returns the fields from the first one in which a crawler introduces itself.
func introductions(fields string) string {
	for rest, found := fields, true; found; {
		var field string
		whole := rest
		field, rest, found = strings.Cut(rest, ";")
		if strings.Contains(field, "compatible") || strings.Contains(field, "://") || strings.Contains(field, "@") {
			return ";" + whole
		}
	}
	return ""
}
