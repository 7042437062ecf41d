# A client of the legacy API as Ruby scripts have it: Net::HTTP.post_form, and method_missing that turns campaign_get into Campaign.Get. It uses a
# session, and gives its campaign an audience by rules.
# Usage: ruby client.rb URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.
require 'json'
require 'net/http'
require 'time'
require 'uri'

STDOUT.sync = true

def fault(message)
  abort "client.rb: #{message}"
end

def same(what, got, want)
  fault "#{what}: got #{got.inspect}, want #{want.inspect}" unless got == want && got.class == want.class
end

def number(what, value)
  fault "#{what}: not a positive number: #{value.inspect}" unless value.is_a?(Integer) && value > 0
  value
end

# A failure that the server reports; codes is always a list, raw is the code as it came.
class Refused < StandardError
  attr_reader :codes, :raw, :answer

  def initialize(command, answer)
    @answer = answer
    @raw = answer['ErrorCode']
    @codes = @raw.is_a?(Hash) ? @raw.values : Array(@raw)
    super("#{command}: #{@raw.inspect} #{Array(answer['ErrorText'] || answer['ErrorMessage']).join('; ')}")
  end
end

class Oempro
  attr_reader :logins

  def initialize(url, username, password)
    @uri = URI("#{url}/api.php")
    @username = username
    @password = password
    @session = 'a session of last week'
    @logins = 0
  end

  def method_missing(name, parameters = {})
    call(name.to_s.split('_', 2).map { |part| part.split('_').map { |word| word[0].upcase + word[1..-1] }.join }.join('.'), parameters)
  end

  def respond_to_missing?(*)
    true
  end

  def call(command, parameters = {}, again = true)
    response = Net::HTTP.post_form(@uri, { 'SessionID' => @session, 'Command' => command }.merge(parameters))
    answer = JSON.parse(response.body)
    same "#{command}: status", response.code, '200'
    return answer if answer['Success'] == true && answer['ErrorCode'] == 0
    fault "#{command}: no envelope: #{response.body}" unless answer['Success'] == false && answer.key?('ErrorCode')
    refused = Refused.new(command, answer)
    raise refused unless again && refused.codes.include?(99998)
    login
    call(command, parameters, false)
  end

  def login
    answer = call('User.Login', { 'Username' => @username, 'Password' => @password }, false)
    same 'UserInfo', answer['UserInfo'].keys, %w[UserID Username EmailAddress FirstName LastName TimeZone ReputationLevel]
    @session = answer['SessionID']
    @logins += 1
  end
end

def refused(raw)
  answer = yield
  fault "accepted, although #{raw.inspect} was to be expected: #{answer.inspect}"
rescue Refused => e
  same e.message, e.raw, raw
  e
end

UPDATE = %w[CampaignStatus CampaignName RelEmailID ScheduleType SendDate SendTime SendTimeZone ScheduleRecDaysOfWeek
            ScheduleRecDaysOfMonth ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes ScheduleRecSendMaxInstance ApprovalUserExplanation
            GoogleAnalyticsDomains PublishOnRSS RulesJsonBundle RecipientListsAndSegments Exclude_RecipientListsAndSegments S2SEnabled AutoResendEnabled
            AutoResendWaitDays AutoResendSubject AutoResendPreHeaderText ABTesting].map { |name| [name, ''] }.to_h.freeze

url, username, password = ARGV
api = Oempro.new(url, username, password)

# The session is unknown: the first command logs in.
same 'Campaigns.Get of an empty account', api.campaigns_get,
     { 'Success' => true, 'ErrorCode' => 0, 'ErrorText' => '', 'Campaigns' => [], 'TotalCampaigns' => 0 }
same 'logins', api.logins, 1
stranger = Oempro.new(url, username, 'not the password')
same 'the text', refused([3]) { stranger.campaigns_get }.answer['ErrorText'], ['Invalid login information']

# An email with a body.
email = number 'EmailID', api.email_create['EmailID']
body = { 'EmailID' => email, 'ValidateScope' => 'Campaign', 'EmailName' => 'June', 'Subject' => '100% “off” – today', 'PreHeaderText' => '',
         'FromName' => 'Ann; Shop', 'FromEmail' => 'ann@example.com', 'ReplyToName' => 'Ann', 'ReplyToEmail' => 'reply@example.com',
         'HTMLContent' => '<a href="%Link:Unsubscribe%">bye</a>', 'PlainContent' => 'bye: %Link:Unsubscribe%', 'Mode' => 'Import' }
refused([12]) { api.email_update(body.merge('PlainContent' => 'no way out')) }
refused([10]) { api.email_update(body.merge('ValidateScope' => 'Everything')) }
refused([3]) { api.email_update(body.merge('EmailID' => '999999999')) }
api.email_update(body)
information = api.email_get('EmailID' => email)['EmailInformation']
%w[EmailName Subject FromName FromEmail ReplyToName ReplyToEmail HTMLContent PlainContent].each { |name| same name, information[name], body[name] }
same 'TotalEmailCount', api.emails_get['TotalEmailCount'].to_i, 1

# A campaign with rules for its audience.
list = number 'ListID', api.list_create('SubscriberListName' => 'Clients')['ListID']
answer = api.lists_get('OrderField' => '', 'OrderType' => '', 'RecordsPerRequest' => '', 'RecordsFrom' => '')
same 'Lists.Get', [answer['TotalListCount'].to_i, answer['Lists'].size, answer['Lists'][0]['ListID'].to_i], [1, 1, list]
answer = api.subscriber_subscribe('ListID' => list, 'EmailAddress' => 'user1@shop.example.net', 'IPAddress' => '2001:db8::1')
number 'SubscriberID', answer['SubscriberID']
refused(5) { api.subscriber_subscribe('ListID' => list, 'EmailAddress' => 'nobody', 'IPAddress' => '192.0.2.1') }
answer = api.subscribers_get('SubscriberListID' => list, 'SubscriberSegment' => 'Active', 'RecordsPerRequest' => '', 'RecordsFrom' => '')
same 'Subscribers.Get', [answer['TotalSubscribers'].to_i, answer['Subscribers'].size], [1, 1]

id = number 'CampaignID', api.campaign_create('CampaignName' => 'June letter')['CampaignID']
day = (Time.now.utc + 20 * 86_400).strftime('%Y-%m-%d')
rule = { 'type' => 'fields', 'field_id' => 'EmailAddress', 'operator' => 'contains', 'value' => 'user1' }
rules = { 'operator' => 'or', 'criteria' => [{ 'list_id' => list, 'operator' => 'and', 'rules' => [rule, rule.merge('value' => '.net')] }] }
future = UPDATE.merge('CampaignID' => id, 'RelEmailID' => email, 'ScheduleType' => 'Future', 'SendDate' => day, 'SendTime' => '23:59',
                      'SendTimeZone' => '+05:30', 'RulesJsonBundle' => JSON.generate(rules),
                      'RecipientListsAndSegments' => '999999999:0') # ignored: there are rules
bad = { 'operator' => 'or', 'criteria' => [{ 'list_id' => list, 'operator' => 'and', 'rules' => [rule.merge('operator' => 'has')] }] }
text = refused(28) { api.campaign_update(future.merge('RulesJsonBundle' => JSON.generate(bad))) }.answer['ErrorText']
fault "it is not said where the rules are wrong: #{text}" unless text.include?('criteria[0].rules[0].operator')
foreign = { 'operator' => 'or', 'criteria' => [{ 'list_id' => 999_999_999, 'operator' => 'and', 'rules' => [] }] }
refused(29) { api.campaign_update(future.merge('RulesJsonBundle' => JSON.generate(foreign))) }
refused(6) { api.campaign_update(future.merge('SendDate' => '2027-02-30')) }
refused(14) { api.campaign_update(future.merge('AutoResendEnabled' => 'yes', 'AutoResendSubject' => 'Again')) }
same 'Campaign.Update', api.campaign_update(future), { 'Success' => true, 'ErrorCode' => 0 }
api.campaign_update(UPDATE.merge('CampaignID' => id, 'CampaignStatus' => 'Ready'))

# Tags, lists and the campaign itself.
tag = number 'TagID', api.tag_create('Tag' => 'letters')['TagID']
refused(1) { api.tag_create('Tag' => '') }
api.call('Tag.AssignToCampaigns', 'TagID' => tag, 'CampaignIDs' => "#{id}")
others = %w[July August].map { |name| api.campaign_create('CampaignName' => "#{name} letter")['CampaignID'] }
rows = [0, 1, 2].flat_map do |from|
  page = api.campaigns_get('RecordsPerRequest' => '1', 'RecordsFrom' => from.to_s, 'CampaignStatus' => 'All', 'SearchKeyword' => 'LETTER',
                           'OrderField' => 'sort-by-status', 'OrderType' => 'ASC', 'RetrieveTags' => 'TRUE',
                           'Tags' => '', 'RetrieveStatistics' => 'TRUE')
  same 'TotalCampaigns', page['TotalCampaigns'], 3
  page['Campaigns']
end
same 'the pages', rows.map { |row| row['CampaignID'] }.sort, [id, *others].map(&:to_s).sort
same 'sort-by-status', rows.map { |row| row['CampaignStatus'] }, %w[Ready Draft Draft]
same 'tags of a row', rows.map { |row| row['Tags'] }, [[{ 'TagID' => tag.to_s, 'Tag' => 'letters' }], [], []]
same 'a number in a row', rows[0]['TotalRecipients'].class, String
answer = api.campaign_get('campaignid' => id, 'retrievestatistics' => 'true', 'retrievetags' => 'true')
campaign = answer['Campaign']
same 'the rules', JSON.parse(campaign['RulesJsonBundle']), rules
want = { 'CampaignID' => id, 'Name' => 'June letter', 'Status' => 'Ready', 'SendDate' => day, 'SendTime' => '23:59:00', 'SendTimeZone' => '+05:30',
         'Tags' => ['letters'], 'HardBounceRatio' => '0.00', 'SoftBounceRatio' => '0.00', 'OpenStatistics' => {}, 'TotalClicks' => 0 }
want.each { |name, value| same name, campaign[name], value }
same 'Statistics', campaign['Statistics'].keys,
  %w[OpenStatistics ClickStatistics UnsubscriptionStatistics ForwardStatistics BrowserViewStatistics BounceStatistics]
fault "EmailsPerSecond: #{answer.inspect}" unless answer['CampaignThroughput']['EmailsPerSecond'].is_a?(Numeric)
same 'Campaign.Get of none', api.campaign_get('campaignid' => '999999999')['Campaign'], []
same 'ErrorMessage', refused(1) { api.campaign_get }.answer['ErrorMessage'], "Required parameter 'campaignid' is missing."

# A list in place of the rules: there is one audience.
api.campaign_update(UPDATE.merge('CampaignID' => id, 'RecipientListsAndSegments' => "#{list}:0"))
campaign = api.campaign_get('campaignid' => id)['Campaign']
same 'the rules that were replaced', campaign['RulesJsonBundle'].to_s, ''
fault "RecipientLists: #{campaign['RecipientLists'].inspect}" unless campaign['RecipientLists'].to_s.include?(list.to_s)

# Sending begins; pause, resume, cancel.
puts "SENDING #{id}"
fault 'the sender did not answer' if STDIN.gets.nil?
api.campaign_pause('CampaignID' => id)
same 'paused', api.campaign_get('campaignid' => id)['Campaign']['Status'], 'Paused'
refused(3) { api.campaign_pause('CampaignID' => id) }
api.campaign_resume('CampaignID' => id)
same 'resumed', api.campaign_get('campaignid' => id)['Campaign']['Status'], 'Ready'
refused(3) { api.campaign_resume('CampaignID' => id) }
refused(2) { api.campaign_resume('CampaignID' => '999999999') }
api.campaign_cancel('CampaignID' => id)
refused(3) { api.campaign_cancel('CampaignID' => id) }
campaign = api.campaign_get('campaignid' => id, 'retrievestatistics' => 'true')['Campaign']
same 'canceled', campaign.values_at('Status', 'CampaignStatusReason', 'TotalSent', 'SoftBounceRatio'), ['Sent', 'Canceled', 4, '50.00']
same 'the first day', campaign['BounceStatistics'].values.first, { 'Hard' => 1, 'Soft' => 2 }

# Copy, delete, logout.
copy = api.campaign_copy('CampaignID' => id)['NewCampaignID']
fault "NewCampaignID: #{copy.inspect}" unless copy.is_a?(String) && copy =~ /\A[1-9]\d*\z/
same 'Campaign.Copy', refused([1]) { api.campaign_copy('CampaignID' => 'abc') }.answer['ErrorText'], ['Invalid source campaign']
api.campaign_update(future.merge('CampaignID' => copy, 'RecipientListsAndSegments' => '', 'CampaignStatus' => 'Ready'))
api.campaign_cancel('CampaignID' => copy)
campaign = api.campaign_get('campaignid' => copy, 'retrievetags' => 'true')['Campaign']
same 'the copy', campaign.values_at('Name', 'Status', 'ScheduleType', 'SendTime', 'Tags'),
     ['June letter', 'Draft', 'Not Scheduled', '00:00:00', ['letters']]
refused('campaigns' => 1) { api.campaigns_delete('Campaigns' => '') }
same 'Campaigns.Delete', api.campaigns_delete('Campaigns' => [id, copy, *others].join(',')),
  { 'Success' => true, 'ErrorCode' => 0, 'ErrorText' => '' }
same 'what is left', api.campaigns_get['TotalCampaigns'], 0
api.email_delete('EmailID' => email)
refused([2]) { api.email_delete('EmailID' => email) }
api.tags_delete('Tags' => tag)
same 'logins before the logout', api.logins, 1
api.user_logout
api.campaigns_get
same 'logins after it', api.logins, 2
puts 'done'
