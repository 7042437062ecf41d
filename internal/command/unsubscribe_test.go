package command_test

import (
	"testing"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
)

func TestSubscriberUnsubscribe(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, f *fixture) {
		s := newScript(f)
		me, other := f.owner(t), f.owner(t)
		s.let("key", me.key)
		s.let("reader", f.key(t, me, kind.ScopeRead))
		s.let("writer", f.key(t, me, kind.ScopeWrite))
		a, b := f.list(t, me, "a"), f.list(t, me, "b")
		s.let("a", a)
		s.let("b", b)
		theirs := f.list(t, other, "theirs")
		s.let("theirs", theirs)
		s.let("campaign", f.campaign(t, me, "News"))
		for _, address := range []string{"ann@example.com", "ben@example.com", "cid@example.org", "dan@example.org"} {
			f.subscribe(t, me, a, address)
			f.subscribe(t, me, b, address)
		}
		f.subscribe(t, other, theirs, "zoe@example.com")
		client := f.db.Client(me.ctx)
		s.let("ben", client.Subscriber.Query().Where(emailIs("ben@example.com"), entsubscriber.ListID(a)).OnlyIDX(me.ctx))
		s.let("zoe", f.db.Client(other.ctx).Subscriber.Query().Where(emailIs("zoe@example.com")).OnlyIDX(other.ctx))
		old := client.Subscriber.Query().Where(emailIs("dan@example.org"), entsubscriber.ListID(b)).OnlyX(me.ctx)
		client.Subscriber.UpdateOne(old).SetEmail("dan@@example").SetEmailKey("dan@@example").ExecX(me.ctx)

		leave := func(name, as, form string) {
			t.Helper()
			s.step(name, as, "Command=Subscriber.Unsubscribe&"+form)
		}
		state := func() {
			t.Helper()
			rows := client.Subscriber.Query().Order(ent.Asc(entsubscriber.FieldID)).AllX(me.ctx)
			for _, row := range rows {
				list := map[int64]string{a: "a", b: "b"}[row.ListID]
				s.out.WriteString(list + " " + row.Email + " " + string(row.Status) + "\n")
			}
			s.out.WriteString("\n")
		}
		leave("1: no list", "key", "EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("no address of the network", "key", "ListID={a}&EmailAddress=ann@example.com&Preview=1")
		leave("3: nobody", "key", "ListID={a}&IPAddress=192.0.2.1")
		leave("3: empty rules are not given", "key", "ListID={a}&IPAddress=192.0.2.1&RulesJSON=")
		leave("4: unknown list", "key", "ListID=999999999&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("4: list of somebody else", "key", "ListID={a},{theirs}&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("4: no list at all", "key", "ListID={a},x&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("6: no address", "key", "ListID={a}&EmailAddress=ann&IPAddress=192.0.2.1")
		leave("7: not on the list", "key", "ListID={a}&EmailAddress=nobody@example.com&IPAddress=192.0.2.1")
		leave("7: unknown subscriber", "key", "ListID={a}&SubscriberID=999999999&IPAddress=192.0.2.1")
		leave("7: subscriber of somebody else", "key", "ListID={a}&SubscriberID={zoe}&IPAddress=192.0.2.1")
		leave("7: rules that are none", "key", "ListID={a}&IPAddress=192.0.2.1&RulesJSON={")
		leave("8: no campaign", "key", "ListID={a}&EmailAddress=ann@example.com&IPAddress=192.0.2.1&CampaignID=abc")
		leave("11: a segment that is not there", "key", `ListID={a}&IPAddress=192.0.2.1&RulesJSON=[{"type":"segments","operator":"belongs to","value":999999999}]`)
		leave("99999", "reader", "ListID={a}&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("99998", "", "ListID={a}&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("a preview", "key", "ListID={a}&EmailAddress=ann@example.com&IPAddress=192.0.2.1&Preview=1")
		leave("a preview of rules", "key", `ListID={a}&IPAddress=192.0.2.1&Preview=1&RulesJSON=[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"example.org"}]`)
		state()
		leave("by the address, because of a campaign that is gone", "key", "ListID={a}&EmailAddress=ANN@example.com&IPAddress=12&CampaignID=999999999")
		leave("9: again", "key", "ListID={a}&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("by the id", "writer", "ListID={a}&SubscriberID={ben}&IPAddress=192.0.2.1&CampaignID={campaign}")
		leave("from the lists that are left", "key", "ListID={a},{b}&EmailAddress=ann@example.com&IPAddress=192.0.2.1")
		leave("an old address that is malformed", "key", "ListID={b}&EmailAddress=dan@@example&IPAddress=192.0.2.1")
		leave("by rules", "key", `ListID={a},{b}&IPAddress=192.0.2.1&RulesOperator=and&RulesJSON=[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"example.org"}]`)
		state()
		for name, ip := range map[string]string{
			"": "12", "203.0.113.9": "unknown, 203.0.113.9:1234, 192.0.2.1", "2001:db8::1": "[2001:db8::1], 192.0.2.1",
		} {
			f.post("Command=Subscriber.Subscribe&APIKey=" + me.key + "&ListID=" + itoa(b) + "&EmailAddress=ip@example.com&IPAddress=" + ip)
			row := client.Subscriber.Query().Where(emailIs("ip@example.com")).OnlyX(me.ctx)
			if row.SubscriptionIP != name {
				t.Errorf("%q is kept as %q", ip, row.SubscriptionIP)
			}
			client.Subscriber.DeleteOne(row).ExecX(me.ctx)
		}
		s.golden(t, "unsubscribe")
	})
}
