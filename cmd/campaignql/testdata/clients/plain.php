<?php
// A client of the legacy API for hosts without the curl extension: file_get_contents, everything in the query string of a GET, names in lower case,
// a session. Only what is too long for a URL is posted, with the command still in the query string.
// Usage: php plain.php URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.

function fail($message)
{
    fwrite(STDERR, "plain.php: $message\n");
    exit(1);
}

function expect($what, $got, $want)
{
    if ($got !== $want) {
        fail($what . ': got ' . var_export($got, true) . ', want ' . var_export($want, true));
    }
}

$session = '';
$logins = 0;
$http = '';

// request sends one command and returns its answer as an array. $post, when given, is sent as the body of a POST.
function request($command, $parameters, $post = null)
{
    global $base, $session, $http;
    $query = http_build_query(array('command' => $command, 'sessionid' => $session, 'responseformat' => 'json') + $parameters);
    $options = array('ignore_errors' => true, 'timeout' => 30);
    if ($post !== null) {
        $options += array('method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => http_build_query($post));
    }
    $body = file_get_contents("$base/api.php?$query", false, stream_context_create(array('http' => $options)));
    if ($body === false) {
        fail("$command: no answer");
    }
    $http = $http_response_header[0];
    $answer = json_decode($body, true);
    if (!is_array($answer) || !is_bool($answer['Success']) || !isset($answer['ErrorCode'])) {
        fail("$command: no envelope: $body");
    }
    return $answer;
}

function login()
{
    global $session, $logins, $username, $password;
    $session = '';
    $answer = request('user.login', array('username' => $username, 'password' => $password));
    expect('user.login', array($answer['Success'], $answer['ErrorCode'], is_string($answer['SessionID'])), array(true, 0, true));
    $session = $answer['SessionID'];
    $logins++;
}

// api sends a command, logging in once more when the session has ended.
function api($command, $parameters = array(), $post = null)
{
    $answer = request($command, $parameters, $post);
    if ($answer['ErrorCode'] === 99998) {
        login();
        $answer = request($command, $parameters, $post);
    }
    return $answer;
}

function must($command, $parameters = array(), $post = null)
{
    $answer = api($command, $parameters, $post);
    if (!$answer['Success'] || $answer['ErrorCode'] !== 0) {
        $texts = isset($answer['ErrorText']) ? implode('; ', (array) $answer['ErrorText']) : '';
        fail("$command: error " . implode(',', (array) $answer['ErrorCode']) . " $texts");
    }
    return $answer;
}

// refused wants a failure with these codes, whether they come as a number, as a list or by field.
function refused($command, $parameters, $codes)
{
    $answer = api($command, $parameters);
    expect("$command: Success", $answer['Success'], false);
    expect("$command: ErrorCode", $answer['ErrorCode'], $codes);
    foreach ((array) $answer[isset($answer['ErrorText']) ? 'ErrorText' : 'ErrorMessage'] as $text) { // campaign.get has its own name for it
        expect("$command: a text", is_string($text) && $text !== '', true);
    }
}

list(, $base, $username, $password) = $argv;

// No session yet, then one that has ended: both are begun anew by the first command.
$answer = request('campaigns.get', array());
expect('without a session', array($answer['ErrorCode'], $answer['ErrorText']), array(99998, 'Authentication failure or session expired'));
expect('its HTTP status', strpos($http, ' 200 ') !== false, true);
login();
must('user.logout');
must('campaigns.get');
expect('logins', $logins, 2);

$answer = request('', array());
expect('no command', array($answer['ErrorCode'], strpos($http, ' 400 ') !== false), array(100003, true));

// An email, created by GET and filled by POST.
$answer = must('email.create');
$email = $answer['EmailID'];
expect('EmailID', is_int($email) && $email > 0, true);
$html = str_repeat("<p>Schöne Grüße, 100% & more</p>\n", 500) . '<a href="%Link:Unsubscribe%">abmelden</a>';
must('email.update', array('emailid' => $email, 'subject' => 'overridden by the body'), array(
    'validatescope' => 'Campaign', 'emailname' => 'Frühling', 'subject' => 'Frühling & Sommer',
    'preheadertext' => '', 'fromname' => 'Laden', 'fromemail' => 'laden@example.com', 'replytoname' => '', 'replytoemail' => '',
    'htmlcontent' => $html, 'plaincontent' => '', 'mode' => ''));
$answer = must('email.get', array('emailid' => $email));
expect('Subject', $answer['EmailInformation']['Subject'], 'Frühling & Sommer');
expect('HTMLContent', $answer['EmailInformation']['HTMLContent'], $html);
refused('email.get', array('emailid' => '0'), array(2));

// A campaign with audience and schedule; what is empty is not given.
$answer = must('list.create', array('subscriberlistname' => 'Kunden'));
$list = $answer['ListID'];
expect('ListID', is_int($list) && $list > 0, true);
$answer = must('campaign.create', array('campaignname' => '  Frühling  '));
$id = $answer['CampaignID'];
expect('CampaignID', is_int($id) && $id > 0, true);
$day = gmdate('Y-m-d', time() + 40 * 86400);
$settings = array('campaignstatus' => '', 'campaignname' => '', 'relemailid' => $email, 'scheduletype' => 'Future', 'senddate' => $day,
    'sendtime' => '08:15:30', 'sendtimezone' => '(GMT-03:00) Brasilia',
    'schedulerecdaysofweek' => '', 'schedulerecdaysofmonth' => '', 'schedulerecmonths' => '', 'schedulerechours' => '', 'schedulerecminutes' => '',
    'schedulerecsendmaxinstance' => '',
    'approvaluserexplanation' => '', 'googleanalyticsdomains' => 'example.com', 'publishonrss' => 'Enabled', 'rulesjsonbundle' => '',
    'recipientlistsandsegments' => "$list",
    'exclude_recipientlistsandsegments' => '', 's2senabled' => '');
refused('campaign.update', array('campaignid' => $id, 'sendtimezone' => 'Mars/Olympus') + $settings, 13);
refused('campaign.update', array('campaignid' => 'abc') + $settings, 2);
must('campaign.update', array('campaignid' => $id) + $settings);
must('campaign.update', array('campaignid' => $id, 'campaignstatus' => 'Ready'));

// A tag, the list in pages, one campaign.
$answer = must('tag.create', array('tag' => 'Grün 2'));
$tag = $answer['TagID'];
expect('TagID', is_int($tag) && $tag > 0, true);
refused('tag.create', array('tag' => 'a!b'), 3);
must('tag.assigntocampaigns', array('tagid' => $tag, 'campaignids' => $id));
$answer = must('campaign.create', array('campaignname' => 'Herbst'));
$other = $answer['CampaignID'];
$seen = array();
for ($from = 0; $from < 2; $from++) {
    $answer = must('campaigns.get', array('recordsperrequest' => 1, 'recordsfrom' => $from, 'campaignstatus' => '', 'searchkeyword' => '',
        'orderfield' => 'CampaignID', 'ordertype' => 'DESC',
        'retrievetags' => 'yes', 'tags' => '', 'retrievestatistics' => 'on'));
    expect('a page', array($answer['ErrorText'], $answer['TotalCampaigns'], count($answer['Campaigns'])), array('', 2, 1));
    $row = $answer['Campaigns'][0];
    foreach (array('CampaignID', 'RelEmailID', 'TotalSent', 'CreateDateTime') as $column) {
        expect("a string in $column of a row", is_string($row[$column]), true);
    }
    expect('statistics in a row', isset($row['OpenStatistics']) || isset($row['Statistics']['OpenStatistics']), true);
    $seen[] = $row['CampaignID'];
}
expect('the pages', $seen, array((string) $other, (string) $id));
expect('tags in a row', $row['Tags'], array(array('TagID' => (string) $tag, 'Tag' => 'Grün 2')));
$answer = must('campaign.get', array('campaignid' => $id, 'retrievestatistics' => 'true', 'retrievetags' => 'true'));
$campaign = $answer['Campaign'];
foreach (array('CampaignID' => $id, 'Name' => 'Frühling', 'Status' => 'Ready', 'RelEmailID' => $email, 'ScheduleType' => 'Future',
    'SendDate' => $day, 'SendTime' => '08:15:30',
    'SendTimeZone' => '(GMT-03:00) Brasilia', 'GoogleAnalyticsDomains' => 'example.com', 'PublishOnRSS' => 'Enabled', 'TotalSent' => 0,
    'HardBounceRatio' => '0.00', 'Tags' => array('Grün 2')) as $column => $want) {
    expect($column, $campaign[$column], $want);
}
expect('CreateDateTime', preg_match('/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/', $campaign['CreateDateTime']), 1);
expect('SendProcessStartedOn', $campaign['SendProcessStartedOn'], '0000-00-00 00:00:00');
expect('CampaignThroughput', $answer['CampaignThroughput'], array('EmailsPerSecond' => 0));
refused('campaign.get', array('campaignid' => '12x'), 2);

// Sending begins; pause, resume, cancel.
echo "SENDING $id\n";
if (fgets(STDIN) === false) {
    fail('the sender did not answer');
}
must('campaign.pause', array('campaignid' => $id));
refused('campaign.pause', array('campaignid' => $id), 3);
refused('campaign.pause', array('campaignid' => '999999999'), 2);
refused('campaign.pause', array('campaignid' => ''), 1);
must('campaign.resume', array('campaignid' => $id));
refused('campaign.resume', array('campaignid' => $id), 3);
must('campaign.cancel', array('campaignid' => $id));
$answer = must('campaign.get', array('campaignid' => $id, 'retrievestatistics' => '1'));
$campaign = $answer['Campaign'];
expect('canceled', array($campaign['Status'], $campaign['CampaignStatusReason'], $campaign['TotalSent'], $campaign['HardBounceRatio']),
    array('Sent', 'Canceled', 4, '25.00'));
$days = $campaign['Statistics']['OpenStatistics'];
expect('the days', array(count($days), preg_match('/^20\d\d-\d\d-\d\d$/', key($days)), current($days)),
    array(15, 1, array('Total' => 3, 'Unique' => 1)));

// Copy, delete, logout.
$answer = must('campaign.copy', array('campaignid' => $id));
$copy = $answer['NewCampaignID'];
expect('NewCampaignID', is_string($copy) && ctype_digit($copy), true);
refused('campaign.copy', array('campaignid' => '-1'), array(1));
must('campaign.update', array('campaignid' => $copy) + array('campaignstatus' => 'Ready') + $settings);
must('campaign.cancel', array('campaignid' => $copy));
$answer = must('campaign.get', array('campaignid' => $copy));
expect('the copy', array($answer['Campaign']['Status'], $answer['Campaign']['ScheduleType'], $answer['Campaign']['SendDate']),
    array('Draft', 'Not Scheduled', '0000-00-00'));
refused('campaigns.delete', array('campaigns' => '1,,x'), array('campaigns' => 1));
$answer = must('campaigns.delete', array('campaigns' => array($id, $copy, $other, 999999999))); // Campaigns[0]=…&Campaigns[1]=…
expect('campaigns.delete', $answer, array('Success' => true, 'ErrorCode' => 0, 'ErrorText' => ''));
$answer = must('campaign.get', array('campaignid' => $id));
expect('the deleted one', $answer['Campaign'], array());
must('tags.delete', array('tags' => $tag));
must('email.delete', array('emailid' => $email));
must('user.logout');
$answer = request('campaigns.get', array());
expect('after the logout', $answer['ErrorCode'], 99998);
expect('logins', $logins, 2);
echo "done\n";
