// #region query
import { useEffect, useMemo } from "react";
import {
  graphql, useFragment, useLazyLoadQuery, useMutation, usePaginationFragment, useSubscription,
} from "react-relay";

export function Campaigns({ variables, onList }) {
  const query = useLazyLoadQuery(
    graphql`
      query CampaignsQuery($first: Int, $last: Int) {
        ...Campaigns_list @arguments(first: $first, last: $last)
      }
    `,
    variables,
  );
  return <List query={query} onList={onList} />;
}

function Row({ campaign }) {
  const { name, status, statistics } = useFragment(
    graphql`
      fragment Campaigns_row on Campaign {
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
    `,
    campaign,
  );
  const { sent, opens, clicks } = statistics;
  return <li title={status}>{`${name}: ${opens.total} opens and ${clicks.total} clicks of ${sent}`}</li>;
}
// #endregion

// #region page
function List({ query, onList }) {
  const list = usePaginationFragment(
    graphql`
      fragment Campaigns_list on Query
      @argumentDefinitions(
        first: { type: "Int" }
        after: { type: "String" }
        last: { type: "Int" }
        before: { type: "String" }
        filter: { type: "CampaignFilter" }
      )
      @refetchable(queryName: "CampaignsPageQuery") {
        campaigns(first: $first, after: $after, last: $last, before: $before, filter: $filter)
          @connection(key: "Campaigns_campaigns", filters: ["filter"]) {
          edges {
            node {
              id
              ...Campaigns_row
            }
          }
        }
      }
    `,
    query,
  );
  // list.loadNext(50), list.loadPrevious(50), list.refetch({ filter: { status: ["SENT"] } })
  useEffect(() => {
    onList(list);
  });
  return (
    <ul>
      {list.data.campaigns.edges
        .filter(({ node }) => node) // null once @deleteRecord has deleted it
        .map(({ node }) => (
          <Row key={node.id} campaign={node} />
        ))}
    </ul>
  );
}
// #endregion

// #region mutate
export function useRename() {
  const [commit] = useMutation(graphql`
    mutation CampaignsRenameMutation($input: UpdateCampaignInput!) {
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
  `);
  return (id, name, onAnswer) =>
    commit({
      variables: { input: { id, name } },
      // Shown at once, in every list; taken back if the answer has no campaign.
      optimisticResponse: { updateCampaign: { campaign: { id, name }, userErrors: [] } },
      onCompleted: ({ updateCampaign }) => onAnswer(updateCampaign.userErrors),
    });
}
// #endregion

// #region subscribe
export function useFollow(campaignIds) {
  useSubscription(
    useMemo(
      () => ({
        subscription: graphql`
          subscription CampaignsChangedSubscription($campaignIds: [ID!]) {
            campaignChanged(campaignIds: $campaignIds) {
              cause
              deletedId @deleteRecord
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
        `,
        variables: { campaignIds },
      }),
      [campaignIds],
    ),
  );
}
// #endregion
