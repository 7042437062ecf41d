#!/usr/bin/env bash
# A client of the legacy API as shell scripts have it that send files: curl -F, multipart bodies, an API key, lists in PHP's brackets.
# Usage: multipart.sh URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.
set -uo pipefail
url=$1/api.php username=$2 password=$3 configured=$4
key=a-key-that-was-revoked logins=0 answer=''
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() { echo "multipart.sh: $*" >&2; exit 1; }
same() { [[ $2 == "$3" ]] || fail "$1: got $2, want $3"; }
has() { for part; do [[ $answer == *"$part"* ]] || fail "no $part in $answer"; done; }
number() { sed -nE 's/.*"'"$1"'":([1-9][0-9]*)[,}].*/\1/p' <<<"$answer"; }
text() { sed -nE 's/.*"'"$1"'":"([^"]*)".*/\1/p' <<<"$answer"; }

# api COMMAND CURL-OPTIONS…: one command; a key that is not accepted is replaced once by the configured one, which a login proves to be good.
api() {
  answer=$(curl -sS -F "APIKey=$key" -F "Command=$1" "${@:2}" "$url") || fail "$1: curl ended with $?"
  if [[ $answer == '{"Success":false,"ErrorCode":99998,'* && $key != "$configured" ]]; then
    key=$configured logins=$((logins + 1))
    answer=$(curl -sS -F Command=User.Login -F "APIKey=$key" "$url")
    [[ $answer == '{"Success":true,"ErrorCode":0,"ErrorText":"","SessionID":"'*'"Username":"'"$username"'"'* ]] || fail "User.Login: $answer"
    api "$@"
  fi
}
ok() { api "$@"; [[ $answer == '{"Success":true,"ErrorCode":0'[,}]* ]] || fail "$*: $answer"; }
plain() { ok "$@"; same "$1" "$answer" '{"Success":true,"ErrorCode":0}'; }
refused() { # CODES COMMAND OPTIONS…: codes separated by commas, whether they come as a number, a list or by field
  local want=$1 code
  shift
  api "$@"
  [[ $answer == '{"Success":false,'* ]] || fail "$*: want code $want, got $answer"
  code=$(sed -nE 's/.*"ErrorCode":([0-9]+|\[[0-9,]+\]|\{[^}]*\}).*/\1/p' <<<"$answer" | sed -E 's/"[^"]*"://g; s/[][{}]//g')
  same "$* refused" "$code" "$want"
}

ok Campaigns.Get
same 'an empty account' "$answer" '{"Success":true,"ErrorCode":0,"ErrorText":"","Campaigns":[],"TotalCampaigns":0}'
same logins "$logins" 1
answer=$(curl -sS -F Command=User.Login -F "Username=$username" -F Password= "$url")
has '"Success":false,"ErrorCode":[2],"ErrorText":["'
answer=$(curl -sS -F Command=User.Login -F "Username=$username@example.com" --form-string "Password=$password" "$url")
has '"SessionID":"' '"UserInfo":{"UserID":"' '"ReputationLevel":"Trusted"'
session=$(text SessionID)

# An email whose bodies are files.
ok Email.Create
email=$(number EmailID)
printf '<html>\n<body>Zażółć; 100%%, "quoted" &amp; more\n<a href="%%Link:Unsubscribe%%">unsubscribe</a></body>\n</html>' >"$folder/body.html"
printf 'To stop: %%Link:Unsubscribe%%' >"$folder/body.txt"
email_update=(-F "EmailID=$email" -F EmailName=Newsletter -F 'Subject=Zażółć gęślą jaźń' -F PreHeaderText= -F FromName=Shop \
  -F FromEmail=shop@example.com -F ReplyToName= -F ReplyToEmail=
  -F "HTMLContent=<$folder/body.html" -F "PlainContent=<$folder/body.txt" -F Mode=Unlayer -F OpenTracking=on -F LinkTracking=)
refused 10 Email.Update "${email_update[@]}" -F ValidateScope=Newsletter
refused 12 Email.Update "${email_update[@]}" -F ValidateScope=Campaign -F 'PlainContent=nothing to click'
ok Email.Update "${email_update[@]}" -F ValidateScope=Campaign
ok Email.Get -F "EmailID=$email"
has '"Subject":"Zażółć gęślą jaźń"' 'unsubscribe' 'Zażółć; 100%, \"quoted\"'

# A campaign, its audience, its schedule; the empty parameters stand before those that are given.
ok List.Create --form-string 'SubscriberListName=Readers; and <others>'
list=$(number ListID)
refused 1 List.Create -F SubscriberListName=
refused 1 Campaign.Create -F CampaignName=
ok Campaign.Create --form-string 'CampaignName=News; week 47 <draft>'
id=$(number CampaignID)
same Campaign.Create "$answer" '{"Success":true,"ErrorCode":0,"CampaignID":'"$id"'}'
day=$(date -u -d '+45 days' +%Y-%m-%d)
empty=()
for name in CampaignStatus CampaignName RelEmailID ScheduleType SendDate SendTime SendTimeZone ScheduleRecDaysOfWeek ScheduleRecDaysOfMonth \
  ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes \
  ScheduleRecSendMaxInstance ApprovalUserExplanation GoogleAnalyticsDomains PublishOnRSS RulesJsonBundle RecipientListsAndSegments \
  Exclude_RecipientListsAndSegments S2SEnabled; do empty+=(-F "$name="); done
future=("${empty[@]}" -F ScheduleType=Future -F "SendDate=$day" -F SendTime=18:00 -F SendTimeZone=Europe/Warsaw)
refused 1 Campaign.Update "${future[@]}"
refused 6 Campaign.Update -F "CampaignID=$id" "${future[@]}" -F SendDate=tomorrow
refused 8 Campaign.Update -F "CampaignID=$id" "${empty[@]}" -F ScheduleType=Recursive
refused 27 Campaign.Update -F "CampaignID=$id" "${future[@]}" -F SendDate=1999-12-31
plain Campaign.Update -F "CampaignID=$id" "${future[@]}" -F "RelEmailID=$email" -F "RecipientListsAndSegments=$list:0"
plain Campaign.Update -F "CampaignID=$id" -F CampaignStatus=Ready

# Tags, the list in pages, one campaign.
ok Tag.Create -F 'Tag=week 47'
tag=$(number TagID)
refused 1,2 Tag.AssignToCampaigns -F TagID= -F CampaignIDs=
ok Tag.AssignToCampaigns -F "TagID=$tag" -F "CampaignIDs=$id"
ok Campaign.Create -F 'CampaignName=News of next week'
other=$(number CampaignID)
seen=''
for from in 0 1; do
  ok Campaigns.Get -F RecordsPerRequest=1 -F RecordsFrom=$from -F CampaignStatus=All -F SearchKeyword=news -F OrderField=CampaignID \
    -F OrderType=DESC -F RetrieveTags=1 -F Tags= -F RetrieveStatistics=1
  has '"ErrorText":"","Campaigns":[{"CampaignID":"' '}],"TotalCampaigns":2}' '"OpenStatistics":{' '"BounceStatistics":{'
  seen+=" $(text CampaignID)"
done
same 'the pages' "$seen" " $other $id"
has '"CampaignName":"News; week 47 <draft>"' '"CampaignStatus":"Ready"' '"SendTime":"18:00:00"' '"TotalOpens":"0"' \
  '"Tags":[{"TagID":"'"$tag"'","Tag":"week 47"}]'
ok Campaigns.Get -F 'Tags[]=999999999' -F "Tags[]=$tag"
has '"Campaigns":[{"CampaignID":"'"$id"'",' '"TotalCampaigns":1}'
ok Campaign.Get -F "campaignid=$id" -F retrievestatistics=true -F retrievetags=true
has '{"Success":true,"ErrorCode":0,"Campaign":{"CampaignID":'"$id"',' '"Name":"News; week 47 <draft>"' '"CampaignName":"News; week 47 <draft>"' \
  '"Status":"Ready"' '"SendDate":"'"$day"'"' \
  '"SendTimeZone":"Europe/Warsaw"' '"TotalSent":0,' \
  '"Statistics":{"OpenStatistics":{},"ClickStatistics":{},"UnsubscriptionStatistics":{},"ForwardStatistics":{},' \
  '"BrowserViewStatistics":{},"BounceStatistics":{}}' \
  '"Tags":["week 47"]' '"CampaignThroughput":{"EmailsPerSecond":0}}'
refused 1 Campaign.Get -F campaignid=
refused 2 Campaign.Get -F campaignid=first
refused 3 Campaign.Get -F campaignid=999999999 -F FailOnNotFound=yes

# Sending begins; pause, resume, cancel.
echo "SENDING $id"
read -r || fail 'the sender did not answer'
refused 3 Campaign.Resume -F "CampaignID=$id"
plain Campaign.Pause -F "CampaignID=$id"
refused 3 Campaign.Pause -F "CampaignID=$id"
plain Campaign.Resume -F "CampaignID=$id"
refused 3 Campaign.Resume -F "CampaignID=$id"
plain Campaign.Cancel -F "CampaignID=$id"
refused 3 Campaign.Cancel -F "CampaignID=$id"
ok Campaign.Get -F "campaignid=$id" -F retrievestatistics=yes -F StatisticsDays=1
has '"Status":"Sent"' '"CampaignStatusReason":"Canceled"' '"TotalSent":4,' '"UniqueOpens":1,' '"SoftBounceRatio":"50.00"' \
  '"OpenStatistics":{"20' '":{"Total":3,"Unique":1}}' '"BounceStatistics":{"20' '":{"Hard":1,"Soft":2}}'

# Copy, delete, logout.
ok Campaign.Copy -F "CampaignID=$id"
copy=$(text NewCampaignID)
same Campaign.Copy "$answer" '{"Success":true,"ErrorCode":0,"NewCampaignID":"'"$copy"'"}'
refused 1 Campaign.Copy -F CampaignID=999999999
has '"ErrorCode":[1],"ErrorText":["Invalid source campaign"]'
plain Campaign.Update -F "CampaignID=$copy" "${future[@]}" -F CampaignStatus=Ready
plain Campaign.Cancel -F "CampaignID=$copy"
ok Campaign.Get -F "campaignid=$copy" -F retrievetags=true
has '"Status":"Draft"' '"ScheduleType":"Not Scheduled"' '"SendDate":"0000-00-00"' '"Tags":["week 47"]'
refused 1 Campaigns.Delete -F 'Campaigns[]=none'
has '"ErrorCode":{"campaigns":1}'
ok Campaigns.Delete -F "Campaigns[]=$id" -F "Campaigns[]=$copy" -F "Campaigns[]=$other"
same Campaigns.Delete "$answer" '{"Success":true,"ErrorCode":0,"ErrorText":""}'
ok Campaigns.Get
has '"TotalCampaigns":0}'
ok Tags.Delete -F "Tags[]=$tag"
ok Email.Delete -F "EmailID=$email"
answer=$(curl -sS -F Command=User.Logout -F "SessionID=$session" "$url")
has '{"Success":true,"ErrorCode":0'
answer=$(curl -sS -F Command=Campaigns.Get -F "SessionID=$session" "$url")
same 'the ended session' "$answer" '{"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}'
same logins "$logins" 1
echo 'done'
