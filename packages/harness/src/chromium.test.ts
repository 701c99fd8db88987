import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { browserFlags, launchComplaint } from "./browser.ts";
import { type ChromiumSurroundings, findChromium } from "./chromium.ts";

const machine = (
  files: readonly string[],
  environment: ChromiumSurroundings["environment"] = { PATH: "/usr/local/bin:/usr/bin" },
): ChromiumSurroundings => ({
  environment,
  platform: "linux",
  isExecutable: (path) => files.includes(path),
  playwrightPath: "/cache/chrome",
});

describe("findChromium", () => {
  it("prefers CHROMIUM_PATH to everything else", () => {
    const around = machine(["/mine", "/usr/bin/chromium"], { PATH: "/usr/bin", CHROMIUM_PATH: "/mine" });
    expect(findChromium(around)).toBe("/mine");
  });

  it("refuses a CHROMIUM_PATH that names no executable, even beside another browser", () => {
    const around = machine(["/usr/bin/chromium"], { PATH: "/usr/bin", CHROMIUM_PATH: "/gone" });
    expect(() => findChromium(around)).toThrow("CHROMIUM_PATH: expected an executable file, got /gone");
  });

  it("takes the first on PATH, then the usual places, then Playwright's own", () => {
    const onPath = join("/usr/local/bin", "google-chrome");
    expect(findChromium(machine([onPath, "/usr/bin/chromium", "/cache/chrome"]))).toBe(onPath);
    expect(findChromium(machine(["/snap/bin/chromium", "/cache/chrome"]))).toBe("/snap/bin/chromium");
    expect(findChromium(machine(["/cache/chrome"]))).toBe("/cache/chrome");
  });

  it("finds nothing on a bare machine", () => {
    expect(findChromium(machine([]))).toBeUndefined();
    expect(findChromium(machine(["chromium"], {}))).toBeUndefined();
  });
});

describe("browserFlags", () => {
  it("forces SwiftShader only when asked, and offers no adapter when off", () => {
    expect(browserFlags("auto")).toContain("--enable-unsafe-webgpu");
    expect(browserFlags("auto").join()).not.toContain("swiftshader");
    expect(browserFlags("software")).toContain("--use-webgpu-adapter=swiftshader");
    expect(browserFlags("off").join()).not.toContain("webgpu");
    // Chromium counts the last list alone.
    expect(browserFlags("auto").filter((flag) => flag.startsWith("--disable-features="))).toHaveLength(1);
  });
});

describe("launchComplaint", () => {
  it.each([
    ["Looks like …\n[err] ERROR:ozone_platform_x11.cc Missing X server or $DISPLAY", "there is no display"],
    [
      "[err] chrome: error while loading shared libraries: libnss3.so: cannot open",
      "library libnss3.so is missing",
    ],
    ["closed\n - [pid=7] <process did exit: exitCode=1, signal=null>", "it ended at once (exitCode=1)"],
    ["Executable doesn't exist\nat /x", "Executable doesn't exist; try another browser"],
  ])("says in one line what %j means", (message, complaint) => {
    expect(launchComplaint(message)).toContain(complaint);
    expect(launchComplaint(message)).not.toContain("\n");
  });
});
