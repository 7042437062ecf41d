// A client of the legacy API as Node scripts have it: fetch with JSON bodies, values of any JSON type, nested values, and both a session and an API
// key, as the reference's own examples send them.
// Usage: node client.mjs URL USERNAME PASSWORD APIKEY. It ends with 1 at the first answer that is not as documented.
import { isDeepStrictEqual, inspect } from 'node:util';
import { createInterface } from 'node:readline';

const [url, username, password, apiKey] = process.argv.slice(2);

function fail(message) {
  process.stderr.write(`client.mjs: ${message}\n`);
  process.exit(1);
}

function same(what, got, want) {
  if (!isDeepStrictEqual(got, want)) fail(`${what}: got ${inspect(got, { depth: 9 })}, want ${inspect(want, { depth: 9 })}`);
}

function id(what, value) {
  if (!Number.isInteger(value) || value < 1) fail(`${what}: not a positive number: ${inspect(value)}`);
  return value;
}

class Failure extends Error {
  constructor(command, answer) {
    super(`${command}: ${JSON.stringify(answer)}`);
    this.raw = answer.ErrorCode;
    this.codes = typeof this.raw === 'object' ? Object.values(this.raw) : [this.raw];
    this.answer = answer;
  }
}

const client = { sessionID: 'your-session-id', apiKey: 'your-api-key', logins: 0 };

async function post(body, type = 'application/json') {
  const response = await fetch(`${url}/command`, { method: 'POST', headers: { 'Content-Type': type }, body });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    fail(`no JSON: ${text}`);
  }
  if (typeof answer.Success !== 'boolean' || answer.ErrorCode === undefined) fail(`no envelope: ${text}`);
  return { status: response.status, operation: response.headers.get('X-GraphQL-Operation'), text, answer };
}

async function send(command, parameters) {
  return post(JSON.stringify({ SessionID: client.sessionID, APIKey: client.apiKey, Command: command, ...parameters }));
}

async function login() {
  const { answer } = await send('User.Login', { SessionID: null, APIKey: null, Username: username, Password: password, RememberMe: false,
    DisableCaptcha: true });
  same('User.Login', [answer.Success, answer.ErrorCode, answer.ErrorText, typeof answer.SessionID], [true, 0, '', 'string']);
  same('UserInfo', [typeof answer.UserInfo.UserID, answer.UserInfo.Username], ['string', username]);
  client.sessionID = answer.SessionID;
  client.apiKey = apiKey;
  client.logins++;
}

async function call(command, parameters = {}, again = true) {
  const { status, answer } = await send(command, parameters);
  same(`${command}: status`, status, 200);
  if (answer.Success && answer.ErrorCode === 0) return answer;
  const failure = new Failure(command, answer);
  if (!again || !failure.codes.includes(99998)) throw failure;
  await login();
  return call(command, parameters, false);
}

async function refused(code, command, parameters) {
  try {
    fail(`${command} was accepted, although ${inspect(code)} was to be expected: ${JSON.stringify(await call(command, parameters))}`);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    same(failure.message, [failure.raw, failure.answer.Success], [code, false]);
    return failure.answer;
  }
}

const settings = Object.fromEntries(`CampaignStatus CampaignName RelEmailID ScheduleType SendDate SendTime
  SendTimeZone ScheduleRecDaysOfWeek ScheduleRecDaysOfMonth ScheduleRecMonths ScheduleRecHours ScheduleRecMinutes ScheduleRecSendMaxInstance
  ApprovalUserExplanation GoogleAnalyticsDomains PublishOnRSS RulesJsonBundle RecipientListsAndSegments
  Exclude_RecipientListsAndSegments S2SEnabled`.split(/\s+/).map((name) => [name, '']));

// What never reaches a command.
let reply = await post('{"Command": "Campaigns.Get"');
same('half a body', [reply.status, reply.answer.ErrorCode, reply.answer.Errors[0].Code], [400, 100000, 100000]);
reply = await post(JSON.stringify({ Command: '', APIKey: apiKey }));
same('no command', [reply.status, reply.answer.Success, reply.answer.ErrorCode], [400, false, 100003]);
const method = await fetch(`${url}/command`, { method: 'PUT', body: '{}' });
same('PUT', [method.status, (await method.json()).ErrorCode], [400, 100001]);

// The credentials of the reference's examples are nobody's: the first command logs in.
same('Campaigns.Get of an empty account', await call('Campaigns.Get'),
  { Success: true, ErrorCode: 0, ErrorText: '', Campaigns: [], TotalCampaigns: 0 });
same('logins', client.logins, 1);
same('a wrong password', (await refused([3], 'User.Login', { SessionID: '', APIKey: '', Username: username, Password: 12345678 })).ErrorText,
  ['Invalid login information']);

// An email.
const email = id('EmailID', (await call('Email.Create')).EmailID);
const content = { EmailID: email, ValidateScope: 'Campaign', EmailName: 'Winter', Subject: 'Winter "sale" \\ ❄', PreHeaderText: '',
  FromName: 'Shop', FromEmail: 'shop@example.com', ReplyToName: null,
  ReplyToEmail: null, HTMLContent: '<a href="%Link:Unsubscribe%">no</a>\n<script>"</script>', PlainContent: '%Link:Unsubscribe%', Mode: 'Template',
  OpenTracking: true, LinkTracking: 'off' };
await refused([11], 'Email.Update', { ...content, HTMLContent: '<p>forever</p>' });
await refused([4, 10], 'Email.Update', { ...content, ValidateScope: 'campaigns', Mode: 'Word' });
await call('Email.Update', content);
const { EmailInformation: information } = await call('Email.Get', { EmailID: String(email) });
same('EmailInformation', [String(information.EmailID), information.Subject, information.HTMLContent],
  [String(email), content.Subject, content.HTMLContent]);
await refused([1], 'Email.Get');

// A campaign, its audience, its schedule.
const list = id('ListID', (await call('List.Create', { SubscriberListName: 'Guests' })).ListID);
await refused(1, 'Campaign.Create', { CampaignName: '   ' });
reply = await send('Campaign.Create', { CampaignName: 'Winter 2027' });
const campaign = id('CampaignID', reply.answer.CampaignID);
same('Campaign.Create', [reply.text.trim(), reply.operation], [`{"Success":true,"ErrorCode":0,"CampaignID":${campaign}}`, 'createCampaign']);
const day = new Date(Date.now() + 60 * 86400e3).toISOString().slice(0, 10);
const future = { ...settings, CampaignID: campaign, RelEmailID: email, ScheduleType: 'Future', SendDate: day, SendTime: '12:00',
  SendTimeZone: 'UTC', RecipientListsAndSegments: `${list}:0`, PublishOnRSS: 'Enabled' };
await refused(5, 'Campaign.Update', { ...future, ScheduleType: 'future date' });
await refused(13, 'Campaign.Update', { ...future, SendTimeZone: null });
await refused(17, 'Campaign.Update', { ...future, ABTesting: 'yes' });
await refused(18, 'Campaign.Update', { ...future, ABTesting: { Variations: 'two' } });
await refused(21, 'Campaign.Update', { ...future, ABTesting: { Variations: [{ EmailID: email }] } });
await refused(19, 'Campaign.Update', { ...future, ABTesting: { Variations: [{ EmailID: email }, { EmailID: 999999999 }] } });
await refused(3, 'Campaign.Update', { CampaignID: campaign, CampaignStatus: 'Sent' });
same('Campaign.Update', await call('Campaign.Update', { ...future, CampaignStatus: 'Ready', Unknown: { ignored: [true] } }),
  { Success: true, ErrorCode: 0 });

// Tags, the list in pages, one campaign.
const tag = id('TagID', (await call('Tag.Create', { Tag: 'winter_1' })).TagID);
await refused(2, 'Tag.Create', { Tag: 'winter_1' });
await refused(3, 'Tag.AssignToCampaigns', { TagID: 999999999, CampaignIDs: String(campaign) });
await call('Tag.AssignToCampaigns', { TagID: tag, CampaignIDs: String(campaign) });
const others = [];
for (const name of ['Ski', 'Sled', 'Skate']) others.push(id('CampaignID', (await call('Campaign.Create', { CampaignName: name })).CampaignID));
const rows = [];
for (const RecordsFrom of [0, 3]) {
  const page = await call('Campaigns.Get', { RecordsPerRequest: 3, RecordsFrom, CampaignStatus: 'All', SearchKeyword: '', OrderField: 'CampaignID',
    OrderType: 'ASC', RetrieveTags: true, Tags: '', RetrieveStatistics: true });
  same('keys of a page', [Object.keys(page), page.TotalCampaigns], [['Success', 'ErrorCode', 'ErrorText', 'Campaigns', 'TotalCampaigns'], 4]);
  rows.push(...page.Campaigns);
}
same('the pages', rows.map((row) => row.CampaignID), [campaign, ...others].map(String));
same('a row', [rows[0].CampaignStatus, rows[0].TotalSent, rows[0].RelEmailID, rows[0].Tags],
  ['Ready', '0', String(email), [{ TagID: String(tag), Tag: 'winter_1' }]]);
same('a row without tags', rows[1].Tags, []);
if (!rows[0].OpenStatistics && !rows[0].Statistics?.OpenStatistics) fail('a row has no statistics');
same('by tag', (await call('Campaigns.Get', { Tags: `${tag},999999999` })).Campaigns.map((row) => row.CampaignName), ['Winter 2027']);
const blocks = { OpenStatistics: {}, ClickStatistics: {}, UnsubscriptionStatistics: {}, ForwardStatistics: {}, BrowserViewStatistics: {},
  BounceStatistics: {} };
let got = await call('Campaign.Get', { campaignid: campaign, retrievestatistics: true, retrievetags: true });
same('keys of Campaign.Get', [Object.keys(got), got.CampaignThroughput],
  [['Success', 'ErrorCode', 'Campaign', 'CampaignThroughput'], { EmailsPerSecond: 0 }]);
const { CampaignID, Name, Status, CampaignStatus, SendDate, SendTime, TotalSent, HardBounceRatio, Statistics, Tags, PublishOnRSS } = got.Campaign;
same('Campaign', [CampaignID, Name, Status, CampaignStatus, SendDate, SendTime, TotalSent, HardBounceRatio, Tags, PublishOnRSS],
  [campaign, 'Winter 2027', 'Ready', 'Ready', day, '12:00:00', 0, '0.00', ['winter_1'], 'Enabled']);
same('Statistics', Statistics, blocks);
await refused(1, 'Campaign.Get');
same('not numeric', (await refused(2, 'Campaign.Get', { campaignid: true })).ErrorMessage, "The 'campaignid' parameter must be numeric.");
got = await call('Campaign.Get', { campaignid: campaign, retrievestatistics: false, retrievetags: 'no' });
same('without statistics and tags', ['Statistics', 'OpenStatistics', 'Tags'].filter((key) => key in got.Campaign), []);

// Sending begins; pause, resume, cancel. Of two that pause at once, one is told that it did.
process.stdout.write(`SENDING ${campaign}\n`);
const lines = createInterface({ input: process.stdin });
if ((await lines[Symbol.asyncIterator]().next()).done) fail('the sender did not answer');
lines.close();
const race = await Promise.all([send('Campaign.Pause', { CampaignID: campaign }), send('Campaign.Pause', { CampaignID: campaign })]);
same('a race of two', race.map((one) => one.answer.ErrorCode).sort(), [0, 3]);
await call('Campaign.Resume', { CampaignID: campaign });
await refused(3, 'Campaign.Resume', { CampaignID: campaign });
await call('Campaign.Cancel', { CampaignID: campaign });
await refused(3, 'Campaign.Cancel', { CampaignID: campaign });
await refused(2, 'Campaign.Cancel', { CampaignID: 'abc' });
got = (await call('Campaign.Get', { campaignid: campaign, retrievestatistics: 1, StatisticsDays: 2 })).Campaign;
same('canceled', [got.Status, got.CampaignStatusReason, got.TotalSent, got.TotalOpens, got.SoftBounceRatio], ['Sent', 'Canceled', 4, 3, '50.00']);
same('days of opens', Object.values(got.Statistics.OpenStatistics), [{ Total: 3, Unique: 1 }, { Total: 0, Unique: 0 }]);
same('days of bounces', Object.values(got.BounceStatistics), [{ Hard: 1, Soft: 2 }, { Hard: 0, Soft: 0 }]);

// Copy, delete, logout.
const { NewCampaignID: copy } = await call('Campaign.Copy', { CampaignID: campaign });
if (typeof copy !== 'string' || !/^[1-9]\d*$/.test(copy)) fail(`NewCampaignID: ${inspect(copy)}`);
same('Campaign.Copy', await refused([1], 'Campaign.Copy', { CampaignID: 999999999 }),
  { Success: false, ErrorCode: [1], ErrorText: ['Invalid source campaign'] });
got = (await call('Campaign.Get', { campaignid: copy })).Campaign;
if (!Number.isInteger(got.RelEmailID) || got.RelEmailID === email) fail(`the copy has no email of its own: ${inspect(got.RelEmailID)}`);
await call('Campaign.Update', { ...future, CampaignID: copy, CampaignStatus: 'Ready' });
await refused(3, 'Campaign.Approve', { CampaignID: copy });
await call('Campaign.Cancel', { CampaignID: copy });
got = (await call('Campaign.Get', { campaignid: copy, retrievetags: true })).Campaign;
same('the copy', [got.Name, got.Status, got.ScheduleType, got.SendDate, got.Tags],
  ['Winter 2027', 'Draft', 'Not Scheduled', '0000-00-00', ['winter_1']]);
await refused({ campaigns: 1 }, 'Campaigns.Delete', { Campaigns: [campaign, 'all'] });
same('Campaigns.Delete', await call('Campaigns.Delete', { Campaigns: [campaign, copy, ...others] }), { Success: true, ErrorCode: 0, ErrorText: '' });
same('what is left', (await call('Campaigns.Get')).TotalCampaigns, 0);
await call('Email.Delete', { EmailID: email });
await call('Tags.Delete', { Tags: String(tag) });
const session = client.sessionID;
await call('User.Logout', { SessionID: session, APIKey: '' });
same('the ended session', (await send('Campaigns.Get', { APIKey: '' })).answer,
  { Success: false, ErrorCode: 99998, ErrorText: 'Authentication failure or session expired' });
await call('Campaigns.Get'); // the key counts where both are sent
same('logins', client.logins, 1);
process.stdout.write('done\n');
