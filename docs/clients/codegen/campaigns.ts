import { graphql } from "./gql/index.js";
export const q = graphql(`query Names($first: Int) { campaigns(first: $first) { nodes { id legacyId name } } }`);
export const r = graphql(`mutation Rename($input: UpdateCampaignInput!) { updateCampaign(input: $input) { campaign { id name } userErrors { code message field } } }`);
