// Sums Vitest's and Playwright's JSON results, whether the rehearsal went well (1 or 0) and how many other steps failed into the
// last line of `.ci/run`; exits 1 unless everything passed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, rehearsed, broken] = process.argv.slice(2);
const read = (name) => {
  const path = join(folder, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
};

let passed = rehearsed === "1" ? 1 : 0;
let failed = 1 - passed + Number(broken);
const unit = read("vitest.json");
if (unit) {
  passed += unit.numPassedTests;
  failed += unit.numFailedTests;
  // A file that fails before its first test has no tests to count.
  failed += unit.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
} else failed += 1;

const endToEnd = read("playwright.json");
if (endToEnd) {
  passed += endToEnd.stats.expected;
  failed += endToEnd.stats.unexpected + endToEnd.stats.flaky + endToEnd.errors.length;
} else failed += 1;

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
