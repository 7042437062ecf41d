package demo

import "time"

// theme is a kind of campaign that the shop sends: its names, its emails and its usual audience.
type theme struct {
	// titles are names of campaigns, used in turn. {n} becomes a running number, {month} and {year}
	// the date.
	titles []string
	// subjects are the subjects of the theme's emails, one email each.
	subjects []string
	// lead is the first sentence of the emails.
	lead string
	// links are paths below shopURL. The first one gets the most clicks.
	links []string
	// tags are indexes of tagNames.
	tags []int
	// targets are indexes of targets.
	targets []int
	// months are the months in which the theme is sent; empty for all.
	months []time.Month
}

const shopURL = "https://shop.example.com"

// digest is the theme of the weekly campaign.
const digest = 0

var themes = []theme{
	{
		titles: []string{"Weekly digest #{n}"},
		subjects: []string{
			"This week at Kiefer & Korn", "Five finds for your weekend", "Fresh from the workshop 🪵",
			"What our readers liked best",
		},
		lead:    "A short read with a coffee: what is new, what sold out and what we learnt this week.",
		links:   []string{"/magazine/latest", "/new", "/magazine/archive", "/workshop/tour"},
		tags:    []int{0},
		targets: []int{newsletterAll, newsletterAll, newsletterAndCustomers},
	},
	{
		titles: []string{
			"Summer Sale – early access",
			"Summer Sale – last chance",
			"Summer Sale – now up to 50 %",
			"Summer Sale – final hours ⏰",
			"Sommerschlussverkauf: alles muss raus",
		},
		subjects: []string{
			"Early access: the Summer Sale is yours", "Last chance: up to 50 % off", "Only hours left ⏰",
			"Schluss mit Sommer – alles muss raus",
		},
		lead:  "Our summer pieces are leaving the shelves. When they are gone, they are gone.",
		links: []string{"/sale", "/sale/garden", "/sale/kitchen", "/sale/under-20"},
		tags: []int{
			1, 2,
		},
		targets: []int{newsletterAndCustomers, everybody, orderedOrWorkshop},
		months:  []time.Month{time.June, time.July, time.August},
	},
	{
		titles: []string{
			"Welcome series 1/5",
			"Welcome series 2/5",
			"Welcome series 3/5",
			"Welcome series 4/5",
			"Welcome series 5/5",
		},
		subjects: []string{
			"Welcome! Here is how we make things", "Your first 10 % are waiting", "Three things to know about oak",
			"Say hello to the team",
		},
		lead:    "Thank you for joining us. Over the next days we will show you around.",
		links:   []string{"/welcome", "/about", "/care-guide"},
		tags:    []int{3, 10},
		targets: []int{newsletterAll, berlinReaders},
	},
	{
		titles: []string{
			"New in: stoneware {month} {year}", "New in: linen {month} {year}",
			"Frühlingsgefühle – die neue Kollektion", "Launch: folding stool Nº 4", "Launch: Müsli bowl “Jörg”",
		},
		subjects: []string{
			"New in: stoneware for every day", "Softly spoken: our new linen", "Die neue Kollektion ist da 🌱",
			"It folds. It stands. It is here.",
		},
		lead:    "Months of drawing, firing and sanding: today you can see what came of it.",
		links:   []string{"/new", "/new/stoneware", "/new/linen", "/lookbook"},
		tags:    []int{4},
		targets: []int{newsletterAndCustomers, customersAll, newsletterWithoutVIP},
	},
	{
		titles: []string{
			"Treue zahlt sich aus: Bonuspunkte sichern", "VIP preview – {month} {year}", "VIP Abend in Köln",
			"Thank you, 10 orders! 🎁",
		},
		subjects: []string{
			"Your bonus points, doubled", "For your eyes only: the preview", "Einladung zum VIP-Abend",
			"A little thank-you 🎁",
		},
		lead:    "You have been with us for a while, and we would like to give something back.",
		links:   []string{"/account/points", "/vip", "/vip/preview"},
		tags:    []int{5, 11},
		targets: []int{vipCustomers, vipCustomers, customersAll},
	},
	{
		titles: []string{
			"How did we do? {month} {year}", "Two questions about delivery", "Umfrage: Verpackung – was stört Sie?",
		},
		subjects: []string{
			"How did we do?", "Two questions, one minute", "Was stört Sie an unserer Verpackung?",
			"You told us – here is what we changed",
		},
		lead:    "One minute of your time helps us more than you might think.",
		links:   []string{"/survey", "/survey/results"},
		tags:    []int{6},
		targets: []int{customersAll, berlinReaders},
	},
	{
		titles: []string{
			"Workshop invitation: dovetails", "Workshop invitation: glazing", "Workshop-Einladung: Löffel schnitzen",
			"Open studio in Neukölln, {month}",
		},
		subjects: []string{
			"Cut your first dovetail with us", "Saturday: glazing for beginners", "Löffel schnitzen – noch 6 Plätze",
			"The studio door is open",
		},
		lead:    "Eight seats, two teachers, one long table. Tools and cake are included.",
		links:   []string{"/workshops", "/workshops/book", "/workshops/gallery"},
		tags:    []int{7, 8},
		targets: []int{berlinReaders, orderedOrWorkshop},
	},
	{
		titles:   []string{"新商品のお知らせ 🎉", "夏のセール 第{n}弾", "季節のおたより {n}号", "東京ポップアップストアのご案内"},
		subjects: []string{"新商品が届きました 🎉", "本日から夏のセール開始", "季節のおたより", "東京でお会いしましょう"},
		lead:     "いつもご愛読ありがとうございます。今月のお知らせをお届けします。",
		links:    []string{"/ja/new", "/ja/sale", "/ja/stores/tokyo"},
		tags:     []int{9}, targets: []int{japanAll},
	},
	{
		titles: []string{
			"Black Friday – doors open", "Black Friday – the quiet version", "Cyber Monday – 24 h only 🔥",
			"Gift guide {year} 🎄", "Last order date before Christmas",
		},
		subjects: []string{
			"Doors open: our Black Friday", "24 h only 🔥", "The gift guide is here 🎄",
			"Order by Wednesday, unwrap on time",
		},
		lead:  "No countdowns, no tricks: fair prices for a few days, and free repair for life as always.",
		links: []string{"/black-friday", "/gifts", "/gifts/under-50", "/delivery-dates"},
		tags: []int{
			1, 12,
		},
		targets: []int{everybody, newsletterAndCustomers},
		months:  []time.Month{time.November, time.December},
	},
	{
		titles: []string{
			"Back in stock: oak board", "Back in stock: indigo apron", "Wieder da: Gießkanne „Grün“",
			"Did you forget something? {month}", "Spring cleaning – care kit 🧽",
		},
		subjects: []string{
			"It is back: the oak board", "Indigo again", "Wieder da: die Gießkanne", "Still thinking about it?",
		},
		lead:    "You asked, we made more. This batch is a little bigger than the last.",
		links:   []string{"/back-in-stock", "/cart", "/care-kit"},
		tags:    []int{4, 13},
		targets: []int{customersAll, newsletterWithoutVIP, orderedOrWorkshop},
	},
}

var tagNames = []string{
	"Newsletter",
	"Sale",
	"Summer",
	"Welcome",
	"Product",
	"VIP",
	"Survey",
	"Event",
	"Köln und Berlin",
	"日本",
	"Automated",
	"Loyalty",
	"Christmas",
	"Restock",
}

// senders are the sender names of the shop, each with its address.
var senders = []struct{ name, email string }{
	{"Kiefer & Korn", "hello@shop.example.com"},
	{"Jürgen from Kiefer & Korn", "juergen@shop.example.com"},
	{"Kiefer & Korn Workshops", "workshops@shop.example.com"},
}

// japaneseSender is the sender of the emails in Japanese.
var japaneseSender = struct{ name, email string }{"キーファー&コルン", "jp@shop.example.com"}

const japanese = 7

var (
	firstNames = []string{
		"anna",
		"ben",
		"clara",
		"david",
		"elif",
		"felix",
		"greta",
		"hannes",
		"ines",
		"jakob",
		"katja",
		"lukas",
		"mira",
		"nils",
		"olga",
		"paul",
		"rosa",
		"samir",
		"theo",
		"ute",
		"vera",
		"willi",
		"yara",
		"zoe",
		"marta",
		"jonas",
		"lena",
		"emil",
		"ida",
		"oskar",
	}
	lastNames = []string{
		"albrecht",
		"becker",
		"celik",
		"dietrich",
		"engel",
		"fischer",
		"graf",
		"haas",
		"ivanova",
		"jansen",
		"koenig",
		"lange",
		"mueller",
		"neumann",
		"otto",
		"peters",
		"richter",
		"schulz",
		"thomas",
		"ulrich",
		"vogel",
		"wagner",
		"yilmaz",
		"zimmer",
		"novak",
		"rossi",
		"martin",
		"keller",
		"brandt",
		"lorenz",
	}
	japaneseFirstNames = []string{
		"yuki", "haruto", "sakura", "ren", "aoi", "hina", "sota", "mei", "riku", "emi", "kenji", "naoko", "takumi",
		"yui", "akira", "chiyo", "daiki", "fumi",
	}
	japaneseLastNames = []string{
		"sato",
		"suzuki",
		"takahashi",
		"tanaka",
		"ito",
		"watanabe",
		"yamamoto",
		"nakamura",
		"kobayashi",
		"kato",
		"yoshida",
		"yamada",
		"sasaki",
		"matsumoto",
		"inoue",
		"kimura",
		"hayashi",
		"shimizu",
	}
	domains        = []string{"example.com", "example.com", "example.com", "example.net", "example.net", "example.org"}
	cities         = []string{"Berlin", "Berlin", "Berlin", "Köln", "Hamburg", "München", "Leipzig", "Wien", "Zürich"}
	japaneseCities = []string{"東京", "東京", "大阪", "京都", "札幌"}
	userAgents     = []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0",
		"Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
	}
	machineAgent = "Mozilla/5.0 (compatible; MailScanner/4.2; +https://scanner.example.net/about)"
)

// Reasons for undelivered mail, in the words of receiving servers.
const (
	hardBounceReason = "550 5.1.1 mailbox does not exist"
	softBounceReason = "452 4.2.2 mailbox is full"
	rejectedReason   = "554 5.7.1 message refused by policy"
	relayReason      = "421 4.3.2 system not accepting messages"
)
