#!/usr/bin/env bash
# A client of the legacy API as shell scripts have it: curl -d with a session and an API key, as the reference's own examples send them, and answers
# read with sed and grep, which rely on the very bytes.
# Usage: form.sh URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.
set -uo pipefail
url=$1/api.php username=$2 password=$3 configured=$4
session=exampleSessionId key=exampleApiKey logins=0 answer='' status=''

fail() { echo "form.sh: $*" >&2; exit 1; }
same() { [[ $2 == "$3" ]] || fail "$1: got $2, want $3"; }

# send COMMAND NAME=VALUE…: the answer is in $answer, its HTTP status in $status.
send() {
  local fields=(-d "SessionID=$session" -d "APIKey=$key" -d "Command=$1") field
  shift
  for field; do fields+=(--data-urlencode "$field"); done
  answer=$(curl -sS -w '\n%{http_code}' -X POST "${fields[@]}" "$url") || fail "curl ended with $?"
  status=${answer##*$'\n'} answer=${answer%$'\n'*}
  answer=${answer%$'\n'}
}

# call is send, once more with a new session where the old one has ended.
call() {
  send "$@"
  if [[ $answer == *'"ErrorCode":99998'* ]]; then
    login
    send "$@"
  fi
}

login() {
  answer=$(curl -sS -X POST -d Command=User.Login --data-urlencode "Username=$username" --data-urlencode "Password=$password" "$url")
  session=$(text SessionID) key=$configured
  [[ $answer == '{"Success":true,"ErrorCode":0,"ErrorText":"","SessionID":"'?* ]] || fail "User.Login: $answer"
  logins=$((logins + 1))
}

number() { sed -nE 's/.*"'"$1"'":([1-9][0-9]*)[,}].*/\1/p' <<<"$answer"; }
text() { sed -nE 's/.*"'"$1"'":"([^"]*)".*/\1/p' <<<"$answer"; }

ok() {
  call "$@"
  [[ $status == 200 && $answer == '{"Success":true,"ErrorCode":0'[,}]* ]] || fail "$*: HTTP $status $answer"
}
plain() { ok "$@"; same "$1" "$answer" '{"Success":true,"ErrorCode":0}'; }
refused() { # CODE COMMAND NAME=VALUE…, the code as JSON has it
  local code=$1
  shift
  call "$@"
  [[ $status == 200 && $answer == '{"Success":false,"ErrorCode":'"$code,"* && $answer == *'"ErrorText":'[[\"]?* ]] ||
    fail "$*: want code $code, got HTTP $status $answer"
}
has() { [[ $answer == *"$1"* ]] || fail "no $1 in $answer"; }

send Nope
told='Invalid API command: \"Nope\" not found.'
same 'an unknown command' "$status $answer" \
  '400 {"Success":false,"ErrorCode":100003,"ErrorText":"'"$told"'","Errors":[{"Code":100003,"Message":"'"$told"'"}]}'
send Campaigns.Get
same 'with the credentials of the examples' "$status $answer" \
  '200 {"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}'
ok Campaigns.Get
same 'an empty account' "$answer" '{"Success":true,"ErrorCode":0,"ErrorText":"","Campaigns":[],"TotalCampaigns":0}'
same logins "$logins" 1
answer=$(curl -sS -d Command=User.Login -d "Username=$username" -d Password=guess "$url")
same 'a wrong password' "$answer" '{"Success":false,"ErrorCode":[3],"ErrorText":["Invalid login information"]}'

# An email, a list.
ok Email.Create
email=$(number EmailID)
same Email.Create "$answer" '{"Success":true,"ErrorCode":0,"EmailID":'"$email"'}'
html='<p>50% off &amp; more</p> <a href="%Link:Unsubscribe%">unsubscribe</a>'
filled=("EmailID=$email" EmailName=Spring Subject='Grüße = 1 + 1' PreHeaderText= FromName=Shop FromEmail=shop@example.com ReplyToName= \
  ReplyToEmail= PlainContent='%Link:Unsubscribe%' Mode=Empty)
refused '[11]' Email.Update "${filled[@]}" ValidateScope=Campaign HTMLContent='<p>without a link</p>'
refused '[9]' Email.Update "${filled[@]}" ValidateScope= "HTMLContent=$html"
ok Email.Update "${filled[@]}" ValidateScope=Campaign "HTMLContent=$html"
ok Email.Get "EmailID=$email"
has '"Subject":"Grüße = 1 + 1"'
refused '[2]' Email.Get EmailID=999999999
ok List.Create SubscriberListName=Readers
list=$(number ListID)
same List.Create "$answer" '{"Success":true,"ErrorCode":0,"ListID":'"$list"'}'

# A campaign, its audience, its schedule.
refused 1 Campaign.Create CampaignName=
ok Campaign.Create 'CampaignName=Spring & Easter'
id=$(number CampaignID)
same Campaign.Create "$answer" '{"Success":true,"ErrorCode":0,"CampaignID":'"$id"'}'
day=$(date -u -d '+30 days' +%Y-%m-%d)
update() { # what is given stands last, and the last of a repeated parameter counts
  call Campaign.Update "CampaignID=$id" CampaignStatus= CampaignName= RelEmailID= ScheduleType= SendDate= SendTime= SendTimeZone= \
    ScheduleRecDaysOfWeek= ScheduleRecDaysOfMonth= ScheduleRecMonths= ScheduleRecHours= \
    ScheduleRecMinutes= ScheduleRecSendMaxInstance= ApprovalUserExplanation= GoogleAnalyticsDomains= PublishOnRSS= \
    RulesJsonBundle= RecipientListsAndSegments= Exclude_RecipientListsAndSegments= S2SEnabled= "$@"
}
future=(ScheduleType=Future "SendDate=$day" SendTime=07:45:00 SendTimeZone=Asia/Tokyo)
for fault in '2 CampaignID=999999999' '3 CampaignStatus=Sleeping' '4 RelEmailID=999999999' '5 ScheduleType=Later' '6 ScheduleType=Future' \
  "7 ScheduleType=Future SendDate=$day" \
  "13 ScheduleType=Future SendDate=$day SendTime=07:45" '28 RulesJsonBundle={}}' '29 RecipientListsAndSegments=999999999:0'; do
  read -ra words <<<"$fault"
  update "${words[@]:1}"
  [[ $answer == '{"Success":false,"ErrorCode":'"${words[0]}"',"ErrorText":"'?*'"}' ]] ||
    fail "Campaign.Update ${words[*]:1}: want code ${words[0]}, got $answer"
done
update "RelEmailID=$email" "${future[@]}" "RecipientListsAndSegments=$list:0"
same Campaign.Update "$answer" '{"Success":true,"ErrorCode":0}'
plain Campaign.Update "CampaignID=$id" CampaignStatus=Ready

# Tags, the list in pages, one campaign.
ok Tag.Create Tag=spring
tag=$(number TagID)
refused 2 Tag.Create Tag=spring
ok Tag.AssignToCampaigns "TagID=$tag" "CampaignIDs=$id"
ok Tags.Get
has '"Tags":[{"TagID":"'"$tag"'","RelOwnerUserID":"'
others=''
for name in Alpha Omega; do ok Campaign.Create "CampaignName=$name"; others+=",$(number CampaignID)"; done
pages=''
for from in 0 2; do
  ok Campaigns.Get RecordsPerRequest=2 RecordsFrom=$from CampaignStatus=All SearchKeyword= OrderField=CampaignName OrderType=ASC RetrieveTags=true \
    Tags= RetrieveStatistics=true
  [[ $answer == '{"Success":true,"ErrorCode":0,"ErrorText":"","Campaigns":[{"CampaignID":"'[1-9]*'}],"TotalCampaigns":3}' ]] ||
    fail "Campaigns.Get: $answer"
  has '"OpenStatistics":{'
  pages+=$(grep -oE '"CampaignName":"[^"]*"' <<<"$answer" | tr '\n' ' ')
done
same 'the pages' "$pages" '"CampaignName":"Alpha" "CampaignName":"Omega" "CampaignName":"Spring & Easter" '
has '"Tags":[{"TagID":"'"$tag"'","Tag":"spring"}]'
columns=$(grep -oE '"[A-Za-z0-9]+":' <<<"$answer" | tr -d '":' | tr '\n' ' ')
[[ $columns == *' CampaignID RelOwnerUserID CampaignStatus CampaignStatusReason CampaignName RelEmailID ScheduleType SendDate SendTime '* ]] ||
  fail "columns: $columns"
ok Campaigns.Get CampaignStatus=Draft SearchKeyword=alph
has '"TotalCampaigns":1}'
[[ $answer != *Statistics* && $answer != *Tags* ]] || fail "neither statistics nor tags were asked for: $answer"
ok Campaign.Get "campaignid=$id" retrievestatistics=true retrievetags=true
for part in '"Campaign":{"CampaignID":'"$id," '"Name":"Spring & Easter"' '"Status":"Ready"' '"CampaignStatus":"Ready"' '"RelEmailID":'"$email," \
  '"ScheduleType":"Future"' '"SendDate":"'"$day"'"' \
  '"SendTime":"07:45:00"' '"SendTimeZone":"Asia/Tokyo"' '"TotalSent":0,' '"HardBounceRatio":"0.00"' '"SoftBounceRatio":"0.00"' \
  '"Statistics":{"OpenStatistics":{},"ClickStatistics":{},' \
  '"Tags":["spring"]' '"CampaignThroughput":{"EmailsPerSecond":0}}'; do has "$part"; done
call Campaign.Get campaignid=
has '"Success":false,"ErrorCode":1,'
has '"ErrorMessage":"Required parameter '"'campaignid'"' is missing."'
ok Campaign.Get campaignid=999999999
same 'Campaign.Get of none' "${answer:0:48}" '{"Success":true,"ErrorCode":0,"Campaign":[]}'

# Sending begins; pause, resume, cancel.
echo "SENDING $id"
read -r || fail 'the sender did not answer'
plain Campaign.Pause "CampaignID=$id"
refused 3 Campaign.Pause "CampaignID=$id"
same 'its text' "$answer" '{"Success":false,"ErrorCode":3,"ErrorText":"Campaign is not in a '"'Sending'"' state"}'
plain Campaign.Resume "CampaignID=$id"
refused 3 Campaign.Resume "CampaignID=$id"
refused 2 Campaign.Resume CampaignID=999999999
plain Campaign.Cancel "CampaignID=$id"
refused 3 Campaign.Cancel "CampaignID=$id"
refused 1 Campaign.Cancel CampaignID=
ok Campaign.Get "campaignid=$id" retrievestatistics=1
for part in '"Status":"Sent"' '"CampaignStatusReason":"Canceled"' '"TotalSent":4,' '"HardBounceRatio":"25.00"' '":{"Total":3,"Unique":1}' \
  '":{"Hard":1,"Soft":2}'; do has "$part"; done

# Copy, delete, logout.
ok Campaign.Copy "CampaignID=$id"
copy=$(text NewCampaignID)
same Campaign.Copy "$answer" '{"Success":true,"ErrorCode":0,"NewCampaignID":"'"$copy"'"}'
refused '[1]' Campaign.Copy CampaignID=
same 'its text' "$answer" '{"Success":false,"ErrorCode":[1],"ErrorText":["Invalid source campaign"]}'
update "CampaignID=$copy" "${future[@]}" CampaignStatus=Ready
plain Campaign.Cancel "CampaignID=$copy"
ok Campaign.Get "campaignid=$copy" retrievetags=true
for part in '"Status":"Draft"' '"ScheduleType":"Not Scheduled"' '"SendDate":"0000-00-00"' '"SendTime":"00:00:00"' \
  '"Tags":["spring"]'; do has "$part"; done
refused '{"campaigns":1}' Campaigns.Delete Campaigns=all
ok Campaigns.Delete "Campaigns=$id,$copy$others"
same Campaigns.Delete "$answer" '{"Success":true,"ErrorCode":0,"ErrorText":""}'
ok Campaigns.Get
has '"TotalCampaigns":0}'
ok Tags.Delete "Tags=$tag"
ok Email.Delete "EmailID=$email"
ok User.Logout
same logins "$logins" 1
echo 'done'
