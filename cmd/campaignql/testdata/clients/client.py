#!/usr/bin/env python3
"""A client of the legacy API as Python scripts have it: urllib, form bodies, an API key, and answers in XML read by ElementTree.

Usage: client.py URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.
"""
import datetime
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree


def fail(message):
    sys.stderr.write("client.py: %s\n" % message)
    sys.exit(1)


def same(what, got, want):
    if got != want:
        fail("%s: got %r, want %r" % (what, got, want))


class Refused(Exception):
    def __init__(self, command, answer):
        code = answer.find("ErrorCode")
        text = answer.find("ErrorText")
        # A number, or one element per code.
        self.listed = len(code) > 0
        self.codes = [int(part.text) for part in (code if self.listed else [code])]
        self.tags = [part.tag for part in code]
        self.texts = [part.text for part in text] if len(text) else [text.text]
        Exception.__init__(self, "%s: %s %s" % (command, self.codes, self.texts))


class Client(object):
    def __init__(self, url, key, configured, username):
        self.url, self.key, self.configured, self.username = url + "/api.php", key, configured, username
        self.logins = 0

    def send(self, command, parameters):
        fields = {"APIKey": self.key, "Command": command, "ResponseFormat": "XML"}
        fields.update(parameters)
        try:
            response = urllib.request.urlopen(self.url, urllib.parse.urlencode(fields).encode("ascii"), timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        text = response.read().decode("utf-8")
        if "xml" not in response.headers.get("Content-Type", ""):
            fail("%s: Content-Type %s" % (command, response.headers.get("Content-Type")))
        if not text.startswith('<?xml version="1.0" encoding="utf-8"?><response>') or not text.rstrip().endswith("</response>"):
            fail("%s: %s" % (command, text))
        answer = ElementTree.fromstring(text.encode("utf-8"))
        if response.getcode() != 200:
            same("%s: Success" % command, answer.findtext("Success"), "false")
        return response.getcode(), answer

    def call(self, command, again=True, **parameters):
        status, answer = self.send(command, parameters)
        if answer.findtext("Success") == "true":
            same("%s: status and code" % command, (status, answer.findtext("ErrorCode")), (200, "0"))
            return answer
        same("%s: Success" % command, answer.findtext("Success"), "false")
        refused = Refused(command, answer)
        if again and 99998 in refused.codes:
            self.login()
            return self.call(command, again=False, **parameters)
        raise refused

    def login(self):
        """The key in use was revoked: take the configured one, if the server knows it."""
        self.key = self.configured
        answer = self.call("User.Login", again=False)
        if not answer.findtext("SessionID"):
            fail("User.Login: no SessionID")
        same("UserInfo", [answer.findtext("UserInfo/Username"), answer.findtext("UserInfo/ReputationLevel")], [self.username, "Trusted"])
        self.logins += 1

    def refused(self, command, *codes, **parameters):
        listed = parameters.pop("listed", False)
        try:
            self.call(command, **parameters)
        except Refused as error:
            same("%s refused" % command, (error.codes, error.listed), (list(codes), listed))
            if not all(error.texts):
                fail("%s: no ErrorText" % command)
            return error
        fail("%s was accepted, although %s was to be expected: %s" % (command, codes, parameters))


def number(answer, name):
    text = answer.findtext(name)
    if not text or not re.match("^[1-9][0-9]*$", text):
        fail("%s: not a positive number: %r" % (name, text))
    return text


def texts(element, *names):
    return [element.findtext(name) for name in names]


COLUMNS = """CampaignID RelOwnerUserID CampaignStatus CampaignStatusReason CampaignName RelEmailID ScheduleType SendDate SendTime SendTimeZone
ScheduleRecDaysOfWeek ScheduleRecDaysOfMonth ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes ScheduleRecSendMaxInstance
ScheduleRecSentInstances SendProcessStartedOn SendProcessFinishedOn TotalRecipients TotalSent TotalFailed TotalOpens UniqueOpens
TotalClicks UniqueClicks TotalForwards UniqueForwards TotalViewsOnBrowser UniqueViewsOnBrowser TotalUnsubscriptions TotalHardBounces
TotalSoftBounces TotalSpamReports BenchmarkEmailsPerSecond ApprovalUserExplanation GoogleAnalyticsDomains PublishOnRSS S2SEnabled
AutoResendEnabled AutoResendWaitDays AutoResendSubject AutoResendPreHeaderText RulesJsonBundle RecipientLists RecipientSegments
LastActivityDateTime CreateDateTime""".split()

UPDATE = dict.fromkeys("""CampaignStatus CampaignName RelEmailID ScheduleType SendDate SendTime SendTimeZone ScheduleRecDaysOfWeek
ScheduleRecDaysOfMonth ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes ScheduleRecSendMaxInstance ApprovalUserExplanation
GoogleAnalyticsDomains PublishOnRSS RulesJsonBundle RecipientListsAndSegments Exclude_RecipientListsAndSegments S2SEnabled""".split(), "")


def main(url, username, password, key):
    api = Client(url, "a-key-that-was-revoked", key, username)

    # A key that is not known, then the one that is; hard failures are XML as well.
    same("campaigns of an empty account", texts(api.call("Campaigns.Get"), "ErrorText", "TotalCampaigns"), ["", "0"])
    same("logins", api.logins, 1)
    status, answer = api.send("Nope", {})
    same("an unknown command", (status, texts(answer, "ErrorCode", "ErrorText", "Errors/node_0/Code")),
        (400, ["100003", 'Invalid API command: "Nope" not found.', "100003"]))
    api.refused("User.Login", 3, listed=True, again=False, APIKey="", Username=username, Password=password + "x")
    answer = api.call("User.Login", APIKey="", Username=username, Password=password)
    if not answer.findtext("SessionID"):
        fail("User.Login: no SessionID")

    # An email.
    email = number(api.call("Email.Create"), "EmailID")
    html = "<p>a < b & c ]]> d</p><a href='%Link:Unsubscribe%'>unsubscribe</a>"
    error = api.refused("Email.Update", 8, 9, listed=True, EmailID=email)
    same("its elements", error.tags, ["node_0", "node_1"])
    api.call("Email.Update", EmailID=email, ValidateScope="Campaign", EmailName="Autumn", Subject="Herbst ]]> & <b> 日本 😀", PreHeaderText="",
             FromName="Shop", FromEmail="shop@example.com", ReplyToName="", ReplyToEmail="", HTMLContent=html, PlainContent="")
    same("EmailInformation", texts(api.call("Email.Get", EmailID=email).find("EmailInformation"), "EmailID", "Subject", "HTMLContent"),
        [email, "Herbst ]]> & <b> 日本 😀", html])
    same("Emails.Get", texts(api.call("Emails.Get"), "TotalEmailCount", "Emails/node_0/EmailID"), ["1", email])

    # A campaign, its audience and its schedule.
    lists = [number(api.call("List.Create", SubscriberListName="List %d" % n), "ListID") for n in range(3)]
    name = "Autumn <sale> & \"more\" ]]> 日本"
    campaign = number(api.call("Campaign.Create", CampaignName=name), "CampaignID")
    api.refused("Campaign.Create", 1, CampaignName="x" * 251)
    day = (datetime.date.today() + datetime.timedelta(days=50)).isoformat()
    future = dict(UPDATE, CampaignID=campaign, RelEmailID=email, ScheduleType="Future", SendDate=day, SendTime="06:00",
                  SendTimeZone="America/New_York", RecipientListsAndSegments="%s:0,%s:0" % (lists[0], lists[1]),
                  Exclude_RecipientListsAndSegments="%s:0" % lists[2])
    api.refused("Campaign.Update", 7, **dict(future, SendTime="25:00"))
    api.refused("Campaign.Update", 29, **dict(future, RecipientListsAndSegments="%s,999999999" % lists[0]))
    api.refused("Campaign.Update", 2, **dict(future, CampaignID="0"))
    api.call("Campaign.Update", **future)
    api.call("Campaign.Update", **dict(UPDATE, CampaignID=campaign, CampaignStatus="Ready"))

    # Tags, the list in pages, one campaign.
    tag = number(api.call("Tag.Create", Tag="autumn-2"), "TagID")
    second = number(api.call("Tag.Create", Tag="50% off"), "TagID")
    for each in (tag, second):
        api.call("Tag.AssignToCampaigns", TagID=each, CampaignIDs=campaign)
    others = [number(api.call("Campaign.Create", CampaignName="Other %d" % n), "CampaignID") for n in (1, 2)]
    seen = []
    for start in ("0", "2"):
        answer = api.call("Campaigns.Get", RecordsPerRequest="2", RecordsFrom=start, CampaignStatus="", SearchKeyword="",
                          OrderField="CampaignName", OrderType="DESC", RetrieveTags="true", Tags="", RetrieveStatistics="true")
        same("TotalCampaigns", answer.findtext("TotalCampaigns"), "3")
        rows = list(answer.find("Campaigns"))
        same("elements of the list", [row.tag for row in rows], ["node_%d" % n for n in range(len(rows))])
        for row in rows:
            same("columns of a row", [column.tag for column in row if column.tag in COLUMNS], COLUMNS)
            if row.find("OpenStatistics") is None and row.find("Statistics/OpenStatistics") is None:
                fail("a row has no statistics")
            seen.append(row.findtext("CampaignName"))
    same("the pages", seen, ["Other 2", "Other 1", name])
    same("tags of a row", sorted(row.findtext("Tag") for row in rows[0].find("Tags")), ["50% off", "autumn-2"])
    answer = api.call("Campaign.Get", campaignid=campaign, retrievestatistics="true", retrievetags="true")
    got = answer.find("Campaign")
    same("columns", [column for column in COLUMNS if got.find(column) is None], [])
    same("Campaign", texts(got, "CampaignID", "Name", "Status", "ScheduleType", "SendDate", "SendTime", "SendTimeZone", "HardBounceRatio"),
         [campaign, name, "Ready", "Future", day, "06:00:00", "America/New_York", "0.00"])
    same("Tags", [(part.tag, part.text) for part in got.find("Tags")], [("node_0", "50% off"), ("node_1", "autumn-2")])
    same("no opens", len(got.find("Statistics/OpenStatistics")), 0)
    same("EmailsPerSecond", float(answer.findtext("CampaignThroughput/EmailsPerSecond")), 0.0)
    answer = api.call("Campaign.Get", campaignid="999999999")
    same("Campaign.Get of none", (len(answer.find("Campaign")), answer.find("Campaign").text or ""), (0, ""))

    # Sending begins; pause, resume, cancel.
    sys.stdout.write("SENDING %s\n" % campaign)
    sys.stdout.flush()
    if not sys.stdin.readline():
        fail("the sender did not answer")
    api.call("Campaign.Pause", CampaignID=campaign)
    api.refused("Campaign.Pause", 3, CampaignID=campaign)
    api.call("Campaign.Resume", CampaignID=campaign)
    api.refused("Campaign.Resume", 3, CampaignID=campaign)
    api.call("Campaign.Cancel", CampaignID=campaign)
    api.refused("Campaign.Cancel", 3, CampaignID=campaign)
    got = api.call("Campaign.Get", campaignid=campaign, retrievestatistics="true").find("Campaign")
    same("canceled", texts(got, "Status", "CampaignStatusReason", "TotalSent", "TotalOpens", "HardBounceRatio"),
        ["Sent", "Canceled", "4", "3", "25.00"])
    same("opens by day", sum(int(total.text) for total in got.find("OpenStatistics").iter("Total")), 3)
    same("days", len(got.find("Statistics/OpenStatistics")), 15)

    # Copy, delete, logout.
    copy = number(api.call("Campaign.Copy", CampaignID=campaign), "NewCampaignID")
    same("Campaign.Copy", api.refused("Campaign.Copy", 1, listed=True, CampaignID="").texts, ["Invalid source campaign"])
    api.call("Campaign.Update", **dict(future, CampaignID=copy, CampaignStatus="Ready"))
    api.call("Campaign.Cancel", CampaignID=copy)
    got = api.call("Campaign.Get", campaignid=copy, retrievetags="1").find("Campaign")
    same("the copy", texts(got, "CampaignName", "CampaignStatus", "ScheduleType", "SendDate", "Tags/node_1"),
        [name, "Draft", "Not Scheduled", "0000-00-00", "autumn-2"])
    same("Campaigns.Delete", api.refused("Campaigns.Delete", 1, listed=True, Campaigns="").tags, ["campaigns"])
    api.call("Campaigns.Delete", Campaigns=",".join([campaign, copy] + others))
    same("what is left", api.call("Campaigns.Get").findtext("TotalCampaigns"), "0")
    api.call("Tags.Delete", Tags="%s,%s" % (tag, second))
    api.call("Email.Delete", EmailID=email)
    api.call("User.Logout")
    same("logins", api.logins, 1)
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
