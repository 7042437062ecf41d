// What must not compile: the types are worth nothing if they accept it.
import { campaign, type Send } from "./campaigns.js";
import type { CampaignFilter, UpdateCampaignInput } from "./gql/graphql.js";

// @ts-expect-error: a status that does not exist
export const filter: CampaignFilter = { status: ["DELETED"] };

const at = { date: "2030-01-01", time: "09:00", timeZone: "UTC" };
// @ts-expect-error: two kinds of a @oneOf input
export const both: UpdateCampaignInput = { id: "1", schedule: { at, recurring: {} } };

export async function nextSend(send: Send, id: string) {
  const found = await campaign(send, id);
  // @ts-expect-error: there may be no campaign
  found.name;
  // @ts-expect-error: a BigInt is a string
  found?.legacyId.toFixed();
  // @ts-expect-error: null unless it is due
  return found?.schedule.nextSendAt.slice(0, 10);
}
