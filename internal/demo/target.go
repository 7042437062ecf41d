package demo

import (
	"encoding/json"
	"fmt"

	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// The audiences of campaigns, as indexes of targets.
const (
	newsletterAll = iota
	customersAll
	newsletterAndCustomers
	everybody
	japanAll
	berlinReaders
	vipCustomers
	newsletterWithoutVIP
	orderedOrWorkshop
)

// ids are the ids that rules refer to. They are known after those rows are written.
type ids struct {
	lists        [listCount]int64
	city, orders int64
	tags         []int64
	berlin, vip  int64
	campaignTags []int64
}

// target is an audience in two forms: the columns of a campaign, and a condition on a person for
// the simulation.
type target struct {
	include, exclude func(*ids) string
	rules            func(*ids) string
	chooses, leaves  func(*person) bool
}

func lists(which ...int) func(*ids) string {
	return func(n *ids) string {
		text := ""
		for i, list := range which {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("%d:0", n.lists[list])
		}
		return text
	}
}

func onLists(which ...int) func(*person) bool {
	return func(p *person) bool {
		for _, list := range which {
			if p.list == list {
				return true
			}
		}
		return false
	}
}

func isVIP(p *person) bool { return p.list == customers && p.orders >= vipOrders && p.has(tagVIP) }

var targets = []target{
	newsletterAll:          {include: lists(newsletter), chooses: onLists(newsletter)},
	customersAll:           {include: lists(customers), chooses: onLists(customers)},
	newsletterAndCustomers: {include: lists(newsletter, customers), chooses: onLists(newsletter, customers)},
	everybody: {
		include: lists(newsletter, customers, japan), chooses: onLists(newsletter, customers, japan),
	},
	japanAll: {include: lists(japan), chooses: onLists(japan)},
	berlinReaders: {
		include: func(n *ids) string { return fmt.Sprintf("%d:%d", n.lists[newsletter], n.berlin) },
		chooses: func(p *person) bool { return p.list == newsletter && p.city == "Berlin" },
	},
	vipCustomers: {
		include: func(n *ids) string { return fmt.Sprintf("%d:%d", n.lists[customers], n.vip) },
		chooses: isVIP,
	},
	newsletterWithoutVIP: {
		include: lists(newsletter),
		exclude: func(n *ids) string { return fmt.Sprintf("%d:%d", n.lists[customers], n.vip) },
		chooses: onLists(newsletter), leaves: isVIP,
	},
	orderedOrWorkshop: {
		rules: func(n *ids) string {
			return fmt.Sprintf(`{"operator":"or","criteria":[`+
				`{"list_id":%d,"operator":"and","rules":[{"type":"fields","field_id":"CustomField%d","operator":"is greater than or equal to","value":"3"}]},`+
				`{"list_id":%d,"operator":"and","rules":[{"type":"tags","operator":"has this tag","value":"%d"},`+
				`{"type":"fields","field_id":"EmailAddress","operator":"does not contain","value":"press"}]}]}`,
				n.lists[customers], n.orders, n.lists[newsletter], n.tags[tagWorkshop])
		},
		chooses: func(p *person) bool {
			return p.list == customers && p.orders >= 3 || p.list == newsletter && p.has(tagWorkshop)
		},
	},
}

// columns are the columns of a campaign that store its audience.
type audienceColumns struct {
	canonical, source, include, exclude string
	// lists are the lists of its criteria.
	lists []int64
}

func (t target) columns(n *ids) (audienceColumns, error) {
	var c audienceColumns
	var read rules.Audience
	var err error
	if t.rules != nil {
		c.source = t.rules(n)
		read, err = rules.ParseRules([]byte(c.source))
	} else {
		c.include = t.include(n)
		if t.exclude != nil {
			c.exclude = t.exclude(n)
		}
		read, err = rules.ParseLists(c.include, c.exclude)
	}
	if err != nil {
		return c, err
	}
	for _, criterion := range read.Criteria {
		c.lists = append(c.lists, criterion.ListID)
	}
	c.lists = store.Distinct(c.lists)
	canonical, err := json.Marshal(read)
	c.canonical = string(canonical)
	return c, err
}

// berlinRules and vipRules are the segments, in the form of user input.
func berlinRules(n *ids) string {
	return fmt.Sprintf(`[{"type":"fields","field_id":"CustomField%d","operator":"is","value":"Berlin"}]`, n.city)
}

func vipRules(n *ids) string {
	return fmt.Sprintf(
		`{"operator":"and","rules":[{"type":"fields","field_id":"CustomField%d","operator":"is greater than or equal to","value":"%d"},`+
			`{"type":"tags","operator":"has this tag","value":"%d"}]}`,
		n.orders,
		vipOrders,
		n.tags[tagVIP],
	)
}
