<?php
// A client of the legacy API as PHP scripts have it: the curl extension, form bodies, a session, a class with one method for every command.
// Usage: php curl.php URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.

function fail($message) { fwrite(STDERR, "curl.php: $message\n"); exit(1); }

function same($what, $got, $want)
{
    if ($got !== $want) {
        fail("$what: got " . json_encode($got, JSON_UNESCAPED_UNICODE) . ', want ' . json_encode($want, JSON_UNESCAPED_UNICODE));
    }
}

function whole($what, $value) { if (!is_int($value) || $value < 1) { fail("$what: not a positive number: " . json_encode($value)); } return $value; }

class Client
{
    public $SessionID = '';
    public $Logins = 0;
    public $Status = 0;
    public $Operation = '';
    private $url, $username, $password;

    public function __construct($url, $username, $password) { $this->url = $url; $this->username = $username; $this->password = $password; }

    public function send($command, $parameters)
    {
        $handle = curl_init($this->url);
        curl_setopt($handle, CURLOPT_POST, true);
        curl_setopt($handle, CURLOPT_POSTFIELDS, http_build_query(
            array('SessionID' => $this->SessionID, 'ResponseFormat' => 'JSON', 'Command' => $command) + $parameters));
        curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
        $operation = '';
        curl_setopt($handle, CURLOPT_HEADERFUNCTION, function ($handle, $line) use (&$operation) {
            if (stripos($line, 'X-GraphQL-Operation:') === 0) { $operation = trim(substr($line, 20)); }
            return strlen($line);
        });
        $body = curl_exec($handle);
        if ($body === false) { fail("$command: " . curl_error($handle)); }
        $this->Status = curl_getinfo($handle, CURLINFO_HTTP_CODE);
        $this->Operation = $operation;
        curl_close($handle);
        $answer = json_decode($body);
        if (!is_object($answer) || !isset($answer->Success, $answer->ErrorCode)) { fail("$command: no envelope: $body"); }
        return $answer;
    }

    public function login()
    {
        $answer = $this->send('User.Login', array('Username' => $this->username, 'Password' => $this->password, 'RememberMe' => '',
            'Captcha' => '', 'DisableCaptcha' => 'true', 'TFACode' => ''));
        same('User.Login', array($answer->Success, $answer->ErrorCode, $answer->ErrorText), array(true, 0, ''));
        $this->SessionID = $answer->SessionID;
        $this->Logins++;
        return $answer;
    }

    // A session that has ended is begun anew, once.
    public function call($command, $parameters = array())
    {
        $answer = $this->send($command, $parameters);
        if (self::code($answer) === 99998) {
            same("$command: ErrorText", $answer->ErrorText, 'Authentication failure or session expired');
            $this->login();
            $answer = $this->send($command, $parameters);
        }
        return $answer;
    }

    // ErrorCode is a number, a list of numbers, or numbers by field.
    public static function code($answer)
    {
        if (is_int($answer->ErrorCode)) { return $answer->ErrorCode; }
        $codes = array_values((array) $answer->ErrorCode);
        return $codes[0];
    }

    public function ok($command, $parameters = array())
    {
        $answer = $this->call($command, $parameters);
        if ($answer->Success !== true || $answer->ErrorCode !== 0 || $this->Status !== 200) { fail("$command: " . json_encode($answer)); }
        return $answer;
    }

    public function refused($command, $parameters, $code, $text = null)
    {
        $answer = $this->call($command, $parameters);
        same("$command refused with HTTP", $this->Status, 200);
        if ($answer->Success !== false) { fail("$command accepted instead of refused with " . json_encode($code) . ': ' . json_encode($parameters)); }
        same("$command refused: ErrorCode", is_object($answer->ErrorCode) ? (array) $answer->ErrorCode : $answer->ErrorCode, $code);
        if ($text !== null) { same("$command refused: ErrorText", $answer->ErrorText, $text); }
        $name = isset($answer->ErrorMessage) ? 'ErrorMessage' : 'ErrorText'; // Campaign.Get has its own name for it
        $told = isset($answer->$name) ? $answer->$name : '';
        if ($told === '' || $told === array()) { fail("$command refused without a text: " . json_encode($answer)); }
        return $answer;
    }
}

// What the update of a campaign knows, all of it, empty where the caller gives nothing.
function campaign($id, $given)
{
    return $given + array('CampaignID' => $id, 'CampaignStatus' => '', 'CampaignName' => '', 'RelEmailID' => '', 'ScheduleType' => '',
        'SendDate' => '', 'SendTime' => '',
        'SendTimeZone' => '', 'ScheduleRecDaysOfWeek' => '', 'ScheduleRecDaysOfMonth' => '', 'ScheduleRecMonths' => '', 'ScheduleRecHours' => '',
        'ScheduleRecMinutes' => '', 'ScheduleRecSendMaxInstance' => '', 'ApprovalUserExplanation' => '', 'GoogleAnalyticsDomains' => '',
        'PublishOnRSS' => '',
        'RulesJsonBundle' => '', 'RecipientListsAndSegments' => '', 'Exclude_RecipientListsAndSegments' => '', 'S2SEnabled' => '');
}

list(, $base, $username, $password) = $argv;
$client = new Client("$base/api.php", $username, $password);

// Logging in, and what is refused before it.
$answer = $client->send('Nope.Nope', array());
same('an unknown command', array($client->Status, $answer->Success, $answer->ErrorCode, $answer->ErrorText),
    array(400, false, 100003, 'Invalid API command: "Nope.Nope" not found.'));
same('an unknown command: Errors', json_encode($answer->Errors), json_encode(array(array('Code' => 100003, 'Message' => $answer->ErrorText))));
$answer = $client->send('User.Login', array('Username' => '', 'Password' => ''));
same('User.Login without anything', $answer->ErrorCode, array(1, 2));
$answer = $client->send('User.Login', array('Username' => $username, 'Password' => 'wrong password'));
same('User.Login with a wrong password', array($answer->Success, $answer->ErrorCode, $answer->ErrorText),
    array(false, array(3), array('Invalid login information')));
$answer = $client->login();
same('UserInfo', array_keys((array) $answer->UserInfo),
    array('UserID', 'Username', 'EmailAddress', 'FirstName', 'LastName', 'TimeZone', 'ReputationLevel'));
same('UserInfo', array(is_string($answer->UserInfo->UserID), $answer->UserInfo->Username, $answer->UserInfo->ReputationLevel),
    array(true, $username, 'Trusted'));
$client->ok('User.Logout');
$client->ok('Campaigns.Get'); // with the session that has ended
same('logins', $client->Logins, 2);

// An email.
$email = whole('EmailID', $client->ok('Email.Create')->EmailID);
$client->refused('Email.Update', array('EmailID' => '', 'ValidateScope' => 'Campaign', 'PlainContent' => '%Link:Unsubscribe%'), array(1));
$client->refused('Email.Update', array('EmailID' => $email, 'ValidateScope' => 'Campaign'), array(8));
$client->refused('Email.Update', array('EmailID' => $email, 'ValidateScope' => '', 'HTMLContent' => '<p>Hi</p>', 'Mode' => 'Fancy'), array(4, 9));
$client->refused('Email.Update', array('EmailID' => $email, 'ValidateScope' => 'Campaign', 'HTMLContent' => '<p>Hi</p>', 'PlainContent' => 'Hi'),
    array(11, 12));
$html = "<p>Grüße & more: 50% off</p>\r\n<a href=\"%Link:Unsubscribe%\">no more</a>";
$client->ok('Email.Update', array('EmailID' => $email, 'ValidateScope' => 'Campaign', 'EmailName' => 'Sale', 'Subject' => 'Grüße + 日本',
    'PreHeaderText' => '', 'FromName' => 'Shop',
    'FromEmail' => 'shop@example.com', 'ReplyToName' => '', 'ReplyToEmail' => '', 'HTMLContent' => $html,
    'PlainContent' => "Hi\n%Link:Unsubscribe%", 'Mode' => 'Editor'));
$information = $client->ok('Email.Get', array('EmailID' => $email))->EmailInformation;
same('EmailInformation', array((string) $information->EmailID, $information->Subject, str_replace("\r\n", "\n", $information->HTMLContent)),
    array((string) $email, 'Grüße + 日本', str_replace("\r\n", "\n", $html)));
$client->refused('Email.Get', array('EmailID' => ''), array(1));
$client->refused('Email.Get', array('EmailID' => '999999999'), array(2));

// A list with two people.
$client->refused('List.Create', array('SubscriberListName' => ''), array(1));
$list = whole('ListID', $client->ok('List.Create', array('SubscriberListName' => 'Customers'))->ListID);
foreach (array('one@example.com', 'two@example.com') as $address) {
    $answer = $client->ok('Subscriber.Subscribe', array('ListID' => $list, 'EmailAddress' => $address, 'IPAddress' => '192.0.2.1'));
    whole('SubscriberID', $answer->SubscriberID);
}
$client->refused('Subscriber.Subscribe', array('ListID' => $list, 'EmailAddress' => 'ONE@example.com', 'IPAddress' => '192.0.2.1'), 9);

// A campaign, its audience and schedule; every code of the update that a schedule can have.
$client->refused('Campaign.Create', array('CampaignName' => ''), 1);
$id = whole('CampaignID', $client->ok('Campaign.Create', array('CampaignName' => 'Summer Sale'))->CampaignID);
$day = gmdate('Y-m-d', time() + 30 * 86400);
$future = array('ScheduleType' => 'Future', 'SendDate' => $day, 'SendTime' => '10:30', 'SendTimeZone' => 'Europe/Berlin');
$recursive = array('ScheduleType' => 'Recursive', 'ScheduleRecDaysOfWeek' => '1,5', 'ScheduleRecMonths' => '0', 'ScheduleRecHours' => '9',
    'ScheduleRecMinutes' => '30', 'ScheduleRecSendMaxInstance' => '3', 'SendTimeZone' => 'UTC');
$faults = array(
    array(array('CampaignID' => ''), 1), array(array('CampaignID' => 999999999, 'CampaignName' => 'x'), 2),
    array(array('CampaignStatus' => 'Nonsense'), 3),
    array(array('RelEmailID' => 999999999), 4), array(array('ScheduleType' => 'Sometimes'), 5), array(array('SendDate' => '') + $future, 6),
    array(array('SendTime' => '') + $future, 7),
    array(array('ScheduleRecDaysOfWeek' => '') + $recursive, 8), array(array('ScheduleRecMonths' => '') + $recursive, 9),
    array(array('ScheduleRecHours' => '') + $recursive, 10),
    array(array('ScheduleRecMinutes' => '') + $recursive, 11), array(array('ScheduleRecSendMaxInstance' => '') + $recursive, 12),
    array(array('SendTimeZone' => '') + $future, 13),
    array(array('SendDate' => '2001-02-03') + $future, 27), array(array('RulesJsonBundle' => '{"operator":'), 28),
    array(array('RecipientListsAndSegments' => '999999999:0'), 29),
);
foreach ($faults as $fault) { $client->refused('Campaign.Update', campaign($id, $fault[0]), $fault[1]); }
$client->ok('Campaign.Update', campaign($id, $future + array(
    'RelEmailID' => $email, 'RecipientListsAndSegments' => "$list:0", 'PublishOnRSS' => 'Disabled')));
$client->ok('Campaign.Update', campaign($id, array('CampaignStatus' => 'Ready')));

// Tags.
$tag = whole('TagID', $client->ok('Tag.Create', array('Tag' => 'Summer'))->TagID);
$client->refused('Tag.Create', array('Tag' => 'Summer'), 2);
$client->ok('Tag.AssignToCampaigns', array('TagID' => $tag, 'CampaignIDs' => $id));
$client->refused('Tag.AssignToCampaigns', array('TagID' => '', 'CampaignIDs' => $id), array(1));
$answer = $client->ok('Tags.Get');
same('Tags.Get', array($answer->TotalTagCount, count($answer->Tags), $answer->Tags[0]->TagID, $answer->Tags[0]->Tag),
    array(1, 1, (string) $tag, 'Summer'));

// The list, in pages of two.
$columns = explode(' ',
    'CampaignID RelOwnerUserID CampaignStatus CampaignStatusReason CampaignName RelEmailID ScheduleType SendDate SendTime SendTimeZone '
    . 'ScheduleRecDaysOfWeek ScheduleRecDaysOfMonth ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes ScheduleRecSendMaxInstance '
    . 'ScheduleRecSentInstances SendProcessStartedOn SendProcessFinishedOn TotalRecipients TotalSent TotalFailed TotalOpens UniqueOpens '
    . 'TotalClicks UniqueClicks TotalForwards UniqueForwards TotalViewsOnBrowser UniqueViewsOnBrowser TotalUnsubscriptions TotalHardBounces '
    . 'TotalSoftBounces TotalSpamReports BenchmarkEmailsPerSecond ApprovalUserExplanation GoogleAnalyticsDomains PublishOnRSS S2SEnabled '
    . 'AutoResendEnabled AutoResendWaitDays AutoResendSubject AutoResendPreHeaderText RulesJsonBundle RecipientLists RecipientSegments '
    . 'LastActivityDateTime CreateDateTime');
$others = array();
foreach (array('Autumn Sale', 'Winter Sale') as $name) { $others[] = $client->ok('Campaign.Create', array('CampaignName' => $name))->CampaignID; }
$names = array();
foreach (array(0, 2) as $from) {
    $answer = $client->ok('Campaigns.Get', array('RecordsPerRequest' => 2, 'RecordsFrom' => $from, 'CampaignStatus' => 'All',
        'SearchKeyword' => '', 'OrderField' => 'CampaignName',
        'OrderType' => 'ASC', 'RetrieveTags' => 'true', 'Tags' => '', 'RetrieveStatistics' => 'true'));
    same('Campaigns.Get', array($answer->ErrorText, $answer->TotalCampaigns, is_array($answer->Campaigns)), array('', 3, true));
    foreach ($answer->Campaigns as $row) {
        same('columns of a row', array_slice(array_keys((array) $row), 0, count($columns)), $columns);
        foreach ((array) $row as $column => $value) {
            if (!is_string($value) && $value !== null && $column !== 'Tags' && !preg_match('/Statistics$/', $column)) {
                fail("$column is no string in the list: " . json_encode($value));
            }
        }
        if (!isset($row->OpenStatistics) && !isset($row->Statistics->OpenStatistics)) { fail('a row of the list has no statistics'); }
        same('Tags of ' . $row->CampaignName, json_encode($row->Tags),
            $row->CampaignID === (string) $id ? json_encode(array(array('TagID' => (string) $tag, 'Tag' => 'Summer'))) : '[]');
        $names[] = $row->CampaignName;
    }
}
same('the pages', $names, array('Autumn Sale', 'Summer Sale', 'Winter Sale'));
$answer = $client->ok('Campaigns.Get', array('CampaignStatus' => 'Scheduled', 'SearchKeyowrd' => 'sUMMER', 'Tags' => $tag));
same('the scheduled one', array($answer->TotalCampaigns, $answer->Campaigns[0]->CampaignID, isset($answer->Campaigns[0]->Tags)),
    array(1, (string) $id, false));

// One campaign.
$answer = $client->refused('Campaign.Get', array('campaignid' => ''), 1);
same('ErrorMessage', $answer->ErrorMessage, "Required parameter 'campaignid' is missing.");
$client->refused('Campaign.Get', array('campaignid' => 'abc'), 2);
same('Campaign.Get of none', $client->ok('Campaign.Get', array('campaignid' => 999999999))->Campaign, array());
$client->refused('Campaign.Get', array('campaignid' => 999999999, 'FailOnNotFound' => 'true'), 3);
$answer = $client->ok('Campaign.Get', array('campaignid' => $id, 'retrievestatistics' => 'true', 'retrievetags' => 'true'));
$got = $answer->Campaign;
same('columns that are missing', array_values(array_diff($columns, array_keys((array) $got))), array());
same('Campaign', array($got->CampaignID, $got->Name, $got->CampaignName, $got->Status, $got->CampaignStatus, $got->RelEmailID, $got->Tags),
    array($id, 'Summer Sale', 'Summer Sale', 'Ready', 'Ready', $email, array('Summer')));
same('its schedule', array($got->ScheduleType, $got->SendDate, $got->SendTime, $got->SendTimeZone),
    array('Future', $day, '10:30:00', 'Europe/Berlin'));
same('its numbers', array($got->TotalSent, $got->UniqueOpens, $got->HardBounceRatio, $got->SoftBounceRatio), array(0, 0, '0.00', '0.00'));
same('EmailsPerSecond', $answer->CampaignThroughput->EmailsPerSecond, 0);
if (strpos(json_encode($got->RecipientLists), (string) $list) === false) {
    fail('RecipientLists does not name the list: ' . json_encode($got->RecipientLists));
}
foreach (array('Open', 'Click', 'Unsubscription', 'Forward', 'BrowserView', 'Bounce') as $kind) {
    $block = $kind . 'Statistics';
    same($block, array(json_encode($got->Statistics->$block), json_encode($got->$block)), array('{}', '{}'));
}

// Sending begins; pause, resume, cancel.
$client->refused('Campaign.Pause', array('CampaignID' => $id), 3);
same('X-GraphQL-Operation', $client->Operation, 'pauseCampaign');
echo "SENDING $id\n";
if (fgets(STDIN) === false) { fail('the sender did not answer'); }
$client->refused('Campaign.Update', campaign($id, array('Exclude_RecipientListsAndSegments' => "$list:0")), 30);
$client->ok('Campaign.Pause', array('CampaignID' => $id));
$client->refused('Campaign.Pause', array('CampaignID' => $id), 3, "Campaign is not in a 'Sending' state");
$got = $client->ok('Campaign.Get', array('campaignid' => $id, 'retrievestatistics' => 'true', 'StatisticsDays' => '3'))->Campaign;
same('sent', array($got->Status, $got->TotalSent, $got->TotalOpens, $got->UniqueOpens, $got->HardBounceRatio, $got->SoftBounceRatio),
    array('Paused', 4, 3, 1, '25.00', '50.00'));
$days = array_values((array) $got->Statistics->OpenStatistics);
same('days', array(count($days), array_keys((array) $days[0]), $days[0]->Total, $days[0]->Unique, $days[1]->Total),
    array(3, array('Total', 'Unique'), 3, 1, 0));
same('bounces', json_encode(array_values((array) $got->Statistics->BounceStatistics)[0]), '{"Hard":1,"Soft":2}');
$client->ok('Campaign.Resume', array('CampaignID' => $id));
$client->refused('Campaign.Resume', array('CampaignID' => $id), 3);
$client->ok('Campaign.Cancel', array('CampaignID' => $id));
$client->refused('Campaign.Cancel', array('CampaignID' => $id), 3);
$client->refused('Campaign.Cancel', array('CampaignID' => ''), 1);
$client->refused('Campaign.Cancel', array('CampaignID' => 999999999), 2);
$got = $client->ok('Campaign.Get', array('campaignid' => $id))->Campaign;
same('canceled', array($got->Status, $got->CampaignStatusReason, isset($got->Statistics), isset($got->Tags)),
    array('Sent', 'Canceled', false, false));

// A copy, which is canceled before anything is sent.
$client->refused('Campaign.Copy', array('CampaignID' => ''), array(1), array('Invalid source campaign'));
$copy = $client->ok('Campaign.Copy', array('CampaignID' => $id))->NewCampaignID;
if (!is_string($copy) || !ctype_digit($copy)) { fail('NewCampaignID: ' . json_encode($copy)); }
$got = $client->ok('Campaign.Get', array('campaignid' => $copy, 'retrievetags' => '1'))->Campaign;
same('the copy', array($got->Name, $got->Status, $got->ScheduleType, $got->SendDate, $got->SendTime, $got->TotalSent, $got->Tags,
    $got->RelEmailID !== $email),
    array('Summer Sale', 'Draft', 'Not Scheduled', '0000-00-00', '00:00:00', 0, array('Summer'), true));
$client->ok('Campaign.Update', campaign($copy, $future + array('CampaignStatus' => 'Ready')));
$client->refused('Campaign.Approve', array('CampaignID' => $copy), 3);
$client->ok('Campaign.Cancel', array('CampaignID' => $copy));
$got = $client->ok('Campaign.Get', array('campaignid' => $copy))->Campaign;
same('the copy canceled', array($got->Status, $got->ScheduleType, $got->SendDate), array('Draft', 'Not Scheduled', '0000-00-00'));

// Away with all of it.
$client->refused('Email.Delete', array('EmailID' => $email), 3);
$client->refused('Campaigns.Delete', array('Campaigns' => ''), array('campaigns' => 1));
$client->refused('Campaigns.Delete', array('Campaigns' => "$id,x"), array('campaigns' => 1));
$answer = $client->ok('Campaigns.Delete', array('Campaigns' => implode(',', array_merge(array($id, $copy), $others))));
same('Campaigns.Delete', json_encode($answer), '{"Success":true,"ErrorCode":0,"ErrorText":""}');
same('what is left', $client->ok('Campaigns.Get')->TotalCampaigns, 0);
$client->ok('Email.Delete', array('EmailID' => $email));
$client->ok('Tags.Delete', array('Tags' => $tag));
$client->ok('User.Logout');
same('the ended session', $client->send('Campaigns.Get', array())->ErrorCode, 99998);
same('User.Logout again', $client->send('User.Logout', array())->Success, true);
same('logins', $client->Logins, 2);
echo "done\n";
