package event

import "strings"

// Automated reports whether a user agent belongs to a machine: a program that follows links or
// loads images without a person, a mail scanner, or the prefetching proxy of Apple's Mail Privacy
// Protection. That proxy loads the images of every mail and sends only "Mozilla/5.0". Image proxies
// that load images when the person opens the mail, such as Gmail's and Yahoo's, count as people. If
// the user agent is empty, a person is assumed.
func Automated(userAgent string) bool {
	agent := strings.ToLower(strings.TrimSpace(userAgent))
	if agent == "" {
		return false
	}
	if agent == "mozilla/5.0" {
		return true
	}
	for _, person := range humanAgents {
		if strings.Contains(agent, person) {
			return false
		}
	}
	for _, machine := range machines {
		if strings.Contains(agent, machine) {
			return true
		}
	}
	return false
}

// humanAgents are parts of user agents that count as people although they contain an entry of machines:
// proxies that load an image when the person opens the mail, and a brand of phones.
var humanAgents = []string{"googleimageproxy", "yahoomailproxy", "cubot"}

// machines are parts of the user agents of automatic programs, in lower case.
var machines = []string{
	// Crawlers, monitors and link previews.
	"bot/",
	"bot;",
	"bot)",
	"bot ",
	"-bot",
	"robot",
	"googlebot",
	"bingbot",
	"bingpreview",
	"crawler",
	"spider",
	"scanner",
	"slurp",
	"archiver",
	"facebookexternalhit",
	"facebookcatalog",
	"whatsapp/",
	"skypeuripreview",
	"embedly",
	"preview/",
	"monitor/",
	"pingdom",
	"uptimerobot",
	"statuscake",
	"google-safety",
	"googleother",
	"google-read-aloud",
	"apis-google",
	"mediapartners-google",
	"feedfetcher",
	"applebot",
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
	"vade",
	"hornetsecurity",
	"cyren",
	"forcepoint",
	"websense",
	"cylance",
	// Programs and HTTP libraries that run without a user.
	"headlesschrome",
	"phantomjs",
	"puppeteer",
	"playwright",
	"selenium",
	"curl/",
	"wget/",
	"python-requests",
	"python-urllib",
	"aiohttp",
	"httpx/",
	"scrapy",
	"go-http-client",
	"java/",
	"apache-httpclient",
	"libwww-perl",
	"lwp::",
	"node-fetch",
	"axios/",
	"undici",
	"ruby/",
	"faraday",
	"guzzlehttp",
	"php/",
	"postmanruntime",
}
