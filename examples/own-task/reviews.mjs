/** Writes reviews.csv: in real life this file is yours. A column `device` says whose text it is; without it texts are dealt. */
import { writeFileSync } from "node:fs";

const LIKED = ["lovely", "great", "splendid", "delightful", "tasty"];
const DISLIKED = ["awful", "bad", "dreadful", "bland", "cold"];
const THINGS = ["soup", "bread", "service", "room", "music", "view"];

const rows = [];
for (let k = 0; k < 240; k++) {
  const label = k % 2 === 0 ? "liked" : "disliked";
  const word = (label === "liked" ? LIKED : DISLIKED)[k % 5];
  rows.push(
    `"The ${THINGS[k % 6]} was ${word}, and we stayed ${1 + (k % 7)} nights.",${label},owner ${1 + (k % 3)}`,
  );
}
writeFileSync("reviews.csv", ["text,label,device", ...rows].join("\n"));
