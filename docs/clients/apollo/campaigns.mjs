// #region client
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition, relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { filter, firstValueFrom } from "rxjs";
import { possibleTypes, valueTypes } from "../facts.mjs";

export function connect(url, key) {
  const http = new HttpLink({ uri: `${url}/graphql`, headers: { Authorization: `Bearer ${key}` } });
  const socket = new GraphQLWsLink(
    createClient({
      url: `${url.replace(/^http/, "ws")}/graphql`,
      // Browsers send no header with a WebSocket: the key goes into connection_init.
      connectionParams: () => ({ Authorization: `Bearer ${key}` }),
      shouldRetry: () => true,
      retryAttempts: Infinity,
    }),
  );
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, socket, http),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        // Objects without an id are merged field by field, whichever part of them a query selects.
        ...Object.fromEntries(valueTypes.map((name) => [name, { merge: true }])),
        Query: {
          fields: {
            // Pages of one filter and order are one list; `first`, `after`, `last`, `before` are not part of its key.
            campaigns: relayStylePagination(["filter", "orderBy"]),
          },
        },
      },
    }),
  });
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

export const watchCampaigns = (client, variables) => client.watchQuery({ query: CAMPAIGNS, variables });
// #endregion

// #region page
const loaded = (list) => firstValueFrom(list.pipe(filter(({ loading }) => !loading)));

export async function allForwards(list, size) {
  let { pageInfo } = (await loaded(list)).data.campaigns;
  while (pageInfo.hasNextPage) {
    const { data } = await list.fetchMore({ variables: { first: size, after: pageInfo.endCursor } });
    ({ pageInfo } = data.campaigns);
  }
  return (await loaded(list)).data.campaigns.edges.map(({ node }) => node); // all pages
}

export async function allBackwards(list, size) {
  let { pageInfo } = (await loaded(list)).data.campaigns;
  while (pageInfo.hasPreviousPage) {
    const { data } = await list.fetchMore({ variables: { last: size, before: pageInfo.startCursor } });
    ({ pageInfo } = data.campaigns);
  }
  return (await loaded(list)).data.campaigns.edges.map(({ node }) => node);
}

export const onlyWithStatus = (list, status) => list.refetch({ filter: { status } });
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
  const { data } = await client.mutate({
    mutation: RENAME,
    variables: { input: { id, name } },
    // Shown at once, in every list; taken back if the answer has no campaign.
    optimisticResponse: {
      updateCampaign: {
        __typename: "UpdateCampaignPayload",
        campaign: { __typename: "Campaign", id, name },
        userErrors: [],
      },
    },
  });
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

// The cache merges what changed by the ids of campaign and statistics: no list is fetched again.
export function follow(client, campaignIds) {
  return client.subscribe({ query: CHANGED, variables: { campaignIds } }).subscribe(({ data }) => {
    const id = data?.campaignChanged.deletedId;
    if (id) {
      client.cache.evict({ id: client.cache.identify({ __typename: "Campaign", id }) });
      client.cache.gc();
    }
  });
}
// #endregion
