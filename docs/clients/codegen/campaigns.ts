// #region client
import { graphql } from "./gql/gql.js";
import type { CampaignFilter, TypedDocumentString } from "./gql/graphql.js";

export const connect =
  (url: string, key: string) =>
  async <Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json",
      },
      body: JSON.stringify({ query: document.toString(), variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: { message: string }[] };
    if (errors?.[0]) {
      throw new Error(errors[0].message);
    }
    return data;
  };

export type Send = ReturnType<typeof connect>;
// #endregion

// #region query
const CAMPAIGN = graphql(`
  query Campaign($id: ID!) {
    campaign(id: $id) {
      id
      legacyId
      name
      status
      schedule {
        id
        nextSendAt
      }
    }
  }
`);

export const campaign = async (send: Send, id: string) => (await send(CAMPAIGN, { id })).campaign ?? undefined;
// #endregion

// #region page
const CAMPAIGNS = graphql(`
  query Campaigns($filter: CampaignFilter, $after: String) {
    campaigns(filter: $filter, first: 100, after: $after) {
      nodes {
        id
        name
        status
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export async function* allCampaigns(send: Send, filter?: CampaignFilter) {
  for (let after: string | null | undefined; ; ) {
    const { nodes, pageInfo } = (await send(CAMPAIGNS, { filter, after })).campaigns;
    yield* nodes;
    if (!pageInfo.hasNextPage) {
      return;
    }
    after = pageInfo.endCursor;
  }
}
// #endregion

// #region mutate
const RESCHEDULE = graphql(`
  mutation Reschedule($input: UpdateCampaignInput!) {
    updateCampaign(input: $input) {
      campaign {
        id
        schedule {
          id
          type
        }
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

export async function sendOn(send: Send, id: string, date: string) {
  // `schedule` is a @oneOf input: with a second kind beside `at` this does not compile.
  const schedule = { at: { date, time: "09:00", timeZone: "Europe/Berlin" } };
  const { updateCampaign } = await send(RESCHEDULE, { input: { id, schedule } });
  return updateCampaign.userErrors;
}
// #endregion

// #region subscribe
export const CHANGED = graphql(`
  subscription Changed($campaignIds: [ID!]) {
    campaignChanged(campaignIds: $campaignIds) {
      cause
      deletedId
      campaign {
        id
        status
      }
    }
  }
`);
// CHANGED.toString() is the `query` of graphql-ws and graphql-sse; see there.
// #endregion
