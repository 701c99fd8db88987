import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryDisk } from "./memory-disk.fixture.ts";
import { createMemoryStore } from "./memory-store.fixture.ts";
import { createRunFolder } from "./run-folder.ts";
import { runStoreChecks } from "./run-store.contract.ts";

runStoreChecks("a store in memory", async () => {
  const place = { run: null };
  return { open: () => createMemoryStore(place), clean: async () => {} };
});

runStoreChecks("a run folder", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  return { open: () => createRunFolder(directory), clean: () => rm(directory, { recursive: true }) };
});

const noLock = async () => ({ release: async () => {} });

runStoreChecks("a run folder on a disk in memory", async () => {
  const disk = createMemoryDisk();
  return { open: () => createRunFolder("/run", { disk, lock: noLock }), clean: async () => {} };
});
