/**
 * How each command of the documents is shown to work. Commands of fedlodrop are executed as they stand, in the folder of a
 * rehearsal's stranger and in this order (tools/release/documented.ts); .ci/run has those of the repository; the rest says why
 * nobody types it for a test. A command that is in no list fails docs.test.ts, and so does one that no document has any more.
 */

export interface Execution {
  /** As the documents have it, without `npx`. */
  readonly documented: string;
  /** What is typed for it, where it has placeholders or more rounds than show anything. */
  readonly typed?: string;
  /**
   * Ends by itself with code 0; serves, until it is asked to end, and ends with 0 then; or takes part in a run that is served
   * beside it, and ends with that.
   */
  readonly kind: "ends" | "serves" | "joins";
}

const ends = (documented: string, typed?: string): Execution => execution("ends", documented, typed);
const serves = (documented: string, typed?: string): Execution => execution("serves", documented, typed);
const joins = (documented: string, typed?: string): Execution => execution("joins", documented, typed);

function execution(kind: Execution["kind"], documented: string, typed?: string): Execution {
  return { kind, documented, ...(typed !== undefined && { typed }) };
}

/** A folder of these names is there: instance.json, cert.pem and key.pem; COORDINATOR is where a run is served. */
export const EXECUTIONS: readonly Execution[] = [
  ends("fedlodrop --help"),
  ends("fedlodrop doctor"),
  ends("fedlodrop federate --tabs 3 --rounds 3", "fedlodrop federate --tabs 3 --rounds 3 --out runs/mine"),
  ends(
    "fedlodrop federate --tabs 3 --rounds 3 --backend wasm --seed 7 --json",
    "fedlodrop federate --tabs 3 --rounds 3 --backend wasm --seed 7 --json --out runs/plain",
  ),
  ends(
    "fedlodrop federate --tabs 4 --rounds 10 --dropout 0.5 --seed 7 --json",
    "fedlodrop federate --tabs 4 --rounds 1 --dropout 0.5 --seed 7 --json",
  ),
  ends(
    "fedlodrop federate --method fedlora --out runs/fedlora",
    "fedlodrop federate --method fedlora --out runs/fedlora --tabs 2 --rounds 1",
  ),
  ends(
    "fedlodrop federate --method branch-and-bound --links emulated --rounds 20 --out runs/chosen",
    "fedlodrop federate --method branch-and-bound --links emulated --rounds 1 --out runs/chosen --tabs 2",
  ),
  ends("fedlodrop federate --task NAME", "fedlodrop federate --task spam --tabs 2 --rounds 1"),
  ends("fedlodrop compare runs/plain runs/chosen"),
  ends("fedlodrop compare RUN RUN …", "fedlodrop compare runs/plain runs/fedlora --out compared-again"),
  serves("fedlodrop replay runs/mine"),
  ends("fedlodrop export runs/mine --peft adapter"),
  ends("fedlodrop export runs/chosen --peft adapter", "fedlodrop export runs/chosen --peft adapter-chosen"),
  ends("fedlodrop export runs/mine --gguf-lora adapter.gguf"),
  ends("fedlodrop export runs/mine --merged model"),
  ends("fedlodrop model list"),
  ends("fedlodrop model inspect NAME", "fedlodrop model inspect model"),
  ends("fedlodrop simulate --devices 100000"),
  ends(
    "fedlodrop simulate --devices 100000 --cohort 2000",
    "fedlodrop simulate --devices 100000 --cohort 2000 --rounds 2",
  ),
  ends("fedlodrop allocate instance.json --compare"),
  ends("fedlodrop allocate FILE", "fedlodrop allocate instance.json"),
  ends("fedlodrop allocate FILE --compare", "fedlodrop allocate instance.json --compare"),
  ends(
    "fedlodrop allocate FILE --json --rel-tol 1e-6",
    "fedlodrop allocate instance.json --json --rel-tol 1e-6",
  ),
  ends("fedlodrop allocate FILE --time-ms 50", "fedlodrop allocate instance.json --time-ms 50"),
  ends("fedlodrop allocate FILE --method p-sca", "fedlodrop allocate instance.json --method p-sca"),
  ends(
    "fedlodrop allocate FILE --plot OUT.svg --device 2",
    "fedlodrop allocate instance.json --plot OUT.svg --device 2 --instance roberta-K3-M5-s2",
  ),
  serves("fedlodrop serve"),
  serves("fedlodrop serve --compare none"),
  serves("fedlodrop serve --host localhost"),
  serves("fedlodrop serve --host localhost --public-url https://lab.example/ --trust-proxy"),
  serves("fedlodrop serve --https"),
  serves("fedlodrop serve --https --mdns class"),
  serves("fedlodrop serve --https --cert cert.pem --key key.pem"),
  serves("fedlodrop serve --task NAME", "fedlodrop serve --task spam"),
  serves("fedlodrop serve --task eras"),
  serves("fedlodrop serve --adapter adapter"),
  serves("fedlodrop serve --model HuggingFaceTB/SmolLM2-135M", "fedlodrop serve --model model"),
  serves("fedlodrop serve --dropout 0.5 --compare fedlora"),
  serves("fedlodrop serve --dp-epsilon 8"),
  serves("fedlodrop serve --dp-epsilon 8 --dp-delta 1e-6 --dp-clip 0.5 --rounds 20"),
  serves("fedlodrop serve --dp-example-epsilon 8"),
  serves("fedlodrop serve --secure-aggregation"),
  serves("fedlodrop serve --secure-aggregation --dp-epsilon 8"),
  serves("fedlodrop serve --out runs/run --log-format json --drain 60"),
  serves("fedlodrop serve --resume --out runs/mine", "fedlodrop serve --resume --out runs/run"),
  serves("fedlodrop serve --resume --out DIR", "fedlodrop serve --resume --out runs/run"),
  joins("fedlodrop join http://192.168.1.5:7860/", "fedlodrop join COORDINATOR --nickname board"),
  joins("fedlodrop join https://ADDRESS:7860/", "fedlodrop join SECURE-COORDINATOR --threads 1"),
];

export interface Exemption {
  /** The whole command without `npx`, or, ending in a blank or a slash, how those of a kind begin. */
  readonly documented: string;
  readonly because: string;
  /** What shows the same in parts. */
  readonly test?: string;
}

export const EXEMPTIONS: readonly Exemption[] = [
  {
    documented: "fedlodrop model add HuggingFaceTB/SmolLM2-135M",
    because: "fetches 270 MB from a hub; tests have one of their own on loopback",
    test: "apps/cli/src/hub/model-store.test.ts",
  },
  {
    documented: "fedlodrop serve --run ",
    because: "needs a PostgreSQL, and gateways a Redis; the test starts a PostgreSQL where there is one",
    test: "apps/coordinator/src/failover.test.ts",
  },
  { documented: "fedlodrop runs", because: "needs a PostgreSQL", test: "apps/cli/src/runs.test.ts" },
  {
    documented: "fedlodrop runs --quota runs=8,devices=500,bytes=20GB",
    because: "needs a PostgreSQL",
    test: "apps/cli/src/runs.test.ts",
  },
  {
    documented: "fedlodrop runs --fetch lecture --out runs/lecture",
    because: "needs a PostgreSQL",
    test: "apps/cli/src/runs.test.ts",
  },
  {
    documented: "fedlodrop federate --model MODEL ",
    because: "weights of others are no part of the project; the test is a run with a model of each family",
    test: "apps/cli/src/model-families.test.ts",
  },
  {
    documented: "fedlodrop reproduce ",
    because: "a study takes minutes to hours; the test runs the quick one",
    test: "apps/cli/src/reproduce/quick.test.ts",
  },
  {
    documented: "tsx bench/",
    because: "a measurement, minutes to hours on a machine that does nothing else",
  },
  { documented: "tsx tools/screenshots/take.ts FOLDER", because: "makes pictures, for people to look at" },
  {
    documented: "tsx tools/verify/families.ts DIR",
    because: "trains every family of models in tabs, minutes",
  },
  { documented: "tsx tools/speeches/make.ts", because: "makes the texts anew from a package of 60 MB" },
  { documented: "npm run pictures", because: "makes pictures, for the documents" },
  { documented: "npm run film", because: "makes a moving picture, for the README" },
  { documented: "npm run changelog", because: "writes a release's changelog" },
  {
    documented: "npm run kernels",
    because: "makes what CI compares with what is committed, by the same program",
  },
  { documented: "npm run knip", because: "tells maintainers what nobody uses" },
  { documented: "npm run nodes", because: "installs three versions of Node; before a release" },
  { documented: "npm run rehearse", because: "executes this list; before a release" },
  { documented: "npm run site", because: "installs what makes the site; before a release" },
  { documented: "npm run stage", because: "is the first step of the rehearsal" },
];
