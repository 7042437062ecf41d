// #region follow
import { createClient } from "graphql-ws";

export const connect = (url, key) =>
  createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: () => ({ Authorization: `Bearer ${key}` }),
    shouldRetry: () => true, // also when the server restarts
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
