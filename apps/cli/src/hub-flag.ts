/** Where a command fetches models from. */
import type { Flag, GivenFlags } from "./flags.ts";
import type { HubOptions } from "./hub/hub.ts";

/** Of every command that may have to fetch a model. */
export const HUB_FLAG: Flag = {
  name: "hub",
  value: "URL",
  help: "where models are fetched from (HF_ENDPOINT, else huggingface.co); a token comes from HF_TOKEN",
};

export const hubOf = (given: GivenFlags): HubOptions => {
  const endpoint = given.get("hub");
  return typeof endpoint === "string" ? { endpoint } : {};
};
