#!/usr/bin/env node
import { load } from "./load.mjs";

await load(new URL("../src/main.ts", import.meta.url).href);
