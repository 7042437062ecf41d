// #region client
export const connect = (url, key) => async (query, variables) => {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json",
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) {
    const [{ message, extensions }] = errors;
    throw new Error(`${extensions?.code}: ${message} (request ${extensions?.requestId})`);
  }
  return data;
};
// #endregion

// #region query
export const campaign = (send, id) =>
  send(`query Campaign($id: ID!) { campaign(id: $id) { id name status statistics { sent opens { total rate } } } }`, {
    id,
  }).then((data) => data.campaign); // null if there is none with this id
// #endregion

// #region page
export async function* allCampaigns(send, filter) {
  let after = null;
  do {
    const { campaigns } = await send(
      `query Campaigns($filter: CampaignFilter, $after: String) {
        campaigns(filter: $filter, first: 100, after: $after) {
          nodes { id name status }
          pageInfo { hasNextPage endCursor }
        }
      }`,
      { filter, after },
    );
    yield* campaigns.nodes;
    after = campaigns.pageInfo.hasNextPage ? campaigns.pageInfo.endCursor : null;
  } while (after);
}
// #endregion

// #region mutate
export async function rename(send, id, name) {
  const { updateCampaign } = await send(
    `mutation Rename($input: UpdateCampaignInput!) {
      updateCampaign(input: $input) {
        campaign { id name version }
        userErrors { code message field }
      }
    }`,
    { input: { id, name } },
  );
  return updateCampaign.userErrors; // nothing was written if there is one
}
// #endregion

// #region subscribe
export async function* follow(url, key, campaignIds) {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({
      query: `subscription Changed($campaignIds: [ID!]) {
        campaignChanged(campaignIds: $campaignIds) { cause deletedId campaign { id name status } }
      }`,
      variables: { campaignIds },
    }),
  });
  let text = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, data] = event.match(/^event: next\ndata: ?(.*)$/) ?? [];
      if (data) {
        yield JSON.parse(data).data.campaignChanged;
      }
    }
  }
}
// #endregion
