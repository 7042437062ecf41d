// #region follow
import { createClient } from "graphql-sse";

export const connect = (url, key) =>
  createClient({
    url: `${url}/graphql`,
    headers: () => ({ Authorization: `Bearer ${key}` }),
    retryAttempts: Infinity,
  });

export async function* follow(client, campaignIds) {
  const query = `subscription Changed($campaignIds: [ID!]) {
    campaignChanged(campaignIds: $campaignIds) { cause deletedId campaign { id name status } }
  }`;
  for await (const { data, errors } of client.iterate({ query, variables: { campaignIds } })) {
    if (errors) {
      throw new Error(errors[0].message);
    }
    yield data.campaignChanged;
  }
}
// #endregion
