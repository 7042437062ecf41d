package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// example is a command as old scripts send it, and the equivalent document.
type example struct {
	// form are the fields of the legacy request without the credentials, as "Name=value".
	form      []string
	Document  string
	Variables string
}

// Curl returns the legacy request as a shell line.
func (e example) Curl(name string) string {
	line := "curl https://mail.example.com/api.php"
	if name != "User.Login" {
		line += " -d APIKey=$KEY"
	}
	line += " -d Command=" + name
	for _, field := range e.form {
		if strings.ContainsAny(field, " []%{\"'&:") {
			line += " \\\n  --data-urlencode '" + field + "'"
		} else {
			line += " -d " + field
		}
	}
	return line
}

const changed = "userErrors { code message field }"

// simple returns the example of a command that only names a campaign.
func simple(operation, input string) example {
	return example{
		form: []string{"CampaignID=123"},
		Document: fmt.Sprintf(
			"mutation($input: %s!) {\n  %s(input: $input) {\n    campaign { legacyId status }\n    %s\n  }\n}", input,
			operation, changed,
		),
		Variables: `{"input": {"id": "123"}}`,
	}
}

// moved are the examples. Each command whose field is in the schema needs one.
var moved = map[string]example{
	"User.Login": {
		[]string{"Username=jane", "Password=correct horse"},
		"mutation($input: LoginInput!) {\n  login(input: $input) {\n    sessionToken\n    expiresAt\n    " + changed + "\n  }\n}",
		`{"input": {"username": "jane", "password": "correct horse"}}`,
	},
	"User.Logout": {[]string{"SessionID=$SESSION"}, "mutation {\n  logout { ended }\n}", ""},
	"Campaign.Create": {
		[]string{"CampaignName=Summer Sale"},
		"mutation($input: CreateCampaignInput!) {\n  createCampaign(input: $input) {\n    campaign { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Summer Sale"}}`,
	},
	"Campaign.Get": {
		[]string{"campaignid=123", "retrievestatistics=true", "retrievetags=true"},
		"query($id: ID!) {\n  campaign(id: $id) {\n    name\n    status\n    statistics {\n      sent\n      opens { total unique rate }\n      clicks { total unique rate }\n      series(interval: DAY) { start opens uniqueOpens clicks uniqueClicks }\n    }\n    tags { name }\n  }\n}",
		`{"id": "123"}`,
	},
	"Campaigns.Get": {
		[]string{
			"RecordsPerRequest=10", "CampaignStatus=Sent", "SearchKeyword=Sale", "OrderField=CampaignName",
			"OrderType=ASC", "RetrieveTags=true",
		},
		"query($filter: CampaignFilter, $orderBy: CampaignOrder, $first: Int, $after: String) {\n  campaigns(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {\n    nodes { legacyId name status tags { legacyId name } }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"filter": {"status": ["SENT"], "search": "Sale"}, "orderBy": {"field": "NAME", "direction": "ASC"}, "first": 10}`,
	},
	"Campaign.Update": {
		[]string{
			"CampaignID=123", "CampaignStatus=Ready", "RelEmailID=301", "ScheduleType=Future", "SendDate=2027-03-01",
			"SendTime=09:30", "SendTimeZone=Europe/Berlin", "RecipientListsAndSegments=12:0,13:44",
		},
		"mutation($input: UpdateCampaignInput!) {\n  updateCampaign(input: $input) {\n    campaign { legacyId status schedule { type } }\n    " + changed + "\n  }\n}",
		`{"input": {
  "id": "123",
  "status": "READY",
  "emailId": "301",
  "schedule": {"at": {"date": "2027-03-01", "time": "09:30", "timeZone": "Europe/Berlin"}},
  "audience": {"lists": {"include": [{"listId": "12"}, {"listId": "13", "segmentId": "44"}]}}
}}`,
	},
	"Campaign.Copy":    simple("copyCampaign", "CopyCampaignInput"),
	"Campaign.Approve": simple("approveCampaign", "ApproveCampaignInput"),
	"Campaign.Pause":   simple("pauseCampaign", "PauseCampaignInput"),
	"Campaign.Resume":  simple("resumeCampaign", "ResumeCampaignInput"),
	"Campaign.Cancel":  simple("cancelCampaign", "CancelCampaignInput"),
	"Campaigns.Delete": {
		[]string{"Campaigns=123,124"},
		"mutation($input: DeleteCampaignsInput!) {\n  deleteCampaigns(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["123", "124"]}}`,
	},
	"Campaign.Recipients.Get": {
		[]string{"CampaignID=123"},
		"query($id: ID!) {\n  campaign(id: $id) {\n    audience {\n      count\n      preview(first: 250) {\n        emailAddress\n        subscriber { legacyId fields { text field { name } } }\n      }\n    }\n  }\n}",
		`{"id": "123"}`,
	},
	"Campaign.Recipients.Activity.Get": {[]string{"CampaignID=123", "Activity=click"}, "", ""},
	"Email.EmailPreview": {
		[]string{"EmailID=301", "EmailAddress=jane@example.com"},
		"mutation($input: SendTestInput!) {\n  sendTest(input: $input) {\n    outcomes { emailAddress accepted code reply }\n    " + changed + "\n  }\n}",
		`{"input": {"emailId": "301", "to": ["jane@example.com"]}}`,
	},
	"Tags.Get": {
		nil,
		"query($first: Int, $after: String) {\n  tags(first: $first, after: $after) {\n    nodes { legacyId name }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 250}`,
	},
	"Tag.Create": {
		[]string{"Tag=Summer"},
		"mutation($input: CreateTagInput!) {\n  createTag(input: $input) {\n    tag { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Summer"}}`,
	},
	"Tag.Update": {
		[]string{"TagID=7", "Tag=Summer 2027"},
		"mutation($input: UpdateTagInput!) {\n  updateTag(input: $input) {\n    tag { legacyId name }\n    " + changed + "\n  }\n}",
		`{"input": {"id": "7", "name": "Summer 2027"}}`,
	},
	"Tags.Delete": {
		[]string{"Tags=7,8"},
		"mutation($input: DeleteTagsInput!) {\n  deleteTags(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["7", "8"]}}`,
	},
	"Tag.AssignToCampaigns": {
		[]string{"TagID=7", "CampaignIDs=123,124"},
		"mutation($input: TagCampaignsInput!) {\n  tagCampaigns(input: $input) {\n    campaigns { legacyId tags { name } }\n    " + changed + "\n  }\n}",
		`{"input": {"tagIds": ["7"], "campaignIds": ["123", "124"]}}`,
	},
	"Tag.UnassignFromCampaigns": {
		[]string{"TagID=7", "CampaignIDs=123,124"},
		"mutation($input: UntagCampaignsInput!) {\n  untagCampaigns(input: $input) {\n    campaigns { legacyId tags { name } }\n    " + changed + "\n  }\n}",
		`{"input": {"tagIds": ["7"], "campaignIds": ["123", "124"]}}`,
	},
	"Email.Create": {
		nil,
		"mutation($input: CreateEmailInput!) {\n  createEmail(input: $input) {\n    email { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {}}`,
	},
	"Email.Get": {
		[]string{"EmailID=301"},
		"query($id: ID!) {\n  email(id: $id) { name subject fromName fromEmail html plain }\n}", `{"id": "301"}`,
	},
	"Emails.Get": {
		nil,
		"query($first: Int, $after: String) {\n  emails(first: $first, after: $after) {\n    nodes { legacyId name subject }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 100}`,
	},
	"Email.Update": {
		[]string{
			"EmailID=301", "ValidateScope=Campaign", "Subject=Our summer sale", "FromName=Jane",
			"FromEmail=jane@example.com", "HTMLContent=<p>Hello</p> <a href=\"%Link:Unsubscribe%\">Unsubscribe</a>",
		},
		"mutation($input: UpdateEmailInput!) {\n  updateEmail(input: $input) {\n    email { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {
  "id": "301",
  "subject": "Our summer sale",
  "fromName": "Jane",
  "fromEmail": "jane@example.com",
  "html": "<p>Hello</p> <a href=\"%Link:Unsubscribe%\">Unsubscribe</a>"
}}`,
	},
	"Email.Delete": {
		[]string{"EmailID=301"},
		"mutation($input: DeleteEmailsInput!) {\n  deleteEmails(input: $input) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"input": {"ids": ["301"]}}`,
	},
	"List.Create": {
		[]string{"SubscriberListName=Customers"},
		"mutation($input: CreateListInput!) {\n  createList(input: $input) {\n    list { legacyId }\n    " + changed + "\n  }\n}",
		`{"input": {"name": "Customers"}}`,
	},
	"Lists.Get": {
		[]string{"RecordsPerRequest=100"},
		"query($first: Int, $after: String) {\n  lists(first: $first, after: $after) {\n    nodes { legacyId name doubleOptIn subscriberCount createdAt }\n    pageInfo { hasNextPage endCursor }\n    totalCount\n  }\n}",
		`{"first": 100}`,
	},
	"Subscriber.Subscribe": {
		[]string{"ListID=12", "EmailAddress=jane@example.com", "IPAddress=203.0.113.9"},
		"mutation($input: AddSubscribersInput!) {\n  addSubscribers(input: $input) {\n    results {\n      outcome\n      subscriber { legacyId }\n      " + changed + "\n    }\n    " + changed + "\n  }\n}",
		`{"input": {
  "listId": "12",
  "subscribers": [{"emailAddress": "jane@example.com", "ipAddress": "203.0.113.9"}],
  "resubscribe": true
}}`,
	},
	"Subscriber.Unsubscribe": {
		[]string{"ListID=12", "EmailAddress=jane@example.com", "IPAddress=203.0.113.9"},
		"mutation($input: UnsubscribeInput!) {\n  unsubscribe(input: $input) {\n    subscriber { legacyId status }\n    " + changed + "\n  }\n}",
		`{"input": {"listId": "12", "emailAddress": "jane@example.com"}}`,
	},
	"Subscribers.Delete": {
		[]string{"SubscriberListID=12", "Subscribers=45,46"},
		"mutation($ids: [ID!]!) {\n  deleteSubscribers(input: {ids: $ids}) {\n    deletedIds\n    " + changed + "\n  }\n}",
		`{"ids": ["45", "46"]}`,
	},
	"Subscribers.Get": {
		[]string{"SubscriberListID=12", "SubscriberSegment=Active", "RecordsPerRequest=100"},
		"query($id: ID!, $filter: SubscriberFilter, $first: Int, $after: String) {\n  list(id: $id) {\n    subscribers(filter: $filter, first: $first, after: $after) {\n      nodes {\n        legacyId\n        emailAddress\n        status\n        fields { text field { legacyId name } }\n      }\n      pageInfo { hasNextPage endCursor }\n      totalCount\n    }\n  }\n}",
		`{"id": "12", "filter": {"active": true}, "first": 100}`,
	},
}

// envelope returns the example of a command within GraphQL.
func envelope(name string, fields []string) example {
	parameters := map[string]string{}
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		parameters[key] = value
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"name": name, "parameters": parameters})
	return example{
		fields, "mutation($name: String!, $parameters: JSON) {\n  command(name: $name, parameters: $parameters)\n}",
		strings.TrimSpace(text.String()),
	}
}
