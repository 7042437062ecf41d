// #region client
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient } from "graphql-sse";
import { valueTypes } from "../facts.mjs";

export function connect(url, key, schema) {
  const headers = { Authorization: `Bearer ${key}` };
  const stream = createClient({ url: `${url}/graphql`, headers, retryAttempts: Infinity });
  return new Client({
    url: `${url}/graphql`,
    fetchOptions: { headers },
    preferGetMethod: false,
    exchanges: [
      cacheExchange({
        schema, // the result of introspection: it tells which types an interface or union can be
        // Objects without an id belong to the object around them.
        keys: Object.fromEntries(valueTypes.map((name) => [name, () => null])),
        resolvers: { Query: { campaigns: relayPagination() } },
        optimistic: {
          // Shown at once, in every list; taken back if the answer has no campaign.
          updateCampaign: ({ input }) => ({
            __typename: "UpdateCampaignPayload",
            campaign: { __typename: "Campaign", ...input },
            userErrors: [],
          }),
        },
        updates: {
          Subscription: {
            campaignChanged({ campaignChanged: { deletedId } }, _, cache) {
              if (deletedId) {
                dropFromLists(cache, deletedId);
              }
            },
          },
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: stream.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}

// Takes a campaign out of the lists instead of cache.invalidate(), which would have them fetched again.
function dropFromLists(cache, id) {
  const campaign = cache.keyOfEntity({ __typename: "Campaign", id });
  for (const { fieldName, fieldKey } of cache.inspectFields("Query")) {
    if (fieldName === "campaigns") {
      const page = cache.resolve("Query", fieldKey);
      const edges = cache.resolve(page, "edges") ?? [];
      cache.link(page, "edges", edges.filter((edge) => cache.resolve(edge, "node") !== campaign));
    }
  }
}
// #endregion

// #region query
const ROW = gql`
  fragment Row on Campaign {
    id
    name
    status
    statistics {
      id
      sent
      opens {
        total
        rate
      }
      clicks {
        total
        rate
      }
    }
  }
`;

export const CAMPAIGNS = gql`
  query Campaigns($filter: CampaignFilter, $first: Int, $after: String, $last: Int, $before: String) {
    campaigns(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      edges {
        cursor
        node {
          ...Row
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
  ${ROW}
`;
// #endregion

// #region page
export async function allForwards(client, size, filter) {
  let variables = { first: size, filter };
  for (;;) {
    const { data, error } = await client.query(CAMPAIGNS, variables).toPromise();
    if (error) {
      throw error;
    }
    const { edges, pageInfo } = data.campaigns; // all pages so far, not this one alone
    if (!pageInfo.hasNextPage) {
      return edges.map(({ node }) => node);
    }
    variables = { ...variables, after: pageInfo.endCursor };
  }
}

export async function allBackwards(client, size, filter) {
  let variables = { last: size, filter };
  for (;;) {
    const { data, error } = await client.query(CAMPAIGNS, variables).toPromise();
    if (error) {
      throw error;
    }
    const { edges, pageInfo } = data.campaigns;
    if (!pageInfo.hasPreviousPage) {
      return edges.map(({ node }) => node);
    }
    variables = { ...variables, before: pageInfo.startCursor };
  }
}
// #endregion

// #region mutate
const RENAME = gql`
  mutation Rename($input: UpdateCampaignInput!) {
    updateCampaign(input: $input) {
      campaign {
        id
        name
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;

export async function rename(client, id, name) {
  const { data, error } = await client.mutation(RENAME, { input: { id, name } }).toPromise();
  if (error) {
    throw error;
  }
  return data.updateCampaign.userErrors;
}
// #endregion

// #region subscribe
const CHANGED = gql`
  subscription Changed($campaignIds: [ID!]) {
    campaignChanged(campaignIds: $campaignIds) {
      cause
      deletedId
      campaign {
        id
        name
        status
        statistics {
          id
          sent
          opens {
            total
            rate
          }
        }
      }
    }
  }
`;

export const follow = (client, campaignIds) => client.subscription(CHANGED, { campaignIds }).subscribe(() => {});
// #endregion
