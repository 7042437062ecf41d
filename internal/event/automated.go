package event

import "strings"

// Automated reports whether a user agent is a machine's: a program that follows links or loads
// images by itself, a scanner of mail, or the prefetching proxy of Apple's mail privacy protection,
// which loads the images of every mail and calls itself "Mozilla/5.0" and nothing else. Image
// proxies that load when the person opens, such as Gmail's and Yahoo's, are people's. Without a
// user agent nothing is known, and a person is assumed.
func Automated(userAgent string) bool {
	agent := strings.ToLower(strings.TrimSpace(userAgent))
	if agent == "" {
		return false
	}
	if agent == "mozilla/5.0" {
		return true
	}
	for _, person := range persons {
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

// persons are what stands for a person although a name below is in it: proxies that load an image
// when the person opens the mail, and a make of telephones.
var persons = []string{"googleimageproxy", "yahoomailproxy", "cubot"}

// machines are parts of the names of programs that act by themselves, in lower case.
var machines = []string{
	// What crawlers, monitors and previews call themselves.
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
	// Scanners of mail and its links.
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
	// Programs and libraries without a person before them.
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
