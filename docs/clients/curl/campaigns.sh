#!/bin/sh
# The examples with curl, one after the other: URL and KEY are in the environment.
set -eu

# #region client
graphql() {
  curl -sS --fail-with-body "$URL/graphql" -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' "$@"
}
# #endregion

# #region query
graphql -d '{"query": "{ campaigns(first: 2) { nodes { id name } pageInfo { hasNextPage endCursor } } }"}'
# #endregion

# #region page
query='query ($after: String) { campaigns(first: 100, after: $after) { nodes { name } pageInfo { endCursor } } }'
after=null
while page=$(graphql -d "{\"query\": \"$query\", \"variables\": {\"after\": $after}}"); do
  echo "$page"
  after=$(echo "$page" | sed -n 's/.*"endCursor":\("[^"]*"\).*/\1/p')
  [ -n "$after" ] || break # null: the page is empty, those before were all
done
# #endregion

# #region mutate
graphql -d '{
  "query": "mutation ($input: UpdateCampaignInput!) { updateCampaign(input: $input) { userErrors { code message } } }",
  "variables": {"input": {"id": "1", "name": ""}}
}'
# #endregion

# #region subscribe
graphql -N --max-time 2 -H 'Accept: text/event-stream' \
  -d '{"query": "subscription { campaignChanged(campaignIds: [1]) { cause deletedId campaign { name status } } }"}' ||
  [ $? -eq 28 ] # ended by --max-time
# #endregion
