package importer

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"campaignql/ent"
)

// Targets of columns, besides CustomField<id>.
const (
	targetEmail        = "email"
	targetIP           = "ip"
	targetSubscribedAt = "subscribedAt"
	targetOptedInAt    = "optedInAt"
)

// names maps lower-case column names to targets. They go before the names of custom fields.
var names = map[string]string{
	"email":         targetEmail,
	"e-mail":        targetEmail,
	"email address": targetEmail,
	"emailaddress":  targetEmail,
	"ip":            targetIP,
	"ip address":    targetIP,
	"subscribedat":  targetSubscribedAt,
	"subscribed at": targetSubscribedAt,
	"optedinat":     targetOptedInAt,
	"opted in at":   targetOptedInAt,
}

// spellings are further usual names of the targets, as in the files of spreadsheets, address books
// and other mailers. They are compared by plain, and names of custom fields go before them.
var spellings = map[string][]string{
	targetEmail: {
		"mail", "mail address", "email id", "email 1", "e-mail 1 value", "primary email", "contact email",
		"subscriber email", "user email", "customer email", "work email",
		"e-mail-adresse", "mailadresse", // German, Danish, Norwegian
		"courriel", "adresse courriel", "adresse de courriel", "adresse mail", "adresse e-mail",
		"adresse électronique",
		"correo", "correo electrónico", "dirección de correo", "dirección de correo electrónico", "dirección de email",
		"indirizzo email", "indirizzo mail", "indirizzo di posta elettronica", "posta elettronica",
		"e-mailadres", "mailadres", // Dutch
		"correio eletrônico", "correio electrónico", "endereço de email", "endereço de correio eletrônico",
		"epost", "e-postadress", "e-postadresse", "mejladress", "sähköposti", "sähköpostiosoite",
		"adres email", "adres mailowy", "poczta elektroniczna", "emailová adresa", "email-cím",
		"e-posta", "e-posta adresi", "adresă de email",
		"почта", "эл. почта", "электронная почта", "адрес электронной почты", "имейл", "електронна пошта",
		"メール", "メールアドレス", "電子メール", "电子邮件", "电子邮件地址", "电子邮箱", "邮箱", "邮箱地址",
		"電子郵件", "電子郵件地址", "이메일", "이메일 주소",
	},
	targetIP: {
		"ip addr", "signup ip", "subscription ip", "opt-in ip",
		"ip-adresse", "adresse ip", "dirección ip", "indirizzo ip", "ip-adres", "endereço ip", "adres ip", "ip-adress",
		"ip-адрес", "IPアドレス", "IP地址",
	},
	targetSubscribedAt: {
		"subscribed on", "subscribed date", "subscribe date", "subscription date", "subscription time",
		"date subscribed", "date of subscription",
		"signup date", "signup time", "sign-up at", "signed up at", "signed up on", "date signed up",
		"anmeldedatum", "angemeldet am", "anmeldung am", "datum der anmeldung",
		"date d'inscription", "date inscription", "inscrit le",
		"fecha de suscripción", "fecha suscripción", "fecha de alta", "data di iscrizione", "data iscrizione",
		"inschrijfdatum", "aanmelddatum", "ingeschreven op", "data de inscrição", "data da inscrição",
		"data zapisu", "data subskrypcji", "дата подписки", "登録日", "登録日時", "订阅日期", "订阅时间",
	},
	targetOptedInAt: {
		"opted in on", "opted in date", "opt-in at", "opt-in date", "opt-in time", "date opted in",
		"confirmed at", "confirmed on", "confirm date", "confirm time", "confirmation date", "confirmation time",
		"date confirmed", "date of confirmation",
		"opt-in am", "opt-in-datum", "bestätigt am", "bestaetigt am", "bestätigungsdatum", "bestaetigungsdatum",
		"date de confirmation", "date confirmation", "confirmé le", "date d'opt-in",
		"fecha de confirmación", "fecha confirmación", "data di conferma", "data conferma",
		"bevestigd op", "bevestigingsdatum", "data de confirmação", "data da confirmação",
		"data potwierdzenia", "дата подтверждения", "確認日", "確認日時", "确认日期", "确认时间",
	},
}

// usual maps the plain form of names and spellings to targets.
var usual = func() map[string]string {
	m := map[string]string{}
	for target, all := range spellings {
		for _, name := range all {
			m[plain(name)] = target
		}
	}
	for name, target := range names {
		m[plain(name)] = target
	}
	return m
}()

// plain returns the letters and digits of a name in lower case, without accents: "E-mail Address",
// "email_address" and "EMAILADDRESS" are one name.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(name))
}

// exactly returns the form in which two names are the same but for case.
func exactly(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// isEmailName reports whether a cell is a usual name of the column with the addresses.
func isEmailName(cell string) bool { return usual[plain(cell)] == targetEmail }

// addressNames name the email where it is known to be the email. Elsewhere they are postal addresses.
var addressNames = []string{
	"address", "adresse", "direccion", "indirizzo", "adres", "endereco", plain("адрес"), plain("アドレス"),
}

// isAddressName reports whether a cell of the column with the addresses is its name.
func isAddressName(cell string) bool {
	return isEmailName(cell) || slices.Contains(addressNames, plain(cell))
}

// vocabulary knows the names of targets, for one list.
type vocabulary struct {
	exact map[string]string // by exactly
	loose map[string]string // by plain
}

func newVocabulary(fields []*ent.CustomField) vocabulary {
	v := vocabulary{exact: map[string]string{}, loose: map[string]string{}}
	several := map[string]bool{}
	for _, f := range fields {
		target := "CustomField" + strconv.FormatInt(f.ID, 10)
		v.exact[exactly(f.Name)], v.exact[exactly(target)] = target, target
		key := plain(f.Name)
		several[key] = v.loose[key] != ""
		v.loose[key] = target
	}
	for key, ambiguous := range several {
		if ambiguous {
			delete(v.loose, key)
		}
	}
	for key, target := range usual {
		if v.loose[key] == "" && !several[key] {
			v.loose[key] = target
		}
	}
	for name, target := range names {
		v.exact[name], v.loose[plain(name)] = target, target
	}
	delete(v.loose, "") // a name without letters is like no other
	return v
}

// target returns the field that a name means, or "". The exact name goes before another spelling.
func (v vocabulary) target(name string) string {
	if target := v.exact[exactly(name)]; target != "" {
		return target
	}
	return v.loose[plain(name)]
}
